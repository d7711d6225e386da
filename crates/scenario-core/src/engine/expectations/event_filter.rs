//! Selects the events that an expectation looks at, and reads the value that it measures.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use crate::engine::expectations::origins::SourceView;
use crate::scenario::model::expect::{
    ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher, MeasuredQuantity,
};
use crate::scenario::model::expect_parts::GroupKey;
use scenario_log::event::Event;
use scenario_log::event_kind::{EventKind, EventValue};
use scenario_log::time::Moment;

/// The events and the value that an expectation looks at, ready for comparison.
#[derive(Debug)]
pub(super) struct EventFilter {
    pub(super) subject: ExpectationSubject,
    pub(super) cell: Option<String>,
    within: Option<ExpectationScope>,
    matchers: Vec<(ConditionKey, ValueMatcher)>,
    /// How many of the matchers, the first ones, an event must meet to count. It is part of a share if it
    /// meets the others as well.
    base_count: usize,
}

/// A key that has a condition.
#[derive(Debug)]
enum ConditionKey {
    /// One of the event's own.
    Own(String),
    /// One that the event has from the start of its source.
    Inherited(GroupKey),
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

impl EventFilter {
    pub(super) fn new(watched: &ExpectationTarget) -> EventFilter {
        EventFilter::with_matchers(watched, watched.key_matchers.iter(), watched.key_matchers.len())
    }

    /// The filter of a share: some of the matchers say which events are counted, the others which of them
    /// are part of the share.
    pub(super) fn for_share(watched: &ExpectationTarget) -> EventFilter {
        let (matchers, base_count) = watched.matchers_of_share();
        EventFilter::with_matchers(watched, matchers.into_iter(), base_count)
    }

    fn with_matchers<'a>(
        watched: &ExpectationTarget,
        matchers: impl Iterator<Item = &'a (String, KeyMatcher)>,
        base_count: usize,
    ) -> EventFilter {
        let kind = watched.subject.event_kind();
        let condition_key = |key: &str| {
            let inherited =
                GroupKey::from_name(key).filter(|key| kind.is_some_and(|kind| key.is_inherited(kind)));
            inherited.map_or_else(|| ConditionKey::Own(key.to_owned()), ConditionKey::Inherited)
        };
        EventFilter {
            subject: watched.subject,
            cell: watched.cell.clone(),
            within: watched.scope.clone(),
            matchers: matchers.map(|(key, wanted)| (condition_key(key), ValueMatcher::new(wanted))).collect(),
            base_count,
        }
    }

    /// The kinds of event that can match.
    pub(super) fn event_kinds(&self) -> Vec<EventKind> {
        match self.subject {
            ExpectationSubject::Event(kind) => vec![kind],
            ExpectationSubject::Shared | ExpectationSubject::Quantity(_) => Vec::new(),
            ExpectationSubject::Measure(measure) => {
                measure.event_kind().map_or_else(|| EventKind::all().collect(), |kind| vec![kind])
            }
        }
    }

    /// Whether it must know the origin of sources.
    pub(super) fn needs_origins(&self) -> bool {
        self.within.is_some()
            || self.subject == ExpectationSubject::Measure(MeasuredQuantity::SpawnTook)
            || self.matchers.iter().any(|(key, _)| matches!(key, ConditionKey::Inherited(_)))
    }

    /// The keys with a condition that events have from the start of their source.
    pub(super) fn inherited_keys(&self) -> impl Iterator<Item = GroupKey> {
        self.matchers.iter().filter_map(|(key, _)| match key {
            ConditionKey::Inherited(key) => Some(*key),
            ConditionKey::Own(_) => None,
        })
    }

    /// Whether it has a condition on keys.
    pub(super) fn has_condition(&self) -> bool {
        !self.matchers.is_empty()
    }

    /// Whether an event meets the condition on keys.
    #[inline]
    pub(super) fn meets_condition(&self, event: &Event<'_>, view: SourceView<'_>) -> bool {
        meets(&self.matchers, event, view)
    }

    /// Whether an event belongs to the preset, the fetch or the entry that `in` names.
    #[inline]
    pub(super) fn is_in_scope(&self, view: SourceView<'_>) -> bool {
        let Some(within) = &self.within else { return true };
        let Some(origin) = view.origin() else { return false };
        let is = |own: Option<usize>, wanted: Option<usize>| own.is_some() && own == wanted;
        is(origin.preset, within.preset) || is(origin.fetch, within.fetch) || is(origin.entry, within.entry)
    }

    /// Whether an event is one of those that are looked at.
    pub(super) fn selects(&self, event: &Event<'_>, view: SourceView<'_>) -> bool {
        self.is_in_scope(view) && self.meets_condition(event, view)
    }

    /// The measured value of an event that counts. Where events are only counted, that is 1 for an event that
    /// meets the whole condition. `decided` says whether it meets it, if that does not follow from the event.
    #[inline]
    pub(super) fn measure(
        &self,
        (now, decided): (Moment, Option<bool>),
        event: &Event<'_>,
        view: SourceView<'_>,
    ) -> Option<u64> {
        if !self.is_in_scope(view) {
            return None;
        }
        let is_share = self.base_count < self.matchers.len();
        let meets_all = decided.unwrap_or_else(|| self.meets_condition(event, view));
        let counts = meets_all || is_share && meets(&self.matchers[..self.base_count], event, view);
        if !counts {
            return None;
        }
        match self.subject {
            ExpectationSubject::Event(_) => Some(u64::from(meets_all)),
            ExpectationSubject::Measure(measure) => measured_value(measure, now, event, view),
            ExpectationSubject::Shared | ExpectationSubject::Quantity(_) => None,
        }
    }
}

fn meets(matchers: &[(ConditionKey, ValueMatcher)], event: &Event<'_>, view: SourceView<'_>) -> bool {
    matchers.iter().all(|(key, test)| match key {
        ConditionKey::Own(key) => test.matches(event.value(key)),
        ConditionKey::Inherited(key) => {
            test.matches(view.inherited(*key).map(|text| EventValue::Text(text.as_bytes().into())))
        }
    })
}

fn measured_value(
    measure: MeasuredQuantity,
    now: Moment,
    event: &Event<'_>,
    view: SourceView<'_>,
) -> Option<u64> {
    match (measure, event) {
        (MeasuredQuantity::FetchTook, Event::FetchFinished { fetched, .. }) => Some(fetched.took.0),
        (MeasuredQuantity::FetchFirstByte, Event::FetchFinished { fetched, .. }) => {
            fetched.timings.first_byte.map(|span| span.0)
        }
        (MeasuredQuantity::FetchBytes, Event::FetchFinished { fetched, .. }) => Some(fetched.bytes),
        (MeasuredQuantity::SpawnTook, Event::SpawnExited { .. }) => {
            Some(now.since(view.origin()?.started_at?).0)
        }
        (MeasuredQuantity::SpawnCpu, Event::SpawnExited { usage, .. }) => usage.cpu.map(|cpu| cpu.0),
        (MeasuredQuantity::SpawnPeakMemory, Event::SpawnExited { usage, .. }) => usage.peak_memory,
        (MeasuredQuantity::SpawnMemory, Event::SpawnSampled { memory, .. }) => Some(*memory),
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
