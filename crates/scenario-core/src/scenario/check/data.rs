//! Builds the tables of rows. Reads their files, unless the scenario is that of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DefinitionsByName;
use crate::diagnostic::{Diagnostic, FilePlace, SourceFile, SourceFiles, quoted};
use crate::scenario::FileProvider;
use crate::scenario::data::{DataFileError, DataFileKind, FileRows, decode_text, parse_rows};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawDataTable, RawRow, RawRowsRead};
use crate::scenario::model::{DataRows, DataSource, DataTable};
use crate::scenario::schema::collections::NamedTable;
use crate::scenario::schema::key_rules::JobNameRule;
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::sanitize::sanitize;

/// The files of rows of a scenario.
pub(crate) struct DataFiles<'a> {
    pub(crate) files: &'a dyn FileProvider,
    /// The folder of the scenario.
    pub(crate) folder: &'a Path,
    /// Receives a file of rows only if it has errors: a right one may be long.
    pub(crate) sources: &'a mut SourceFiles,
}

/// The columns and rows of a table; a log has no rows of a file.
struct TableContent {
    columns: Vec<String>,
    row_count: u32,
    rows: Option<Arc<DataRows>>,
}

impl TableContent {
    fn new(columns: Vec<String>, rows: DataRows) -> TableContent {
        let row_count = u32::try_from(rows.row_count()).unwrap_or(u32::MAX);
        TableContent { columns, row_count, rows: Some(Arc::new(rows)) }
    }
}

/// Builds the tables of one file of the scenario, and adds them to the others.
pub(crate) fn build_tables(
    items: NamedTable<RawDataTable, JobNameRule>,
    reader: &mut DataFiles<'_>,
    all: &mut DefinitionsByName<DataTable>,
    found: &mut Diagnostics,
) {
    for item in items.items {
        let table = item.value.and_then(|raw| build_table(&item.name, item.place, raw.value, reader, found));
        all.add("table of rows", item.name, item.place, table, found);
    }
}

fn build_table(
    name: &str,
    place: FilePlace,
    raw: RawDataTable,
    reader: &mut DataFiles<'_>,
    found: &mut Diagnostics,
) -> Option<DataTable> {
    let take = raw.take.or_default();
    let (source, content) = match (raw.file, raw.rows) {
        (KeySlot::Given(path), _) => {
            let source = DataSource::File(path.value.0.clone());
            (source, read_file(path.place, &path.value.0, raw.read, reader, found)?)
        }
        (_, KeySlot::Given(rows)) => (DataSource::Inline, inline_content(rows.value.0, found)?),
        _ => return None,
    };
    let TableContent { columns, row_count, rows } = content;
    Some(DataTable { name: name.to_owned(), source, take, columns, row_count, rows, place })
}

/// The rows that stand in the scenario: each has the names of the first one.
fn inline_content(list: Vec<Located<RawRow>>, found: &mut Diagnostics) -> Option<TableContent> {
    let first = list.first()?;
    let columns: Vec<String> = first.value.items.iter().map(|item| item.name.clone()).collect();
    if columns.is_empty() {
        found.add(
            Diagnostic::error(first.place, "this row has no values").with_help("rows = [{ user = \"ann\" }]"),
        );
        return None;
    }
    let first_place = first.place;
    let mut rows = DataRows::new(columns.len(), 0);
    let mut is_whole = true;
    for row in &list {
        let items = &row.value.items;
        let other = items.iter().find(|item| !columns.contains(&item.name));
        let missing = columns.iter().find(|column| !items.iter().any(|item| item.name == **column));
        let fault = match (other, missing) {
            (Some(item), _) => Some((item.place, &item.name, "this row has a value", "none")),
            (None, Some(column)) => Some((row.place, column, "this row has no value", "one")),
            (None, None) => None,
        };
        if let Some((place, column, what, first_has)) = fault {
            let message = format!("{what} {}, and the first row has {first_has}", quoted(column));
            let fault = Diagnostic::error(place, message).with_related(first_place, "the first row");
            found.add(fault.with_help("each row has the same names"));
            is_whole = false;
            continue;
        }
        for column in &columns {
            let item = items.iter().find(|item| item.name == *column);
            match item.and_then(|item| item.value.as_ref()) {
                Some(cell) => is_whole &= rows.push_text(&cell.value.0),
                None => is_whole = false,
            }
        }
    }
    rows.shrink();
    is_whole.then(|| TableContent::new(columns, rows))
}

/// The rows of a file; `None` if they are wrong, which has been reported at the place of the path or in the
/// file.
fn read_file(
    place: FilePlace,
    path: &Path,
    read: KeySlot<RawRowsRead>,
    reader: &mut DataFiles<'_>,
    found: &mut Diagnostics,
) -> Option<TableContent> {
    if reader.files.is_log() {
        return logged_content(place, read, found);
    }
    if let KeySlot::Given(read) = &read {
        let message = "`read` is for logs, which do not have the rows; the file is read anew";
        found.add(Diagnostic::warning(read.place, message).with_help("remove it"));
    }
    let Some(kind) = DataFileKind::of_path(path) else {
        let message = format!("{} is no file of rows", quoted(&path.to_string_lossy()));
        let help = "rows are in a .csv, or in a .jsonl or .ndjson of one JSON object a line";
        found.add(Diagnostic::error(place, message).with_help(help));
        return None;
    };
    let full = match reader.folder == Path::new(".") {
        true => PathBuf::from(path),
        false => reader.folder.join(path),
    };
    let shown = full.to_string_lossy().into_owned();
    let content = match reader.files.read_data(&full) {
        Ok(content) => content,
        Err(fault) => {
            let message = format!("cannot read {}: {}", quoted(&shown), sanitize(&fault.0));
            found.add(Diagnostic::error(place, message));
            return None;
        }
    };
    let (text, errors) = match decode_text(content.bytes) {
        Ok(text) => match parse_rows(kind, &text) {
            Ok(FileRows { columns, rows }) => return Some(TableContent::new(columns, rows)),
            Err(errors) => (text, errors),
        },
        Err((text, error)) => (text, vec![error]),
    };
    report_file_errors(SourceFile::new(shown, text), errors, place, reader.sources, found);
    None
}

/// The columns and the number of rows of a file that is not read again.
fn logged_content(
    place: FilePlace,
    read: KeySlot<RawRowsRead>,
    found: &mut Diagnostics,
) -> Option<TableContent> {
    let KeySlot::Given(Located { value: RawRowsRead { columns, rows }, .. }) = read else {
        if !read.is_present() {
            found.add(Diagnostic::error(place, "the log does not say what a run read from this file"));
        }
        return None;
    };
    let columns = columns.into_value()?.0.into_iter().map(|name| name.value.0).collect();
    let row_count = u32::try_from(rows.into_value()?.0).ok()?;
    Some(TableContent { columns, row_count, rows: None })
}

fn report_file_errors(
    source: SourceFile,
    errors: Vec<DataFileError>,
    path_place: FilePlace,
    sources: &mut SourceFiles,
    found: &mut Diagnostics,
) {
    let file = sources.add(source);
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    for DataFileError { at, message, help } in errors {
        let place = FilePlace { file, start: byte(at.start), end: byte(at.end) };
        let fault = Diagnostic::error(place, message).with_related(path_place, "the rows are read here");
        found.add(help.into_iter().fold(fault, Diagnostic::with_help));
    }
}
