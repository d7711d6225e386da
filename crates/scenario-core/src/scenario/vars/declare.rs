//! Declares the variables of all files and of the command line, and replaces the variables in their own
//! values, whatever their order.

use std::collections::{BTreeMap, HashSet};

use super::template;
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::ScenarioOptions;
use crate::scenario::check::duplicate_name_error;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::model::{ScenarioText, VarValue};
use crate::scenario::schema::after::RawVar;
use crate::scenario::schema::{Located, inner_range, report_var_error};
use crate::scenario::toml::{ByteRange, TomlStr};
use crate::scenario::vars::Vars;
use crate::scenario::vars::captures;

/// The variables as they are written: the index of their file, their place, and their value if it is valid.
type DeclaredVars = BTreeMap<String, (usize, FilePlace, Option<RawVar>)>;

/// The variables of all files and of the command line, with the variables in their values replaced.
pub(crate) fn declare_vars<'e>(
    parsed: &mut [ParsedFile],
    options: &ScenarioOptions<'e>,
    incomplete: bool,
    found: &mut Diagnostics,
) -> Vars<'e> {
    let mut vars = Vars::new(options.env);
    vars.set_incomplete(incomplete);
    vars.set_plain(parsed.iter_mut().flat_map(|parsed| std::mem::take(&mut parsed.plain)));
    for file in parsed.iter_mut() {
        std::mem::take(&mut file.ports).into_iter().for_each(|(name, port)| vars.set_port(name, port));
    }
    // The scenario itself goes before what it includes.
    for file in parsed.iter_mut().rev() {
        vars.add_env_file(std::mem::take(&mut file.env_file));
    }
    parsed.iter().for_each(|file| vars.add_inherited_secrets(&file.secrets));
    let mut written = DeclaredVars::new();
    for (index, parsed) in parsed.iter_mut().enumerate() {
        for item in std::mem::take(&mut parsed.vars.items) {
            if let Some((_, first, _)) = written.get(&item.name) {
                found.add(duplicate_name_error("variable", &item.name, item.place, *first));
                continue;
            }
            written.insert(item.name, (index, item.place, item.value.map(|value| value.value)));
        }
    }
    let declared: Vec<String> = written.keys().cloned().collect();
    for (name, value) in options.vars {
        let declared = written.get(name).and_then(|(_, _, value)| value.as_ref());
        vars.set(name, Some(given_value(value, declared)));
        vars.set_untyped(name);
    }
    options.vars.iter().for_each(|(name, _)| drop(written.remove(name)));
    let place = |name: &str| written.get(name).map(|(_, place, _)| *place);
    captures::declare_captures(parsed, place, options, &mut vars, found);
    vars.declare(declared);
    // A variable counts as invalid until it has its value; a variable in a cycle never gets one.
    written.keys().for_each(|name| vars.set(name, None));
    for name in sort_by_dependency(&written, parsed, found) {
        let Some((index, _, raw)) = written.get(&name) else { continue };
        let value = match raw {
            None => None,
            Some(RawVar::Integer(number)) => Some(VarValue::Integer(*number)),
            Some(RawVar::Boolean(value)) => Some(VarValue::Boolean(*value)),
            Some(RawVar::Text(text)) => {
                substitute_var(&mut vars, &name, (&parsed[*index].source, text), found)
            }
        };
        vars.set(&name, value);
    }
    vars
}

/// The value of a `--var`: an integer or a boolean if the file declares one and the text is one, otherwise a
/// text.
fn given_value(text: &str, declared: Option<&RawVar>) -> VarValue {
    let value = match declared {
        Some(RawVar::Integer(_)) => {
            text.parse().ok().filter(|number: &i64| number.to_string() == text).map(VarValue::Integer)
        }
        Some(RawVar::Boolean(_)) => text.parse().ok().map(VarValue::Boolean),
        Some(RawVar::Text(_)) | None => None,
    };
    value.unwrap_or_else(|| VarValue::Text(ScenarioText::plain(text)))
}

fn substitute_var(
    vars: &mut Vars<'_>,
    name: &str,
    (source, text): (&str, &Located<TomlStr>),
    found: &mut Diagnostics,
) -> Option<VarValue> {
    match vars.substitute_value(name, text.value.as_str(source)) {
        Ok(value) => Some(value),
        Err(faults) => {
            let whole = ByteRange { start: text.place.start, end: text.place.end };
            for fault in faults {
                let at = inner_range(&text.value, whole, fault.at);
                let place = FilePlace { file: text.place.file, start: at.start, end: at.end };
                report_var_error(found, vars, place, &fault.kind);
            }
            None
        }
    }
}

/// The names in an order in which each one comes after those that it uses. A cycle is reported, and cut.
fn sort_by_dependency(written: &DeclaredVars, parsed: &[ParsedFile], found: &mut Diagnostics) -> Vec<String> {
    let asked = |name: &str| -> Vec<String> {
        let Some((index, _, Some(RawVar::Text(text)))) = written.get(name) else { return Vec::new() };
        let Some(parsed) = parsed.get(*index) else { return Vec::new() };
        let names = template::variable_names(text.value.as_str(&parsed.source));
        names.into_iter().filter(|name| written.contains_key(*name)).map(str::to_owned).collect()
    };
    let mut order = Vec::with_capacity(written.len());
    let mut done = HashSet::new();
    let mut rings = Vec::new();
    for start in written.keys() {
        let mut path = vec![(start.clone(), None::<Vec<String>>)];
        let mut open = HashSet::from([start.clone()]);
        while let Some((name, rest)) = path.last_mut() {
            if done.contains(name.as_str()) {
                open.remove(name.as_str());
                path.pop();
                continue;
            }
            let name = name.clone();
            match rest.get_or_insert_with(|| asked(&name)).pop() {
                Some(next) if done.contains(&next) => {}
                Some(next) if open.contains(&next) => {
                    let from = path.iter().position(|(name, _)| *name == next).unwrap_or_default();
                    rings.push(path[from..].iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
                }
                Some(next) => {
                    open.insert(next.clone());
                    path.push((next, None));
                }
                None => {
                    done.insert(name.clone());
                    order.push(name);
                }
            }
        }
    }
    for ring in rings {
        report_var_cycle(&ring, written, found);
    }
    order
}

fn report_var_cycle(ring: &[String], written: &DeclaredVars, found: &mut Diagnostics) {
    let Some((_, place, _)) = ring.first().and_then(|name| written.get(name)) else { return };
    let names: Vec<String> = ring.iter().chain(ring.first()).map(|name| quoted(name)).collect();
    let message = format!("this variable refers to itself: {}", names.join(" -> "));
    found.add(Diagnostic::error(*place, message));
}
