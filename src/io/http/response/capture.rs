//! Values taken out of an answer, for what comes later in a run. Keeps none of them.

use hyper::HeaderMap;
use hyper::header::HeaderName;
use regex::bytes::Regex;
use serde_json::Value;

use scenario_core::scenario::model::{CaptureSelector, FetchCapture};
use scenario_log::captured_value::CapturedValue;

use crate::io::http::response::check::body_excerpt;

/// The longest value that is taken, in bytes.
const MAX_VALUE_LEN: usize = 64 << 10;

/// What a value is taken out of.
pub(crate) struct CapturableResponse<'a> {
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// Its body, where somebody wants it.
    pub(crate) body: &'a [u8],
    /// The body as JSON, or why it is none, where somebody wants it so.
    pub(crate) json: Option<&'a Result<Value, String>>,
}

/// One capture of a job.
#[derive(Debug)]
pub(crate) struct CompiledCapture {
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
    /// What takes this.
    ///
    /// # Errors
    ///
    /// If the scenario is not what it was when it was checked.
    pub(crate) fn new(capture: &FetchCapture) -> Result<CompiledCapture, String> {
        let from = match &capture.selector {
            CaptureSelector::Json(place) => CaptureTarget::Json(place.clone()),
            CaptureSelector::Text(regex) => {
                CaptureTarget::Text(Regex::new(regex).map_err(|error| error.to_string())?)
            }
            CaptureSelector::Header(name) => CaptureTarget::Header(
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?,
            ),
        };
        Ok(CompiledCapture { name: capture.name.clone(), from, is_secret: capture.secret })
    }

    /// Whether it needs the body.
    pub(crate) fn needs_body(&self) -> bool {
        !matches!(self.from, CaptureTarget::Header(_))
    }

    /// Whether it needs the body as JSON.
    pub(crate) fn needs_json(&self) -> bool {
        matches!(self.from, CaptureTarget::Json(_))
    }

    /// Whether what it takes must not be shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// Takes its value.
    ///
    /// # Errors
    ///
    /// In words, why there is none that can be used.
    pub(crate) fn capture(&self, answer: &CapturableResponse<'_>) -> Result<CapturedValue, String> {
        let value = self.extract_value(answer).and_then(check_value);
        match value {
            Ok(value) => Ok(CapturedValue { name: self.name.clone(), value, secret: self.is_secret }),
            Err(words) => Err(format!("`{}` is not captured: {words}", self.name)),
        }
    }

    fn extract_value(&self, answer: &CapturableResponse<'_>) -> Result<String, String> {
        let text = |bytes: &[u8]| {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "its value is not UTF-8".to_owned())
        };
        match &self.from {
            CaptureTarget::Json(place) => match answer.json {
                Some(Ok(body)) => json_scalar(body, place),
                _ => Err("the body is no JSON".to_owned()),
            },
            CaptureTarget::Text(regex) => {
                let group = regex.captures(answer.body).and_then(|found| found.get(1));
                let none = || match self.is_secret {
                    true => format!("nothing in the body is like /{regex}/"),
                    false => format!("nothing in the body is like /{regex}/: {}", body_excerpt(answer.body)),
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

/// The string, number or boolean at a place.
fn json_scalar(body: &Value, place: &str) -> Result<String, String> {
    let named = if place.is_empty() { "the body" } else { place };
    let what = match body.pointer(place) {
        Some(Value::String(text)) => return Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => return Ok(value.to_string()),
        Some(Value::Null) => "is null",
        Some(Value::Array(_)) => "is a list",
        Some(Value::Object(_)) => "is an object",
        None => return Err(format!("{named} is not there")),
    };
    Err(format!("{named} {what}, and no string, number or boolean"))
}

/// A value that can stand in a header, a URL and a line. With a control character it could end them,
/// and begin what the scenario's author never wrote.
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

    fn take(from: CaptureSelector, body: &str) -> Result<String, String> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-id"), "a b".parse().unwrap())]);
        let json = serde_json::from_str(body).map_err(|error: serde_json::Error| error.to_string());
        let answer = CapturableResponse { headers: &headers, body: body.as_bytes(), json: Some(&json) };
        let taker =
            CompiledCapture::new(&FetchCapture { name: "v".to_owned(), selector: from, secret: false })
                .unwrap();
        taker.capture(&answer).map(|captured| captured.value)
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
            let taken = take(from.clone(), body);
            match value {
                // A group that takes no part has no value.
                "" => assert!(taken.is_err(), "{taken:?}"),
                value => assert_eq!(taken.as_deref(), Ok(value), "{from:?}"),
            }
        }
        for (from, words) in [
            (json("/b"), "`v` is not captured: /b is not there"),
            (json("/n/3"), "`v` is not captured: /n/3 is null, and no string, number or boolean"),
            (json("/n"), "`v` is not captured: /n is a list, and no string, number or boolean"),
            (json("/line"), "`v` is not captured: its value has the control character U+000D"),
            (header("x-none"), "`v` is not captured: there is no header x-none"),
        ] {
            assert_eq!(take(from, body), Err(words.to_owned()));
        }
        assert!(
            take(text("(q)"), "no")
                .unwrap_err()
                .ends_with("nothing in the body is like /(q)/: it begins with \"no\"")
        );
        assert!(take(text("(x+)"), &"x".repeat(MAX_VALUE_LEN + 1)).unwrap_err().contains("65537 bytes"));
        assert_eq!(take(json("/a"), "<html>"), Err("`v` is not captured: the body is no JSON".to_owned()));
    }
}
