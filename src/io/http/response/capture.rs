//! Captures values from an answer for later parts of the run. Keeps none of them.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{HeaderName, InvalidHeaderName, SET_COOKIE};
use regex::bytes::Regex;
use serde_json::value::RawValue;

use scenario_core::scenario::model::{CaptureSelector, FetchCapture};
use scenario_log::captured_value::CapturedValue;
use scenario_log::secrets::Secrets;

use super::json::{all_scalars, json_scalar};
use super::text::body_excerpt;

/// The longest captured value, in bytes.
const MAX_VALUE_LEN: usize = 64 << 10;

/// An answer from which values are captured.
pub(super) struct CapturableResponse<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The text of the body; empty if nothing needs it.
    pub(super) body: &'a [u8],
    /// The body as JSON, or the parser's error; `None` if nothing needs it.
    pub(super) json: Option<&'a serde_json::Result<&'a RawValue>>,
    /// The texts that messages must not show.
    pub(super) secrets: &'a Secrets,
    /// Whether messages must show nothing of the body: a secret is in it, but nobody knows where.
    pub(super) is_hidden: bool,
}

impl CapturableResponse<'_> {
    /// The beginning of the body, to be added to a message.
    pub(super) fn excerpt(&self) -> String {
        if self.is_hidden { String::new() } else { format!(": {}", body_excerpt(self.body, self.secrets)) }
    }
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
    may_be_empty: bool,
}

#[derive(Debug)]
enum CaptureTarget {
    Json(String),
    Text(Regex),
    Header(HeaderName),
    HeaderText(HeaderName, Regex),
}

impl CompiledCapture {
    /// Fails only for a capture that the check of scenarios refuses, too.
    pub(super) fn new(capture: &FetchCapture) -> Result<CompiledCapture, InvalidCapture> {
        let regex = |regex: &str| Regex::new(regex).map_err(InvalidCapture::Regex);
        let header = |name: &str| HeaderName::from_bytes(name.as_bytes()).map_err(InvalidCapture::Header);
        let from = match &capture.selector {
            CaptureSelector::Json(pointer) => CaptureTarget::Json(pointer.clone()),
            CaptureSelector::Text(text) => CaptureTarget::Text(regex(text)?),
            CaptureSelector::Header(name) => CaptureTarget::Header(header(name)?),
            CaptureSelector::HeaderText { header: name, regex: text } => {
                CaptureTarget::HeaderText(header(name)?, regex(text)?)
            }
        };
        let FetchCapture { secret: is_secret, may_be_empty, .. } = *capture;
        Ok(CompiledCapture { name: capture.name.clone(), from, is_secret, may_be_empty })
    }

    /// Whether it needs the body.
    pub(super) fn needs_body(&self) -> bool {
        matches!(self.from, CaptureTarget::Json(_) | CaptureTarget::Text(_))
    }

    /// Whether it needs the body as JSON.
    pub(super) fn needs_json(&self) -> bool {
        matches!(self.from, CaptureTarget::Json(_))
    }

    /// The header that it looks at.
    pub(super) fn header_name(&self) -> Option<&HeaderName> {
        match &self.from {
            CaptureTarget::Header(name) | CaptureTarget::HeaderText(name, _) => Some(name),
            CaptureTarget::Json(_) | CaptureTarget::Text(_) => None,
        }
    }

    /// Whether its value must not be shown.
    pub(super) fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// The value that it finds in an answer.
    pub(super) fn capture(&self, answer: &CapturableResponse<'_>) -> Result<CapturedValue, CaptureError> {
        let name = self.name.clone();
        match self.extract_value(answer).and_then(|value| self.check_value(value)) {
            Ok(value) => Ok(CapturedValue { name, value, secret: self.is_secret }),
            Err(reason) => Err(CaptureError { name, reason }),
        }
    }

    /// The value, as far as it is known, and everything that belongs to it: nothing of it may be shown, even
    /// if it cannot be captured. Empty if the value is not found.
    pub(super) fn secret_texts(&self, answer: &CapturableResponse<'_>) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match &self.from {
            CaptureTarget::Json(pointer) => match answer.json {
                Some(Ok(body)) => all_scalars(body, pointer),
                _ => Vec::new(),
            },
            CaptureTarget::Text(regex) => {
                let groups = regex.captures_iter(answer.body).filter_map(|found| found.get(1));
                groups.map(|group| text(group.as_bytes())).collect()
            }
            CaptureTarget::Header(name) | CaptureTarget::HeaderText(name, _) => {
                let values = answer.headers.get_all(name).iter().map(|value| text(value.as_bytes()));
                let mut texts: Vec<String> = values.collect();
                if *name == SET_COOKIE {
                    // A server shows a cookie without its attributes, or its value alone.
                    let cookies: Vec<&str> =
                        texts.iter().map(|cookie| cookie.split(';').next().unwrap_or_default()).collect();
                    let values = cookies.iter().filter_map(|cookie| cookie.split_once('='));
                    let more: Vec<String> = values
                        .map(|(_, value)| value)
                        .chain(cookies.iter().copied())
                        .map(str::to_owned)
                        .collect();
                    texts.extend(more);
                }
                if let CaptureTarget::HeaderText(_, regex) = &self.from {
                    let found = |value: &String| {
                        regex.captures(value.as_bytes())?.get(1).map(|one| text(one.as_bytes()))
                    };
                    let groups: Vec<String> = texts.iter().filter_map(found).collect();
                    texts.extend(groups);
                }
                texts
            }
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
                let none = || format!("nothing in the body matches /{regex}/{}", answer.excerpt());
                text(group.ok_or_else(none)?.as_bytes())
            }
            CaptureTarget::Header(name) => {
                let mut values = answer.headers.get_all(name).iter();
                let value = values.next().ok_or_else(|| format!("there is no header {name}"))?;
                if values.any(|other| other != value) {
                    return Err(several_values_message(name, answer.headers));
                }
                header_text(value.as_bytes())
            }
            CaptureTarget::HeaderText(name, regex) => {
                let mut values = answer.headers.get_all(name).iter().peekable();
                if values.peek().is_none() {
                    return Err(format!("there is no header {name}"));
                }
                let group = values.find_map(|value| regex.captures(value.as_bytes())?.get(1));
                let group =
                    group.ok_or_else(|| format!("no value of the header {name} matches /{regex}/"))?;
                header_text(group.as_bytes())
            }
        }
    }

    /// Accepts values that can stand in a header, a URL and a line. With a control character a value could
    /// end one of them, and begin something that the scenario's author never wrote.
    fn check_value(&self, value: String) -> Result<String, String> {
        if let Some(control) = value.chars().find(|c| c.is_control()) {
            return Err(format!("its value has the control character U+{:04X}", u32::from(control)));
        }
        if value.len() > MAX_VALUE_LEN {
            return Err(format!("its value has {} bytes, more than {MAX_VALUE_LEN}", value.len()));
        }
        if value.is_empty() && !self.may_be_empty {
            return Err("its value is empty (`empty = true` allows that)".to_owned());
        }
        Ok(value)
    }
}

/// Why no value of a header is the one to be captured, and what helps.
fn several_values_message(name: &HeaderName, headers: &HeaderMap) -> String {
    let count = headers.get_all(name).iter().count();
    let example = if *name == SET_COOKIE { ", for example `text = 'NAME=([^;]+)'`" } else { "" };
    format!("there are {count} headers {name}: a `text` must choose one of them{example}")
}

/// The value of a header, which is UTF-8 or else ISO 8859-1.
fn header_text(value: &[u8]) -> Result<String, String> {
    Ok(match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::http::response::json::parse_json;
    use hyper::header::HeaderValue;

    fn captured(selector: CaptureSelector, body: &str) -> Result<String, String> {
        let headers = HeaderMap::from_iter(
            [
                ("x-id", &b"a b"[..]),
                ("x-id", b"c=d"),
                ("x-none", b""),
                ("x-old", b"caf\xe9"),
                ("x-twice", b"same"),
                ("x-twice", b"same"),
                ("set-cookie", b"lang=en"),
                ("set-cookie", b"sid=1; Path=/"),
                ("set-cookie", b"a=b"),
            ]
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())),
        );
        let json = parse_json(body.as_bytes());
        let answer = CapturableResponse {
            headers: &headers,
            body: body.as_bytes(),
            json: Some(&json),
            secrets: &Secrets::default(),
            is_hidden: false,
        };
        let capture = FetchCapture { name: "v".to_owned(), selector, secret: false, may_be_empty: false };
        let capture = CompiledCapture::new(&capture).unwrap();
        capture.capture(&answer).map(|captured| captured.value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_come_from_three_places() {
        let json = |place: &str| CaptureSelector::Json(place.to_owned());
        let text = |regex: &str| CaptureSelector::Text(regex.to_owned());
        let header = |name: &str| CaptureSelector::Header(name.to_owned());
        let header_text = |header: &str, regex: &str| CaptureSelector::HeaderText {
            header: header.to_owned(),
            regex: regex.to_owned(),
        };
        let body = r#"{"a":"x","n":[7,-1.5,true,null,{}],"line":"a\r\nSet-Cookie: b"}"#;
        for (from, value) in [
            (json("/a"), "x"),
            (json("/n/0"), "7"),
            (json("/n/1"), "-1.5"),
            (json("/n/2"), "true"),
            (text("\"n\":(.)7"), "["),
            (text("(zz)?a"), ""),
            (header("X-Twice"), "same"),
            (header("x-old"), "café"),
            (header_text("x-id", "c=(.)"), "d"),
            (header_text("set-cookie", "sid=([^;]+)"), "1"),
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
            (
                header("X-ID"),
                "`v` is not captured: there are 2 headers x-id: a `text` must choose one of them",
            ),
            (
                header("set-cookie"),
                "`v` is not captured: there are 3 headers set-cookie: a `text` must choose one of them, \
                 for example `text = 'NAME=([^;]+)'`",
            ),
            (header("x-other"), "`v` is not captured: there is no header x-other"),
            (header("x-none"), "`v` is not captured: its value is empty (`empty = true` allows that)"),
            (text("(y*)"), "`v` is not captured: its value is empty (`empty = true` allows that)"),
            (header_text("x-id", "(z)"), "`v` is not captured: no value of the header x-id matches /(z)/"),
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
