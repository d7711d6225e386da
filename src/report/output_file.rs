//! The destination of a report: a file, a pipe or standard output. It is opened before anything starts, and
//! written through a buffer.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use crate::io::log_file::kept_files::KeptFiles;
use crate::io::log_file::output::{OpenedOutput, OutputDestination, RefusedError, open_output};

/// How many bytes are written at once.
const BUFFER_SIZE: usize = 256 << 10;

/// A destination that is open.
#[derive(Debug)]
pub struct OutputFile(OutputTarget);

#[derive(Debug)]
enum OutputTarget {
    File(BufWriter<File>),
    Stdout(BufWriter<Stdout>),
    /// Its reader has closed the pipe.
    Nowhere,
}

impl OutputFile {
    /// Opens the destination that an option names, and empties an existing file.
    ///
    /// # Errors
    /// If the system refuses, a run writes its log there, or the file is one of `kept`.
    pub fn open(
        option: &str,
        destination: &OutputDestination,
        kept: &KeptFiles,
    ) -> Result<OutputFile, RefusedError> {
        Ok(OutputFile(match open_output(option, destination, true, kept)? {
            OpenedOutput::File(file, _) | OpenedOutput::Pipe(file) => {
                OutputTarget::File(BufWriter::with_capacity(BUFFER_SIZE, file))
            }
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
                    // The bytes that it still holds have nowhere to go.
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
