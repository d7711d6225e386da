//! Expectations that look at events of which a scenario can give none.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::expect::{Expectation, Rule, Subject, Within};
use crate::scenario::model::{Action, FetchJob, Part, PresetKind, Scenario, Stdin};
use scenario_log::event_kind::EventKind;

/// Warns of expectations that look at events of which this scenario can give none.
pub(crate) fn warn_of_nothing(expectations: &[Expectation], scenario: &Scenario, found: &mut Findings) {
    if scenario.presets.is_empty() && scenario.fetches.is_empty() && scenario.timeline.is_empty() {
        // A file of expectations alone, for the logs of other scenarios.
        return;
    }
    for one in expectations {
        let follows = match &one.rule {
            Rule::Order(order) => Some(&order.follows),
            Rule::Figure(_) => None,
        };
        for watched in std::iter::once(&one.of).chain(follows) {
            let kind = match watched.what {
                Subject::Event(kind) => Some(kind),
                Subject::Measure(measure) => measure.event(),
                Subject::Shared => None,
            };
            let Some(kind) = kind.filter(|kind| !can_come(*kind, watched.within.as_ref(), scenario)) else {
                continue;
            };
            let of = watched.within.as_ref().map(|within| format!(" of {}", quoted(&within.name)));
            let message =
                format!("this scenario never gives {}{}", quoted(kind.name()), of.unwrap_or_default());
            found.add(Diagnostic::warning(one.place, message).label("an expectation of nothing"));
        }
    }
}

fn takes_steps(kind: &PresetKind) -> bool {
    let is_steps = |part: &Part| matches!(part, Part::Steps(_));
    matches!(kind, PresetKind::Players(players) if players.groups.iter().any(|group| is_steps(&group.part)))
}

/// Whether an event of this kind can come, be it by what is typed.
fn can_come(kind: EventKind, within: Option<&Within>, scenario: &Scenario) -> bool {
    let entry = within.and_then(|within| scenario.timeline.get(within.entry?)).map(|entry| &entry.action);
    // What `in` leaves: the presets and jobs of its name, and those that its entry starts.
    let preset = |wanted: &dyn Fn(&PresetKind) -> bool| {
        let started = match entry {
            Some(Action::Spawn(preset)) => Some(*preset),
            _ => None,
        };
        let is_in = |n: usize| within.is_none_or(|within| within.preset == Some(n) || started == Some(n));
        scenario.presets.iter().enumerate().any(|(n, preset)| is_in(n) && wanted(&preset.kind))
    };
    let fetch = |wanted: &dyn Fn(&FetchJob) -> bool| {
        let started = match entry {
            Some(Action::Fetch(job)) => Some(*job),
            _ => None,
        };
        let is_in = |n: usize| within.is_none_or(|within| within.fetch == Some(n) || started == Some(n));
        scenario.fetches.iter().enumerate().any(|(n, job)| is_in(n) && wanted(job))
    };
    let of_entry = |wanted: &dyn Fn(&Action) -> bool| within.is_none() || entry.is_some_and(wanted);
    match kind.name() {
        "clock.tick" => scenario.tick.is_some(),
        "world.state" => scenario.world.is_some(),
        "spawn.started" | "spawn.exited" | "spawn.failed" => preset(&|_| true),
        "spawn.ready" => preset(&|kind| match kind {
            PresetKind::Command(command) => command.ready.is_some(),
            PresetKind::Players(_) => false,
        }),
        "spawn.suspended" | "spawn.resumed" | "line" => preset(&PresetKind::is_process),
        // Anybody may join a world.
        "move" if within.is_none() && scenario.world.is_some() => true,
        "move" => preset(&|kind| match kind {
            // What a process says is read as moves, whatever its players do.
            PresetKind::Players(players) => players.groups.iter().any(|group| group.part.moves() > 0),
            PresetKind::Command(_) => scenario.world.is_some(),
        }),
        "step" | "deadlock" => preset(&takes_steps),
        "sent" => {
            let is_open = |kind: &PresetKind| match kind {
                PresetKind::Command(command) => command.stdin == Stdin::Open,
                PresetKind::Players(_) => false,
            };
            preset(&is_open) || of_entry(&|action| matches!(action, Action::Send { .. }))
        }
        "mark" => of_entry(&|action| matches!(action, Action::Mark(_))),
        "fetch.responded" => fetch(&|job| job.load.is_none()),
        "fetch.line" => fetch(&|job| job.lines),
        name if name.starts_with("fetch.") => fetch(&|_| true),
        _ => true,
    }
}
