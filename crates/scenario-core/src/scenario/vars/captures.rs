//! The names of captured values. They are read before everything else, since a text with such a name is
//! complete only during the run.

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::ScenarioOptions;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::toml::{TomlDocument, TomlKeyValue, TomlValue};
use crate::scenario::vars::Vars;
use scenario_log::name;

/// Adds the names of all captures to the variables. A name that is a variable too, in a file or by `--var`,
/// is an error.
pub(crate) fn declare_captures(
    parsed: &[ParsedFile],
    written: impl Fn(&str) -> Option<FilePlace>,
    options: &ScenarioOptions<'_>,
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) {
    for parsed in parsed {
        for capture in capture_items(parsed) {
            let captured = capture.key.as_str(&parsed.source);
            if name::name_error(captured).is_some() {
                // It is reported where the fetch is decoded.
                continue;
            }
            let place = FilePlace { file: parsed.file, start: capture.key_at.start, end: capture.key_at.end };
            let twice = |what: &str| {
                let message = format!("{} is captured here, and is a variable too", quoted(captured));
                Diagnostic::error(place, message).with_label("captured").with_help(what)
            };
            if let Some(variable) = written(captured) {
                found.add(twice("give one of them another name").with_related(variable, "the variable"));
            } else if options.vars.iter().any(|(name, _)| name == captured) {
                found.add(twice("it is given by --var: give one of them another name"));
            } else {
                vars.declare_captured(captured.to_owned());
            }
        }
    }
}

/// The captures of all fetches of a file.
fn capture_items(parsed: &ParsedFile) -> impl Iterator<Item = &TomlKeyValue> {
    let ParsedFile { document, source, .. } = parsed;
    let named = move |item: &&TomlKeyValue, name: &str| item.key.as_str(source) == name;
    let fetches = document.items(TomlDocument::ROOT).iter().filter(move |item| named(item, "fetches"));
    let fetches = fetches.flat_map(|item| table_items(document, item));
    let tables =
        fetches.flat_map(|fetch| table_items(document, fetch)).filter(move |item| named(item, "capture"));
    tables.flat_map(|capture| table_items(document, capture))
}

/// The items of a table; another value has none.
fn table_items<'d>(document: &'d TomlDocument, item: &TomlKeyValue) -> &'d [TomlKeyValue] {
    match item.node.value {
        TomlValue::Table(table) => document.items(table),
        _ => &[],
    }
}
