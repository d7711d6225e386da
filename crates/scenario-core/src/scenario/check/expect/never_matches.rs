//! Warns of expectations about events that cannot come in the scenario.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{Expectation, ExpectationScope};
use crate::scenario::model::{EntryAction, FetchJob, PlayerBehavior, PresetKind, Scenario, StdinMode};
use scenario_log::event_kind::EventKind;

/// Warns of each expectation about events that cannot come in this scenario.
pub(crate) fn warn_of_impossible_events(
    expectations: &[Expectation],
    scenario: &Scenario,
    found: &mut Diagnostics,
) {
    if scenario.presets.is_empty() && scenario.fetches.is_empty() && scenario.timeline.is_empty() {
        // This is a file of expectations alone, for the logs of other scenarios.
        return;
    }
    for one in expectations {
        for watched in std::iter::once(&one.target).chain(one.rule.other_target()) {
            let kind = watched.subject.event_kind();
            let Some(kind) = kind.filter(|kind| !can_happen(*kind, watched.scope.as_ref(), scenario)) else {
                continue;
            };
            let of = watched.scope.as_ref().map(|within| format!(" of {}", quoted(&within.name)));
            let message = format!(
                "the event {}{} never comes in this scenario",
                quoted(kind.name()),
                of.unwrap_or_default()
            );
            found.add(Diagnostic::warning(one.place, message).with_label("this expectation has no events"));
        }
    }
}

fn takes_steps(kind: &PresetKind) -> bool {
    let is_steps = |part: &PlayerBehavior| matches!(part, PlayerBehavior::Steps(_));
    matches!(kind, PresetKind::Players(players) if players.groups.iter().any(|group| is_steps(&group.behavior)))
}

/// Whether an event of this kind can come, also by a command that is typed.
fn can_happen(kind: EventKind, within: Option<&ExpectationScope>, scenario: &Scenario) -> bool {
    let entry = within.and_then(|within| scenario.timeline.get(within.entry?)).map(|entry| &entry.action);
    // `in` selects the presets and fetches of its name, and those that its entry starts.
    let preset = |wanted: &dyn Fn(&PresetKind) -> bool| {
        let started = match entry {
            Some(EntryAction::Spawn(preset)) => Some(*preset),
            _ => None,
        };
        let is_in = |n: usize| {
            let first = scenario.first_of_name(n);
            within.is_none_or(|within| within.preset == Some(first) || started == Some(n))
        };
        scenario.presets.iter().enumerate().any(|(n, preset)| is_in(n) && wanted(&preset.kind))
    };
    let fetch = |wanted: &dyn Fn(&FetchJob) -> bool| {
        let started = match entry {
            Some(EntryAction::Fetch(job)) => Some(*job),
            _ => None,
        };
        let is_in = |n: usize| within.is_none_or(|within| within.fetch == Some(n) || started == Some(n));
        scenario.fetches.iter().enumerate().any(|(n, job)| is_in(n) && wanted(job))
    };
    let of_entry = |wanted: &dyn Fn(&EntryAction) -> bool| within.is_none() || entry.is_some_and(wanted);
    match kind.name() {
        "clock.tick" => scenario.tick.is_some(),
        "world.state" => scenario.world.is_some(),
        "spawn.started" | "spawn.restarted" | "spawn.exited" | "spawn.failed" => preset(&|_| true),
        "spawn.ready" => preset(&|kind| match kind {
            PresetKind::Command(command) => command.ready.is_some(),
            PresetKind::Players(_) => false,
        }),
        "spawn.unhealthy" => preset(&|kind| match kind {
            PresetKind::Command(command) => command.alive.is_some(),
            PresetKind::Players(_) => false,
        }),
        "stop.failed" => preset(&|kind| match kind {
            PresetKind::Command(command) => !command.stop.command.is_empty(),
            PresetKind::Players(_) => false,
        }),
        "spawn.sample" => preset(&|kind| match kind {
            PresetKind::Command(command) => command.resources.sample.is_some(),
            PresetKind::Players(_) => false,
        }),
        "spawn.suspended" | "spawn.resumed" | "line" => preset(&PresetKind::is_process),
        // Guests may join a world.
        "move" if within.is_none() && scenario.world.is_some() => true,
        "move" => preset(&|kind| match kind {
            // The output of a process is read as moves, whatever its players do.
            PresetKind::Players(players) => {
                players.groups.iter().any(|group| group.behavior.move_bounds().1 != Some(0))
            }
            PresetKind::Command(_) => scenario.world.is_some(),
        }),
        "step" | "deadlock" => preset(&takes_steps),
        "sent" => {
            let is_open = |kind: &PresetKind| match kind {
                PresetKind::Command(command) => command.stdin == StdinMode::Open,
                PresetKind::Players(_) => false,
            };
            preset(&is_open) || of_entry(&|action| matches!(action, EntryAction::Send(_)))
        }
        "signalled" => preset(&PresetKind::is_process) || of_entry(&EntryAction::may_end_spawns),
        "link.opened" | "link.closed" => !scenario.links.is_empty(),
        "link.changed" => of_entry(&|action| matches!(action, EntryAction::Link(_))),
        "mark" => of_entry(&|action| matches!(action, EntryAction::Mark(_))),
        "fetch.responded" => fetch(&|job| job.load.is_none()),
        "fetch.line" => fetch(&|job| job.log_lines),
        name if name.starts_with("fetch.") => fetch(&|_| true),
        _ => true,
    }
}
