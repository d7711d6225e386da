//! From a path to a checked scenario: reads the files, resolves the variables, decodes the tables,
//! and hands everything to the checks.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::check::{self, Part};
use super::findings::Findings;
use super::read::{Parsed, Reader};
use super::vars::Vars;
use super::{Failure, Files, Loaded, Options};
use crate::diagnostic::{Diagnostic, Place, Severity, Sources, quoted};
use crate::scenario::file::{RawFetch, RawIncluded, RawPreset, RawScenario};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::Expectation;
use crate::scenario::schema::collections::Named;
use crate::scenario::schema::names::JobName;
use crate::scenario::schema::{Cx, Shape, Slot};
use crate::scenario::toml::{Document, Node, Range, Value};
use crate::scenario::vars::declare;
use scenario_log::event::ClockKind;
use scenario_log::secrets::Secrets;

/// Reads and checks a scenario; `-` is standard input.
///
/// # Errors
///
/// Everything that is wrong with it, an unreadable file included.
pub fn load(path: &Path, files: &dyn Files, options: &Options<'_>) -> Result<Loaded, Failure> {
    let stdin = path == Path::new("-");
    let stem = if stdin { "stdin".into() } else { path.file_stem().unwrap_or_default().to_string_lossy() };
    let (Reader { sources, parsed, mut found, incomplete, .. }, folder) = read(path, files);
    let files = Parts { parsed, sources: &sources, incomplete };
    let checked = files.check(options, &stem, &mut found);
    let errors = found.errors();
    let diagnostics = found.finish();
    match checked {
        Some((scenario, secrets)) if errors == 0 => {
            Ok(Loaded { scenario, folder, secrets, sources, warnings: diagnostics })
        }
        _ => Err(Failure { sources, diagnostics }),
    }
}

/// Reads a file and all that it includes; its folder comes with it.
fn read<'f>(path: &Path, files: &'f dyn Files) -> (Reader<'f>, PathBuf) {
    let stdin = path == Path::new("-");
    let folder = match path.parent() {
        Some(parent) if !stdin && !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut reader = Reader::new(files, folder.clone());
    let shown = if stdin { "<stdin>".into() } else { path.to_string_lossy() };
    reader.read_root(path, &shown);
    (reader, folder)
}

/// What a file expects of a run of another scenario.
#[derive(Debug)]
pub struct Expecting {
    /// What was checked.
    pub expectations: Vec<Expectation>,
    /// The files that were read.
    pub sources: Sources,
    /// What may not be meant.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a file for its expectations alone, and checks them by the names of this scenario.
///
/// # Errors
///
/// Everything that is wrong with it, and that it expects nothing.
pub fn load_expectations(
    path: &Path,
    files: &dyn Files,
    options: &Options<'_>,
    of: &Scenario,
) -> Result<Expecting, Failure> {
    let (Reader { sources, mut parsed, mut found, incomplete, .. }, _) = read(path, files);
    let vars = declare::vars(&mut parsed, options, incomplete, &mut found);
    let parts = Parts { parsed: Vec::new(), sources: &sources, incomplete };
    let mut raw = None;
    for parsed in parsed {
        let (root, _) = parts.decode(parsed, &vars, &mut found);
        raw = root.or(raw);
    }
    let raw = raw.map(|raw| raw.expect.value().unwrap_or_default().0).unwrap_or_default();
    if raw.is_empty() && found.errors() == 0 {
        let nothing = Place { file: 0, start: 0, end: 0 };
        let fault = Diagnostic::error(nothing, "this file expects nothing");
        found.add(
            fault.help("add an [[expect]], for example:\n\n[[expect]]\nof = \"spawn.failed\"\nnever = true"),
        );
    }
    let expectations = check::expect::expectations(raw, &check::expect::Names::of(of), &mut found);
    if let Some(expectations) = &expectations {
        check::expect::warn_of_nothing(expectations, of, &mut found);
    }
    let errors = found.errors();
    let diagnostics = found.finish();
    match expectations {
        Some(expectations) if errors == 0 => Ok(Expecting { expectations, sources, warnings: diagnostics }),
        _ => Err(Failure { sources, diagnostics }),
    }
}

/// What was read.
struct Parts<'a> {
    parsed: Vec<Parsed>,
    sources: &'a Sources,
    /// Something could not be read, so that nobody can say what there is not.
    incomplete: bool,
}

impl Parts<'_> {
    fn check(
        mut self,
        options: &Options<'_>,
        stem: &str,
        found: &mut Findings,
    ) -> Option<(Scenario, Secrets)> {
        let vars = declare::vars(&mut self.parsed, options, self.incomplete, found);
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
        warn_unused(&vars, options, found);
        let mut passwords = Vec::new();
        let is_virtual = options.clock == ClockKind::Virtual;
        let mut scenario = check::scenario(scenario?, parts, stem, is_virtual, &mut passwords, found)?;
        let revealed = vars.revealed();
        scenario.vars = vars.into_known();
        let secrets = Secrets::new(revealed.iter().chain(&passwords).map(String::as_str));
        Some((scenario, secrets))
    }

    /// Decodes a file; of one with wrong syntax, what stands on the lines that are right.
    fn decode(
        &self,
        parsed: Parsed,
        vars: &Vars<'_>,
        found: &mut Findings,
    ) -> (Option<RawScenario>, Option<Part>) {
        if parsed.damaged.is_empty() {
            return decode_whole(parsed, vars, found);
        }
        let file = parsed.file;
        let line_of = |byte| self.sources.get(file).map(|file| file.position(byte).line);
        let damaged: HashSet<_> = parsed.damaged.iter().map(|place| line_of(place.start)).collect();
        let mut among = Findings::default();
        decode_whole(parsed, vars, &mut among);
        for diagnostic in among.finish() {
            if diagnostic.place.is_some_and(|place| !damaged.contains(&line_of(place.start))) {
                found.add(diagnostic);
            }
        }
        (None, None)
    }
}

/// Decodes a file; without its part if that is not to be had.
fn decode_whole(
    parsed: Parsed,
    vars: &Vars<'_>,
    found: &mut Findings,
) -> (Option<RawScenario>, Option<Part>) {
    let is_root = parsed.file == 0;
    let folder = parsed.folder.clone();
    let mut cx = Cx::new(parsed.file, parsed.source, parsed.document, vars, found);
    cx.folder = parsed.folder;
    cx.damaged = !parsed.damaged.is_empty();
    let root = Node { at: Range::default(), value: Value::Table(Document::ROOT) };
    if !is_root {
        let Some(raw) = RawIncluded::decode(&mut cx, root) else { return (None, None) };
        return (None, part(folder, raw.presets, raw.fetches));
    }
    let Some(mut raw) = RawScenario::decode(&mut cx, root) else { return (None, None) };
    let part = part(folder, std::mem::take(&mut raw.presets), std::mem::take(&mut raw.fetches));
    (Some(raw), part)
}

fn part(
    folder: PathBuf,
    presets: Slot<Named<RawPreset, JobName>>,
    fetches: Slot<Named<RawFetch, JobName>>,
) -> Option<Part> {
    let broken = matches!(presets, Slot::Broken) || matches!(fetches, Slot::Broken);
    (!broken).then(|| Part {
        folder,
        presets: presets.value().unwrap_or_default(),
        fetches: fetches.value().unwrap_or_default(),
    })
}

/// Warns of a `--var` that nobody declares or asks for.
fn warn_unused(vars: &Vars<'_>, options: &Options<'_>, found: &mut Findings) {
    for (name, _) in options.vars {
        if !vars.is_used(name) && !vars.is_declared(name) {
            let message = format!("--var {}: the scenario has no such variable", quoted(name));
            let fault = Diagnostic::nowhere(Severity::Warning, message);
            let others = vars.names().filter(|other| other != name);
            let nearest = found.nearest(name, others).map(|near| format!("did you mean {}?", quoted(near)));
            found.add(match nearest {
                Some(help) => fault.help(help),
                None => fault,
            });
        }
    }
}
