//! Reads a scenario's file and those that it includes, each once, and parses them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::findings::Findings;
use super::vars::Vars;
use super::{FileRead, Files};
use crate::diagnostic::{Diagnostic, Place, Severity, Sources, quoted};
use crate::scenario::schema::after::RawVar;
use crate::scenario::schema::collections::{List, Named};
use crate::scenario::schema::names::VarName;
use crate::scenario::schema::text::IncludePath;
use crate::scenario::schema::{Cx, Shape, Sp};
use crate::scenario::toml;
use crate::scenario::toml::{Document, Outcome};
use scenario_log::sanitize::visible;

/// The most files that a scenario is made of.
const MOST_FILES: usize = 100;

/// The smallest scenario that is worth to be shown.
pub(crate) const EXAMPLE: &str = "\
[presets.hello]
command = [\"echo\", \"hello\"]
[[timeline]]
at = \"1s\"
spawn = \"hello\"";

/// One file, parsed. Its variables and includes have been taken out of the document.
pub(crate) struct Parsed {
    /// Its index among the sources.
    pub(super) file: u32,
    /// Its text.
    pub(super) source: Rc<str>,
    /// Its tables.
    pub(super) document: Document,
    /// Its folder as seen from the scenario's; empty if it is the same.
    pub(super) folder: PathBuf,
    /// Its variables.
    pub(super) vars: Named<RawVar, VarName>,
    /// Where its syntax is wrong.
    pub(super) damaged: Vec<Place>,
}

/// Reads files and follows their includes.
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    folder: PathBuf,
    /// The files that were read.
    pub(super) sources: Sources,
    /// Those of them that could be parsed; the scenario is the first.
    pub(super) parsed: Vec<Parsed>,
    /// What is wrong.
    pub(super) found: Findings,
    /// Whether something could not be read or understood.
    pub(super) incomplete: bool,
    /// The files that have been reached, by identity.
    known: HashMap<String, u32>,
}

/// The files between the scenario and the one being read, by identity and shown name.
type Ring = Vec<(String, String)>;

impl<'a> Reader<'a> {
    /// A reader of a scenario in this folder.
    pub(super) fn new(files: &'a dyn Files, folder: PathBuf) -> Reader<'a> {
        Reader {
            files,
            folder,
            sources: Sources::default(),
            parsed: Vec::new(),
            found: Findings::default(),
            incomplete: false,
            known: HashMap::new(),
        }
    }

    /// Reads the scenario itself, and all that it includes.
    pub(super) fn read_root(&mut self, path: &Path, shown: &str) {
        match self.files.read(path) {
            Ok(read) => {
                let ring = vec![(read.identity.clone(), shown.to_owned())];
                self.parse(shown, read, PathBuf::new(), &ring);
            }
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(shown), visible(&fault.0));
                self.stop(Diagnostic::nowhere(Severity::Error, message));
            }
        }
    }

    /// Adds an error that leaves something unread.
    fn stop(&mut self, fault: Diagnostic) {
        self.incomplete = true;
        self.found.add(fault);
    }

    /// Parses a file that was read, and reads what it includes.
    fn parse(&mut self, shown: &str, read: FileRead, folder: PathBuf, ring: &Ring) {
        let file = u32::try_from(self.sources.files().len()).unwrap_or(u32::MAX);
        self.known.insert(read.identity, file);
        let (source, faults) = toml::decode(shown, read.bytes, file);
        let text = Rc::clone(&source.text);
        self.sources.add(source);
        if !faults.is_empty() {
            return faults.into_iter().for_each(|fault| self.stop(fault));
        }
        if file == 0 && text.starts_with("{\"seq\":") {
            let place = Place { file, start: 0, end: 0 };
            let help =
                "`scenario replay LOG` decides it again, `scenario extract LOG` makes a scenario of it";
            return self
                .stop(Diagnostic::error(place, "this is the log of a run, and no scenario").help(help));
        }
        let Outcome { document, doubled, syntax, limit } = toml::parse(&text, file);
        if let Some(limit) = limit {
            return self.stop(limit);
        }
        if file == 0 && document.is_empty() && syntax.is_empty() {
            let start = Place { file, start: 0, end: 0 };
            let help =
                format!("a scenario says what there is and what happens when, for example:\n\n{EXAMPLE}");
            return self.stop(Diagnostic::error(start, "this file says nothing").help(help));
        }
        let damaged: Vec<Place> = syntax.iter().filter_map(|fault| fault.place).collect();
        doubled.into_iter().for_each(|fault| self.found.add(fault));
        syntax.into_iter().for_each(|fault| self.stop(fault));
        let (parsed, include) = self.split(file, text, document, folder, damaged);
        let folder = parsed.folder.clone();
        self.parsed.push(parsed);
        for path in include {
            self.include(path, &folder, ring);
        }
    }

    /// Takes the variables and the includes out of a document.
    fn split(
        &mut self,
        file: u32,
        source: Rc<str>,
        mut document: Document,
        folder: PathBuf,
        damaged: Vec<Place>,
    ) -> (Parsed, Vec<Sp<IncludePath>>) {
        let vars = document.take_key(Document::ROOT, "vars", &source);
        let include = document.take_key(Document::ROOT, "include", &source);
        let none = Vars::new(&|_| None);
        let mut cx = Cx::new(file, Rc::clone(&source), document, &none, &mut self.found);
        let before = cx.found.errors();
        let vars = vars.and_then(|item| Named::decode(&mut cx, item.node)).unwrap_or_default();
        let include: List<IncludePath, 0> =
            include.and_then(|item| List::decode(&mut cx, item.node)).unwrap_or_default();
        self.incomplete |= cx.found.errors() > before;
        let document = cx.document;
        (Parsed { file, source, document, folder, vars, damaged }, include.0)
    }

    fn include(&mut self, path: Sp<IncludePath>, folder: &Path, ring: &Ring) {
        let seen_from_scenario = folder.join(&path.value.0);
        let full = match self.folder == Path::new(".") {
            true => seen_from_scenario.clone(),
            false => self.folder.join(&seen_from_scenario),
        };
        let shown = full.to_string_lossy().into_owned();
        let read = match self.files.read(&full) {
            Ok(read) => read,
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(&shown), visible(&fault.0));
                return self.stop(Diagnostic::error(path.place, message));
            }
        };
        if let Some(start) = ring.iter().position(|(identity, _)| *identity == read.identity) {
            let names = ring[start..].iter().chain(std::iter::once(&ring[start]));
            let names: Vec<String> = names.map(|(_, name)| quoted(name)).collect();
            let message = format!("{} includes itself: {}", names[0], names.join(" -> "));
            return self.found.add(Diagnostic::error(path.place, message).help("take this include out"));
        }
        if self.known.contains_key(&read.identity) {
            // Reached by two ways: what it gives is there once.
            return;
        }
        if self.known.len() >= MOST_FILES {
            let message = format!("a scenario is made of at most {MOST_FILES} files");
            return self.stop(Diagnostic::error(path.place, message));
        }
        let mut ring = ring.clone();
        ring.push((read.identity.clone(), shown.clone()));
        let folder = seen_from_scenario.parent().map(Path::to_owned).unwrap_or_default();
        self.parse(&shown, read, folder, &ring);
    }
}
