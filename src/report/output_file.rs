//! Where what is made of a run goes: a file, a pipe or standard output, opened before anything is
//! started, and written through a buffer.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use crate::io::log_file::writer::{Destination, Opened, Refusal, open_for};

/// How much is written at once.
const PIECE: usize = 256 << 10;

/// A place that is open.
#[derive(Debug)]
pub struct Output(To);

#[derive(Debug)]
enum To {
    File(BufWriter<File>),
    Stdout(BufWriter<Stdout>),
    /// Whoever read it has seen enough.
    Nowhere,
}

impl Output {
    /// Opens a place that an option names, and empties a file that is there.
    ///
    /// # Errors
    /// When the system refuses, or a run writes its log there.
    pub fn open(option: &str, destination: &Destination) -> Result<Output, Refusal> {
        Ok(Output(match open_for(option, destination, true)? {
            Opened::File(file) => To::File(BufWriter::with_capacity(PIECE, file)),
            Opened::Stdout => To::Stdout(BufWriter::with_capacity(PIECE, io::stdout())),
            Opened::Nowhere => To::Nowhere,
        }))
    }

    fn until_gone<T>(
        &mut self,
        gone: T,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        let written = match &mut self.0 {
            To::File(file) => write(file),
            To::Stdout(stdout) => write(stdout),
            To::Nowhere => return Ok(gone),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                if let To::Stdout(stdout) = std::mem::replace(&mut self.0, To::Nowhere) {
                    // What it still holds has nowhere to go.
                    let _ = stdout.into_parts();
                }
                Ok(gone)
            }
            written => written,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_gone(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_gone((), |to| to.flush())
    }
}
