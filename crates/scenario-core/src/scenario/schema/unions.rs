//! Values with several forms: a word, a number, a list or a table.

use super::encode::{TomlEncode, encode_one_or_list};
use super::form::{FormFields, encode_form};
use super::json_text::{JsonText, encode_json_text};
use super::lone_variable::or_lone_variable_schema;
use super::numbers::{integer_schema, report_out_of_range};
use super::strings::{ProgramText, RequestText, ScenarioPath, or_variable_schema, pattern_schema};
use super::{DecodeContext, KeySlot, TomlSchema, own_words, table::table};
use crate::diagnostic::quoted;
use crate::scenario::model::{ExitRule, FetchBody, StdinMode};
use crate::scenario::schema::table::TableRule;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::signal::Signal;

/// The schema of a string of this pattern, or of one of these tables.
pub(crate) fn tables_or_string_schema(regex: &str, tables: &[Json]) -> Json {
    let forms = std::iter::once(pattern_schema(regex)).chain(tables.iter().cloned());
    object([("anyOf", Json::List(forms.collect()))])
}

/// Decodes a string that must be one of a few words; reports the possible forms if it is not.
fn decode_word<T: Copy>(
    cx: &mut DecodeContext<'_>,
    node: TomlNode,
    what: &str,
    words: &[(&str, T)],
    forms: &str,
) -> Option<T> {
    let at = node.at;
    let written = cx.decode_public_text(node, what, forms)?;
    let found = words.iter().find(|(word, _)| *word == written).map(|(_, meaning)| *meaning);
    if found.is_none() {
        let nearest = cx.diagnostics.closest_name(&written, words.iter().map(|(word, _)| *word));
        // A number in quotes, where a number may stand.
        let number = written.parse::<u16>().ok().filter(|_| forms.contains("[0, 3]"));
        let help = match (nearest, number) {
            (_, Some(number)) => format!("write {number}; "),
            (Some(word), None) => format!("did you mean {word:?}? "),
            (None, None) => String::new(),
        };
        cx.error_with_help(
            at,
            format!("{} is not {what}", quoted(&written)),
            format!("{help}the forms are {forms}"),
        );
    }
    found
}

/// Decodes an exit code, or a list of codes and signals.
fn decode_exits(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ExitRule> {
    let items = match node.value {
        TomlValue::Integer(_) => return Some(ExitRule::Codes(vec![decode_code(cx, node)?])),
        TomlValue::Array(items) => items,
        _ => {
            cx.report_wrong_type(&node, "an exit code, a list of exits, \"any\", or a signal", EXIT_FORMS);
            return None;
        }
    };
    if items.is_empty() {
        let help = format!("the forms are {EXIT_FORMS}");
        cx.error_with_help(node.at, "this list is empty, so nothing would be allowed", help);
        return None;
    }
    let (mut codes, mut signals) = (Vec::new(), Vec::new());
    for item in items {
        let item = cx.resolve_lone(item)?;
        match item.value {
            TomlValue::Table(_) => signals.push(ExitSignalTable::decode(cx, item)?.signal.into_value()?),
            TomlValue::Integer(_) => codes.push(decode_code(cx, item)?),
            _ => {
                cx.report_wrong_type(
                    &item,
                    "an integer from 0 to 255, or a signal",
                    "255 or { signal = \"TERM\" }",
                );
                return None;
            }
        }
    }
    Some(if signals.is_empty() { ExitRule::Codes(codes) } else { ExitRule::Listed(codes, signals) })
}

fn decode_code(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<u8> {
    let code = match node.value {
        TomlValue::Integer(Some(number)) => u8::try_from(number).ok(),
        _ => None,
    };
    if code.is_none() {
        report_out_of_range(cx, node.at, 0, i64::from(u8::MAX));
    }
    code
}

table! {
    /// The exit of a program that a signal ends.
    ExitSignalTable is "`exits`" from (Signal) like "{ signal = \"TERM\" }" with [TableRule::Required("signal", "signal = \"TERM\"")] {
        /// The name of the signal that ends the program.
        "signal" signal: Signal => |signal| *signal,
    }
}

const EXIT_FORMS: &str = "0, [0, 3], \"any\", { signal = \"TERM\" } or [0, { signal = \"TERM\" }]";

impl TomlSchema for ExitRule {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ExitRule> {
        let node = cx.resolve_in_text(node)?;
        match node.value {
            TomlValue::String(_) => {
                decode_word(cx, node, "an exit", &[("any", ())], EXIT_FORMS).map(|()| ExitRule::Any)
            }
            TomlValue::Table(_) => {
                Some(ExitRule::Signal(ExitSignalTable::decode(cx, node)?.signal.into_value()?))
            }
            _ => decode_exits(cx, node),
        }
    }

    fn schema() -> Json {
        object([(
            "anyOf",
            Json::List(vec![
                or_variable_schema(object([("enum", Json::from(["any"]))])),
                or_lone_variable_schema(integer_schema(0, 255)),
                ExitSignalTable::schema(),
                exit_list_schema(),
            ]),
        )])
    }
}

/// The schema of a list of codes and signals.
fn exit_list_schema() -> Json {
    let code = or_lone_variable_schema(integer_schema(0, 255));
    let item = object([("anyOf", Json::List(vec![code, ExitSignalTable::schema()]))]);
    object([("type", "array".into()), ("minItems", 1.into()), ("items", item)])
}

impl TomlEncode for &ExitRule {
    /// A program in the background is expected not to exit at all; a file has no form for that, and leaves
    /// the key out.
    fn encode(self) -> Option<Json> {
        match self {
            ExitRule::Codes(codes) if codes.is_empty() => None,
            ExitRule::Codes(codes) => Some(encode_one_or_list(codes.iter().map(|code| u64::from(*code)))),
            ExitRule::Any => Some("any".into()),
            ExitRule::Signal(signal) => Some(ExitSignalTable::write(signal)),
            ExitRule::Listed(codes, signals) => {
                let codes = codes.iter().map(|code| u64::from(*code).into());
                Some(codes.chain(signals.iter().map(ExitSignalTable::write)).collect())
            }
        }
    }
}

table! {
    /// The text or the file that a program reads, followed by the end of file.
    StdinTable is "`stdin`" from (StdinMode) like "{ text = \"yes\\n\" }" with [TableRule::ExactlyOne(&["text", "file"])] {
        /// The text that the program reads.
        "text" text: ProgramText => |stdin| match stdin {
            StdinMode::Text(text) => Some(text),
            _ => None,
        },
        /// The path of the file that the program reads, relative to this file.
        "file" file: ScenarioPath => |stdin| match stdin {
            StdinMode::File(path) => Some(path),
            _ => None,
        },
    }
}

const STDIN_FORMS: &str = "\"null\", \"open\", \"world\", { text = \"…\" } or { file = \"…\" }";

#[derive(Clone, Copy)]
enum StdinKeyword {
    Null,
    Open,
    World,
}

impl TomlSchema for StdinMode {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<StdinMode> {
        if let TomlValue::Table(_) = node.value {
            let table = StdinTable::decode(cx, node)?;
            return match (table.text, table.file) {
                (KeySlot::Given(text), _) => Some(StdinMode::Text(text.value.0)),
                (_, KeySlot::Given(file)) => Some(StdinMode::File(file.value.0)),
                _ => None,
            };
        }
        let words =
            [("null", StdinKeyword::Null), ("open", StdinKeyword::Open), ("world", StdinKeyword::World)];
        Some(match decode_word(cx, node, "a kind of standard input", &words, STDIN_FORMS)? {
            StdinKeyword::Null => StdinMode::Null,
            StdinKeyword::Open => StdinMode::Open,
            StdinKeyword::World => StdinMode::World,
        })
    }

    fn schema() -> Json {
        let words = or_variable_schema(object([("enum", Json::from(["null", "open", "world"]))]));
        object([("anyOf", Json::List(vec![words, StdinTable::schema()]))])
    }
}

impl TomlEncode for &StdinMode {
    fn encode(self) -> Option<Json> {
        Some(match self {
            StdinMode::Null => "null".into(),
            StdinMode::Open => "open".into(),
            StdinMode::World => "world".into(),
            StdinMode::Text(_) | StdinMode::File(_) => StdinTable::write(self),
        })
    }
}

table! {
    /// The body of a request. It has exactly one of `text`, `file`, `form` and `json`.
    BodyTable is "`body`" from (FetchBody) like "{ json = { user = \"ann\" } }" with [TableRule::ExactlyOne(&["text", "file", "form", "json"])] {
        /// The text that is sent as the body.
        "text" text: RequestText => |body| match body {
            FetchBody::Text(text) => Some(text),
            _ => None,
        },
        /// The path of the file that is sent as the body, relative to this file.
        "file" file: ScenarioPath => |body| match body {
            FetchBody::File(path) => Some(path),
            _ => None,
        },
        /// The fields that are sent as a form, by name; a value is a string, an integer, a boolean or a
        /// list of them.
        "form" form: FormFields => |body| match body {
            FetchBody::Form(fields) => Some(encode_form(fields)),
            _ => None,
        },
        /// The value that is sent as JSON.
        "json" json: JsonText<true> => |body| match body {
            FetchBody::Json(json) => Some(encode_json_text(json)),
            _ => None,
        },
    }
}

impl TomlEncode for &FetchBody {
    fn encode(self) -> Option<Json> {
        Some(BodyTable::write(self))
    }
}

impl TomlSchema for FetchBody {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<FetchBody> {
        if let TomlValue::String(text) = &node.value {
            let text = own_words::toml_string(text.as_str(&cx.source));
            if text.len() <= own_words::MAX_REPEATED {
                cx.report_wrong_type_with_help(&node, "a body", format!("write {{ text = {text} }}"));
                return None;
            }
        }
        if !matches!(node.value, TomlValue::Table(_)) {
            cx.report_wrong_type(
                &node,
                "a body",
                "{ text = \"…\" }, { file = \"…\" }, { form = { key = \"value\" } } or { json = { key = \"value\" } }",
            );
            return None;
        }
        let table = BodyTable::decode(cx, node)?;
        match (table.text, table.file, table.form, table.json) {
            (KeySlot::Given(text), ..) => Some(FetchBody::Text(text.value.0)),
            (_, KeySlot::Given(file), ..) => Some(FetchBody::File(file.value.0)),
            (_, _, KeySlot::Given(form), _) => Some(FetchBody::Form(form.value.0)),
            (.., KeySlot::Given(json)) => Some(FetchBody::Json(json.value.0)),
            _ => None,
        }
    }

    fn schema() -> Json {
        BodyTable::schema()
    }
}
