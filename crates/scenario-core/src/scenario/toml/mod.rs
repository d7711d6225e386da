//! A TOML document as a tree with the place of every key and value, in file order.
//!
//! The tree is an arena of tables, which borrows nothing and is freed without recursion. It is small, since
//! a timeline may have 100,000 entries: a string is a range of the source unless it is written with
//! escapes. The meaning of the keys is not known here.
//!
//! `toml_parser` (the parser under the `toml` crate) reads the syntax. The `toml` crate's own tree is not
//! used: it does not keep the first place of a duplicate key, it keeps each of a million errors, and it
//! takes more than a kilobyte for each table.

mod copy;
mod limits;
mod parse;
mod syntax_errors;
mod tree;
mod utf8;

use std::collections::HashMap;

pub(crate) use parse::{ParsedToml, parse};
pub(crate) use utf8::{MAX_FILE_LEN, decode_utf8};

/// A range of bytes in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ByteRange {
    /// The first byte.
    pub(crate) start: u32,
    /// One past the last byte.
    pub(crate) end: u32,
}

impl ByteRange {
    /// The range of two offsets; sources are far shorter than 4 GiB.
    pub(crate) fn new(start: usize, end: usize) -> ByteRange {
        let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
        ByteRange { start: narrow(start), end: narrow(end) }
    }

    /// The bytes of this range in the source.
    pub(crate) fn slice(self, source: &str) -> &str {
        source.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The value of a string or a key: a range of the source, or a text of its own where the source has
/// escapes.
#[derive(Clone, Debug)]
pub(crate) struct TomlStr {
    range: ByteRange,
    owned: Option<Box<str>>,
}

impl TomlStr {
    pub(crate) fn as_str<'a>(&'a self, source: &'a str) -> &'a str {
        match &self.owned {
            Some(text) => text,
            None => self.range.slice(source),
        }
    }

    /// A text that stands in no source.
    pub(crate) fn owned(text: impl Into<Box<str>>) -> TomlStr {
        TomlStr { range: ByteRange::default(), owned: Some(text.into()) }
    }

    /// The position of the first byte of the text in the source; `None` if it is written with escapes.
    pub(crate) fn unescaped_start(&self) -> Option<u32> {
        self.owned.is_none().then_some(self.range.start)
    }
}

/// Index of a table in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TomlTableId(u32);

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct TomlNode {
    /// The place of the value, or of the header of a table, or of the key that made the table.
    pub(crate) at: ByteRange,
    pub(crate) value: TomlValue,
}

/// The kinds of value in TOML.
#[derive(Clone, Debug)]
pub(crate) enum TomlValue {
    /// A string of any of TOML's four kinds.
    String(TomlStr),
    /// An integer; `None` if it does not fit 64 bits.
    Integer(Option<i64>),
    /// A float, also `nan` and `inf`.
    Float,
    /// A boolean.
    Boolean(bool),
    /// A date, a time, or both.
    Datetime,
    /// An array.
    Array(Vec<TomlNode>),
    /// A table.
    Table(TomlTableId),
}

/// One `key = value` of a table.
#[derive(Clone, Debug)]
pub(crate) struct TomlKeyValue {
    /// The key.
    pub(crate) key: TomlStr,
    /// Where the key stands, quotes included.
    pub(crate) key_at: ByteRange,
    /// The value.
    pub(crate) node: TomlNode,
    /// The file that it was copied from; `None`: it stands in the file of the table around it.
    pub(crate) from_file: Option<u32>,
}

/// A parsed file. Each table can be taken once.
#[derive(Debug)]
pub(crate) struct TomlDocument {
    tables: Vec<Vec<TomlKeyValue>>,
    /// The scope of variables that holds in a table and in all that is in it.
    scopes: HashMap<u32, usize>,
}

impl TomlDocument {
    /// The outermost table.
    pub(crate) const ROOT: TomlTableId = TomlTableId(0);

    /// Takes the items of a table, in file order.
    pub(crate) fn take_items(&mut self, table: TomlTableId) -> Vec<TomlKeyValue> {
        self.tables.get_mut(table.0 as usize).map(std::mem::take).unwrap_or_default()
    }

    /// The items of a table.
    pub(crate) fn items(&self, table: TomlTableId) -> &[TomlKeyValue] {
        self.tables.get(table.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// Takes one key out of a table.
    pub(crate) fn take_key(&mut self, table: TomlTableId, key: &str, source: &str) -> Option<TomlKeyValue> {
        let items = self.tables.get_mut(table.0 as usize)?;
        let index = items.iter().position(|item| item.key.as_str(source) == key)?;
        Some(items.remove(index))
    }

    /// Whether the document has no keys at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.first().is_none_or(Vec::is_empty)
    }
}
