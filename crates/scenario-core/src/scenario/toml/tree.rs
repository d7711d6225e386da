//! The tree while it grows: keeps TOML's rules on what may be defined where.
//!
//! A doubled key is told with both places; its second value is parsed and left out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::syntax::MOST_ERRORS;
use super::{Document, Item, Node, Range, Str, TableId, Value};
use crate::diagnostic::{Diagnostic, Place, quoted};

/// The most keys of one table.
const MOST_KEYS: usize = 100_000;
/// From how many keys on a table is searched by hash.
const MANY_KEYS: usize = 16;

/// How a table came to be, which decides what may be added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// By its own header, or it is the root.
    Header,
    /// By the header of a table inside it.
    Implied,
    /// By a dotted key.
    Dotted,
    /// By braces.
    Braces,
    /// By a dotted key inside braces.
    DottedInBraces,
}

pub(super) struct Table {
    pub(super) items: Vec<Item>,
    by_key: HashMap<Box<str>, usize>,
    origin: Origin,
}

/// A key and where it stands.
pub(super) struct Key {
    pub(super) text: Str,
    pub(super) at: Range,
}

/// The tables, and the one that keys go to.
pub(super) struct Tree<'s> {
    pub(super) source: &'s str,
    file: u32,
    pub(super) tables: Vec<Table>,
    /// Arrays that `[[…]]` headers made, by the place of their first header: others cannot be extended.
    header_arrays: HashSet<Range>,
    pub(super) current: TableId,
    pub(super) found: Vec<Diagnostic>,
    /// Whether a table has too many keys.
    overfull: bool,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s str, file: u32) -> Tree<'s> {
        let root = Table { items: Vec::new(), by_key: HashMap::new(), origin: Origin::Header };
        Tree {
            source,
            file,
            tables: vec![root],
            header_arrays: HashSet::new(),
            current: Document::ROOT,
            found: Vec::new(),
            overfull: false,
        }
    }

    pub(super) fn text(&self, decoded: Cow<'s, str>) -> Str {
        match decoded {
            Cow::Borrowed(text) => {
                // The parser lends a part of the source; an empty one may come from anywhere.
                let start = (text.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize);
                if text.is_empty() || start > self.source.len() {
                    return Str { range: Range::default(), owned: (!text.is_empty()).then(|| text.into()) };
                }
                Str { range: Range::new(start, start + text.len()), owned: None }
            }
            Cow::Owned(text) => Str { range: Range::default(), owned: Some(text.into()) },
        }
    }

    pub(super) fn new_table(&mut self, origin: Origin) -> TableId {
        self.tables.push(Table { items: Vec::new(), by_key: HashMap::new(), origin });
        TableId(u32::try_from(self.tables.len() - 1).unwrap_or(u32::MAX))
    }

    fn table(&mut self, id: TableId) -> &mut Table {
        &mut self.tables[id.0 as usize]
    }

    fn find(&self, table: TableId, key: &Str) -> Option<usize> {
        let table = &self.tables[table.0 as usize];
        let key = key.get(self.source);
        if table.items.len() < MANY_KEYS {
            return table.items.iter().position(|item| item.key.get(self.source) == key);
        }
        table.by_key.get(key).copied()
    }

    fn insert(&mut self, table: TableId, key: Key, node: Node) {
        let source = self.source;
        if self.tables[table.0 as usize].items.len() >= MOST_KEYS {
            return self.too_many(&key);
        }
        let table = self.table(table);
        if table.items.len() + 1 >= MANY_KEYS {
            if table.by_key.is_empty() {
                for (index, item) in table.items.iter().enumerate() {
                    table.by_key.insert(item.key.get(source).into(), index);
                }
            }
            table.by_key.insert(key.text.get(source).into(), table.items.len());
        }
        table.items.push(Item { key: key.text, key_at: key.at, node });
    }

    /// Tells the first key that is one too many; those behind it are left out as well.
    fn too_many(&mut self, key: &Key) {
        if !std::mem::replace(&mut self.overfull, true) {
            let place = Place { file: self.file, start: key.at.start, end: key.at.end };
            self.found.push(Diagnostic::error(place, format!("this table has more than {MOST_KEYS} keys")));
        }
    }

    fn doubled(&mut self, key: &Key, table: TableId, index: usize) {
        if self.found.len() >= MOST_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: Range| Place { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.get(self.source));
        let fault = Diagnostic::error(place(key.at), format!("{name} is defined twice"))
            .label("the second time")
            .related(place(first), "the first time");
        self.found.push(fault);
    }

    fn cannot_extend(&mut self, key: &Key, table: TableId, index: usize, what: &str) {
        if self.found.len() >= MOST_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: Range| Place { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.get(self.source));
        let fault =
            Diagnostic::error(place(key.at), format!("{name} is {what}: nothing can be added to it here"))
                .related(place(first), "it is defined here");
        self.found.push(fault);
    }

    /// Goes down one key of a path, making the table if there is none; `None` after an error.
    fn descend(&mut self, table: TableId, key: Key, made: Origin) -> Option<TableId> {
        let Some(index) = self.find(table, &key.text) else {
            let new = self.new_table(made);
            let at = key.at;
            self.insert(table, key, Node { at, value: Value::Table(new) });
            return Some(new);
        };
        let node = &self.tables[table.0 as usize].items[index].node;
        let (inner, is_array) = match &node.value {
            Value::Table(id) => (*id, false),
            Value::Array(items) if self.header_arrays.contains(&node.at) && made == Origin::Implied => {
                match items.last().map(|item| &item.value) {
                    Some(Value::Table(id)) => (*id, true),
                    _ => return None,
                }
            }
            Value::Array(_) => {
                self.cannot_extend(&key, table, index, "an array");
                return None;
            }
            _ => {
                self.cannot_extend(&key, table, index, "no table");
                return None;
            }
        };
        let origin = self.tables[inner.0 as usize].origin;
        let allowed = is_array
            || match made {
                Origin::Implied => !matches!(origin, Origin::Braces | Origin::DottedInBraces),
                Origin::Dotted => matches!(origin, Origin::Dotted | Origin::Implied),
                _ => origin == Origin::DottedInBraces,
            };
        if !allowed {
            self.cannot_extend(&key, table, index, "complete");
            return None;
        }
        if made == Origin::Dotted {
            self.table(inner).origin = Origin::Dotted;
        }
        Some(inner)
    }

    /// Opens the table of a header.
    pub(super) fn open(&mut self, path: Vec<Key>, last: Key, at: Range, is_array: bool) {
        let mut parent = Document::ROOT;
        for key in path {
            match self.descend(parent, key, Origin::Implied) {
                Some(table) => parent = table,
                None => return self.current = self.new_table(Origin::Header),
            }
        }
        match self.find(parent, &last.text) {
            None => {
                self.current = self.new_table(Origin::Header);
                let node = Node { at, value: Value::Table(self.current) };
                if !is_array {
                    return self.insert(parent, last, node);
                }
                self.header_arrays.insert(at);
                self.insert(parent, last, Node { at, value: Value::Array(vec![node]) });
            }
            Some(index) => self.reopen(parent, index, last, at, is_array),
        }
    }

    /// Opens the table of a header whose key is there already.
    fn reopen(&mut self, parent: TableId, index: usize, last: Key, at: Range, is_array: bool) {
        let implied = match &self.tables[parent.0 as usize].items[index].node.value {
            Value::Table(id) if !is_array && self.tables[id.0 as usize].origin == Origin::Implied => {
                Some(*id)
            }
            _ => None,
        };
        if let Some(id) = implied {
            self.table(id).origin = Origin::Header;
            self.current = id;
            let item = &mut self.table(parent).items[index];
            item.node.at = at;
            item.key_at = last.at;
            return;
        }
        let new = self.new_table(Origin::Header);
        self.current = new;
        let old = &mut self.tables[parent.0 as usize].items[index].node;
        match &mut old.value {
            Value::Array(items) if is_array && self.header_arrays.contains(&old.at) => {
                items.push(Node { at, value: Value::Table(new) });
            }
            _ => self.doubled(&last, parent, index),
        }
    }

    /// Puts a value under its key: into these braces, or into the table of the last header.
    pub(super) fn put(&mut self, braces: Option<TableId>, path: Vec<Key>, last: Key, node: Node) {
        let (mut table, made) = match braces {
            Some(table) => (table, Origin::DottedInBraces),
            None => (self.current, Origin::Dotted),
        };
        for key in path {
            match self.descend(table, key, made) {
                Some(inner) => table = inner,
                None => return,
            }
        }
        match self.find(table, &last.text) {
            Some(index) => self.doubled(&last, table, index),
            None => self.insert(table, last, node),
        }
    }
}
