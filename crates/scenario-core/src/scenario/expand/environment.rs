//! `env_file` of presets, and of the whole scenario: their variables become a part of `env`.

use std::path::PathBuf;
use std::rc::Rc;

use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::env_files::EnvFileReader;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::toml::{ByteRange, TomlKeyValue, TomlNode, TomlStr, TomlTableId, TomlValue};
use crate::scenario::vars::{VarPolicy, Vars};

/// Adds the variables of files to the `env` of all programs.
pub(super) fn add_env_files(
    parsed: &mut [ParsedFile],
    reader: &mut EnvFileReader<'_>,
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) {
    let inherited = vars.inherited_file_values();
    for index in 0..parsed.len() {
        for (_, _, node, table) in parsed[index].named_tables("presets") {
            let mut values = own_values(parsed, (index, table), reader, vars, found);
            let file = &mut parsed[index];
            if file.document.find(table, "command", &file.source).is_none() {
                continue;
            }
            if !starts_empty(file, table) {
                let others = inherited.iter().filter(|(name, _)| !values.iter().any(|(own, _)| own == name));
                let others: Vec<_> = others.cloned().collect();
                values.extend(others);
            }
            add_values(file, table, node.at, values, vars);
        }
    }
}

/// The variables of the `env_file` of a preset; a later file goes before.
fn own_values(
    parsed: &mut [ParsedFile],
    (index, table): (usize, TomlTableId),
    reader: &mut EnvFileReader<'_>,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> Vec<(String, String)> {
    let own = Rc::clone(&parsed[index].source);
    let Some(item) = parsed[index].document.find(table, "env_file", &own) else { return Vec::new() };
    let from = item.from_file.and_then(|from| parsed.iter().find(|other| other.file == from));
    let file = from.unwrap_or(&parsed[index]);
    let nodes: Vec<&TomlNode> = match &item.node.value {
        TomlValue::Array(items) => items.iter().collect(),
        _ => vec![&item.node],
    };
    // The decoding reports what is no path.
    let path = |node: &TomlNode| -> Option<(PathBuf, ByteRange)> {
        let TomlValue::String(text) = &node.value else { return None };
        let path = vars.substitute(text.as_str(&file.source), VarPolicy::PublicOnly).ok()?;
        let is_path = !path.reveal().is_empty() && !path.reveal().contains('\0');
        is_path.then(|| (file.folder.join(path.reveal()), node.at))
    };
    let paths: Option<Vec<_>> = nodes.into_iter().map(path).collect();
    let Some(paths) = paths.filter(|paths| !paths.is_empty()) else { return Vec::new() };
    let mut values: Vec<(String, String)> = Vec::new();
    for (path, at) in paths {
        for (name, value) in reader.read(&path, file.place(at), found).unwrap_or_default() {
            values.retain(|(other, _)| *other != name);
            values.push((name, value));
        }
    }
    parsed[index].document.take_key(table, "env_file", &own);
    values
}

/// Whether a program starts without the runner's environment.
fn starts_empty(file: &ParsedFile, table: TomlTableId) -> bool {
    let item = file.document.find(table, "clear_env", &file.source);
    item.is_some_and(|item| matches!(item.node.value, TomlValue::Boolean(true) | TomlValue::String(_)))
}

fn add_values(
    file: &mut ParsedFile,
    table: TomlTableId,
    at: ByteRange,
    values: Vec<(String, String)>,
    vars: &mut Vars<'_>,
) {
    if values.is_empty() {
        return;
    }
    let source = Rc::clone(&file.source);
    let env = match file.document.find(table, "env", &source).map(|item| &item.node.value) {
        Some(TomlValue::Table(env)) => *env,
        Some(_) => return,
        None => {
            let env = file.document.add_table(Vec::new());
            let node = TomlNode { at, value: TomlValue::Table(env) };
            if let Some(items) = file.document.items_mut(table) {
                items.push(TomlKeyValue { key: TomlStr::owned("env"), key_at: at, node, from_file: None });
            }
            env
        }
    };
    let known: Vec<String> =
        file.document.items(env).iter().map(|item| item.key.as_str(&source).to_owned()).collect();
    for (name, value) in values.into_iter().filter(|(name, _)| !known.contains(name)) {
        let key = TomlStr::owned(name.as_str());
        let text = TomlStr::owned(vars.add_file_value(name, value));
        let node = TomlNode { at, value: TomlValue::String(text) };
        if let Some(items) = file.document.items_mut(env) {
            items.push(TomlKeyValue { key, key_at: at, node, from_file: None });
        }
    }
}
