//! Values from outside the file: free ports, and the files of the environment.

use scenario_log::event::REDACTED;
use scenario_log::name;

use super::{VarErrorKind, Vars, everyday};
use crate::scenario::FreePortSource;
use crate::scenario::model::ScenarioText;

/// The beginning of the name of a value of a preset's file, which only the program writes.
pub(super) const ENV_FILE_PREFIX: &str = "env_file:";

/// The first port that nobody has tried.
const FIRST_UNTRIED_PORT: u16 = 49_152;

/// A value of a file of the environment.
#[derive(Clone, Debug)]
pub(super) struct EnvFileValue {
    name: String,
    value: String,
}

impl<'e> Vars<'e> {
    /// Sets the source of free ports.
    pub(crate) fn set_free_ports(&mut self, free_port: Option<&'e FreePortSource<'e>>) {
        self.free_port = free_port;
    }

    /// Gives a port that the file names.
    pub(crate) fn set_port(&mut self, name: String, port: u16) {
        self.ports.borrow_mut().insert(name, port);
    }

    /// The ports of all names.
    pub(crate) fn ports(&self) -> std::collections::BTreeMap<String, u16> {
        self.ports.borrow().clone()
    }

    pub(super) fn resolve_port(&self, name: &str) -> Result<ScenarioText, VarErrorKind> {
        if name::name_error(name).is_some() {
            return Err(VarErrorKind::InvalidName(format!("port:{name}")));
        }
        let known = self.ports.borrow().get(name).copied();
        let port = match (known, self.free_port) {
            (Some(port), _) => port,
            (None, Some(free_port)) => free_port(name).map_err(VarErrorKind::NoPort)?,
            (None, None) => self.untried_port().ok_or_else(|| {
                VarErrorKind::NoPort("this scenario names more ports than there are".to_owned())
            })?,
        };
        self.ports.borrow_mut().insert(name.to_owned(), port);
        Ok(ScenarioText::plain(port.to_string()))
    }

    /// The next port that no name has.
    fn untried_port(&self) -> Option<u16> {
        let ports = self.ports.borrow();
        (FIRST_UNTRIED_PORT..=u16::MAX).find(|port| !ports.values().any(|taken| taken == port))
    }

    /// Adds the variables of a file of the environment; a later file goes before.
    pub(crate) fn add_env_file(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        self.env_files.extend(values);
    }

    /// The variables of the files that the environment itself has not.
    pub(crate) fn inherited_file_values(&self) -> Vec<(String, String)> {
        let values = self.env_files.iter().filter(|(name, _)| (self.env)(name).is_none());
        values.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Keeps a value of a file, and returns the template that stands for it.
    pub(crate) fn add_file_value(&mut self, name: String, value: String) -> String {
        self.file_values.push(EnvFileValue { name, value });
        format!("${{{ENV_FILE_PREFIX}{}}}", self.file_values.len() - 1)
    }

    pub(super) fn resolve_file_value(&self, index: &str) -> Result<ScenarioText, VarErrorKind> {
        let value = index.parse().ok().and_then(|index: usize| self.file_values.get(index));
        let unknown = || VarErrorKind::Unknown(format!("{ENV_FILE_PREFIX}{index}"));
        let EnvFileValue { name, value } = value.ok_or_else(unknown)?;
        Ok(self.secret_unless_plain(name, value.clone()))
    }

    /// Adds the values of variables that programs inherit to the secrets.
    pub(crate) fn add_inherited_secrets(&self, names: &[String]) {
        let values =
            names.iter().filter_map(|name| (self.env)(name).or_else(|| self.env_files.get(name).cloned()));
        self.env_values.borrow_mut().extend(values);
    }

    /// The value of a variable of the environment: a secret, unless its name is an everyday one or the scenario
    /// calls it plain.
    pub(super) fn secret_unless_plain(&self, variable: &str, value: String) -> ScenarioText {
        if everyday::is_everyday(variable) || self.plain_names.contains(variable) {
            return ScenarioText::plain(value);
        }
        self.env_values.borrow_mut().insert(value.clone());
        ScenarioText::secret(value, REDACTED)
    }
}
