//! The preset that an entry spawns, with arguments, and the values for which it is copied.

use super::collections::{ListOf, NamedTable};
use super::key_rules::VarNameRule;
use super::strings::PublicString;
use super::table::{TableRule, table};
use super::{DecodeContext, TomlSchema, inner_range, report_var_error};
use crate::scenario::model::VarValue;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// The preset that an entry spawns. The arguments have been taken out: each set of them has a preset of its
/// own.
#[derive(Debug)]
pub(crate) struct RawSpawn {
    /// The key of the preset.
    pub(crate) key: String,
    /// The name by which events know it.
    pub(crate) name: String,
}

table! {
    /// A preset with arguments.
    SpawnTable is "`spawn`" like "{ preset = \"server\", args = { mode = \"slow\" } }" with [
        TableRule::Required("preset", "preset = \"NAME\""),
    ] {
        /// The name of the preset.
        "preset" preset: PublicString,
        /// The arguments by name: strings, integers or booleans, which stand for `${args.NAME}` in the strings of
        /// the preset. Those that are not given are the preset's own.
        "args" args: NamedTable<ScalarValue, VarNameRule>,
    }
}

const SPAWN_FORMS: &str = "\"NAME\" or { preset = \"NAME\", args = { NAME = \"value\" } }";

impl TomlSchema for RawSpawn {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawSpawn> {
        let key = match node.value {
            TomlValue::Table(_) => SpawnTable::decode(cx, node)?.preset.into_value()?.0,
            TomlValue::String(_) => PublicString::decode(cx, node)?.0,
            _ => {
                cx.report_wrong_type(&node, "the name of a preset", SPAWN_FORMS);
                return None;
            }
        };
        Some(RawSpawn { name: cx.vars.shown_preset(&key).to_owned(), key })
    }

    fn schema() -> Json {
        object([("anyOf", Json::List(vec![PublicString::schema(), SpawnTable::schema()]))])
    }
}

/// A string, an integer or a boolean, as an argument or a value of `for_each`.
#[derive(Clone, Debug)]
pub(crate) struct ScalarValue(pub(crate) VarValue);

impl TomlSchema for ScalarValue {
    const EXAMPLE: &'static str = "\"eu\", \"us\"";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ScalarValue> {
        match &node.value {
            TomlValue::Integer(Some(number)) => Some(ScalarValue(VarValue::Integer(*number))),
            TomlValue::Boolean(value) => Some(ScalarValue(VarValue::Boolean(*value))),
            TomlValue::String(text) => {
                let source = std::rc::Rc::clone(&cx.source);
                match cx.vars.scoped_value(text.as_str(&source)) {
                    Ok(value) => Some(ScalarValue(value.into_value())),
                    Err(faults) => {
                        for fault in faults {
                            let place = cx.place(inner_range(text, node.at, fault.at));
                            report_var_error(cx.diagnostics, cx.vars, place, &fault.kind);
                        }
                        None
                    }
                }
            }
            _ => {
                cx.report_wrong_type(&node, "a string, an integer or a boolean", "\"text\"");
                None
            }
        }
    }

    fn schema() -> Json {
        super::after::RawVar::schema()
    }
}

/// The names of a `for_each` with their values. Entries with a right one have been copied: what is decoded here
/// has an error, or a file with an error around it.
#[derive(Debug)]
pub(crate) struct RawForEach;

impl TomlSchema for RawForEach {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawForEach> {
        let at = node.at;
        let names = NamedTable::<ListOf<ScalarValue, 1>, VarNameRule>::decode(cx, node)?;
        if names.items.is_empty() {
            cx.error_with_help(
                at,
                "this `for_each` names nothing",
                "for example { region = [\"eu\", \"us\"] }",
            );
            return None;
        }
        Some(RawForEach)
    }

    fn schema() -> Json {
        NamedTable::<ListOf<ScalarValue, 1>, VarNameRule>::schema()
            .with("minProperties", 1)
            .with("examples", Json::List(vec![object([("region", Json::from(["eu", "us"]))])]))
    }
}
