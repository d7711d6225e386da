//! The file of a log while it is written: notices when somebody takes it away, and writes it anew beside.
//!
//! All writes go to the end of the file (`O_APPEND`). So a file of another size than what was written has
//! been changed by somebody else.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, SeekFrom, fstat, seek};

use crate::io::log_file::output::OpenedOutput;

/// The most bytes of a log that are kept in memory too: so much can be written anew wherever the file went.
const MAX_KEPT_LEN: usize = 4 << 20;

/// The most files that a log is tried to be written anew in.
const MAX_BESIDE: u32 = 1_000;

/// The most bytes of one write to a file, and to a pipe. Between two writes it can be seen how much is taken.
const MAX_WRITE_LEN: usize = 64 << 10;
const MAX_PIPE_WRITE_LEN: usize = 4 << 10;

/// A change that somebody has made to a log while it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogLoss {
    /// It has no name any more.
    Deleted,
    /// Its path leads to nothing, or to another file.
    Moved,
    /// It is shorter than what was written.
    Truncated,
    /// It is longer.
    Extended,
}

impl fmt::Display for LogLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLoss::Deleted => "somebody has deleted the log",
            LogLoss::Moved => "somebody has moved the log",
            LogLoss::Truncated => "somebody has truncated the log",
            LogLoss::Extended => "somebody else has written to the log",
        })
    }
}

/// The destination of a log, with what is known of it.
#[derive(Debug)]
pub(super) struct LogOutput {
    output: OpenedOutput,
    /// The path that was given, if it is a file: others are beside it.
    given_path: PathBuf,
    /// The size that a regular file must have; `None` if it is not one.
    expected_size: Option<u64>,
    /// Everything that was written, until it is too much.
    kept: Option<Vec<u8>>,
    /// Whether the file had a name at the start. Some programs give one that never has.
    had_name: bool,
    /// Whether the path led to the open file at the start. Some file systems number a file anew each time.
    was_at_path: bool,
}

impl LogOutput {
    pub(super) fn new(output: OpenedOutput) -> LogOutput {
        let (expected_size, had_name) = match &output {
            OpenedOutput::File(..) => (Some(0), true),
            OpenedOutput::Stdout => {
                let stat = fstat(io::stdout())
                    .ok()
                    .filter(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
                let at = stat.and_then(|_| seek(io::stdout(), SeekFrom::Current(0)).ok());
                (at, stat.is_some_and(|stat| stat.st_nlink > 0))
            }
            OpenedOutput::Pipe(_) | OpenedOutput::Discard => (None, false),
        };
        let given_path = match &output {
            OpenedOutput::File(_, path) => path.clone(),
            _ => PathBuf::new(),
        };
        let was_at_path = match &output {
            OpenedOutput::File(file, path) => is_at_path(file, path).unwrap_or(false),
            _ => false,
        };
        let kept = matches!(output, OpenedOutput::File(..)).then(Vec::new);
        LogOutput { output, given_path, expected_size, kept, had_name, was_at_path }
    }

    /// The path of the log, if it is a file.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.output {
            OpenedOutput::File(_, path) => Some(path),
            _ => None,
        }
    }

    /// Whether a write can wait for a reader, and not only for a disk. Where there is no log, the reader is that of
    /// the screen's text.
    pub(super) fn has_reader(&self) -> bool {
        self.expected_size.is_none()
    }

    /// Nothing is written any more.
    pub(super) fn discard(&mut self) {
        self.output = OpenedOutput::Discard;
        self.expected_size = None;
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.output, OpenedOutput::Stdout)
    }

    /// Writes all of `bytes`, and gives how many were written. `on_progress` gets each piece that was.
    pub(super) fn write(&mut self, bytes: &[u8], on_progress: impl Fn(&[u8])) -> (usize, io::Result<()>) {
        let mut done = 0;
        let pieces = bytes.chunks(if self.has_reader() { MAX_PIPE_WRITE_LEN } else { MAX_WRITE_LEN });
        let written = match &mut self.output {
            OpenedOutput::File(file, _) | OpenedOutput::Pipe(file) => {
                write_counted(file, pieces, &mut done, &on_progress)
            }
            OpenedOutput::Stdout => write_counted(&mut UnbufferedStdout, pieces, &mut done, &on_progress),
            OpenedOutput::Discard => {
                on_progress(bytes);
                return (bytes.len(), Ok(()));
            }
        };
        if let Some(size) = &mut self.expected_size {
            *size += done as u64;
        }
        if self.kept.as_ref().is_some_and(|kept| kept.len() + done > MAX_KEPT_LEN) {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&bytes[..done]);
        }
        (done, written)
    }

    /// Takes the last bytes of a file away.
    pub(super) fn cut_off(&mut self, torn: usize) {
        if let (OpenedOutput::File(file, _), Some(size)) = (&mut self.output, &mut self.expected_size) {
            let whole = size.saturating_sub(torn as u64);
            // If this fails too, the log's last line is torn, which readers of logs accept.
            if file.set_len(whole).is_ok() {
                *size = whole;
            }
        }
    }

    /// The change that somebody has made to the file, if any.
    pub(super) fn find_loss(&self) -> Option<LogLoss> {
        let expected = self.expected_size?;
        let stat = match &self.output {
            OpenedOutput::File(file, _) => fstat(file).ok()?,
            OpenedOutput::Stdout => fstat(io::stdout()).ok()?,
            OpenedOutput::Pipe(_) | OpenedOutput::Discard => return None,
        };
        if self.had_name && stat.st_nlink == 0 {
            return Some(LogLoss::Deleted);
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size < expected {
            return Some(LogLoss::Truncated);
        }
        // Other programs may write to the same standard output.
        let OpenedOutput::File(file, path) = &self.output else { return None };
        if size > expected {
            return Some(LogLoss::Extended);
        }
        let has_moved = match is_at_path(file, path) {
            Ok(is_there) => !is_there,
            // A folder that may not be searched any more says nothing of the file.
            Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        };
        (self.was_at_path && has_moved).then_some(LogLoss::Moved)
    }

    /// Goes on at the path that a moved file has now, and gives it if it is known.
    pub(super) fn follow(&mut self) -> Option<&Path> {
        if let OpenedOutput::File(file, path) = &mut self.output {
            *path = present_path(file)?;
        }
        self.path()
    }

    /// Writes everything anew into a file beside, and goes on there. `crc` is the checksum of all that was
    /// written.
    ///
    /// # Errors
    /// When it is not there any more, or there can be no such file. Nothing is changed then.
    pub(super) fn rewrite_beside(&mut self, crc: u32) -> io::Result<()> {
        let (OpenedOutput::File(file, _), Some(size)) = (&self.output, self.expected_size) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let (mut beside, beside_path) = create_beside(&self.given_path)?;
        let copied = match &self.kept {
            Some(kept) => beside.write_all(kept),
            None => copy_open_file(file, size, crc, &mut beside),
        };
        if let Err(error) = copied {
            let _ = std::fs::remove_file(&beside_path);
            return Err(error);
        }
        self.output = OpenedOutput::File(beside, beside_path);
        Ok(())
    }
}

/// The path that leads to an open file now.
fn present_path(file: &File) -> Option<PathBuf> {
    let path = std::fs::read_link(descriptor_path(file)).ok()?;
    is_at_path(file, &path).is_ok_and(|is_there| is_there).then_some(path)
}

/// Whether a path leads to an open file.
fn is_at_path(file: &File, path: &Path) -> io::Result<bool> {
    let (found, stat) = (std::fs::metadata(path)?, fstat(file)?);
    Ok((found.dev(), found.ino()) == (stat.st_dev, stat.st_ino))
}

fn descriptor_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())
}

/// Creates a new file beside another: `log-2.jsonl` beside `log.jsonl`.
fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let (stem, extension) = (path.file_stem().unwrap_or_default(), path.extension());
    // Somebody may have taken the whole folder away.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for n in 2..MAX_BESIDE {
        let mut name = stem.to_owned();
        name.push(format!("-{n}"));
        if let Some(extension) = extension {
            name.push(".");
            name.push(extension);
        }
        let beside = path.with_file_name(name);
        match File::options().append(true).create_new(true).open(&beside) {
            Ok(file) => {
                // A file that was just made is nobody else's.
                let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
                return Ok((file, beside));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Copies the first `size` bytes of a file that is open to write, also of one without a name.
fn copy_open_file(file: &File, size: u64, crc: u32, to: &mut File) -> io::Result<()> {
    let mut left = File::open(descriptor_path(file))?.take(size);
    let mut buffer = vec![0; MAX_WRITE_LEN];
    let mut copied_crc = 0;
    loop {
        let read = left.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        copied_crc = crc32c::crc32c_append(copied_crc, &buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
    match left.limit() == 0 && copied_crc == crc {
        true => Ok(()),
        false => Err(io::Error::other("what it had is not there any more")),
    }
}

/// Standard output without the library's buffer, which would hide how much a failed write has
/// written.
struct UnbufferedStdout;

impl Write for UnbufferedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes all pieces, and counts in `done` what has been written.
fn write_counted<'b>(
    to: &mut impl Write,
    pieces: impl Iterator<Item = &'b [u8]>,
    done: &mut usize,
    on_progress: &impl Fn(&[u8]),
) -> io::Result<()> {
    for mut piece in pieces {
        while !piece.is_empty() {
            match to.write(piece) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    *done += written;
                    on_progress(&piece[..written]);
                    piece = &piece[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
