//! The tables of a page.

use std::collections::BTreeSet;

use super::{prose, quoted};

/// A table: the cells of its heading and of its rows.
pub(crate) struct Table {
    pub(crate) heading: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// The texts in backquotes in the first column.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.rows.iter().flat_map(|row| quoted(&row[0])).collect()
    }
}

fn cells(row: &str) -> Vec<String> {
    let row = row.replace("\\|", "\u{0}");
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// All tables of a page, in order.
pub(crate) fn tables(text: &str) -> Vec<Table> {
    let prose = prose(text);
    let lines: Vec<&str> = prose.lines().collect();
    lines
        .split(|line| !line.starts_with('|'))
        .filter(|rows| rows.len() > 2)
        .map(|rows| Table { heading: cells(rows[0]), rows: rows[2..].iter().map(|row| cells(row)).collect() })
        .collect()
}
