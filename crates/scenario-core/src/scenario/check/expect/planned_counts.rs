//! Warns of counts that the timeline can never give: `equals = 5` of exactly three moves.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, LimitComparison, LimitValue,
    StatThreshold, Statistic,
};
use crate::scenario::model::expect_parts::ObservedPart;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, FetchJob, PresetKind, Scenario, TimelineEntry,
};

/// The least and the most events of a run that passes and in which nobody types; no most if nothing bounds it.
#[derive(Clone, Copy)]
struct CountRange {
    least: u64,
    most: Option<u64>,
}

impl CountRange {
    const ONE: CountRange = CountRange { least: 1, most: Some(1) };

    fn exactly(count: u64) -> CountRange {
        CountRange { least: count, most: Some(count) }
    }

    fn plus(self, other: CountRange) -> CountRange {
        CountRange {
            least: self.least.saturating_add(other.least),
            most: self.most.zip(other.most).map(|(one, more)| one.saturating_add(more)),
        }
    }

    fn times(self, other: CountRange) -> CountRange {
        let most = match (self.most, other.most) {
            (Some(0), _) | (_, Some(0)) => Some(0),
            (Some(one), Some(times)) => Some(one.saturating_mul(times)),
            _ => None,
        };
        CountRange { least: self.least.saturating_mul(other.least), most }
    }

    /// Whether a comparison holds for any of these counts.
    fn can_hold(self, comparison: LimitComparison, limit: u64) -> bool {
        let reaches = |count: u64| self.most.is_none_or(|most| most >= count);
        match comparison {
            LimitComparison::Below => self.least < limit,
            LimitComparison::AtMost => self.least <= limit,
            LimitComparison::Equals => self.least <= limit && reaches(limit),
            LimitComparison::AtLeast => reaches(limit),
            LimitComparison::Above => limit.checked_add(1).is_some_and(reaches),
        }
    }

    /// Whether it does not hold for any of them.
    fn can_fail(self, comparison: LimitComparison, limit: u64) -> bool {
        match comparison {
            LimitComparison::Below => self.can_hold(LimitComparison::AtLeast, limit),
            LimitComparison::AtMost => self.can_hold(LimitComparison::Above, limit),
            LimitComparison::Equals => self.least != limit || self.most != Some(limit),
            LimitComparison::AtLeast => self.can_hold(LimitComparison::Below, limit),
            LimitComparison::Above => self.can_hold(LimitComparison::AtMost, limit),
        }
    }

    /// The counts in words.
    fn describe(self) -> String {
        match self.most {
            Some(most) if most == self.least => format!("exactly {most}"),
            Some(most) if self.least == 0 => format!("at most {most}"),
            Some(most) => format!("{} to {most}", self.least),
            None => format!("at least {}", self.least),
        }
    }
}

/// Warns of each expectation of a count that no run can have unless somebody types commands.
pub(crate) fn warn_of_impossible_counts(
    expectations: &[Expectation],
    scenario: &Scenario,
    found: &mut Diagnostics,
) {
    for one in expectations {
        let ExpectationRule::Threshold(StatThreshold {
            stat: Statistic::Count,
            comparison,
            limit: LimitValue::Count(limit),
        }) = one.rule
        else {
            continue;
        };
        let ExpectationSubject::Event(kind) = one.target.subject else { continue };
        let scope = one.target.scope.as_ref();
        let Some(mut range) = planned_count(kind.name(), scope, scenario) else { continue };
        if range.most == Some(0) {
            // Either another warning says so already, or nothing but a typed command starts anything.
            continue;
        }
        // Of a part of the run there may be fewer.
        if !one.target.key_matchers.is_empty() || one.part != ObservedPart::default() {
            range.least = 0;
        }
        let is_possible =
            if one.never { range.can_fail(comparison, limit) } else { range.can_hold(comparison, limit) };
        if is_possible {
            continue;
        }
        let of = scope.map(|scope| format!(" of {}", quoted(&scope.name))).unwrap_or_default();
        let message = format!("the timeline makes {} {}{of}", range.describe(), quoted(kind.name()));
        let wanted = format!("this expects: {}", one.requirement());
        let help = "it is always missed, unless somebody types commands while it runs";
        found.add(Diagnostic::warning(one.place, message).with_label(wanted).with_help(help));
    }
}

/// How many of these events the timeline makes; `None` if nobody can know.
fn planned_count(event: &str, scope: Option<&ExpectationScope>, scenario: &Scenario) -> Option<CountRange> {
    let is_stopped = scenario.timeline.iter().any(|entry| entry.action.may_end_spawns());
    let of_entry = |entry: &TimelineEntry| match (event, &entry.action) {
        ("mark", EntryAction::Mark(_)) => Some(CountRange::ONE),
        // A process may be unable to start.
        ("spawn.started", EntryAction::Spawn(preset)) if scenario.presets[*preset].kind.is_process() => {
            Some(CountRange { least: 0, most: Some(1) })
        }
        ("spawn.started", EntryAction::Spawn(_)) => Some(CountRange::ONE),
        ("move", EntryAction::Spawn(preset)) => Some(moves_of(&scenario.presets[*preset].kind)),
        ("fetch.started", EntryAction::Fetch(job)) => requests_of(&scenario.fetches[*job]),
        _ => Some(CountRange::exactly(0)),
    };
    // Guests may join a world, and move.
    let is_countable = matches!(event, "mark" | "spawn.started" | "move" | "fetch.started")
        && (event != "move" || scenario.world.is_none());
    let mut sum = CountRange::exactly(0);
    for (n, entry) in scenario.timeline.iter().enumerate().filter(|_| is_countable) {
        if scope.is_some_and(|scope| !is_in_scope(scenario, scope, n, &entry.action)) {
            continue;
        }
        let occurrences = occurrences_of(entry).times(CountRange::exactly(u64::from(entry.count)));
        sum = sum.plus(of_entry(entry)?.times(occurrences));
    }
    if is_stopped {
        sum.least = 0;
    }
    if scenario.timeline.iter().any(|entry| matches!(entry.action, EntryAction::Restart(_))) {
        // How many spawns each of them restarts is known only in the run.
        sum.most = None;
    }
    is_countable.then_some(sum)
}

fn is_in_scope(scenario: &Scenario, scope: &ExpectationScope, entry: usize, action: &EntryAction) -> bool {
    let is_started = match action {
        EntryAction::Spawn(preset) => scope.preset == Some(scenario.first_of_name(*preset)),
        EntryAction::Fetch(job) => scope.fetch == Some(*job),
        EntryAction::Stop(_)
        | EntryAction::Send(_)
        | EntryAction::Signal(_)
        | EntryAction::Kill(_)
        | EntryAction::Restart(_)
        | EntryAction::Link(_)
        | EntryAction::Mark(_) => false,
    };
    is_started || scope.entry == Some(entry)
}

/// The moves of one spawn. The output of a program is moves only in a world.
fn moves_of(kind: &PresetKind) -> CountRange {
    let PresetKind::Players(players) = kind else { return CountRange::exactly(0) };
    players.groups.iter().fold(CountRange::exactly(0), |sum, group| {
        let (least, most) = group.behavior.move_bounds();
        sum.plus(CountRange { least, most }.times(CountRange::exactly(u64::from(group.count))))
    })
}

/// The requests of one occurrence of a fetch.
fn requests_of(job: &FetchJob) -> Option<CountRange> {
    job.load.is_none().then(|| CountRange::exactly(job.urls.len() as u64))
}

/// How often an entry happens. All of a timeline happens in a run that passes.
fn occurrences_of(entry: &TimelineEntry) -> CountRange {
    let Some(repeat) = &entry.repeat else { return CountRange::ONE };
    let EntryRepeat { pace, times, duration } = repeat;
    let every = match (pace, repeat.planned_arrivals()) {
        (EntryPace::Every(every), _) => every,
        (EntryPace::Arrivals { arrivals: ArrivalProcess::Constant, .. }, Some((count, _, _))) => {
            return CountRange::exactly(count);
        }
        (EntryPace::Arrivals { rate, .. }, _) => {
            let is_endless = duration.is_none() && rate.total_requests().is_none();
            return CountRange { least: times.filter(|_| is_endless).unwrap_or(0), most: *times };
        }
    };
    let Some(duration) = duration else {
        return CountRange { least: times.unwrap_or(1), most: *times };
    };
    let by_time = |gap: u64| (gap > 0).then(|| duration.0.div_ceil(gap));
    let (shortest, longest) = (every.shortest().0, every.longest().map(|longest| longest.0));
    let most = by_time(shortest).map_or(*times, |most| Some(times.map_or(most, |times| times.min(most))));
    let least = longest.and_then(by_time).unwrap_or(1);
    CountRange { least: times.map_or(least, |times| times.min(least)).max(1), most }
}
