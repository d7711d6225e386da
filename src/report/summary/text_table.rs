//! Tables in text: names on the left, numbers on the right, never wider than a terminal.

/// How many characters of a name are shown at most.
pub(super) const MAX_NAME_CHARS: usize = 16;

/// Rows of a name and numbers.
#[derive(Debug)]
pub(super) struct TextTable {
    rows: Vec<TextTableRow>,
}

#[derive(Debug)]
enum TextTableRow {
    Cells(Vec<String>),
    /// Below the row before it, indented to the first number.
    Note(String),
}

impl TextTable {
    /// A table with these headings, the first of which is that of the table itself.
    pub(super) fn new(headings: &[&str]) -> TextTable {
        TextTable {
            rows: vec![TextTableRow::Cells(headings.iter().map(|heading| (*heading).to_owned()).collect())],
        }
    }

    /// Adds a row with as many cells as there are headings.
    pub(super) fn push_row(&mut self, name: &str, numbers: impl IntoIterator<Item = String>) {
        self.rows.push(TextTableRow::Cells([truncate_name(name)].into_iter().chain(numbers).collect()));
    }

    /// Adds a note to the row before it.
    pub(super) fn push_note(&mut self, note: String) {
        self.rows.push(TextTableRow::Note(note));
    }

    /// Removes the columns from index `from` on that contain only zeros.
    pub(super) fn without_zeros(mut self, from: usize) -> TextTable {
        let cells = |row: &TextTableRow| match row {
            TextTableRow::Cells(cells) => Some(cells.clone()),
            TextTableRow::Note(_) => None,
        };
        let rows: Vec<_> = self.rows.iter().skip(1).filter_map(cells).collect();
        let is_kept = |n: usize| n < from || rows.iter().any(|cells| cells[n] != "0");
        for row in &mut self.rows {
            if let TextTableRow::Cells(cells) = row {
                let mut n = 0..;
                cells.retain(|_| n.next().is_none_or(is_kept));
            }
        }
        self
    }

    /// The lines without newlines; the first line has the headings.
    pub(super) fn render_lines(&self) -> Vec<String> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            let TextTableRow::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if let Some(first) = widths.first_mut() {
            *first = MAX_NAME_CHARS;
        }
        self.rows.iter().map(|row| render_row(row, &widths)).collect()
    }
}

fn render_row(row: &TextTableRow, widths: &[usize]) -> String {
    match row {
        TextTableRow::Note(note) => format!("{}  {note}", " ".repeat(MAX_NAME_CHARS)),
        TextTableRow::Cells(cells) => {
            let padded = cells.iter().zip(widths).enumerate().map(|(n, (cell, width))| match n {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        }
    }
}

/// A name, cut to fit in its column.
pub(super) fn truncate_name(name: &str) -> String {
    if name.chars().count() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    let start: String = name.chars().take(MAX_NAME_CHARS - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_to_the_left_and_figures_to_the_right() {
        let mut table = TextTable::new(&["spawns", "count", "longest"]);
        table.push_row("one", ["1".to_owned(), "10.2 ms".to_owned()]);
        table.push_row("a-name-that-is-much-too-long", ["12345".to_owned(), "1 s".to_owned()]);
        table.push_note("as it is".to_owned());
        assert_eq!(
            table.render_lines(),
            [
                "spawns            count  longest",
                "one                   1  10.2 ms",
                "a-name-that-is-…  12345      1 s",
                "                  as it is",
            ]
        );
    }
}
