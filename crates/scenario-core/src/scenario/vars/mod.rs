//! Variables: `${name}` and `${env:NAME}` in strings. A value that came from the environment is a
//! secret: the text that holds it is shown with `[redacted]` in its place, and so is every text that
//! it gets into by way of another variable.
//!
//! A name that a fetch captures gets its value in the run: it stays a gap in the text, and may stand only
//! where that is [late enough](Secrecy::Late).
//!
//! `$${` stands for a literal `${`, `${$}` for a `$`. A `--var` is taken as it is: nothing is put into it.

pub(crate) mod captures;
pub(crate) mod declare;
pub mod fill;
pub(crate) mod template;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::quoted;
use crate::scenario::model::{ScenarioText, VarValue};
use crate::scenario::vars::template::{TemplatePart, parse_template};
use scenario_log::event::REDACTED;

/// The most text, in bytes, that variables may grow to in one scenario: nested ones grow fast.
const MAX_EXPANSION: usize = 16 << 20;

/// What was found in the place of one `${…}`.
#[derive(Debug)]
pub(crate) struct VarError {
    /// Where in the template, in bytes.
    pub(crate) at: std::ops::Range<usize>,
    /// What is wrong.
    pub(crate) kind: VarErrorKind,
}

/// What can be wrong with a `${…}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VarErrorKind {
    /// No closing brace.
    Unclosed,
    /// Nothing, or no name, between the braces.
    InvalidName(String),
    /// Nobody declares it.
    Unknown(String),
    /// The environment does not have it.
    Unset(String),
    /// It is captured in the run, and not known yet.
    NotCapturedYet(String),
    /// It would not be secret there.
    SecretNotAllowed(String),
    /// Its own value is wrong, which has been said where it is declared.
    InvalidValue,
    /// All together grow too large.
    TooLong,
}

impl VarErrorKind {
    /// In words.
    pub(crate) fn message(&self) -> String {
        match self {
            VarErrorKind::Unclosed => "`${` without its `}`".to_owned(),
            VarErrorKind::InvalidName(name) => format!("{} is no variable's name", quoted(name)),
            VarErrorKind::Unknown(name) => format!("there is no variable {}", quoted(name)),
            VarErrorKind::Unset(name) => format!("the environment has no variable {}", quoted(name)),
            VarErrorKind::NotCapturedYet(name) => {
                format!("{} is captured in the run, and not known yet where this is wanted", quoted(name))
            }
            VarErrorKind::SecretNotAllowed(name) => {
                format!("{} holds a value from the environment, which must not be logged", quoted(name))
            }
            VarErrorKind::InvalidValue => "this variable's value is wrong".to_owned(),
            VarErrorKind::TooLong => {
                format!("with variables put in, the texts have more than {MAX_EXPANSION} bytes")
            }
        }
    }
}

/// Where `${env:…}` may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VarPolicy {
    /// In a text that is never shown but with the value redacted.
    Secrets,
    /// The same, and a value that is captured in the run may stand there too.
    SecretsAndCaptures,
    /// Nowhere: the log holds it as it is.
    PublicOnly,
}

/// The variables of a scenario.
pub(crate) struct Vars<'e> {
    values: BTreeMap<String, Option<VarValue>>,
    declared: BTreeSet<String>,
    incomplete: bool,
    used: RefCell<BTreeSet<String>>,
    /// The names of values that fetches capture.
    capture_names: BTreeSet<String>,
    env: &'e dyn Fn(&str) -> Option<String>,
    env_values: RefCell<BTreeSet<String>>,
    expanded_len: Cell<usize>,
}

impl<'e> Vars<'e> {
    /// None yet; `env` reads the environment.
    pub(crate) fn new(env: &'e dyn Fn(&str) -> Option<String>) -> Vars<'e> {
        Vars {
            values: BTreeMap::new(),
            declared: BTreeSet::new(),
            incomplete: false,
            used: RefCell::default(),
            capture_names: BTreeSet::new(),
            env,
            env_values: RefCell::default(),
            expanded_len: Cell::new(0),
        }
    }

    /// Sets a variable; `None` if its value is wrong.
    pub(crate) fn set(&mut self, name: &str, value: Option<VarValue>) {
        self.values.insert(name.to_owned(), value);
    }

    /// The names there are, those of captured values among them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.values.keys().chain(&self.capture_names).map(String::as_str)
    }

    /// Says that a fetch captures a value of this name.
    pub(crate) fn declare_captured(&mut self, name: String) {
        self.capture_names.insert(name);
    }

    /// Says that there may be variables that nobody could read: an unknown one is no news then.
    pub(crate) fn set_incomplete(&mut self, incomplete: bool) {
        self.incomplete = incomplete;
    }

    /// Says which names the files declare.
    pub(crate) fn declare(&mut self, names: Vec<String>) {
        self.declared = names.into_iter().collect();
    }

    /// Whether a file declares it.
    pub(crate) fn is_declared(&self, name: &str) -> bool {
        self.declared.contains(name)
    }

    /// Whether somebody asked for it.
    pub(crate) fn is_used(&self, name: &str) -> bool {
        self.used.borrow().contains(name)
    }

    /// All values that were read from the environment.
    pub(crate) fn env_values(&self) -> Vec<String> {
        self.env_values.borrow().iter().cloned().collect()
    }

    /// The variables as the scenario keeps them.
    pub(crate) fn into_values(self) -> BTreeMap<String, VarValue> {
        self.values.into_iter().filter_map(|(name, var)| var.map(|var| (name, var))).collect()
    }

    /// Puts the variables into a text.
    pub(crate) fn substitute(
        &self,
        template: &str,
        secrecy: VarPolicy,
    ) -> Result<ScenarioText, Vec<VarError>> {
        if !template.contains("${") {
            return Ok(ScenarioText::plain(template));
        }
        let mut whole = ScenarioText::default();
        let mut faults = Vec::new();
        for part in parse_template(template) {
            match part {
                TemplatePart::Literal(text) => whole.push_str(text),
                TemplatePart::Variable { at, name } => match self.resolve(name, secrecy) {
                    Ok(text) => whole.push(&text),
                    Err(kind) => faults.push(VarError { at, kind }),
                },
                TemplatePart::Unclosed(at) => faults.push(VarError { at, kind: VarErrorKind::Unclosed }),
            }
            if whole.reveal().len() + self.expanded_len.get() > MAX_EXPANSION {
                return Err(vec![VarError { at: 0..template.len(), kind: VarErrorKind::TooLong }]);
            }
        }
        self.expanded_len.set(self.expanded_len.get() + whole.reveal().len());
        if faults.is_empty() { Ok(whole) } else { Err(faults) }
    }

    fn resolve(&self, name: &str, secrecy: VarPolicy) -> Result<ScenarioText, VarErrorKind> {
        let text = match name.strip_prefix("env:") {
            Some(variable) => self.resolve_env(variable)?,
            None if self.capture_names.contains(name) => {
                let is_in_time = secrecy == VarPolicy::SecretsAndCaptures;
                return is_in_time
                    .then(|| ScenarioText::capture_gap(name))
                    .ok_or_else(|| VarErrorKind::NotCapturedYet(name.to_owned()));
            }
            None => self.resolve_var(name)?,
        };
        if text.is_secret() && secrecy == VarPolicy::PublicOnly {
            return Err(VarErrorKind::SecretNotAllowed(name.to_owned()));
        }
        Ok(text)
    }

    fn resolve_env(&self, variable: &str) -> Result<ScenarioText, VarErrorKind> {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(VarErrorKind::InvalidName(format!("env:{variable}")));
        }
        let value = (self.env)(variable).ok_or_else(|| VarErrorKind::Unset(variable.to_owned()))?;
        self.env_values.borrow_mut().insert(value.clone());
        Ok(ScenarioText::secret(value, REDACTED))
    }

    fn resolve_var(&self, name: &str) -> Result<ScenarioText, VarErrorKind> {
        if name.is_empty() {
            return Err(VarErrorKind::InvalidName(String::new()));
        }
        self.used.borrow_mut().insert(name.to_owned());
        match self.values.get(name) {
            None if self.incomplete => Err(VarErrorKind::InvalidValue),
            None => Err(VarErrorKind::Unknown(name.to_owned())),
            Some(None) => Err(VarErrorKind::InvalidValue),
            Some(Some(VarValue::Text(text))) => Ok(text.clone()),
            Some(Some(VarValue::Integer(number))) => Ok(ScenarioText::plain(number.to_string())),
            Some(Some(VarValue::Boolean(value))) => Ok(ScenarioText::plain(value.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
