//! Copies of parts of a document, and the scopes of variables in them.

use std::collections::HashMap;

use super::{TomlDocument, TomlKeyValue, TomlNode, TomlTableId, TomlValue};

impl TomlDocument {
    pub(super) fn new(tables: Vec<Vec<TomlKeyValue>>) -> TomlDocument {
        TomlDocument { tables, scopes: HashMap::new() }
    }

    /// The item of this key in a table.
    pub(crate) fn find(&self, table: TomlTableId, key: &str, source: &str) -> Option<&TomlKeyValue> {
        self.items(table).iter().find(|item| item.key.as_str(source) == key)
    }

    /// The table under this key of a table.
    pub(crate) fn find_table(&self, table: TomlTableId, key: &str, source: &str) -> Option<TomlTableId> {
        match self.find(table, key, source)?.node.value {
            TomlValue::Table(inner) => Some(inner),
            _ => None,
        }
    }

    /// The items of a table, to be changed.
    pub(crate) fn items_mut(&mut self, table: TomlTableId) -> Option<&mut Vec<TomlKeyValue>> {
        self.tables.get_mut(table.0 as usize)
    }

    /// Adds a table, which no other table has yet.
    pub(crate) fn add_table(&mut self, items: Vec<TomlKeyValue>) -> TomlTableId {
        self.tables.push(items);
        TomlTableId(u32::try_from(self.tables.len() - 1).unwrap_or(u32::MAX))
    }

    /// Copies a value with everything in it. The texts of the copy stay ranges of the same source.
    pub(crate) fn copy_node(&mut self, node: &TomlNode) -> TomlNode {
        let value = match &node.value {
            TomlValue::Table(table) => {
                let items = self.items(*table).to_vec();
                let items = items.iter().map(|item| self.copy_item(item)).collect();
                let copy = self.add_table(items);
                if let Some(scope) = self.scopes.get(&table.0).copied() {
                    self.scopes.insert(copy.0, scope);
                }
                TomlValue::Table(copy)
            }
            TomlValue::Array(items) => {
                TomlValue::Array(items.iter().map(|item| self.copy_node(item)).collect())
            }
            other => other.clone(),
        };
        TomlNode { at: node.at, value }
    }

    fn copy_item(&mut self, item: &TomlKeyValue) -> TomlKeyValue {
        TomlKeyValue { node: self.copy_node(&item.node), ..item.clone() }
    }

    /// Copies a value of another document into this one. Its texts stay ranges of the other's source.
    pub(crate) fn copy_from(&mut self, other: &TomlDocument, node: &TomlNode) -> TomlNode {
        let value = match &node.value {
            TomlValue::Table(table) => {
                let copy = |item: &TomlKeyValue| TomlKeyValue {
                    node: self.copy_from(other, &item.node),
                    ..item.clone()
                };
                let items = other.items(*table).iter().map(copy).collect();
                TomlValue::Table(self.add_table(items))
            }
            TomlValue::Array(items) => {
                TomlValue::Array(items.iter().map(|item| self.copy_from(other, item)).collect())
            }
            other => other.clone(),
        };
        TomlNode { at: node.at, value }
    }

    /// Sets the scope of variables that holds in a table.
    pub(crate) fn set_scope(&mut self, table: TomlTableId, scope: usize) {
        self.scopes.insert(table.0, scope);
    }

    /// The scope of a value, if it is a table that has one.
    pub(crate) fn scope_of(&self, node: &TomlNode) -> Option<usize> {
        match node.value {
            TomlValue::Table(table) if !self.scopes.is_empty() => self.scopes.get(&table.0).copied(),
            _ => None,
        }
    }

    /// Calls a function with every string of a value.
    pub(crate) fn for_each_text<'d>(
        &'d self,
        node: &'d TomlNode,
        call: &mut impl FnMut(&'d super::TomlStr, &'d TomlNode, Option<u32>),
    ) {
        self.visit_texts(node, None, call);
    }

    fn visit_texts<'d>(
        &'d self,
        node: &'d TomlNode,
        file: Option<u32>,
        call: &mut impl FnMut(&'d super::TomlStr, &'d TomlNode, Option<u32>),
    ) {
        match &node.value {
            TomlValue::String(text) => call(text, node, file),
            TomlValue::Array(items) => items.iter().for_each(|item| self.visit_texts(item, file, call)),
            TomlValue::Table(table) => {
                for item in self.items(*table) {
                    self.visit_texts(&item.node, item.from_file.or(file), call);
                }
            }
            _ => {}
        }
    }
}
