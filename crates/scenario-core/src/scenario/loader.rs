//! Loads a scenario: reads its files, resolves the variables, decodes the tables, and runs the checks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::check::data::{self, DataFiles};
use super::check::{self, DefinitionsByName, FileDefinitions};
use super::diagnostics::Diagnostics;
use super::file_reader::{ParsedFile, ScenarioReader};
use super::vars::Vars;
use super::{FileProvider, LoadedScenario, ScenarioError, ScenarioOptions};
use crate::diagnostic::{Diagnostic, FilePlace, Severity, SourceFiles, quoted};
use crate::scenario::file::{RawDataTable, RawFetchJob, RawIncludedFile, RawPreset, RawScenario};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use crate::scenario::schema::collections::NamedTable;
use crate::scenario::schema::key_rules::JobNameRule;
use crate::scenario::schema::{DecodeContext, KeySlot, TomlSchema};
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
    let stdin = path == Path::new("-");
    let stem = if stdin { "stdin".into() } else { path.file_stem().unwrap_or_default().to_string_lossy() };
    let (ScenarioReader { mut sources, paths, parsed, diagnostics: mut found, incomplete, .. }, folder) =
        read_files(path, files);
    let data = DataFiles { files, folder: &folder, sources: &mut sources };
    let checked = FileSet { parsed, data, incomplete }.decode_and_check(options, &stem, &mut found);
    let errors = found.error_count();
    let diagnostics = found.finish();
    match checked {
        Some((scenario, secrets)) if errors == 0 => {
            Ok(LoadedScenario { scenario, folder, secrets, sources, paths, warnings: diagnostics })
        }
        _ => Err(ScenarioError { sources, diagnostics }),
    }
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
    let vars = declare::declare_vars(&mut parsed, options, incomplete, &mut found);
    let data = DataFiles { files, folder: &folder, sources: &mut sources };
    let parts = FileSet { parsed: Vec::new(), data, incomplete };
    let mut raw = None;
    for parsed in parsed {
        let (root, _) = parts.decode(parsed, &vars, &mut found);
        raw = root.or(raw);
    }
    let raw = raw.map(|raw| raw.expect.into_value().unwrap_or_default().0).unwrap_or_default();
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
    parsed: Vec<ParsedFile>,
    /// The files of rows, which have not been read, and the other files.
    data: DataFiles<'a>,
    /// Whether something could not be read, so that unknown names must not be reported.
    incomplete: bool,
}

impl FileSet<'_> {
    fn decode_and_check(
        mut self,
        options: &ScenarioOptions<'_>,
        stem: &str,
        found: &mut Diagnostics,
    ) -> Option<(Scenario, Secrets)> {
        let vars = declare::declare_vars(&mut self.parsed, options, self.incomplete, found);
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
        let mut tables = DefinitionsByName::default();
        for part in &mut parts {
            data::build_tables(std::mem::take(&mut part.data), &mut self.data, &mut tables, found);
        }
        let mut passwords = Vec::new();
        let is_virtual = options.clock == ClockKind::Virtual;
        let mut scenario =
            check::build_scenario(scenario?, parts, tables, stem, is_virtual, &mut passwords, found)?;
        let revealed = vars.env_values();
        scenario.vars = vars.into_values();
        let secrets = Secrets::new(revealed.iter().chain(&passwords).map(String::as_str));
        Some((scenario, secrets))
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
            return decode_whole(parsed, vars, found);
        }
        let file = parsed.file;
        let line_of = |byte| self.data.sources.get(file).map(|file| file.line_column(byte).line);
        let damaged: HashSet<_> =
            parsed.syntax_error_places.iter().map(|place| line_of(place.start)).collect();
        let mut among = Diagnostics::default();
        decode_whole(parsed, vars, &mut among);
        for diagnostic in among.finish() {
            if diagnostic.place.is_some_and(|place| !damaged.contains(&line_of(place.start))) {
                found.add(diagnostic);
            }
        }
        (None, None)
    }
}

/// Decodes a file: the scenario, if the file is its root, and its definitions, if they could be decoded.
fn decode_whole(
    parsed: ParsedFile,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> (Option<RawScenario>, Option<FileDefinitions>) {
    let is_root = parsed.file == 0;
    let folder = parsed.folder.clone();
    let mut cx = DecodeContext::new(parsed.file, parsed.source, parsed.document, vars, found);
    cx.folder = parsed.folder;
    cx.has_syntax_errors = !parsed.syntax_error_places.is_empty();
    let root = TomlNode { at: ByteRange::default(), value: TomlValue::Table(TomlDocument::ROOT) };
    if !is_root {
        let Some(raw) = RawIncludedFile::decode(&mut cx, root) else { return (None, None) };
        return (None, file_definitions(folder, raw.presets, raw.fetches, raw.data));
    }
    let Some(mut raw) = RawScenario::decode(&mut cx, root) else { return (None, None) };
    let (presets, fetches) = (std::mem::take(&mut raw.presets), std::mem::take(&mut raw.fetches));
    let part = file_definitions(folder, presets, fetches, std::mem::take(&mut raw.data));
    (Some(raw), part)
}

fn file_definitions(
    folder: PathBuf,
    presets: KeySlot<NamedTable<RawPreset, JobNameRule>>,
    fetches: KeySlot<NamedTable<RawFetchJob, JobNameRule>>,
    data: KeySlot<NamedTable<RawDataTable, JobNameRule>>,
) -> Option<FileDefinitions> {
    let broken = matches!(presets, KeySlot::Invalid)
        || matches!(fetches, KeySlot::Invalid)
        || matches!(data, KeySlot::Invalid);
    (!broken).then(|| FileDefinitions {
        folder,
        presets: presets.into_value().unwrap_or_default(),
        fetches: fetches.into_value().unwrap_or_default(),
        data: data.into_value().unwrap_or_default(),
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
