//! Where the sources of events come from: noted when a source is ordered, and forgotten when it has ended.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::engine::expectations::outcome::EventOrigin;
use crate::scenario::model::expect_parts::GroupKey;
use crate::scenario::model::{EntryAction, PresetKind, Scenario, TimelineEntry};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::event_kind::EventValue;
use scenario_log::time::Moment;

/// The names of the scenario that events get from the start of their source.
#[derive(Debug, Default)]
pub(super) struct OriginNames {
    presets: Vec<String>,
    fetches: Vec<String>,
    entries: Vec<String>,
    entries_by_id: BTreeMap<String, usize>,
    /// The number of players of each preset.
    player_counts: Vec<u64>,
    /// Whether the spawns of each entry are ready when they have started.
    are_ready_at_start: Vec<bool>,
}

/// The start of a source.
#[derive(Clone, Debug)]
pub(super) struct SourceStart {
    pub(super) origin: EventOrigin,
    request: Option<RequestStart>,
}

/// The facts in the start of a request.
#[derive(Clone, Debug)]
struct RequestStart {
    url: Box<str>,
    step: Option<Box<str>>,
    player: Option<Box<str>>,
}

/// The known facts about the source of an event.
#[derive(Clone, Copy)]
pub(super) struct SourceView<'a> {
    names: &'a OriginNames,
    start: Option<&'a SourceStart>,
}

/// The value of a key by which events are divided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyValue<'a> {
    /// The event has no such value.
    Missing,
    Number(i128),
    Source(Source),
    Text(Cow<'a, [u8]>),
    /// A player, by its name and the spawn or guest that it belongs to.
    Player(Option<Source>, Cow<'a, [u8]>),
}

/// The starts of the sources that have not ended.
#[derive(Debug, Default)]
pub(super) struct SourceOrigins {
    pub(super) names: OriginNames,
    starts: BTreeMap<Source, Rc<SourceStart>>,
    /// The source that was looked up last: the next event is likely to have the same.
    last: Option<(Source, Rc<SourceStart>)>,
    /// Whether the URL, the player and the step of a request are kept.
    keeps_requests: bool,
}

impl OriginNames {
    fn new(scenario: &Scenario) -> OriginNames {
        let timeline = scenario.timeline.iter().enumerate();
        let ids = timeline.clone().filter_map(|(n, entry)| Some((entry.id.clone()?, n)));
        let players = |kind: &PresetKind| match kind {
            PresetKind::Players(players) => players.groups.iter().map(|group| u64::from(group.count)).sum(),
            PresetKind::Command(_) => 0,
        };
        OriginNames {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|fetch| fetch.name.clone()).collect(),
            entries_by_id: ids.collect(),
            entries: timeline.map(|(n, entry)| entry.event_name(n).to_string()).collect(),
            are_ready_at_start: scenario
                .timeline
                .iter()
                .map(|entry| is_ready_at_start(scenario, entry))
                .collect(),
            player_counts: scenario.presets.iter().map(|preset| players(&preset.kind)).collect(),
        }
    }

    /// Whether the spawns of an entry are ready when they have started.
    pub(super) fn is_ready_at_start(&self, entry: usize) -> bool {
        self.are_ready_at_start.get(entry).copied().unwrap_or(false)
    }

    /// The index of an entry.
    pub(super) fn entry(&self, name: EntryName<'_>) -> Option<usize> {
        match name {
            EntryName::Id(id) => self.entries_by_id.get(id).copied(),
            EntryName::Number(number) => number.checked_sub(1),
        }
    }
}

fn is_ready_at_start(scenario: &Scenario, entry: &TimelineEntry) -> bool {
    match entry.action {
        EntryAction::Spawn(preset) => match &scenario.presets[preset].kind {
            PresetKind::Players(_) => true,
            PresetKind::Command(command) => command.ready.is_none(),
        },
        _ => false,
    }
}

impl<'a> SourceView<'a> {
    pub(super) fn origin(&self) -> Option<&'a EventOrigin> {
        self.start.map(|start| &start.origin)
    }

    /// The number of players of the source's preset; `None` if it has no preset.
    pub(super) fn player_count(&self) -> Option<u64> {
        self.names.player_counts.get(self.origin()?.preset?).copied()
    }

    /// The value of a key that an event has from the start of its source.
    pub(super) fn inherited(&self, key: GroupKey) -> Option<&'a str> {
        let name = |names: &'a [String], index: Option<usize>| names.get(index?).map(String::as_str);
        let (names, start) = (self.names, self.start?);
        let request = start.request.as_ref();
        match key {
            GroupKey::Preset => name(&names.presets, start.origin.preset),
            GroupKey::Job => name(&names.fetches, start.origin.fetch),
            GroupKey::Entry => name(&names.entries, start.origin.entry),
            GroupKey::Url => request.map(|request| &*request.url),
            GroupKey::Step => request?.step.as_deref(),
            GroupKey::Player => request?.player.as_deref(),
            GroupKey::Status | GroupKey::Source => None,
        }
    }

    /// The value of a key that an event has of its own, or from the start of its source.
    pub(super) fn value<'e>(&self, key: GroupKey, event: &Event<'e>) -> KeyValue<'e>
    where
        'a: 'e,
    {
        if key == GroupKey::Source {
            return event.source().map_or(KeyValue::Missing, KeyValue::Source);
        }
        match event.value(key.name()) {
            Some(EventValue::Text(text)) => KeyValue::Text(text),
            Some(EventValue::Number(number)) => KeyValue::Number(number),
            Some(EventValue::Boolean(_)) | None => {
                let inherited = self.inherited(key).map(|text| Cow::Borrowed(text.as_bytes()));
                inherited.map_or(KeyValue::Missing, KeyValue::Text)
            }
        }
    }

    /// The value that two events must share to belong together.
    pub(super) fn link<'e>(&self, key: Option<GroupKey>, event: &Event<'e>) -> KeyValue<'e>
    where
        'a: 'e,
    {
        key.map_or(KeyValue::Missing, |key| self.identity(key, event))
    }

    /// The value of a key by which one event belongs to another. Players of different spawns are different,
    /// also if they have the same name.
    fn identity<'e>(&self, key: GroupKey, event: &Event<'e>) -> KeyValue<'e>
    where
        'a: 'e,
    {
        match self.value(key, event) {
            KeyValue::Text(name) if key == GroupKey::Player => {
                let spawn = self.origin().and_then(|origin| origin.spawn);
                KeyValue::Player(spawn.or(event.source()), name)
            }
            other => other,
        }
    }
}

impl KeyValue<'_> {
    pub(super) fn into_owned(self) -> KeyValue<'static> {
        match self {
            KeyValue::Missing => KeyValue::Missing,
            KeyValue::Number(number) => KeyValue::Number(number),
            KeyValue::Source(source) => KeyValue::Source(source),
            KeyValue::Text(text) => KeyValue::Text(Cow::Owned(text.into_owned())),
            KeyValue::Player(of, name) => KeyValue::Player(of, Cow::Owned(name.into_owned())),
        }
    }
}

impl SourceOrigins {
    pub(super) fn new(scenario: &Scenario) -> SourceOrigins {
        SourceOrigins { names: OriginNames::new(scenario), ..SourceOrigins::default() }
    }

    /// Keeps the URL, the player and the step of each request while it is in flight.
    pub(super) fn keep_requests(&mut self) {
        self.keeps_requests = true;
    }

    /// Notes the origin of a source, before its first event.
    pub(super) fn register(&mut self, source: Source, origin: EventOrigin) {
        self.starts.insert(source, Rc::new(SourceStart { origin, request: None }));
    }

    /// The start of the source of an event.
    pub(super) fn find(&mut self, event: &Event<'_>) -> Option<Rc<SourceStart>> {
        if let Some(source) = event.source() {
            return match &self.last {
                Some((nearest, start)) if *nearest == source => Some(Rc::clone(start)),
                _ => {
                    let start = Rc::clone(self.starts.get(&source)?);
                    self.last = Some((source, Rc::clone(&start)));
                    Some(start)
                }
            };
        }
        let entry = self.names.entry(event.entry()?);
        let origin = EventOrigin { preset: None, fetch: None, entry, spawn: None, started_at: None };
        Some(Rc::new(SourceStart { origin, request: None }))
    }

    /// The start of a source, without a note of it.
    pub(super) fn get(&self, source: Option<Source>) -> Option<&SourceStart> {
        self.starts.get(&source?).map(|start| &**start)
    }

    pub(super) fn view<'a>(&'a self, start: Option<&'a SourceStart>) -> SourceView<'a> {
        SourceView { names: &self.names, start }
    }

    /// Notes the start of a source, and forgets a source that has ended, which is returned.
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone begin or end a source")]
    pub(super) fn update(&mut self, now: Moment, event: &Event<'_>) -> Option<Source> {
        match event {
            Event::SpawnStarted { source, .. } => {
                self.last = None;
                if let Some(start) = self.starts.get_mut(source) {
                    Rc::make_mut(start).origin.started_at = Some(now);
                }
                None
            }
            Event::FetchStarted { source, url, step, player, .. } if self.keeps_requests => {
                self.last = None;
                if let Some(start) = self.starts.get_mut(source) {
                    Rc::make_mut(start).request = Some(RequestStart {
                        url: (*url).into(),
                        step: step.map(Into::into),
                        player: player.map(|player| player.to_string().into()),
                    });
                }
                None
            }
            Event::SpawnExited { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => self.forget(*source),
            Event::SpawnFailed { source, .. } => {
                // A spawn that runs and never became ready has not ended.
                let start = self.starts.get(source);
                if start.is_some_and(|start| start.origin.started_at.is_none()) {
                    return self.forget(*source);
                }
                None
            }
            _ => None,
        }
    }

    fn forget(&mut self, source: Source) -> Option<Source> {
        self.last = None;
        self.starts.remove(&source);
        Some(source)
    }
}
