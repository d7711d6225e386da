//! Sends a process the states of the world: each at once if its pipe takes it, and to one that reads
//! more slowly than they come only the newest.
//!
//! Never makes the run wait, and never grows: at most one state is half written, and one waits behind
//! it. Those between are counted, and nobody gets them.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use rustix::io::retry_on_intr;
use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;

/// What one process is told of the world.
#[derive(Debug)]
pub(super) struct Bulletin {
    inside: RefCell<Inside>,
    /// Something waits to be written, or nothing more will.
    news: Notify,
}

#[derive(Debug)]
struct Inside {
    /// None once nobody reads, or the process has ended.
    pipe: Option<Rc<Sender>>,
    /// What is written now, and how many bytes of it have been.
    now: Option<(Arc<[u8]>, usize)>,
    /// What is to be written next.
    next: Option<Arc<[u8]>>,
    skipped: u64,
}

impl Bulletin {
    /// For a process that reads this pipe.
    pub(super) fn new(pipe: Sender) -> Rc<Bulletin> {
        let inside = Inside { pipe: Some(Rc::new(pipe)), now: None, next: None, skipped: 0 };
        Rc::new(Bulletin { inside: RefCell::new(inside), news: Notify::new() })
    }

    /// Sends a state, or has it wait in the place of the one that waits; so many before it are lost.
    pub(super) fn put(&self, line: &Arc<[u8]>, lost: u64) {
        let mut inside = self.inside.borrow_mut();
        inside.push();
        if inside.pipe.is_some() {
            inside.skipped += lost;
            inside.put(line);
        }
        if inside.now.is_some() {
            self.news.notify_one();
        }
    }

    /// Sends nothing more, and tells how many states the process was not sent whole.
    pub(super) fn close(&self) -> u64 {
        let mut inside = self.inside.borrow_mut();
        inside.close();
        self.news.notify_one();
        inside.skipped
    }

    /// Writes on what the pipe did not take at once, until nobody reads or the process has ended.
    pub(super) async fn write_on(&self) {
        loop {
            let pipe = match &*self.inside.borrow() {
                Inside { pipe: None, .. } => return,
                Inside { now: None, .. } => None,
                Inside { pipe, .. } => pipe.clone(),
            };
            let Some(pipe) = pipe else {
                self.news.notified().await;
                continue;
            };
            if pipe.writable().await.is_err() {
                return self.inside.borrow_mut().close();
            }
            self.inside.borrow_mut().write_with(|bytes| pipe.try_write(bytes));
        }
    }
}

impl Inside {
    /// Writes of what waits as much as the pipe takes now.
    fn push(&mut self) {
        if let Some(pipe) = self.pipe.clone() {
            self.write_with(|bytes| write_at_once(&pipe, bytes));
        }
    }

    /// Writes what waits, as far as it is taken.
    fn write_with(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
        while let Some((line, written)) = &mut self.now {
            match write(&line[*written..]) {
                Ok(more) => *written += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Who reads no more does nothing wrong.
                Err(_) => return self.close(),
            }
            if *written == line.len() {
                self.now = self.next.take().map(|line| (line, 0));
            }
        }
    }

    /// A new state is written, or takes the place of the one that waits.
    fn put(&mut self, line: &Arc<[u8]>) {
        let fresh = Arc::clone(line);
        match (&mut self.now, &self.pipe) {
            (None, Some(pipe)) => match write_at_once(pipe, line) {
                Ok(written) if written == line.len() => {}
                Ok(written) => self.now = Some((fresh, written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.now = Some((fresh, 0)),
                // To who reads no more it is not sent too late.
                Err(_) => self.pipe = None,
            },
            (Some((waiting, 0)), _) => {
                *waiting = fresh;
                self.skipped += 1;
            }
            _ => self.skipped += u64::from(self.next.replace(fresh).is_some()),
        }
    }

    fn close(&mut self) {
        self.pipe = None;
        self.skipped += u64::from(self.now.take().is_some()) + u64::from(self.next.take().is_some());
    }
}

/// Writes what the pipe takes now. Not by way of the runtime, which knows that a pipe takes something only
/// once it has waited for that.
fn write_at_once(pipe: &Sender, bytes: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::write(pipe, bytes))?)
}
