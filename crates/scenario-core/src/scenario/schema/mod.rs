//! Shapes: what a value of a scenario file looks like. One definition gives both the decoding of a
//! TOML value, with errors at their places, and the JSON Schema that an editor checks by, so that
//! the two agree by construction.
//!
//! A shape knows one value and the variables put into it. What needs the rest of the scenario (that
//! a name exists, that times add up) is not known here but in `scenario::check`.

pub(crate) mod after;
mod auth;
pub(crate) mod capture;
mod check;
pub(crate) mod collections;
mod decode_context;
pub(crate) mod durations;
pub(crate) mod expect;
mod form;
mod intervals;
mod json_text;
pub(crate) mod key_rules;
pub(crate) mod keywords;
pub(crate) mod numbers;
pub(crate) mod rates;
pub(crate) mod steps;
pub(crate) mod strings;
pub(crate) mod table;
pub(crate) mod unions;

pub(crate) use crate::scenario::schema::decode_context::{DecodeContext, inner_range, report_var_error};

use crate::diagnostic::FilePlace;
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::Json;

/// Something that can be read from a TOML value and described by a JSON Schema.
pub(crate) trait TomlSchema: Sized {
    /// How one is written, for the messages of lists.
    const EXAMPLE: &'static str = "…";

    /// Reads a value. What is wrong is added to `cx.found`; `None` if nothing is left of the value.
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self>;

    /// The same in the language of JSON Schema 2020-12.
    fn schema() -> Json;
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    /// What.
    pub(crate) value: T,
    /// Where.
    pub(crate) place: FilePlace,
}

/// What a table says for one key. What is broken has been told and is not asked about again.
#[derive(Clone, Debug, Default)]
pub(crate) enum KeySlot<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// It is there, with a wrong value.
    Invalid,
    /// Its value.
    Given(Located<T>),
}

impl<T> KeySlot<T> {
    /// The value, if it is there and right.
    pub(crate) fn into_given(self) -> Option<Located<T>> {
        match self {
            KeySlot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// The same without its place.
    pub(crate) fn into_value(self) -> Option<T> {
        self.into_given().map(|given| given.value)
    }

    /// A look at it.
    pub(crate) fn as_given(&self) -> Option<&Located<T>> {
        match self {
            KeySlot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the key is there, with whatever value.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, KeySlot::Absent)
    }
}
