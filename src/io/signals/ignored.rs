//! Keeps the signals ignored that were ignored when the program was started: `nohup` does that with
//! HUP, so that a program outlives its terminal, and a script does it with INT and QUIT for a program
//! in its background. A handler would take that back, here and in every program that is started from
//! here, since an `exec` keeps what is ignored and resets what is handled.
//!
//! Every handler of a signal that may end or suspend the program is installed here, and nowhere else.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Listens to a signal from now on; `None` if it was ignored at the start, and so stays ignored. Must
/// be called in a runtime.
///
/// # Errors
/// When the system does not let it be listened to.
pub(in crate::io) fn listen_unless_ignored(kind: SignalKind) -> io::Result<Option<Stream>> {
    if is_in_mask(mask_at_start(), kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

/// Sets a flag when a signal comes from now on, unless it was ignored at the start.
///
/// # Errors
/// When the system does not let it be listened to.
pub(in crate::io) fn flag_unless_ignored(kind: SignalKind, flag: &Arc<AtomicBool>) -> io::Result<()> {
    if is_in_mask(mask_at_start(), kind.as_raw_value()) {
        return Ok(());
    }
    signal_hook::flag::register(kind.as_raw_value(), Arc::clone(flag)).map(drop)
}

/// The signals that this process ignored at its start.
fn mask_at_start() -> u64 {
    static AT_START: OnceLock<u64> = OnceLock::new();
    // The first call comes before the first handler, so this is the mask of the start.
    *AT_START.get_or_init(ignored_mask)
}

/// The signals that this process ignores, one bit each; none where the system does not tell.
fn ignored_mask() -> u64 {
    std::fs::read_to_string("/proc/self/status").ok().and_then(|status| parse_mask(&status)).unwrap_or(0)
}

/// The mask `SigIgn` of proc(5).
fn parse_mask(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// Signal 1 is the lowest bit.
fn is_in_mask(mask: u64, signal: i32) -> bool {
    (1..=64).contains(&signal) && mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_its_signals() {
        let mask = parse_mask("Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t8000000000001001\n").unwrap();
        assert_eq!((1..=64).filter(|signal| is_in_mask(mask, *signal)).collect::<Vec<_>>(), [1, 13, 64]);
        for signal in [i32::MIN, -1, 0, 65, i32::MAX] {
            assert!(!is_in_mask(u64::MAX, signal), "{signal}");
        }
    }

    #[test]
    fn a_status_without_a_mask_has_none() {
        for status in ["", "SigBlk:\t0000000000000001\n", "SigIgn:\tnone\n", "SigIgn:\t10000000000000000\n"] {
            assert_eq!(parse_mask(status), None, "{status}");
        }
    }

    #[test]
    fn the_mask_of_this_process_can_be_read() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(parse_mask(&status), Some(ignored_mask()));
    }
}
