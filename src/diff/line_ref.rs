//! A line of a log that may have to be shown: where it stands, and its bytes where they are at hand.
//! Reads it again from the file where they are not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use scenario_log::reader::LogLine;

/// The longest line that is kept of a log that cannot be read again, in bytes.
const MAX_KEPT_BYTES: usize = 1 << 10;

/// A line of a log.
#[derive(Clone, Debug)]
pub struct LogLineRef {
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins, in bytes.
    offset: u64,
    length: usize,
    /// Its log cannot be read again.
    is_gone_once_read: bool,
    /// The line without its newline, where it is at hand.
    pub bytes: Option<Box<[u8]>>,
}

/// The line that is read now.
#[derive(Clone, Copy, Debug)]
pub(super) struct CurrentLine<'a> {
    pub(super) line: &'a LogLine<'a>,
    pub(super) offset: u64,
    /// Its log cannot be read again.
    pub(super) is_gone_once_read: bool,
}

impl CurrentLine<'_> {
    /// Its place, to be shown now.
    pub(super) fn to_shown_ref(&self) -> LogLineRef {
        self.line_ref(true)
    }

    /// Its place, in case that it must be shown later.
    pub(super) fn to_pending_ref(&self) -> LogLineRef {
        self.line_ref(self.is_gone_once_read && self.line.bytes.len() <= MAX_KEPT_BYTES)
    }

    fn line_ref(&self, with_bytes: bool) -> LogLineRef {
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
    /// Reads the bytes again, where they are not at hand and that can be done.
    ///
    /// # Errors
    /// What the system says.
    pub fn reread(&mut self, log: &Path) -> io::Result<()> {
        if self.bytes.is_some() || self.is_gone_once_read {
            return Ok(());
        }
        let mut file = File::open(log)?;
        file.seek(SeekFrom::Start(self.offset))?;
        // The length is that of a line that was in memory before.
        let mut bytes = vec![0; self.length];
        file.read_exact(&mut bytes)?;
        self.bytes = Some(bytes.into());
        Ok(())
    }
}
