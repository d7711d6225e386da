//! What a job wants of an answer, looked for in it: says what does not hold, and decides nothing.
//!
//! It looks at answers whose status the job expects, and at a body of at most [`LARGEST`] bytes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hyper::HeaderMap;
use regex::bytes::Regex;
use serde_json::Value;

use scenario_core::scenario::model::{FetchCapture, FetchCheck, FetchJob};
use scenario_core::scenario::vars::fill;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::FetchErrorKind;
use scenario_log::secrets::Secrets;

use super::body::ReceivedBody;
use crate::io::http::error::FetchError;
use crate::io::http::response::capture::{CapturableResponse, CompiledCapture};

/// The largest body, in bytes, that is kept to be looked at. A tree of values takes a multiple of it.
pub(crate) const MAX_RETAINED_BODY: u64 = 4 << 20;

/// The most of a value that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// The judges of a run's jobs, by the jobs' indices, each made when it is first wanted. Only ever
/// looked up, so that their order cannot show.
#[derive(Debug, Default)]
pub(crate) struct ResponseCheckers(RefCell<HashMap<usize, Option<Rc<ResponseChecker>>>>);

impl ResponseCheckers {
    /// That of a job; `None` if it wants nothing of its answers.
    ///
    /// # Errors
    ///
    /// If what the scenario has is not what it was when it was checked.
    pub(crate) fn for_job(
        &self,
        index: usize,
        job: &FetchJob,
    ) -> Result<Option<Rc<ResponseChecker>>, FetchError> {
        if let Some(judge) = self.0.borrow().get(&index) {
            return Ok(judge.clone());
        }
        let judge = ResponseChecker::for_job(job)?.map(Rc::new);
        self.0.borrow_mut().insert(index, judge.clone());
        Ok(judge)
    }
}

/// What a job wants of its answers.
#[derive(Debug)]
pub(crate) struct ResponseChecker {
    check: FetchCheck,
    text: Option<Regex>,
    /// The places in the body, and what is to be there: as it is, and as it may be shown.
    json: Vec<(String, Value, String)>,
    captures: Vec<CompiledCapture>,
}

/// What was found in an answer.
#[derive(Debug, Default)]
pub(crate) struct ResponseFindings {
    /// What is not as the job wants it, in words; `None` if all is.
    pub(crate) mismatch: Option<String>,
    /// What was captured: all that the job wants, or, if something is amiss, nothing.
    pub(crate) captured: Vec<CapturedValue>,
}

impl ResponseChecker {
    /// What a job wants; `None` if nothing.
    fn for_job(job: &FetchJob) -> Result<Option<ResponseChecker>, FetchError> {
        if job.check.is_none() && job.captures.is_empty() {
            return Ok(None);
        }
        let none = FetchCheck { text: None, json: None, sha256: None };
        ResponseChecker::new(job.check.as_ref().unwrap_or(&none), &job.captures).map(Some)
    }

    fn new(check: &FetchCheck, captures: &[FetchCapture]) -> Result<ResponseChecker, FetchError> {
        let broken =
            |error: String| FetchError::permanent(FetchErrorKind::Protocol, format!("`check`: {error}"));
        let text = check.text.as_deref().map(Regex::new).transpose();
        let json = check.json.iter().flatten().map(|(place, wanted)| {
            let value = serde_json::from_str(wanted.reveal()).map_err(|error| broken(error.to_string()))?;
            Ok((place.clone(), value, wanted.display_text().to_owned()))
        });
        Ok(ResponseChecker {
            check: check.clone(),
            text: text.map_err(|error| broken(error.to_string()))?,
            json: json.collect::<Result<_, FetchError>>()?,
            captures: captures
                .iter()
                .map(|capture| CompiledCapture::new(capture).map_err(broken))
                .collect::<Result<_, FetchError>>()?,
        })
    }

    /// Whether the body must be kept.
    pub(crate) fn needs_body(&self) -> bool {
        self.text.is_some()
            || self.check.json.is_some()
            || self.captures.iter().any(CompiledCapture::needs_body)
    }

    /// Whether something may be found that must not be shown.
    pub(crate) fn captures_secrets(&self) -> bool {
        self.captures.iter().any(CompiledCapture::is_secret)
    }

    /// Looks at an answer. What must not be shown of it the `secrets` learn.
    pub(crate) fn evaluate(
        &self,
        received: &ReceivedBody,
        headers: &HeaderMap,
        secrets: &Secrets,
    ) -> ResponseFindings {
        let json = self.needs_json().then(|| serde_json::from_slice(&received.content));
        let json = json.map(|json| json.map_err(|error: serde_json::Error| error.to_string()));
        let answer = CapturableResponse { headers, body: &received.content, json: json.as_ref() };
        let mut amiss = self.mismatches(received, &answer);
        let mut captured = Vec::new();
        for taker in &self.captures {
            match taker.capture(&answer) {
                Ok(one) if one.secret => {
                    secrets.learn(&one.value);
                    secrets.learn(&fill::encode_for_url(&one.value));
                    captured.push(one);
                }
                Ok(one) => captured.push(one),
                Err(words) => amiss.push(words),
            }
        }
        if amiss.is_empty() {
            return ResponseFindings { mismatch: None, captured };
        }
        ResponseFindings { mismatch: Some(amiss.join("; ")), captured: Vec::new() }
    }

    fn needs_json(&self) -> bool {
        self.check.json.is_some() || self.captures.iter().any(CompiledCapture::needs_json)
    }

    /// What does not hold of an answer, in words.
    fn mismatches(&self, received: &ReceivedBody, answer: &CapturableResponse<'_>) -> Vec<String> {
        let mut amiss = Vec::new();
        if let Some(wanted) = self.check.sha256.filter(|wanted| *wanted != received.sha256) {
            amiss.push(format!("the body's sha256 is {} and not {}", hex(&received.sha256), hex(&wanted)));
        }
        if let Some(regex) = self.text.as_ref().filter(|regex| !regex.is_match(answer.body)) {
            amiss.push(format!("nothing in the body is like /{regex}/: {}", body_excerpt(answer.body)));
        }
        match answer.json {
            Some(Ok(body)) => amiss.extend(self.json.iter().filter_map(|wanted| json_mismatch(body, wanted))),
            Some(Err(error)) => {
                amiss.push(format!("the body is no JSON ({error}): {}", body_excerpt(answer.body)));
            }
            None => {}
        }
        amiss
    }
}

/// What is at a place instead of what is wanted there.
fn json_mismatch(body: &Value, (place, wanted, shown): &(String, Value, String)) -> Option<String> {
    let named = if place.is_empty() { "the body".to_owned() } else { place.clone() };
    match body.pointer(place) {
        Some(got) if json_equal(got, wanted) => None,
        Some(got) => {
            Some(format!("{named} is {} and not {}", truncate_value(&got.to_string()), truncate_value(shown)))
        }
        None => Some(format!("{named} is not there, and should be {}", truncate_value(shown))),
    }
}

/// Deep equality; numbers are the same if their values are (`1` and `1.0`).
fn json_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (is_any_float(one, other) && one.as_f64() == other.as_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| json_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same =
                |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| json_equal(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (one, other) => one == other,
    }
}

/// Whether one of them was written as no whole number. (Two that were are compared exactly.)
fn is_any_float(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    one.is_f64() || other.is_f64()
}

/// How a body begins.
pub(crate) fn body_excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "it is empty".to_owned();
    }
    let first = &body[..body.len().min(4 * MAX_SHOWN_CHARS)];
    format!("it begins with {:?}", truncate_value(&String::from_utf8_lossy(first)))
}

/// The first of a text.
pub(crate) fn truncate_value(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::ScenarioText;

    fn json(body: &str, place: &str, wanted: &str) -> Option<String> {
        let wanted = (place.to_owned(), serde_json::from_str(wanted).unwrap(), wanted.to_owned());
        json_mismatch(&serde_json::from_str(body).unwrap(), &wanted)
    }

    #[test]
    fn values_are_compared_deeply() {
        let body = r#"{"a":[1,{"b/c":1.5,"~":"x"}],"n":1.0,"big":9007199254740993}"#;
        for (place, wanted) in [
            ("/a/1/b~1c", "1.5"),
            ("/a/1/~0", "\"x\""),
            ("/a", r#"[1.0,{"~":"x","b/c":1.5}]"#),
            ("/n", "1"),
            ("", body),
        ] {
            assert_eq!(json(body, place, wanted), None, "{place} {wanted}");
        }
        for (place, wanted, words) in [
            ("/a/0", "2", "/a/0 is 1 and not 2"),
            ("/a/0", "\"1\"", "/a/0 is 1 and not \"1\""),
            ("/a/2", "2", "/a/2 is not there, and should be 2"),
            ("/a", "[1]", "/a is [1,{\"b/c\":1.5,\"~\":\"x\"}] and not [1]"),
            ("/a/1", "{\"~\":\"x\"}", "/a/1 is {\"b/c\":1.5,\"~\":\"x\"} and not {\"~\":\"x\"}"),
            ("/big", "9007199254740992", "/big is 9007199254740993 and not 9007199254740992"),
        ] {
            assert_eq!(json(body, place, wanted).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_long_value_is_cut_and_a_secret_one_not_shown() {
        let body = format!("\"{}\"", "é".repeat(300));
        let words = json(&body, "", "1").unwrap();
        assert!(words.ends_with("é… and not 1") && words.chars().count() < 250, "{words}");
        let check = FetchCheck {
            text: None,
            json: Some(vec![("/k".to_owned(), ScenarioText::secret("\"canary\"", "\"[redacted]\""))]),
            sha256: None,
        };
        let judge = ResponseChecker::new(&check, &[]).unwrap();
        let received = ReceivedBody { bytes: 2, sha256: [0; 32], content: b"{}".to_vec() };
        let found = judge.evaluate(&received, &HeaderMap::new(), &Secrets::default());
        assert_eq!(found.mismatch.unwrap(), "/k is not there, and should be \"[redacted]\"");
    }
}
