//! Compares an answer with what a job expects, and captures the job's values from it. Reports what does
//! not match, and decides nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use regex::bytes::Regex;
use serde_json::value::RawValue;

use scenario_core::scenario::model::{FetchCapture, FetchCheck, FetchJob, JsonCondition};
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{FetchErrorKind, REDACTED};
use scenario_log::secrets::Secrets;
use scenario_log::time::Span;

use super::capture::{CapturableResponse, CompiledCapture};
use super::charset;
use super::json::{ExpectedJson, json_mismatch, parse_json};
use super::json_test::JsonTest;
use super::redact::is_secret_header;
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
    text: Option<Regex>,
    absent: Option<Regex>,
    headers: Vec<(HeaderName, Regex)>,
    sha256: Option<[u8; 32]>,
    needs_json: bool,
    json: Vec<ExpectedJson>,
    json_tests: Vec<JsonTest>,
    time_limit: Option<Span>,
    lines_until: Option<Regex>,
    captures: Vec<CompiledCapture>,
}

/// The result of a check.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseFindings {
    /// The mismatch, as a message; `None` if everything does.
    pub(crate) mismatch: Option<String>,
    /// The values of all captures, or nothing if something does not match.
    pub(crate) captured: Vec<CapturedValue>,
    /// How long the request may take, which is judged when that is known.
    time_limit: Option<Span>,
}

impl ResponseFindings {
    fn new(
        mismatches: &[String],
        captured: Vec<CapturedValue>,
        time_limit: Option<Span>,
    ) -> ResponseFindings {
        match mismatches.is_empty() {
            true => ResponseFindings { mismatch: None, captured, time_limit },
            false => {
                ResponseFindings { mismatch: Some(mismatches.join("; ")), captured: Vec::new(), time_limit }
            }
        }
    }

    /// The same findings, and that this does not match.
    pub(crate) fn with_mismatch(self, more: String) -> ResponseFindings {
        let mismatch = match self.mismatch {
            Some(mismatch) => format!("{mismatch}; {more}"),
            None => more,
        };
        ResponseFindings { mismatch: Some(mismatch), captured: Vec::new(), ..self }
    }

    /// The same findings of a request that took so long.
    pub(crate) fn in_time(self, took: Span) -> ResponseFindings {
        let Some(limit) = self.time_limit.filter(|limit| took > *limit) else { return self };
        let late = format!("it took {:.1?}, more than {}", took.to_std(), limit.format_human());
        self.with_mismatch(late)
    }
}

impl ResponseChecker {
    fn for_job(job: &FetchJob) -> Result<Option<ResponseChecker>, FetchError> {
        if job.check.is_none() && job.captures.is_empty() && job.lines_until.is_none() {
            return Ok(None);
        }
        let mut checker =
            ResponseChecker::new(job.check.as_ref().unwrap_or(&FetchCheck::NOTHING), &job.captures)?;
        checker.lines_until = job.lines_until.as_deref().map(compile_regex).transpose()?;
        Ok(Some(checker))
    }

    fn new(check: &FetchCheck, captures: &[FetchCapture]) -> Result<ResponseChecker, FetchError> {
        let regex = compile_regex;
        let (mut json, mut json_tests) = (Vec::new(), Vec::new());
        for (pointer, condition) in check.json.iter().flatten() {
            let (equals, tests) = match condition {
                JsonCondition::Equals(value) => (Some(value), None),
                JsonCondition::Tests(tests) => (tests.equals.as_ref(), Some(tests)),
            };
            if let Some(expected) = equals {
                let value = RawValue::from_string(expected.reveal().to_owned())
                    .map_err(|error| broken(error.to_string()))?;
                let shown = expected.display_text().to_owned();
                json.push(ExpectedJson { pointer: pointer.clone(), value, shown });
            }
            if let Some(tests) = tests {
                json_tests.push(JsonTest {
                    pointer: pointer.clone(),
                    exists: tests.exists,
                    matches: tests.matches.as_deref().map(regex).transpose()?,
                    at_least: tests.at_least.clone(),
                    at_most: tests.at_most.clone(),
                    length: tests.length,
                });
            }
        }
        let header = |(name, pattern): &(String, String)| {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| broken(error.to_string()))?;
            Ok((name, regex(pattern)?))
        };
        let captures = captures.iter();
        let captures =
            captures.map(|one| CompiledCapture::new(one).map_err(|error| broken(error.to_string())));
        let captures = captures.collect::<Result<Vec<_>, FetchError>>()?;
        Ok(ResponseChecker {
            text: check.text.as_deref().map(regex).transpose()?,
            absent: check.absent.as_deref().map(regex).transpose()?,
            headers: check.headers.iter().flatten().map(header).collect::<Result<_, FetchError>>()?,
            sha256: check.sha256,
            needs_json: check.json.is_some() || captures.iter().any(CompiledCapture::needs_json),
            json,
            json_tests,
            time_limit: check.took,
            lines_until: None,
            captures,
        })
    }

    /// The pattern of the last line of an answer, if a line ends it.
    pub(crate) fn lines_until(&self) -> Option<&Regex> {
        self.lines_until.as_ref()
    }

    /// Whether the whole body is needed.
    pub(crate) fn needs_body(&self) -> bool {
        self.text.is_some()
            || self.absent.is_some()
            || self.needs_json
            || self.captures.iter().any(CompiledCapture::needs_body)
    }

    /// Whether one of the captured values must not be shown.
    pub(crate) fn captures_secrets(&self) -> bool {
        self.captures.iter().any(CompiledCapture::is_secret)
    }

    /// The headers that it looks at, other than the type of the body.
    pub(crate) fn watched_headers(&self) -> impl Iterator<Item = &HeaderName> {
        let captured = self.captures.iter().filter_map(CompiledCapture::header_name);
        self.headers.iter().map(|(name, _)| name).chain(captured)
    }

    /// Checks an answer with this body, if the body is needed, and its digest. Captured values that must not
    /// be shown are added to `secrets`.
    pub(crate) fn evaluate(
        &self,
        (content, sha256): (&[u8], &[u8; 32]),
        headers: &HeaderMap,
        secrets: &Secrets,
    ) -> ResponseFindings {
        let body = charset::decode_text(content, headers);
        let json = self.needs_json.then(|| parse_json(&body));
        let mut answer =
            CapturableResponse { headers, body: &body, json: json.as_ref(), secrets, is_hidden: false };
        // The secrets first: no message may show them.
        for capture in self.captures.iter().filter(|capture| capture.is_secret()) {
            let texts = capture.secret_texts(&answer);
            answer.is_hidden |= texts.is_empty();
            texts.iter().for_each(|text| secrets.learn(text));
        }
        let mut mismatches = self.mismatches(sha256, &answer);
        let mut captured = Vec::new();
        for capture in &self.captures {
            match capture.capture(&answer) {
                Ok(one) => captured.push(one),
                Err(error) => mismatches.push(error.to_string()),
            }
        }
        ResponseFindings::new(&mismatches, captured, self.time_limit)
    }

    fn mismatches(&self, sha256: &[u8; 32], answer: &CapturableResponse<'_>) -> Vec<String> {
        let mut mismatches = Vec::new();
        if let Some(expected) = self.sha256.filter(|expected| expected != sha256) {
            mismatches.push(format!("the body's sha256 is {} and not {}", hex(sha256), hex(&expected)));
        }
        mismatches.extend(self.headers.iter().filter_map(|header| header_mismatch(header, answer)));
        if let Some(regex) = self.text.as_ref().filter(|regex| !regex.is_match(answer.body)) {
            mismatches.push(format!("nothing in the body matches /{regex}/{}", answer.excerpt()));
        }
        if let Some((regex, found)) =
            self.absent.as_ref().and_then(|regex| Some((regex, regex.find(answer.body)?)))
        {
            let shown = match answer.is_hidden {
                true => String::new(),
                false => format!(": {:?}", answer.secrets.excerpt(found.as_bytes(), MAX_SHOWN_MATCH)),
            };
            mismatches.push(format!("the body matches /{regex}/, which should be absent{shown}"));
        }
        match answer.json {
            Some(Ok(body)) => {
                let (is_hidden, secrets) = (answer.is_hidden, answer.secrets);
                mismatches.extend(
                    self.json.iter().filter_map(|expected| json_mismatch(body, expected, is_hidden, secrets)),
                );
                let tests = self.json_tests.iter();
                mismatches.extend(tests.flat_map(|test| test.mismatches(body, is_hidden, secrets)));
            }
            Some(Err(error)) => {
                mismatches.push(format!("the body is not JSON ({error}){}", answer.excerpt()));
            }
            None => {}
        }
        mismatches
    }
}

/// The failure of a job whose check cannot be used.
fn broken(error: String) -> FetchError {
    FetchError::permanent(FetchErrorKind::Protocol, format!("`check`: {error}"))
}

fn compile_regex(regex: &str) -> Result<Regex, FetchError> {
    Regex::new(regex).map_err(|error| broken(error.to_string()))
}

/// Why no value of a header matches; `None` if one does.
fn header_mismatch((name, regex): &(HeaderName, Regex), answer: &CapturableResponse<'_>) -> Option<String> {
    let values: Vec<&[u8]> = answer.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
    if values.iter().any(|value| regex.is_match(value)) {
        return None;
    }
    if values.is_empty() {
        return Some(format!("there is no header {name}, and it should match /{regex}/"));
    }
    let shown = values.iter().map(|value| match is_secret_header(name) || answer.is_hidden {
        true => REDACTED.to_owned(),
        false => format!("{:?}", answer.secrets.excerpt(value, MAX_SHOWN_MATCH)),
    });
    let shown: Vec<String> = shown.collect();
    Some(format!("the header {name} is {}, and should match /{regex}/", shown.join(", ")))
}

/// The longest excerpt of a match or of a header, in characters.
const MAX_SHOWN_MATCH: usize = 100;

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::ScenarioText;

    #[test]
    fn a_secret_expected_value_is_not_shown() {
        let secret = JsonCondition::Equals(ScenarioText::secret("\"canary\"", "\"[redacted]\""));
        let check = FetchCheck { json: Some(vec![("/k".to_owned(), secret)]), ..FetchCheck::NOTHING };
        let checker = ResponseChecker::new(&check, &[]).unwrap();
        let found = checker.evaluate((b"{}", &[0; 32]), &HeaderMap::new(), &Secrets::default());
        assert_eq!(found.mismatch.unwrap(), "/k is not there, and should be \"[redacted]\"");
    }
}
