//! The names that fetches capture values under, read before anything else is: a text that holds one is
//! complete only in the run.

use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::Options;
use crate::scenario::findings::Findings;
use crate::scenario::read::Parsed;
use crate::scenario::toml::{Document, Item, Value};
use crate::scenario::vars::Vars;
use scenario_log::name;

/// Tells the variables which names are captured; one that is a variable too, with place or without, is
/// an error.
pub(crate) fn declare(
    parsed: &[Parsed],
    written: impl Fn(&str) -> Option<Place>,
    options: &Options<'_>,
    vars: &mut Vars<'_>,
    found: &mut Findings,
) {
    for parsed in parsed {
        for capture in captures(parsed) {
            let captured = capture.key.get(&parsed.source);
            if name::fault(captured).is_some() {
                // It is told where the fetch is read.
                continue;
            }
            let place = Place { file: parsed.file, start: capture.key_at.start, end: capture.key_at.end };
            let twice = |what: &str| {
                let message = format!("{} is captured here, and is a variable too", quoted(captured));
                Diagnostic::error(place, message).label("captured").help(what)
            };
            if let Some(variable) = written(captured) {
                found.add(twice("give one of them another name").related(variable, "the variable"));
            } else if options.vars.iter().any(|(name, _)| name == captured) {
                found.add(twice("it is given by --var: give one of them another name"));
            } else {
                vars.set_captured(captured.to_owned());
            }
        }
    }
}

/// All captures of all fetches of a file.
fn captures(parsed: &Parsed) -> impl Iterator<Item = &Item> {
    let Parsed { document, source, .. } = parsed;
    let named = move |item: &&Item, name: &str| item.key.get(source) == name;
    let fetches = document.items(Document::ROOT).iter().filter(move |item| named(item, "fetches"));
    let fetches = fetches.flat_map(|item| inside(document, item));
    let tables = fetches.flat_map(|fetch| inside(document, fetch)).filter(move |item| named(item, "capture"));
    tables.flat_map(|capture| inside(document, capture))
}

/// The items of a table; of anything else none.
fn inside<'d>(document: &'d Document, item: &Item) -> &'d [Item] {
    match item.node.value {
        Value::Table(table) => document.items(table),
        _ => &[],
    }
}
