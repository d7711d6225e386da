//! The conditions of steps: `a == 1 and not (b > 2 or failed)`. Cells are not looked up here.

use crate::diagnostic::quoted;
use crate::scenario::model::steps::{Comparison, ConditionOperand, ConditionTest};
use scenario_log::name;

/// The deepest nesting of parentheses and `not`.
const MAX_DEPTH: usize = 32;

/// The longest condition, in bytes.
const MAX_LEN: usize = 1_000;

/// The form of a condition, for messages.
pub(super) const CONDITION_FORMS: &str = "a condition compares numbers, as in \"a == 1\", \"register < 3\" or \
    \"a != b\"; `passed` and `failed` ask for the last fetch; join them with `and`, `or`, `not` and parentheses";

/// The words that cannot be cells in a condition.
const WORDS: [&str; 6] = ["and", "or", "not", "passed", "failed", "register"];

/// The signs of comparisons.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    (">", Comparison::Greater),
    (">=", Comparison::AtLeast),
];

/// Reads a condition; the error is a message.
pub(super) fn parse_condition(text: &str) -> Result<ConditionTest<String>, String> {
    if text.len() > MAX_LEN {
        return Err(format!("a condition has at most {MAX_LEN} bytes"));
    }
    let mut parser = Parser { tokens: tokenize(text)?, at: 0 };
    let condition = parser.parse_any(0)?;
    match parser.next() {
        None => Ok(condition),
        Some(Token::Close) => Err("a `)` has no `(`".to_owned()),
        Some(token) => Err(format!("{} is not expected there", quoted(token.text()))),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Comparison(&'a str),
    Open,
    Close,
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Token::Word(text) | Token::Comparison(text) => text,
            Token::Open => "(",
            Token::Close => ")",
        }
    }
}

fn tokenize(text: &str) -> Result<Vec<Token<'_>>, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.-+".contains(c);
    let is_sign = |c: char| "=!<>".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = |fits: &dyn Fn(char) -> bool| rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let taken = match first {
            '(' | ')' => 1,
            c if is_word(c) => length(&is_word),
            c if is_sign(c) => length(&is_sign),
            '&' => return Err("write `and` instead of `&`".to_owned()),
            '|' => return Err("write `or` instead of `|`".to_owned()),
            c => return Err(format!("{} is not expected in a condition", quoted(&c.to_string()))),
        };
        let (token, after) = rest.split_at(taken);
        tokens.push(match first {
            '(' => Token::Open,
            ')' => Token::Close,
            c if is_word(c) => Token::Word(token),
            _ => Token::Comparison(token),
        });
        rest = after.trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    /// Takes the next token if it is this word.
    fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&Token::Word(word));
        self.at += usize::from(is_next);
        is_next
    }

    /// Conditions that are joined by `or`.
    fn parse_any(&mut self, depth: usize) -> Result<ConditionTest<String>, String> {
        let mut parts = vec![self.parse_all(depth)?];
        while self.take_word("or") {
            parts.push(self.parse_all(depth)?);
        }
        Ok(joined(parts, ConditionTest::Any))
    }

    /// Conditions that are joined by `and`, which binds closer than `or`.
    fn parse_all(&mut self, depth: usize) -> Result<ConditionTest<String>, String> {
        let mut parts = vec![self.parse_one(depth)?];
        while self.take_word("and") {
            parts.push(self.parse_one(depth)?);
        }
        Ok(joined(parts, ConditionTest::All))
    }

    fn parse_one(&mut self, depth: usize) -> Result<ConditionTest<String>, String> {
        if depth > MAX_DEPTH {
            return Err("this condition is nested too deeply".to_owned());
        }
        match self.next() {
            Some(Token::Word("not")) => Ok(ConditionTest::Not(Box::new(self.parse_one(depth + 1)?))),
            Some(Token::Word("passed")) => Ok(ConditionTest::Passed),
            Some(Token::Word("failed")) => Ok(ConditionTest::Failed),
            Some(Token::Open) => {
                let inner = self.parse_any(depth + 1)?;
                match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("a `(` has no `)`".to_owned()),
                }
            }
            Some(Token::Word(left)) => self.parse_comparison(left),
            Some(token) => Err(format!("a condition cannot begin with {}", quoted(token.text()))),
            None => Err("a part of the condition is missing at its end".to_owned()),
        }
    }

    fn parse_comparison(&mut self, left: &str) -> Result<ConditionTest<String>, String> {
        let how = match self.next() {
            Some(Token::Comparison(sign)) => {
                let found = COMPARISONS.iter().find(|(own, _)| *own == sign).map(|(_, how)| *how);
                let meant = if sign == "=" { "; did you mean `==`?" } else { "" };
                found.ok_or_else(|| format!("{} is not a comparison{meant}", quoted(sign)))?
            }
            _ => return Err(format!("{} is compared with nothing", quoted(left))),
        };
        let right = match self.next() {
            Some(Token::Word(right)) => right,
            _ => return Err(format!("{} is compared with nothing", quoted(left))),
        };
        Ok(ConditionTest::Compare(parse_operand(left)?, how, parse_operand(right)?))
    }
}

fn joined(
    mut parts: Vec<ConditionTest<String>>,
    join: fn(Vec<ConditionTest<String>>) -> ConditionTest<String>,
) -> ConditionTest<String> {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

fn parse_operand(word: &str) -> Result<ConditionOperand<String>, String> {
    if word == "register" {
        return Ok(ConditionOperand::Register);
    }
    if WORDS.contains(&word) {
        return Err(format!("{} is not a number", quoted(word)));
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    if digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        let fault = || format!("{} is not a whole number from {} to {}", quoted(word), i64::MIN, i64::MAX);
        return word.parse().map(ConditionOperand::Number).map_err(|_| fault());
    }
    match name::name_error(word) {
        None => Ok(ConditionOperand::Cell(word.to_owned())),
        Some(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::steps::ConditionInputs;

    /// The truth of a condition with the cells a = 1, b = 2, a register of 3, and a fetch that failed.
    fn truth(text: &str) -> Result<bool, String> {
        let cell = |name: String| ["a", "b"].iter().position(|own| *own == name);
        let condition = parse_condition(text)?.find_cells(&mut |name| cell(name)).ok_or("no such cell")?;
        Ok(condition.holds(&ConditionInputs { cells: &[1, 2], register: 3, last_fetch: Some(false) }))
    }

    #[test]
    fn conditions_read_as_they_are_written() {
        for (text, wanted) in [
            ("a == 1", true),
            ("a==1", true),
            ("a != 1", false),
            ("register >= 3", true),
            ("a < b", true),
            ("b<=-2", false),
            ("failed", true),
            ("passed", false),
            ("not passed", true),
            ("not not failed", true),
            ("a == 2 and b == 2 or failed", true),
            ("a == 2 and (b == 2 or failed)", false),
            ("a == 2 or a == 1 and b == 3", false),
            ("not a == 2 and b == 2", true),
            ("not (a == 1 and b == 2)", false),
        ] {
            assert_eq!(truth(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn wrong_conditions_say_what_is_wrong() {
        for (text, fault) in [
            ("", "a part of the condition is missing at its end"),
            ("a", "`a` is compared with nothing"),
            ("a = 1", "`=` is not a comparison; did you mean `==`?"),
            ("a === 1", "`===` is not a comparison"),
            ("a == ", "`a` is compared with nothing"),
            ("a == 1 b", "`b` is not expected there"),
            ("a == 1 &&", "write `and` instead of `&`"),
            ("(a == 1", "a `(` has no `)`"),
            ("a == 1)", "a `)` has no `(`"),
            ("== 1", "a condition cannot begin with `==`"),
            ("a == and", "`and` is not a number"),
            (
                "a == 99999999999999999999",
                "`99999999999999999999` is not a whole number from \
             -9223372036854775808 to 9223372036854775807",
            ),
        ] {
            assert_eq!(parse_condition(text), Err(fault.to_owned()), "{text}");
        }
        assert!(parse_condition(&"(".repeat(900)).is_err());
    }
}
