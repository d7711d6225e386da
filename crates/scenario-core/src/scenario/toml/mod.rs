//! A TOML document as a tree with the place of every key and value, in the order of the file.
//!
//! The tree is an arena of tables, which borrows nothing and is freed without recursion. It is lean,
//! since a timeline may have 100,000 entries: a string is a range of the source unless it was
//! written with escapes. What the keys mean is not known here.
//!
//! `toml_parser` (the parser under the `toml` crate) reads the syntax. The `toml` crate's own tree is
//! not used: it does not say where a doubled key was first, keeps every one of a million errors, and
//! takes more than a kilobyte for each table.

mod events;
mod limits;
mod syntax;
mod text;
mod tree;

pub(crate) use events::{Outcome, parse};
pub(crate) use text::{LONGEST_FILE, decode};

/// A range of bytes in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Range {
    /// The first byte.
    pub(crate) start: u32,
    /// One past the last byte.
    pub(crate) end: u32,
}

impl Range {
    /// From two offsets; sources are far shorter than 4 GiB.
    pub(crate) fn new(start: usize, end: usize) -> Range {
        let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Range { start: narrow(start), end: narrow(end) }
    }

    /// These bytes of the source.
    pub(crate) fn of(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The value of a string or a key: a range of the source, or a text of its own where the source has
/// escapes.
#[derive(Clone, Debug)]
pub(crate) struct Str {
    range: Range,
    owned: Option<Box<str>>,
}

impl Str {
    /// The text.
    pub(crate) fn get<'a>(&'a self, source: &'a str) -> &'a str {
        match &self.owned {
            Some(text) => text,
            None => self.range.of(source),
        }
    }

    /// Where the text's first byte stands in the source; `None` if it was written with escapes.
    pub(crate) fn start(&self) -> Option<u32> {
        self.owned.is_none().then_some(self.range.start)
    }
}

/// Index of a table in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableId(u32);

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where: the value, or the header of a table that has one, or the key that made the table.
    pub(crate) at: Range,
    /// What.
    pub(crate) value: Value,
}

/// The kinds of value in TOML.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A string of any of the four kinds.
    String(Str),
    /// An integer; `None` if it does not fit 64 bits.
    Integer(Option<i64>),
    /// A float, `nan` and `inf` among them.
    Float,
    /// A boolean.
    Boolean(bool),
    /// A date, a time, or both.
    Datetime,
    /// An array.
    Array(Vec<Node>),
    /// A table.
    Table(TableId),
}

/// One `key = value` of a table.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The key.
    pub(crate) key: Str,
    /// Where the key stands, quotes included.
    pub(crate) key_at: Range,
    /// The value.
    pub(crate) node: Node,
}

/// A parsed file. Each table can be taken once.
#[derive(Debug)]
pub(crate) struct Document {
    tables: Vec<Vec<Item>>,
}

impl Document {
    /// The outermost table.
    pub(crate) const ROOT: TableId = TableId(0);

    /// Takes a table's items, in the order of the file.
    pub(crate) fn take(&mut self, table: TableId) -> Vec<Item> {
        self.tables.get_mut(table.0 as usize).map(std::mem::take).unwrap_or_default()
    }

    /// A look at a table's items.
    pub(crate) fn items(&self, table: TableId) -> &[Item] {
        self.tables.get(table.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Takes one key out of a table.
    pub(crate) fn take_key(&mut self, table: TableId, key: &str, source: &str) -> Option<Item> {
        let items = self.tables.get_mut(table.0 as usize)?;
        let index = items.iter().position(|item| item.key.get(source) == key)?;
        Some(items.remove(index))
    }

    /// Whether the document says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.first().is_none_or(Vec::is_empty)
    }
}
