//! A `${name}` that is all of a string keeps the kind of its value: `count = "${users}"` is a number.

use std::rc::Rc;

use super::{DecodeContext, report_var_error};
use crate::diagnostic::quoted;
use crate::scenario::model::VarValue;
use crate::scenario::toml::{ByteRange, TomlNode, TomlValue};
use crate::scenario::vars::LoneValue;
use crate::scenario::write::json::{Json, object};

/// A value that came from a `${name}`, for messages about it.
#[derive(Debug)]
pub(crate) struct NotedValue {
    /// The place of the string.
    at: ByteRange,
    name: String,
    text: String,
}

/// The schema of a value that is not a string, or of a `${name}` that stands for one.
pub(crate) fn or_lone_variable_schema(schema: Json) -> Json {
    object([("anyOf", Json::List(vec![schema, lone_variable_schema()]))])
}

/// The schema of a string that is one `${name}` and nothing else. `${$}` is a literal `$`.
pub(crate) fn lone_variable_schema() -> Json {
    object([("type", "string".into()), ("pattern", r"^\$\{([^$}][^}]*|\$[^}]+)?\}$".into())])
}

impl DecodeContext<'_> {
    /// Puts the value of a variable in the place of a string that is its `${name}`. A text stays a string,
    /// unless it came from the command line or the environment, which have nothing but texts. `None` if the
    /// variable has no value, which has been reported.
    pub(crate) fn resolve_lone(&mut self, node: TomlNode) -> Option<TomlNode> {
        self.resolve_scalar(node, false)
    }

    /// The same where a number may have decimals: no variable of a file has such a kind, so a text is read as
    /// a number.
    pub(crate) fn resolve_number(&mut self, node: TomlNode) -> Option<TomlNode> {
        self.resolve_scalar(node, true)
    }

    /// The same where a text of other forms may stand as well. A variable without a value stays; the text is
    /// decoded next, and reports it.
    pub(crate) fn resolve_in_text(&mut self, node: TomlNode) -> Option<TomlNode> {
        let is_known = match &node.value {
            TomlValue::String(raw) => matches!(self.vars.lone_value(raw.as_str(&self.source)), Some(Ok(_))),
            _ => false,
        };
        if is_known { self.resolve_scalar(node, false) } else { Some(node) }
    }

    /// The same where any string may stand as well as a number: only a variable that is an integer or a boolean
    /// is put in, and every other string stays as it is.
    pub(crate) fn resolve_kind(&mut self, node: TomlNode) -> TomlNode {
        let TomlValue::String(raw) = &node.value else { return node };
        let value = match self.vars.lone_value(raw.as_str(&self.source)) {
            Some(Ok(LoneValue { value: VarValue::Integer(number), .. })) => TomlValue::Integer(Some(number)),
            Some(Ok(LoneValue { value: VarValue::Boolean(value), .. })) => TomlValue::Boolean(value),
            _ => return node,
        };
        TomlNode { at: node.at, value }
    }

    fn resolve_scalar(&mut self, node: TomlNode, reads_texts: bool) -> Option<TomlNode> {
        let TomlValue::String(raw) = &node.value else { return Some(node) };
        let source = Rc::clone(&self.source);
        let lone = match self.vars.lone_value(raw.as_str(&source)) {
            None => return Some(node),
            Some(Ok(lone)) => lone,
            Some(Err(fault)) => {
                let place = self.place(super::inner_range(raw, node.at, fault.at));
                report_var_error(self.diagnostics, self.vars, place, &fault.kind);
                return None;
            }
        };
        let at = node.at;
        let LoneValue { name, value, has_kind } = lone;
        let (text, value) = match value {
            VarValue::Integer(number) => (number.to_string(), TomlValue::Integer(Some(number))),
            VarValue::Boolean(value) => (value.to_string(), TomlValue::Boolean(value)),
            VarValue::Text(text) => {
                let text = text.reveal().to_owned();
                let read = if has_kind && !reads_texts { None } else { read_scalar(&text) };
                (text, read.unwrap_or(node.value))
            }
        };
        self.noted_value = Some(NotedValue { at, name, text });
        Some(TomlNode { at, value })
    }

    fn noted_value(&self, at: ByteRange) -> Option<&NotedValue> {
        self.noted_value.as_ref().filter(|noted| noted.at == at)
    }

    /// The value at a place as it is written: in the file, or for a `${name}` as the text of its value.
    pub(crate) fn written(&self, at: ByteRange) -> &str {
        self.noted_value(at).map_or_else(|| at.slice(&self.source), |noted| &noted.text)
    }

    /// The value at a place for a message, with the variable that gave it.
    pub(crate) fn describe_written(&self, at: ByteRange) -> String {
        match self.noted_value(at) {
            Some(noted) => format!("{} ({})", quoted(&noted.text), noted.origin()),
            None => quoted(at.slice(&self.source)),
        }
    }

    /// A message about the value at a place, with the variable that gave it.
    pub(super) fn with_origin(&self, at: ByteRange, message: String) -> String {
        match self.noted_value(at).map(NotedValue::origin) {
            Some(origin) if !message.contains(&origin) => format!("{message} ({origin})"),
            _ => message,
        }
    }

    /// The kind of a value, with its article, and with the variable that gave it.
    pub(crate) fn describe_value(&self, node: &TomlNode) -> String {
        let written = quoted(self.written(node.at));
        let noted = self.noted_value(node.at);
        let kind = match &node.value {
            TomlValue::String(_) if noted.is_some() => format!("the string {written}"),
            TomlValue::String(_) => "a string".to_owned(),
            TomlValue::Integer(_) => format!("the integer {written}"),
            TomlValue::Float => format!("the float {written}"),
            TomlValue::Boolean(value) => format!("the boolean `{value}`"),
            TomlValue::Datetime => "a date or time".to_owned(),
            TomlValue::Array(_) => "an array".to_owned(),
            TomlValue::Table(_) => "a table".to_owned(),
        };
        match noted {
            Some(noted) => format!("{kind} ({})", noted.origin()),
            None => kind,
        }
    }
}

impl NotedValue {
    fn origin(&self) -> String {
        format!("the value of {}", quoted(&format!("${{{}}}", self.name)))
    }
}

/// The integer, boolean or float of a text that has no kind of its own.
fn read_scalar(text: &str) -> Option<TomlValue> {
    match text {
        "true" => return Some(TomlValue::Boolean(true)),
        "false" => return Some(TomlValue::Boolean(false)),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
    if is_number && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(TomlValue::Integer(text.parse().ok()));
    }
    let is_float = is_number && text.parse::<f64>().is_ok_and(f64::is_finite);
    is_float.then_some(TomlValue::Float)
}
