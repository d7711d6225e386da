//! Sends a process the states of the world. A process gets each state at once if its pipe takes it. A
//! process that reads more slowly than states come gets the newest only.
//!
//! Never makes the run wait, and never grows: at most one state is half written and one waits after
//! it. The states between them are counted and never sent.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

use rustix::io::retry_on_intr;
use tokio::net::unix::pipe::Sender;
use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct ProcessWorldFeed {
    state: RefCell<WorldFeedState>,
    /// Notified when there is something to write, or when there never will be.
    changed: Notify,
}

#[derive(Debug)]
struct WorldFeedState {
    /// `None` once the process does not read any more, or has ended.
    pipe: Option<Rc<Sender>>,
    /// The state that is being written, and how many of its bytes are.
    current: Option<(Arc<[u8]>, usize)>,
    /// The state to write next.
    queued: Option<Arc<[u8]>>,
    skipped: u64,
}

impl ProcessWorldFeed {
    pub(super) fn new(pipe: Sender) -> Rc<ProcessWorldFeed> {
        let inside = WorldFeedState { pipe: Some(Rc::new(pipe)), current: None, queued: None, skipped: 0 };
        Rc::new(ProcessWorldFeed { state: RefCell::new(inside), changed: Notify::new() })
    }

    /// Sends a state, or lets it wait in place of the one that waits. `lost` states before it are
    /// lost.
    pub(super) fn send(&self, line: &Arc<[u8]>, lost: u64) {
        let mut inside = self.state.borrow_mut();
        inside.flush_now();
        if inside.pipe.is_some() {
            inside.send(line);
            inside.skipped += if inside.pipe.is_some() { lost } else { 0 };
        }
        if inside.current.is_some() {
            self.changed.notify_one();
        }
    }

    /// Sends nothing more, and gives how many states were not sent whole.
    pub(super) fn close(&self) -> u64 {
        let mut inside = self.state.borrow_mut();
        inside.close();
        self.changed.notify_one();
        inside.skipped
    }

    /// Writes what the pipe did not take at once, until the process does not read any more or has
    /// ended.
    pub(super) async fn write_until_closed(&self) {
        loop {
            let pipe = match &*self.state.borrow() {
                WorldFeedState { pipe: None, .. } => return,
                WorldFeedState { current: None, .. } => None,
                WorldFeedState { pipe, .. } => pipe.clone(),
            };
            let Some(pipe) = pipe else {
                self.changed.notified().await;
                continue;
            };
            if pipe.writable().await.is_err() {
                return self.state.borrow_mut().close();
            }
            self.state.borrow_mut().write_with(|bytes| pipe.try_write(bytes));
        }
    }
}

impl WorldFeedState {
    /// Writes as much as the pipe takes now.
    fn flush_now(&mut self) {
        if let Some(pipe) = self.pipe.clone() {
            self.write_with(|bytes| write_nonblocking(&pipe, bytes));
        }
    }

    /// Writes as much as `write` takes.
    fn write_with(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
        while let Some((line, written)) = &mut self.current {
            match write(&line[*written..]) {
                Ok(more) => *written += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // A process that stops reading makes no mistake.
                Err(_) => return self.close(),
            }
            if *written == line.len() {
                self.current = self.queued.take().map(|line| (line, 0));
            }
        }
    }

    /// Starts to write a new state, or puts it in place of the one that waits.
    fn send(&mut self, line: &Arc<[u8]>) {
        let fresh = Arc::clone(line);
        match (&mut self.current, &self.pipe) {
            (None, Some(pipe)) => match write_nonblocking(pipe, line) {
                Ok(written) if written == line.len() => {}
                Ok(written) => self.current = Some((fresh, written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.current = Some((fresh, 0)),
                // A process that stops reading has not missed it.
                Err(_) => self.pipe = None,
            },
            (Some((waiting, 0)), _) => {
                *waiting = fresh;
                self.skipped += 1;
            }
            _ => self.skipped += u64::from(self.queued.replace(fresh).is_some()),
        }
    }

    fn close(&mut self) {
        self.pipe = None;
        self.skipped += u64::from(self.current.take().is_some()) + u64::from(self.queued.take().is_some());
    }
}

/// Writes what the pipe takes now. Not through the runtime, which knows that a pipe has room only
/// after it has waited for it.
fn write_nonblocking(pipe: &Sender, bytes: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::write(pipe, bytes))?)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, PipeReader};

    use super::*;
    use crate::io::runtime;

    /// A feed, and the other end of its pipe.
    fn feed() -> (Rc<ProcessWorldFeed>, BufReader<PipeReader>) {
        let (theirs, ours) = io::pipe().unwrap();
        (ProcessWorldFeed::new(Sender::from_owned_fd(ours.into()).unwrap()), BufReader::new(theirs))
    }

    /// Line number `n`, of a thousand bytes.
    fn line(n: usize) -> Arc<[u8]> {
        format!("{n:>999}\n").into_bytes().into()
    }

    fn read(reader: &mut BufReader<PipeReader>) -> Option<usize> {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.is_empty() { None } else { Some(line.trim().parse().unwrap()) }
    }

    #[test]
    fn a_pipe_with_room_is_written_at_once() {
        runtime::build().unwrap().block_on(async {
            let (feed, mut reader) = feed();
            for n in 0..1_000 {
                feed.send(&line(n), 0);
                assert_eq!(read(&mut reader), Some(n));
            }
            assert_eq!(feed.close(), 0);
            assert_eq!(read(&mut reader), None);
        });
    }

    #[test]
    fn a_slow_reader_gets_the_half_written_line_and_the_newest() {
        runtime::build().unwrap().block_on(async {
            let (feed, mut reader) = feed();
            for n in 0..500 {
                feed.send(&line(n), 0);
            }
            feed.send(&line(500), 7);
            // The lines in the pipe, then the line that is half in it, and then the newest of all.
            let first: Vec<usize> = (0..3).map(|_| read(&mut reader).unwrap()).collect();
            assert_eq!(first, [0, 1, 2]);
            feed.send(&line(501), 0);
            let (done, read_to_the_end) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                let mut rest = Vec::new();
                while rest.last() != Some(&501)
                    && let Some(n) = read(&mut reader)
                {
                    rest.push(n);
                }
                let _ = done.send(rest);
            });
            let rest = tokio::select! {
                () = feed.write_until_closed() => unreachable!("it is not closed"),
                rest = read_to_the_end => rest.unwrap(),
            };
            let gap = rest.windows(2).position(|two| two[1] != two[0] + 1).unwrap();
            assert_eq!(rest[gap + 1..], [500, 501], "from the half-written line to what was the newest then");
            let got = first.len() + rest.len();
            // All states that were sent, including those that no process got.
            assert_eq!(got + feed.close() as usize, 502 + 7);
        });
    }

    #[test]
    fn waiting_states_count_as_skipped_at_the_end_but_not_after_the_reader_closed() {
        runtime::build().unwrap().block_on(async {
            let (feed, mut reader) = feed();
            (0..500).for_each(|n| feed.send(&line(n), 0));
            let skipped = feed.close() as usize;
            let whole = std::iter::from_fn(|| {
                let mut line = Vec::new();
                reader.read_until(b'\n', &mut line).unwrap();
                (line.len() == 1_000).then_some(())
            });
            assert_eq!(whole.count() + skipped, 500);

            let (feed, reader) = self::feed();
            feed.send(&line(0), 0);
            drop(reader);
            (1..9).for_each(|n| feed.send(&line(n), 1));
            assert_eq!(feed.close(), 0);
        });
    }
}
