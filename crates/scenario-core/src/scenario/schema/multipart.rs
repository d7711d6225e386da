//! The parts of a `multipart/form-data` body.

use super::encode::TomlEncode;
use super::strings::{DeferredText, PublicString, ScenarioPath, pattern_schema};
use super::table::{TableRule, table};
use super::{DecodeContext, KeySlot, TomlSchema};
use crate::diagnostic::quoted;
use crate::scenario::model::{MultipartPart, PartContent};
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::Json;

/// A media type, such as `image/png`, with or without parameters.
#[derive(Debug)]
pub(crate) struct MediaType(String);

impl TomlSchema for MediaType {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<MediaType> {
        let at = node.at;
        let text = cx.decode_public_text(node, "a media type", r#""image/png""#)?;
        let is_visible = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let has_parts = text
            .split_once('/')
            .is_some_and(|(kind, _)| !kind.is_empty() && kind.chars().all(|c| c.is_ascii_graphic()));
        if !is_visible || !has_parts || text.ends_with('/') {
            cx.error_with_help(
                at,
                format!("{} is not a media type", quoted(&text)),
                "for example \"image/png\"",
            );
            return None;
        }
        Some(MediaType(text))
    }

    fn schema() -> Json {
        pattern_schema("^[!-.0-~]+/[ -~]*[ -.0-~]$")
    }
}

table! {
    /// A part of a form that is sent as `multipart/form-data`. It has `text` or `file`.
    PartTable is "a part of `multipart`" from (MultipartPart) like "{ name = \"file\", file = \"a.png\" }" with [
        TableRule::Required("name", "name = \"file\""),
        TableRule::ExactlyOne(&["text", "file"]),
    ] {
        /// The name of the field.
        "name" name: PublicString => |part| &part.name,
        /// The text that is sent as the value.
        "text" text: DeferredText => |part| match &part.content {
            PartContent::Text(text) => Some(text),
            PartContent::File(_) => None,
        },
        /// The path of the file that is sent, relative to this file.
        "file" file: ScenarioPath => |part| match &part.content {
            PartContent::Text(_) => None,
            PartContent::File(path) => Some(path),
        },
        /// The name of the file that the server is told. Default: that of `file`, without its folders; a text
        /// has none.
        "file_name" file_name: PublicString => |part| part.file_name.as_deref(),
        /// The media type of the part. Default: `application/octet-stream` for a file; a text has none.
        "type" media_type: MediaType => |part| part.media_type.as_deref(),
    }
}

impl TomlSchema for MultipartPart {
    const EXAMPLE: &'static str = "{ name = \"file\", file = \"a.png\" }";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<MultipartPart> {
        let table = PartTable::decode(cx, node)?;
        let content = match (table.text, table.file) {
            (KeySlot::Given(text), _) => PartContent::Text(text.value.0),
            (_, KeySlot::Given(file)) => PartContent::File(file.value.0),
            _ => return None,
        };
        Some(MultipartPart {
            name: table.name.into_value()?.0,
            content,
            file_name: table.file_name.into_value().map(|name| name.0),
            media_type: table.media_type.into_value().map(|MediaType(text)| text),
        })
    }

    fn schema() -> Json {
        PartTable::schema()
    }
}

impl TomlEncode for &MultipartPart {
    fn encode(self) -> Option<Json> {
        Some(PartTable::write(self))
    }
}
