//! Strings: free text, which may hold secrets, and names, references, patterns and paths, which may not.

use std::path::PathBuf;

use super::names::{HeaderName, KeyRule, is_token};
use super::{Cx, Shape};
use crate::diagnostic::quoted;
use crate::scenario::model::Text;
use crate::scenario::toml::Node;
use crate::scenario::write::json::{Json, object};
use scenario_log::name;

/// A string in which a variable may stand instead of what the schema wants.
pub(crate) fn or_variable(schema: Json) -> Json {
    object([(
        "anyOf",
        Json::List(vec![schema, object([("type", "string".into()), ("pattern", r"\$\{".into())])]),
    )])
}

/// A string of this pattern, or one with variables.
pub(crate) fn pattern(pattern: &str) -> Json {
    object([("type", "string".into()), ("pattern", format!(r"{pattern}|\$\{{").into())])
}

impl Shape for Text {
    const EXAMPLE: &'static str = r#""http://127.0.0.1:8080/a.pdf""#;

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Text> {
        cx.text(node, "a string", r#""some text""#)
    }

    fn schema() -> Json {
        object([("type", "string".into())])
    }
}

/// A text that is wanted only when it is used: a value that is captured in the run may stand in it.
#[derive(Debug)]
pub(crate) struct Late(pub(crate) Text);

impl Shape for Late {
    const EXAMPLE: &'static str = Text::EXAMPLE;

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Late> {
        cx.late_text(node, "a string", r#""some text""#).map(Late)
    }

    fn schema() -> Json {
        Text::schema()
    }
}

/// A string that the log shows as it is.
#[derive(Debug)]
pub(crate) struct Open(pub(crate) String);

impl Shape for Open {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Open> {
        cx.open_text(node, "a string", r#""some text""#).map(Open)
    }

    fn schema() -> Json {
        object([("type", "string".into())])
    }
}

/// A text that a program gets as an argument or in its environment: without NUL.
#[derive(Debug)]
pub(crate) struct Argument(pub(crate) Text);

impl Shape for Argument {
    const EXAMPLE: &'static str = r#""echo", "hello""#;

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Argument> {
        let at = node.at;
        let text = cx.text(node, "a string", r#""--verbose""#)?;
        if text.reveal().contains('\0') {
            cx.error(at, "a program cannot be given a NUL character");
            return None;
        }
        Some(Argument(text))
    }

    fn schema() -> Json {
        object([("type", "string".into()), ("pattern", r"^[^\u0000]*$".into())])
    }
}

/// The value of an HTTP header: without control characters but the tab (RFC 9110, 5.5).
#[derive(Debug)]
pub(crate) struct HeaderValue(pub(crate) Text);

impl Shape for HeaderValue {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<HeaderValue> {
        let at = node.at;
        let text = cx.late_text(node, "a string", r#""text/plain""#)?;
        if let Some(bad) = text.reveal().chars().find(|c| c.is_control() && *c != '\t') {
            let bad = u32::from(bad);
            cx.error(at, format!("a header's value has no control characters; this one has U+{bad:04X}"));
            return None;
        }
        Some(HeaderValue(text))
    }

    fn schema() -> Json {
        object([
            ("type", "string".into()),
            ("pattern", r"^[^\u0000-\u0008\u000a-\u001f\u007f-\u009f]*$".into()),
        ])
    }
}

/// The id of a timeline entry.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl Shape for Id {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Id> {
        let at = node.at;
        let id = cx.open_text(node, "a name", r#""wave-1""#)?;
        if let Some(fault) = name::fault(&id) {
            cx.error(at, fault);
            return None;
        }
        Some(Id(id))
    }

    fn schema() -> Json {
        pattern("^[A-Za-z0-9_.-]{1,64}$")
    }
}

/// The name of players: one `{n}` in it stands for their number.
#[derive(Debug)]
pub(crate) struct PlayerPattern(pub(crate) String);

impl Shape for PlayerPattern {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<PlayerPattern> {
        let at = node.at;
        let pattern = cx.open_text(node, "a name", r#""john", or "player-{n}" for many"#)?;
        // A lone `{n}` is a name as soon as it has its number.
        let numbered = pattern.replacen("{n}", "0", 1);
        let fault = name::fault(&numbered);
        if let Some(fault) = fault {
            cx.error_with_help(at, fault, "one `{n}` in it stands for the player's number");
            return None;
        }
        Some(PlayerPattern(pattern))
    }

    fn schema() -> Json {
        let short = object([("maxLength", 66.into())]);
        let name = pattern(r"^[A-Za-z0-9_.-]*(\{n\}[A-Za-z0-9_.-]*|[A-Za-z0-9_.-])$");
        object([("allOf", Json::List(vec![name, or_variable(short)]))])
    }
}

/// A regular expression, tried out.
#[derive(Debug)]
pub(crate) struct Pattern(pub(crate) String);

impl Shape for Pattern {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Pattern> {
        let at = node.at;
        let regex = cx.open_text(node, "a regular expression", r#""listening on .*""#)?;
        if let Some(fault) = cx.regex_fault(&regex) {
            cx.error_with_help(
                at,
                format!("this is no regular expression: {fault}"),
                "the syntax is that of https://docs.rs/regex; in '…' a backslash needs no second one",
            );
            return None;
        }
        Some(Pattern(regex))
    }

    fn schema() -> Json {
        object([("type", "string".into())])
    }
}

/// A path, as seen from the scenario's folder.
#[derive(Debug)]
pub(crate) struct FilePath(pub(crate) PathBuf);

impl Shape for FilePath {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<FilePath> {
        let at = node.at;
        let path = cx.open_text(node, "a path", r#""data/input.txt""#)?;
        if path.is_empty() || path.contains('\0') {
            cx.error(at, "a path is not empty and has no NUL character");
            return None;
        }
        Some(FilePath(cx.folder.join(path)))
    }

    fn schema() -> Json {
        object([("type", "string".into()), ("pattern", r"^[^\u0000]+$".into())])
    }
}

/// The path of an included file: as it is written, since it is read before there are variables.
#[derive(Debug)]
pub(crate) struct IncludePath(pub(crate) String);

impl Shape for IncludePath {
    const EXAMPLE: &'static str = r#""presets.toml""#;

    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<IncludePath> {
        let (raw, at) = cx.raw_string(node, "a path", r#""presets.toml""#)?;
        let source = std::rc::Rc::clone(&cx.source);
        let path = raw.get(&source);
        if path.is_empty() || path.contains('\0') {
            cx.error(at, "a path is not empty and has no NUL character");
            return None;
        }
        if path.contains("${") {
            cx.error(at, "the path of an included file holds no variables: they are read from it");
            return None;
        }
        Some(IncludePath(path.to_owned()))
    }

    fn schema() -> Json {
        object([
            ("type", "string".into()),
            ("pattern", r"^[^\u0000]+$".into()),
            ("not", object([("pattern", r"\$\{".into())])),
        ])
    }
}

/// An HTTP method.
#[derive(Debug)]
pub(crate) struct Method(pub(crate) String);

impl Shape for Method {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Method> {
        let at = node.at;
        let method = cx.open_text(node, "an HTTP method", r#""POST""#)?;
        if !is_token(&method) {
            cx.error_with_help(at, format!("{} is no HTTP method", quoted(&method)), "for example \"POST\"");
            return None;
        }
        if method.eq_ignore_ascii_case("CONNECT") {
            cx.error(at, "the method CONNECT opens a tunnel, which a fetch cannot use");
            return None;
        }
        let upper = method.to_ascii_uppercase();
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
        if upper != method && known.contains(&upper.as_str()) {
            cx.error_with_help(at, "methods are written in capitals", format!("write {upper:?}"));
            return None;
        }
        Some(Method(method))
    }

    fn schema() -> Json {
        let lower = "^([Gg][Ee][Tt]|[Hh][Ee][Aa][Dd]|[Pp][Oo][Ss][Tt]|[Pp][Uu][Tt]|[Pp][Aa][Tt][Cc][Hh]\
            |[Dd][Ee][Ll][Ee][Tt][Ee]|[Oo][Pp][Tt][Ii][Oo][Nn][Ss]|[Tt][Rr][Aa][Cc][Ee]|[Cc][Oo][Nn][Nn][Ee][Cc][Tt])$";
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
        let other = object([
            ("type", "string".into()),
            ("pattern", HeaderName::PATTERN.into()),
            ("not", object([("pattern", lower.into())])),
        ]);
        or_variable(object([("anyOf", Json::List(vec![object([("enum", known.into())]), other]))]))
    }
}
