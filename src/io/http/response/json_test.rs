//! Tests of JSON values other than equality: whether a value is there, what it matches, how large or long it
//! is. The messages name the place, what was found and what was expected.

use std::cmp::Ordering;

use regex::bytes::Regex;
use serde_json::value::RawValue;

use scenario_log::secrets::Secrets;

use super::json::{compact, count_items, lookup, members, pointer_name};
use super::json_number::compare_numbers;
use super::text::value_excerpt;

/// The tests of the value at one place.
#[derive(Debug)]
pub(super) struct JsonTest {
    /// A JSON Pointer; empty for the whole body.
    pub(super) pointer: String,
    pub(super) exists: Option<bool>,
    pub(super) matches: Option<Regex>,
    /// Numbers of JSON.
    pub(super) at_least: Option<String>,
    pub(super) at_most: Option<String>,
    pub(super) length: Option<u64>,
}

impl JsonTest {
    /// The condition that does not hold of a body. The value that the body has instead is shown unless `is_hidden`.
    pub(super) fn mismatches(&self, body: &RawValue, is_hidden: bool, secrets: &Secrets) -> Vec<String> {
        let named = pointer_name(&self.pointer);
        let Some(value) = lookup(body, &self.pointer) else {
            return match self.exists {
                Some(false) => Vec::new(),
                _ => vec![format!("{named} is not there, and should {}", self.wanted())],
            };
        };
        let found = || match is_hidden {
            true => "there".to_owned(),
            false => value_excerpt(&compact(value.get()), secrets),
        };
        let mut mismatches = Vec::new();
        // Most answers are as expected, so no text is made before one is not.
        let mut expect = |holds: bool, wanted: &dyn Fn() -> String| {
            if !holds {
                mismatches.push(format!("{named} is {}, and should {}", found(), wanted()));
            }
        };
        expect(self.exists != Some(false), &|| "not be there".to_owned());
        if let Some(regex) = &self.matches {
            expect(matches(value, regex), &|| format!("match /{regex}/"));
        }
        if let Some(least) = &self.at_least {
            let is_enough = compare(value, least).is_some_and(Ordering::is_ge);
            expect(is_enough, &|| format!("be at least {least}"));
        }
        if let Some(most) = &self.at_most {
            expect(compare(value, most).is_some_and(Ordering::is_le), &|| format!("be at most {most}"));
        }
        if let Some(wanted) = self.length {
            let length = length_of(value);
            expect(length == Some(wanted), &|| match length {
                Some(length) => format!("have the length {wanted}, not {length}"),
                None => format!("have the length {wanted}, which has none"),
            });
        }
        mismatches
    }

    /// The condition on a value that is missing.
    fn wanted(&self) -> String {
        let tests = [
            self.matches.as_ref().map(|regex| format!("match /{regex}/")),
            self.at_least.as_ref().map(|least| format!("be at least {least}")),
            self.at_most.as_ref().map(|most| format!("be at most {most}")),
            self.length.map(|length| format!("have the length {length}")),
        ];
        let tests: Vec<String> = tests.into_iter().flatten().collect();
        if tests.is_empty() { "be".to_owned() } else { tests.join(" and ") }
    }
}

/// Whether the text of a string, or the literal of a number or boolean, matches.
fn matches(value: &RawValue, regex: &Regex) -> bool {
    let literal = value.get();
    match literal.as_bytes().first() {
        Some(b'"') => {
            serde_json::from_str::<String>(literal).is_ok_and(|text| regex.is_match(text.as_bytes()))
        }
        Some(b'[' | b'{' | b'n') | None => false,
        Some(_) => regex.is_match(literal.as_bytes()),
    }
}

/// How a value compares with a number; `None` if it is none.
fn compare(value: &RawValue, number: &str) -> Option<Ordering> {
    let is_number = matches!(value.get().as_bytes().first(), Some(b'-' | b'0'..=b'9'));
    is_number.then(|| compare_numbers(value.get(), number))?
}

fn length_of(value: &RawValue) -> Option<u64> {
    let count = match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(value.get()).ok()?.chars().count(),
        Some(b'[') => count_items(value)?,
        Some(b'{') => members(value)?.len(),
        _ => return None,
    };
    u64::try_from(count).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::http::response::json::parse_json;

    const BODY: &str = r#"{"n":1.50,"s":"aé","l":[1,2,3],"o":{"k":1},"t":true,"z":null,"big":1e400}"#;

    fn said(pointer: &str, test: impl FnOnce(&mut JsonTest)) -> String {
        let pointer = pointer.to_owned();
        let mut tested =
            JsonTest { pointer, exists: None, matches: None, at_least: None, at_most: None, length: None };
        test(&mut tested);
        tested.mismatches(parse_json(BODY.as_bytes()).unwrap(), false, &Secrets::default()).join("; ")
    }

    fn regex(pattern: &str) -> Option<Regex> {
        Some(Regex::new(pattern).unwrap())
    }

    #[test]
    fn values_are_there_or_not() {
        assert_eq!(said("/z", |test| test.exists = Some(true)), "");
        assert_eq!(said("/x", |test| test.exists = Some(false)), "");
        assert_eq!(said("/x", |test| test.exists = Some(true)), "/x is not there, and should be");
        assert_eq!(said("/l", |test| test.exists = Some(false)), "/l is [1,2,3], and should not be there");
        let both = |test: &mut JsonTest| (test.matches, test.length) = (regex("^a"), Some(1));
        assert_eq!(said("/x", both), "/x is not there, and should match /^a/ and have the length 1");
    }

    #[test]
    fn texts_match() {
        for (pointer, pattern) in [("/s", "^aé$"), ("/n", "^1.50$"), ("/t", "^true$")] {
            assert_eq!(said(pointer, |test| test.matches = regex(pattern)), "", "{pointer}");
        }
        for (pointer, shown) in [("/s", "\"aé\""), ("/l", "[1,2,3]"), ("/z", "null")] {
            let wanted = format!("{pointer} is {shown}, and should match /^x|l/");
            assert_eq!(said(pointer, |test| test.matches = regex("^x|l")), wanted);
        }
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let between = |test: &mut JsonTest, least: &str, most: &str| {
            (test.at_least, test.at_most) = (Some(least.to_owned()), Some(most.to_owned()));
        };
        assert_eq!(said("/n", |test| between(test, "1.5", "1.5")), "");
        assert_eq!(said("/big", |test| between(test, "1e308", "1E400")), "");
        assert_eq!(said("/n", |test| between(test, "2", "3")), "/n is 1.50, and should be at least 2");
        assert_eq!(said("/n", |test| between(test, "-2", "-1")), "/n is 1.50, and should be at most -1");
        let text = "/s is \"aé\", and should be at least 0; /s is \"aé\", and should be at most 9";
        assert_eq!(said("/s", |test| between(test, "0", "9")), text);
    }

    #[test]
    fn lengths_are_of_texts_lists_and_objects() {
        for (pointer, length) in [("/s", 2), ("/l", 3), ("/o", 1), ("", 7)] {
            assert_eq!(said(pointer, |test| test.length = Some(length)), "", "{pointer}");
        }
        let long = said("/l", |test| test.length = Some(2));
        assert_eq!(long, "/l is [1,2,3], and should have the length 2, not 3");
        let none = said("/n", |test| test.length = Some(2));
        assert_eq!(none, "/n is 1.50, and should have the length 2, which has none");
    }
}
