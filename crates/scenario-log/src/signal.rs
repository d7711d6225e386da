//! Signals by name and number, as Linux and the BSDs of today share them where a scenario may name
//! them. Sends nothing.

use std::fmt;

/// A Unix signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

/// Number and name, without the `SIG`. Numbers are Linux's on every architecture but MIPS, Alpha
/// and SPARC (signal(7)).
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
    /// A terminal's hang-up.
    pub const HUP: Signal = Signal(1);
    /// Ctrl-C.
    pub const INT: Signal = Signal(2);
    /// The one that nothing can ignore.
    pub const KILL: Signal = Signal(9);
    /// The polite request to end.
    pub const TERM: Signal = Signal(15);
    /// What a job that was stopped goes on by.
    pub const CONT: Signal = Signal(18);
    /// Ctrl-Z.
    pub const TSTP: Signal = Signal(20);
    /// Sent to who reads the terminal and is not the job in the foreground.
    pub const TTIN: Signal = Signal(21);
    /// Sent to who sets the terminal and is not the job in the foreground.
    pub const TTOU: Signal = Signal(22);

    /// The signal of this number, if there is one (1 to 64).
    #[must_use]
    pub fn from_number(number: i32) -> Option<Signal> {
        u8::try_from(number).ok().filter(|n| (1..=MAX_SIGNAL).contains(n)).map(Signal)
    }

    /// The signal of this name: `TERM`, `SIGTERM` or `term`; real-time signals have no name here and
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

    /// The names that [`Signal::from_name`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SIGNAL_NAMES.iter().map(|(_, name)| *name)
    }

    /// Its number.
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
