//! What a program used, as the kernel counts it: in its `spawn.exited` and in each `spawn.sample`.

use crate::time::Span;

/// What a program had used when it ended. Players in the runner have nothing of it, nor do older logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpawnUsage {
    /// The processor time of the process and of those that it has waited for.
    pub cpu: Option<Span>,
    /// The most memory that one of them had resident at once, in bytes.
    pub peak_memory: Option<u64>,
    /// The limit that ended it, if one is known to have.
    pub exceeded: Option<LimitKind>,
}

/// What all processes of a spawn use at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpawnSample {
    /// The sum of their resident sets, in bytes.
    pub memory: u64,
    /// Their processor time so far.
    pub cpu: Span,
    /// The number of processes.
    pub processes: u64,
    /// The number of their threads.
    pub threads: u64,
    /// The number of their open descriptors; `None` if the runner may not look at them.
    pub descriptors: Option<u64>,
}

/// A limit of a program whose excess ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// The memory of its whole group.
    Memory,
    /// Its processor time.
    Cpu,
    /// The size of a file that it writes.
    FileSize,
}

impl LimitKind {
    /// All kinds, in the order of the schema.
    pub const ALL: [LimitKind; 3] = [LimitKind::Memory, LimitKind::Cpu, LimitKind::FileSize];

    /// The kind's name in the log and in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LimitKind::Memory => "memory",
            LimitKind::Cpu => "cpu",
            LimitKind::FileSize => "file_size",
        }
    }

    /// The kind with this name; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<LimitKind> {
        LimitKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a program did that exceeded it: words that follow the program's name.
    #[must_use]
    pub fn excess(self) -> &'static str {
        match self {
            LimitKind::Memory => "took more memory than its limit",
            LimitKind::Cpu => "took more processor time than its limit",
            LimitKind::FileSize => "wrote a larger file than its limit",
        }
    }
}
