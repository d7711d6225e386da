//! The conditions on an answer.

use super::collections::NamedTable;
use super::encode::{TomlEncode, encode_named};
use super::json_text::{JsonText, encode_json_text};
use super::key_rules::KeyRule;
use super::strings::{RegexText, pattern_schema};
use super::table::table;
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::FetchCheck;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::Json;

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

table! {
    /// Conditions on an answer whose status is expected; all that are given must hold.
    CheckTable is "`check`" from (FetchCheck) like "{ text = \"welcome\" }" with [] {
        /// A regular expression that must match somewhere in the body.
        "text" text: RegexText => |check| check.text.as_deref(),
        /// The values that the body, which must be JSON, has at these places (JSON Pointers, RFC 6901).
        "json" json: NamedTable<JsonText<false>, JsonPointerRule> => |check| check.json.as_ref().map(|values| {
            encode_named(values.iter().map(|(place, value)| (&**place, encode_json_text(value))))
        }),
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

const CHECK_FORMS: &str =
    "{ text = REGEX }, { json = { \"/path\" = value } }, { sha256 = \"…\" }, or several of them";

impl TomlSchema for FetchCheck {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FetchCheck> {
        let at = node.at;
        if !matches!(node.value, TomlValue::Table(_)) {
            cx.report_wrong_type(&node, "a table", CHECK_FORMS);
            return None;
        }
        let before = cx.diagnostics.error_count();
        let table = CheckTable::decode(cx, node)?;
        let is_empty = !table.text.is_present() && !table.json.is_present() && !table.sha256.is_present();
        // An unknown key may be a misspelling of one of them.
        if is_empty && cx.diagnostics.error_count() == before {
            cx.error_with_help(at, "`check` has no condition", format!("the forms are {CHECK_FORMS}"));
            return None;
        }
        let json = table.json.into_value().map(|json| {
            let items = json.items.into_iter();
            items.filter_map(|item| Some((item.name, item.value?.value.0))).collect()
        });
        Some(FetchCheck {
            text: table.text.into_value().map(|RegexText(regex)| regex),
            json,
            sha256: table.sha256.into_value().map(|Sha256Digest(digest)| digest),
        })
    }

    fn schema() -> Json {
        CheckTable::schema().with("minProperties", 1)
    }
}
