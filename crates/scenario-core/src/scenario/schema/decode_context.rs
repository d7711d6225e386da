//! What the decoding of one file needs at hand, and the words for what is most often wrong.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::{Shape, Slot, Sp};
use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::Text;
use crate::scenario::toml::{Document, Item, Node, Range, Str, Value};
use crate::scenario::vars::{FaultKind, Secrecy, Vars};

/// The most different regular expressions of a file, not counting plain words: each costs time to check.
const MOST_REGEXES: usize = 1_000;
/// After so many wrong ones no more are tried.
const MOST_WRONG_REGEXES: usize = 20;
/// The largest that a regular expression may get when it is compiled, in bytes.
const LARGEST_REGEX: usize = 1 << 20;

/// The file that is being decoded, and where its faults go.
pub(crate) struct Cx<'a> {
    /// The file's index among the sources.
    pub(crate) file: u32,
    /// The file's text.
    pub(crate) source: Rc<str>,
    /// The file's tables; each is taken as it is decoded.
    pub(crate) document: Document,
    /// The scenario's variables.
    pub(crate) vars: &'a Vars<'a>,
    /// What is wrong.
    pub(crate) found: &'a mut Findings,
    /// The file's folder as seen from the scenario's; empty if it is the same.
    pub(crate) folder: PathBuf,
    /// Whether the syntax of the file is wrong somewhere, so that nothing can be said to be missing.
    pub(crate) damaged: bool,
    /// The regular expressions that were tried, with what is wrong with them.
    regexes: HashMap<String, Option<String>>,
    /// How many of them are wrong.
    wrong_regexes: usize,
}

impl<'a> Cx<'a> {
    /// For a file in the scenario's own folder.
    pub(crate) fn new(
        file: u32,
        source: Rc<str>,
        document: Document,
        vars: &'a Vars<'a>,
        found: &'a mut Findings,
    ) -> Cx<'a> {
        Cx {
            file,
            source,
            document,
            vars,
            found,
            folder: PathBuf::new(),
            damaged: false,
            regexes: HashMap::new(),
            wrong_regexes: 0,
        }
    }

    /// A range of this file as a place.
    pub(crate) fn place(&self, at: Range) -> Place {
        Place { file: self.file, start: at.start, end: at.end }
    }

    /// Adds an error at a range of this file.
    pub(crate) fn error(&mut self, at: Range, message: impl Into<String>) {
        let place = self.place(at);
        self.found.add(Diagnostic::error(place, message));
    }

    /// Adds an error with a way out.
    pub(crate) fn error_with_help(&mut self, at: Range, message: impl Into<String>, help: impl Into<String>) {
        let place = self.place(at);
        self.found.add(Diagnostic::error(place, message).help(help));
    }

    /// Decodes the value of a key.
    pub(crate) fn slot<T: Shape>(&mut self, node: Node) -> Slot<T> {
        let place = self.place(node.at);
        match T::decode(self, node) {
            Some(value) => Slot::Given(Sp { value, place }),
            None => Slot::Broken,
        }
    }

    /// Says that a value is of the wrong type.
    pub(crate) fn wrong_type(&mut self, node: &Node, wanted: &str, example: &str) {
        let found = kind(node, &self.source);
        let place = self.place(node.at);
        self.found.add(
            Diagnostic::error(place, format!("expected {wanted}, found {found}"))
                .help(format!("for example {example}")),
        );
    }

    /// Says that a key is not known in a table of this kind.
    pub(crate) fn unknown_key(&mut self, item: &Item, what: &str, keys: &[&str]) {
        if self.found.only_counts() {
            return;
        }
        let source = Rc::clone(&self.source);
        let key = item.key.get(&source);
        let fault = Diagnostic::error(self.place(item.key_at), format!("{what} has no key {}", quoted(key)))
            .label("unknown key");
        let fault = self.found.did_you_mean(fault, key, keys.iter().copied(), "keys");
        self.found.add(fault);
    }

    /// A string as it was written.
    pub(crate) fn raw_string(&mut self, node: Node, wanted: &str, example: &str) -> Option<(Str, Range)> {
        match node.value {
            Value::String(text) => Some((text, node.at)),
            _ => {
                self.wrong_type(&node, wanted, example);
                None
            }
        }
    }

    /// A string with variables put in, secrets among them.
    pub(crate) fn text(&mut self, node: Node, wanted: &str, example: &str) -> Option<Text> {
        let (raw, at) = self.raw_string(node, wanted, example)?;
        self.put_in(&raw, at, Secrecy::Allowed)
    }

    /// The same, where a value that is captured in the run may stand as well.
    pub(crate) fn late_text(&mut self, node: Node, wanted: &str, example: &str) -> Option<Text> {
        let (raw, at) = self.raw_string(node, wanted, example)?;
        self.put_in(&raw, at, Secrecy::Late)
    }

    /// A string with variables put in, without secrets.
    pub(crate) fn open_text(&mut self, node: Node, wanted: &str, example: &str) -> Option<String> {
        let (raw, at) = self.raw_string(node, wanted, example)?;
        let text = self.put_in(&raw, at, Secrecy::Refused)?;
        Some(text.reveal().to_owned())
    }

    /// Puts the variables into a string of this file.
    pub(crate) fn put_in(&mut self, raw: &Str, at: Range, secrecy: Secrecy) -> Option<Text> {
        let source = Rc::clone(&self.source);
        match self.vars.put_in(raw.get(&source), secrecy) {
            Ok(text) => Some(text),
            Err(faults) => {
                for fault in faults {
                    let place = self.place(inner(raw, at, fault.at));
                    tell(self.found, self.vars, place, &fault.kind);
                }
                None
            }
        }
    }

    /// What is wrong with a regular expression, if anything.
    pub(crate) fn regex_fault(&mut self, regex: &str) -> Option<String> {
        let plain = |c: char| c.is_alphanumeric() || " _-:,;=/\"'<>!@%".contains(c);
        if regex.chars().all(plain) {
            return None;
        }
        if let Some(known) = self.regexes.get(regex) {
            return known.clone();
        }
        if self.wrong_regexes >= MOST_WRONG_REGEXES {
            return None;
        }
        if self.regexes.len() >= MOST_REGEXES {
            return Some(format!("a file has at most {MOST_REGEXES} different regular expressions"));
        }
        let fault = regex::bytes::RegexBuilder::new(regex)
            .size_limit(LARGEST_REGEX)
            .build()
            .err()
            .map(|error| regex_words(&error));
        self.wrong_regexes += usize::from(fault.is_some());
        self.regexes.insert(regex.to_owned(), fault.clone());
        fault
    }
}

/// Says what is wrong with a `${…}`.
pub(crate) fn tell(found: &mut Findings, vars: &Vars<'_>, place: Place, kind: &FaultKind) {
    let fault = Diagnostic::error(place, kind.message());
    let fault = match kind {
        FaultKind::Broken => return,
        FaultKind::Unknown(name) => {
            let fault = match found.nearest(name, vars.names()) {
                Some(nearest) => fault.help(format!("did you mean `${{{nearest}}}`?")),
                None => fault,
            };
            fault.help("declare it in [vars], or give it with --var; `$${` is a literal `${`")
        }
        FaultKind::Unclosed | FaultKind::NoName(_) => fault.help("for a literal `${` write `$${`"),
        FaultKind::Unset(name) => fault.help(format!("set it: {name}=… scenario …")),
        FaultKind::Secret(_) => {
            fault.help("the log would have to hold it here; if it is no secret, pass it with --var")
        }
        FaultKind::Late(_) => fault.help(
            "a captured value can stand in the path and query of a fetch's URL, in its headers, `auth` and \
             body, and in the text of a `send` or `mark`",
        ),
        FaultKind::TooMuch => fault,
    };
    found.add(fault);
}

/// Where a part of a string's value stands: exactly if it was written without escapes, else all of it.
pub(crate) fn inner(raw: &Str, at: Range, part: std::ops::Range<usize>) -> Range {
    match raw.start() {
        Some(start) => Range::new(start as usize + part.start, start as usize + part.end),
        None => at,
    }
}

/// The last line of the error, which says what is wrong; those before it draw the place.
fn regex_words(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
        other => {
            let words = other.to_string();
            let last = words.lines().next_back().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

/// What a value is, with its article.
pub(crate) fn kind(node: &Node, source: &str) -> String {
    match &node.value {
        Value::String(_) => "a string".to_owned(),
        Value::Integer(_) => format!("the integer {}", quoted(node.at.of(source))),
        Value::Float => format!("the float {}", quoted(node.at.of(source))),
        Value::Boolean(value) => format!("the boolean `{value}`"),
        Value::Datetime => "a date or time".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}
