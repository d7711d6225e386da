//! What a fetch takes out of its answers, for what comes later.

use super::answer::Pointer;
use super::names::{HeaderName, KeyRule};
use super::table::{Rule, table};
use super::text::Pattern;
use super::{Cx, Shape, Slot};
use crate::diagnostic::Place;
use crate::scenario::model::CaptureFrom;
use crate::scenario::toml::{Node, Range, Value};
use crate::scenario::write::json::Json;

/// A place in a JSON document.
#[derive(Debug)]
pub(crate) struct JsonPlace(String);

impl Shape for JsonPlace {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<JsonPlace> {
        let at = node.at;
        let place = cx.open_text(node, "a JSON Pointer", r#""/user/name""#)?;
        if let Some(fault) = Pointer::fault(&place) {
            cx.error(at, fault);
            return None;
        }
        Some(JsonPlace(place))
    }

    fn schema() -> Json {
        super::text::pattern(Pointer::PATTERN)
    }
}

/// The name of a header, as a value.
#[derive(Debug)]
pub(crate) struct HeaderText(String);

impl Shape for HeaderText {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<HeaderText> {
        let at = node.at;
        let name = cx.open_text(node, "the name of a header", r#""Location""#)?;
        if let Some(fault) = HeaderName::fault(&name) {
            cx.error(at, fault);
            return None;
        }
        Some(HeaderText(name))
    }

    fn schema() -> Json {
        super::text::pattern(HeaderName::PATTERN)
    }
}

table! {
    /// A value that is taken out of an answer: from exactly one of the three.
    CaptureTable is "a capture" like "{ json = \"/token\" }" with [Rule::ExactlyOne(&["json", "text", "header"])] {
        /// The string, number or boolean at this place of the JSON body (a JSON Pointer, RFC 6901).
        "json" json: JsonPlace,
        /// A regular expression with one group: what the group matches first in the body.
        "text" text: Pattern,
        /// The value of this header.
        "header" header: HeaderText,
        /// Never log or show the value.
        "secret" secret: bool = false,
    }
}

/// A capture, still without its name: from where, and whether it is a secret.
#[derive(Debug)]
pub(crate) struct RawCapture(pub(crate) CaptureFrom, pub(crate) bool);

impl Shape for RawCapture {
    const EXAMPLE: &'static str = "{ json = \"/token\" }";

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<RawCapture> {
        if !matches!(node.value, Value::Table(_)) {
            let forms = "{ json = \"/token\" }, { text = 'id=(\\d+)' } or { header = \"Location\" }";
            cx.wrong_type(&node, "a table (a capture)", forms);
            return None;
        }
        let table = CaptureTable::decode(cx, node)?;
        let from = match (table.json, table.text, table.header) {
            (Slot::Given(json), ..) => CaptureFrom::Json(json.value.0),
            (_, Slot::Given(text), _) => one_group(cx, text.value.0, text.place)?,
            (.., Slot::Given(header)) => CaptureFrom::Header(header.value.0),
            _ => return None,
        };
        Some(RawCapture(from, table.secret.value().unwrap_or(false)))
    }

    fn schema() -> Json {
        // That a pattern has one group no schema can say.
        CaptureTable::schema()
    }
}

fn one_group(cx: &mut Cx<'_>, regex: String, place: Place) -> Option<CaptureFrom> {
    let groups = regex::bytes::Regex::new(&regex).map_or(0, |regex| regex.captures_len() - 1);
    if groups != 1 {
        let fault = format!("this has {groups} groups: a capture takes what one group matches");
        cx.error_with_help(range(place), fault, "for example 'id=(\\d+)'; (?:…) is no group that counts");
        return None;
    }
    Some(CaptureFrom::Text(regex))
}

fn range(place: Place) -> Range {
    Range { start: place.start, end: place.end }
}
