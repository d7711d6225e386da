//! The steps of a player: a word and its operand. Cells and locks are not looked up here.

use super::decode_context::decode_snippet;
use super::span_text::TIME_UNIT_PATTERN;
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::quoted;
use crate::scenario::interval::Interval;
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::Json;
use scenario_log::name;

/// A step as it is written.
#[derive(Clone, Debug)]
pub(crate) struct RawStep {
    /// The whole text, without the spaces around it.
    pub(crate) text: String,
    pub(crate) action: RawStepAction,
}

/// The action of a step; its names have not been looked up.
#[derive(Clone, Debug)]
pub(crate) enum RawStepAction {
    Load(String),
    Store(String),
    Add(i64),
    Mul(i64),
    Lock(String),
    Unlock(String),
    Pause(Interval),
    Move,
    Say,
}

/// Each word, with the form of its step.
const STEP_FORMS: [(&str, &str); 9] = [
    ("load", "load CELL"),
    ("store", "store CELL"),
    ("add", "add 1"),
    ("mul", "mul 2"),
    ("lock", "lock NAME"),
    ("unlock", "unlock NAME"),
    ("pause", "pause 0s..1s"),
    ("move", "move"),
    ("say", "say TEXT"),
];

impl TomlSchema for RawStep {
    fn list_example() -> Option<Json> {
        Some(Json::from(["load a", "add 1", "store a"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        Some(format!("[{}]", own_words::toml_string(text)))
    }

    const EXAMPLE: &'static str = r#""load a", "add 1", "store a""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawStep> {
        let at = node.at;
        let written = cx.decode_public_text(node, "a step", Self::EXAMPLE)?;
        let text = written.trim().to_owned();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let rest = rest.trim_start();
        match parse_action(word, rest) {
            Ok(act) => Some(RawStep { text, action: act }),
            Err(StepError::UnknownWord) => {
                let nearest = cx.diagnostics.closest_name(word, STEP_FORMS.iter().map(|(word, _)| *word));
                let meant =
                    nearest.map_or_else(String::new, |word| format!("did you mean {}? ", quoted(word)));
                let all: Vec<&str> = STEP_FORMS.iter().map(|(_, form)| *form).collect();
                let help = format!("{meant}the steps are {}", all.join(", "));
                cx.error_with_help(at, format!("{} is not a step", quoted(word)), help);
                None
            }
            Err(StepError::InvalidOperand(fault)) => {
                let form = STEP_FORMS.iter().find(|(own, _)| *own == word).map_or("", |(_, form)| form);
                cx.error_with_help(at, fault, format!("for example {form:?}"));
                None
            }
        }
    }

    fn schema() -> Json {
        let name = "[A-Za-z0-9_.-]{1,64}";
        let span = format!("([0-9]+(\\.[0-9]+)?[ \\t]*({TIME_UNIT_PATTERN})[ \\t]*)+");
        pattern_schema(&format!(
            "^\\s*((load|store|lock|unlock)\\s+{name}|(add|mul)\\s+[+-]?[0-9]{{1,19}}\
             |pause\\s+({span}(\\.\\.[ \\t]*{span})?|\\{{.*\\}})|move|say\\s+\\S.*)\\s*$"
        ))
    }
}

/// The error of a step.
enum StepError {
    UnknownWord,
    /// The operand is missing or wrong, with a message.
    InvalidOperand(String),
}

fn parse_action(word: &str, rest: &str) -> Result<RawStepAction, StepError> {
    let name = |make: fn(String) -> RawStepAction, what: &str| match name::name_error(rest) {
        None => Ok(make(rest.to_owned())),
        Some(_) if rest.is_empty() => Err(StepError::InvalidOperand(format!("`{word}` lacks {what}"))),
        Some(fault) => Err(StepError::InvalidOperand(fault)),
    };
    let number = |make: fn(i64) -> RawStepAction| {
        let fault = || match rest {
            "" => format!("`{word}` lacks a number"),
            rest => format!("{} is not a whole number from {} to {}", quoted(rest), i64::MIN, i64::MAX),
        };
        rest.parse().map(make).map_err(|_| StepError::InvalidOperand(fault()))
    };
    match word {
        "load" => name(RawStepAction::Load, "the name of a cell"),
        "store" => name(RawStepAction::Store, "the name of a cell"),
        "lock" => name(RawStepAction::Lock, "the name of a lock"),
        "unlock" => name(RawStepAction::Unlock, "the name of a lock"),
        "add" => number(RawStepAction::Add),
        "mul" => number(RawStepAction::Mul),
        "pause" => parse_pause(rest).map(RawStepAction::Pause).map_err(StepError::InvalidOperand),
        "move" if rest.is_empty() => Ok(RawStepAction::Move),
        "move" => {
            Err(StepError::InvalidOperand(format!("`move` stands alone; {} is too much", quoted(rest))))
        }
        "say" if rest.is_empty() => Err(StepError::InvalidOperand("`say` lacks a text".to_owned())),
        "say" => Ok(RawStepAction::Say),
        _ => Err(StepError::UnknownWord),
    }
}

/// Reads an interval in the same way as the value of a key; the error is a message.
fn parse_pause(text: &str) -> Result<Interval, String> {
    if text.is_empty() {
        return Err("`pause` lacks an interval".to_owned());
    }
    if text.contains(['\n', '\r', '\\']) || (!text.starts_with('{') && text.contains('"')) {
        return Err(format!("{} is not an interval", quoted(text)));
    }
    let source = if text.starts_with('{') { format!("a = {text}") } else { format!("a = \"{text}\"") };
    decode_snippet("a", source.into()).map_err(|fault| {
        fault.map_or_else(|| format!("{} is not an interval", quoted(text)), |fault| fault.message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::Span;

    #[test]
    fn pauses_are_intervals_of_any_form() {
        let second = Span::from_secs(1);
        assert_eq!(parse_pause("1s"), Ok(Interval::Constant(second)));
        assert_eq!(parse_pause("0s..1s"), Ok(Interval::Uniform { from: Span::ZERO, to: second }));
        assert_eq!(parse_pause("{ exponential = \"1s\" }"), Ok(Interval::Exponential { mean: second }));
        for wrong in ["", "1", "1s..0s", "{ exponential = 1 }", "{", "1s\" # ", "a\nb = 1", "\"1s\""] {
            assert!(parse_pause(wrong).is_err(), "{wrong}");
        }
    }
}
