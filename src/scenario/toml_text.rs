//! A tree of values as TOML text: tables by name and lists of tables get headers, all else stands in
//! one line.

use std::fmt::Write as _;

use crate::scenario::json::{Json, write_text};

/// The tree as a TOML file. Writing to a String cannot fail.
pub(crate) fn toml(tree: Json) -> String {
    let mut out = String::new();
    let Json::Object(items) = tree else { return out };
    let (tables, plain): (Vec<_>, Vec<_>) = items.into_iter().partition(|(_, value)| is_table(value));
    lines(&mut out, &plain);
    for (key, value) in tables {
        match value {
            Json::Object(values) if key == "vars" && !values.is_empty() => {
                out.push_str("\n[vars]\n");
                lines(&mut out, &values);
            }
            Json::Object(by_name) => {
                for (name, value) in by_name {
                    let _ = write!(out, "\n[{key}.");
                    write_key(&mut out, &name);
                    out.push_str("]\n");
                    table(&mut out, value);
                }
            }
            Json::List(list) => {
                for value in list {
                    let _ = writeln!(out, "\n[[{key}]]");
                    table(&mut out, value);
                }
            }
            _ => {}
        }
    }
    out
}

fn is_table(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::List(_))
}

fn table(out: &mut String, value: Json) {
    if let Json::Object(items) = value {
        lines(out, &items);
    }
}

fn lines(out: &mut String, items: &[(String, Json)]) {
    for (key, value) in items {
        write_key(out, key);
        out.push_str(" = ");
        inline(out, value);
        out.push('\n');
    }
}

fn inline(out: &mut String, value: &Json) {
    match value {
        Json::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                inline(out, item);
            }
            out.push(']');
        }
        Json::Object(items) => {
            out.push('{');
            for (index, (key, item)) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { " " });
                write_key(out, key);
                out.push_str(" = ");
                inline(out, item);
            }
            out.push_str(if items.is_empty() { "}" } else { " }" });
        }
        scalar => out.push_str(&scalar.line()),
    }
}

fn write_key(out: &mut String, key: &str) {
    let bare =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { out.push_str(key) } else { write_text(out, key) }
}
