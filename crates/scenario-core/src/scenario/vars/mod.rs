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
use crate::scenario::model::{Text, Var};
use crate::scenario::vars::template::{Part, parts};
use scenario_log::event::REDACTED;

/// The most text, in bytes, that variables may grow to in one scenario: nested ones grow fast.
const MOST_GROWTH: usize = 16 << 20;

/// What was found in the place of one `${…}`.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where in the template, in bytes.
    pub(crate) at: std::ops::Range<usize>,
    /// What is wrong.
    pub(crate) kind: FaultKind,
}

/// What can be wrong with a `${…}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// No closing brace.
    Unclosed,
    /// Nothing, or no name, between the braces.
    NoName(String),
    /// Nobody declares it.
    Unknown(String),
    /// The environment does not have it.
    Unset(String),
    /// It is captured in the run, and not known yet.
    Late(String),
    /// It would not be secret there.
    Secret(String),
    /// Its own value is wrong, which has been said where it is declared.
    Broken,
    /// All together grow too large.
    TooMuch,
}

impl FaultKind {
    /// In words.
    pub(crate) fn message(&self) -> String {
        match self {
            FaultKind::Unclosed => "`${` without its `}`".to_owned(),
            FaultKind::NoName(name) => format!("{} is no variable's name", quoted(name)),
            FaultKind::Unknown(name) => format!("there is no variable {}", quoted(name)),
            FaultKind::Unset(name) => format!("the environment has no variable {}", quoted(name)),
            FaultKind::Late(name) => {
                format!("{} is captured in the run, and not known yet where this is wanted", quoted(name))
            }
            FaultKind::Secret(name) => {
                format!("{} holds a value from the environment, which must not be logged", quoted(name))
            }
            FaultKind::Broken => "this variable's value is wrong".to_owned(),
            FaultKind::TooMuch => {
                format!("with variables put in, the texts have more than {MOST_GROWTH} bytes")
            }
        }
    }
}

/// Where `${env:…}` may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// In a text that is never shown but with the value redacted.
    Allowed,
    /// The same, and a value that is captured in the run may stand there too.
    Late,
    /// Nowhere: the log holds it as it is.
    Refused,
}

/// The variables of a scenario.
pub(crate) struct Vars<'e> {
    known: BTreeMap<String, Option<Var>>,
    declared: BTreeSet<String>,
    incomplete: bool,
    used: RefCell<BTreeSet<String>>,
    /// The names of values that fetches capture.
    captured: BTreeSet<String>,
    env: &'e dyn Fn(&str) -> Option<String>,
    revealed: RefCell<BTreeSet<String>>,
    growth: Cell<usize>,
}

impl<'e> Vars<'e> {
    /// None yet; `env` reads the environment.
    pub(crate) fn new(env: &'e dyn Fn(&str) -> Option<String>) -> Vars<'e> {
        Vars {
            known: BTreeMap::new(),
            declared: BTreeSet::new(),
            incomplete: false,
            used: RefCell::default(),
            captured: BTreeSet::new(),
            env,
            revealed: RefCell::default(),
            growth: Cell::new(0),
        }
    }

    /// Sets a variable; `None` if its value is wrong.
    pub(crate) fn set(&mut self, name: &str, value: Option<Var>) {
        self.known.insert(name.to_owned(), value);
    }

    /// The names there are, those of captured values among them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.known.keys().chain(&self.captured).map(String::as_str)
    }

    /// Says that a fetch captures a value of this name.
    pub(crate) fn set_captured(&mut self, name: String) {
        self.captured.insert(name);
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
    pub(crate) fn revealed(&self) -> Vec<String> {
        self.revealed.borrow().iter().cloned().collect()
    }

    /// The variables as the scenario keeps them.
    pub(crate) fn into_known(self) -> BTreeMap<String, Var> {
        self.known.into_iter().filter_map(|(name, var)| var.map(|var| (name, var))).collect()
    }

    /// Puts the variables into a text.
    pub(crate) fn put_in(&self, template: &str, secrecy: Secrecy) -> Result<Text, Vec<Fault>> {
        if !template.contains("${") {
            return Ok(Text::plain(template));
        }
        let mut whole = Text::default();
        let mut faults = Vec::new();
        for part in parts(template) {
            match part {
                Part::Literal(text) => whole.push_str(text),
                Part::Variable { at, name } => match self.value(name, secrecy) {
                    Ok(text) => whole.push(&text),
                    Err(kind) => faults.push(Fault { at, kind }),
                },
                Part::Unclosed(at) => faults.push(Fault { at, kind: FaultKind::Unclosed }),
            }
            if whole.reveal().len() + self.growth.get() > MOST_GROWTH {
                return Err(vec![Fault { at: 0..template.len(), kind: FaultKind::TooMuch }]);
            }
        }
        self.growth.set(self.growth.get() + whole.reveal().len());
        if faults.is_empty() { Ok(whole) } else { Err(faults) }
    }

    fn value(&self, name: &str, secrecy: Secrecy) -> Result<Text, FaultKind> {
        let text = match name.strip_prefix("env:") {
            Some(variable) => self.env_value(variable)?,
            None if self.captured.contains(name) => {
                let is_in_time = secrecy == Secrecy::Late;
                return is_in_time
                    .then(|| Text::captured(name))
                    .ok_or_else(|| FaultKind::Late(name.to_owned()));
            }
            None => self.var_value(name)?,
        };
        if text.is_secret() && secrecy == Secrecy::Refused {
            return Err(FaultKind::Secret(name.to_owned()));
        }
        Ok(text)
    }

    fn env_value(&self, variable: &str) -> Result<Text, FaultKind> {
        if variable.is_empty() || variable.contains(['=', '\0']) {
            return Err(FaultKind::NoName(format!("env:{variable}")));
        }
        let value = (self.env)(variable).ok_or_else(|| FaultKind::Unset(variable.to_owned()))?;
        self.revealed.borrow_mut().insert(value.clone());
        Ok(Text::secret(value, REDACTED))
    }

    fn var_value(&self, name: &str) -> Result<Text, FaultKind> {
        if name.is_empty() {
            return Err(FaultKind::NoName(String::new()));
        }
        self.used.borrow_mut().insert(name.to_owned());
        match self.known.get(name) {
            None if self.incomplete => Err(FaultKind::Broken),
            None => Err(FaultKind::Unknown(name.to_owned())),
            Some(None) => Err(FaultKind::Broken),
            Some(Some(Var::Text(text))) => Ok(text.clone()),
            Some(Some(Var::Integer(number))) => Ok(Text::plain(number.to_string())),
            Some(Some(Var::Boolean(value))) => Ok(Text::plain(value.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars<'e>(env: &'e dyn Fn(&str) -> Option<String>) -> Vars<'e> {
        let mut vars = Vars::new(env);
        vars.set("port", Some(Var::Integer(8080)));
        vars.set("host", Some(Var::Text(Text::plain("local"))));
        vars
    }

    #[test]
    fn variables_are_put_in() {
        let env = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        let vars = vars(&env);
        let put = |template| vars.put_in(template, Secrecy::Allowed).map_err(|faults| faults[0].at.clone());
        assert_eq!(put("http://${host}:${port}/"), Ok(Text::plain("http://local:8080/")));
        assert_eq!(put("$${host} $5 ${host}$"), Ok(Text::plain("${host} $5 local$")));
        assert_eq!(put("T ${env:TOKEN}"), Ok(Text::secret("T s3cret", "T [redacted]")));
        assert_eq!(put("é ${nope}"), Err(3..10));
        assert_eq!(put("a ${host"), Err(2..4));
        assert!(vars.put_in("${env:TOKEN}", Secrecy::Refused).is_err());
        assert_eq!(vars.revealed(), ["s3cret"]);
    }
}
