//! Loads a scenario: reads its files, resolves the variables, decodes the tables, and runs the checks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::check::data::{self, DataFiles};
use super::check::{self, DefinitionsByName, FileDefinitions};
use super::diagnostics::Diagnostics;
use super::env_files::EnvFileReader;
use super::expand::{self, EntryGroups};
use super::file_reader::{ParsedFile, ScenarioReader};
use super::matrix::build_matrix;
use super::selection::{KeptParts, retain_marked};
use super::vars::Vars;
use super::{FileProvider, LoadExtras, LoadedScenario, MatrixAxis, ScenarioError, ScenarioOptions};
use crate::diagnostic::{Diagnostic, FilePlace, Severity, SourceFiles, quoted};
use crate::scenario::file::{
    RawDataTable, RawExpectation, RawFetchJob, RawIncludedFile, RawLink, RawPreset, RawScenario,
    RawTimelineEntry,
};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use crate::scenario::schema::collections::{ListOf, NamedTable};
use crate::scenario::schema::key_rules::JobNameRule;
use crate::scenario::schema::{DecodeContext, FileOrigin, KeySlot, TomlSchema};
use crate::scenario::toml::{ByteRange, TomlDocument, TomlNode, TomlValue};
use crate::scenario::vars::declare;
use scenario_log::event::ClockKind;
use scenario_log::secrets::Secrets;

/// Loads a scenario; `-` is standard input.
///
/// # Errors
///
/// Everything that is wrong with it, an unreadable file included.
pub fn load_scenario(
    path: &Path,
    files: &dyn FileProvider,
    options: &ScenarioOptions<'_>,
) -> Result<LoadedScenario, ScenarioError> {
    load_selected(path, files, options, &LoadExtras::default())
}

/// The same, with what a run asks for beyond the file.
///
/// # Errors
///
/// Everything that is wrong with it, an unreadable file included, and names of the selection that do not exist.
pub fn load_selected(
    path: &Path,
    files: &dyn FileProvider,
    options: &ScenarioOptions<'_>,
    extras: &LoadExtras<'_>,
) -> Result<LoadedScenario, ScenarioError> {
    let (whole, groups) = load_kept(path, files, (options, extras), None)?;
    if extras.selection.is_all() {
        return Ok(whole);
    }
    // The moment that an entry waits for is known when all of them have been checked.
    let mut found = Diagnostics::default();
    let kept = KeptParts::find(&whole.scenario, &extras.selection, &groups, &mut found);
    let Some(kept) = kept else {
        return Err(ScenarioError { sources: whole.sources, diagnostics: found.finish() });
    };
    let (mut part, _) = load_kept(path, files, (options, extras), Some(&kept))?;
    part.warnings.extend(found.finish());
    Ok(part)
}

/// Loads the parts of a scenario that are kept, or all of it.
fn load_kept(
    path: &Path,
    files: &dyn FileProvider,
    (options, extras): (&ScenarioOptions<'_>, &LoadExtras<'_>),
    kept: Option<&KeptParts>,
) -> Result<(LoadedScenario, EntryGroups), ScenarioError> {
    let stdin = path == Path::new("-");
    let stem = if stdin { "stdin".into() } else { path.file_stem().unwrap_or_default().to_string_lossy() };
    let (ScenarioReader { mut sources, paths, parsed, diagnostics: mut found, incomplete, .. }, folder) =
        read_files(path, files);
    let data = DataFiles { files, folder: &folder, sources: &mut sources };
    let checked = FileSet { origins: file_origins(&parsed), parsed, data, incomplete }.decode_and_check(
        (options, extras),
        kept,
        &stem,
        &mut found,
    );
    let errors = found.error_count();
    let diagnostics = found.finish();
    match checked {
        Some(CheckedScenario { scenario, secrets, matrix, groups }) if errors == 0 => {
            let warnings = diagnostics;
            Ok((LoadedScenario { scenario, folder, secrets, sources, paths, warnings, matrix }, groups))
        }
        _ => Err(ScenarioError { sources, diagnostics }),
    }
}

/// A scenario that has been checked, with what is not a part of it.
struct CheckedScenario {
    scenario: Scenario,
    secrets: Secrets,
    matrix: Vec<MatrixAxis>,
    groups: EntryGroups,
}

/// The paths of a file and of everything that it includes, as far as they can be read.
#[must_use]
pub fn read_paths(path: &Path, files: &dyn FileProvider) -> Vec<PathBuf> {
    read_files(path, files).0.paths
}

/// Reads a file and everything that it includes; also gives its folder.
fn read_files<'f>(path: &Path, files: &'f dyn FileProvider) -> (ScenarioReader<'f>, PathBuf) {
    let stdin = path == Path::new("-");
    let folder = match path.parent() {
        Some(parent) if !stdin && !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut reader = ScenarioReader::new(files, folder.clone());
    let shown = if stdin { "<stdin>".into() } else { path.to_string_lossy() };
    reader.read_root(path, &shown);
    (reader, folder)
}

/// The expectations of a file about runs of another scenario.
#[derive(Debug)]
pub struct LoadedExpectations {
    /// The checked expectations.
    pub expectations: Vec<Expectation>,
    /// The files that were read.
    pub sources: SourceFiles,
    /// The warnings: things that may be mistakes.
    pub warnings: Vec<Diagnostic>,
}

/// Loads the expectations of a file alone, and checks them against the names of this scenario.
///
/// # Errors
///
/// Everything that is wrong with it; a file without expectations is wrong too.
pub fn load_expectations(
    path: &Path,
    files: &dyn FileProvider,
    options: &ScenarioOptions<'_>,
    of: &Scenario,
) -> Result<LoadedExpectations, ScenarioError> {
    let (ScenarioReader { mut sources, mut parsed, diagnostics: mut found, incomplete, .. }, folder) =
        read_files(path, files);
    let mut vars = declare::declare_vars(&mut parsed, options, incomplete, &mut found);
    if !incomplete {
        let mut reader = EnvFileReader { files, folder: &folder, sources: &mut sources };
        expand::expand(&mut parsed, &mut reader, &mut vars, &mut found);
    }
    let data = DataFiles { files, folder: &folder, sources: &mut sources };
    let parts = FileSet { origins: file_origins(&parsed), parsed: Vec::new(), data, incomplete };
    let mut definitions: Vec<FileDefinitions> =
        parsed.into_iter().filter_map(|parsed| parts.decode(parsed, &vars, &mut found).1).collect();
    definitions.sort_by_key(|file| file.order);
    let raw: Vec<_> = definitions.into_iter().flat_map(|file| file.expect).collect();
    if raw.is_empty() && found.error_count() == 0 {
        let nothing = FilePlace { file: 0, start: 0, end: 0 };
        let fault = Diagnostic::error(nothing, "this file has no expectations");
        found.add(
            fault.with_help(
                "add an [[expect]], for example:\n\n[[expect]]\nof = \"spawn.failed\"\nnever = true",
            ),
        );
    }
    let expectations = check::expect::build_expectations(
        raw,
        &check::expect::ExpectationNames::from_scenario(of),
        &mut found,
    );
    if let Some(expectations) = &expectations {
        check::expect::warn_of_impossible_events(expectations, of, &mut found);
    }
    let errors = found.error_count();
    let diagnostics = found.finish();
    match expectations {
        Some(expectations) if errors == 0 => {
            Ok(LoadedExpectations { expectations, sources, warnings: diagnostics })
        }
        _ => Err(ScenarioError { sources, diagnostics }),
    }
}

/// The files that were read.
struct FileSet<'a> {
    /// The source and folder of each file, by its index.
    origins: Rc<Vec<FileOrigin>>,
    parsed: Vec<ParsedFile>,
    /// The files of rows, which have not been read, and the other files.
    data: DataFiles<'a>,
    /// Whether something could not be read, so that unknown names must not be reported.
    incomplete: bool,
}

impl FileSet<'_> {
    fn decode_and_check(
        mut self,
        (options, extras): (&ScenarioOptions<'_>, &LoadExtras<'_>),
        kept: Option<&KeptParts>,
        stem: &str,
        found: &mut Diagnostics,
    ) -> Option<CheckedScenario> {
        let mut vars = declare::declare_vars(&mut self.parsed, options, self.incomplete, found);
        vars.set_free_ports(extras.ports);
        let mut groups = EntryGroups::new();
        if !self.incomplete {
            let DataFiles { files, folder, sources } = &mut self.data;
            let mut reader = EnvFileReader { files: *files, folder, sources };
            groups = expand::expand(&mut self.parsed, &mut reader, &mut vars, found);
        }
        let mut scenario = None;
        let mut parts = Vec::new();
        let mut whole = !self.incomplete;
        for parsed in std::mem::take(&mut self.parsed) {
            let (raw, part) = self.decode(parsed, &vars, found);
            scenario = raw.or(scenario);
            match part {
                Some(part) => parts.push(part),
                None => whole = false,
            }
        }
        if !whole {
            return None;
        }
        warn_unused_vars(&vars, options, found);
        let mut scenario = scenario?;
        let matrix = build_matrix(std::mem::take(&mut scenario.matrix), &vars, found);
        if let Some(kept) = kept {
            keep_parts(&mut parts, kept);
        }
        let entries = parts.iter_mut().flat_map(|part| &mut part.timeline);
        let triggers = entries.filter_map(|entry| entry.value.after.as_given_mut());
        triggers.for_each(|after| after.value.resolve_groups(&groups));
        let mut tables = DefinitionsByName::default();
        for part in &mut parts {
            data::build_tables(std::mem::take(&mut part.data), &mut self.data, &mut tables, found);
        }
        let mut passwords = Vec::new();
        let is_virtual = options.clock == ClockKind::Virtual;
        let mut scenario =
            check::build_scenario(scenario, parts, tables, stem, is_virtual, &mut passwords, found)?;
        let revealed = vars.env_values();
        scenario.ports = vars.ports();
        scenario.vars = vars.into_values();
        let secrets = Secrets::new(revealed.iter().chain(&passwords).map(String::as_str));
        Some(CheckedScenario { scenario, secrets, matrix, groups })
    }

    /// Decodes a file. Of a file with syntax errors, only the diagnostics on lines without such an error
    /// are kept.
    fn decode(
        &self,
        parsed: ParsedFile,
        vars: &Vars<'_>,
        found: &mut Diagnostics,
    ) -> (Option<RawScenario>, Option<FileDefinitions>) {
        if parsed.syntax_error_places.is_empty() {
            return decode_whole(parsed, &self.origins, vars, found);
        }
        let file = parsed.file;
        let line_of = |byte| self.data.sources.get(file).map(|file| file.line_column(byte).line);
        let damaged: HashSet<_> =
            parsed.syntax_error_places.iter().map(|place| line_of(place.start)).collect();
        let mut among = Diagnostics::default();
        decode_whole(parsed, &self.origins, vars, &mut among);
        for diagnostic in among.finish() {
            if diagnostic.place.is_some_and(|place| !damaged.contains(&line_of(place.start))) {
                found.add(diagnostic);
            }
        }
        (None, None)
    }
}

/// Leaves out the entries and expectations of all files that are not kept.
fn keep_parts(parts: &mut [FileDefinitions], kept: &KeptParts) {
    let mut files: Vec<&mut FileDefinitions> = parts.iter_mut().collect();
    files.sort_by_key(|file| file.order);
    let (mut entries, mut expected) = (kept.entries.iter().copied(), kept.expectations.iter().copied());
    for file in files {
        retain_marked(&mut file.timeline, &mut entries);
        retain_marked(&mut file.expect, &mut expected);
    }
}

/// Decodes a file: the scenario, if the file is its root, and its definitions, if they could be decoded.
fn decode_whole(
    parsed: ParsedFile,
    origins: &Rc<Vec<FileOrigin>>,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> (Option<RawScenario>, Option<FileDefinitions>) {
    let is_root = parsed.file == 0;
    let folder = parsed.folder.clone();
    let mut cx = DecodeContext::new(parsed.file, parsed.source, parsed.document, vars, found);
    cx.folder = parsed.folder;
    cx.origins = Rc::clone(origins);
    let order = parsed.order;
    cx.has_syntax_errors = !parsed.syntax_error_places.is_empty();
    let root = TomlNode { at: ByteRange::default(), value: TomlValue::Table(TomlDocument::ROOT) };
    if !is_root {
        let Some(raw) = RawIncludedFile::decode(&mut cx, root) else { return (None, None) };
        let definitions = file_definitions((folder, order), raw.presets, raw.fetches, raw.data, raw.links);
        return (None, with_entries(definitions, raw.timeline, raw.expect));
    }
    let Some(mut raw) = RawScenario::decode(&mut cx, root) else { return (None, None) };
    let (presets, fetches) = (std::mem::take(&mut raw.presets), std::mem::take(&mut raw.fetches));
    let (data, links) = (std::mem::take(&mut raw.data), std::mem::take(&mut raw.links));
    let part = file_definitions((folder, order), presets, fetches, data, links);
    let (timeline, expect) = (std::mem::take(&mut raw.timeline), std::mem::take(&mut raw.expect));
    let part = with_entries(part, timeline, expect);
    (Some(raw), part)
}

/// The definitions of a file with its entries and its expectations.
fn with_entries(
    definitions: Option<FileDefinitions>,
    timeline: KeySlot<ListOf<RawTimelineEntry, 0>>,
    expect: KeySlot<ListOf<RawExpectation, 0>>,
) -> Option<FileDefinitions> {
    let timeline = timeline.into_value().unwrap_or_default().0;
    let expect = expect.into_value().unwrap_or_default().0;
    definitions.map(|definitions| FileDefinitions { timeline, expect, ..definitions })
}

/// The source and folder of each file, by its index among all files that were read.
fn file_origins(parsed: &[ParsedFile]) -> Rc<Vec<FileOrigin>> {
    let count = parsed.iter().map(|file| file.file as usize + 1).max().unwrap_or(0);
    let origin = |index| match parsed.iter().find(|file| file.file as usize == index) {
        Some(file) => FileOrigin { source: Rc::clone(&file.source), folder: file.folder.clone() },
        None => FileOrigin { source: "".into(), folder: PathBuf::new() },
    };
    Rc::new((0..count).map(origin).collect())
}

fn file_definitions(
    (folder, order): (PathBuf, usize),
    presets: KeySlot<NamedTable<RawPreset, JobNameRule>>,
    fetches: KeySlot<NamedTable<RawFetchJob, JobNameRule>>,
    data: KeySlot<NamedTable<RawDataTable, JobNameRule>>,
    links: KeySlot<NamedTable<RawLink, JobNameRule>>,
) -> Option<FileDefinitions> {
    let broken = matches!(presets, KeySlot::Invalid)
        || matches!(fetches, KeySlot::Invalid)
        || matches!(data, KeySlot::Invalid)
        || matches!(links, KeySlot::Invalid);
    (!broken).then(|| FileDefinitions {
        folder,
        presets: presets.into_value().unwrap_or_default(),
        fetches: fetches.into_value().unwrap_or_default(),
        data: data.into_value().unwrap_or_default(),
        links: links.into_value().unwrap_or_default(),
        order,
        timeline: Vec::new(),
        expect: Vec::new(),
    })
}

/// Warns of each `--var` that the scenario neither declares nor uses.
fn warn_unused_vars(vars: &Vars<'_>, options: &ScenarioOptions<'_>, found: &mut Diagnostics) {
    for (name, _) in options.vars {
        if !vars.is_used(name) && !vars.is_declared(name) {
            let message = format!("--var {}: the scenario has no such variable", quoted(name));
            let fault = Diagnostic::without_place(Severity::Warning, message);
            let others = vars.names().filter(|other| other != name);
            let nearest =
                found.closest_name(name, others).map(|near| format!("did you mean {}?", quoted(near)));
            found.add(match nearest {
                Some(help) => fault.with_help(help),
                None => fault,
            });
        }
    }
}
