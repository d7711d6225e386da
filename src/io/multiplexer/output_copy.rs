//! The file of a preset that gets what its programs write, besides the log. It is always written at its end, so
//! that several spawns, and several runs, can share it. What the log has redacted is redacted here too.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::OFlags;

use crate::io::notices::Notices;
use scenario_log::event::Source;

/// The file of one spawn.
#[derive(Debug)]
pub struct OutputCopy {
    file: File,
    /// As the scenario has it.
    shown: String,
    source: Source,
    has_failed: Cell<bool>,
    notices: Rc<Notices>,
}

impl OutputCopy {
    /// Opens the file at its end. Makes it, and its folder, if they are not there.
    ///
    /// # Errors
    /// When it cannot be written, as a message.
    pub fn open(
        path: &Path,
        shown: &Path,
        source: Source,
        notices: &Rc<Notices>,
    ) -> Result<Rc<OutputCopy>, String> {
        let shown = shown.display().to_string();
        let file =
            open_at_end(path).map_err(|error| format!("its `output` {shown} cannot be written: {error}"))?;
        Ok(Rc::new(OutputCopy {
            file,
            shown,
            source,
            has_failed: Cell::new(false),
            notices: Rc::clone(notices),
        }))
    }

    /// Writes what came. After a failure, which is told once, nothing more is written: the log has all of it.
    pub(super) fn write(&self, bytes: &[u8]) {
        if self.has_failed.get() {
            return;
        }
        if let Err(error) = (&self.file).write_all(bytes) {
            self.has_failed.set(true);
            let OutputCopy { shown, source, .. } = self;
            self.notices.push(format!(
                "{shown} gets no more of what {source} writes: {error}; the log has all of it"
            ));
        }
    }
}

fn open_at_end(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Opening a FIFO would wait for a reader.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().append(true).create(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a file"))
}
