//! The tables of rows. Files are not read here.

use crate::scenario::model::{DataTable, RowOrder};
use crate::scenario::schema::collections::{ListOf, NamedTable};
use crate::scenario::schema::data::{CellText, encode_rows};
use crate::scenario::schema::key_rules::ColumnNameRule;
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::strings::{PublicString, ScenarioPath};
use crate::scenario::schema::table::{TableRule, table};

/// The largest number of rows of a table.
pub(crate) const MAX_ROWS: i64 = 100_000_000;

/// A row: its values by their names.
pub(crate) type RawRow = NamedTable<CellText, ColumnNameRule>;

table! {
    /// A table of rows, whose values stand in the texts of requests as `${row.NAME}`. It has exactly one of
    /// `file` and `rows`.
    RawDataTable is "a table of rows" from (DataTable) with [
        TableRule::ExactlyOne(&["file", "rows"]),
        TableRule::Needs("read", "file"),
    ] {
        /// The file of the rows, relative to this file: a `.csv` whose first line names the values, or a
        /// `.jsonl` or `.ndjson` of one JSON object a line.
        "file" file: ScenarioPath => |table| table.path(),
        /// The rows, each with the same names.
        "rows" rows: ListOf<RawRow, 1> => |table| table.is_in_log().then(|| encode_rows(table)),
        /// The order in which requests take rows: `"in order"` begins again after the last row, `"by chance"`
        /// draws each from the seed, `"once"` takes each row once in the run.
        "take" take: RowOrder = "in order" => |table| table.take,
        /// The names and the number of the rows that a run read from its file. Logs have it, since they do
        /// not have the rows; the file is read whenever the scenario is run.
        "read" read: RawRowsRead => |table| (!table.is_in_log()).then(|| RawRowsRead::write(table)),
    }
}

table! {
    /// The rows that a run read from the file of a table.
    RawRowsRead is "`read`" from (DataTable) with [
        TableRule::Required("columns", "columns = [\"user\"]"),
        TableRule::Required("rows", "rows = 1000"),
    ] {
        /// The names of the values of a row.
        "columns" columns: ListOf<PublicString, 1> => |table| table.columns.iter().collect::<Vec<_>>(),
        /// The number of rows.
        "rows" rows: BoundedInt<1, MAX_ROWS> => |table| table.row_count,
    }
}
