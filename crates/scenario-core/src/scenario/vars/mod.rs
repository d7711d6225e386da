//! Variables: `${name}` and `${env:NAME}` in strings. A value from the environment is a secret: the text
//! that holds it is shown with `[redacted]` instead, and so is every text that it reaches through another
//! variable.
//!
//! A name that a fetch captures gets its value during the run: it stays a gap in the text, and may stand
//! only where the policy [allows captures](VarPolicy::SecretsAndCaptures).
//!
//! So does what a request gets when it [starts](request_values): its row, its number, draws.
//!
//! `$${` stands for a literal `${`, and `${$}` for a `$`. A `--var` is used as it is: no variables are
//! replaced in it.

pub(crate) mod captures;
pub(crate) mod declare;
pub(crate) mod env_file;
pub mod everyday;
pub mod fill;
mod outside;
pub(crate) mod request_values;
pub(crate) mod scopes;
pub(crate) mod template;
mod url_parts;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::diagnostic::quoted;
use crate::scenario::FreePortSource;
use crate::scenario::model::{INSTANCE, ScenarioText, VarValue};
use crate::scenario::vars::outside::{ENV_FILE_PREFIX, EnvFileValue};
use crate::scenario::vars::request_values::RequestValue;
use crate::scenario::vars::scopes::{ScopedValue, VarScope};
use crate::scenario::vars::template::{TemplatePart, lone_variable_name, parse_template};

/// The largest length of all texts with variables in one scenario, in bytes: nested variables grow fast.
const MAX_EXPANSION: usize = 16 << 20;

/// An error of one `${…}`.
#[derive(Debug)]
pub(crate) struct VarError {
    /// The range in the template, in bytes.
    pub(crate) at: std::ops::Range<usize>,
    pub(crate) kind: VarErrorKind,
}

/// The kinds of error of a `${…}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VarErrorKind {
    /// There is no free port, for this reason.
    NoPort(String),
    /// There is no closing brace.
    Unclosed,
    /// The text between the braces is not a name.
    InvalidName(String),
    /// There is no such variable.
    Unknown(String),
    /// The environment has no such variable.
    Unset(String),
    /// It is captured during the run, and is not known yet.
    NotCapturedYet(String),
    /// It is known only when a request starts.
    OnlyInRequests(String),
    /// It is known only when a program starts.
    OnlyInPrograms(String),
    /// It is no draw, for this reason.
    InvalidDraw(String, String),
    /// It is a secret, and would be logged there.
    SecretNotAllowed(String),
    /// Its own value is wrong, which has been reported where it is declared.
    InvalidValue,
    /// It has a character that cannot stand in the host of a URL.
    InvalidInHost(String, char),
    /// All texts together become too long.
    TooLong,
}

impl fmt::Display for VarErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VarErrorKind::NoPort(why) => write!(f, "there is no free port: {why}"),
            VarErrorKind::Unclosed => f.write_str("`${` has no closing `}`"),
            VarErrorKind::InvalidName(name) => write!(f, "{} is not the name of a variable", quoted(name)),
            VarErrorKind::Unknown(name) => write!(f, "there is no variable {}", quoted(name)),
            VarErrorKind::Unset(name) => write!(f, "the environment has no variable {}", quoted(name)),
            VarErrorKind::NotCapturedYet(name) => {
                let name = quoted(name);
                write!(f, "{name} is captured during the run, and is not known yet when this is needed")
            }
            VarErrorKind::OnlyInRequests(name) => {
                write!(f, "{} is known only when a request starts", quoted(name))
            }
            VarErrorKind::OnlyInPrograms(name) => {
                write!(f, "{} is known only when a program starts", quoted(name))
            }
            VarErrorKind::InvalidDraw(name, why) => write!(f, "{} is not a draw: {why}", quoted(name)),
            VarErrorKind::SecretNotAllowed(name) => {
                write!(f, "{} holds a value from the environment, which must not be logged", quoted(name))
            }
            VarErrorKind::InvalidValue => f.write_str("this variable's value is wrong"),
            VarErrorKind::InvalidInHost(name, c) => {
                write!(
                    f,
                    "the value of {} has {}, which the host of a URL cannot have",
                    quoted(name),
                    quoted(&c.to_string())
                )
            }
            VarErrorKind::TooLong => {
                write!(f, "with their variables replaced, the texts have more than {MAX_EXPANSION} bytes")
            }
        }
    }
}

impl fmt::Display for VarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for VarError {}

/// The variables that may stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VarPolicy {
    /// Variables of the environment too: the text is shown only with their values redacted.
    Secrets,
    /// Variables of the environment, and values that are captured during the run.
    SecretsAndCaptures,
    /// All of these, and what a request gets when it starts: its row, its number, draws.
    Request,
    /// Variables of the environment, and the number of the spawn of a program.
    Program,
    /// The number of the spawn of a program, and no secrets.
    PublicProgram,
    /// No secrets: the log holds the text as it is.
    PublicOnly,
}

/// A part of a text whose variables are replaced.
#[derive(Clone, Debug)]
struct VarPart {
    text: ScenarioText,
    /// The variable of the environment whose value it is, as `env:NAME`.
    env_name: Option<String>,
}

/// The value of a `${name}` that is all of a string.
#[derive(Debug)]
pub(crate) struct LoneValue {
    pub(crate) name: String,
    pub(crate) value: VarValue,
    /// Whether the value has a kind of its own: what comes from the command line or the environment is always
    /// a text, whatever it stands for.
    pub(crate) has_kind: bool,
}

/// The variables of a scenario.
pub(crate) struct Vars<'e> {
    values: BTreeMap<String, Option<VarValue>>,
    /// The variables whose texts came from the command line or the environment.
    untyped: BTreeSet<String>,
    /// The variables of parts of the scenario, and which of these parts is being decoded.
    scopes: Vec<VarScope>,
    scope: Cell<Option<usize>>,
    /// The ports by the names of `${port:NAME}`.
    ports: RefCell<BTreeMap<String, u16>>,
    free_port: Option<&'e FreePortSource<'e>>,
    /// The variables of the files of the environment, which hold where the environment has none.
    env_files: BTreeMap<String, String>,
    /// The values of the files of presets.
    file_values: Vec<EnvFileValue>,
    /// The presets that are others with other `args`, and which.
    variants: BTreeMap<String, String>,
    /// The parts of the variables whose values have some of the environment.
    env_parts: BTreeMap<String, Vec<VarPart>>,
    declared: BTreeSet<String>,
    incomplete: bool,
    used: RefCell<BTreeSet<String>>,
    /// The names of values that fetches capture.
    capture_names: BTreeSet<String>,
    env: &'e dyn Fn(&str) -> Option<String>,
    env_values: RefCell<BTreeSet<String>>,
    /// The variables of the environment that the scenario calls plain.
    plain_names: BTreeSet<String>,
    expanded_len: Cell<usize>,
}

impl<'e> Vars<'e> {
    /// No variables; `env` reads the environment.
    pub(crate) fn new(env: &'e dyn Fn(&str) -> Option<String>) -> Vars<'e> {
        Vars {
            values: BTreeMap::new(),
            untyped: BTreeSet::new(),
            scopes: Vec::new(),
            scope: Cell::new(None),
            ports: RefCell::default(),
            free_port: None,
            env_files: BTreeMap::new(),
            file_values: Vec::new(),
            variants: BTreeMap::new(),
            env_parts: BTreeMap::new(),
            declared: BTreeSet::new(),
            incomplete: false,
            used: RefCell::default(),
            capture_names: BTreeSet::new(),
            env,
            env_values: RefCell::default(),
            plain_names: BTreeSet::new(),
            expanded_len: Cell::new(0),
        }
    }

    /// Sets a variable; `None` if its value is wrong.
    pub(crate) fn set(&mut self, name: &str, value: Option<VarValue>) {
        self.values.insert(name.to_owned(), value);
    }

    /// Notes that the text of a variable came from the command line or the environment.
    pub(crate) fn set_untyped(&mut self, name: &str) {
        self.untyped.insert(name.to_owned());
    }

    /// The names of all variables and captured values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.values.keys().chain(&self.capture_names).map(String::as_str)
    }

    /// Adds the name of a value that a fetch captures.
    pub(crate) fn declare_captured(&mut self, name: String) {
        self.capture_names.insert(name);
    }

    /// Lets the values of these variables of the environment be shown.
    pub(crate) fn set_plain(&mut self, names: impl IntoIterator<Item = String>) {
        self.plain_names.extend(names);
    }

    /// Sets whether some variables could not be read; an unknown variable is not reported then.
    pub(crate) fn set_incomplete(&mut self, incomplete: bool) {
        self.incomplete = incomplete;
    }

    /// Sets the names that the files declare.
    pub(crate) fn declare(&mut self, names: Vec<String>) {
        self.declared = names.into_iter().collect();
    }

    /// Whether a file declares a variable of this name.
    pub(crate) fn is_declared(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// The names that the files declare.
    pub(crate) fn declared_names(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(String::as_str)
    }

    /// Whether a text uses the variable of this name.
    pub(crate) fn is_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// The values that were read from the environment.
    pub(crate) fn env_values(&self) -> Vec<String> {
        self.env_values.borrow().iter().cloned().collect()
    }

    /// The variables as the model keeps them.
    pub(crate) fn into_values(self) -> BTreeMap<String, VarValue> {
        self.values.into_iter().filter_map(|(name, var)| var.map(|var| (name, var))).collect()
    }

    /// Replaces the variables of a text.
    pub(crate) fn substitute(
        &self,
        template: &str,
        secrecy: VarPolicy,
    ) -> Result<ScenarioText, Vec<VarError>> {
        if !template.contains("${") {
            return Ok(ScenarioText::plain(template));
        }
        Ok(join(&self.substitute_parts(template, secrecy)?))
    }

    /// Replaces the variables of a URL. The values of the environment are encoded for their part of it.
    pub(crate) fn substitute_url(
        &self,
        template: &str,
        secrecy: VarPolicy,
    ) -> Result<ScenarioText, Vec<VarError>> {
        if !template.contains("${") {
            return Ok(ScenarioText::plain(template));
        }
        let parts = self.substitute_parts(template, secrecy)?;
        url_parts::join_url(&parts).map_err(|kind| vec![VarError { at: 0..template.len(), kind }])
    }

    /// Replaces the variables of the value of a variable, and keeps its parts for the URLs in which it
    /// stands.
    pub(crate) fn substitute_value(&mut self, name: &str, template: &str) -> Result<VarValue, Vec<VarError>> {
        if !template.contains("${") {
            return Ok(VarValue::Text(ScenarioText::plain(template)));
        }
        let parts = self.substitute_parts(template, VarPolicy::Secrets)?;
        let text = join(&parts);
        if parts.iter().any(|part| part.env_name.is_some()) {
            self.env_parts.insert(name.to_owned(), parts);
        }
        let lone = lone_variable_name(template).map(|other| self.lone_value_of(other, VarPolicy::Secrets));
        match lone {
            Some(Ok(LoneValue { value, has_kind, .. })) => {
                if !has_kind {
                    self.set_untyped(name);
                }
                Ok(value)
            }
            _ => Ok(VarValue::Text(text)),
        }
    }

    /// The value of the variable whose `${name}` is all of this template, if it is one. It must be no secret.
    pub(crate) fn lone_value(&self, template: &str) -> Option<Result<LoneValue, VarError>> {
        let name = lone_variable_name(template)?;
        Some(
            self.lone_value_of(name, VarPolicy::PublicOnly)
                .map_err(|kind| VarError { at: 0..template.len(), kind }),
        )
    }

    fn lone_value_of(&self, name: &str, secrecy: VarPolicy) -> Result<LoneValue, VarErrorKind> {
        let parts = self.resolve(name, secrecy)?;
        if let Some(ScopedValue { value, has_kind, .. }) = self.scoped(name) {
            return Ok(LoneValue { name: name.to_owned(), value: value.clone(), has_kind: *has_kind });
        }
        if name.starts_with("port:") {
            let port = join(&parts)
                .reveal()
                .parse()
                .map_or_else(|_| VarValue::Text(join(&parts)), VarValue::Integer);
            return Ok(LoneValue { name: name.to_owned(), value: port, has_kind: true });
        }
        let value = match self.values.get(name) {
            Some(Some(VarValue::Text(_)) | None) | None => VarValue::Text(join(&parts)),
            Some(Some(value)) => value.clone(),
        };
        let has_kind = !name.starts_with("env:") && !self.untyped.contains(name);
        Ok(LoneValue { name: name.to_owned(), value, has_kind })
    }

    fn substitute_parts(&self, template: &str, secrecy: VarPolicy) -> Result<Vec<VarPart>, Vec<VarError>> {
        let mut parts = Vec::new();
        let mut faults = Vec::new();
        let mut len = 0;
        for part in parse_template(template) {
            let from = parts.len();
            match part {
                TemplatePart::Literal(text) => {
                    parts.push(VarPart { text: ScenarioText::plain(text), env_name: None });
                }
                TemplatePart::Variable { at, name } => match self.resolve(name, secrecy) {
                    Ok(mut resolved) => {
                        resolved.iter_mut().for_each(|part| part.text.set_gap_place(at.clone()));
                        parts.append(&mut resolved);
                    }
                    Err(kind) => faults.push(VarError { at, kind }),
                },
                TemplatePart::Unclosed(at) => faults.push(VarError { at, kind: VarErrorKind::Unclosed }),
            }
            len += parts[from..].iter().map(|part| part.text.reveal().len()).sum::<usize>();
            if len + self.expanded_len.get() > MAX_EXPANSION {
                return Err(vec![VarError { at: 0..template.len(), kind: VarErrorKind::TooLong }]);
            }
        }
        self.expanded_len.set(self.expanded_len.get() + len);
        if faults.is_empty() { Ok(parts) } else { Err(faults) }
    }

    fn resolve(&self, name: &str, secrecy: VarPolicy) -> Result<Vec<VarPart>, VarErrorKind> {
        let is_public = matches!(secrecy, VarPolicy::PublicOnly | VarPolicy::PublicProgram);
        let one = |text, env_name| vec![VarPart { text, env_name }];
        let parts = match name.strip_prefix("env:") {
            Some(variable) => one(self.resolve_env(variable)?, Some(name.to_owned())),
            None if let Some(port) = name.strip_prefix("port:") => one(self.resolve_port(port)?, None),
            None if let Some(index) = name.strip_prefix(ENV_FILE_PREFIX) => {
                one(self.resolve_file_value(index)?, None)
            }
            None if let Some(scoped) = self.scoped(name) => scoped.parts.clone(),
            None if self.capture_names.contains(name) => {
                let is_in_time = matches!(secrecy, VarPolicy::SecretsAndCaptures | VarPolicy::Request);
                return is_in_time
                    .then(|| one(ScenarioText::capture_gap(name), None))
                    .ok_or_else(|| VarErrorKind::NotCapturedYet(name.to_owned()));
            }
            None if !self.values.contains_key(name)
                && let Some(value) = RequestValue::parse(name) =>
            {
                value.map_err(|why| VarErrorKind::InvalidDraw(name.to_owned(), why))?;
                if secrecy != VarPolicy::Request {
                    return Err(VarErrorKind::OnlyInRequests(name.to_owned()));
                }
                return Ok(one(ScenarioText::capture_gap(name), None));
            }
            None if name == INSTANCE && !self.values.contains_key(name) => {
                if !matches!(secrecy, VarPolicy::Program | VarPolicy::PublicProgram) {
                    return Err(VarErrorKind::OnlyInPrograms(name.to_owned()));
                }
                return Ok(one(ScenarioText::capture_gap(name), None));
            }
            None => {
                let text = self.resolve_var(name)?;
                match self.env_parts.get(name) {
                    Some(parts) => parts.clone(),
                    None => one(text, None),
                }
            }
        };
        if is_public && parts.iter().any(|part| part.text.is_secret()) {
            return Err(VarErrorKind::SecretNotAllowed(name.to_owned()));
        }
        Ok(parts)
    }

    fn resolve_env(&self, variable: &str) -> Result<ScenarioText, VarErrorKind> {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(VarErrorKind::InvalidName(format!("env:{variable}")));
        }
        let (variable, default) = match variable.split_once(":-") {
            Some((variable, default)) => (variable, Some(default)),
            None => (variable, None),
        };
        let value = (self.env)(variable).or_else(|| self.env_files.get(variable).cloned());
        // As in a shell, an empty value counts as none where there is a default.
        match (value.filter(|value| default.is_none() || !value.is_empty()), default) {
            (Some(value), _) => Ok(self.secret_unless_plain(variable, value)),
            (None, Some(default)) => Ok(ScenarioText::plain(default)),
            (None, None) => Err(VarErrorKind::Unset(variable.to_owned())),
        }
    }

    /// Whether a name belongs to the current scope, which an error left without it.
    fn is_unknown_by_error(&self, name: &str) -> bool {
        let is_scoped = name.starts_with("args.") || name.starts_with("each.");
        is_scoped && self.current_scope().is_some_and(|scope| scope.is_incomplete)
    }

    fn resolve_var(&self, name: &str) -> Result<ScenarioText, VarErrorKind> {
        if name.is_empty() {
            return Err(VarErrorKind::InvalidName(String::new()));
        }
        self.used.borrow_mut().insert(name.to_owned());
        match self.values.get(name) {
            None if self.incomplete || self.is_unknown_by_error(name) => Err(VarErrorKind::InvalidValue),
            None => Err(VarErrorKind::Unknown(name.to_owned())),
            Some(None) => Err(VarErrorKind::InvalidValue),
            Some(Some(VarValue::Text(text))) => Ok(text.clone()),
            Some(Some(VarValue::Integer(number))) => Ok(ScenarioText::plain(number.to_string())),
            Some(Some(VarValue::Boolean(value))) => Ok(ScenarioText::plain(value.to_string())),
        }
    }
}

fn join(parts: &[VarPart]) -> ScenarioText {
    let mut whole = ScenarioText::default();
    parts.iter().for_each(|part| whole.push(&part.text));
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::REDACTED;

    fn vars<'e>(env: &'e dyn Fn(&str) -> Option<String>) -> Vars<'e> {
        let mut vars = Vars::new(env);
        vars.set("port", Some(VarValue::Integer(8080)));
        vars.set("host", Some(VarValue::Text(ScenarioText::plain("local"))));
        vars
    }

    #[test]
    fn variables_are_put_in() {
        let env = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        let vars = vars(&env);
        let put =
            |template| vars.substitute(template, VarPolicy::Secrets).map_err(|faults| faults[0].at.clone());
        assert_eq!(put("http://${host}:${port}/"), Ok(ScenarioText::plain("http://local:8080/")));
        assert_eq!(put("$${host} $5 ${host}$"), Ok(ScenarioText::plain("${host} $5 local$")));
        assert_eq!(put("T ${env:TOKEN}"), Ok(ScenarioText::secret("T s3cret", "T [redacted]")));
        assert_eq!(put("é ${nope}"), Err(3..10));
        assert_eq!(put("a ${host"), Err(2..4));
        assert!(vars.substitute("${env:TOKEN}", VarPolicy::PublicOnly).is_err());
        assert_eq!(vars.env_values(), ["s3cret"]);
    }

    #[test]
    fn everyday_values_and_those_that_are_called_plain_are_shown() {
        let env = |name: &str| Some(format!("<{name}>"));
        let mut vars = vars(&env);
        let shown = |vars: &Vars<'_>, name: &str| {
            let text = vars.substitute(&format!("${{env:{name}}}"), VarPolicy::Secrets).unwrap();
            text.display_text().to_owned()
        };
        for name in ["NODE_ENV", "PWD", "TERM", "USER", "LC_ALL", "XDG_RUNTIME_DIR"] {
            assert_eq!(shown(&vars, name), format!("<{name}>"));
        }
        for name in
            ["MODE", "PASSWORD", "API_KEY", "node_env", "USERNAME_TOKEN", "DATABASE_URL", "HTTP_PROXY"]
        {
            assert_eq!(shown(&vars, name), REDACTED, "{name}");
        }
        vars.set_plain(["MODE".to_owned()]);
        assert_eq!(shown(&vars, "MODE"), "<MODE>");
        assert!(!vars.env_values().contains(&"<PWD>".to_owned()));
    }
}
