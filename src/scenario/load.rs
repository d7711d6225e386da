//! From a path to a checked scenario: reads the file and those it includes, resolves the variables,
//! and hands everything to the checks.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::check::{self, Part};
use super::document::{self, Document, Node, Range, Value};
use super::findings::Findings;
use super::raw::{RawIncluded, RawScenario};
use super::shape::collections::{List, Named};
use super::shape::text::{IncludePath, VarName};
use super::shape::unions::RawVar;
use super::shape::{Cx, Shape, Sp, inner, tell};
use super::vars::{self, Secrecy, Vars};
use super::{ClockKind, Failure, FileRead, Files, Loaded, Options};
use crate::scenario::model::{self, Text, Var};
use crate::words::diagnostic::{Diagnostic, Place, Severity, Sources, quoted, visible};
use crate::words::secrets::Secrets;

/// The most files that a scenario is made of.
const MOST_FILES: usize = 100;

/// The smallest scenario that is worth to be shown.
const EXAMPLE: &str = "a scenario says what there is and what happens when, for example:\n\
    \n\
    [presets.hello]\n\
    command = [\"echo\", \"hello\"]\n\
    [[timeline]]\n\
    at = \"1s\"\n\
    spawn = \"hello\"";

/// Reads and checks a scenario; `-` is standard input.
///
/// # Errors
///
/// Everything that is wrong with it, an unreadable file included.
pub fn load(path: &Path, files: &dyn Files, options: &Options<'_>) -> Result<Loaded, Failure> {
    let stdin = path == Path::new("-");
    let folder = match path.parent() {
        Some(parent) if !stdin && !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let stem = if stdin { "stdin".into() } else { path.file_stem().unwrap_or_default().to_string_lossy() };
    let mut loader = Loader {
        files,
        folder: folder.clone(),
        sources: Sources::default(),
        parsed: Vec::new(),
        found: Findings::default(),
        known: HashMap::new(),
    };
    loader.read_root(path, stdin);
    let checked = loader.check(options, &stem);
    let Loader { sources, found, .. } = loader;
    let errors = found.errors();
    let diagnostics = found.finish();
    match checked {
        Some((scenario, secrets)) if errors == 0 => {
            Ok(Loaded { scenario, folder, secrets, sources, warnings: diagnostics })
        }
        _ => Err(Failure { sources, diagnostics }),
    }
}

/// One file, parsed.
struct Parsed {
    file: u32,
    source: Rc<str>,
    document: Document,
    /// Its folder as seen from the scenario's.
    folder: PathBuf,
    vars: Named<RawVar, VarName>,
}

struct Loader<'a> {
    files: &'a dyn Files,
    folder: PathBuf,
    sources: Sources,
    parsed: Vec<Parsed>,
    found: Findings,
    /// The files that have been reached, by identity.
    known: HashMap<String, u32>,
}

/// The files between the scenario and the one being read, by identity and shown name.
type Ring = Vec<(String, String)>;

impl Loader<'_> {
    fn read_root(&mut self, path: &Path, stdin: bool) {
        let shown = if stdin { "<stdin>".to_owned() } else { path.to_string_lossy().into_owned() };
        match self.files.read(path) {
            Ok(read) => {
                let ring = vec![(read.identity.clone(), shown.clone())];
                self.parse(&shown, read, PathBuf::new(), &ring);
            }
            Err(fault) => self.found.add(Diagnostic::nowhere(
                Severity::Error,
                format!("cannot read {}: {}", quoted(&shown), visible(&fault.0)),
            )),
        }
    }

    /// Parses a file that was read, and reads what it includes.
    fn parse(&mut self, shown: &str, read: FileRead, folder: PathBuf, ring: &Ring) {
        let file = u32::try_from(self.sources.files().len()).unwrap_or(u32::MAX);
        self.known.insert(read.identity, file);
        let (source, faults) = document::decode(shown, read.bytes, file);
        let text = Rc::clone(&source.text);
        self.sources.add(source);
        if !faults.is_empty() {
            return faults.into_iter().for_each(|fault| self.found.add(fault));
        }
        let (mut document, faults) = document::parse(&text, file);
        if !faults.is_empty() {
            return faults.into_iter().for_each(|fault| self.found.add(fault));
        }
        if file == 0 && document.is_empty() {
            let start = Place { file, start: 0, end: 0 };
            return self.found.add(Diagnostic::error(start, "this file says nothing").help(EXAMPLE));
        }
        let vars = document.take_key(Document::ROOT, "vars", &text);
        let include = document.take_key(Document::ROOT, "include", &text);
        let none = Vars::new(&|_| None);
        let mut cx = Cx {
            file,
            source: Rc::clone(&text),
            document,
            vars: &none,
            found: &mut self.found,
            folder: folder.clone(),
            regexes: HashMap::new(),
        };
        let vars = vars.and_then(|item| Named::decode(&mut cx, item.node)).unwrap_or_default();
        let include: List<IncludePath, 0> =
            include.and_then(|item| List::decode(&mut cx, item.node)).unwrap_or_default();
        let document = cx.document;
        self.parsed.push(Parsed { file, source: text, document, folder: folder.clone(), vars });
        for path in include.0 {
            self.include(path, &folder, ring);
        }
    }

    fn include(&mut self, path: Sp<IncludePath>, folder: &Path, ring: &Ring) {
        let written = Path::new(&path.value.0);
        let seen_from_scenario = folder.join(written);
        let full = if self.folder == Path::new(".") {
            seen_from_scenario.clone()
        } else {
            self.folder.join(&seen_from_scenario)
        };
        let shown = full.to_string_lossy().into_owned();
        let read = match self.files.read(&full) {
            Ok(read) => read,
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(&shown), visible(&fault.0));
                return self.found.add(Diagnostic::error(path.place, message));
            }
        };
        if let Some(start) = ring.iter().position(|(identity, _)| *identity == read.identity) {
            let names = ring[start..].iter().chain(std::iter::once(&ring[start]));
            let names: Vec<String> = names.map(|(_, name)| quoted(name)).collect();
            let message = format!("{} includes itself: {}", quoted(&ring[start].1), names.join(" -> "));
            return self.found.add(Diagnostic::error(path.place, message).help("take this include out"));
        }
        if self.known.contains_key(&read.identity) {
            return;
        }
        if self.known.len() >= MOST_FILES {
            let message = format!("a scenario is made of at most {MOST_FILES} files");
            return self.found.add(Diagnostic::error(path.place, message));
        }
        let mut ring = ring.clone();
        ring.push((read.identity.clone(), shown.clone()));
        let folder = seen_from_scenario.parent().map(Path::to_owned).unwrap_or_default();
        self.parse(&shown, read, folder, &ring);
    }

    /// Decodes and checks what was parsed.
    fn check(&mut self, options: &Options<'_>, stem: &str) -> Option<(model::Scenario, Secrets)> {
        let vars = self.vars(options);
        let mut scenario = None;
        let mut parts = Vec::new();
        for parsed in std::mem::take(&mut self.parsed) {
            let mut cx = Cx {
                file: parsed.file,
                source: parsed.source,
                document: parsed.document,
                vars: &vars,
                found: &mut self.found,
                folder: parsed.folder.clone(),
                regexes: HashMap::new(),
            };
            let root = Node { at: Range::default(), value: Value::Table(Document::ROOT) };
            if parsed.file == 0 {
                let mut raw = RawScenario::decode(&mut cx, root)?;
                parts.push(Part {
                    folder: PathBuf::new(),
                    presets: std::mem::take(&mut raw.presets).value().unwrap_or_default(),
                    fetches: std::mem::take(&mut raw.fetches).value().unwrap_or_default(),
                });
                scenario = Some(raw);
            } else {
                let raw = RawIncluded::decode(&mut cx, root)?;
                parts.push(Part {
                    folder: parsed.folder,
                    presets: raw.presets.value().unwrap_or_default(),
                    fetches: raw.fetches.value().unwrap_or_default(),
                });
            }
        }
        warn_unused(&vars, options, &mut self.found);
        let mut passwords = Vec::new();
        let is_virtual = options.clock == ClockKind::Virtual;
        let mut scenario =
            check::scenario(scenario?, parts, stem, is_virtual, &mut passwords, &mut self.found)?;
        let revealed = vars.revealed();
        scenario.vars = vars.into_known();
        let secrets = Secrets::new(revealed.iter().chain(&passwords).map(String::as_str));
        Some((scenario, secrets))
    }

    /// The variables of all files and of the command line, each put into those that ask for it.
    fn vars<'e>(&mut self, options: &Options<'e>) -> Vars<'e> {
        let mut vars = Vars::new(options.env);
        let mut written: BTreeMap<String, (usize, Place, Option<RawVar>)> = BTreeMap::new();
        for (index, parsed) in self.parsed.iter_mut().enumerate() {
            for item in std::mem::take(&mut parsed.vars.items) {
                if let Some((_, first, _)) = written.get(&item.name) {
                    self.found.add(check::given_twice("variable", &item.name, item.place, *first));
                    continue;
                }
                written.insert(item.name, (index, item.place, item.value.map(|value| value.value)));
            }
        }
        let declared: Vec<String> = written.keys().cloned().collect();
        for (name, value) in options.vars {
            vars.set(name, Some(Var::Text(Text::plain(value.as_str()))));
            written.remove(name);
        }
        vars.declare(declared);
        // Until it has its value, which one in a ring never gets, a variable counts as broken.
        written.keys().for_each(|name| vars.set(name, None));
        for name in self.vars_in_order(&written) {
            let Some((index, _, raw)) = written.get(&name) else { continue };
            let value = match raw {
                None => None,
                Some(RawVar::Integer(number)) => Some(Var::Integer(*number)),
                Some(RawVar::Boolean(value)) => Some(Var::Boolean(*value)),
                Some(RawVar::Text(text)) => self.var_text(&vars, *index, text),
            };
            vars.set(&name, value);
        }
        vars
    }

    fn var_text(&mut self, vars: &Vars<'_>, index: usize, text: &Sp<document::Str>) -> Option<Var> {
        let source = Rc::clone(&self.parsed.get(index)?.source);
        match vars.put_in(text.value.get(&source), Secrecy::Allowed) {
            Ok(text) => Some(Var::Text(text)),
            Err(faults) => {
                let whole = Range { start: text.place.start, end: text.place.end };
                for fault in faults {
                    let at = inner(&text.value, whole, fault.at);
                    let place = Place { file: text.place.file, start: at.start, end: at.end };
                    tell(&mut self.found, vars, place, &fault.kind);
                }
                None
            }
        }
    }

    /// The names so that each comes after those it asks for; a ring is told, and broken.
    fn vars_in_order(&mut self, written: &BTreeMap<String, (usize, Place, Option<RawVar>)>) -> Vec<String> {
        let asked = |name: &str| -> Vec<String> {
            let Some((index, _, Some(RawVar::Text(text)))) = written.get(name) else { return Vec::new() };
            let Some(parsed) = self.parsed.get(*index) else { return Vec::new() };
            let names = vars::names(text.value.get(&parsed.source));
            names.into_iter().filter(|name| written.contains_key(*name)).map(str::to_owned).collect()
        };
        let mut order = Vec::with_capacity(written.len());
        let mut done = std::collections::HashSet::new();
        let mut rings = Vec::new();
        for start in written.keys() {
            let mut path = vec![(start.clone(), None::<Vec<String>>)];
            let mut open = std::collections::HashSet::from([start.clone()]);
            while let Some((name, rest)) = path.last_mut() {
                if done.contains(name.as_str()) {
                    open.remove(name.as_str());
                    path.pop();
                    continue;
                }
                let name = name.clone();
                match rest.get_or_insert_with(|| asked(&name)).pop() {
                    Some(next) if done.contains(&next) => {}
                    Some(next) if open.contains(&next) => {
                        let from = path.iter().position(|(name, _)| *name == next).unwrap_or_default();
                        rings.push(path[from..].iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
                    }
                    Some(next) => {
                        open.insert(next.clone());
                        path.push((next, None));
                    }
                    None => {
                        done.insert(name.clone());
                        order.push(name);
                    }
                }
            }
        }
        for ring in rings {
            self.tell_ring(&ring, written);
        }
        order
    }

    fn tell_ring(&mut self, ring: &[String], written: &BTreeMap<String, (usize, Place, Option<RawVar>)>) {
        let Some((_, place, _)) = ring.first().and_then(|name| written.get(name)) else { return };
        let names: Vec<String> = ring.iter().chain(ring.first()).map(|name| quoted(name)).collect();
        let message = format!("this variable asks for itself: {}", names.join(" -> "));
        self.found.add(Diagnostic::error(*place, message));
    }
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
