//! Captures values from an answer for later parts of the run. Keeps none of them.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{HeaderName, InvalidHeaderName};
use regex::bytes::Regex;
use serde_json::Value;

use scenario_core::scenario::model::{CaptureSelector, FetchCapture};
use scenario_log::captured_value::CapturedValue;
use scenario_log::secrets::Secrets;

use super::json::json_scalar;
use super::text::body_excerpt;

/// The longest captured value, in bytes.
const MAX_VALUE_LEN: usize = 64 << 10;

/// An answer from which values are captured.
pub(super) struct CapturableResponse<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Empty if nothing needs the body.
    pub(super) body: &'a [u8],
    /// The body as JSON, or the parser's error; `None` if nothing needs it.
    pub(super) json: Option<&'a serde_json::Result<Value>>,
    /// What messages must not show.
    pub(super) secrets: &'a Secrets,
}

/// Why a capture of the scenario cannot be used.
#[derive(Debug)]
pub(super) enum InvalidCapture {
    Regex(regex::Error),
    Header(InvalidHeaderName),
}

impl fmt::Display for InvalidCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidCapture::Regex(error) => error.fmt(f),
            InvalidCapture::Header(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidCapture {}

/// Why an answer has no value for a capture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CaptureError {
    name: String,
    reason: String,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not captured: {}", self.name, self.reason)
    }
}

impl std::error::Error for CaptureError {}

/// One capture of a job.
#[derive(Debug)]
pub(super) struct CompiledCapture {
    name: String,
    from: CaptureTarget,
    is_secret: bool,
}

#[derive(Debug)]
enum CaptureTarget {
    Json(String),
    Text(Regex),
    Header(HeaderName),
}

impl CompiledCapture {
    /// Fails only for a capture that the check of scenarios refuses, too.
    pub(super) fn new(capture: &FetchCapture) -> Result<CompiledCapture, InvalidCapture> {
        let from = match &capture.selector {
            CaptureSelector::Json(pointer) => CaptureTarget::Json(pointer.clone()),
            CaptureSelector::Text(regex) => {
                CaptureTarget::Text(Regex::new(regex).map_err(InvalidCapture::Regex)?)
            }
            CaptureSelector::Header(name) => CaptureTarget::Header(
                HeaderName::from_bytes(name.as_bytes()).map_err(InvalidCapture::Header)?,
            ),
        };
        Ok(CompiledCapture { name: capture.name.clone(), from, is_secret: capture.secret })
    }

    /// Whether it needs the body.
    pub(super) fn needs_body(&self) -> bool {
        !matches!(self.from, CaptureTarget::Header(_))
    }

    /// Whether it needs the body as JSON.
    pub(super) fn needs_json(&self) -> bool {
        matches!(self.from, CaptureTarget::Json(_))
    }

    /// Whether its value must not be shown.
    pub(super) fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// The value that it finds in an answer.
    pub(super) fn capture(&self, answer: &CapturableResponse<'_>) -> Result<CapturedValue, CaptureError> {
        let name = self.name.clone();
        match self.extract_value(answer).and_then(check_value) {
            Ok(value) => Ok(CapturedValue { name, value, secret: self.is_secret }),
            Err(reason) => Err(CaptureError { name, reason }),
        }
    }

    fn extract_value(&self, answer: &CapturableResponse<'_>) -> Result<String, String> {
        let text = |bytes: &[u8]| {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "its value is not UTF-8".to_owned())
        };
        match &self.from {
            CaptureTarget::Json(pointer) => match answer.json {
                Some(Ok(body)) => json_scalar(body, pointer),
                _ => Err("the body is not JSON".to_owned()),
            },
            CaptureTarget::Text(regex) => {
                let group = regex.captures(answer.body).and_then(|found| found.get(1));
                let none = || match self.is_secret {
                    true => format!("nothing in the body matches /{regex}/"),
                    false => format!(
                        "nothing in the body matches /{regex}/: {}",
                        body_excerpt(answer.body, answer.secrets)
                    ),
                };
                text(group.ok_or_else(none)?.as_bytes())
            }
            CaptureTarget::Header(name) => {
                let value = answer.headers.get(name).ok_or_else(|| format!("there is no header {name}"))?;
                text(value.as_bytes())
            }
        }
    }
}

/// Accepts values that can stand in a header, a URL and a line. With a control character a value could end
/// one of them, and begin something that the scenario's author never wrote.
fn check_value(value: String) -> Result<String, String> {
    if let Some(control) = value.chars().find(|c| c.is_control()) {
        return Err(format!("its value has the control character U+{:04X}", u32::from(control)));
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(format!("its value has {} bytes, more than {MAX_VALUE_LEN}", value.len()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(selector: CaptureSelector, body: &str) -> Result<String, String> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-id"), "a b".parse().unwrap())]);
        let json = serde_json::from_str(body);
        let answer = CapturableResponse {
            headers: &headers,
            body: body.as_bytes(),
            json: Some(&json),
            secrets: &Secrets::default(),
        };
        let capture = FetchCapture { name: "v".to_owned(), selector, secret: false };
        let capture = CompiledCapture::new(&capture).unwrap();
        capture.capture(&answer).map(|captured| captured.value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_come_from_three_places() {
        let json = |place: &str| CaptureSelector::Json(place.to_owned());
        let text = |regex: &str| CaptureSelector::Text(regex.to_owned());
        let header = |name: &str| CaptureSelector::Header(name.to_owned());
        let body = r#"{"a":"x","n":[7,-1.5,true,null,{}],"line":"a\r\nSet-Cookie: b"}"#;
        for (from, value) in [
            (json("/a"), "x"),
            (json("/n/0"), "7"),
            (json("/n/1"), "-1.5"),
            (json("/n/2"), "true"),
            (text("\"n\":(.)7"), "["),
            (text("(zz)?a"), ""),
            (header("X-ID"), "a b"),
        ] {
            let found = captured(from.clone(), body);
            match value {
                // A group that does not take part in the match has no value.
                "" => assert!(found.is_err(), "{found:?}"),
                value => assert_eq!(found.as_deref(), Ok(value), "{from:?}"),
            }
        }
        for (from, message) in [
            (json("/b"), "`v` is not captured: /b is not there"),
            (json("/n/3"), "`v` is not captured: /n/3 is null, not a string, number or boolean"),
            (json("/n"), "`v` is not captured: /n is a list, not a string, number or boolean"),
            (json("/line"), "`v` is not captured: its value has the control character U+000D"),
            (header("x-none"), "`v` is not captured: there is no header x-none"),
        ] {
            assert_eq!(captured(from, body), Err(message.to_owned()));
        }
        assert!(
            captured(text("(q)"), "no")
                .unwrap_err()
                .ends_with("nothing in the body matches /(q)/: it begins with \"no\"")
        );
        assert!(captured(text("(x+)"), &"x".repeat(MAX_VALUE_LEN + 1)).unwrap_err().contains("65537 bytes"));
        assert_eq!(
            captured(json("/a"), "<html>"),
            Err("`v` is not captured: the body is not JSON".to_owned())
        );
    }
}
