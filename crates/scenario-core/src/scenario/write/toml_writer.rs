//! Writes a tree of values as TOML. Tables by name and lists of tables get headers. Everything else is in
//! one line, but for lists of several tables. A character that would act on a terminal is written as an
//! escape.

use std::fmt::Write as _;

use crate::scenario::write::json::Json;
use scenario_log::sanitize::{ends_like_ci_command, is_unsafe_char};

/// The tree as a TOML file. Writing to a String cannot fail, so that the results are ignored.
pub(crate) fn render_toml(tree: Json) -> String {
    let mut out = String::new();
    let Json::Object(items) = tree else { return out };
    let (tables, plain): (Vec<_>, Vec<_>) = items.into_iter().partition(|(_, value)| needs_header(value));
    write_keys(&mut out, &plain);
    for (key, value) in &tables {
        write_section(&mut out, key, value);
    }
    out
}

/// Whether a value at the top of a file gets headers.
pub(crate) fn needs_header(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::List(_))
}

/// Writes a value at the top of a file, under headers of its own.
pub(crate) fn write_section(out: &mut String, key: &str, value: &Json) {
    match value {
        // These tables hold values, not tables.
        Json::Object(values)
            if matches!(key, "vars" | "ports" | "shared" | "world") && !values.is_empty() =>
        {
            let _ = writeln!(out, "\n[{key}]");
            write_keys(out, values);
        }
        Json::Object(by_name) => {
            for (name, value) in by_name {
                let _ = write!(out, "\n[{key}.");
                write_key(out, name);
                out.push_str("]\n");
                write_table(out, value);
            }
        }
        Json::List(list) => {
            for value in list {
                let _ = writeln!(out, "\n[[{key}]]");
                write_table(out, value);
            }
        }
        _ => {}
    }
}

fn write_table(out: &mut String, value: &Json) {
    if let Json::Object(items) = value {
        write_keys(out, items);
    }
}

fn write_keys(out: &mut String, items: &[(String, Json)]) {
    for (key, value) in items {
        write_key_value(out, key, value);
    }
}

/// Writes a key and its value.
pub(crate) fn write_key_value(out: &mut String, key: &str, value: &Json) {
    write_key(out, key);
    out.push_str(" = ");
    match value {
        Json::List(items) if items.len() > 1 && items.iter().all(|item| matches!(item, Json::Object(_))) => {
            out.push_str("[\n");
            for item in items {
                out.push_str("  ");
                write_inline(out, item);
                out.push_str(",\n");
            }
            out.push(']');
        }
        value => write_inline(out, value),
    }
    out.push('\n');
}

/// A value in one line, as a file has it after `=`.
pub(crate) fn to_inline_toml(value: &Json) -> String {
    let mut out = String::new();
    write_inline(&mut out, value);
    out
}

fn write_inline(out: &mut String, value: &Json) {
    match value {
        Json::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_inline(out, item);
            }
            out.push(']');
        }
        Json::Object(items) => {
            out.push('{');
            for (index, (key, item)) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { " " });
                write_key(out, key);
                out.push_str(" = ");
                write_inline(out, item);
            }
            out.push_str(if items.is_empty() { "}" } else { " }" });
        }
        Json::Text(text) => write_toml_string(out, text),
        scalar => out.push_str(&scalar.to_line()),
    }
}

/// Writes a basic string.
fn write_toml_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // A command for a CI service, if the file is printed.
            '[' if ends_like_ci_command(out) => out.push_str("\\u005B"),
            c if is_unsafe_char(c) && u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c if is_unsafe_char(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_key(out: &mut String, key: &str) {
    let bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { out.push_str(key) } else { write_toml_string(out, key) }
}
