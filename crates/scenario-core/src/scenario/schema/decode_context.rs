//! The state of decoding one file, and the messages of the most frequent errors.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::lone_variable::NotedValue;
use super::{KeySlot, Located, TomlSchema, foreign_keys, own_words};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{INSTANCE, ScenarioText};
use crate::scenario::toml::{self, ByteRange, TomlDocument, TomlKeyValue, TomlNode, TomlStr, TomlValue};
use crate::scenario::vars::request_values::DRAW_FORMS;
use crate::scenario::vars::{VarError, VarErrorKind, VarPolicy, Vars};
use scenario_log::sanitize::sanitize;

/// The largest number of different regular expressions in a file, plain words not counted: each one costs
/// time to check.
const MAX_REGEXES: usize = 1_000;
/// After this number of wrong regular expressions, no more are checked.
const MAX_WRONG_REGEXES: usize = 20;
/// The largest compiled size of a regular expression, in bytes.
const MAX_COMPILED_REGEX: usize = 1 << 20;

const EACH_HELP: &str = "`${each.NAME}` stands in an entry that has for_each = { NAME = [\"a\", \"b\"] }";
const ARGS_HELP: &str = "`${args.NAME}` stands in a preset, which gets it by args = { NAME = \"a\" }";

/// A file from which values may be copied into another one.
#[derive(Debug)]
pub(crate) struct FileOrigin {
    pub(crate) source: Rc<str>,
    /// The folder of the file, relative to the scenario's; empty if it is the same.
    pub(crate) folder: PathBuf,
}

/// The file that was being decoded before a value of another one.
pub(crate) struct OuterFile(Option<(u32, Rc<str>, PathBuf)>);

/// The file that is being decoded, with the diagnostics that its errors are added to.
pub(crate) struct DecodeContext<'a> {
    /// The files that values were copied from, by their index.
    pub(crate) origins: Rc<Vec<FileOrigin>>,
    /// The index of the file among the sources.
    pub(crate) file: u32,
    pub(crate) source: Rc<str>,
    /// The tables of the file; each one is taken when it is decoded.
    pub(crate) document: TomlDocument,
    pub(crate) vars: &'a Vars<'a>,
    pub(crate) diagnostics: &'a mut Diagnostics,
    /// The folder of the file, relative to the scenario's; empty if it is the same.
    pub(crate) folder: PathBuf,
    /// Whether the file has syntax errors, so that a missing key must not be reported.
    pub(crate) has_syntax_errors: bool,
    /// The last value that came from a `${name}` alone in its string.
    pub(super) noted_value: Option<NotedValue>,
    /// The regular expressions that have been checked, with their errors.
    regexes: HashMap<String, Option<String>>,
    /// The number of wrong ones among them.
    wrong_regexes: usize,
}

impl<'a> DecodeContext<'a> {
    /// The context of a file in the scenario's own folder.
    pub(crate) fn new(
        file: u32,
        source: Rc<str>,
        document: TomlDocument,
        vars: &'a Vars<'a>,
        found: &'a mut Diagnostics,
    ) -> DecodeContext<'a> {
        DecodeContext {
            origins: Rc::default(),
            file,
            source,
            document,
            vars,
            diagnostics: found,
            folder: PathBuf::new(),
            has_syntax_errors: false,
            noted_value: None,
            regexes: HashMap::new(),
            wrong_regexes: 0,
        }
    }

    /// The place of a range of this file.
    pub(crate) fn place(&self, at: ByteRange) -> FilePlace {
        FilePlace { file: self.file, start: at.start, end: at.end }
    }

    /// Adds an error at a range of this file.
    pub(crate) fn error(&mut self, at: ByteRange, message: impl Into<String>) {
        let place = self.place(at);
        let message = self.with_origin(at, message.into());
        self.diagnostics.add(Diagnostic::error(place, message));
    }

    /// Adds an error with a help.
    pub(crate) fn error_with_help(
        &mut self,
        at: ByteRange,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let place = self.place(at);
        let message = self.with_origin(at, message.into());
        self.diagnostics.add(Diagnostic::error(place, message).with_help(help));
    }

    /// Decodes the value of a key.
    pub(crate) fn decode_slot<T: TomlSchema>(&mut self, node: TomlNode) -> KeySlot<T> {
        let place = self.place(node.at);
        match self.decode_scoped(node) {
            Some(value) => KeySlot::Given(Located { value, place }),
            None => KeySlot::Invalid,
        }
    }

    /// Decodes a value in the scope of variables that its table has.
    pub(crate) fn decode_scoped<T: TomlSchema>(&mut self, node: TomlNode) -> Option<T> {
        let Some(scope) = self.document.scope_of(&node) else { return T::decode(self, node) };
        let outer = self.vars.enter_scope(Some(scope));
        let value = T::decode(self, node);
        self.vars.enter_scope(outer);
        value
    }

    /// Turns to the file that a key and its value were copied from.
    pub(crate) fn enter_file(&mut self, from_file: Option<u32>) -> OuterFile {
        let Some(file) = from_file else { return OuterFile(None) };
        let Some(origin) = self.origins.get(file as usize) else { return OuterFile(None) };
        let (source, folder) = (Rc::clone(&origin.source), origin.folder.clone());
        self.noted_value = None;
        OuterFile(Some((
            std::mem::replace(&mut self.file, file),
            std::mem::replace(&mut self.source, source),
            std::mem::replace(&mut self.folder, folder),
        )))
    }

    /// Turns back to the file from before.
    pub(crate) fn leave_file(&mut self, outer: OuterFile) {
        if let Some((file, source, folder)) = outer.0 {
            (self.file, self.source, self.folder) = (file, source, folder);
            self.noted_value = None;
        }
    }

    /// Reports a value of the wrong type.
    pub(crate) fn report_wrong_type(&mut self, node: &TomlNode, wanted: &str, example: &str) {
        self.report_wrong_type_with_help(node, wanted, format!("for example {example}"));
    }

    /// Reports a value of the wrong type, with a help of its own.
    pub(crate) fn report_wrong_type_with_help(&mut self, node: &TomlNode, wanted: &str, help: String) {
        let found = self.describe_value(node);
        let place = self.place(node.at);
        self.diagnostics
            .add(Diagnostic::error(place, format!("expected {wanted}, found {found}")).with_help(help));
    }

    /// Reports a key that this kind of table does not have.
    pub(crate) fn report_unknown_key(&mut self, item: &TomlKeyValue, what: &str, keys: &[&str]) {
        if self.diagnostics.count_if_full() {
            return;
        }
        let source = Rc::clone(&self.source);
        let key = item.key.as_str(&source);
        let fault = Diagnostic::error(self.place(item.key_at), format!("{what} has no key {}", quoted(key)))
            .with_label("unknown key");
        let fault = match foreign_keys::our_words(what, key) {
            Some(help) => fault.with_help(help),
            None => self.diagnostics.did_you_mean(fault, key, keys.iter().copied(), "keys"),
        };
        self.diagnostics.add(fault);
    }

    /// A string as it is written; its variables are not replaced.
    pub(crate) fn take_string(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<(TomlStr, ByteRange)> {
        match node.value {
            TomlValue::String(text) => Some((text, node.at)),
            // Any text may stand here, so the text of the value is the string that was meant.
            TomlValue::Integer(_) | TomlValue::Float | TomlValue::Boolean(_) | TomlValue::Datetime
                if wanted == "a string" =>
            {
                let written = own_words::toml_string(node.at.slice(&self.source));
                self.report_wrong_type_with_help(&node, wanted, format!("write {written}"));
                None
            }
            _ => {
                self.report_wrong_type(&node, wanted, example);
                None
            }
        }
    }

    /// A string with its variables replaced; it may hold secrets.
    pub(crate) fn decode_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        self.substitute(&raw, at, VarPolicy::Secrets)
    }

    /// A string with its variables replaced; it may hold secrets, and gaps for values that are captured
    /// during the run.
    pub(crate) fn decode_deferred_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        self.substitute(&raw, at, VarPolicy::SecretsAndCaptures)
    }

    /// A string of a request with its variables replaced; it may hold secrets, and gaps for values that are
    /// captured during the run and for those that the request gets when it starts.
    pub(crate) fn decode_request_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        self.substitute(&raw, at, VarPolicy::Request)
    }

    /// A string of a program with its variables replaced; it may hold secrets, and gaps for the number of its
    /// spawn.
    pub(crate) fn decode_program_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        self.substitute(&raw, at, VarPolicy::Program)
    }

    /// The same without secrets.
    pub(crate) fn decode_public_program_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        self.substitute(&raw, at, VarPolicy::PublicProgram)
    }

    /// A URL with its variables replaced; it may hold secrets and, if it is `late`, gaps for values that are
    /// captured during the run, or else for the number of a spawn.
    pub(crate) fn decode_url(&mut self, node: TomlNode, late: bool) -> Option<ScenarioText> {
        let (raw, at) = self.take_string(node, "a string", r#""http://127.0.0.1:8080/a.pdf""#)?;
        let secrecy = if late { VarPolicy::Request } else { VarPolicy::Program };
        let source = Rc::clone(&self.source);
        let url = self.vars.substitute_url(raw.as_str(&source), secrecy);
        self.report_var_errors(&raw, at, url)
    }

    /// A string with its variables replaced; it must not hold secrets.
    pub(crate) fn decode_public_text(
        &mut self,
        node: TomlNode,
        wanted: &str,
        example: &str,
    ) -> Option<String> {
        let (raw, at) = self.take_string(node, wanted, example)?;
        let text = self.substitute(&raw, at, VarPolicy::PublicOnly)?;
        Some(text.reveal().to_owned())
    }

    /// Replaces the variables of a string of this file.
    pub(crate) fn substitute(
        &mut self,
        raw: &TomlStr,
        at: ByteRange,
        secrecy: VarPolicy,
    ) -> Option<ScenarioText> {
        let source = Rc::clone(&self.source);
        let text = self.vars.substitute(raw.as_str(&source), secrecy);
        self.report_var_errors(raw, at, text)
    }

    fn report_var_errors(
        &mut self,
        raw: &TomlStr,
        at: ByteRange,
        text: Result<ScenarioText, Vec<VarError>>,
    ) -> Option<ScenarioText> {
        match text {
            Ok(mut text) => {
                text.locate_gaps(|part| self.place(inner_range(raw, at, part)));
                Some(text)
            }
            Err(faults) => {
                for fault in faults {
                    let place = self.place(inner_range(raw, at, fault.at));
                    report_var_error(self.diagnostics, self.vars, place, &fault.kind);
                }
                None
            }
        }
    }

    /// The error of a regular expression, if it has one.
    pub(crate) fn regex_error(&mut self, regex: &str) -> Option<String> {
        let plain = |c: char| c.is_alphanumeric() || " _-:,;=/\"'<>!@%".contains(c);
        if regex.chars().all(plain) {
            return None;
        }
        if let Some(known) = self.regexes.get(regex) {
            return known.clone();
        }
        if self.wrong_regexes >= MAX_WRONG_REGEXES {
            return None;
        }
        if self.regexes.len() >= MAX_REGEXES {
            return Some(format!("a file has at most {MAX_REGEXES} different regular expressions"));
        }
        let fault = regex::bytes::RegexBuilder::new(regex)
            .size_limit(MAX_COMPILED_REGEX)
            .build()
            .err()
            .map(|error| regex_error_message(&error));
        self.wrong_regexes += usize::from(fault.is_some());
        self.regexes.insert(regex.to_owned(), fault.clone());
        fault
    }
}

/// Decodes one key of a text that is not a file. It has no variables, and its places belong to no source.
///
/// # Errors
///
/// The first error, if there is a message for it.
pub(crate) fn decode_snippet<T: TomlSchema>(key: &str, source: Rc<str>) -> Result<T, Option<Diagnostic>> {
    let mut parsed = toml::parse(&source, 0);
    let mut found = Diagnostics::default();
    parsed.syntax_errors.drain(..).chain(parsed.duplicate_keys).for_each(|fault| found.add(fault));
    let item = parsed.document.take_key(TomlDocument::ROOT, key, &source);
    let none = Vars::new(&|_| None);
    let mut cx = DecodeContext::new(0, source, parsed.document, &none, &mut found);
    match item.and_then(|item| T::decode(&mut cx, item.node)) {
        Some(value) if found.error_count() == 0 => Ok(value),
        _ => Err(found.finish().into_iter().next()),
    }
}

/// Reports the error of a `${…}`.
pub(crate) fn report_var_error(
    found: &mut Diagnostics,
    vars: &Vars<'_>,
    place: FilePlace,
    kind: &VarErrorKind,
) {
    let fault = Diagnostic::error(place, kind.to_string());
    let fault = match kind {
        VarErrorKind::InvalidValue => return,
        VarErrorKind::Unknown(name) => {
            let names = vars.scoped_names().into_iter().chain(vars.names()).chain([INSTANCE]);
            let fault = match found.closest_name(name, names) {
                Some(nearest) => fault.with_help(format!("did you mean `${{{}}}`?", sanitize(nearest))),
                None => fault,
            };
            if name.starts_with("each.") {
                return found.add(fault.with_help(EACH_HELP));
            }
            if name.starts_with("args.") {
                return found.add(fault.with_help(ARGS_HELP));
            }
            fault.with_help("declare it in [vars], or give it with --var; `$${` is a literal `${`")
        }
        VarErrorKind::Unclosed | VarErrorKind::InvalidName(_) => {
            fault.with_help("for a literal `${` write `$${`")
        }
        VarErrorKind::Unset(name) => fault.with_help(format!("set it: {}=… scenario …", sanitize(name))),
        VarErrorKind::SecretNotAllowed(_) => {
            fault.with_help("the log would have to hold it here; if it is not a secret, pass it with --var")
        }
        VarErrorKind::NotCapturedYet(_) => fault.with_help(
            "a captured value can stand in the path and query of a fetch's URL, in its headers, `auth` and \
             body, and in the text of a `send` or `mark`",
        ),
        VarErrorKind::InvalidInHost(..) => fault.with_help(
            "a value of the environment cannot begin another part of the URL; put the path into another one",
        ),
        VarErrorKind::OnlyInRequests(name) => {
            let fault = fault.with_help(
                "it can stand in the path and query of a fetch's URL, in its headers, `auth` and body",
            );
            match name.contains(['.', ':']) {
                true => fault,
                false => {
                    fault.with_help(format!("for a variable of this name, declare it in [vars]: {name} = …"))
                }
            }
        }
        VarErrorKind::OnlyInPrograms(name) => fault
            .with_help(
                "it can stand in the `command`, `dir`, `env`, `ready` and the text of `stdin` of a preset",
            )
            .with_help(format!("for a variable of this name, declare it in [vars]: {name} = …")),
        VarErrorKind::InvalidDraw(..) => fault.with_help(format!("the forms are {DRAW_FORMS}")),
        VarErrorKind::TooLong | VarErrorKind::NoPort(_) => fault,
    };
    found.add(fault);
}

/// The range of a part of a string in the file: exact if the string has no escapes, otherwise the whole
/// string.
pub(crate) fn inner_range(raw: &TomlStr, at: ByteRange, part: std::ops::Range<usize>) -> ByteRange {
    match raw.unescaped_start() {
        Some(start) => ByteRange::new(start as usize + part.start, start as usize + part.end),
        None => at,
    }
}

/// The last line of the error, which is its message; the lines before it show the place.
fn regex_error_message(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
        other => {
            let words = other.to_string();
            let last = words.lines().next_back().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}
