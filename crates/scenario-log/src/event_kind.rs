//! The kinds of events, and which of their keys an expectation can look at. All of it comes from the
//! table of events; this file lists none.

use std::sync::LazyLock;

use crate::event::Event;
pub use crate::event::observable::{EventKeyType, EventScope, EventValue};
use crate::event::table::EVENT_SPECS;

/// A kind of event. Its name is the event's name in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(usize);

type ObservableKey = (&'static str, EventKeyType);

/// The keys of each kind that an expectation can look at, in the order of the log.
static OBSERVABLE_KEYS: LazyLock<Vec<Vec<ObservableKey>>> = LazyLock::new(|| {
    let observable = |kind: EventKind| {
        if EventKind::AFTER_COUNTING.contains(&kind.name()) {
            return Vec::new();
        }
        let keys = EVENT_SPECS[kind.0].keys.iter();
        keys.filter_map(|key| Some((key.name, key.observed?))).collect()
    };
    EventKind::all().map(observable).collect()
});

impl EventKind {
    /// The number of kinds.
    pub const COUNT: usize = EVENT_SPECS.len();

    /// The kinds whose events come after everything has been counted. No expectation can be about them.
    pub const AFTER_COUNTING: [&'static str; 2] = ["expect", "run.finished"];

    /// All kinds, in the order of the format's description.
    pub fn all() -> impl Iterator<Item = EventKind> + Clone {
        (0..EventKind::COUNT).map(EventKind)
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EventKind> {
        EVENT_SPECS.iter().position(|spec| spec.name == name).map(EventKind)
    }

    /// The kind's name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        EVENT_SPECS[self.0].name
    }

    /// The thing that the events of this kind belong to.
    #[must_use]
    pub fn scope(self) -> EventScope {
        EVENT_SPECS[self.0].scope
    }

    /// The keys that an expectation can look at, in the order of the log.
    #[must_use]
    pub fn keys(self) -> &'static [(&'static str, EventKeyType)] {
        &OBSERVABLE_KEYS[self.0]
    }

    /// A number below [`EventKind::COUNT`], for tables.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl Event<'_> {
    /// The event's kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind(self.table_index())
    }

    /// The event's name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}
