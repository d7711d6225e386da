//! Rows as JSON Lines: one object a line, each with the same names.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DataFileError, DataFileErrors, FileRows, too_long};
use crate::diagnostic::quoted;
use crate::scenario::model::DataRows;
use crate::scenario::schema::key_rules::{ColumnNameRule, KeyRule};

/// The members of an object, in order; a name may be there twice.
struct Members<'l>(Vec<(String, &'l RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The rows of a text.
pub(super) fn parse(text: &str) -> Result<FileRows, Vec<DataFileError>> {
    let mut errors = DataFileErrors::default();
    let mut columns: Vec<String> = Vec::new();
    let mut rows = DataRows::default();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let at = start..start + whole.trim_end_matches(['\n', '\r']).len();
        start += whole.len();
        let line = text.get(at.clone()).unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let members = match serde_json::from_str::<Members<'_>>(line) {
            Ok(Members(members)) => members,
            Err(error) if errors.add(json_error(line, &at, &error)) => continue,
            Err(_) => break,
        };
        if columns.is_empty() {
            columns = members.iter().map(|(name, _)| name.clone()).collect();
            rows = DataRows::new(columns.len(), text.len());
            if columns.is_empty() {
                errors.add(DataFileError::new(at, "this row has no values"));
                break;
            }
        }
        let added = add_row(&columns, &members, &mut rows, at.clone(), line);
        if added.is_err_and(|error| !errors.add(error)) {
            break;
        }
    }
    errors.or_rows(columns, rows)
}

/// Adds a row; nothing of it is added if it is wrong.
fn add_row(
    columns: &[String],
    members: &[(String, &RawValue)],
    rows: &mut DataRows,
    at: Range<usize>,
    line: &str,
) -> Result<(), DataFileError> {
    for (index, (name, _)) in members.iter().enumerate() {
        if let Some(fault) = ColumnNameRule::key_error(name) {
            return Err(DataFileError::new(at, fault));
        }
        if members[..index].iter().any(|(other, _)| other == name) {
            return Err(DataFileError::new(at, format!("two values have the name {}", quoted(name))));
        }
        if !columns.contains(name) {
            let fault = format!("this row has a value {}, and the first row has none", quoted(name));
            return Err(DataFileError::new(at, fault).with_help("each row has the same names"));
        }
    }
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        let Some((_, raw)) = members.iter().find(|(name, _)| name == column) else {
            let fault = format!("this row has no value {}, and the first row has one", quoted(column));
            return Err(DataFileError::new(at, fault).with_help("each row has the same names"));
        };
        values.push(value_text(raw).ok_or_else(|| {
            let here = raw.get().as_ptr() as usize - line.as_ptr() as usize;
            let start = at.start + here;
            let fault = format!("the value {} is not a string, a number or a boolean", quoted(column));
            DataFileError::new(start..start + raw.get().len(), fault)
        })?);
    }
    match values.iter().all(|value| rows.push(value)) {
        true => Ok(()),
        false => Err(too_long(at)),
    }
}

/// A string without its quotes, a number or a boolean as it is written.
fn value_text(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(raw.get().to_owned()),
    }
}

fn json_error(line: &str, at: &Range<usize>, error: &serde_json::Error) -> DataFileError {
    let column = error.column().saturating_sub(1).min(line.len());
    let message = error.to_string();
    let words = message.rsplit_once(" at line ").map_or(message.as_str(), |(words, _)| words);
    let start = at.start + column;
    DataFileError::new(start..(start + 1).min(at.end.max(start)), format!("this is not a row: {words}"))
        .with_help("each line is a JSON object: {\"user\": \"ann\", \"city\": \"Bern\"}")
}
