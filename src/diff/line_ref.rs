//! A line of a log that may have to be shown: its place, and its bytes if they are in memory. Otherwise it
//! is read from the file again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use scenario_log::reader::LogLine;

/// The longest line, in bytes, that is kept of a log that cannot be read again.
const MAX_KEPT_BYTES: usize = 1 << 10;

/// A line of a log.
#[derive(Clone, Debug)]
pub struct LogLineRef {
    /// Its number, counted from 1.
    pub number: u64,
    /// The offset of its beginning, in bytes.
    offset: u64,
    length: usize,
    /// Whether its log cannot be read again.
    is_gone_once_read: bool,
    /// The line without its newline, if it is in memory.
    pub bytes: Option<Box<[u8]>>,
}

/// The line that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurrentLine<'a> {
    pub(super) line: &'a LogLine<'a>,
    pub(super) offset: u64,
    /// Whether its log cannot be read again.
    pub(super) is_gone_once_read: bool,
}

impl CurrentLine<'_> {
    /// A reference to the line, to be shown now.
    pub(super) fn to_shown_ref(self) -> LogLineRef {
        self.line_ref(true)
    }

    /// A reference to the line, in case it must be shown later.
    pub(super) fn to_pending_ref(self) -> LogLineRef {
        self.line_ref(self.is_gone_once_read && self.line.bytes.len() <= MAX_KEPT_BYTES)
    }

    fn line_ref(self, with_bytes: bool) -> LogLineRef {
        let LogLine { number, bytes, .. } = *self.line;
        let kept = with_bytes.then(|| bytes.into());
        LogLineRef {
            number,
            offset: self.offset,
            length: bytes.len(),
            is_gone_once_read: self.is_gone_once_read,
            bytes: kept,
        }
    }
}

impl LogLineRef {
    /// Reads the bytes again, if they are not in memory and the log can be read again.
    ///
    /// # Errors
    /// The system's error when the log is opened or read.
    pub fn reread(&mut self, log: &Path) -> io::Result<()> {
        if self.bytes.is_some() || self.is_gone_once_read {
            return Ok(());
        }
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(self.offset))?;
        // A line of this length was in memory before.
        let mut bytes = vec![0; self.length];
        file.read_exact(&mut bytes)?;
        self.bytes = Some(bytes.into());
        Ok(())
    }
}
