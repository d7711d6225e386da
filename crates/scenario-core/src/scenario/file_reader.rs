//! Reads the file of a scenario and the files that it includes, each once, and parses them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::diagnostics::Diagnostics;
use super::vars::Vars;
use super::{FileContent, FileProvider};
use crate::diagnostic::{Diagnostic, FilePlace, Severity, SourceFiles, quoted};
use crate::scenario::env_files::EnvFileReader;
use crate::scenario::schema::after::RawVar;
use crate::scenario::schema::collections::{ListOf, NamedEntry, NamedTable, OneOrList};
use crate::scenario::schema::key_rules::VarNameRule;
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::strings::{EnvName, IncludePath, ScenarioPath};
use crate::scenario::schema::{DecodeContext, Located, TomlSchema};
use crate::scenario::toml;
use crate::scenario::toml::{ParsedToml, TomlDocument};
use scenario_log::sanitize::sanitize;

/// The largest number of files in a scenario.
const MAX_FILES: usize = 100;

/// A small scenario, as an example in a help.
pub(crate) const EXAMPLE_SCENARIO: &str = "\
[presets.hello]
command = [\"echo\", \"hello\"]
[[timeline]]
at = \"1s\"
spawn = \"hello\"";

/// A parsed file. Its variables, its plain names and its includes have been taken out of the document.
pub(crate) struct ParsedFile {
    /// The index of the file among the sources.
    pub(super) file: u32,
    pub(super) source: Rc<str>,
    pub(super) document: TomlDocument,
    /// The folder of the file, relative to the scenario's; empty if it is the same.
    pub(super) folder: PathBuf,
    pub(super) vars: NamedTable<RawVar, VarNameRule>,
    /// The variables of the environment that it calls plain.
    pub(super) plain: Vec<String>,
    /// The inherited variables of the environment whose values it calls secret.
    pub(super) secrets: Vec<String>,
    /// The ports that it names.
    pub(super) ports: Vec<(String, u16)>,
    /// The variables of its files of the environment.
    pub(super) env_file: Vec<(String, String)>,
    /// The position in the order in which entries and expectations come: included files first.
    pub(super) order: usize,
    /// The places of its syntax errors.
    pub(super) syntax_error_places: Vec<FilePlace>,
}

/// Reads files and follows their includes.
pub(super) struct ScenarioReader<'a> {
    files: &'a dyn FileProvider,
    folder: PathBuf,
    pub(super) sources: SourceFiles,
    /// The paths of all files that have been read, also those of a file that has several.
    pub(super) paths: Vec<PathBuf>,
    /// The files that could be parsed; the scenario itself is the first.
    pub(super) parsed: Vec<ParsedFile>,
    pub(super) diagnostics: Diagnostics,
    /// Whether something could not be read or understood.
    pub(super) incomplete: bool,
    /// The index of each file that has been read, by identity.
    file_by_identity: HashMap<String, u32>,
    /// The number of files that have been read with everything that they include.
    finished_count: usize,
}

/// The files from the scenario to the one that is being read, by identity and shown name.
type IncludeChain = Vec<(String, String)>;

impl<'a> ScenarioReader<'a> {
    /// A reader for a scenario in this folder.
    pub(super) fn new(files: &'a dyn FileProvider, folder: PathBuf) -> ScenarioReader<'a> {
        ScenarioReader {
            files,
            folder,
            sources: SourceFiles::default(),
            paths: Vec::new(),
            parsed: Vec::new(),
            diagnostics: Diagnostics::default(),
            incomplete: false,
            file_by_identity: HashMap::new(),
            finished_count: 0,
        }
    }

    /// Reads the scenario itself, and everything that it includes.
    pub(super) fn read_root(&mut self, path: &Path, shown: &str) {
        match self.files.read(path) {
            Ok(read) => {
                self.paths.push(path.to_owned());
                let ring = vec![(read.identity.clone(), shown.to_owned())];
                self.parse(shown, read, PathBuf::new(), &ring);
            }
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(shown), sanitize(&fault.0));
                self.add_blocking_error(Diagnostic::without_place(Severity::Error, message));
            }
        }
    }

    /// Adds an error because of which something is not read.
    fn add_blocking_error(&mut self, fault: Diagnostic) {
        self.incomplete = true;
        self.diagnostics.add(fault);
    }

    /// Parses a file that was read, and reads what it includes.
    fn parse(&mut self, shown: &str, read: FileContent, folder: PathBuf, ring: &IncludeChain) {
        let file = u32::try_from(self.sources.files().len()).unwrap_or(u32::MAX);
        self.file_by_identity.insert(read.identity, file);
        let (source, faults) = toml::decode_utf8(shown, read.bytes, file);
        let text = Rc::clone(&source.text);
        self.sources.add(source);
        if !faults.is_empty() {
            return faults.into_iter().for_each(|fault| self.add_blocking_error(fault));
        }
        if file == 0 && text.starts_with("{\"seq\":") {
            let place = FilePlace { file, start: 0, end: 0 };
            let help = "`scenario replay LOG` replays it, `scenario extract LOG` makes a scenario of it";
            return self.add_blocking_error(
                Diagnostic::error(place, "this is the log of a run, not a scenario").with_help(help),
            );
        }
        let ParsedToml { document, duplicate_keys: doubled, syntax_errors: syntax, limit_error: limit } =
            toml::parse(&text, file);
        if let Some(limit) = limit {
            return self.add_blocking_error(limit);
        }
        if file == 0 && document.is_empty() && syntax.is_empty() {
            let start = FilePlace { file, start: 0, end: 0 };
            let help = format!(
                "a scenario defines what there is and when it happens, for example:\n\n{EXAMPLE_SCENARIO}"
            );
            return self
                .add_blocking_error(Diagnostic::error(start, "this file defines nothing").with_help(help));
        }
        let damaged: Vec<FilePlace> = syntax.iter().filter_map(|fault| fault.place).collect();
        doubled.into_iter().for_each(|fault| self.diagnostics.add(fault));
        syntax.into_iter().for_each(|fault| self.add_blocking_error(fault));
        let (mut parsed, include, env_files) =
            self.take_vars_and_includes(file, text, document, folder, damaged);
        for path in env_files {
            let mut reader =
                EnvFileReader { files: self.files, folder: &self.folder, sources: &mut self.sources };
            match reader.read(&path.value.0, path.place, &mut self.diagnostics) {
                Some(values) => parsed.env_file.extend(values),
                None => self.incomplete = true,
            }
        }
        let folder = parsed.folder.clone();
        let index = self.parsed.len();
        self.parsed.push(parsed);
        for path in include {
            self.read_include(path, &folder, ring);
        }
        self.finished_count += 1;
        if let Some(parsed) = self.parsed.get_mut(index) {
            parsed.order = self.finished_count;
        }
    }

    /// Takes the variables, the plain names and the includes out of a document.
    fn take_vars_and_includes(
        &mut self,
        file: u32,
        source: Rc<str>,
        mut document: TomlDocument,
        folder: PathBuf,
        damaged: Vec<FilePlace>,
    ) -> (ParsedFile, Vec<Located<IncludePath>>, Vec<Located<ScenarioPath>>) {
        let vars = document.take_key(TomlDocument::ROOT, "vars", &source);
        let include = document.take_key(TomlDocument::ROOT, "include", &source);
        let plain = document.take_key(TomlDocument::ROOT, "plain", &source);
        let secrets = document.take_key(TomlDocument::ROOT, "secrets", &source);
        let ports = document.take_key(TomlDocument::ROOT, "ports", &source);
        let env_file = document.take_key(TomlDocument::ROOT, "env_file", &source);
        let none = Vars::new(&|_| None);
        let mut cx = DecodeContext::new(file, Rc::clone(&source), document, &none, &mut self.diagnostics);
        cx.folder.clone_from(&folder);
        let before = cx.diagnostics.error_count();
        let vars = vars.and_then(|item| NamedTable::decode(&mut cx, item.node)).unwrap_or_default();
        let include: ListOf<IncludePath, 0> =
            include.and_then(|item| ListOf::decode(&mut cx, item.node)).unwrap_or_default();
        let plain: ListOf<EnvName, 0> =
            plain.and_then(|item| ListOf::decode(&mut cx, item.node)).unwrap_or_default();
        let secrets: ListOf<EnvName, 0> =
            secrets.and_then(|item| ListOf::decode(&mut cx, item.node)).unwrap_or_default();
        let env_file: OneOrList<ScenarioPath> =
            env_file.and_then(|item| OneOrList::decode(&mut cx, item.node)).unwrap_or_default();
        let ports: NamedTable<BoundedInt<1, 65535>, VarNameRule> =
            ports.and_then(|item| NamedTable::decode(&mut cx, item.node)).unwrap_or_default();
        let names = |list: ListOf<EnvName, 0>| list.0.into_iter().map(|name| name.value.0).collect();
        let (plain, secrets) = (names(plain), names(secrets));
        let port = |item: NamedEntry<BoundedInt<1, 65535>>| {
            Some((item.name, u16::try_from(item.value?.value.0).ok()?))
        };
        let ports = ports.items.into_iter().filter_map(port).collect();
        self.incomplete |= cx.diagnostics.error_count() > before;
        let document = cx.document;
        let parsed = ParsedFile {
            file,
            source,
            document,
            folder,
            vars,
            plain,
            secrets,
            ports,
            env_file: Vec::new(),
            order: 0,
            syntax_error_places: damaged,
        };
        (parsed, include.0, env_file.0)
    }

    fn read_include(&mut self, path: Located<IncludePath>, folder: &Path, ring: &IncludeChain) {
        let seen_from_scenario = folder.join(&path.value.0);
        let full = match self.folder == Path::new(".") {
            true => seen_from_scenario.clone(),
            false => self.folder.join(&seen_from_scenario),
        };
        let shown = full.to_string_lossy().into_owned();
        let read = match self.files.read(&full) {
            Ok(read) => read,
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(&shown), sanitize(&fault.0));
                return self.add_blocking_error(Diagnostic::error(path.place, message));
            }
        };
        self.paths.push(full);
        if let Some(start) = ring.iter().position(|(identity, _)| *identity == read.identity) {
            let names = ring[start..].iter().chain(std::iter::once(&ring[start]));
            let names: Vec<String> = names.map(|(_, name)| quoted(name)).collect();
            let message = format!("{} includes itself: {}", names[0], names.join(" -> "));
            return self
                .diagnostics
                .add(Diagnostic::error(path.place, message).with_help("remove this include"));
        }
        if self.file_by_identity.contains_key(&read.identity) {
            // The file is included by two ways, but its definitions count once.
            return;
        }
        if self.file_by_identity.len() >= MAX_FILES {
            let message = format!("a scenario has at most {MAX_FILES} files");
            return self.add_blocking_error(Diagnostic::error(path.place, message));
        }
        let mut ring = ring.clone();
        ring.push((read.identity.clone(), shown.clone()));
        let folder = seen_from_scenario.parent().map(Path::to_owned).unwrap_or_default();
        self.parse(&shown, read, folder, &ring);
    }
}
