//! The tree while it is built, with TOML's rules about what may be defined where.
//!
//! A duplicate key is reported with both places; its second value is parsed and left out.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::syntax_errors::MAX_ERRORS;
use super::{ByteRange, TomlDocument, TomlKeyValue, TomlNode, TomlStr, TomlTableId, TomlValue};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};

/// The largest number of keys in one table.
const MAX_KEYS: usize = 100_000;
/// The number of keys from which on a table is searched by hash.
const HASH_FROM_KEYS: usize = 16;

/// The origin of a table, which decides what may be added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TableOrigin {
    /// Its own header; or it is the root.
    Header,
    /// The header of a table inside it.
    Implied,
    /// A dotted key.
    Dotted,
    /// Braces.
    Braces,
    /// A dotted key inside braces.
    DottedInBraces,
}

pub(super) struct TreeTable {
    pub(super) items: Vec<TomlKeyValue>,
    by_key: HashMap<Box<str>, usize>,
    origin: TableOrigin,
}

/// A key and its place.
pub(super) struct TomlKey {
    pub(super) text: TomlStr,
    pub(super) at: ByteRange,
}

/// The tables, and the current one, to which keys are added.
pub(super) struct TomlTree<'s> {
    pub(super) source: &'s str,
    file: u32,
    pub(super) tables: Vec<TreeTable>,
    /// The arrays that `[[…]]` headers made, by the place of their first header; other arrays cannot be
    /// extended.
    header_arrays: HashSet<ByteRange>,
    pub(super) current: TomlTableId,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Whether a table has too many keys.
    has_too_many_keys: bool,
}

impl<'s> TomlTree<'s> {
    pub(super) fn new(source: &'s str, file: u32) -> TomlTree<'s> {
        let root = TreeTable { items: Vec::new(), by_key: HashMap::new(), origin: TableOrigin::Header };
        TomlTree {
            source,
            file,
            tables: vec![root],
            header_arrays: HashSet::new(),
            current: TomlDocument::ROOT,
            diagnostics: Vec::new(),
            has_too_many_keys: false,
        }
    }

    pub(super) fn to_toml_str(&self, decoded: Cow<'s, str>) -> TomlStr {
        match decoded {
            Cow::Borrowed(text) => {
                // The parser borrows a part of the source; an empty text may come from anywhere.
                let start = (text.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize);
                if text.is_empty() || start > self.source.len() {
                    return TomlStr {
                        range: ByteRange::default(),
                        owned: (!text.is_empty()).then(|| text.into()),
                    };
                }
                TomlStr { range: ByteRange::new(start, start + text.len()), owned: None }
            }
            Cow::Owned(text) => TomlStr { range: ByteRange::default(), owned: Some(text.into()) },
        }
    }

    pub(super) fn new_table(&mut self, origin: TableOrigin) -> TomlTableId {
        self.tables.push(TreeTable { items: Vec::new(), by_key: HashMap::new(), origin });
        TomlTableId(u32::try_from(self.tables.len() - 1).unwrap_or(u32::MAX))
    }

    fn table(&mut self, id: TomlTableId) -> &mut TreeTable {
        &mut self.tables[id.0 as usize]
    }

    fn find(&self, table: TomlTableId, key: &TomlStr) -> Option<usize> {
        let table = &self.tables[table.0 as usize];
        let key = key.as_str(self.source);
        if table.items.len() < HASH_FROM_KEYS {
            return table.items.iter().position(|item| item.key.as_str(self.source) == key);
        }
        table.by_key.get(key).copied()
    }

    fn insert(&mut self, table: TomlTableId, key: TomlKey, node: TomlNode) {
        let source = self.source;
        if self.tables[table.0 as usize].items.len() >= MAX_KEYS {
            return self.report_too_many_keys(&key);
        }
        let table = self.table(table);
        if table.items.len() + 1 >= HASH_FROM_KEYS {
            if table.by_key.is_empty() {
                for (index, item) in table.items.iter().enumerate() {
                    table.by_key.insert(item.key.as_str(source).into(), index);
                }
            }
            table.by_key.insert(key.text.as_str(source).into(), table.items.len());
        }
        table.items.push(TomlKeyValue { key: key.text, key_at: key.at, node, from_file: None });
    }

    /// Reports the first key beyond the limit. The keys after it are left out too.
    fn report_too_many_keys(&mut self, key: &TomlKey) {
        if !std::mem::replace(&mut self.has_too_many_keys, true) {
            let place = FilePlace { file: self.file, start: key.at.start, end: key.at.end };
            self.diagnostics
                .push(Diagnostic::error(place, format!("this table has more than {MAX_KEYS} keys")));
        }
    }

    fn report_duplicate_key(&mut self, key: &TomlKey, table: TomlTableId, index: usize) {
        if self.diagnostics.len() >= MAX_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: ByteRange| FilePlace { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.as_str(self.source));
        let fault = Diagnostic::error(place(key.at), format!("{name} is defined twice"))
            .with_label("the second time")
            .with_related(place(first), "the first time");
        self.diagnostics.push(fault);
    }

    fn report_not_extensible(&mut self, key: &TomlKey, table: TomlTableId, index: usize, what: &str) {
        if self.diagnostics.len() >= MAX_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: ByteRange| FilePlace { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.as_str(self.source));
        let fault =
            Diagnostic::error(place(key.at), format!("{name} is {what}: nothing can be added to it here"))
                .with_related(place(first), "it is defined here");
        self.diagnostics.push(fault);
    }

    /// Goes down one key of a path, and adds the table if it does not exist; `None` after an error.
    fn descend(&mut self, table: TomlTableId, key: TomlKey, made: TableOrigin) -> Option<TomlTableId> {
        let Some(index) = self.find(table, &key.text) else {
            let new = self.new_table(made);
            let at = key.at;
            self.insert(table, key, TomlNode { at, value: TomlValue::Table(new) });
            return Some(new);
        };
        let node = &self.tables[table.0 as usize].items[index].node;
        let (inner, is_array) = match &node.value {
            TomlValue::Table(id) => (*id, false),
            TomlValue::Array(items)
                if self.header_arrays.contains(&node.at) && made == TableOrigin::Implied =>
            {
                match items.last().map(|item| &item.value) {
                    Some(TomlValue::Table(id)) => (*id, true),
                    _ => return None,
                }
            }
            TomlValue::Array(_) => {
                self.report_not_extensible(&key, table, index, "an array");
                return None;
            }
            _ => {
                self.report_not_extensible(&key, table, index, "not a table");
                return None;
            }
        };
        let origin = self.tables[inner.0 as usize].origin;
        let allowed = is_array
            || match made {
                TableOrigin::Implied => !matches!(origin, TableOrigin::Braces | TableOrigin::DottedInBraces),
                TableOrigin::Dotted => matches!(origin, TableOrigin::Dotted | TableOrigin::Implied),
                _ => origin == TableOrigin::DottedInBraces,
            };
        if !allowed {
            self.report_not_extensible(&key, table, index, "complete");
            return None;
        }
        if made == TableOrigin::Dotted {
            self.table(inner).origin = TableOrigin::Dotted;
        }
        Some(inner)
    }

    /// Opens the table of a header.
    pub(super) fn open_header(&mut self, path: Vec<TomlKey>, last: TomlKey, at: ByteRange, is_array: bool) {
        let mut parent = TomlDocument::ROOT;
        for key in path {
            match self.descend(parent, key, TableOrigin::Implied) {
                Some(table) => parent = table,
                None => return self.current = self.new_table(TableOrigin::Header),
            }
        }
        match self.find(parent, &last.text) {
            None => {
                self.current = self.new_table(TableOrigin::Header);
                let node = TomlNode { at, value: TomlValue::Table(self.current) };
                if !is_array {
                    return self.insert(parent, last, node);
                }
                self.header_arrays.insert(at);
                self.insert(parent, last, TomlNode { at, value: TomlValue::Array(vec![node]) });
            }
            Some(index) => self.reopen_header(parent, index, last, at, is_array),
        }
    }

    /// Opens the table of a header whose key exists already.
    fn reopen_header(
        &mut self,
        parent: TomlTableId,
        index: usize,
        last: TomlKey,
        at: ByteRange,
        is_array: bool,
    ) {
        let implied = match &self.tables[parent.0 as usize].items[index].node.value {
            TomlValue::Table(id)
                if !is_array && self.tables[id.0 as usize].origin == TableOrigin::Implied =>
            {
                Some(*id)
            }
            _ => None,
        };
        if let Some(id) = implied {
            self.table(id).origin = TableOrigin::Header;
            self.current = id;
            let item = &mut self.table(parent).items[index];
            item.node.at = at;
            item.key_at = last.at;
            return;
        }
        let new = self.new_table(TableOrigin::Header);
        self.current = new;
        let old = &mut self.tables[parent.0 as usize].items[index].node;
        match &mut old.value {
            TomlValue::Array(items) if is_array && self.header_arrays.contains(&old.at) => {
                items.push(TomlNode { at, value: TomlValue::Table(new) });
            }
            _ => self.report_duplicate_key(&last, parent, index),
        }
    }

    /// Adds a value under its key: to these braces, or to the table of the last header.
    pub(super) fn insert_path(
        &mut self,
        braces: Option<TomlTableId>,
        path: Vec<TomlKey>,
        last: TomlKey,
        node: TomlNode,
    ) {
        let (mut table, made) = match braces {
            Some(table) => (table, TableOrigin::DottedInBraces),
            None => (self.current, TableOrigin::Dotted),
        };
        for key in path {
            match self.descend(table, key, made) {
                Some(inner) => table = inner,
                None => return,
            }
        }
        match self.find(table, &last.text) {
            Some(index) => self.report_duplicate_key(&last, table, index),
            None => self.insert(table, last, node),
        }
    }
}
