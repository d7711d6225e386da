//! The steps of a player: a string with a word and its operand, or a table for steps that have steps in them.
//! Nothing is looked up here.

use super::collections::ListOf;
use super::decode_context::decode_snippet;
use super::encode::TomlEncode;
use super::lone_variable::or_lone_variable_schema;
use super::numbers::{BoundedInt, report_out_of_range};
use super::span_text::TIME_UNIT_PATTERN;
use super::step_conditions::{CONDITION_FORMS, parse_condition};
use super::strings::{PublicString, StepLabel, pattern_schema};
use super::table::{TableRule, table};
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::quoted;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::{
    Chance, ConditionTest, PlayerStep, RoundCount, StepAction, StepBlock, WeightedSteps,
};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::name;

/// A step as it is written.
#[derive(Debug)]
pub(crate) enum RawStep {
    /// A string.
    Text {
        /// The whole text, without the spaces around it.
        text: String,
        action: RawStepAction,
    },
    /// A table.
    Table(Box<RawStepTable>),
}

/// The action of a step; its names have not been looked up.
#[derive(Clone, Debug)]
pub(crate) enum RawStepAction {
    Load(String),
    Store(String),
    Set(i64),
    Add(i64),
    Mul(i64),
    CompareAndSwap { cell: String, expected: i64, new: i64 },
    Lock(String),
    Unlock(String),
    Wait(RawCondition),
    Assert(RawCondition),
    Send(String),
    Receive(String),
    Pause(Interval),
    Move,
    Say,
    Mark,
    Fetch(String),
    Spawn(String),
    Stop(String),
    End,
}

/// A condition as it is written, and its meaning with names for cells.
#[derive(Clone, Debug)]
pub(crate) struct RawCondition {
    pub(crate) text: String,
    pub(crate) test: ConditionTest<String>,
}

/// Each word, with the form of its step.
const STEP_FORMS: [(&str, &str); 20] = [
    ("load", "load CELL"),
    ("store", "store CELL"),
    ("set", "set 1"),
    ("add", "add 1"),
    ("mul", "mul 2"),
    ("cas", "cas CELL 0 1"),
    ("lock", "lock NAME"),
    ("unlock", "unlock NAME"),
    ("wait", "wait CELL == 0"),
    ("assert", "assert CELL == 0"),
    ("send", "send CHANNEL"),
    ("recv", "recv CHANNEL"),
    ("pause", "pause 0s..1s"),
    ("move", "move"),
    ("say", "say TEXT"),
    ("mark", "mark TEXT"),
    ("fetch", "fetch NAME"),
    ("spawn", "spawn PRESET"),
    ("stop", "stop ID"),
    ("end", "end"),
];

/// The words that begin a table.
const TABLE_FORMS: [(&str, &str); 6] = [
    ("repeat", "{ repeat = 3, steps = […] }"),
    ("while", "{ while = \"a < 3\", steps = […] }"),
    ("if", "{ if = \"a == 1\", steps = […], else = […] }"),
    ("chance", "{ chance = 0.3, steps = […] }"),
    ("choose", "{ choose = [{ weight = 3, steps = […] }, { steps = […] }] }"),
    ("all", "{ all = [\"fetch a\", \"fetch b\"] }"),
];

table! {
    /// A step that is a table: a fetch with a name for its figures, or steps that are repeated or chosen. It
    /// has exactly one of `fetch`, `all`, `repeat`, `while`, `if`, `chance` and `choose`.
    RawStepTable is "a step" from (StepBlock) like "{ repeat = 3, steps = [\"add 1\"] }" with [
        TableRule::ExactlyOne(&["fetch", "all", "repeat", "while", "if", "chance", "choose"]),
        TableRule::NeedsAny("as", &["fetch", "all"]),
        TableRule::NeedsAny("steps", &["repeat", "while", "if", "chance"]),
        TableRule::NeedsAny("else", &["if", "chance"]),
        TableRule::NeedsAny("repeat", &["steps"]),
        TableRule::NeedsAny("while", &["steps"]),
        TableRule::NeedsAny("if", &["steps"]),
        TableRule::NeedsAny("chance", &["steps"]),
    ] {
        /// The name of a fetch; the step is one round of it, and ends when that has ended.
        "fetch" fetch: PublicString => |block| match fetches_of(block) {
            Some([one]) => Some(&one.name),
            _ => None,
        },
        /// Fetches that the player sends all at once; the step ends when all of them have ended.
        "all" all: ListOf<RawStep, 1> => |block| {
            let fetches = fetches_of(block).filter(|fetches| fetches.len() > 1)?;
            Some(fetches.iter().map(|one| match one.label == one.name {
                true => encode_text(&format!("fetch {}", one.name)),
                false => object([("fetch", encode_text(&one.name)), ("as", encode_text(&one.label))]),
            }).collect::<Json>())
        },
        /// The name of the step in figures. Default: the name of the fetch.
        "as" label: StepLabel => |block| match fetches_of(block) {
            Some([one]) if one.label != one.name => Some(&one.label),
            _ => None,
        },
        /// How often the steps are repeated: a number, a range such as `"2..5"` from which the number is drawn,
        /// both ends included, or `"forever"`.
        "repeat" repeat: RoundCount => |block| match block {
            StepBlock::Repeat { rounds, .. } => Some(*rounds),
            _ => None,
        },
        /// A condition, such as `"a < 3"`; the steps are repeated as long as it holds before a round.
        "while" while_: RawCondition => |block| match block {
            StepBlock::While { condition, .. } => Some(&condition.text),
            _ => None,
        },
        /// A condition, such as `"a == 1 and not failed"`; the steps are taken if it holds, and those of `else`
        /// if it does not.
        "if" if_: RawCondition => |block| match block {
            StepBlock::If { condition, .. } => Some(&condition.text),
            _ => None,
        },
        /// The chance that the steps are taken, from 0 to 1, with at most six decimals; otherwise those of
        /// `else` are.
        "chance" chance: Chance => |block| match block {
            StepBlock::Chance { chance, .. } => Some(*chance),
            _ => None,
        },
        /// Lists of steps, of which one is drawn by its weight.
        "choose" choose: ListOf<RawChoice, 1> => |block| match block {
            StepBlock::Choose(choices) => Some(choices.iter().map(RawChoice::write).collect::<Json>()),
            _ => None,
        },
        /// The steps of each round, or of the condition or chance.
        "steps" steps: ListOf<RawStep, 1> => |block| match block {
            StepBlock::Repeat { body, .. } | StepBlock::While { body, .. } => Some(encode_blocks(body)),
            StepBlock::If { then, .. } | StepBlock::Chance { then, .. } => Some(encode_blocks(then)),
            StepBlock::Step(_) | StepBlock::Choose(_) => None,
        },
        /// The steps that are taken if the condition does not hold, or otherwise than by chance.
        "else" otherwise: ListOf<RawStep, 1> => |block| match block {
            StepBlock::If { otherwise, .. } | StepBlock::Chance { otherwise, .. } if !otherwise.is_empty() => {
                Some(encode_blocks(otherwise))
            }
            _ => None,
        },
    }
}

table! {
    /// One of several lists of steps, of which a player draws one.
    RawChoice is "a choice" from (WeightedSteps) like "{ weight = 3, steps = [\"add 1\"] }" with [
        TableRule::Required("steps", "steps = [\"add 1\"]"),
    ] {
        /// The weight of this list among all, from 1 to 1,000,000: one of weight 3 is drawn three times as
        /// often as one of weight 1.
        "weight" weight: BoundedInt<1, 1_000_000> = 1 => |choice| choice.weight,
        /// The steps.
        "steps" steps: ListOf<RawStep, 1> => |choice| Some(encode_blocks(&choice.body)),
    }
}

/// The fetches of a step that is one.
fn fetches_of(block: &StepBlock) -> Option<&[crate::scenario::model::steps::FetchStep]> {
    match block {
        StepBlock::Step(PlayerStep { action: StepAction::Fetch(fetches), .. }) => Some(fetches),
        _ => None,
    }
}

/// A text, in which nothing is a variable.
fn encode_text(text: &str) -> Json {
    text.encode().unwrap_or(Json::Null)
}

/// Steps as a file has them.
pub(crate) fn encode_blocks(blocks: &[StepBlock]) -> Json {
    let write = |block: &StepBlock| match block {
        StepBlock::Step(step) => match fetches_of(block) {
            Some([one]) if one.label != one.name => RawStepTable::write(block),
            Some([_, _, ..]) => RawStepTable::write(block),
            _ => encode_text(&step.text),
        },
        _ => RawStepTable::write(block),
    };
    blocks.iter().map(write).collect()
}

/// The schema of a step, to which [`RawStep::schema`] refers: steps nest.
pub(crate) fn step_definition() -> Json {
    let name = "[A-Za-z0-9_.-]{1,64}";
    let number = "[+-]?[0-9]{1,19}";
    let span = format!("([0-9]+(\\.[0-9]+)?[ \\t]*({TIME_UNIT_PATTERN})[ \\t]*)+");
    let text = pattern_schema(&format!(
        "^\\s*((load|store|lock|unlock|send|recv|fetch|spawn|stop)\\s+{name}|(set|add|mul)\\s+{number}\
         |cas\\s+{name}\\s+{number}\\s+{number}|pause\\s+({span}(\\.\\.[ \\t]*{span})?|\\{{.*\\}})|move|end\
         |(say|mark|wait|assert)\\s+\\S.*)\\s*$"
    ));
    object([("anyOf", Json::List(vec![text, RawStepTable::schema()]))])
}

impl TomlSchema for RawStep {
    fn list_example() -> Option<Json> {
        Some(Json::from(["load a", "add 1", "store a"]))
    }

    fn list_of_text(text: &str) -> Option<String> {
        Some(format!("[{}]", own_words::toml_string(text)))
    }

    const EXAMPLE: &'static str = r#""load a", "add 1", "store a""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawStep> {
        if matches!(node.value, TomlValue::Table(_)) {
            return RawStepTable::decode(cx, node).map(|table| RawStep::Table(Box::new(table)));
        }
        let at = node.at;
        let written = cx.decode_public_text(node, "a step", Self::EXAMPLE)?;
        let text = written.trim().to_owned();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        match parse_action(word, rest.trim_start()) {
            Ok(action) => Some(RawStep::Text { text, action }),
            Err(StepError::UnknownWord) => {
                let help = unknown_word_help(cx, word);
                cx.error_with_help(at, format!("{} is not a step", quoted(word)), help);
                None
            }
            Err(StepError::InvalidOperand(fault)) => {
                let form = STEP_FORMS.iter().find(|(own, _)| *own == word).map_or("", |(_, form)| form);
                cx.error_with_help(at, fault, format!("for example {form:?}"));
                None
            }
            Err(StepError::InvalidCondition(fault)) => {
                cx.error_with_help(at, fault, CONDITION_FORMS);
                None
            }
        }
    }

    fn schema() -> Json {
        object([("$ref", "#/$defs/step".into())])
    }
}

/// The help for a word that begins no step.
fn unknown_word_help(cx: &mut DecodeContext<'_>, word: &str) -> String {
    if let Some((_, form)) = TABLE_FORMS.iter().find(|(own, _)| *own == word) {
        return format!("it is a table: {form}");
    }
    let words = STEP_FORMS.iter().chain(&TABLE_FORMS).map(|(word, _)| *word);
    let nearest = cx.diagnostics.closest_name(word, words);
    let meant = nearest.map_or_else(String::new, |word| format!("did you mean {}? ", quoted(word)));
    let all: Vec<&str> = STEP_FORMS.iter().map(|(_, form)| *form).collect();
    let tables: Vec<&str> = TABLE_FORMS.iter().map(|(word, _)| *word).collect();
    format!("{meant}the steps are {}; and the tables {}", all.join(", "), tables.join(", "))
}

impl TomlSchema for RawCondition {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawCondition> {
        let at = node.at;
        let text = cx.decode_public_text(node, "a condition", "\"a == 1\"")?.trim().to_owned();
        match parse_condition(&text) {
            Ok(test) => Some(RawCondition { text, test }),
            Err(fault) => {
                cx.error_with_help(at, fault, CONDITION_FORMS);
                None
            }
        }
    }

    fn schema() -> Json {
        pattern_schema("\\S").with("examples", Json::from(["a == 1", "register < 3 and not failed"]))
    }
}

const ROUND_FORMS: &str = "3, \"2..5\" or \"forever\"";

/// The most rounds of a loop.
const MAX_ROUNDS: u32 = 1_000_000_000;

impl TomlSchema for RoundCount {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RoundCount> {
        let at = node.at;
        let node = cx.resolve_in_text(node)?;
        if let TomlValue::Integer(number) = node.value {
            let rounds = number.and_then(|number| u32::try_from(number).ok()).filter(|n| *n <= MAX_ROUNDS);
            if rounds.is_none() {
                report_out_of_range(cx, at, 0, MAX_ROUNDS.into());
            }
            return rounds.map(|rounds| RoundCount::Between(rounds, rounds));
        }
        let text = cx.decode_public_text(node, "a number of rounds", ROUND_FORMS)?;
        if text == "forever" {
            return Some(RoundCount::Forever);
        }
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number <= MAX_ROUNDS);
        let range = text.split_once("..").and_then(|(from, to)| number(from).zip(number(to)));
        match range {
            Some((from, to)) if from <= to => Some(RoundCount::Between(from, to)),
            Some(_) => {
                cx.error_with_help(
                    at,
                    "this range ends before it begins",
                    format!("the forms are {ROUND_FORMS}"),
                );
                None
            }
            None => {
                let fault = format!("{} is not a number of rounds", quoted(&text));
                cx.error_with_help(at, fault, format!("the forms are {ROUND_FORMS}"));
                None
            }
        }
    }

    fn schema() -> Json {
        let number = object([
            ("type", "integer".into()),
            ("minimum", Json::Int(0)),
            ("maximum", Json::Int(MAX_ROUNDS.into())),
        ]);
        let text = pattern_schema("^([ \\t]*[0-9]{1,10}[ \\t]*\\.\\.[ \\t]*[0-9]{1,10}[ \\t]*|forever)$");
        object([("anyOf", Json::List(vec![number, text]))]).with("examples", Json::from(["2..5", "forever"]))
    }
}

impl TomlEncode for RoundCount {
    fn encode(self) -> Option<Json> {
        Some(match self {
            RoundCount::Between(from, to) if from == to => Json::Int(from.into()),
            RoundCount::Between(from, to) => format!("{from}..{to}").into(),
            RoundCount::Forever => "forever".into(),
        })
    }
}

impl TomlSchema for Chance {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Chance> {
        const FORMS: &str = "a chance is a number from 0 to 1, such as 0.3, with at most six decimals";
        let at = node.at;
        let node = cx.resolve_number(node)?;
        if !matches!(node.value, TomlValue::Integer(_) | TomlValue::Float) {
            let percent = match &node.value {
                TomlValue::String(text) => {
                    text.as_str(&cx.source).trim().strip_suffix('%').map(str::to_owned)
                }
                _ => None,
            };
            match percent.and_then(|percent| percent.trim().parse::<f64>().ok()) {
                Some(percent) => {
                    cx.report_wrong_type_with_help(
                        &node,
                        "a number from 0 to 1",
                        format!("write {}", percent / 100.0),
                    );
                }
                None => cx.report_wrong_type(&node, "a number from 0 to 1", "0.3"),
            }
            return None;
        }
        let written = cx.written(at).replace('_', "");
        let millionths = written.parse::<f64>().unwrap_or(f64::NAN) * f64::from(Chance::ALWAYS);
        if !(0.0..=f64::from(Chance::ALWAYS)).contains(&millionths) {
            let percent = millionths / f64::from(Chance::ALWAYS);
            let help = match percent {
                1.0..=100.0 => format!("{FORMS}: for {percent} % write {}", percent / 100.0),
                _ => FORMS.to_owned(),
            };
            let written = cx.describe_written(at);
            cx.error_with_help(at, format!("{written} is not a chance"), help);
            return None;
        }
        if (millionths - millionths.round()).abs() > 1e-6 {
            let written = cx.describe_written(at);
            cx.error_with_help(at, format!("{written} has too many decimals"), FORMS);
            return None;
        }
        Some(Chance(millionths.round() as u32))
    }

    fn schema() -> Json {
        or_lone_variable_schema(object([
            ("type", "number".into()),
            ("minimum", Json::Int(0)),
            ("maximum", Json::Int(1)),
        ]))
    }
}

impl TomlEncode for Chance {
    fn encode(self) -> Option<Json> {
        Some(Json::Float(f64::from(self.0) / f64::from(Chance::ALWAYS)))
    }
}

/// The error of a step.
enum StepError {
    UnknownWord,
    /// The operand is missing or wrong, with a message.
    InvalidOperand(String),
    /// The condition is wrong, with a message.
    InvalidCondition(String),
}

fn parse_action(word: &str, rest: &str) -> Result<RawStepAction, StepError> {
    let name = |make: fn(String) -> RawStepAction, what: &str| Ok(make(parse_name(word, rest, what)?));
    let number = |make: fn(i64) -> RawStepAction| Ok(make(parse_number(word, rest)?));
    let alone = |action: RawStepAction| match rest {
        "" => Ok(action),
        rest => {
            Err(StepError::InvalidOperand(format!("`{word}` stands alone; {} is too much", quoted(rest))))
        }
    };
    let text = |action: RawStepAction| match rest {
        "" => Err(StepError::InvalidOperand(format!("`{word}` lacks a text"))),
        _ => Ok(action),
    };
    let condition = || match rest {
        "" => Err(StepError::InvalidOperand(format!("`{word}` lacks a condition"))),
        _ => parse_condition(rest)
            .map(|test| RawCondition { text: rest.to_owned(), test })
            .map_err(StepError::InvalidCondition),
    };
    match word {
        "load" => name(RawStepAction::Load, "the name of a cell"),
        "store" => name(RawStepAction::Store, "the name of a cell"),
        "lock" => name(RawStepAction::Lock, "the name of a lock"),
        "unlock" => name(RawStepAction::Unlock, "the name of a lock"),
        "send" => name(RawStepAction::Send, "the name of a channel"),
        "recv" => name(RawStepAction::Receive, "the name of a channel"),
        "fetch" => name(RawStepAction::Fetch, "the name of a fetch"),
        "spawn" => name(RawStepAction::Spawn, "the name of a preset"),
        "stop" => name(RawStepAction::Stop, "the id of a timeline entry"),
        "set" => number(RawStepAction::Set),
        "add" => number(RawStepAction::Add),
        "mul" => number(RawStepAction::Mul),
        "cas" => parse_compare_and_swap(rest),
        "wait" => condition().map(RawStepAction::Wait),
        "assert" => condition().map(RawStepAction::Assert),
        "pause" => parse_pause(rest).map(RawStepAction::Pause).map_err(StepError::InvalidOperand),
        "move" => alone(RawStepAction::Move),
        "end" => alone(RawStepAction::End),
        "say" => text(RawStepAction::Say),
        "mark" => text(RawStepAction::Mark),
        _ => Err(StepError::UnknownWord),
    }
}

fn parse_name(word: &str, rest: &str, what: &str) -> Result<String, StepError> {
    match name::name_error(rest) {
        None => Ok(rest.to_owned()),
        Some(_) if rest.is_empty() => Err(StepError::InvalidOperand(format!("`{word}` lacks {what}"))),
        Some(fault) => Err(StepError::InvalidOperand(fault)),
    }
}

fn parse_number(word: &str, text: &str) -> Result<i64, StepError> {
    let fault = || match text {
        "" => format!("`{word}` lacks a number"),
        text => format!("{} is not a whole number from {} to {}", quoted(text), i64::MIN, i64::MAX),
    };
    text.parse().map_err(|_| StepError::InvalidOperand(fault()))
}

fn parse_compare_and_swap(rest: &str) -> Result<RawStepAction, StepError> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let [cell, expected, new] = words[..] else {
        let fault = "`cas` has a cell, the value that it should have, and its new value";
        return Err(StepError::InvalidOperand(fault.to_owned()));
    };
    Ok(RawStepAction::CompareAndSwap {
        cell: parse_name("cas", cell, "the name of a cell")?,
        expected: parse_number("cas", expected)?,
        new: parse_number("cas", new)?,
    })
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
