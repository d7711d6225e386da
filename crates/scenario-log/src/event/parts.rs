//! The parts that many events have: the source, the timeline entry, the planned moment; and any key by
//! its name.

use crate::event::log_value::{KeyVisitor, LogKey, LogValue};
use crate::event::observable::EventValue;
use crate::event::{EntryName, Event, Source};
use crate::time::Moment;

/// The end of the `error` of a `spawn.failed` that has this `last_try`.
#[must_use]
pub fn last_try_words(last_try: &str) -> String {
    format!(" (the last try: {last_try})")
}

impl<'a> Event<'a> {
    /// The spawn, request or guest that the event belongs to.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        let mut found = SourceVisitor(None);
        self.visit_keys(&mut found);
        found.0
    }

    /// The timeline entry that the event names.
    #[must_use]
    pub fn entry(&self) -> Option<EntryName<'a>> {
        let mut found = EntryVisitor(None);
        self.visit_keys(&mut found);
        found.0
    }

    /// The planned moment, if the event has one. Lateness counts from it.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let mut found = DueVisitor(None);
        self.visit_keys(&mut found);
        found.0
    }

    /// The event's value for one of the keys of its kind; `None` if the event leaves the key out. (For
    /// a chunk of lines the text is that of all lines: pass each line alone.)
    #[must_use]
    pub fn value(&self, key: &str) -> Option<EventValue<'a>> {
        let mut found = ValueVisitor { wanted: key, value: None };
        self.visit_keys(&mut found);
        found.value
    }
}

// The compiler knows which types of keys are a source, an entry or a moment. With everything inlined,
// only the one field remains of these visits.

struct SourceVisitor(Option<Source>);

impl<'e> KeyVisitor<'e> for SourceVisitor {
    #[inline(always)]
    fn visit<K: LogKey>(&mut self, _: &'static str, _: &'static str, value: K::Value<'e>) {
        self.0 = self.0.or_else(|| K::get(value).and_then(K::Of::source));
    }
}

struct EntryVisitor<'e>(Option<EntryName<'e>>);

impl<'e> KeyVisitor<'e> for EntryVisitor<'e> {
    #[inline(always)]
    fn visit<K: LogKey>(&mut self, _: &'static str, _: &'static str, value: K::Value<'e>) {
        self.0 = self.0.or_else(|| K::get(value).and_then(K::Of::entry));
    }
}

struct DueVisitor(Option<Moment>);

impl<'e> KeyVisitor<'e> for DueVisitor {
    #[inline(always)]
    fn visit<K: LogKey>(&mut self, _: &'static str, _: &'static str, value: K::Value<'e>) {
        self.0 = self.0.or_else(|| K::get(value).and_then(K::Of::due));
    }
}

struct ValueVisitor<'k, 'e> {
    wanted: &'k str,
    value: Option<EventValue<'e>>,
}

impl<'e> KeyVisitor<'e> for ValueVisitor<'_, 'e> {
    #[inline]
    fn visit<K: LogKey>(&mut self, key: &'static str, _: &'static str, value: K::Value<'e>) {
        if key == self.wanted {
            self.value = K::get(value).and_then(K::Of::observe);
        }
    }
}
