//! Rows as comma-separated values (RFC 4180): the first line names the values.

use std::ops::Range;

use csv::{ReaderBuilder, StringRecord};

use super::{DataFileError, DataFileErrors, FileRows, too_long};
use crate::diagnostic::quoted;
use crate::scenario::model::DataRows;
use crate::scenario::schema::key_rules::{ColumnNameRule, KeyRule};

/// The rows of a text.
pub(super) fn parse(text: &str) -> Result<FileRows, Vec<DataFileError>> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut errors = DataFileErrors::default();
    let mut columns = Vec::new();
    let mut rows = DataRows::default();
    let mut start = 0;
    while reader.read_record(&mut record).unwrap_or(false) {
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let at = trim_line_breaks(text, start..end);
        start = end;
        if columns.is_empty() {
            columns = record.iter().map(str::to_owned).collect();
            check_names(text, &at, &columns, &mut errors);
            rows = DataRows::new(columns.len(), text.len());
            continue;
        }
        if record.len() != columns.len() {
            if !errors.add(wrong_count(text, at, record.len(), columns.len())) {
                break;
            }
            continue;
        }
        if !record.iter().all(|value| rows.push(value)) {
            errors.add(too_long(at));
            break;
        }
    }
    errors.or_rows(columns, rows)
}

/// The range without the line breaks around it: empty lines are no rows.
fn trim_line_breaks(text: &str, range: Range<usize>) -> Range<usize> {
    let is_break = |c: char| c == '\n' || c == '\r';
    let part = text.get(range.clone()).unwrap_or_default();
    let start = range.start + part.len() - part.trim_start_matches(is_break).len();
    start..(range.end - (part.len() - part.trim_end_matches(is_break).len())).max(start)
}

fn wrong_count(text: &str, at: Range<usize>, count: usize, wanted: usize) -> DataFileError {
    let values = |count: usize| if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
    let names = if wanted == 1 { "1 name".to_owned() } else { format!("{wanted} names") };
    let lines = text.get(at.clone()).map_or(0, |row| memchr::memchr_iter(b'\n', row.as_bytes()).count());
    let fault = DataFileError::new(at, format!("this row has {}, and the first line {names}", values(count)));
    match lines {
        0 => fault.with_help("a value with a comma in it stands in quotes: \"a, b\""),
        more => {
            fault.with_help(format!("the row goes over {} lines: its last `\"` may be missing", more + 1))
        }
    }
}

/// Reports the names of values that cannot be names, or that are there twice.
fn check_names(text: &str, at: &Range<usize>, columns: &[String], errors: &mut DataFileErrors) {
    for (index, name) in columns.iter().enumerate() {
        let place = || name_range(text, at, index);
        let fault = if let Some(fault) = ColumnNameRule::key_error(name) {
            DataFileError::new(place(), fault).with_help("the first line names the values: user,city")
        } else if columns[..index].contains(name) {
            DataFileError::new(place(), format!("two values have the name {}", quoted(name)))
                .with_help("rename one of them")
        } else {
            continue;
        };
        if !errors.add(fault) {
            return;
        }
    }
}

/// The range of a name in the first line; the whole line if a name in it has quotes.
fn name_range(text: &str, line: &Range<usize>, index: usize) -> Range<usize> {
    let names = text.get(line.clone()).unwrap_or_default();
    if names.contains('"') {
        return line.clone();
    }
    let before: usize = names.split(',').take(index).map(|name| name.len() + 1).sum();
    let len = names.split(',').nth(index).map_or(0, str::len);
    line.start + before..line.start + before + len
}
