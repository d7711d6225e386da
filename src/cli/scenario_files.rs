//! Scenario files from the disk and from standard input. Never hangs: what is no regular file is
//! refused before it is read, and no more is read than a scenario may have.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use crate::io::watch::Changes;
use scenario_core::scenario::{FileRead, Files, LONGEST_FILE, ReadFault};

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<FileRead, ReadFault> {
        if path == Path::new("-") {
            let bytes = read_up_to(std::io::stdin().lock())?;
            return Ok(FileRead { bytes, identity: "-".to_owned() });
        }
        // Without O_NONBLOCK the opening of a FIFO waits for its writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = rustix::fs::open(path, flags, Mode::empty()).map_err(fault)?;
        let stat = rustix::fs::fstat(&file).map_err(fault)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(fault(rustix::io::Errno::ISDIR)),
            other => return Err(ReadFault(format!("it is {}, not a regular file", named(other)))),
        }
        let bytes = read_up_to(File::from(file))?;
        Ok(FileRead { bytes, identity: format!("{}:{}", stat.st_dev, stat.st_ino) })
    }
}

/// The same, with each file noted as it was before it was read.
#[derive(Debug, Default)]
pub struct Noted(RefCell<Changes>);

impl Noted {
    /// What was noted.
    #[must_use]
    pub fn changes(self) -> Changes {
        self.0.into_inner()
    }
}

impl Files for Noted {
    fn read(&self, path: &Path) -> Result<FileRead, ReadFault> {
        self.0.borrow_mut().note(path);
        Disk.read(path)
    }
}

fn fault(errno: rustix::io::Errno) -> ReadFault {
    ReadFault(std::io::Error::from(errno).to_string())
}

fn named(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}

fn read_up_to(source: impl Read) -> Result<Vec<u8>, ReadFault> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST_FILE).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes).map_err(|error| ReadFault(error.to_string()))?;
    Ok(bytes)
}
