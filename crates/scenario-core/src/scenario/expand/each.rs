//! `for_each`: an entry of the timeline for each value, or for each combination of the values of several names.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{is_scalar, scalar_value};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::schema::key_rules::{KeyRule, VarNameRule};
use crate::scenario::toml::{
    ByteRange, TomlDocument, TomlKeyValue, TomlNode, TomlStr, TomlTableId, TomlValue,
};
use crate::scenario::vars::Vars;
use crate::scenario::vars::scopes::{ScopedValue, VarScope};

/// The most entries that all `for_each` of a scenario make.
const MAX_COPIES: usize = 100_000;

/// The ids that stand for several entries each, with the ids of these.
pub(crate) type EntryGroups = BTreeMap<String, Vec<String>>;

/// One name of a `for_each` with its values.
struct EachName {
    name: String,
    values: Vec<ScopedValue>,
}

/// An entry with a `for_each` of the right form.
struct EachEntry {
    /// The position in the timeline.
    index: usize,
    table: TomlTableId,
    /// The place of the `for_each`.
    at: ByteRange,
    /// The names, and the lists of their values.
    lists: Vec<(TomlStr, ByteRange, Vec<TomlNode>)>,
}

/// Copies the entries of all files for each of their values.
pub(super) fn expand_entries(
    parsed: &mut [ParsedFile],
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) -> EntryGroups {
    let mut groups = EntryGroups::new();
    let mut made = 0_usize;
    for file in parsed {
        let (entries, wrong) = find_entries(file);
        leave_unknown(file, &wrong, vars);
        let mut is_too_many = false;
        for entry in &entries {
            let sizes = entry.lists.iter().map(|(_, _, list)| list.len());
            made = made.saturating_add(sizes.fold(1, usize::saturating_mul));
            if made > MAX_COPIES {
                let message =
                    format!("with this `for_each` the timeline has more than {MAX_COPIES} copies of entries");
                let help = "to repeat the same thing use `count`, or `every` with `times` or `for`";
                found.add(Diagnostic::error(file.place(entry.at), message).with_help(help));
                is_too_many = true;
                break;
            }
        }
        if is_too_many {
            let tables: Vec<TomlTableId> = entries.iter().map(|entry| entry.table).collect();
            leave_unknown(file, &tables, vars);
        } else if !entries.is_empty() {
            expand_file(file, entries, &mut groups, vars, found);
        }
    }
    groups
}

/// Lets nobody report the variables of entries that are not copied because of an error.
fn leave_unknown(file: &mut ParsedFile, tables: &[TomlTableId], vars: &mut Vars<'_>) {
    for table in tables {
        let scope = vars.add_scope(VarScope { is_incomplete: true, ..VarScope::default() });
        file.document.set_scope(*table, scope);
    }
}

/// The entries with a `for_each`, and those whose `for_each` has a wrong form.
fn find_entries(file: &ParsedFile) -> (Vec<EachEntry>, Vec<TomlTableId>) {
    let none = (Vec::new(), Vec::new());
    let source = &file.source;
    let Some(item) = file.document.find(TomlDocument::ROOT, "timeline", source) else { return none };
    let TomlValue::Array(entries) = &item.node.value else { return none };
    let read = |(index, entry): (usize, &TomlNode)| {
        let TomlValue::Table(table) = entry.value else { return None };
        let item = file.document.find(table, "for_each", source)?;
        let TomlValue::Table(names) = item.node.value else { return None };
        let list = |item: &TomlKeyValue| match &item.node.value {
            TomlValue::Array(values) if !values.is_empty() && values.iter().all(is_scalar) => {
                Some((item.key.clone(), item.key_at, values.clone()))
            }
            _ => None,
        };
        let items = file.document.items(names);
        let lists: Option<Vec<_>> = items.iter().map(list).collect();
        let is_named = |(name, _, _): &(TomlStr, _, _)| VarNameRule::key_error(name.as_str(source)).is_none();
        let lists = lists.filter(|lists| !lists.is_empty() && lists.iter().all(is_named))?;
        Some(EachEntry { index, table, at: item.key_at, lists })
    };
    let right: Vec<EachEntry> = entries.iter().enumerate().filter_map(read).collect();
    let is_wrong = |(index, entry): (usize, &TomlNode)| match entry.value {
        TomlValue::Table(table) => {
            let has_one = file.document.find(table, "for_each", source).is_some();
            (has_one && right.binary_search_by_key(&index, |one| one.index).is_err()).then_some(table)
        }
        _ => None,
    };
    let wrong = entries.iter().enumerate().filter_map(is_wrong).collect();
    (right, wrong)
}

fn expand_file(
    file: &mut ParsedFile,
    entries: Vec<EachEntry>,
    groups: &mut EntryGroups,
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) {
    let source = Rc::clone(&file.source);
    let Some(mut timeline) = file.document.take_key(TomlDocument::ROOT, "timeline", &source) else { return };
    let TomlValue::Array(nodes) = std::mem::replace(&mut timeline.node.value, TomlValue::Array(Vec::new()))
    else {
        return;
    };
    let mut entries = entries.into_iter().peekable();
    let mut expanded = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.into_iter().enumerate() {
        match entries.next_if(|entry| entry.index == index) {
            None => expanded.push(node),
            Some(entry) => expand_entry(file, &node, &entry, groups, vars, &mut expanded, found),
        }
    }
    timeline.node.value = TomlValue::Array(expanded);
    if let Some(items) = file.document.items_mut(TomlDocument::ROOT) {
        items.push(timeline);
    }
}

/// Adds the copies of an entry.
fn expand_entry(
    file: &mut ParsedFile,
    node: &TomlNode,
    entry: &EachEntry,
    groups: &mut EntryGroups,
    vars: &mut Vars<'_>,
    expanded: &mut Vec<TomlNode>,
    found: &mut Diagnostics,
) {
    let source = Rc::clone(&file.source);
    file.document.take_key(entry.table, "for_each", &source);
    let mut names = Vec::with_capacity(entry.lists.len());
    for (name, _, list) in &entry.lists {
        let values: Vec<ScopedValue> =
            list.iter().filter_map(|value| scalar_value((file.file, value), &source, vars, found)).collect();
        let name = format!("each.{}", name.as_str(&source));
        warn_of_twice(file, &name, (list, &values), found);
        names.push(EachName { name, values });
    }
    if names.iter().zip(&entry.lists).any(|(name, (_, _, list))| name.values.len() < list.len()) {
        // A value is wrong, so that nobody knows the variables of the entry.
        let scope = vars.add_scope(VarScope { is_incomplete: true, ..VarScope::default() });
        file.document.set_scope(entry.table, scope);
        return expanded.push(node.clone());
    }
    let id = file.document.find(entry.table, "id", &source).and_then(|item| match &item.node.value {
        TomlValue::String(text) => Some(text.as_str(&source).to_owned()),
        _ => None,
    });
    let total = names.iter().map(|name| name.values.len()).product();
    for nth in 0..total {
        let values = combination(&names, nth);
        let copy = file.document.copy_node(node);
        let TomlValue::Table(table) = copy.value else { continue };
        if let Some(id) = &id {
            let suffixed = with_suffix(id, &values);
            if suffixed != *id
                && let Some(items) = file.document.items_mut(table)
                && let Some(item) = items.iter_mut().find(|item| item.key.as_str(&source) == "id")
            {
                item.node.value = TomlValue::String(TomlStr::owned(suffixed.as_str()));
                groups.entry(id.clone()).or_default().push(suffixed);
            }
        }
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let scope = vars.add_scope(VarScope { values, is_incomplete: false });
        file.document.set_scope(table, scope);
        expanded.push(copy);
    }
}

/// Warns of a value that a list has twice.
fn warn_of_twice(
    file: &ParsedFile,
    name: &str,
    (list, values): (&[TomlNode], &[ScopedValue]),
    found: &mut Diagnostics,
) {
    // A long list is not worth the time.
    for (index, value) in values.iter().enumerate().take(1_000) {
        let Some(first) = values[..index].iter().position(|other| other.is_same(value)) else { continue };
        let (Some(first), Some(again)) = (list.get(first), list.get(index)) else { continue };
        let message = format!("{} has this value twice", quoted(name));
        let place = |node: &TomlNode| -> FilePlace { file.place(node.at) };
        found.add(
            Diagnostic::error(place(again), message)
                .with_related(place(first), "the first time")
                .with_help("remove one, or use `count`"),
        );
    }
}

/// The values of the copy of this number: the last name changes fastest.
fn combination(names: &[EachName], nth: usize) -> Vec<(&str, &ScopedValue)> {
    let mut rest = nth;
    let mut values = Vec::with_capacity(names.len());
    for name in names.iter().rev() {
        let count = name.values.len().max(1);
        if let Some(value) = name.values.get(rest % count) {
            values.push((name.name.as_str(), value));
        }
        rest /= count;
    }
    values.reverse();
    values
}

/// The id of a copy: the values of those names that do not stand in it are appended.
fn with_suffix(id: &str, values: &[(&str, &ScopedValue)]) -> String {
    let mut suffixed = id.to_owned();
    for (name, value) in values {
        if id.contains(&format!("${{{name}}}")) {
            continue;
        }
        suffixed.push('-');
        suffixed.push_str(&name_part(&value.display_text()));
    }
    suffixed
}

/// A text as a part of a name: each other character becomes a `-`.
pub(super) fn name_part(text: &str) -> String {
    let part = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    text.chars().map(part).collect()
}
