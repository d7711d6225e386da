//! The signals of this process at its start and at its end: which are blocked, and death by one of them.

use std::io::{Write, stderr, stdout};

use nix::sys::signal::SigSet;
use rustix::process::getpid;

use scenario_log::signal::Signal;

/// Blocks no signal from now on. A parent may have blocked some, and a program inherits that: with CHLD
/// blocked no end of a program would be noticed, and with TERM blocked no program would hear its stop. To
/// be called before there is a second thread.
pub fn unblock_all() {
    // It can only fail for a wrong argument.
    let _ = SigSet::empty().thread_set_mask();
}

/// Dies of a signal that has ended a command, after its orderly end: a shell stops its loop only for a
/// program that has died of Ctrl-C. Returns if this process is the first of its container, which the
/// kernel shields from its own signals.
pub fn die_of(signal: Signal) {
    if getpid().is_init() {
        return;
    }
    let _ = (stdout().flush(), stderr().flush());
    let _ = signal_hook::low_level::emulate_default_handler(signal.number().into());
}
