//! Conditions on answers.

use super::ScenarioText;
use scenario_log::time::Span;

/// Conditions on an answer: all that are there must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCheck {
    /// A valid regular expression that must match somewhere in the body.
    pub text: Option<String>,
    /// A valid regular expression that must match nowhere in the body.
    pub absent: Option<String>,
    /// JSON Pointers and conditions on the JSON values that the body has there. The body must be JSON.
    pub json: Option<Vec<(String, JsonCondition)>>,
    /// Valid names of headers, and valid regular expressions that must match somewhere in a value of each.
    pub headers: Option<Vec<(String, String)>>,
    /// The longest time that the request may take, to the end of its answer.
    pub took: Option<Span>,
    /// The SHA-256 of the body.
    pub sha256: Option<[u8; 32]>,
}

/// A condition on a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonCondition {
    /// It is this JSON value, as text.
    Equals(ScenarioText),
    /// It passes these tests.
    Tests(JsonTests),
}

/// Tests of a JSON value: all that are there must hold, and at least one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonTests {
    /// Whether there is a value. With `false` there is no other test.
    pub exists: Option<bool>,
    /// The JSON value, as text.
    pub equals: Option<ScenarioText>,
    /// A valid regular expression that must match somewhere in the text of a string, number or boolean.
    pub matches: Option<String>,
    /// A JSON number that the value is not less than.
    pub at_least: Option<String>,
    /// A JSON number that the value is not more than.
    pub at_most: Option<String>,
    /// The number of characters of a string, of items of a list or of members of an object.
    pub length: Option<u64>,
}

impl FetchCheck {
    /// No conditions.
    pub const NOTHING: FetchCheck =
        FetchCheck { text: None, absent: None, json: None, headers: None, took: None, sha256: None };
}
