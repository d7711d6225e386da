//! The conditions on an answer.

use super::collections::NamedTable;
use super::durations::DurationValue;
use super::encode::{TomlEncode, encode_named};
use super::json_text::{JsonText, encode_json_text};
use super::key_rules::{HeaderNameRule, KeyRule};
use super::lone_variable::or_lone_variable_schema;
use super::numbers::BoundedInt;
use super::strings::{RegexText, pattern_schema};
use super::table::table;
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::{FetchCheck, JsonCondition, JsonTests};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// A place in a JSON document: a JSON Pointer (RFC 6901).
#[derive(Debug)]
pub(crate) struct JsonPointerRule;

impl KeyRule for JsonPointerRule {
    fn key_error(key: &str) -> Option<String> {
        let begins = key.is_empty() || key.starts_with('/');
        if !begins {
            return Some("a place in JSON begins with `/`, as in \"/user/name\" or \"/list/0\"".to_owned());
        }
        let wrong = key.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
        wrong.then(|| "in a place in JSON `~0` stands for `~`, and `~1` for `/`".to_owned())
    }
    const PATTERN: &'static str = "^(/([^~/]|~[01])*)*$";
}

/// A SHA-256 in hexadecimal digits.
#[derive(Debug)]
pub(crate) struct Sha256Digest(pub(crate) [u8; 32]);

impl TomlSchema for Sha256Digest {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Sha256Digest> {
        let at = node.at;
        let text = cx.decode_public_text(node, "a SHA-256 in hexadecimal digits", "\"2cf24dba…\"")?;
        let digest = parse_sha256(&text);
        if digest.is_none() {
            cx.error(at, "a SHA-256 has 64 hexadecimal digits");
        }
        digest.map(Sha256Digest)
    }

    fn schema() -> Json {
        pattern_schema("^[0-9a-fA-F]{64}$")
    }
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A JSON number, as text.
#[derive(Debug)]
pub(crate) struct JsonNumber(String);

impl TomlSchema for JsonNumber {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<JsonNumber> {
        let node = cx.resolve_number(node)?;
        let number = match node.value {
            TomlValue::Integer(Some(number)) => Some(Json::Int(number)),
            TomlValue::Float => {
                let written = cx.written(node.at).replace('_', "");
                written.parse().ok().filter(|number: &f64| number.is_finite()).map(Json::Float)
            }
            _ => None,
        };
        if number.is_none() {
            cx.report_wrong_type(&node, "a number", "1");
        }
        number.map(|number| JsonNumber(number.to_line()))
    }

    fn schema() -> Json {
        or_lone_variable_schema(object([("type", "number".into())]))
    }
}

fn encode_number(number: &str) -> Option<Json> {
    Json::parse(number).ok()
}

table! {
    /// Conditions on a JSON value; all that are given must hold.
    JsonTestsTable is "a condition on a JSON value" from (JsonTests) with [] {
        /// Whether the value must be there, or must not. `null` is there.
        "exists" exists: bool => |tests| tests.exists,
        /// The value itself. A value that is no table of these keys can stand alone: `"/a" = 1`.
        "equals" equals: JsonText<false> => |tests| tests.equals.as_ref().map(encode_json_text),
        /// A regular expression that must match somewhere in a string, or in a number or boolean as JSON
        /// writes it.
        "matches" matches: RegexText => |tests| tests.matches.as_deref(),
        /// The number that the value, which must be a number, is not less than.
        "at_least" at_least: JsonNumber => |tests| tests.at_least.as_deref().and_then(encode_number),
        /// The number that the value, which must be a number, is not more than.
        "at_most" at_most: JsonNumber => |tests| tests.at_most.as_deref().and_then(encode_number),
        /// The number of characters of a string, of items of a list or of keys of an object.
        "length" length: BoundedInt<0, { i64::MAX }> => |tests| tests.length,
    }
}

/// A condition on a JSON value: a table of tests, or the value itself.
#[derive(Debug)]
pub(crate) struct JsonExpectation(JsonCondition);

impl TomlSchema for JsonExpectation {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<JsonExpectation> {
        let is_tests = match node.value {
            TomlValue::Table(table) => {
                let items = cx.document.items(table);
                let is_test = |key: &str| JsonTestsTable::KEYS.contains(&key);
                !items.is_empty() && items.iter().all(|item| is_test(item.key.as_str(&cx.source)))
            }
            _ => false,
        };
        if !is_tests {
            let value = JsonText::<false>::decode(cx, node)?;
            return Some(JsonExpectation(JsonCondition::Equals(value.0)));
        }
        let (at, before) = (node.at, cx.diagnostics.error_count());
        let table = JsonTestsTable::decode(cx, node)?;
        let exists = table.exists.into_value();
        let tests = JsonTests {
            exists,
            equals: table.equals.into_value().map(|json| json.0),
            matches: table.matches.into_value().map(|RegexText(regex)| regex),
            at_least: table.at_least.into_value().map(|JsonNumber(number)| number),
            at_most: table.at_most.into_value().map(|JsonNumber(number)| number),
            length: table.length.into_value().and_then(|BoundedInt(length)| u64::try_from(length).ok()),
        };
        if exists == Some(false) && tests != (JsonTests { exists, ..JsonTests::default() }) {
            cx.error(at, "a value that must not be there has no other condition");
        }
        (cx.diagnostics.error_count() == before).then_some(JsonExpectation(JsonCondition::Tests(tests)))
    }

    fn schema() -> Json {
        let keys = JsonTestsTable::KEYS.iter().copied().collect();
        let is_tests = object([
            ("type", "object".into()),
            ("minProperties", 1.into()),
            ("propertyNames", object([("enum", keys)])),
        ]);
        object([("anyOf", Json::List(vec![JsonTestsTable::schema(), object([("not", is_tests)])]))])
    }
}

impl TomlEncode for &JsonCondition {
    fn encode(self) -> Option<Json> {
        Some(match self {
            JsonCondition::Equals(value) => encode_json_text(value),
            JsonCondition::Tests(tests) => JsonTestsTable::write(tests),
        })
    }
}

table! {
    /// Conditions on an answer whose status is expected; all that are given must hold.
    CheckTable is "`check`" from (FetchCheck) like "{ text = \"welcome\" }" with [] {
        /// A regular expression that must match somewhere in the body.
        "text" text: RegexText => |check| check.text.as_deref(),
        /// A regular expression that must match nowhere in the body.
        "absent" absent: RegexText => |check| check.absent.as_deref(),
        /// The values that the body, which must be JSON, has at these places (JSON Pointers, RFC 6901), or
        /// conditions on them.
        "json" json: NamedTable<JsonExpectation, JsonPointerRule> => |check| {
            check.json.as_ref().map(|values| {
                encode_named(values.iter().map(|(place, value)| (&**place, value)))
            })
        },
        /// Regular expressions, by the name of a header: each must match somewhere in a value of its header.
        "header" headers: NamedTable<RegexText, HeaderNameRule> => |check| {
            check.headers.as_ref().map(|headers| {
                encode_named(headers.iter().map(|(name, regex)| (&**name, regex)))
            })
        },
        /// The longest time that the request may take, as a duration to the end of its answer. In a load with
        /// `rate` it counts from the planned moment.
        "took" took: DurationValue<true> => |check| check.took,
        /// The SHA-256 of the body, as 64 hexadecimal digits.
        "sha256" sha256: Sha256Digest => |check| check.sha256.map(|digest| {
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        }),
    }
}

impl TomlEncode for &FetchCheck {
    fn encode(self) -> Option<Json> {
        Some(CheckTable::write(self))
    }
}

const CHECK_FORMS: &str = "{ text = REGEX }, { absent = REGEX }, { json = { \"/path\" = value } }, \
    { header = { NAME = REGEX } }, { took = \"300ms\" }, { sha256 = \"…\" }, or several of them";

impl TomlSchema for FetchCheck {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FetchCheck> {
        let at = node.at;
        let TomlValue::Table(items) = node.value else {
            cx.report_wrong_type(&node, "a table", CHECK_FORMS);
            return None;
        };
        let is_empty = cx.document.items(items).is_empty();
        let table = CheckTable::decode(cx, node)?;
        if is_empty {
            cx.error_with_help(at, "`check` has no condition", format!("the forms are {CHECK_FORMS}"));
            return None;
        }
        let json = table.json.into_value().map(|json| {
            let items = json.items.into_iter();
            items.filter_map(|item| Some((item.name, item.value?.value.0))).collect()
        });
        let headers = table.headers.into_value().map(|headers| {
            let items = headers.items.into_iter();
            items.filter_map(|item| Some((item.name, item.value?.value.0))).collect()
        });
        Some(FetchCheck {
            text: table.text.into_value().map(|RegexText(regex)| regex),
            absent: table.absent.into_value().map(|RegexText(regex)| regex),
            json,
            headers,
            took: table.took.into_value().map(|DurationValue(span)| span),
            sha256: table.sha256.into_value().map(|Sha256Digest(digest)| digest),
        })
    }

    fn schema() -> Json {
        CheckTable::schema().with("minProperties", 1)
    }
}
