//! Checks `hold`: a run on the virtual clock must end, and one of nothing but background programs needs it.

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{EntryAction, PresetKind, Scenario, TimelineEntry};
use scenario_log::time::Span;

/// Reports a run on the virtual clock that nothing would end. `hold` is the place of `hold = true`.
pub(super) fn check_hold(
    hold: Option<FilePlace>,
    has_time_limit: bool,
    is_virtual: bool,
    found: &mut Diagnostics,
) {
    let Some(place) = hold.filter(|_| is_virtual && !has_time_limit) else { return };
    let message = "on the virtual clock a run with `hold` never ends by itself";
    let fault = Diagnostic::error(place, message).with_label("without a `time_limit`");
    found.add(fault.with_help("add time_limit = \"1h\", or run it with `--clock real`"));
}

/// Warns of a run that ends as soon as its programs have started, since all of them run in the background.
pub(super) fn warn_of_only_background(scenario: &Scenario, found: &mut Diagnostics) {
    let is_background = |entry: &TimelineEntry| match entry.action {
        EntryAction::Spawn(preset) => {
            matches!(&scenario.presets[preset].kind, PresetKind::Command(command) if command.background)
        }
        _ => false,
    };
    // A mark is a moment that the run is for.
    let has_purpose = |entry: &TimelineEntry| {
        let is_own = entry.action.target().is_none();
        !is_background(entry) && (is_own || entry.at > Span::ZERO || entry.repeat.is_some())
    };
    let mut programs = scenario.timeline.iter().filter(|entry| is_background(entry));
    let Some(last) = programs.next_back().filter(|_| !scenario.hold) else { return };
    if scenario.timeline.iter().any(has_purpose) {
        return;
    }
    let (what, they) = match programs.next() {
        None => ("the only program that is started runs", "it has"),
        Some(_) => ("all programs that are started run", "they have"),
    };
    let message = format!("{what} in the background, so the run ends as soon as {they} started");
    let help = "let the run go on until Ctrl-C with `hold = true` at the top of the file, or remove \
                `background = true` from the program that the run is for";
    found.add(Diagnostic::warning(last.place, message).with_help(help));
}
