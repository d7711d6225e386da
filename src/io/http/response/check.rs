//! Compares an answer with what a job expects, and captures the job's values from it. Reports what does
//! not match, and decides nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hyper::HeaderMap;
use regex::bytes::Regex;
use serde_json::value::RawValue;

use scenario_core::scenario::model::{FetchCapture, FetchCheck, FetchJob};
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::FetchErrorKind;
use scenario_log::secrets::Secrets;

use super::body::ReceivedBody;
use super::capture::{CapturableResponse, CompiledCapture};
use super::charset;
use super::json::{ExpectedJson, json_mismatch, parse_json};
use crate::io::http::error::FetchError;

/// The checkers of a run's jobs, by the jobs' indices, each made at its first use. Only ever looked up, so
/// their order cannot show.
#[derive(Debug, Default)]
pub(crate) struct ResponseCheckers(RefCell<HashMap<usize, Option<Rc<ResponseChecker>>>>);

impl ResponseCheckers {
    /// The checker of a job; `None` if the job checks and captures nothing. Fails only for what the check of
    /// scenarios refuses, too.
    pub(crate) fn for_job(
        &self,
        index: usize,
        job: &FetchJob,
    ) -> Result<Option<Rc<ResponseChecker>>, FetchError> {
        if let Some(checker) = self.0.borrow().get(&index) {
            return Ok(checker.clone());
        }
        let checker = ResponseChecker::for_job(job)?.map(Rc::new);
        self.0.borrow_mut().insert(index, checker.clone());
        Ok(checker)
    }
}

/// The expectations and captures of a job, ready to be applied to its answers.
#[derive(Debug)]
pub(crate) struct ResponseChecker {
    check: FetchCheck,
    text: Option<Regex>,
    json: Vec<ExpectedJson>,
    captures: Vec<CompiledCapture>,
}

/// The result of a check.
#[derive(Debug, Default)]
pub(crate) struct ResponseFindings {
    /// What does not match, as a message; `None` if everything does.
    pub(crate) mismatch: Option<String>,
    /// The values of all captures, or nothing if something does not match.
    pub(crate) captured: Vec<CapturedValue>,
}

impl ResponseChecker {
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
        let json = check.json.iter().flatten().map(|(pointer, expected)| {
            let value = RawValue::from_string(expected.reveal().to_owned())
                .map_err(|error| broken(error.to_string()))?;
            Ok(ExpectedJson { pointer: pointer.clone(), value, shown: expected.display_text().to_owned() })
        });
        Ok(ResponseChecker {
            check: check.clone(),
            text: text.map_err(|error| broken(error.to_string()))?,
            json: json.collect::<Result<_, FetchError>>()?,
            captures: captures
                .iter()
                .map(|capture| CompiledCapture::new(capture).map_err(|error| broken(error.to_string())))
                .collect::<Result<_, FetchError>>()?,
        })
    }

    /// Whether the whole body is needed.
    pub(crate) fn needs_body(&self) -> bool {
        self.text.is_some()
            || self.check.json.is_some()
            || self.captures.iter().any(CompiledCapture::needs_body)
    }

    /// Whether one of the captured values must not be shown.
    pub(crate) fn captures_secrets(&self) -> bool {
        self.captures.iter().any(CompiledCapture::is_secret)
    }

    /// Checks an answer. Captured values that must not be shown are added to `secrets`.
    pub(crate) fn evaluate(
        &self,
        received: &ReceivedBody,
        headers: &HeaderMap,
        secrets: &Secrets,
    ) -> ResponseFindings {
        let body = charset::decode_text(&received.content, headers);
        let json = self.needs_json().then(|| parse_json(&body));
        let mut answer =
            CapturableResponse { headers, body: &body, json: json.as_ref(), secrets, is_hidden: false };
        // The secrets first: no message may show them.
        for capture in self.captures.iter().filter(|capture| capture.is_secret()) {
            let texts = capture.secret_texts(&answer);
            answer.is_hidden |= texts.is_empty();
            texts.iter().for_each(|text| secrets.learn(text));
        }
        let mut mismatches = self.mismatches(received, &answer);
        let mut captured = Vec::new();
        for capture in &self.captures {
            match capture.capture(&answer) {
                Ok(one) => captured.push(one),
                Err(error) => mismatches.push(error.to_string()),
            }
        }
        if mismatches.is_empty() {
            return ResponseFindings { mismatch: None, captured };
        }
        ResponseFindings { mismatch: Some(mismatches.join("; ")), captured: Vec::new() }
    }

    fn needs_json(&self) -> bool {
        self.check.json.is_some() || self.captures.iter().any(CompiledCapture::needs_json)
    }

    fn mismatches(&self, received: &ReceivedBody, answer: &CapturableResponse<'_>) -> Vec<String> {
        let mut mismatches = Vec::new();
        if let Some(expected) = self.check.sha256.filter(|expected| *expected != received.sha256) {
            mismatches.push(format!(
                "the body's sha256 is {} and not {}",
                hex(&received.sha256),
                hex(&expected)
            ));
        }
        if let Some(regex) = self.text.as_ref().filter(|regex| !regex.is_match(answer.body)) {
            mismatches.push(format!("nothing in the body matches /{regex}/{}", answer.excerpt()));
        }
        match answer.json {
            Some(Ok(body)) => mismatches.extend(
                self.json
                    .iter()
                    .filter_map(|expected| json_mismatch(body, expected, answer.is_hidden, answer.secrets)),
            ),
            Some(Err(error)) => {
                mismatches.push(format!("the body is not JSON ({error}){}", answer.excerpt()));
            }
            None => {}
        }
        mismatches
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::ScenarioText;

    #[test]
    fn a_secret_expected_value_is_not_shown() {
        let check = FetchCheck {
            text: None,
            json: Some(vec![("/k".to_owned(), ScenarioText::secret("\"canary\"", "\"[redacted]\""))]),
            sha256: None,
        };
        let checker = ResponseChecker::new(&check, &[]).unwrap();
        let received = ReceivedBody { bytes: 2, sha256: [0; 32], content: b"{}".to_vec() };
        let found = checker.evaluate(&received, &HeaderMap::new(), &Secrets::default());
        assert_eq!(found.mismatch.unwrap(), "/k is not there, and should be \"[redacted]\"");
    }
}
