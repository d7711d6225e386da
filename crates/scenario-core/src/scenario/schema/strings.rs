//! Strings: free texts, which may hold secrets, and names, references, patterns and paths, which must not.

use std::path::PathBuf;

use super::key_rules::{EnvNameRule, HeaderNameRule, KeyRule, is_token};
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::quoted;
use crate::scenario::model::ScenarioText;
use crate::scenario::toml::{ByteRange, TomlNode};
use crate::scenario::write::json::{Json, object};
use crate::scenario::write::toml_writer::to_inline_toml;
use scenario_log::name;

/// The schema of a value, or of a string with a variable in it.
pub(crate) fn or_variable_schema(schema: Json) -> Json {
    object([(
        "anyOf",
        Json::List(vec![schema, object([("type", "string".into()), ("pattern", r"\$\{".into())])]),
    )])
}

/// The schema of a string of this pattern, or of a string with a variable in it.
pub(crate) fn pattern_schema(pattern: &str) -> Json {
    object([("type", "string".into()), ("pattern", format!(r"{pattern}|\$\{{").into())])
}

/// The schema of a string that is one of these words, or of the pattern, which takes all of them: editors offer
/// the words.
pub(crate) fn words_or_pattern_schema<'w>(words: impl Iterator<Item = &'w str>, pattern: &str) -> Json {
    let words = object([("enum", words.collect())]);
    object([("anyOf", Json::List(vec![words, pattern_schema(pattern)]))])
}

impl TomlSchema for ScenarioText {
    const EXAMPLE: &'static str = r#""http://127.0.0.1:8080/a.pdf""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ScenarioText> {
        cx.decode_text(node, "a string", r#""some text""#)
    }

    fn schema() -> Json {
        object([("type", "string".into())])
    }
}

/// A text that is needed only when it is used, so that values that are captured during the run may stand in
/// it.
#[derive(Debug)]
pub(crate) struct DeferredText(pub(crate) ScenarioText);

impl TomlSchema for DeferredText {
    const EXAMPLE: &'static str = ScenarioText::EXAMPLE;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<DeferredText> {
        cx.decode_deferred_text(node, "a string", r#""some text""#).map(DeferredText)
    }

    fn schema() -> Json {
        ScenarioText::schema()
    }
}

/// A text of a request, in which may stand what the request gets when it starts: its row, its number, draws.
#[derive(Debug)]
pub(crate) struct RequestText(pub(crate) ScenarioText);

impl TomlSchema for RequestText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RequestText> {
        cx.decode_request_text(node, "a string", r#""some text""#).map(RequestText)
    }

    fn schema() -> Json {
        ScenarioText::schema()
    }
}

/// A URL. The values of the environment in it are encoded for their part. With `LATE` it may have gaps for
/// values that are captured during the run.
#[derive(Debug)]
pub(crate) struct UrlText<const LATE: bool>(pub(crate) ScenarioText);

impl<const LATE: bool> TomlSchema for UrlText<LATE> {
    const EXAMPLE: &'static str = ScenarioText::EXAMPLE;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<UrlText<LATE>> {
        cx.decode_url(node, LATE).map(UrlText)
    }

    fn schema() -> Json {
        ScenarioText::schema()
    }

    fn list_example() -> Option<Json> {
        Some(Json::from(["http://127.0.0.1:8080/a.pdf"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        // The part before an `@` may be a password.
        (!text.contains('@')).then(|| format!("[{}]", own_words::toml_string(text)))
    }
}

/// A string that the log shows as it is; it must not hold secrets.
#[derive(Debug)]
pub(crate) struct PublicString(pub(crate) String);

impl TomlSchema for PublicString {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<PublicString> {
        cx.decode_public_text(node, "a string", r#""some text""#).map(PublicString)
    }

    fn schema() -> Json {
        object([("type", "string".into())])
    }
}

/// A text without NUL, for an argument or an environment variable of a program.
#[derive(Debug)]
pub(crate) struct NulFreeText(pub(crate) ScenarioText);

impl TomlSchema for NulFreeText {
    const EXAMPLE: &'static str = r#""echo", "hello""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<NulFreeText> {
        decode_nul_free(cx, node, r#""--verbose""#).map(NulFreeText)
    }

    fn schema() -> Json {
        object([("type", "string".into()), ("pattern", r"^[^\u0000]*$".into())])
    }

    fn list_example() -> Option<Json> {
        Some(Json::from(["python3", "-u", "server.py"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        own_words::command_list(text)
    }
}

fn decode_nul_free(cx: &mut DecodeContext<'_>, node: TomlNode, example: &str) -> Option<ScenarioText> {
    let at = node.at;
    let text = cx.decode_program_text(node, "a string", example)?;
    if text.reveal().contains('\0') {
        cx.error(at, "a program cannot receive a NUL character");
        return None;
    }
    Some(text)
}

/// The value of an environment variable: a text without NUL.
#[derive(Debug)]
pub(crate) struct EnvText(pub(crate) ScenarioText);

impl TomlSchema for EnvText {
    const EXAMPLE: &'static str = r#""development""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<EnvText> {
        decode_nul_free(cx, node, Self::EXAMPLE).map(EnvText)
    }

    fn schema() -> Json {
        NulFreeText::schema()
    }
}

/// The value of an HTTP header: the tab is its only control character (RFC 9110, 5.5).
#[derive(Debug)]
pub(crate) struct HeaderValueText(pub(crate) ScenarioText);

impl TomlSchema for HeaderValueText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<HeaderValueText> {
        let at = node.at;
        let text = cx.decode_request_text(node, "a string", r#""text/plain""#)?;
        without_controls(cx, at, text).map(HeaderValueText)
    }

    fn schema() -> Json {
        object([
            ("type", "string".into()),
            ("pattern", r"^[^\u0000-\u0008\u000a-\u001f\u007f-\u009f]*$".into()),
        ])
    }
}

fn without_controls(cx: &mut DecodeContext<'_>, at: ByteRange, text: ScenarioText) -> Option<ScenarioText> {
    if let Some(bad) = text.reveal().chars().find(|c| c.is_control() && *c != '\t') {
        let bad = u32::from(bad);
        cx.error(
            at,
            format!("the value of a header must not have control characters; this one has U+{bad:04X}"),
        );
        return None;
    }
    Some(text)
}

/// The value of a header of a probe, which knows no rows, no draws and no captured values.
#[derive(Debug)]
pub(crate) struct ProbeHeaderText(pub(crate) ScenarioText);

impl TomlSchema for ProbeHeaderText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ProbeHeaderText> {
        let at = node.at;
        let text = cx.decode_text(node, "a string", r#""text/plain""#)?;
        without_controls(cx, at, text).map(ProbeHeaderText)
    }

    fn schema() -> Json {
        HeaderValueText::schema()
    }
}

/// The id of a timeline entry.
#[derive(Debug)]
pub(crate) struct EntryIdText(pub(crate) String);

impl TomlSchema for EntryIdText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<EntryIdText> {
        let at = node.at;
        let id = cx.decode_public_text(node, "a name", r#""wave-1""#)?;
        if let Some(fault) = name::name_error(&id) {
            cx.error(at, fault);
            return None;
        }
        Some(EntryIdText(id))
    }

    fn schema() -> Json {
        pattern_schema("^[A-Za-z0-9_.-]{1,64}$").with("examples", Json::from(["server", "wave-1"]))
    }
}

/// The name of players, in which one `{n}` stands for their number.
#[derive(Debug)]
pub(crate) struct PlayerNamePattern(pub(crate) String);

impl TomlSchema for PlayerNamePattern {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<PlayerNamePattern> {
        let at = node.at;
        let pattern = cx.decode_public_text(node, "a name", r#""john", or "player-{n}" for many"#)?;
        // A lone `{n}` becomes a valid name with its number.
        let numbered = pattern.replacen("{n}", "0", 1);
        if let Some(fault) = name::player_name_error(&numbered) {
            cx.error(at, fault);
            return None;
        }
        if numbered.contains("{n}") {
            let fault = "a player's number stands once in its name: this one has `{n}` twice";
            cx.error_with_help(at, fault, "remove one `{n}`");
            return None;
        }
        Some(PlayerNamePattern(pattern))
    }

    fn schema() -> Json {
        let short = object([("maxLength", 66.into())]);
        let name = pattern_schema(r"^[^\u0000-\u001f\u007f-\u009f]+$");
        let twice = object([("pattern", r"\{n\}.*\{n\}".into())]);
        object([
            ("allOf", Json::List(vec![name, or_variable_schema(short)])),
            ("not", twice),
            ("examples", Json::from(["john", "player-{n}"])),
        ])
    }
}

/// The direction of a move: one word. Whether a world allows it is checked later.
#[derive(Clone, Debug)]
pub(crate) struct DirectionWord(pub(crate) String);

impl TomlSchema for DirectionWord {
    const EXAMPLE: &'static str = r#""N""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<DirectionWord> {
        let at = node.at;
        let word = cx.decode_public_text(node, "a word", r#""N""#)?;
        if let Some(fault) = name::direction_error(&word) {
            let joined = word.split_whitespace().collect::<Vec<_>>().join("-");
            match name::direction_error(&joined) {
                None => cx.error_with_help(at, fault, format!("for example {joined:?}")),
                Some(_) => cx.error(at, fault),
            }
            return None;
        }
        Some(DirectionWord(word))
    }

    fn schema() -> Json {
        pattern_schema(r"^[^\s\u0000-\u001f\u007f-\u009f]{1,64}$")
            .with("examples", Json::from(["N", "S", "E", "W"]))
    }

    fn list_example() -> Option<Json> {
        Some(Json::from(["serve", "rest"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        let words: Json = text.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        Some(to_inline_toml(&words))
    }
}

/// The name of a step in figures: any text of up to 64 characters without control characters.
#[derive(Clone, Debug)]
pub(crate) struct StepLabel(pub(crate) String);

impl TomlSchema for StepLabel {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<StepLabel> {
        let at = node.at;
        let label = cx.decode_public_text(node, "a name", r#""log in""#)?;
        match name::step_label_error(&label) {
            None => Some(StepLabel(label)),
            Some(fault) => {
                cx.error(at, fault);
                None
            }
        }
    }

    fn schema() -> Json {
        pattern_schema(r"^[^\u0000-\u001f\u007f-\u009f]{1,64}$").with("examples", Json::from(["log in"]))
    }
}

/// A valid regular expression.
#[derive(Debug)]
pub(crate) struct RegexText(pub(crate) String);

impl TomlSchema for RegexText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RegexText> {
        let at = node.at;
        let regex = cx.decode_public_text(node, "a regular expression", r#""listening on .*""#)?;
        is_regex(cx, at, &regex).then_some(RegexText(regex))
    }

    fn schema() -> Json {
        object([("type", "string".into()), ("examples", Json::from(["listening on .*", "^ERROR"]))])
    }
}

/// Whether a text is a regular expression; reports why it is none.
fn is_regex(cx: &mut DecodeContext<'_>, at: ByteRange, text: &str) -> bool {
    let fault = cx.regex_error(text);
    if let Some(fault) = &fault {
        cx.error_with_help(
            at,
            format!("this is not a regular expression: {fault}"),
            "the syntax is that of https://docs.rs/regex; in '…' a backslash is written once",
        );
    }
    fault.is_none()
}

/// Whether a text can be a path; reports if it cannot.
fn is_path(cx: &mut DecodeContext<'_>, at: ByteRange, text: &str) -> bool {
    let is_path = !text.is_empty() && !text.contains('\0');
    if !is_path {
        cx.error(at, "a path must not be empty and must not have a NUL character");
    }
    is_path
}

/// A text of a program, in which the number of its spawn may stand.
#[derive(Debug)]
pub(crate) struct ProgramText(pub(crate) ScenarioText);

impl TomlSchema for ProgramText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ProgramText> {
        cx.decode_program_text(node, "a string", r#""some text""#).map(ProgramText)
    }

    fn schema() -> Json {
        ScenarioText::schema()
    }
}

/// A regular expression that is valid with any number of a spawn.
#[derive(Debug)]
pub(crate) struct ProgramRegex(pub(crate) ScenarioText);

impl TomlSchema for ProgramRegex {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ProgramRegex> {
        let at = node.at;
        let regex = cx.decode_public_program_text(node, "a regular expression", r#""listening on .*""#)?;
        is_regex(cx, at, regex.for_instance(1).reveal()).then_some(ProgramRegex(regex))
    }

    fn schema() -> Json {
        RegexText::schema()
    }
}

/// A path relative to the scenario's folder, in which the number of a spawn may stand.
#[derive(Debug)]
pub(crate) struct ProgramPath(pub(crate) ScenarioText);

impl TomlSchema for ProgramPath {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ProgramPath> {
        let at = node.at;
        let path = cx.decode_public_program_text(node, "a path", r#""data/input.txt""#)?;
        let shown = path.for_instance(1);
        if !is_path(cx, at, shown.reveal()) {
            return None;
        }
        if cx.folder.as_os_str().is_empty() || shown.reveal().starts_with('/') {
            return Some(ProgramPath(path));
        }
        let folder = format!("{}/", cx.folder.to_string_lossy());
        Some(ProgramPath(path.with_inserted(0, &folder)))
    }

    fn schema() -> Json {
        ScenarioPath::schema()
    }
}

/// A path, relative to the scenario's folder.
#[derive(Debug)]
pub(crate) struct ScenarioPath(pub(crate) PathBuf);

impl TomlSchema for ScenarioPath {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ScenarioPath> {
        let at = node.at;
        let path = cx.decode_public_text(node, "a path", r#""data/input.txt""#)?;
        is_path(cx, at, &path).then(|| ScenarioPath(cx.folder.join(path)))
    }

    fn schema() -> Json {
        object([("type", "string".into()), ("pattern", r"^[^\u0000]+$".into())])
            .with("examples", Json::from(["data/input.txt"]))
    }
}

/// The path of an included file as it is written: it is read before the variables are known.
#[derive(Debug)]
pub(crate) struct IncludePath(pub(crate) String);

impl TomlSchema for IncludePath {
    const EXAMPLE: &'static str = r#""presets.toml""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<IncludePath> {
        let (raw, at) = cx.take_string(node, "a path", r#""presets.toml""#)?;
        let source = std::rc::Rc::clone(&cx.source);
        let path = raw.as_str(&source);
        if path.is_empty() || path.contains('\0') {
            cx.error(at, "a path must not be empty and must not have a NUL character");
            return None;
        }
        if path.contains("${") {
            cx.error(
                at,
                "the path of an included file cannot have variables: it is read before they are known",
            );
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

    fn list_example() -> Option<Json> {
        Some(Json::from(["presets.toml"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        Some(format!("[{}]", own_words::toml_string(text)))
    }
}

/// The name of a variable of the environment, as it is written.
#[derive(Debug)]
pub(crate) struct EnvName(pub(crate) String);

impl TomlSchema for EnvName {
    const EXAMPLE: &'static str = r#""MODE""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<EnvName> {
        let (raw, at) = cx.take_string(node, "the name of an environment variable", r#""MODE""#)?;
        let source = std::rc::Rc::clone(&cx.source);
        let name = raw.as_str(&source);
        if name.contains("${") {
            cx.error_with_help(
                at,
                "this is a list of names, without `${env:…}`",
                "for example plain = [\"MODE\"]",
            );
            return None;
        }
        if let Some(fault) = EnvNameRule::key_error(name) {
            cx.error(at, fault);
            return None;
        }
        Some(EnvName(name.to_owned()))
    }

    fn schema() -> Json {
        object([
            ("type", "string".into()),
            ("pattern", EnvNameRule::PATTERN.into()),
            ("not", object([("pattern", r"\$\{".into())])),
        ])
    }
}

/// A valid HTTP method.
#[derive(Clone, Debug)]
pub(crate) struct HttpMethod(pub(crate) String);

impl TomlSchema for HttpMethod {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<HttpMethod> {
        let at = node.at;
        let method = cx.decode_public_text(node, "an HTTP method", r#""POST""#)?;
        if !is_token(&method) {
            cx.error_with_help(
                at,
                format!("{} is not an HTTP method", quoted(&method)),
                "for example \"POST\"",
            );
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
        Some(HttpMethod(method))
    }

    fn schema() -> Json {
        let lower = "^([Gg][Ee][Tt]|[Hh][Ee][Aa][Dd]|[Pp][Oo][Ss][Tt]|[Pp][Uu][Tt]|[Pp][Aa][Tt][Cc][Hh]\
            |[Dd][Ee][Ll][Ee][Tt][Ee]|[Oo][Pp][Tt][Ii][Oo][Nn][Ss]|[Tt][Rr][Aa][Cc][Ee]|[Cc][Oo][Nn][Nn][Ee][Cc][Tt])$";
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
        let other = object([
            ("type", "string".into()),
            ("pattern", HeaderNameRule::PATTERN.into()),
            ("not", object([("pattern", lower.into())])),
        ]);
        or_variable_schema(object([("anyOf", Json::List(vec![object([("enum", known.into())]), other]))]))
    }
}
