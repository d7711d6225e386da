//! The captures of a fetch: values that are taken out of its answers for what comes later.

use super::check::JsonPointerRule;
use super::key_rules::{HeaderNameRule, KeyRule};
use super::strings::RegexText;
use super::table::{TableRule, table};
use super::{DecodeContext, KeySlot, TomlSchema};
use crate::diagnostic::FilePlace;
use crate::scenario::model::{CaptureSelector, FetchCapture};
use crate::scenario::toml::{ByteRange, TomlNode, TomlValue};
use crate::scenario::write::json::Json;

/// A place in a JSON document: a JSON Pointer (RFC 6901).
#[derive(Debug)]
pub(crate) struct JsonPointerText(String);

impl TomlSchema for JsonPointerText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<JsonPointerText> {
        let at = node.at;
        let place = cx.decode_public_text(node, "a JSON Pointer", r#""/user/name""#)?;
        if let Some(fault) = JsonPointerRule::key_error(&place) {
            cx.error(at, fault);
            return None;
        }
        Some(JsonPointerText(place))
    }

    fn schema() -> Json {
        super::strings::pattern_schema(JsonPointerRule::PATTERN)
    }
}

/// The name of a header, where it is the value of a key.
#[derive(Debug)]
pub(crate) struct HeaderNameText(String);

impl TomlSchema for HeaderNameText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<HeaderNameText> {
        let at = node.at;
        let name = cx.decode_public_text(node, "the name of a header", r#""Location""#)?;
        if let Some(fault) = HeaderNameRule::key_error(&name) {
            cx.error(at, fault);
            return None;
        }
        Some(HeaderNameText(name))
    }

    fn schema() -> Json {
        super::strings::pattern_schema(HeaderNameRule::PATTERN)
    }
}

table! {
    /// A value that is taken out of an answer: `json`, `text`, `header`, or `header` with `text`.
    CaptureTable is "a capture" from (FetchCapture) like "{ json = \"/token\" }" with [
        TableRule::AnyOf(&["json", "text", "header"]),
        TableRule::Excludes("json", "text"),
        TableRule::Excludes("json", "header"),
    ] {
        /// The place of the string, number or boolean in the JSON body (a JSON Pointer, RFC 6901).
        "json" json: JsonPointerText => |capture| match &capture.selector {
            CaptureSelector::Json(place) => Some(place),
            _ => None,
        },
        /// A regular expression with one group; the value is the text of the group where it first matches
        /// in the body or, with `header`, in a value of the header.
        "text" text: RegexText => |capture| match &capture.selector {
            CaptureSelector::Text(regex) | CaptureSelector::HeaderText { regex, .. } => Some(regex),
            _ => None,
        },
        /// The name of the header whose value is taken. Of a header that comes several times, `text` is
        /// looked for in each value; without `text` an answer in which they differ is not as expected.
        "header" header: HeaderNameText => |capture| match &capture.selector {
            CaptureSelector::Header(name) | CaptureSelector::HeaderText { header: name, .. } => Some(name),
            _ => None,
        },
        /// Whether the value is a secret, which is never logged or shown. A value of `Set-Cookie` and of
        /// other headers with credentials always is.
        "secret" secret: bool = false => |capture| capture.secret,
        /// Whether the value may be empty. Without it, an answer with an empty value is not as expected.
        "empty" empty: bool = false => |capture| capture.may_be_empty; UnlessDefault,
    }
}

/// A capture without its name.
#[derive(Debug)]
pub(crate) struct RawCapture {
    pub(crate) selector: CaptureSelector,
    pub(crate) secret: bool,
    pub(crate) may_be_empty: bool,
}

impl TomlSchema for RawCapture {
    const EXAMPLE: &'static str = "{ json = \"/token\" }";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawCapture> {
        if !matches!(node.value, TomlValue::Table(_)) {
            let forms = "{ json = \"/token\" }, { text = 'id=(\\d+)' } or { header = \"Location\" }";
            cx.report_wrong_type(&node, "a table (a capture)", forms);
            return None;
        }
        let table = CaptureTable::decode(cx, node)?;
        let from = match (table.json, table.text, table.header) {
            (KeySlot::Given(json), ..) => CaptureSelector::Json(json.value.0),
            (_, KeySlot::Given(text), header) => {
                let regex = decode_one_group(cx, text.value.0, text.place)?;
                match header {
                    KeySlot::Given(header) => CaptureSelector::HeaderText { header: header.value.0, regex },
                    _ => CaptureSelector::Text(regex),
                }
            }
            (.., KeySlot::Given(header)) => CaptureSelector::Header(header.value.0),
            _ => return None,
        };
        let (secret, may_be_empty) = (table.secret.or_default(), table.empty.or_default());
        Some(RawCapture { selector: from, secret, may_be_empty })
    }

    fn schema() -> Json {
        // A schema cannot express that a pattern has one group.
        CaptureTable::schema()
    }
}

fn decode_one_group(cx: &mut DecodeContext<'_>, regex: String, place: FilePlace) -> Option<String> {
    let groups = regex::bytes::Regex::new(&regex).map_or(0, |regex| regex.captures_len() - 1);
    if groups != 1 {
        let fault = format!("this has {groups} groups; a capture needs exactly one, whose text it takes");
        cx.error_with_help(
            range_of_place(place),
            fault,
            "for example 'id=(\\d+)'; (?:…) does not count as a group",
        );
        return None;
    }
    Some(regex)
}

fn range_of_place(place: FilePlace) -> ByteRange {
    ByteRange { start: place.start, end: place.end }
}
