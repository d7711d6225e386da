//! The exit codes of the program, by name.

use scenario_log::signal::Signal;

/// The signals that end a command in order.
const ORDERLY: [Signal; 3] = [Signal::HUP, Signal::INT, Signal::TERM];

/// How the program ends; the discriminants are the codes a shell sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Everything went as the scenario expects.
    Passed,
    /// The command ran, but its result is not as expected.
    Failed,
    /// Wrong usage, or an invalid scenario; nothing was started.
    Usage,
    /// A replay or a diff found a difference.
    Different,
    /// The system refused something: a file, a port, a write to the log.
    Refused,
    /// A log that cannot be used: damaged, cut short, of a newer format.
    UnusableLog,
    /// A signal ended the command, after an orderly stop. The process then dies of it, which a shell shows
    /// as 128 and the signal's number.
    Signalled(Signal),
    /// The same of a process that is guarded. It ends with that number, and its guard dies of the signal.
    SignalledUnderGuard(Signal),
    /// The program has a fault of its own; the code is that of any Rust program that panics.
    InternalError,
    /// The code of the process that this one guarded.
    FromGuarded(u8),
}

impl ExitCode {
    /// The number that a shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Passed => 0,
            ExitCode::Failed => 1,
            ExitCode::Usage => 2,
            ExitCode::Different => 3,
            ExitCode::Refused => 4,
            ExitCode::UnusableLog => 5,
            ExitCode::Signalled(signal) | ExitCode::SignalledUnderGuard(signal) => {
                128u8.saturating_add(signal.number())
            }
            ExitCode::InternalError => 101,
            ExitCode::FromGuarded(code) => code,
        }
    }

    /// The signal that the process is to die of now that everything has ended in order.
    #[must_use]
    pub fn deadly_signal(self) -> Option<Signal> {
        match self {
            ExitCode::Signalled(signal) => Some(signal),
            ExitCode::FromGuarded(code) => ORDERLY.into_iter().find(|signal| signal.number() + 128 == code),
            _ => None,
        }
    }
}
