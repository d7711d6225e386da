//! The time of a run whose events count for an expectation.

use crate::scenario::model::expect_parts::{EntryPhase, ObservedPart, RunPoint};
use scenario_log::time::{Moment, Span};

/// The time from `since` to `until`.
#[derive(Clone, Debug)]
pub(super) struct ObservedInterval {
    since: Boundary,
    until: Boundary,
}

#[derive(Clone, Debug)]
enum Boundary {
    /// The end of the run, or its start.
    OfRun,
    /// This moment.
    At(Moment),
    /// The moment of an entry, which has not come. It has this name.
    Awaited { entry: usize, phase: EntryPhase, name: String },
    /// The moment of an entry, which has come: what the log has from here on is behind it.
    Reached(Moment),
}

impl Boundary {
    fn new(point: Option<&RunPoint>) -> Boundary {
        match point {
            None => Boundary::OfRun,
            Some(RunPoint::At(span)) => Boundary::At(Moment::ZERO.saturating_add(*span)),
            Some(named @ RunPoint::Entry { entry, phase, .. }) => {
                Boundary::Awaited { entry: *entry, phase: *phase, name: named.to_string() }
            }
        }
    }

    /// Its moment, if that is known.
    fn moment(&self) -> Option<Moment> {
        match self {
            Boundary::At(moment) | Boundary::Reached(moment) => Some(*moment),
            Boundary::OfRun | Boundary::Awaited { .. } => None,
        }
    }

    fn reach(&mut self, (of, come): (usize, EntryPhase), now: Moment) -> bool {
        match self {
            Boundary::Awaited { entry, phase, .. } if (*entry, *phase) == (of, come) => {
                *self = Boundary::Reached(now);
                true
            }
            _ => false,
        }
    }
}

impl ObservedInterval {
    pub(super) fn new(part: &ObservedPart) -> ObservedInterval {
        ObservedInterval {
            since: Boundary::new(part.since.as_ref()),
            until: Boundary::new(part.until.as_ref()),
        }
    }

    /// The entries whose moments it waits for.
    pub(super) fn watches_entries(&self) -> bool {
        [&self.since, &self.until].iter().any(|boundary| matches!(boundary, Boundary::Awaited { .. }))
    }

    /// Notes that a moment of an entry has come. Returns whether that begins or ends it.
    pub(super) fn reach(&mut self, entry: usize, phase: EntryPhase, now: Moment) -> bool {
        let is_start = self.since.reach((entry, phase), now);
        self.until.reach((entry, phase), now) || is_start
    }

    /// Whether an event counts that comes now.
    #[inline]
    pub(super) fn contains(&self, now: Moment) -> bool {
        let has_begun = match &self.since {
            Boundary::OfRun => true,
            Boundary::At(moment) | Boundary::Reached(moment) => now >= *moment,
            Boundary::Awaited { .. } => false,
        };
        has_begun && !self.is_over(now)
    }

    /// Whether no later event counts.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        match &self.until {
            Boundary::OfRun | Boundary::Awaited { .. } => false,
            Boundary::At(moment) => now >= *moment,
            Boundary::Reached(_) => true,
        }
    }

    /// When it begins, if that is known.
    pub(super) fn start(&self) -> Option<Moment> {
        match &self.since {
            Boundary::OfRun => Some(Moment::ZERO),
            other => other.moment(),
        }
    }

    /// Its end, in a run that ends at this moment.
    pub(super) fn end(&self, run_end: Moment) -> Moment {
        self.until.moment().map_or(run_end, |until| until.min(run_end))
    }

    /// The moment after which no event counts, if it is known before it comes.
    pub(super) fn known_end(&self) -> Option<Moment> {
        match &self.until {
            Boundary::At(moment) => Some(*moment),
            Boundary::OfRun | Boundary::Awaited { .. } | Boundary::Reached(_) => None,
        }
    }

    /// Its length, in a run that ends at this moment.
    pub(super) fn length(&self, run_end: Moment) -> Span {
        let end = self.end(run_end);
        self.start().map_or(Span::ZERO, |start| end.since(start.min(end)))
    }

    /// Why it has never begun, in a run that ends at this moment; `None` if it has.
    pub(super) fn missing_start(&self, run_end: Moment) -> Option<String> {
        match &self.since {
            Boundary::Awaited { name, .. } => Some(format!("`{name}` never came")),
            Boundary::At(moment) if *moment > run_end => {
                Some(format!("the run ended before {}", moment.since(Moment::ZERO).format_human()))
            }
            Boundary::OfRun | Boundary::At(_) | Boundary::Reached(_) => None,
        }
    }
}
