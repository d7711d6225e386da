//! `extends`: a preset or a fetch takes the keys of another one. Its own keys replace those of the other, and
//! tables of names are joined name by name.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::toml::{ByteRange, TomlKeyValue, TomlStr, TomlTableId, TomlValue};
use crate::scenario::vars::{VarPolicy, Vars};

/// The kinds that can extend another one.
#[derive(Clone, Copy)]
pub(super) struct ExtendingKind {
    /// The key of the table that has all of them.
    key: &'static str,
    one: &'static str,
    many: &'static str,
}

pub(super) const KINDS: [ExtendingKind; 2] = [
    ExtendingKind { key: "presets", one: "preset", many: "presets" },
    ExtendingKind { key: "fetches", one: "fetch", many: "fetches" },
];

/// The keys whose tables are joined name by name.
const JOINED_KEYS: [&str; 3] = ["args", "env", "headers"];

/// The keys of a preset that exclude each other.
const PRESET_KINDS: [&str; 2] = ["players", "command"];

/// The place of a definition: its file, by its position among the parsed ones, and its table.
#[derive(Clone, Copy)]
struct Definition {
    index: usize,
    table: TomlTableId,
}

/// The definition that another one extends, and where that is written.
struct Base {
    name: String,
    place: FilePlace,
}

/// Copies the keys of extended presets, or fetches.
pub(super) fn extend(
    parsed: &mut [ParsedFile],
    kind: ExtendingKind,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) {
    let mut definitions = BTreeMap::new();
    for (index, file) in parsed.iter().enumerate() {
        for (name, _, _, table) in file.named_tables(kind.key) {
            definitions.entry(name).or_insert(Definition { index, table });
        }
    }
    let bases = find_bases(parsed, &definitions, kind, vars, found);
    let rings = report_cycles(&bases, kind, found);
    let mut done: HashSet<&str> = HashSet::new();
    for name in bases.keys() {
        // The chain from the last one that extends nothing down to this one.
        let mut chain = vec![name.as_str()];
        while let Some(base) = chain.last().and_then(|last| bases.get(*last)) {
            if rings.contains(base.name.as_str()) || done.contains(chain[chain.len() - 1]) {
                break;
            }
            chain.push(&base.name);
        }
        for name in chain.into_iter().rev() {
            let Some(base) = bases.get(name).filter(|_| !rings.contains(name)) else { continue };
            if done.insert(name) {
                let (Some(own), Some(other)) = (definitions.get(name), definitions.get(&base.name)) else {
                    continue;
                };
                join(parsed, (name, *own), (&base.name, *other), found);
            }
        }
    }
}

/// The definitions that extend another one, which exists.
fn find_bases(
    parsed: &[ParsedFile],
    definitions: &BTreeMap<String, Definition>,
    kind: ExtendingKind,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> BTreeMap<String, Base> {
    let mut bases = BTreeMap::new();
    for (name, definition) in definitions {
        let file = &parsed[definition.index];
        let Some(item) = file.document.find(definition.table, "extends", &file.source) else { continue };
        let TomlValue::String(text) = &item.node.value else { continue };
        // The decoding reports a variable that is wrong.
        let Ok(base) = vars.substitute(text.as_str(&file.source), VarPolicy::PublicOnly) else { continue };
        let (base, place) = (base.reveal().to_owned(), file.place(item.node.at));
        if definitions.contains_key(&base) {
            bases.insert(name.clone(), Base { name: base, place });
            continue;
        }
        let fault = Diagnostic::error(place, format!("there is no {} {}", kind.one, quoted(&base)));
        let names = definitions.keys().map(String::as_str).filter(|other| other != name);
        let fault = found.did_you_mean(fault, &base, names, kind.many);
        found.add(fault);
    }
    bases
}

/// The names of all definitions that extend themselves.
fn report_cycles<'b>(
    bases: &'b BTreeMap<String, Base>,
    kind: ExtendingKind,
    found: &mut Diagnostics,
) -> HashSet<&'b str> {
    let mut rings = HashSet::new();
    for start in bases.keys() {
        let mut path: Vec<&str> = vec![start];
        while let Some(base) = path.last().and_then(|last| bases.get(*last)) {
            if rings.contains(base.name.as_str()) || path[1..].contains(&base.name.as_str()) {
                break;
            }
            if base.name == *start {
                let names: Vec<String> = path.iter().chain(path.first()).map(|name| quoted(name)).collect();
                let message = format!("this {} extends itself: {}", kind.one, names.join(" -> "));
                let place = bases.get(start.as_str()).map_or(base.place, |first| first.place);
                found.add(Diagnostic::error(place, message).with_help("remove one `extends` of the ring"));
                rings.extend(
                    path.iter().filter_map(|name| bases.get_key_value(*name)).map(|(name, _)| name.as_str()),
                );
                break;
            }
            path.push(&base.name);
        }
    }
    rings
}

/// Copies the keys of a definition that another one lacks.
fn join(
    parsed: &mut [ParsedFile],
    (name, own): (&str, Definition),
    (base_name, base): (&str, Definition),
    found: &mut Diagnostics,
) {
    let base_file = &parsed[base.index];
    if base_file.document.find(base.table, "extends", &base_file.source).is_some() {
        // It has not got its own keys, because of an error.
        return;
    }
    let items = parsed[base.index].document.items(base.table).to_vec();
    let base_source = std::rc::Rc::clone(&parsed[base.index].source);
    for item in items {
        let file = item.from_file.or((own.index != base.index).then_some(parsed[base.index].file));
        let source = source_of(parsed, item.from_file).unwrap_or_else(|| std::rc::Rc::clone(&base_source));
        let key = item.key.as_str(&source).to_owned();
        if key == "extends" || key == "variant_of" {
            continue;
        }
        if let Some(clash) = find_clash(&parsed[own.index], own.table, &key) {
            let (own_key, at) = clash;
            let message = format!(
                "{} has {}, but {}, which it extends, has {}",
                quoted(name),
                quoted(own_key),
                quoted(base_name),
                quoted(&key)
            );
            let there = FilePlace {
                file: file.unwrap_or(parsed[base.index].file),
                start: item.key_at.start,
                end: item.key_at.end,
            };
            let fault = Diagnostic::error(parsed[own.index].place(at), message);
            found.add(
                fault
                    .with_related(there, format!("{} is here", quoted(&key)))
                    .with_help("a preset is of players or of a program: it extends one of its own kind"),
            );
            continue;
        }
        let mine = parsed[own.index].document.find(own.table, &key, &parsed[own.index].source).cloned();
        match mine.map(|mine| mine.node.value) {
            None => {
                let copy = copy_item(parsed, own.index, base.index, &item, file);
                push(parsed, own, copy);
            }
            Some(TomlValue::Table(inner)) if JOINED_KEYS.contains(&&*key) => {
                let TomlValue::Table(other) = item.node.value else { continue };
                for inside in parsed[base.index].document.items(other).to_vec() {
                    let file = inside.from_file.or(file);
                    let source = source_of(parsed, file).unwrap_or_else(|| std::rc::Rc::clone(&base_source));
                    let name = inside.key.as_str(&source).to_owned();
                    if parsed[own.index].document.find(inner, &name, &parsed[own.index].source).is_none() {
                        let copy = copy_item(parsed, own.index, base.index, &inside, file);
                        push(parsed, Definition { table: inner, ..own }, copy);
                    }
                }
            }
            Some(_) => {}
        }
    }
    let source = std::rc::Rc::clone(&parsed[own.index].source);
    parsed[own.index].document.take_key(own.table, "extends", &source);
}

/// The key of a preset that excludes this one, and its place.
fn find_clash(file: &ParsedFile, table: TomlTableId, key: &str) -> Option<(&'static str, ByteRange)> {
    let other = PRESET_KINDS.into_iter().find(|kind| PRESET_KINDS.contains(&key) && *kind != key)?;
    file.document.find(table, other, &file.source).map(|item| (other, item.key_at))
}

fn push(parsed: &mut [ParsedFile], own: Definition, item: TomlKeyValue) {
    if let Some(items) = parsed[own.index].document.items_mut(own.table) {
        items.push(item);
    }
}

/// The copy of a key and its value. Its key becomes a text of its own, by which it is found in the file that it
/// is copied to.
fn copy_item(
    parsed: &mut [ParsedFile],
    to: usize,
    from: usize,
    item: &TomlKeyValue,
    file: Option<u32>,
) -> TomlKeyValue {
    let source = source_of(parsed, file).unwrap_or_else(|| std::rc::Rc::clone(&parsed[from].source));
    let key = TomlStr::owned(item.key.as_str(&source));
    let node = match to == from {
        true => parsed[to].document.copy_node(&item.node),
        false => {
            let (one, other) = parsed.split_at_mut(to.max(from));
            match to < from {
                true => one[to].document.copy_from(&other[0].document, &item.node),
                false => other[0].document.copy_from(&one[from].document, &item.node),
            }
        }
    };
    TomlKeyValue { key, key_at: item.key_at, node, from_file: file }
}

fn source_of(parsed: &[ParsedFile], file: Option<u32>) -> Option<std::rc::Rc<str>> {
    let file = parsed.iter().find(|parsed| Some(parsed.file) == file)?;
    Some(std::rc::Rc::clone(&file.source))
}
