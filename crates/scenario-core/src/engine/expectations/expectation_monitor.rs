//! Monitors one expectation: which events it looks at, and whether it holds so far.

use crate::engine::expectations::always_monitor::AlwaysMonitor;
use crate::engine::expectations::event_filter::EventFilter;
use crate::engine::expectations::format;
use crate::engine::expectations::leads_to_monitor::{CauseEvent, LeadsToMonitor};
use crate::engine::expectations::observed_interval::ObservedInterval;
use crate::engine::expectations::order_monitor::OrderMonitor;
use crate::engine::expectations::origins::SourceView;
use crate::engine::expectations::outcome::{ExpectationProgress, ExpectationStatus, RunTotals};
use crate::engine::expectations::statistics::{Settled, Statistics};
use crate::engine::expectations::threshold_monitor::MeasuredValue;
use crate::engine::expectations::verdict::Verdict;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationSubject, LimitValue, MeasuredQuantity, Statistic,
};
use crate::scenario::model::expect_parts::{EntryPhase, GroupKey, RunQuantity};
use scenario_log::event::{Event, ExpectationResult, Source};
use scenario_log::event_kind::EventKind;
use scenario_log::time::Moment;

/// The part of an expectation that an event is compared to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilterSide {
    /// The expected event.
    Target,
    /// The event that it must follow, or that must follow it.
    Partner,
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
    /// The time whose events count.
    interval: ObservedInterval,
    state: MonitorState,
    /// Whether it can no longer hold.
    is_missed: bool,
    /// Whether the end of its time has been judged.
    is_closed: bool,
}

#[derive(Debug)]
enum MonitorState {
    Threshold(Statistics),
    Order { follows: EventFilter, order: OrderMonitor },
    LeadsTo { effect: EventFilter, same: Option<GroupKey>, leads: LeadsToMonitor },
    Always { quantity: RunQuantity, number: AlwaysMonitor },
}

impl ExpectationMonitor {
    pub(super) fn new(one: &Expectation) -> ExpectationMonitor {
        let unit = match &one.rule {
            ExpectationRule::Threshold(figure) => figure.limit,
            ExpectationRule::Order(_) | ExpectationRule::LeadsTo(_) | ExpectationRule::Always(_) => {
                LimitValue::Count(0)
            }
        };
        let interval = ObservedInterval::new(&one.part);
        let state = match &one.rule {
            ExpectationRule::Threshold(figure) => {
                MonitorState::Threshold(Statistics::new(*figure, &one.part, one.never))
            }
            ExpectationRule::Order(rule) => MonitorState::Order {
                follows: EventFilter::new(&rule.follows),
                order: OrderMonitor::new(rule.within, one.never),
            },
            ExpectationRule::LeadsTo(rule) => MonitorState::LeadsTo {
                effect: EventFilter::new(&rule.effect),
                same: rule.same,
                leads: LeadsToMonitor::new(rule.within, one.never),
            },
            ExpectationRule::Always(limits) => {
                let quantity = match one.target.subject {
                    ExpectationSubject::Quantity(quantity) => quantity,
                    _ => unreachable!("`always` is about a number that a run has at every moment"),
                };
                MonitorState::Always { quantity, number: AlwaysMonitor::new(limits.clone()) }
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
            interval,
            state,
            is_missed: false,
            is_closed: false,
        }
    }

    /// The filter of the events that those of the target follow, or are followed by.
    fn partner(&self) -> Option<&EventFilter> {
        match &self.state {
            MonitorState::Order { follows: partner, .. } | MonitorState::LeadsTo { effect: partner, .. } => {
                Some(partner)
            }
            MonitorState::Threshold(_) | MonitorState::Always { .. } => None,
        }
    }

    /// The kinds of event that it looks at, each with the part that it compares them to. They are in an order
    /// in which no event follows itself.
    pub(super) fn event_kinds(&self) -> Vec<(EventKind, FilterSide)> {
        let is_of_end =
            self.target.subject == ExpectationSubject::Measure(MeasuredQuantity::RunTook) && !self.aborts_run;
        if is_of_end || self.target.subject == ExpectationSubject::Shared {
            // Only the end of the run matters.
            return Vec::new();
        }
        let of = |kinds: Vec<EventKind>, side| kinds.into_iter().map(move |kind| (kind, side));
        let target = of(self.target.event_kinds(), FilterSide::Target);
        let partner = self.partner().map(EventFilter::event_kinds).unwrap_or_default();
        let partner = of(partner, FilterSide::Partner);
        match &self.state {
            MonitorState::Threshold(_) | MonitorState::Order { .. } => target.chain(partner).collect(),
            MonitorState::LeadsTo { .. } => partner.chain(target).collect(),
            MonitorState::Always { quantity, .. } => {
                of(AlwaysMonitor::event_kinds(*quantity), FilterSide::Target).collect()
            }
        }
    }

    /// Whether it must know the origin of sources.
    pub(super) fn needs_origins(&self) -> bool {
        self.keys().next().is_some()
            || self.target.needs_origins()
            || self.partner().is_some_and(EventFilter::needs_origins)
            || self.interval.watches_entries()
            || matches!(self.state, MonitorState::Always { .. })
    }

    /// The keys by which it divides or relates events.
    fn keys(&self) -> impl Iterator<Item = GroupKey> {
        let same = match &self.state {
            MonitorState::LeadsTo { same, .. } => *same,
            MonitorState::Threshold(statistics) => statistics.key(),
            MonitorState::Order { .. } | MonitorState::Always { .. } => None,
        };
        same.into_iter()
    }

    /// Whether it must know the URL, the player and the step of a request while it is in flight.
    pub(super) fn needs_requests(&self) -> bool {
        let is_of_request = |key| matches!(key, GroupKey::Url | GroupKey::Step | GroupKey::Player);
        self.keys().any(is_of_request)
            || self.target.inherited_keys().any(is_of_request)
            || self.partner().is_some_and(|partner| partner.inherited_keys().any(is_of_request))
    }

    /// Whether it waits for a moment of an entry.
    pub(super) fn watches_entries(&self) -> bool {
        self.interval.watches_entries()
    }

    /// Whether it must know when sources end.
    pub(super) fn watches_ends(&self) -> bool {
        matches!(self.state, MonitorState::LeadsTo { same: Some(GroupKey::Source), .. })
    }

    /// Whether it ends the run when it can no longer hold.
    pub(super) fn aborts_run(&self) -> bool {
        self.aborts_run
    }

    /// Whether an event meets the condition of one part, its scope apart; `None` if there is no condition.
    pub(super) fn meets_condition(
        &self,
        side: FilterSide,
        event: &Event<'_>,
        view: SourceView<'_>,
    ) -> Option<bool> {
        let filter = match side {
            FilterSide::Partner => self.partner()?,
            FilterSide::Target => &self.target,
        };
        filter.has_condition().then(|| filter.meets_condition(event, view))
    }

    /// Takes an event. `decided` says whether it meets the condition, if that does not follow from it. Returns
    /// whether the run must end, since the expectation can no longer hold.
    #[inline]
    pub(super) fn observe(
        &mut self,
        side: FilterSide,
        (now, seq): (Moment, u64),
        event: &Event<'_>,
        view: SourceView<'_>,
        decided: Option<bool>,
    ) -> bool {
        let at = (now, decided);
        let counts = |filter: &EventFilter| filter.measure(at, event, view);
        let settled = match (&mut self.state, side) {
            (MonitorState::Always { quantity, number }, _) => {
                let added = || match quantity {
                    _ if !self.target.selects(event, view) => 0,
                    // A guest is one player.
                    RunQuantity::Players => view.player_count().unwrap_or(1),
                    RunQuantity::Running | RunQuantity::InFlight => 1,
                };
                number.observe((now, seq), event, &self.interval, added)
            }
            (MonitorState::Threshold(statistics), _) => match counts(&self.target) {
                Some(value) if self.interval.contains(now) => {
                    let after = now.since(self.interval.start().unwrap_or(now));
                    match statistics.record((value, seq), after, |key| view.value(key, event)) {
                        Some(Settled::Condition(holds)) => Some(holds != self.never),
                        Some(Settled::Missed) => Some(false),
                        None => None,
                    }
                }
                _ => None,
            },
            (MonitorState::Order { order, .. }, FilterSide::Target) => match counts(&self.target) {
                Some(_) if self.interval.contains(now) => order.record(now, seq),
                _ => None,
            },
            (MonitorState::Order { follows, order }, FilterSide::Partner) => {
                if counts(follows).is_some() {
                    order.record_predecessor(now, seq);
                }
                None
            }
            (MonitorState::LeadsTo { effect, same, leads }, FilterSide::Partner) => match counts(effect) {
                Some(_) => leads.record_effect(now, seq, view.link(*same, event)),
                None => None,
            },
            (MonitorState::LeadsTo { same, leads, .. }, FilterSide::Target) => {
                let settled = leads.expire(now);
                if self.interval.contains(now) && counts(&self.target).is_some() {
                    let source = event.source();
                    leads.record_cause(CauseEvent { at: now, seq, source }, view.link(*same, event));
                }
                settled
            }
        };
        self.note(settled)
    }

    /// Notes what has settled it. Returns whether the run must end.
    fn note(&mut self, settled: Option<bool>) -> bool {
        self.is_missed |= settled == Some(false);
        self.aborts_run && settled == Some(false)
    }

    /// A source has ended. Returns whether the run must end.
    pub(super) fn end_source(&mut self, source: Source) -> bool {
        let settled = match &mut self.state {
            MonitorState::LeadsTo { leads, same: Some(GroupKey::Source), .. } => leads.end_source(source),
            _ => None,
        };
        self.note(settled)
    }

    /// A moment of an entry has come. Returns whether the run must end.
    pub(super) fn reach_phase(
        &mut self,
        entry: usize,
        phase: EntryPhase,
        now: Moment,
        totals: &RunTotals<'_>,
    ) -> bool {
        self.interval.reach(entry, phase, now) && self.aborts_run && self.pass_time(now, totals)
    }

    /// Judges what is over by now. Returns whether the run must end.
    pub(super) fn pass_time(&mut self, now: Moment, totals: &RunTotals<'_>) -> bool {
        if self.is_missed {
            return false;
        }
        let settled = match &mut self.state {
            MonitorState::Threshold(statistics) => {
                let end = self.interval.end(now);
                match self.interval.start() {
                    Some(start) if start <= end && statistics.pass_time(end.since(start)) => Some(false),
                    _ => None,
                }
            }
            MonitorState::Order { .. } => None,
            MonitorState::LeadsTo { leads, .. } => leads.expire(now),
            MonitorState::Always { number, .. } => number.pass_time(now, &self.interval),
        };
        let must_end = self.note(settled);
        let may_close = !matches!(self.state, MonitorState::LeadsTo { .. });
        if may_close && !self.is_missed && !self.is_closed && self.interval.is_over(now) {
            self.is_closed = true;
            let holds = self.judge(totals).iter().all(|result| result.ok);
            return self.note(Some(holds));
        }
        must_end
    }

    /// The next moment in which time alone can decide something.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        if self.is_missed || self.is_closed {
            return None;
        }
        let own = match &self.state {
            MonitorState::Threshold(statistics) => {
                let end = statistics.next_end().zip(self.interval.start());
                end.and_then(|(after, start)| start.checked_add(after))
            }
            MonitorState::Order { .. } => None,
            MonitorState::LeadsTo { leads, .. } => return leads.next_deadline(),
            MonitorState::Always { number, .. } => number.next_deadline(&self.interval),
        };
        own.into_iter().chain(self.interval.known_end()).min()
    }

    /// How it stands.
    pub(super) fn progress(&self, totals: &RunTotals<'_>) -> ExpectationProgress {
        let results = self.judge(totals);
        let missed = results.iter().find(|result| !result.ok);
        let status = ExpectationStatus::new(missed.is_none(), self.is_missed);
        let got = missed.filter(|_| self.is_missed).and_then(|result| match &result.group {
            Some(group) => Some(format!("{} ({group})", result.got.as_deref()?)),
            None => result.got.clone(),
        });
        ExpectationProgress { name: self.name.clone(), status, wanted: self.wanted.clone(), got }
    }

    /// Its results: one, or one of each group.
    pub(super) fn judge(&self, totals: &RunTotals<'_>) -> Vec<ExpectationResult> {
        let run_end = Moment::ZERO.saturating_add(totals.duration);
        if let Some(reason) = self.interval.missing_start(run_end) {
            return vec![self.result(None, Verdict::missed(reason))];
        }
        match &self.state {
            MonitorState::Threshold(statistics) => match (&self.target.cell, self.unit) {
                (Some(cell), LimitValue::Value(limit)) => {
                    let judged = statistics.judge_cell(cell, limit, totals.shared_cells);
                    vec![self.result(None, self.verdict_of(judged))]
                }
                _ => self.judge_groups(statistics, run_end),
            },
            MonitorState::Order { order, .. } => {
                let holds = order.judge();
                let got = holds.map(|_| format::format_order(order, self.never));
                let events = order.deciding_pair().map(|pair| pair.events()).unwrap_or_default();
                vec![self.result(None, Verdict { holds, got, events })]
            }
            MonitorState::LeadsTo { leads, .. } => {
                let tally = leads.tally();
                let holds = (tally.count > 0 || self.never).then_some(tally.first_violation.is_none());
                let got = holds.map(|_| format::format_causes(&tally, self.never));
                vec![self.result(None, Verdict { holds, got, events: tally.events() })]
            }
            MonitorState::Always { number, .. } => {
                let (range, violation) = number.judge(run_end, &self.interval);
                let got = Some(format::format_number(range, violation));
                let events = violation.and_then(|violation| violation.seq).into_iter().collect();
                vec![self.result(None, Verdict { holds: Some(violation.is_none()), got, events })]
            }
        }
    }

    fn judge_groups(&self, statistics: &Statistics, run_end: Moment) -> Vec<ExpectationResult> {
        let time = (self.interval.start().unwrap_or_default(), self.interval.length(run_end));
        let verdicts = statistics.judge(time, &self.unit, self.never);
        let mut results: Vec<_> =
            verdicts.into_iter().map(|(group, verdict)| self.result(group, verdict)).collect();
        if let Some(reason) = statistics.unjudged_groups() {
            results.push(self.result(None, Verdict::missed(reason)));
        }
        results
    }

    fn verdict_of(&self, judged: Option<(bool, MeasuredValue)>) -> Verdict {
        let got = judged.map(|(_, got)| format::format_measured(got, &self.unit));
        Verdict { holds: judged.map(|(holds, _)| holds != self.never), got, events: Vec::new() }
    }

    fn result(&self, group: Option<String>, verdict: Verdict) -> ExpectationResult {
        let Verdict { holds, got, events } = verdict;
        ExpectationResult {
            name: self.name.clone(),
            group,
            ok: holds.unwrap_or(false),
            wanted: self.wanted.clone(),
            got,
            events,
        }
    }
}
