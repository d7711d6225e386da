//! Data tables of the model: rows of values for the texts of requests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ScenarioText;
use crate::diagnostic::FilePlace;
use scenario_log::captured_value::REDACTED;

/// A table of rows. It has at least one column and one row.
#[derive(Clone, Debug, PartialEq)]
pub struct DataTable {
    /// Unique among tables; no dot.
    pub name: String,
    /// Where the rows come from.
    pub source: DataSource,
    /// The order in which rows are taken.
    pub take: RowOrder,
    /// The names of the values of a row; no two are the same.
    pub columns: Vec<String>,
    /// The number of rows.
    pub row_count: u32,
    /// The rows; `None` in the scenario of a log whose rows are in a file.
    pub rows: Option<Arc<DataRows>>,
    /// The place of its name, where it is defined.
    pub place: FilePlace,
}

impl DataTable {
    /// The index of the column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Whether a log has the rows, since they stand in the scenario.
    #[must_use]
    pub fn is_in_log(&self) -> bool {
        self.source == DataSource::Inline
    }

    /// The file of the rows, relative to the scenario's folder.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            DataSource::Inline => None,
            DataSource::File(path) => Some(path),
        }
    }
}

/// Where the rows of a table come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// The scenario itself.
    Inline,
    /// This file, relative to the scenario's folder.
    File(PathBuf),
}

/// The order in which the rows of a table are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowOrder {
    /// From the first to the last, and again.
    #[default]
    InOrder,
    /// Each by chance, whatever was taken before.
    ByChance,
    /// From the first to the last, each once in the run.
    Once,
}

/// The values of all rows, one after the other in one text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DataRows {
    text: String,
    /// The end of each value in the text.
    ends: Vec<u32>,
    /// The number of values in a row.
    width: usize,
    /// The values that must not be shown.
    secrets: BTreeSet<usize>,
}

impl DataRows {
    /// No rows of this number of columns; `capacity` is the length of all values, if it is known.
    #[must_use]
    pub fn new(width: usize, capacity: usize) -> DataRows {
        DataRows { text: String::with_capacity(capacity), width, ..DataRows::default() }
    }

    /// Adds a value, which belongs to the last row until that is full; false if no more can be held.
    pub fn push(&mut self, value: &str) -> bool {
        if value == REDACTED {
            self.secrets.insert(self.ends.len());
        }
        self.text.push_str(value);
        u32::try_from(self.text.len()).map(|end| self.ends.push(end)).is_ok()
    }

    /// Adds a value as [`DataRows::push`] does; one with a secret in it is wholly secret.
    pub(crate) fn push_text(&mut self, value: &ScenarioText) -> bool {
        if value.is_secret() {
            self.secrets.insert(self.ends.len());
        }
        self.push(value.reveal())
    }

    /// Gives back the memory that no value needs.
    pub(crate) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The number of whole rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.ends.len().checked_div(self.width).unwrap_or(0)
    }

    /// The value of a row, from 0, in a column, from 0; `None` if there is none.
    #[must_use]
    pub fn value(&self, row: u32, column: usize) -> Option<&str> {
        let (start, end) = self.range(row, column)?;
        self.text.get(start..end)
    }

    /// Whether a value must not be shown.
    #[must_use]
    pub fn is_secret(&self, row: u32, column: usize) -> bool {
        column < self.width && self.secrets.contains(&(row as usize * self.width + column))
    }

    fn range(&self, row: u32, column: usize) -> Option<(usize, usize)> {
        if column >= self.width {
            return None;
        }
        let index = row as usize * self.width + column;
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        Some((start as usize, *self.ends.get(index)? as usize))
    }
}

impl std::fmt::Debug for DataRows {
    /// The size alone: a value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, {} bytes", self.row_count(), self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_row_and_column() {
        let mut rows = DataRows::new(2, 0);
        ["ann", "", "é", "[redacted]"].iter().for_each(|value| assert!(rows.push(value)));
        rows.push_text(&ScenarioText::secret("s3cret", "[redacted]"));
        rows.push("x");
        let all: Vec<_> = (0..4).flat_map(|row| (0..3).map(move |column| (row, column))).collect();
        let found: Vec<_> = all.iter().filter_map(|(row, column)| rows.value(*row, *column)).collect();
        assert_eq!(found, ["ann", "", "é", "[redacted]", "s3cret", "x"]);
        assert_eq!(rows.row_count(), 3);
        let secret: Vec<_> = all.iter().filter(|(row, column)| rows.is_secret(*row, *column)).collect();
        assert_eq!(secret, [&(1, 1), &(2, 0)]);
    }
}
