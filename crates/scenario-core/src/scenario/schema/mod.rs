//! The values of a scenario file. One definition decodes a TOML value, with errors at their places, and
//! describes it in the JSON Schema that editors check by, so that the two agree. The value of the checked
//! model is written beside its decoding.
//!
//! A value is checked alone here, with the variables in it replaced. `scenario::check` does everything that
//! needs the rest of the scenario (a name exists, times can be counted).

pub(crate) mod addresses;
pub(crate) mod after;
mod auth;
pub(crate) mod capture;
mod check;
pub(crate) mod collections;
pub(crate) mod data;
mod decode_context;
pub(crate) mod durations;
pub(crate) mod encode;
pub(crate) mod expect;
pub(crate) mod expect_parts;
mod foreign_keys;
mod form;
mod intervals;
mod json_text;
pub(crate) mod key_rules;
pub(crate) mod keywords;
pub(crate) mod link_values;
mod lone_variable;
mod multipart;
pub(crate) mod numbers;
pub(crate) mod own_words;
pub(crate) mod rates;
mod restart;
mod shares;
pub(crate) mod span_text;
pub(crate) mod spawn;
mod status;
mod step_conditions;
pub(crate) mod steps;
pub(crate) mod strings;
pub(crate) mod table;
pub(crate) mod table_example;
pub(crate) mod unions;

pub(crate) use crate::scenario::schema::decode_context::{
    DecodeContext, FileOrigin, inner_range, report_var_error,
};

use crate::diagnostic::FilePlace;
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::Json;

/// A type that is decoded from a TOML value and described by a JSON Schema.
pub(crate) trait TomlSchema: Sized {
    /// An example of a value, for messages about lists.
    const EXAMPLE: &'static str = "…";

    /// Decodes a value. Errors are added to `cx.diagnostics`; `None` if there is no usable value.
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self>;

    /// The values that `decode` accepts, as JSON Schema 2020-12.
    fn schema() -> Json;

    /// The list to write in the place of a string, made of the words of that string, if this type is one of
    /// texts.
    fn list_of_text(_text: &str) -> Option<String> {
        None
    }

    /// An example of a list of this type, for editors.
    fn list_example() -> Option<Json> {
        None
    }

    /// Decodes the defaults of a table and of the tables in it. A wrong default panics.
    #[cfg(test)]
    fn decode_defaults() {}
}

/// A value and where it stands in its file.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: FilePlace,
}

/// The value of one key of a table. An invalid value has been reported; it must not be reported again.
#[derive(Clone, Debug, Default)]
pub(crate) enum KeySlot<T> {
    #[default]
    Absent,
    Invalid,
    Given(Located<T>),
}

#[cfg(test)]
impl<T: TomlSchema> KeySlot<T> {
    pub(crate) fn decode_default(&self) {
        T::decode_defaults();
    }
}

impl<T> KeySlot<T> {
    /// The value with its place, if the key is there and right.
    pub(crate) fn into_given(self) -> Option<Located<T>> {
        match self {
            KeySlot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// The value, if the key is there and right.
    pub(crate) fn into_value(self) -> Option<T> {
        self.into_given().map(|given| given.value)
    }

    /// A reference to the value with its place, if the key is there and right.
    pub(crate) fn as_given(&self) -> Option<&Located<T>> {
        match self {
            KeySlot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn as_given_mut(&mut self) -> Option<&mut Located<T>> {
        match self {
            KeySlot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the key is there, with a right value or a wrong one.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, KeySlot::Absent)
    }

    /// Fills the slot with what was read for its key.
    pub(crate) fn set(&mut self, read: KeySlot<T>) {
        *self = read;
    }
}

/// The value of a key that has a default. The default is the one of the key's row in its table.
#[derive(Clone, Debug)]
pub(crate) struct DefaultedSlot<T> {
    slot: KeySlot<T>,
    default: fn() -> T,
}

impl<T: Clone> DefaultedSlot<T> {
    /// The slot of a key that is not there.
    pub(crate) fn absent(default: fn() -> T) -> DefaultedSlot<T> {
        DefaultedSlot { slot: KeySlot::Absent, default }
    }

    /// The value of the file, or the default where the file has none. It is the default as well where
    /// the file's value is wrong: the scenario is refused then, and only the other checks go on.
    pub(crate) fn or_default(&self) -> T {
        self.slot.as_given().map_or_else(self.default, |given| given.value.clone())
    }

    /// The same, but `None` where the file's value is wrong.
    pub(crate) fn valid(&self) -> Option<T> {
        (!matches!(self.slot, KeySlot::Invalid)).then(|| self.or_default())
    }

    /// The value of the file with its place, if the key is there and right.
    pub(crate) fn as_given(&self) -> Option<&Located<T>> {
        self.slot.as_given()
    }

    /// Whether the key is there, with a right value or a wrong one.
    pub(crate) fn is_present(&self) -> bool {
        self.slot.is_present()
    }

    /// Fills the slot with what was read for its key.
    pub(crate) fn set(&mut self, read: KeySlot<T>) {
        self.slot = read;
    }

    #[cfg(test)]
    pub(crate) fn decode_default(&self) {
        (self.default)();
    }
}
