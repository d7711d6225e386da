//! Files of rows: their text to the columns and values of a table. Files are opened elsewhere.

mod csv_file;
mod json_lines;

use std::ops::Range;
use std::path::Path;

use crate::scenario::model::DataRows;

/// The largest length of a file of rows, in bytes; no more of it is read.
pub const MAX_DATA_LEN: usize = 1 << 30;

/// The largest number of errors of a file of rows that are reported.
const MAX_ERRORS: usize = 20;

/// The kinds of files of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataFileKind {
    Csv,
    JsonLines,
}

impl DataFileKind {
    /// The kind of a file, by the end of its name.
    pub(crate) fn of_path(path: &Path) -> Option<DataFileKind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(DataFileKind::Csv),
            "jsonl" | "ndjson" => Some(DataFileKind::JsonLines),
            _ => None,
        }
    }
}

/// The content of a file of rows.
#[derive(Debug, Default)]
pub(crate) struct FileRows {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: DataRows,
}

/// An error of a file of rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DataFileError {
    /// The bytes of the file, without a byte order mark.
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl DataFileError {
    fn new(at: Range<usize>, message: impl Into<String>) -> DataFileError {
        DataFileError { at, message: message.into(), help: None }
    }

    fn with_help(self, help: impl Into<String>) -> DataFileError {
        DataFileError { help: Some(help.into()), ..self }
    }
}

/// The errors of a file, as far as they are kept.
#[derive(Debug, Default)]
struct DataFileErrors(Vec<DataFileError>);

impl DataFileErrors {
    /// Adds an error; false if that was the last one that is kept, so that nothing more need be read.
    fn add(&mut self, error: DataFileError) -> bool {
        self.0.push(error);
        self.0.len() < MAX_ERRORS
    }

    fn or_rows(self, columns: Vec<String>, mut rows: DataRows) -> Result<FileRows, Vec<DataFileError>> {
        rows.shrink();
        if self.0.is_empty() { Ok(FileRows { columns, rows }) } else { Err(self.0) }
    }
}

/// The text of a file, without a byte order mark.
///
/// # Errors
///
/// It is too long, or not UTF-8; with the text as far as it can be shown.
pub(crate) fn decode_text(bytes: Vec<u8>) -> Result<String, (String, DataFileError)> {
    if bytes.len() > MAX_DATA_LEN {
        let message = format!("this file has more than {MAX_DATA_LEN} bytes, the most that rows may have");
        return Err((String::new(), DataFileError::new(0..0, message)));
    }
    const MARK: &str = "\u{feff}";
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with(MARK) {
                text.drain(..MARK.len());
            }
            Ok(text)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let (shown, at) = match shown.strip_prefix(MARK) {
                Some(rest) => (rest.to_owned(), at - MARK.len()),
                None => (shown, at),
            };
            let fault = DataFileError::new(at..at + 3, format!("this is not UTF-8: byte 0x{byte:02x}"));
            Err((shown, fault.with_help("rows are UTF-8 text; save the file in that encoding")))
        }
    }
}

/// The rows of a file's text.
///
/// # Errors
///
/// Everything that is wrong with it, up to a limit.
pub(crate) fn parse_rows(kind: DataFileKind, text: &str) -> Result<FileRows, Vec<DataFileError>> {
    let read = match kind {
        DataFileKind::Csv => csv_file::parse(text),
        DataFileKind::JsonLines => json_lines::parse(text),
    }?;
    if read.rows.row_count() == 0 {
        let nothing = match kind {
            DataFileKind::Csv if read.columns.is_empty() => DataFileError::new(0..0, "this file is empty")
                .with_help(
                    "its first line names the values, and each further line is a row:\n\nuser,city\nann,Bern",
                ),
            DataFileKind::Csv => {
                DataFileError::new(text.len()..text.len(), "this file has no rows, only names")
                    .with_help("each line after the first is a row")
            }
            DataFileKind::JsonLines => DataFileError::new(0..0, "this file is empty")
                .with_help("each line is a row: {\"user\": \"ann\", \"city\": \"Bern\"}"),
        };
        return Err(vec![nothing]);
    }
    Ok(read)
}

/// The error of values that are longer, together, than a table can hold.
fn too_long(at: Range<usize>) -> DataFileError {
    DataFileError::new(at, "the values of all rows together have more than 4 GiB")
}

#[cfg(test)]
mod tests;
