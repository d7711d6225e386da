//! Writes out what a file writes once for many: presets and fetches that extend others, entries for each of
//! some values, and presets with arguments. It works on the tree, before anything is decoded, so that a copy
//! is checked like what somebody wrote. Every value keeps the place where it stands.
//!
//! A value without the form for that stays as it is: the decoding reports it.

mod args;
mod each;
mod environment;
mod extends;

use crate::diagnostic::FilePlace;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::env_files::EnvFileReader;
use crate::scenario::file_reader::ParsedFile;
use crate::scenario::model::VarValue;
use crate::scenario::schema::{inner_range, report_var_error};
use crate::scenario::toml::{ByteRange, TomlDocument, TomlNode, TomlStr, TomlTableId, TomlValue};
use crate::scenario::vars::scopes::ScopedValue;
use crate::scenario::vars::{VarError, Vars};

pub(crate) use each::EntryGroups;

/// Expands all files. Returns the ids that stand for several entries each.
pub(crate) fn expand(
    parsed: &mut [ParsedFile],
    reader: &mut EnvFileReader<'_>,
    vars: &mut Vars<'_>,
    found: &mut Diagnostics,
) -> EntryGroups {
    for kind in extends::KINDS {
        extends::extend(parsed, kind, vars, found);
    }
    environment::add_env_files(parsed, reader, vars, found);
    let groups = each::expand_entries(parsed, vars, found);
    args::expand_presets(parsed, vars, found);
    groups
}

impl ParsedFile {
    /// The place of a range of this file.
    pub(super) fn place(&self, at: ByteRange) -> FilePlace {
        FilePlace { file: self.file, start: at.start, end: at.end }
    }

    /// The tables under a key of the file's outermost table, with their names.
    fn named_tables(&self, key: &str) -> Vec<(String, ByteRange, TomlNode, TomlTableId)> {
        let Some(table) = self.document.find_table(TomlDocument::ROOT, key, &self.source) else {
            return Vec::new();
        };
        let tables = self.document.items(table).iter().filter_map(|item| match item.node.value {
            TomlValue::Table(inner) => {
                Some((item.key.as_str(&self.source).to_owned(), item.key_at, item.node.clone(), inner))
            }
            _ => None,
        });
        tables.collect()
    }
}

/// The value of a string, integer or boolean of a file; `None` if it is none of these, or is wrong, which has
/// been reported.
fn scalar_value(
    (file, node): (u32, &TomlNode),
    source: &str,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) -> Option<ScopedValue> {
    match &node.value {
        TomlValue::Integer(Some(number)) => Some(ScopedValue::of_kind(VarValue::Integer(*number))),
        TomlValue::Boolean(value) => Some(ScopedValue::of_kind(VarValue::Boolean(*value))),
        TomlValue::String(text) => match vars.scoped_value(text.as_str(source)) {
            Ok(value) => Some(value),
            Err(faults) => {
                report_var_errors((file, node.at, text), faults, vars, found);
                None
            }
        },
        _ => None,
    }
}

fn report_var_errors(
    (file, at, text): (u32, ByteRange, &TomlStr),
    faults: Vec<VarError>,
    vars: &Vars<'_>,
    found: &mut Diagnostics,
) {
    for fault in faults {
        let at = inner_range(text, at, fault.at);
        report_var_error(found, vars, FilePlace { file, start: at.start, end: at.end }, &fault.kind);
    }
}

/// Whether a value is a string, an integer or a boolean.
fn is_scalar(node: &TomlNode) -> bool {
    matches!(node.value, TomlValue::String(_) | TomlValue::Integer(Some(_)) | TomlValue::Boolean(_))
}
