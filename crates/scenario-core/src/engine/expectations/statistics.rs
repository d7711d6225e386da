//! The statistic of an expectation: of all its values, or of each group and each window alone.

use crate::engine::expectations::format::{format_measured, format_windows};
use crate::engine::expectations::groups::{EventGroups, MAX_GROUPS};
use crate::engine::expectations::origins::KeyValue;
use crate::engine::expectations::threshold_monitor::{MeasuredValue, ThresholdMonitor};
use crate::engine::expectations::verdict::Verdict;
use crate::engine::expectations::windows::Windows;
use crate::scenario::model::expect::{LimitValue, StatThreshold};
use crate::scenario::model::expect_parts::{GroupKey, ObservedPart};
use scenario_log::time::{Moment, Span};

/// The statistics of one expectation.
#[derive(Debug)]
pub(super) struct Statistics {
    /// A statistic without any value.
    template: PartStatistic,
    groups: Option<EventGroups>,
    /// The statistic of each group; without groups, the only one.
    parts: Vec<PartStatistic>,
    /// How long after the start the windows end that have a value now.
    open_end: Option<Span>,
}

/// The statistic of all values, or of each window.
#[derive(Clone, Debug)]
enum PartStatistic {
    Whole(ThresholdMonitor),
    Windows(Box<Windows>),
}

impl Statistics {
    pub(super) fn new(figure: StatThreshold, part: &ObservedPart, never: bool) -> Statistics {
        let template = match (part.over, part.by) {
            (Some(over), _) => PartStatistic::Windows(Box::new(Windows::new(figure, over, never))),
            (None, Some(_)) => PartStatistic::Whole(ThresholdMonitor::small(figure)),
            (None, None) => PartStatistic::Whole(ThresholdMonitor::new(figure)),
        };
        let groups = part.by.map(EventGroups::new);
        let parts = if groups.is_none() { vec![template.clone()] } else { Vec::new() };
        let open_end = if parts.is_empty() { None } else { template.next_end() };
        Statistics { template, groups, parts, open_end }
    }

    /// The key by which events are divided.
    pub(super) fn key(&self) -> Option<GroupKey> {
        self.groups.as_ref().map(EventGroups::key)
    }

    /// Takes the value of an event that comes so long after the start of its time. Returns whether the condition
    /// on a statistic holds, if that is settled for good: for windows only that one of them misses.
    #[inline]
    pub(super) fn record<'e>(
        &mut self,
        (value, seq): (u64, u64),
        after: Span,
        value_of: impl FnOnce(GroupKey) -> KeyValue<'e>,
    ) -> Option<Settled> {
        let index = match &mut self.groups {
            None => 0,
            Some(groups) => match groups.index_of(&value_of(groups.key())) {
                Some(index) => index,
                None => return Some(Settled::Missed),
            },
        };
        if index == self.parts.len() {
            self.parts.push(self.template.clone());
        }
        let part = self.parts.get_mut(index)?;
        match part {
            PartStatistic::Whole(all) => all.record(value, seq).map(Settled::Condition),
            PartStatistic::Windows(windows) => {
                let missed = windows.record(value, seq, after);
                self.open_end = self.open_end.into_iter().chain(windows.next_end()).min();
                missed.then_some(Settled::Missed)
            }
        }
    }

    /// Ends the windows that are over so long after the start. Returns whether one of them misses.
    pub(super) fn pass_time(&mut self, after: Span) -> bool {
        if self.open_end.is_none_or(|end| after < end) {
            return false;
        }
        let mut has_missed = false;
        let mut next = None;
        for part in &mut self.parts {
            if let PartStatistic::Windows(windows) = part {
                has_missed |= windows.end_before(after);
                next = next.into_iter().chain(windows.next_end()).min();
            }
        }
        self.open_end = next;
        has_missed
    }

    /// How long after the start time alone can decide something next.
    pub(super) fn next_end(&self) -> Option<Span> {
        self.open_end
    }

    /// The verdict on each group, in a time of this length from `start` on.
    pub(super) fn judge(
        &self,
        (start, length): (Moment, Span),
        unit: &LimitValue,
        never: bool,
    ) -> Vec<(Option<String>, Verdict)> {
        let judge = |part: &PartStatistic| part.judge((start, length), unit, never);
        match &self.groups {
            Some(groups) if !self.parts.is_empty() => groups
                .names()
                .map(|(name, index)| (Some(name.into_owned()), judge(&self.parts[index])))
                .collect(),
            Some(_) => vec![(None, judge(&self.template))],
            None => self.parts.iter().map(|part| (None, judge(part))).collect(),
        }
    }

    /// Why not all groups are judged, if that is so.
    pub(super) fn unjudged_groups(&self) -> Option<String> {
        let groups = self.groups.as_ref().filter(|groups| groups.has_more())?;
        Some(format!(
            "more than {MAX_GROUPS} values of `{}`: the others were not judged",
            groups.key().name()
        ))
    }

    /// Compares the value of a cell to this limit.
    pub(super) fn judge_cell(
        &self,
        cell: &str,
        limit: i64,
        shared: &[(String, i64)],
    ) -> Option<(bool, MeasuredValue)> {
        match &self.template {
            PartStatistic::Whole(all) => all.judge_cell(cell, limit, shared),
            PartStatistic::Windows(_) => None,
        }
    }
}

/// The effect of an event on a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The condition holds for good, or not, whether it must hold or not.
    Condition(bool),
    /// The expectation is missed.
    Missed,
}

impl PartStatistic {
    fn next_end(&self) -> Option<Span> {
        match self {
            PartStatistic::Whole(_) => None,
            PartStatistic::Windows(windows) => windows.next_end(),
        }
    }

    fn judge(&self, (start, length): (Moment, Span), unit: &LimitValue, never: bool) -> Verdict {
        match self {
            PartStatistic::Whole(all) => {
                let judged = all.judge(length);
                Verdict {
                    holds: judged.map(|(holds, _)| holds != never),
                    got: judged.map(|(_, got)| format_measured(got, unit)),
                    events: all.deciding_event().into_iter().collect(),
                }
            }
            PartStatistic::Windows(windows) => {
                let tally = windows.tally_at(length);
                let is_measured = tally.judged > 0;
                let decisive = tally.first_miss.or(tally.closest);
                Verdict {
                    holds: is_measured.then_some(tally.first_miss.is_none()),
                    got: is_measured.then(|| format_windows(&tally, (start, windows.length()), unit)),
                    events: decisive.and_then(|window| window.seq).into_iter().collect(),
                }
            }
        }
    }
}
