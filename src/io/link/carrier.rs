//! Carries bytes from one stream to the other with nothing in between: small ones through a buffer that the whole
//! thread shares, many through a pipe, so that they are never copied (splice(2)).

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;

use crate::io::link::state::READ_SIZE;
use crate::io::link::way::ConnectionWay;

/// The reads in a row of at least [`LARGE_READ`] bytes after which a pipe is worth its descriptors.
const READS_BEFORE_PIPE: u32 = 4;

/// The size from which a read counts as large.
const LARGE_READ: usize = 32 << 10;

/// How the bytes of a direction are carried.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    large_reads: u32,
    pipe: Option<Pipe>,
}

#[derive(Debug)]
struct Pipe {
    output: OwnedFd,
    input: OwnedFd,
}

impl Pipe {
    fn new() -> io::Result<Pipe> {
        let (output, input) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // The system may refuse so much to many pipes; then it carries less at a time.
        let _ = fcntl_setpipe_size(&input, READ_SIZE);
        Ok(Pipe { output, input })
    }
}

impl Carrier {
    /// Carries what the source has now. Returns how many bytes, 0 at its end.
    pub(super) async fn carry(&mut self, way: &ConnectionWay<'_>) -> io::Result<usize> {
        match &self.pipe {
            Some(pipe) => splice_once(pipe, way).await,
            None => {
                let read = copy_once(way).await?;
                self.note_read(read);
                Ok(read)
            }
        }
    }

    fn note_read(&mut self, read: usize) {
        self.large_reads = if read >= LARGE_READ { self.large_reads + 1 } else { 0 };
        if self.large_reads >= READS_BEFORE_PIPE {
            self.large_reads = 0;
            // Without a descriptor left for it, the buffer does.
            self.pipe = Pipe::new().ok();
        }
    }
}

/// Reads once, and writes all of it.
async fn copy_once(way: &ConnectionWay<'_>) -> io::Result<usize> {
    let (left, read) = {
        let mut scratch = way.state.scratch.borrow_mut();
        let read = way.source.try_read(&mut scratch)?;
        if read == 0 {
            return Ok(0);
        }
        let written = match way.sink.try_write(&scratch[..read]) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        way.passed.add(way.direction, written);
        if written == read {
            return Ok(read);
        }
        // Others use the buffer while the sink has no room.
        (scratch[written..read].to_vec(), read)
    };
    way.deliver(&left).await?;
    Ok(read)
}

/// Moves once as much as there is into the pipe, and all of it out again.
async fn splice_once(pipe: &Pipe, way: &ConnectionWay<'_>) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    let moved = way
        .source
        .try_io(Interest::READABLE, || Ok(splice(way.source, None, &pipe.input, None, READ_SIZE, flags)?))?;
    let mut left = moved;
    while left > 0 {
        way.state.wait_uncut(way.direction).await;
        let out = way
            .sink
            .try_io(Interest::WRITABLE, || Ok(splice(&pipe.output, None, way.sink, None, left, flags)?));
        match out {
            Ok(out) => {
                way.passed.add(way.direction, out);
                left -= out;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => way.sink.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}
