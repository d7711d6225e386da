//! A log as a table in CSV (RFC 4180): one row for each event, ended by CR LF. Computes no metrics.
//!
//! The columns are `seq`, `t`, `event`, and every key that an event can have, except the scenario. A cell
//! is empty if the event does not have the key. A list or an object is a cell of JSON. Control characters
//! become visible escapes. A text that a spreadsheet would take for a formula has an apostrophe before it.
//! Keys that this release does not know have no column.

use std::collections::HashMap;
use std::io::{self, Write};

use crate::report::feed::{EventConsumer, LogEvent};
use scenario_log::raw_fields;
use scenario_log::sanitize::{push_sanitized, sanitize_json};
use scenario_log::schema;

/// The columns that every event has.
const FIRST_COLUMNS: [&str; 3] = ["seq", "t", "event"];

/// The characters that a spreadsheet takes for the start of a formula.
const FORMULA_STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The key without a column: a whole scenario is too long for a cell.
const OMITTED_KEY: &str = "scenario";

/// Writes a log as a CSV table.
#[derive(Debug)]
pub struct CsvReport<W> {
    output: W,
    columns: Vec<&'static str>,
    /// The column of each key.
    column_index: HashMap<&'static str, usize>,
    /// For each column, the index of the line's field in it.
    cell_fields: Vec<Option<usize>>,
    row: String,
    has_begun: bool,
}

impl<W: Write> CsvReport<W> {
    /// A table that is written to `to`.
    pub fn new(to: W) -> CsvReport<W> {
        let own = schema::all_keys().into_iter().filter(|key| *key != OMITTED_KEY);
        let columns: Vec<_> = FIRST_COLUMNS.into_iter().chain(own).collect();
        let places = columns.iter().enumerate().map(|(n, column)| (*column, n)).collect();
        CsvReport {
            output: to,
            columns,
            column_index: places,
            cell_fields: Vec::new(),
            row: String::new(),
            has_begun: false,
        }
    }

    /// Writes the rest of the table.
    ///
    /// # Errors
    /// If the system refuses to write.
    pub fn finish(mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W: Write> EventConsumer for CsvReport<W> {
    fn consume(&mut self, _event: &LogEvent<'_, '_>, bytes: &[u8]) -> io::Result<()> {
        if !self.has_begun {
            self.has_begun = true;
            write!(self.output, "{}\r\n", self.columns.join(","))?;
        }
        let fields = raw_fields::parse_fields(bytes).unwrap_or_default();
        self.cell_fields.clear();
        self.cell_fields.resize(self.columns.len(), None);
        for (n, field) in fields.iter().enumerate() {
            if let Some(column) = self.column_index.get(&*field.key) {
                self.cell_fields[*column] = Some(n);
            }
        }
        self.row.clear();
        for (n, field) in self.cell_fields.iter().enumerate() {
            if n > 0 {
                self.row.push(',');
            }
            if let Some(field) = field {
                push_cell(&mut self.row, fields[*field].value);
            }
        }
        self.row.push_str("\r\n");
        self.output.write_all(self.row.as_bytes())
    }
}

/// Appends a JSON value as a cell.
fn push_cell(row: &mut String, value: &str) {
    let plain = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    if is_plain(plain) {
        return row.push_str(plain);
    }
    let mut text = String::new();
    match serde_json::from_str::<String>(value) {
        Ok(string) => push_marked(&mut text, &string),
        // Nothing begins after a `;` that is written so.
        Err(_) => text = sanitize_json(value).replace(';', "\\u003b"),
    }
    if text.contains([',', ';', '"', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        row.push('"');
        row.push_str(&text.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(&text);
    }
}

/// Appends a text, with `'` before each place where a spreadsheet could read a formula: the beginning, and
/// after a `;`, which ends a cell where the comma is the decimal sign.
fn push_marked(out: &mut String, text: &str) {
    for (n, part) in text.split(';').enumerate() {
        if n > 0 {
            out.push(';');
        }
        if part.trim_start().starts_with(FORMULA_STARTS) {
            out.push('\'');
        }
        push_sanitized(out, part);
    }
}

/// Whether a text needs no change in a cell. Most texts need none.
fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._#/:-".contains(&byte);
    !text.starts_with(FORMULA_STARTS) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        for (value, wanted) in [
            ("1.000000000", "1.000000000"),
            (r#""plain""#, "plain"),
            (r#""a, \"b\"""#, r#""a, ""b""""#),
            (r#""=cmd|' /C calc'!A0""#, r#""'=cmd|' /C calc'!A0""#),
            (r#""@x""#, r#""'@x""#),
            (r#""a;=1+1; +2;b""#, r#""a;'=1+1;' +2;b""#),
            (r#"" =1""#, r#""' =1""#),
            (r#""＝1""#, r#""'＝1""#),
            (r#""\u00a0＠1""#, "\"'\u{a0}＠1\""),
            ("-1.5", "-1.5"),
            (r#"{"a;=b":1}"#, r#""{""a\u003b=b"":1}""#),
            (r#""\u001b[31m\n""#, r"\x1b[31m\n"),
            (r#"{"p50":1}"#, r#""{""p50"":1}""#),
            (r#""""#, ""),
        ] {
            let mut row = String::new();
            push_cell(&mut row, value);
            assert_eq!(row, wanted, "{value}");
        }
    }
}
