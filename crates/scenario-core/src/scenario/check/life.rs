//! Builds the rules for the life of a program: its times, its restarts, and what its end means for the run.

use crate::diagnostic::Diagnostic;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::RawPreset;
use crate::scenario::model::{LifeRules, RestartCause};
use scenario_log::time::Span;

/// Builds the rules, and reports those that exclude each other.
pub(super) fn build_life(raw: &mut RawPreset, found: &mut Diagnostics) -> LifeRules {
    let timeout = std::mem::take(&mut raw.timeout).into_given();
    let lives = std::mem::take(&mut raw.lives).into_given();
    let restart = std::mem::take(&mut raw.restart).into_given();
    if let (Some(timeout), Some(lives)) = (&timeout, &lives)
        && timeout.value.0 <= lives.value.0
    {
        let message = "this program is stopped before it has lived as long as it must";
        let fault = Diagnostic::error(timeout.place, message).with_related(lives.place, "`lives` is here");
        let longer = Span(lives.value.0.0.saturating_mul(2)).format_human();
        found.add(fault.with_help(format!("let `timeout` be longer, for example \"{longer}\"")));
    }
    if let (Some(restart), Some(on_exit)) = (&restart, raw.on_exit.as_given())
        && restart.value.on == RestartCause::Always
        && on_exit.value == crate::scenario::model::OnExit::Stop
    {
        let message = "a program that is always started again never ends the run";
        let fault =
            Diagnostic::error(on_exit.place, message).with_related(restart.place, "`restart` is here");
        found.add(
            fault.with_help("remove one of them, or restart it only after a failure: restart = \"failure\""),
        );
    }
    LifeRules {
        on_exit: raw.on_exit.or_default(),
        lives: lives.map(|lives| lives.value.0),
        timeout: timeout.map(|timeout| timeout.value.0),
        restart: restart.map(|restart| restart.value),
    }
}
