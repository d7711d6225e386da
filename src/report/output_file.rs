//! Where what is made of a run goes: a file, a pipe or standard output, opened before anything is
//! started, and written through a buffer.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use crate::io::log_file::writer::{OpenedOutput, OutputDestination, RefusedError, open_output};

/// How much is written at once.
const BUFFER_SIZE: usize = 256 << 10;

/// A place that is open.
#[derive(Debug)]
pub struct OutputFile(OutputTarget);

#[derive(Debug)]
enum OutputTarget {
    File(BufWriter<File>),
    Stdout(BufWriter<Stdout>),
    /// Whoever read it has seen enough.
    Nowhere,
}

impl OutputFile {
    /// Opens a place that an option names, and empties a file that is there.
    ///
    /// # Errors
    /// When the system refuses, or a run writes its log there.
    pub fn open(option: &str, destination: &OutputDestination) -> Result<OutputFile, RefusedError> {
        Ok(OutputFile(match open_output(option, destination, true)? {
            OpenedOutput::File(file) => OutputTarget::File(BufWriter::with_capacity(BUFFER_SIZE, file)),
            OpenedOutput::Stdout => OutputTarget::Stdout(BufWriter::with_capacity(BUFFER_SIZE, io::stdout())),
            OpenedOutput::Discard => OutputTarget::Nowhere,
        }))
    }

    fn write_unless_closed<T>(
        &mut self,
        gone: T,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        let written = match &mut self.0 {
            OutputTarget::File(file) => write(file),
            OutputTarget::Stdout(stdout) => write(stdout),
            OutputTarget::Nowhere => return Ok(gone),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                if let OutputTarget::Stdout(stdout) = std::mem::replace(&mut self.0, OutputTarget::Nowhere) {
                    // What it still holds has nowhere to go.
                    let _ = stdout.into_parts();
                }
                Ok(gone)
            }
            written => written,
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_unless_closed(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_unless_closed((), |to| to.flush())
    }
}
