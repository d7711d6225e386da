//! `args`: a preset with `${args.NAME}` in its strings. For each set of arguments that entries give, the
//! scenario gets a preset of its own, a variant, which events know by the name of the preset.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::each::name_part;
use super::{is_scalar, scalar_value};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::toml::{
    ByteRange, TomlDocument, TomlKeyValue, TomlNode, TomlStr, TomlTableId, TomlValue,
};
use crate::scenario::vars::scopes::{ScopedValue, VarScope};
use crate::scenario::vars::template::variable_names;
use crate::scenario::vars::{VarPolicy, Vars};

/// The longest name of a preset.
const MAX_NAME: usize = 64;

/// A preset with arguments.
struct Parameterized {
    /// The position of its file.
    index: usize,
    key_at: ByteRange,
    node: TomlNode,
    table: TomlTableId,
    /// The arguments that its strings use, with the place of the first use.
    used: BTreeMap<String, FilePlace>,
    /// The arguments with a default; `None` if that is wrong, which has been reported.
    defaults: BTreeMap<String, Option<ScopedValue>>,
    /// The sets of arguments that entries give, with the names of their presets.
    variants: Vec<(BTreeMap<String, ScopedValue>, String)>,
    /// Whether an entry lacks an argument, which has been reported.
    is_refused: bool,
}

impl Parameterized {
    fn names(&self) -> BTreeSet<&str> {
        self.used.keys().chain(self.defaults.keys()).map(String::as_str).collect()
    }

    /// The arguments without a default.
    fn required(&self) -> impl Iterator<Item = &str> {
        self.used.keys().filter(|name| !self.defaults.contains_key(*name)).map(String::as_str)
    }

    /// The arguments of a spawn that gives none; `None` if one has no default, or a wrong one.
    fn own_args(&self) -> Option<BTreeMap<String, ScopedValue>> {
        if self.required().next().is_some() {
            return None;
        }
        let value = |(name, value): (&String, &Option<ScopedValue>)| Some((name.clone(), value.clone()?));
        self.defaults.iter().map(value).collect()
    }
}

/// Makes the variants of all presets with arguments, and lets the entries spawn them.
pub(super) fn expand_presets(parsed: &mut [ParsedFile], vars: &mut Vars<'_>, found: &mut Diagnostics) {
    register_variants(parsed, vars);
    let mut presets = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (index, file) in parsed.iter().enumerate() {
        for (name, key_at, node, table) in file.named_tables("presets") {
            names.insert(name.clone());
            if let Some(preset) = read_preset(parsed, (index, key_at, node, table), vars, found) {
                presets.entry(name).or_insert(preset);
            }
        }
    }
    for file in parsed.iter_mut() {
        for (node, table) in spawning_entries(file) {
            let scope = vars.enter_scope(file.document.scope_of(&node));
            choose_variant(file, table, &mut presets, &mut names, vars, found);
            vars.enter_scope(scope);
        }
    }
    for (name, preset) in presets {
        add_variants(&mut parsed[preset.index], &name, preset, vars);
    }
}

/// Notes the variants that a file has already: it was written from a scenario with arguments.
fn register_variants(parsed: &[ParsedFile], vars: &mut Vars<'_>) {
    for file in parsed {
        for (name, _, _, table) in file.named_tables("presets") {
            let Some(item) = file.document.find(table, "variant_of", &file.source) else { continue };
            if let TomlValue::String(of) = &item.node.value {
                vars.add_variant(name, of.as_str(&file.source).to_owned());
            }
        }
    }
}

/// The arguments of a preset; `None` if it has none.
fn read_preset(
    parsed: &[ParsedFile],
    (index, key_at, node, table): (usize, ByteRange, TomlNode, TomlTableId),
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> Option<Parameterized> {
    let file = &parsed[index];
    let mut used = BTreeMap::new();
    file.document.for_each_text(&node, &mut |text, node, from| {
        let other = from.and_then(|from| parsed.iter().find(|other| other.file == from));
        let file = other.unwrap_or(file);
        for name in variable_names(text.as_str(&file.source)) {
            if let Some(name) = name.strip_prefix("args.") {
                used.entry(name.to_owned()).or_insert(file.place(node.at));
            }
        }
    });
    let mut defaults = BTreeMap::new();
    let declared = file.document.find(table, "args", &file.source);
    if let Some(TomlKeyValue { node: TomlNode { value: TomlValue::Table(args), .. }, from_file, .. }) =
        declared
    {
        for item in file.document.items(*args) {
            let from = item.from_file.or(*from_file);
            let other = from.and_then(|from| parsed.iter().find(|other| other.file == from)).unwrap_or(file);
            let value = scalar_value((other.file, &item.node), &other.source, vars, found);
            defaults.insert(item.key.as_str(&other.source).to_owned(), value);
        }
    }
    if used.is_empty() && declared.is_none() {
        return None;
    }
    Some(Parameterized {
        index,
        key_at,
        node,
        table,
        used,
        defaults,
        variants: Vec::new(),
        is_refused: false,
    })
}

/// The entries of a file that spawn something.
fn spawning_entries(file: &ParsedFile) -> Vec<(TomlNode, TomlTableId)> {
    let Some(item) = file.document.find(TomlDocument::ROOT, "timeline", &file.source) else {
        return Vec::new();
    };
    let TomlValue::Array(entries) = &item.node.value else { return Vec::new() };
    let spawns = |entry: &&TomlNode| match entry.value {
        TomlValue::Table(table) => file.document.find(table, "spawn", &file.source).is_some(),
        _ => false,
    };
    let table = |entry: &TomlNode| match entry.value {
        TomlValue::Table(table) => Some((entry.clone(), table)),
        _ => None,
    };
    entries.iter().filter(spawns).filter_map(table).collect()
}

/// The preset of an entry, and the arguments that it gives.
struct Spawned {
    preset: String,
    at: ByteRange,
    /// The place of the whole value.
    whole: ByteRange,
    args: Vec<TomlKeyValue>,
}

fn read_spawn(file: &ParsedFile, table: TomlTableId, vars: &Vars<'_>) -> Option<Spawned> {
    let source = &file.source;
    let node = &file.document.find(table, "spawn", source)?.node;
    let name = |text: &TomlStr| {
        let name = vars.substitute(text.as_str(source), VarPolicy::PublicOnly).ok()?;
        Some(name.reveal().to_owned())
    };
    match &node.value {
        TomlValue::String(text) => {
            Some(Spawned { preset: name(text)?, at: node.at, whole: node.at, args: Vec::new() })
        }
        TomlValue::Table(spawn) => {
            let items = file.document.items(*spawn);
            if items.iter().any(|item| !["preset", "args"].contains(&item.key.as_str(source))) {
                return None;
            }
            let preset = &file.document.find(*spawn, "preset", source)?.node;
            let TomlValue::String(text) = &preset.value else { return None };
            let args = match file.document.find(*spawn, "args", source).map(|item| &item.node.value) {
                None => Vec::new(),
                Some(TomlValue::Table(args)) => file.document.items(*args).to_vec(),
                Some(_) => return None,
            };
            let is_right = args.iter().all(|item| is_scalar(&item.node));
            is_right.then_some(Spawned { preset: name(text)?, at: preset.at, whole: node.at, args })
        }
        _ => None,
    }
}

/// Lets an entry spawn the preset with its arguments.
fn choose_variant(
    file: &mut ParsedFile,
    table: TomlTableId,
    presets: &mut BTreeMap<String, Parameterized>,
    names: &mut BTreeSet<String>,
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) {
    let Some(spawn) = read_spawn(file, table, vars) else { return };
    let Some(preset) = presets.get_mut(&spawn.preset) else {
        if names.contains(&spawn.preset) {
            refuse_args(file, &spawn, &BTreeSet::new(), found);
        }
        return;
    };
    let Some(given) = given_args(file, &spawn, preset, vars, found) else {
        preset.is_refused = true;
        return set_spawn(file, table, &spawn, &spawn.preset);
    };
    let mut args = given.clone();
    for (name, value) in &preset.defaults {
        match value {
            _ if args.contains_key(name) => {}
            Some(value) => drop(args.insert(name.clone(), value.clone())),
            None => preset.is_refused = true,
        }
    }
    let is_same = |own: &BTreeMap<String, ScopedValue>| {
        own.len() == args.len() && own.iter().zip(&args).all(|((a, x), (b, y))| a == b && x.is_same(y))
    };
    if preset.own_args().is_some_and(|own| is_same(&own)) || preset.is_refused {
        return set_spawn(file, table, &spawn, &spawn.preset);
    }
    if let Some((_, name)) = preset.variants.iter().find(|(variant, _)| is_same(variant)) {
        let name = name.clone();
        return set_spawn(file, table, &spawn, &name);
    }
    let name = variant_name(&spawn.preset, &given, names);
    names.insert(name.clone());
    vars.add_variant(name.clone(), spawn.preset.clone());
    preset.variants.push((args, name.clone()));
    set_spawn(file, table, &spawn, &name);
}

/// The arguments that an entry gives; `None` if they are wrong, which has been reported.
fn given_args(
    file: &ParsedFile,
    spawn: &Spawned,
    preset: &Parameterized,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> Option<BTreeMap<String, ScopedValue>> {
    let known = preset.names();
    let (mut given, mut is_right) = (BTreeMap::new(), refuse_args(file, spawn, &known, found));
    for item in &spawn.args {
        let name = item.key.as_str(&file.source);
        if !known.contains(name) {
            continue;
        }
        match scalar_value((file.file, &item.node), &file.source, vars, found) {
            Some(value) => drop(given.insert(name.to_owned(), value)),
            None => is_right = false,
        }
    }
    let missing: Vec<&str> = preset.required().filter(|name| !given.contains_key(*name)).collect();
    // A misspelled argument may be the one that is missing.
    if is_right && let Some(first) = missing.first() {
        report_missing(file, spawn, preset, (first, &missing), found);
        is_right = false;
    }
    is_right.then_some(given)
}

/// Reports the arguments that a preset does not know; returns whether there are none.
fn refuse_args(file: &ParsedFile, spawn: &Spawned, known: &BTreeSet<&str>, found: &mut Diagnostics) -> bool {
    let is_unknown = |item: &&TomlKeyValue| !known.contains(item.key.as_str(&file.source));
    let mut is_right = true;
    for item in spawn.args.iter().filter(is_unknown) {
        let name = item.key.as_str(&file.source);
        let message = format!("the preset {} has no argument {}", quoted(&spawn.preset), quoted(name));
        let fault = Diagnostic::error(file.place(item.key_at), message).with_label("unknown argument");
        let fault = found.did_you_mean(fault, name, known.iter().copied(), "arguments");
        found.add(fault);
        is_right = false;
    }
    is_right
}

fn report_missing(
    file: &ParsedFile,
    spawn: &Spawned,
    preset: &Parameterized,
    (first, missing): (&str, &[&str]),
    found: &mut Diagnostics,
) {
    let list: Vec<String> = missing.iter().map(|name| quoted(name)).collect();
    let message = format!("the preset {} needs the argument {}", quoted(&spawn.preset), list.join(" and "));
    let fault = Diagnostic::error(file.place(spawn.at), message);
    let fault = match preset.used.get(first) {
        Some(place) => fault.with_related(*place, "used here, and `args` has no default for it"),
        None => fault,
    };
    let fault = match found.closest_name(first, preset.defaults.keys().map(String::as_str)) {
        Some(near) => fault.with_help(format!("did you mean `${{args.{near}}}` there?")),
        None => fault,
    };
    let args: Vec<String> = missing.iter().map(|name| format!("{name} = \"…\"")).collect();
    let line = format!("write spawn = {{ preset = \"{}\", args = {{ {} }} }}", spawn.preset, args.join(", "));
    found.add(fault.with_help(line));
}

/// Writes the name of a preset in the place of an entry's `spawn`.
fn set_spawn(file: &mut ParsedFile, table: TomlTableId, spawn: &Spawned, name: &str) {
    let source = Rc::clone(&file.source);
    let Some(items) = file.document.items_mut(table) else { return };
    if let Some(item) = items.iter_mut().find(|item| item.key.as_str(&source) == "spawn") {
        item.node = TomlNode { at: spawn.whole, value: TomlValue::String(TomlStr::owned(name)) };
    }
}

/// A name for a variant: that of the preset with the values that are given, or with a number if that is taken.
fn variant_name(preset: &str, given: &BTreeMap<String, ScopedValue>, names: &BTreeSet<String>) -> String {
    let parts = given.iter().map(|(name, value)| match value.is_secret() {
        true => name_part(name),
        false => name_part(&value.display_text()),
    });
    let mut name = preset.to_owned();
    parts.for_each(|part| name.extend(['-'].into_iter().chain(part.chars())));
    name.truncate(MAX_NAME);
    let mut number = 2;
    let mut free = name.clone();
    while names.contains(&free) {
        let suffix = format!("-{number}");
        free = name.chars().take(MAX_NAME - suffix.len()).collect::<String>() + &suffix;
        number += 1;
    }
    free
}

/// Adds the variants of a preset to its file. A preset that cannot be spawned without arguments is taken out.
fn add_variants(file: &mut ParsedFile, name: &str, preset: Parameterized, vars: &mut Vars<'_>) {
    let source = Rc::clone(&file.source);
    let own = preset.own_args();
    let Some(presets) = file.document.find_table(TomlDocument::ROOT, "presets", &source) else { return };
    let all: BTreeSet<String> = preset.names().into_iter().map(str::to_owned).collect();
    write_args(file, preset.table, &all, preset.node.at);
    let mut variants = Vec::with_capacity(preset.variants.len());
    for (args, variant) in &preset.variants {
        let copy = file.document.copy_node(&preset.node);
        let TomlValue::Table(table) = copy.value else { continue };
        if let Some(items) = file.document.items_mut(table) {
            items.push(text_item("variant_of", name, preset.node.at));
        }
        let scope = vars.add_scope(scope_of_args(args));
        file.document.set_scope(table, scope);
        let key = TomlStr::owned(variant.as_str());
        variants.push(TomlKeyValue { key, key_at: preset.key_at, node: copy, from_file: None });
    }
    let is_incomplete = preset.is_refused;
    let is_left_out = own.is_none() && !is_incomplete && preset.required().next().is_some();
    let scope =
        VarScope { is_incomplete: own.is_none(), ..own.as_ref().map(scope_of_args).unwrap_or_default() };
    let scope = vars.add_scope(scope);
    file.document.set_scope(preset.table, scope);
    if let Some(items) = file.document.items_mut(presets) {
        if is_left_out {
            items.retain(|item| item.key.as_str(&source) != name);
        }
        items.extend(variants);
    }
}

fn scope_of_args(args: &BTreeMap<String, ScopedValue>) -> VarScope {
    let values = args.iter().map(|(name, value)| (format!("args.{name}"), value.clone())).collect();
    VarScope { values, is_incomplete: false }
}

/// Lets the `args` of a preset be the values that hold in it.
fn write_args(file: &mut ParsedFile, table: TomlTableId, names: &BTreeSet<String>, at: ByteRange) {
    let source = Rc::clone(&file.source);
    file.document.take_key(table, "args", &source);
    let items = names.iter().map(|name| text_item(name, &format!("${{args.{name}}}"), at)).collect();
    let args = file.document.add_table(items);
    let node = TomlNode { at, value: TomlValue::Table(args) };
    if let Some(items) = file.document.items_mut(table) {
        items.push(TomlKeyValue { key: TomlStr::owned("args"), key_at: at, node, from_file: None });
    }
}

fn text_item(key: &str, text: &str, at: ByteRange) -> TomlKeyValue {
    let node = TomlNode { at, value: TomlValue::String(TomlStr::owned(text)) };
    TomlKeyValue { key: TomlStr::owned(key), key_at: at, node, from_file: None }
}
