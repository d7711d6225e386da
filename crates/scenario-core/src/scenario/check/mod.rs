//! Checks that need the whole scenario: names exist and are unique, nothing waits for itself, times can be
//! counted. Builds the model, and reports everything that prevents it.
//!
//! The syntax of a file and the form of single values are checked in `schema`.

mod action_targets;
mod always;
mod auth;
mod cycles;
pub(crate) mod data;
pub(crate) mod expect;
mod fetches;
mod headers;
mod hold;
mod life;
mod links;
mod load;
mod never_comes;
mod player_fetches;
mod players;
mod presets;
mod program_arguments;
mod proxy;
mod ready;
mod request_values;
mod resources;
mod secret_use;
mod shared_captures;
mod step_locks;
mod steps;
mod streams;
mod time_limit;
mod timeline;
mod trigger;
mod until;
mod url;
mod world;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use steps::StepNames;
use timeline::entry_names;

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::engine::random;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{
    RawChannel, RawDataTable, RawExpectation, RawFetchJob, RawLink, RawPreset, RawScenario, RawSharedCells,
    RawTimelineEntry,
};
use crate::scenario::model::step_program::StepProgram;
use crate::scenario::model::steps::Channel;
use crate::scenario::model::{DataTable, FetchJob, PlayersPreset, Preset, Scenario};
use crate::scenario::schema::collections::{NamedEntry, NamedTable};
use crate::scenario::schema::key_rules::{JobNameRule, VarNameRule};
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::{KeySlot, Located};
use crate::scenario::unix_socket::url_in_folder;
use scenario_log::time::Span;

/// The presets, fetches and tables of one file: the scenario itself or an included file.
pub(crate) struct FileDefinitions {
    /// The folder of the file, relative to the scenario's; empty if it is the same.
    pub(crate) folder: PathBuf,
    pub(crate) presets: NamedTable<RawPreset, JobNameRule>,
    pub(crate) fetches: NamedTable<RawFetchJob, JobNameRule>,
    pub(crate) data: NamedTable<RawDataTable, JobNameRule>,
    pub(crate) links: NamedTable<RawLink, JobNameRule>,
    /// The position of the file in the order in which its entries and expectations come.
    pub(crate) order: usize,
    pub(crate) timeline: Vec<Located<RawTimelineEntry>>,
    pub(crate) expect: Vec<Located<RawExpectation>>,
}

/// The parts of a scenario that a preset is checked against.
pub(crate) struct PresetContext<'a> {
    /// Whether only that is allowed which the virtual clock can run.
    is_virtual: bool,
    has_world: bool,
    /// Receives the passwords of URLs.
    passwords: &'a mut Vec<String>,
    /// The names that steps can refer to; receives those of locks.
    step_names: &'a mut StepNames,
}

/// The error for a name that is defined a second time.
pub(crate) fn duplicate_name_error(kind: &str, name: &str, again: FilePlace, first: FilePlace) -> Diagnostic {
    Diagnostic::error(again, format!("the {kind} {} is given twice", quoted(name)))
        .with_label("the second time")
        .with_related(first, "the first time")
}

/// Builds the model of a scenario; its variables are left to the caller. `passwords` receives the passwords
/// of URLs.
pub(crate) fn build_scenario(
    raw: RawScenario,
    parts: Vec<FileDefinitions>,
    data: DefinitionsByName<DataTable>,
    stem: &str,
    is_virtual: bool,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<Scenario> {
    let mut parts = parts;
    let (timeline, expected) = entries_in_order(&mut parts);
    let channels = build_channels(raw.channels);
    let mut shared = StepNames {
        cells: build_cells(raw.shared),
        locks: Vec::new(),
        channels,
        presets: sorted_names(parts.iter().flat_map(|part| part.presets.items.iter().map(|item| &item.name))),
        fetches: sorted_names(parts.iter().flat_map(|part| part.fetches.items.iter().map(|item| &item.name))),
        tables: data.names().map(str::to_owned).collect(),
        entries: entry_names(&timeline),
    };
    let has_world = raw.world.is_present();
    let mut all_presets = DefinitionsByName::default();
    let mut all_fetches = DefinitionsByName::default();
    let mut all_links = DefinitionsByName::default();
    for part in parts {
        for item in part.presets.items {
            let body = item.value.and_then(|raw| {
                let mut around = PresetContext {
                    is_virtual,
                    has_world,
                    passwords: &mut *passwords,
                    step_names: &mut shared,
                };
                presets::build_preset(&item.name, item.place, raw, &part.folder, &mut around, found)
            });
            all_presets.add("preset", item.name, item.place, body, found);
        }
        for item in part.fetches.items {
            if is_virtual {
                found.add(not_on_virtual_clock(item.place, "a fetch"));
            }
            let mut raw = item.value;
            let rows = raw.as_mut().map(|raw| std::mem::take(&mut raw.value.data)).unwrap_or_default();
            let rows = request_values::build_row_source(rows, &data, found);
            let body = raw
                .and_then(|raw| fetches::build_fetch(&item.name, item.place, raw, passwords, found))
                .map(|fetch| in_folder(FetchJob { data: rows, ..fetch }, &part.folder));
            all_fetches.add("fetch", item.name, item.place, body, found);
        }
        links::build_links(part.links, &mut all_links, found);
    }
    let programs = all_presets.bodies().filter_map(Preset::players).flat_map(PlayersPreset::programs);
    let of_players: BTreeSet<&str> =
        programs.flat_map(StepProgram::fetches).map(|fetch| &*shared.fetches[fetch]).collect();
    let is_of_players = |fetch: &str| of_players.contains(fetch);
    request_values::check_request_values(&all_fetches, &data, is_of_players, found);
    let names = expect::ExpectationNames {
        presets: all_presets.by_name.iter().map(|(key, (_, body))| shown_name(key, body.as_ref())).collect(),
        fetches: all_fetches.names().map(str::to_owned).collect(),
        cells: shared.cells.as_ref().map(|cells| cells.iter().map(|(name, _)| name.clone()).collect()),
        entries: shared.entries.clone(),
        ids: timeline.iter().map(|entry| Some(entry.value.id.as_given()?.value.0.clone())).collect(),
    };
    let expected = expect::build_expectations(expected, &names, found);
    let timeline = timeline::build_timeline(timeline, (&all_presets, &all_fetches, &all_links), found);
    let links = all_links.into_list();
    links::check_links(links.as_deref().unwrap_or_default(), found);
    let fetches = all_fetches.into_list();
    crate::scenario::check::secret_use::warn_of_shown_secrets(fetches.as_deref().unwrap_or_default(), found);
    let world = world::build_world(raw.world, &all_presets, found);
    let tick = raw.tick.or_default().0;
    let time_limit = raw.time_limit.into_value().map(|limit| limit.0);
    let hold = raw.hold.as_given().filter(|given| given.value).map(|given| given.place);
    hold::check_hold(hold, time_limit.is_some(), is_virtual, found);
    let scenario = Scenario {
        name: raw.name.into_value().map_or_else(|| stem.to_owned(), |name| name.0),
        description: raw.description.into_value().map(|text| text.0),
        seed: build_seed(raw.seed, found),
        tick: (tick != Span::ZERO).then_some(tick),
        time_limit,
        hold: hold.is_some(),
        vars: BTreeMap::new(),
        ports: BTreeMap::new(),
        presets: with_first_of_names(all_presets.into_list()?),
        fetches: fetches?,
        data: data.into_list()?,
        timeline: timeline?,
        expectations: expected?,
        shared_cells: shared.cells?,
        locks: shared.locks,
        channels: shared.channels?,
        world: world?,
        links: links?,
    };
    expect::warn_of_impossible_events(&scenario.expectations, &scenario, found);
    expect::warn_of_impossible_counts(&scenario.expectations, &scenario, found);
    expect::check_parts(&scenario, found);
    expect::warn_of_uncounted_answers(&scenario.expectations, &scenario, found);
    hold::warn_of_only_background(&scenario, found);
    time_limit::warn_of_late_entries(&scenario, found);
    never_comes::warn_of_waits_without_end(&scenario, found);
    player_fetches::check_player_fetches(&scenario, found);
    player_fetches::check_player_rows(&scenario, found);
    player_fetches::warn_of_endless_spawns(&scenario, found);
    shared_captures::warn_of_shared_captures(&scenario, found);
    Some(scenario)
}

/// The entries and the expectations of all files: those of included files come first.
fn entries_in_order(
    parts: &mut [FileDefinitions],
) -> (Vec<Located<RawTimelineEntry>>, Vec<Located<RawExpectation>>) {
    let mut files: Vec<&mut FileDefinitions> = parts.iter_mut().collect();
    files.sort_by_key(|file| file.order);
    let (mut entries, mut expected) = (Vec::new(), Vec::new());
    for file in files {
        entries.append(&mut file.timeline);
        expected.append(&mut file.expect);
    }
    (entries, expected)
}

/// The name by which events know a preset.
fn shown_name(key: &str, preset: Option<&Preset>) -> String {
    preset.map_or(key, |preset| &preset.name).to_owned()
}

/// The presets, of which each variant knows the first preset of its name.
fn with_first_of_names(mut presets: Vec<Preset>) -> Vec<Preset> {
    let mut first = HashMap::new();
    for (index, preset) in presets.iter().enumerate() {
        first.entry(preset.name.clone()).or_insert(index);
    }
    for preset in &mut presets {
        if let (Some(variant), Some(index)) = (&mut preset.variant, first.get(&preset.name)) {
            variant.first = *index;
        }
    }
    presets
}

/// The fetch of a file in this folder, as seen from the scenario's folder.
fn in_folder(mut fetch: FetchJob, folder: &Path) -> FetchJob {
    for url in &mut fetch.urls {
        *url = url_in_folder(std::mem::take(url), folder);
    }
    fetch
}

/// The seed; one that many programs would read as another number is a warning.
fn build_seed(raw: KeySlot<BoundedInt<0, { i64::MAX }>>, found: &mut Diagnostics) -> Option<u64> {
    let given = raw.into_given()?;
    let seed = u64::try_from(given.value.0).ok()?;
    if let Some(warning) = random::large_seed_warning(seed) {
        found.add(Diagnostic::warning(given.place, warning.message).with_help(warning.help));
    }
    Some(seed)
}

/// The cells, sorted by name; `None` if they are wrong, which has been reported.
fn build_cells(raw: KeySlot<RawSharedCells>) -> Option<Vec<(String, i64)>> {
    if matches!(raw, KeySlot::Invalid) {
        return None;
    }
    let items = raw.into_value().unwrap_or_default().items;
    let mut cells: Vec<(String, i64)> =
        items.into_iter().map(|item| (item.name, item.value.map_or(0, |number| number.value.0))).collect();
    cells.sort();
    Some(cells)
}

/// The channels, sorted by name; `None` if one is wrong, which has been reported.
fn build_channels(raw: KeySlot<NamedTable<RawChannel, VarNameRule>>) -> Option<Vec<Channel>> {
    if matches!(raw, KeySlot::Invalid) {
        return None;
    }
    let items = raw.into_value().unwrap_or_default().items;
    let wanted = items.len();
    let build = |item: NamedEntry<RawChannel>| {
        let raw = item.value?.value;
        Some(Channel {
            name: item.name,
            capacity: u32::try_from(raw.capacity.valid()?.0).ok()?,
            order: raw.order.valid()?,
            lossy: raw.lossy.valid()?,
        })
    };
    let mut channels: Vec<Channel> = items.into_iter().filter_map(build).collect();
    channels.sort_by(|a, b| a.name.cmp(&b.name));
    (channels.len() == wanted).then_some(channels)
}

fn sorted_names<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = names.collect();
    names.into_iter().cloned().collect()
}

/// Presets or fetches by name. A definition with a wrong body keeps its name, so that no message says that
/// the name does not exist.
pub(crate) struct DefinitionsByName<T> {
    by_name: BTreeMap<String, (FilePlace, Option<T>)>,
}

impl<T> Default for DefinitionsByName<T> {
    fn default() -> Self {
        DefinitionsByName { by_name: BTreeMap::new() }
    }
}

impl<T> DefinitionsByName<T> {
    fn add(&mut self, kind: &str, name: String, place: FilePlace, body: Option<T>, found: &mut Diagnostics) {
        match self.by_name.get(&name) {
            Some((first, _)) => found.add(duplicate_name_error(kind, &name, place, *first)),
            None => {
                self.by_name.insert(name, (place, body));
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.by_name.keys().map(String::as_str)
    }

    /// The definitions that are right.
    fn bodies(&self) -> impl Iterator<Item = &T> {
        self.by_name.values().filter_map(|(_, body)| body.as_ref())
    }

    /// The definition at an index of the model's list, if it is right.
    fn bodies_by_index(&self, index: usize) -> Option<&T> {
        self.by_name.values().nth(index)?.1.as_ref()
    }

    fn get(&self, name: &str) -> Option<Option<&T>> {
        self.by_name.get(name).map(|(_, body)| body.as_ref())
    }

    /// The index that each name will have in the model's list.
    fn indices(&self) -> std::collections::HashMap<&str, usize> {
        self.names().enumerate().map(|(index, name)| (name, index)).collect()
    }

    fn into_list(self) -> Option<Vec<T>> {
        self.by_name.into_values().map(|(_, body)| body).collect()
    }
}

/// The error for something that the virtual clock cannot run.
fn not_on_virtual_clock(place: FilePlace, what: &str) -> Diagnostic {
    Diagnostic::error(place, format!("the virtual clock cannot run {what}"))
        .with_help("run it with `--clock real`; the virtual clock runs only what the runner decides alone")
}

/// Reports that a name does not exist, with the names that do.
fn report_unknown_name<'n>(
    found: &mut Diagnostics,
    kind: &str,
    kinds: &str,
    name: &Located<String>,
    names: impl Iterator<Item = &'n str> + Clone,
) {
    if found.count_if_full() {
        return;
    }
    let fault = Diagnostic::error(name.place, format!("there is no {kind} {}", quoted(&name.value)));
    let fault = found.did_you_mean(fault, &name.value, names, kinds);
    found.add(fault);
}
