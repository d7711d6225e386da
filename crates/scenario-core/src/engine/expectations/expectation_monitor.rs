//! Monitors one expectation: which events it looks at, and whether it holds so far.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::order_monitor::OrderMonitor;
use crate::engine::expectations::format;
use crate::engine::expectations::outcome::{EventOrigin, ExpectationProgress, ExpectationStatus, RunTotals};
use crate::engine::expectations::threshold_monitor::ThresholdMonitor;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher,
    LimitValue, MeasuredQuantity, Statistic,
};
use scenario_log::event::{Event, ExpectationResult};
use scenario_log::event_kind::{EventKind, EventValue};
use scenario_log::time::Moment;

/// The part of an expectation that an event is compared to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterSide {
    /// The expected event.
    Target,
    /// The event that it must follow.
    Predecessor,
}

/// The monitor of an expectation.
#[derive(Debug)]
pub(super) struct ExpectationMonitor {
    name: String,
    wanted: String,
    never: bool,
    aborts_run: bool,
    /// The unit of the measured value.
    unit: LimitValue,
    target: EventFilter,
    state: MonitorState,
    /// Whether it can no longer hold.
    is_missed: bool,
}

#[derive(Debug)]
enum MonitorState {
    Threshold(ThresholdMonitor),
    Order { follows: EventFilter, order: OrderMonitor },
}

/// The events and the value that an expectation looks at, ready for comparison.
#[derive(Debug)]
struct EventFilter {
    subject: ExpectationSubject,
    cell: Option<String>,
    within: Option<ExpectationScope>,
    matchers: Vec<(String, ValueMatcher)>,
    /// How many of the matchers, the first ones, an event must meet to count. It is part of a share if it
    /// meets the others as well.
    base_count: usize,
}

/// The condition on a key's value.
#[derive(Debug)]
enum ValueMatcher {
    /// The value must contain these bytes: most regular expressions are plain words.
    Contains(Box<Finder<'static>>),
    Matches(Regex),
    Number(i64),
    Boolean(bool),
}

impl ExpectationMonitor {
    pub(super) fn new(one: &Expectation) -> ExpectationMonitor {
        let (unit, state) = match &one.rule {
            ExpectationRule::Threshold(figure) => {
                (figure.limit, MonitorState::Threshold(ThresholdMonitor::new(*figure)))
            }
            ExpectationRule::Order(rule) => {
                let (follows, order) =
                    (EventFilter::new(&rule.follows), OrderMonitor::new(rule.within, one.never));
                (LimitValue::Count(0), MonitorState::Order { follows, order })
            }
        };
        ExpectationMonitor {
            name: one.name.clone(),
            wanted: one.requirement(),
            never: one.never,
            aborts_run: one.abort,
            unit,
            target: match &one.rule {
                ExpectationRule::Threshold(figure) if figure.stat == Statistic::Share => {
                    EventFilter::for_share(&one.target)
                }
                _ => EventFilter::new(&one.target),
            },
            state,
            is_missed: false,
        }
    }

    /// The kinds of event that it looks at, each with the part that it compares them to. The predecessors
    /// come last, so that no event follows itself.
    pub(super) fn event_kinds(&self) -> Vec<(EventKind, FilterSide)> {
        let is_of_end =
            self.target.subject == ExpectationSubject::Measure(MeasuredQuantity::RunTook) && !self.aborts_run;
        if is_of_end || self.target.subject == ExpectationSubject::Shared {
            // Only the end of the run matters.
            return Vec::new();
        }
        let mut kinds: Vec<_> =
            self.target.event_kinds().into_iter().map(|kind| (kind, FilterSide::Target)).collect();
        if let MonitorState::Order { follows, .. } = &self.state {
            kinds.extend(follows.event_kinds().into_iter().map(|kind| (kind, FilterSide::Predecessor)));
        }
        kinds
    }

    /// The presets, fetches or entries that it is limited to.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &ExpectationScope> {
        let follows = match &self.state {
            MonitorState::Order { follows, .. } => follows.within.as_ref(),
            MonitorState::Threshold(_) => None,
        };
        self.target.within.iter().chain(follows)
    }

    /// Whether it must know the origin of sources.
    pub(super) fn needs_origins(&self) -> bool {
        self.scopes().next().is_some()
            || self.target.subject == ExpectationSubject::Measure(MeasuredQuantity::SpawnTook)
    }

    /// Whether it ends the run when it can no longer hold.
    pub(super) fn aborts_run(&self) -> bool {
        self.aborts_run
    }

    /// Whether an event meets the condition of one part, its scope apart; `None` if there is no condition.
    pub(super) fn meets_condition(&self, side: FilterSide, event: &Event<'_>) -> Option<bool> {
        let filter = match (&self.state, side) {
            (MonitorState::Order { follows, .. }, FilterSide::Predecessor) => follows,
            (MonitorState::Threshold(_) | MonitorState::Order { .. }, _) => &self.target,
        };
        (!filter.matchers.is_empty()).then(|| filter.meets_condition(event))
    }

    /// Takes an event. `decided` says whether it meets the condition, if that does not follow from it. Returns
    /// whether the run must end, since the expectation can no longer hold.
    #[inline]
    pub(super) fn observe(
        &mut self,
        side: FilterSide,
        (now, seq): (Moment, u64),
        event: &Event<'_>,
        origin: Option<&EventOrigin>,
        decided: Option<bool>,
    ) -> bool {
        let at = (now, decided);
        let settled = match (&mut self.state, side) {
            (MonitorState::Threshold(threshold), _) => match self.target.measure(at, event, origin) {
                Some(value) => threshold.record(value, seq).map(|holds| holds != self.never),
                None => None,
            },
            (MonitorState::Order { order, .. }, FilterSide::Target) => {
                match self.target.measure(at, event, origin) {
                    Some(_) => order.record(now, seq),
                    None => None,
                }
            }
            (MonitorState::Order { follows, order }, FilterSide::Predecessor) => {
                if follows.measure(at, event, origin).is_some() {
                    order.record_predecessor(now, seq);
                }
                None
            }
        };
        self.is_missed |= settled == Some(false);
        self.aborts_run && settled == Some(false)
    }

    /// How it stands.
    pub(super) fn progress(&self, totals: &RunTotals<'_>) -> ExpectationProgress {
        let ExpectationResult { name, ok, wanted, got, .. } = self.judge(totals);
        let status = ExpectationStatus::new(ok, self.is_missed);
        ExpectationProgress { name, status, wanted, got: got.filter(|_| self.is_missed) }
    }

    /// Its result.
    pub(super) fn judge(&self, totals: &RunTotals<'_>) -> ExpectationResult {
        let (holds, got, events) = match &self.state {
            MonitorState::Threshold(threshold) => {
                let judged = match (&self.target.cell, self.unit) {
                    (Some(cell), LimitValue::Value(limit)) => {
                        threshold.judge_cell(cell, limit, totals.shared_cells)
                    }
                    _ => threshold.judge(totals.duration),
                };
                let holds = judged.map(|(holds, _)| holds != self.never);
                let got = judged.map(|(_, got)| format::format_measured(got, &self.unit));
                (holds, got, threshold.deciding_event().into_iter().collect())
            }
            MonitorState::Order { order, .. } => {
                let holds = order.judge();
                let got = holds.map(|_| format::format_order(order, self.never));
                (holds, got, order.deciding_pair().map(|pair| pair.events()).unwrap_or_default())
            }
        };
        ExpectationResult {
            name: self.name.clone(),
            ok: holds.unwrap_or(false),
            wanted: self.wanted.clone(),
            got,
            events,
        }
    }
}

impl EventFilter {
    fn new(watched: &ExpectationTarget) -> EventFilter {
        EventFilter::with_matchers(watched, watched.key_matchers.iter(), watched.key_matchers.len())
    }

    /// The filter of a share: some of the matchers say which events are counted, the others which of them
    /// are part of the share.
    fn for_share(watched: &ExpectationTarget) -> EventFilter {
        let (matchers, base_count) = watched.matchers_of_share();
        EventFilter::with_matchers(watched, matchers.into_iter(), base_count)
    }

    fn with_matchers<'a>(
        watched: &ExpectationTarget,
        matchers: impl Iterator<Item = &'a (String, KeyMatcher)>,
        base_count: usize,
    ) -> EventFilter {
        EventFilter {
            subject: watched.subject,
            cell: watched.cell.clone(),
            within: watched.scope.clone(),
            matchers: matchers.map(|(key, wanted)| (key.clone(), ValueMatcher::new(wanted))).collect(),
            base_count,
        }
    }

    /// The kinds of event that can match.
    fn event_kinds(&self) -> Vec<EventKind> {
        match self.subject {
            ExpectationSubject::Event(kind) => vec![kind],
            ExpectationSubject::Shared => Vec::new(),
            ExpectationSubject::Measure(measure) => {
                measure.event_kind().map_or_else(|| EventKind::all().collect(), |kind| vec![kind])
            }
        }
    }

    #[inline]
    fn meets_condition(&self, event: &Event<'_>) -> bool {
        self.meets(&self.matchers, event)
    }

    fn meets(&self, matchers: &[(String, ValueMatcher)], event: &Event<'_>) -> bool {
        matchers.iter().all(|(key, test)| test.matches(event.value(key)))
    }

    /// The measured value of an event that counts. Where events are only counted, that is 1 for an event that
    /// meets the whole condition.
    #[inline]
    fn measure(
        &self,
        (now, decided): (Moment, Option<bool>),
        event: &Event<'_>,
        origin: Option<&EventOrigin>,
    ) -> Option<u64> {
        if let Some(within) = &self.within {
            let origin = origin?;
            let is = |own: Option<usize>, wanted: Option<usize>| own.is_some() && own == wanted;
            if !(is(origin.preset, within.preset)
                || is(origin.fetch, within.fetch)
                || is(origin.entry, within.entry))
            {
                return None;
            }
        }
        let is_share = self.base_count < self.matchers.len();
        let meets = decided.unwrap_or_else(|| self.meets_condition(event));
        let counts = meets || is_share && self.meets(&self.matchers[..self.base_count], event);
        if !counts {
            return None;
        }
        match self.subject {
            ExpectationSubject::Event(_) => Some(u64::from(meets)),
            ExpectationSubject::Measure(measure) => measured_value(measure, now, event, origin),
            ExpectationSubject::Shared => None,
        }
    }
}

fn measured_value(
    measure: MeasuredQuantity,
    now: Moment,
    event: &Event<'_>,
    origin: Option<&EventOrigin>,
) -> Option<u64> {
    match (measure, event) {
        (MeasuredQuantity::FetchTook, Event::FetchFinished { fetched, .. }) => Some(fetched.took.0),
        (MeasuredQuantity::FetchFirstByte, Event::FetchFinished { fetched, .. }) => {
            fetched.timings.first_byte.map(|span| span.0)
        }
        (MeasuredQuantity::FetchBytes, Event::FetchFinished { fetched, .. }) => Some(fetched.bytes),
        (MeasuredQuantity::SpawnTook, Event::SpawnExited { .. }) => Some(now.since(origin?.started_at?).0),
        (MeasuredQuantity::StepTook, Event::StepEnded { took, .. })
        | (MeasuredQuantity::PlayerTook, Event::PlayerEnded { took, .. }) => Some(took.0),
        (MeasuredQuantity::Lateness, event) => event.due().map(|due| now.since(due).0),
        // The duration so far.
        (MeasuredQuantity::RunTook, _) => Some(now.0),
        _ => None,
    }
}

impl ValueMatcher {
    fn new(wanted: &KeyMatcher) -> ValueMatcher {
        match wanted {
            KeyMatcher::Regex(regex) if regex::escape(regex) == *regex => {
                ValueMatcher::Contains(Box::new(Finder::new(regex).into_owned()))
            }
            KeyMatcher::Regex(regex) => match Regex::new(regex) {
                Ok(regex) => ValueMatcher::Matches(regex),
                Err(_) => unreachable!("the check of the scenario has compiled its expressions"),
            },
            KeyMatcher::Number(number) => ValueMatcher::Number(*number),
            KeyMatcher::Boolean(value) => ValueMatcher::Boolean(*value),
        }
    }

    fn matches(&self, value: Option<EventValue<'_>>) -> bool {
        match (self, value) {
            (ValueMatcher::Contains(plain), Some(EventValue::Text(text))) => plain.find(&text).is_some(),
            (ValueMatcher::Matches(regex), Some(EventValue::Text(text))) => regex.is_match(&text),
            (ValueMatcher::Number(wanted), Some(EventValue::Number(number))) => number == i128::from(*wanted),
            (ValueMatcher::Boolean(wanted), Some(EventValue::Boolean(value))) => value == *wanted,
            _ => false,
        }
    }
}
