//! One expectation, and what there is of it so far.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use super::order::Behind;
use super::{Ended, Origin};
use crate::engine::expect::format;
use crate::engine::expect::measure::Made;
use crate::engine::progress::{Stand, stand};
use crate::scenario::model::expect::{Expectation, Limit, Measure, Rule, Subject, Wanted, Watched, Within};
use scenario_log::event::{Event, Expected};
use scenario_log::event_kind::{EventKind, Said};
use scenario_log::time::Moment;

/// What of an order a rule looks for in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What is expected.
    Of,
    /// What it must come behind.
    Follows,
}

/// An expectation at work.
#[derive(Debug)]
pub(super) struct Watch {
    name: String,
    wanted: String,
    never: bool,
    abort: bool,
    /// The unit of what is got.
    unit: Limit,
    of: Eye,
    state: State,
    /// It can no longer hold.
    is_missed: bool,
}

#[derive(Debug)]
enum State {
    Figure(Made),
    Order { follows: Eye, behind: Behind },
}

/// What is looked at, ready to be compared.
#[derive(Debug)]
struct Eye {
    what: Subject,
    cell: Option<String>,
    within: Option<Within>,
    values: Vec<(String, Test)>,
}

/// What a key's value must be.
#[derive(Debug)]
enum Test {
    /// Bytes that hold these: most expressions are plain words.
    Holds(Box<Finder<'static>>),
    Matches(Regex),
    Number(i64),
    Boolean(bool),
}

impl Watch {
    pub(super) fn new(one: &Expectation) -> Watch {
        let (unit, state) = match &one.rule {
            Rule::Figure(figure) => (figure.limit, State::Figure(Made::new(*figure))),
            Rule::Order(order) => {
                let behind = Behind::new(order.within, one.never);
                (Limit::Count(0), State::Order { follows: Eye::new(&order.follows), behind })
            }
        };
        Watch {
            name: one.name.clone(),
            wanted: one.wanted(),
            never: one.never,
            abort: one.abort,
            unit,
            of: Eye::new(&one.of),
            state,
            is_missed: false,
        }
    }

    /// Which kinds of event it looks at, and for what. What is followed comes last, so that nothing
    /// follows itself.
    pub(super) fn looks_at(&self) -> Vec<(EventKind, Side)> {
        let is_of_end = self.of.what == Subject::Measure(Measure::RunTook) && !self.abort;
        if is_of_end || self.of.what == Subject::Shared {
            // The end of the run is all that matters.
            return Vec::new();
        }
        let mut kinds: Vec<_> = self.of.kinds().into_iter().map(|kind| (kind, Side::Of)).collect();
        if let State::Order { follows, .. } = &self.state {
            kinds.extend(follows.kinds().into_iter().map(|kind| (kind, Side::Follows)));
        }
        kinds
    }

    /// The names that it is bound to.
    pub(super) fn withins(&self) -> impl Iterator<Item = &Within> {
        let follows = match &self.state {
            State::Order { follows, .. } => follows.within.as_ref(),
            State::Figure(_) => None,
        };
        self.of.within.iter().chain(follows)
    }

    /// Whether it must know what sources are of.
    pub(super) fn needs_origins(&self) -> bool {
        self.withins().next().is_some() || self.of.what == Subject::Measure(Measure::SpawnTook)
    }

    /// Whether it may end the run.
    pub(super) fn aborts(&self) -> bool {
        self.abort
    }

    /// Looks at an event; whether it is to end the run, since it can no longer hold.
    #[inline]
    pub(super) fn take(
        &mut self,
        side: Side,
        (now, seq): (Moment, u64),
        event: &Event<'_>,
        origin: Option<&Origin>,
    ) -> bool {
        let settled = match (&mut self.state, side) {
            (State::Figure(made), _) => match self.of.value(now, event, origin) {
                Some(value) => made.take(value, seq).map(|holds| holds != self.never),
                None => None,
            },
            (State::Order { behind, .. }, Side::Of) => match self.of.value(now, event, origin) {
                Some(_) => behind.take(now, seq),
                None => None,
            },
            (State::Order { follows, behind }, Side::Follows) => {
                if follows.value(now, event, origin).is_some() {
                    behind.before(now, seq);
                }
                None
            }
        };
        self.is_missed |= settled == Some(false);
        self.abort && settled == Some(false)
    }

    /// How it stands, by its name.
    pub(super) fn stand(&self, so_far: &Ended<'_>) -> (String, Stand) {
        (self.name.clone(), stand(self.judge(so_far).ok, self.is_missed))
    }

    /// What came of it.
    pub(super) fn judge(&self, ended: &Ended<'_>) -> Expected {
        let (holds, got, events) = match &self.state {
            State::Figure(made) => {
                let judged = match (&self.of.cell, self.unit) {
                    (Some(cell), Limit::Value(limit)) => made.judge_cell(cell, limit, ended.shared),
                    _ => made.judge(ended.lasted),
                };
                let holds = judged.map(|(holds, _)| holds != self.never);
                let got = judged.map(|(_, got)| format::figure(got, &self.unit));
                (holds, got, made.decided_by().into_iter().collect())
            }
            State::Order { behind, .. } => {
                let holds = behind.judge();
                let got = holds.map(|_| format::order(behind, self.never));
                (holds, got, behind.decided_by().map(|pair| pair.events()).unwrap_or_default())
            }
        };
        Expected {
            name: self.name.clone(),
            ok: holds.unwrap_or(false),
            wanted: self.wanted.clone(),
            got,
            events,
        }
    }
}

impl Eye {
    fn new(watched: &Watched) -> Eye {
        let values = watched.values.iter().map(|(key, wanted)| (key.clone(), Test::new(wanted)));
        Eye {
            what: watched.what,
            cell: watched.cell.clone(),
            within: watched.within.clone(),
            values: values.collect(),
        }
    }

    /// The kinds of event that it looks at.
    fn kinds(&self) -> Vec<EventKind> {
        match self.what {
            Subject::Event(kind) => vec![kind],
            Subject::Shared => Vec::new(),
            Subject::Measure(measure) => {
                measure.event().map_or_else(|| EventKind::all().collect(), |kind| vec![kind])
            }
        }
    }

    /// The value of an event that is looked at; of one that is only counted, nothing.
    #[inline]
    fn value(&self, now: Moment, event: &Event<'_>, origin: Option<&Origin>) -> Option<u64> {
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
        if !self.values.iter().all(|(key, test)| test.holds(event.said(key))) {
            return None;
        }
        match self.what {
            Subject::Event(_) => Some(0),
            Subject::Measure(measure) => measured(measure, now, event, origin),
            Subject::Shared => None,
        }
    }
}

fn measured(measure: Measure, now: Moment, event: &Event<'_>, origin: Option<&Origin>) -> Option<u64> {
    match (measure, event) {
        (Measure::FetchTook, Event::FetchFinished { fetched, .. }) => Some(fetched.took.0),
        (Measure::FetchFirstByte, Event::FetchFinished { fetched, .. }) => {
            fetched.timings.first_byte.map(|span| span.0)
        }
        (Measure::FetchBytes, Event::FetchFinished { fetched, .. }) => Some(fetched.bytes),
        (Measure::SpawnTook, Event::SpawnExited { .. }) => Some(now.since(origin?.started?).0),
        (Measure::Lateness, event) => event.due().map(|due| now.since(due).0),
        // How long it has taken so far.
        (Measure::RunTook, _) => Some(now.0),
        _ => None,
    }
}

impl Test {
    fn new(wanted: &Wanted) -> Test {
        match wanted {
            Wanted::Text(regex) if regex::escape(regex) == *regex => {
                Test::Holds(Box::new(Finder::new(regex).into_owned()))
            }
            Wanted::Text(regex) => match Regex::new(regex) {
                Ok(regex) => Test::Matches(regex),
                Err(_) => unreachable!("the check of a scenario has tried its expressions"),
            },
            Wanted::Number(number) => Test::Number(*number),
            Wanted::Boolean(value) => Test::Boolean(*value),
        }
    }

    fn holds(&self, said: Option<Said<'_>>) -> bool {
        match (self, said) {
            (Test::Holds(plain), Some(Said::Text(text))) => plain.find(&text).is_some(),
            (Test::Matches(regex), Some(Said::Text(text))) => regex.is_match(&text),
            (Test::Number(wanted), Some(Said::Number(number))) => number == i128::from(*wanted),
            (Test::Boolean(wanted), Some(Said::Boolean(value))) => value == *wanted,
            _ => false,
        }
    }
}
