//! Divides events into groups by the values of a key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::expectations::origins::KeyValue;
use crate::scenario::model::expect_parts::GroupKey;
use scenario_log::event::Source;

/// The most groups of an expectation.
pub(super) const MAX_GROUPS: usize = 10_000;

/// The groups of events so far, each with its index.
#[derive(Debug)]
pub(super) struct EventGroups {
    key: GroupKey,
    /// The group of the events without a value.
    missing: Option<usize>,
    numbers: BTreeMap<i128, usize>,
    sources: BTreeMap<Source, usize>,
    texts: BTreeMap<Box<[u8]>, usize>,
    count: usize,
    /// Whether events belong to none, because there are too many groups.
    has_more: bool,
}

impl EventGroups {
    pub(super) fn new(key: GroupKey) -> EventGroups {
        EventGroups {
            key,
            missing: None,
            numbers: BTreeMap::new(),
            sources: BTreeMap::new(),
            texts: BTreeMap::new(),
            count: 0,
            has_more: false,
        }
    }

    pub(super) fn key(&self) -> GroupKey {
        self.key
    }

    /// The index of the group of a value. A new group has the next index; `None` if there are too many.
    pub(super) fn index_of(&mut self, value: &KeyValue<'_>) -> Option<usize> {
        let known = match value {
            KeyValue::Missing => self.missing,
            KeyValue::Number(number) => self.numbers.get(number).copied(),
            KeyValue::Source(source) => self.sources.get(source).copied(),
            KeyValue::Text(text) | KeyValue::Player(_, text) => self.texts.get(&**text).copied(),
        };
        if known.is_some() {
            return known;
        }
        if self.count == MAX_GROUPS {
            self.has_more = true;
            return None;
        }
        let index = self.count;
        self.count += 1;
        match value {
            KeyValue::Missing => self.missing = Some(index),
            KeyValue::Number(number) => drop(self.numbers.insert(*number, index)),
            KeyValue::Source(source) => drop(self.sources.insert(*source, index)),
            KeyValue::Text(text) | KeyValue::Player(_, text) => {
                self.texts.insert(text.clone().into_owned().into_boxed_slice(), index);
            }
        }
        Some(index)
    }

    /// The names of the groups in the order of their values, each with its index.
    pub(super) fn names(&self) -> impl Iterator<Item = (Cow<'_, str>, usize)> {
        let missing = self.missing.map(|index| (Cow::Owned(format!("no {}", self.key.name())), index));
        let numbers = self.numbers.iter().map(|(number, index)| (Cow::Owned(number.to_string()), *index));
        let sources = self.sources.iter().map(|(source, index)| (Cow::Owned(source.to_string()), *index));
        let texts = self.texts.iter().map(|(text, index)| (String::from_utf8_lossy(text), *index));
        missing.into_iter().chain(numbers).chain(sources).chain(texts)
    }

    /// Whether there were more groups than an expectation has.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }
}
