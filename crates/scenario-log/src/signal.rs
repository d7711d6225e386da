//! Unix signals by name and number. The names that a scenario may use are the same on Linux and on
//! today's BSDs. Sends no signal.

use std::fmt;

/// A Unix signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Numbers and names, without the `SIG`. The numbers are those of Linux on every architecture except
/// MIPS, Alpha and SPARC (signal(7)).
const SIGNAL_NAMES: [(u8, &str); 31] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
];

/// The highest signal number of Linux.
const MAX_SIGNAL: u8 = 64;

impl Signal {
    /// The terminal hung up.
    pub const HUP: Signal = Signal(1);
    /// Ctrl-C was pressed.
    pub const INT: Signal = Signal(2);
    /// The signal that no process can ignore.
    pub const KILL: Signal = Signal(9);
    /// The request to end, which a process can handle.
    pub const TERM: Signal = Signal(15);
    /// The signal that stops a process, which no process can ignore.
    pub const STOP: Signal = Signal(19);
    /// A stopped job continues.
    pub const CONT: Signal = Signal(18);
    /// Ctrl-Z was pressed.
    pub const TSTP: Signal = Signal(20);
    /// A background job tried to read from the terminal.
    pub const TTIN: Signal = Signal(21);
    /// A process took more processor time than its limit.
    pub const XCPU: Signal = Signal(24);
    /// A process wrote a larger file than its limit.
    pub const XFSZ: Signal = Signal(25);
    /// A background job tried to change the terminal's settings.
    pub const TTOU: Signal = Signal(22);

    /// The signal with this number; `None` if the number is not between 1 and 64.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Signal> {
        u8::try_from(number).ok().filter(|n| (1..=MAX_SIGNAL).contains(n)).map(Signal)
    }

    /// The signal with this name: `TERM`, `SIGTERM` or `term`. Real-time signals have no name here; they
    /// are written as their number, `32` to `64`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Signal> {
        let upper = name.to_ascii_uppercase();
        let short = upper.strip_prefix("SIG").unwrap_or(&upper);
        SIGNAL_NAMES.iter().find(|(_, known)| *known == short).map(|(number, _)| Signal(*number)).or_else(
            || {
                short
                    .parse()
                    .ok()
                    .filter(|n| (32..=i32::from(MAX_SIGNAL)).contains(n))
                    .and_then(Signal::from_number)
            },
        )
    }

    /// All names that [`Signal::from_name`] accepts, without the `SIG`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SIGNAL_NAMES.iter().map(|(_, name)| *name)
    }

    /// The signal's number, 1 to 64.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SIGNAL_NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_reads_back_as_it_is_written() {
        for number in 1..=i32::from(MAX_SIGNAL) {
            let Some(signal) = Signal::from_number(number) else { panic!("{number} is a signal") };
            assert_eq!(Signal::from_name(&signal.to_string()), Some(signal));
        }
        assert_eq!(Signal::from_name("SIGTERM"), Some(Signal::TERM));
        assert_eq!(Signal::from_name("sigint"), Some(Signal::INT));
        assert_eq!(Signal::from_name("NONE"), None);
        assert_eq!(Signal::from_number(0), None);
    }
}
