//! Variables that hold only in a part of a scenario: the `args` of a preset and the `each` of an entry.

use std::collections::BTreeMap;

use super::template::lone_variable_name;
use super::{LoneValue, VarError, VarPart, VarPolicy, Vars, join};
use crate::scenario::model::{ScenarioText, VarValue};

/// The value of a variable of a scope.
#[derive(Clone, Debug)]
pub(crate) struct ScopedValue {
    pub(super) parts: Vec<VarPart>,
    pub(super) value: VarValue,
    pub(super) has_kind: bool,
}

/// The variables of a part of a scenario, by their whole name: `args.mode`, `each.region`.
#[derive(Clone, Debug, Default)]
pub(crate) struct VarScope {
    pub(crate) values: BTreeMap<String, ScopedValue>,
    /// Whether some of them are not known because of an error that has been reported.
    pub(crate) is_incomplete: bool,
}

impl ScopedValue {
    /// An integer or a boolean.
    pub(crate) fn of_kind(value: VarValue) -> ScopedValue {
        let text = match &value {
            VarValue::Text(text) => text.clone(),
            VarValue::Integer(number) => ScenarioText::plain(number.to_string()),
            VarValue::Boolean(value) => ScenarioText::plain(value.to_string()),
        };
        ScopedValue { parts: vec![VarPart { text, env_name: None }], value, has_kind: true }
    }

    /// The value as a text that may be shown.
    pub(crate) fn display_text(&self) -> String {
        join(&self.parts).display_text().to_owned()
    }

    pub(crate) fn into_value(self) -> VarValue {
        self.value
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.parts.iter().any(|part| part.text.is_secret())
    }

    /// Whether two values are the same.
    pub(crate) fn is_same(&self, other: &ScopedValue) -> bool {
        self.value == other.value
    }
}

impl<'e> Vars<'e> {
    /// Adds a scope, and returns its number.
    pub(crate) fn add_scope(&mut self, scope: VarScope) -> usize {
        self.scopes.push(scope);
        self.scopes.len() - 1
    }

    /// Turns to another scope, and returns the one from before.
    pub(crate) fn enter_scope(&self, scope: Option<usize>) -> Option<usize> {
        self.scope.replace(scope)
    }

    pub(super) fn current_scope(&self) -> Option<&VarScope> {
        self.scopes.get(self.scope.get()?)
    }

    /// The names of the variables of the current scope.
    pub(crate) fn scoped_names(&self) -> Vec<&str> {
        self.current_scope()
            .map(|scope| scope.values.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    pub(super) fn scoped(&self, name: &str) -> Option<&ScopedValue> {
        self.current_scope()?.values.get(name)
    }

    /// The value of a template, for a scope.
    pub(crate) fn scoped_value(&self, template: &str) -> Result<ScopedValue, Vec<VarError>> {
        let parts = match template.contains("${") {
            true => self.substitute_parts(template, VarPolicy::Secrets)?,
            false => vec![VarPart { text: ScenarioText::plain(template), env_name: None }],
        };
        let lone = lone_variable_name(template).map(|name| self.lone_value_of(name, VarPolicy::Secrets));
        Ok(match lone {
            Some(Ok(LoneValue { value, has_kind, .. })) => ScopedValue { parts, value, has_kind },
            _ => ScopedValue { value: VarValue::Text(join(&parts)), parts, has_kind: true },
        })
    }

    /// Notes that a preset is another one with other `args`.
    pub(crate) fn add_variant(&mut self, variant: String, of: String) {
        self.variants.insert(variant, of);
    }

    /// The name by which events know a preset: that of the preset of which it is a variant, or its own.
    pub(crate) fn shown_preset<'n>(&'n self, preset: &'n str) -> &'n str {
        self.variants.get(preset).map_or(preset, String::as_str)
    }
}
