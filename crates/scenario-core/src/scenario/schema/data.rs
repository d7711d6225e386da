//! The values of the rows of a table.

use super::encode::encode_named;
use super::numbers::report_out_of_range;
use super::{DecodeContext, TomlSchema};
use crate::scenario::model::{DataTable, ScenarioText};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::captured_value::REDACTED;

/// A value of a row: a string, or a number or a boolean as it is written.
#[derive(Debug)]
pub(crate) struct CellText(pub(crate) ScenarioText);

impl TomlSchema for CellText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<CellText> {
        let text = match node.value {
            TomlValue::String(_) => cx.decode_text(node, "a string", "\"ann\"")?,
            TomlValue::Boolean(value) => ScenarioText::plain(value.to_string()),
            TomlValue::Integer(Some(number)) => ScenarioText::plain(number.to_string()),
            TomlValue::Float => ScenarioText::plain(node.at.slice(&cx.source)),
            TomlValue::Integer(None) => {
                report_out_of_range(cx, node.at, i64::MIN, i64::MAX);
                return None;
            }
            _ => {
                cx.report_wrong_type(&node, "a string, a number or a boolean", "\"ann\"");
                return None;
            }
        };
        Some(CellText(text))
    }

    fn schema() -> Json {
        object([("type", ["string", "number", "boolean"].into())])
    }
}

/// The rows of a table that stand in the scenario.
pub(crate) fn encode_rows(table: &DataTable) -> Json {
    let rows = table.rows.as_deref();
    let row = |row: u32| {
        let cells = table.columns.iter().enumerate().map(|(column, name)| {
            let shown = match rows.is_some_and(|rows| rows.is_secret(row, column)) {
                true => Some(REDACTED),
                false => rows.and_then(|rows| rows.value(row, column)),
            };
            (&**name, shown.unwrap_or_default())
        });
        encode_named(cells)
    };
    (0..table.row_count).map(row).collect::<Json>()
}
