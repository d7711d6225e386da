//! Reads scenario files from the disk and from standard input. Reading a path never hangs: anything that is
//! not a regular file is refused before it is read. No more bytes are read than a scenario may have.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use crate::io::file_watch::FileWatchList;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, MAX_DATA_LEN, MAX_FILE_LEN};

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

impl FileProvider for DiskFiles {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        if path == Path::new("-") {
            let bytes = read_limited(std::io::stdin().lock(), MAX_FILE_LEN)?;
            return Ok(FileContent { bytes, identity: "-".to_owned() });
        }
        DiskFiles::read_path(path, MAX_FILE_LEN)
    }

    fn read_data(&self, path: &Path) -> Result<FileContent, FileReadError> {
        DiskFiles::read_path(path, MAX_DATA_LEN)
    }
}

impl DiskFiles {
    /// Reads a regular file, one byte more than `limit` at most.
    fn read_path(path: &Path, limit: usize) -> Result<FileContent, FileReadError> {
        // Without O_NONBLOCK, opening a FIFO waits for its writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(to_read_error)?;
        let stat = rustix::fs::fstat(&file).map_err(to_read_error)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(to_read_error(rustix::io::Errno::ISDIR)),
            other => {
                return Err(FileReadError(format!("it is {}, not a regular file", file_type_name(other))));
            }
        }
        let bytes = read_limited(File::from(file), limit)?;
        Ok(FileContent { bytes, identity: format!("{}:{}", stat.st_dev, stat.st_ino) })
    }
}

/// The same, and records the state of each file before it is read, so that changes can be found later.
#[derive(Debug, Default)]
pub struct RecordingFiles(RefCell<FileWatchList>);

impl RecordingFiles {
    /// The files that were read, for a watcher.
    #[must_use]
    pub fn changes(self) -> FileWatchList {
        self.0.into_inner()
    }
}

impl FileProvider for RecordingFiles {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        self.0.borrow_mut().add(path);
        DiskFiles.read(path)
    }

    fn read_data(&self, path: &Path) -> Result<FileContent, FileReadError> {
        self.0.borrow_mut().add(path);
        DiskFiles.read_data(path)
    }
}

fn to_read_error(errno: rustix::io::Errno) -> FileReadError {
    FileReadError(std::io::Error::from(errno).to_string())
}

fn file_type_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}

fn read_limited(source: impl Read, limit: usize) -> Result<Vec<u8>, FileReadError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes).map_err(|error| FileReadError(error.to_string()))?;
    Ok(bytes)
}
