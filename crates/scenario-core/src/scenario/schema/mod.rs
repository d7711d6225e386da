//! Shapes: what a value of a scenario file looks like. One definition gives both the decoding of a
//! TOML value, with errors at their places, and the JSON Schema that an editor checks by, so that
//! the two agree by construction.
//!
//! A shape knows one value and the variables put into it. What needs the rest of the scenario (that
//! a name exists, that times add up) is not known here but in `scenario::check`.

pub(crate) mod after;
mod answer;
mod auth;
pub(crate) mod capture;
pub(crate) mod choices;
pub(crate) mod collections;
mod decode_context;
pub(crate) mod expect;
mod form;
mod intervals;
mod json_text;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod rates;
pub(crate) mod steps;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod times;
pub(crate) mod unions;

pub(crate) use crate::scenario::schema::decode_context::{Cx, inner, tell};

use crate::diagnostic::Place;
use crate::scenario::toml::Node;
use crate::scenario::write::json::Json;

/// Something that can be read from a TOML value and described by a JSON Schema.
pub(crate) trait Shape: Sized {
    /// How one is written, for the messages of lists.
    const EXAMPLE: &'static str = "…";

    /// Reads a value. What is wrong is added to `cx.found`; `None` if nothing is left of the value.
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self>;

    /// The same in the language of JSON Schema 2020-12.
    fn schema() -> Json;
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Sp<T> {
    /// What.
    pub(crate) value: T,
    /// Where.
    pub(crate) place: Place,
}

/// What a table says for one key. What is broken has been told and is not asked about again.
#[derive(Clone, Debug, Default)]
pub(crate) enum Slot<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// It is there, with a wrong value.
    Broken,
    /// Its value.
    Given(Sp<T>),
}

impl<T> Slot<T> {
    /// The value, if it is there and right.
    pub(crate) fn given(self) -> Option<Sp<T>> {
        match self {
            Slot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// The same without its place.
    pub(crate) fn value(self) -> Option<T> {
        self.given().map(|given| given.value)
    }

    /// A look at it.
    pub(crate) fn as_given(&self) -> Option<&Sp<T>> {
        match self {
            Slot::Given(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the key is there, with whatever value.
    pub(crate) fn is_present(&self) -> bool {
        !matches!(self, Slot::Absent)
    }
}
