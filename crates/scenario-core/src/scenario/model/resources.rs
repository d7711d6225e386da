//! What a program may take of the machine, and how that is watched.

use std::path::PathBuf;

use crate::scenario::format::{format_size, format_span};
use scenario_log::event::LimitKind;
use scenario_log::time::Span;

/// What a program may take, as whom it runs, and where its output goes besides the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramResources {
    /// The period of its samples; `None`: there are none. At least 10 ms.
    pub sample: Option<Span>,
    /// Its limits.
    pub limits: ProgramLimits,
    /// The user that it runs as, perhaps with a group: `nobody`, `1000:1000`. `None`: the runner's.
    pub user: Option<String>,
    /// The file that gets its output; the path is relative to the scenario's folder.
    pub output: Option<PathBuf>,
}

/// The most that a program may take. A limit that is `None` is the runner's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramLimits {
    /// Its memory, in bytes.
    pub memory: Option<u64>,
    /// The open descriptors of each process.
    pub files: Option<u32>,
    /// Its processes and threads.
    pub processes: Option<u32>,
    /// The size of each file that it writes, in bytes.
    pub file_size: Option<u64>,
    /// The processor time of each process, in whole seconds.
    pub cpu: Option<Span>,
}

impl ProgramLimits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == ProgramLimits::default()
    }

    /// The limit of a kind in words; `None` if there is none.
    #[must_use]
    pub fn describe(&self, kind: LimitKind) -> Option<String> {
        match kind {
            LimitKind::Memory => self.memory.map(describe_size),
            LimitKind::Cpu => self.cpu.map(format_span),
            LimitKind::FileSize => self.file_size.map(describe_size),
        }
    }
}

/// A size in words. Where no unit fits, the file has a bare number.
fn describe_size(bytes: u64) -> String {
    let size = format_size(bytes);
    if size.bytes().all(|byte| byte.is_ascii_digit()) { format!("{size} bytes") } else { size }
}
