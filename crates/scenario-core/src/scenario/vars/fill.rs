//! Fills captured values into a fetch, each one encoded for its place.
//!
//! In a URL a value is a part of the path, the query or the fragment. Everything in it but letters, digits,
//! `-`, `.`, `_` and `~` is percent-encoded, so that it cannot begin another part. In a JSON body it is the
//! inside of a string. In a header, in `auth` and in the fields of a form it is used as it is: it cannot
//! end a header, since it has no control characters, and forms and credentials are encoded as a whole.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnostic::quoted;
use crate::scenario::model::{FetchAuth, FetchBody, FetchJob, MultipartPart, PartContent, ScenarioText};
use crate::scenario::write::json::Json;
use scenario_log::captured_value::{CapturedValue, CapturedValues};

/// All characters but those that RFC 3986 calls unreserved.
pub(super) const URL_RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The reason why captured values cannot be filled into a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureFillError {
    /// The value of this name has not been captured.
    NotCaptured(String),
    /// A value such as `..` changes the parts of the path of this URL, which is as it may be shown.
    ChangesPath(String),
}

impl fmt::Display for CaptureFillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaptureFillError::NotCaptured(name) => {
                write!(f, "`{name}` has not been captured: no fetch that captures it has ended well")
            }
            CaptureFillError::ChangesPath(url) => {
                write!(f, "a value leads the URL out of its path: {}", quoted(url))
            }
        }
    }
}

impl std::error::Error for CaptureFillError {}

/// Encodes a value as a part of a URL.
#[must_use]
pub fn encode_for_url(value: &str) -> String {
    utf8_percent_encode(value, URL_RESERVED).to_string()
}

/// Encodes a value as the inside of a JSON string.
#[must_use]
pub fn escape_for_json(value: &str) -> String {
    let quoted = Json::from(value).to_line();
    quoted[1..quoted.len() - 1].to_owned()
}

/// All texts of one request of a job; `url` is the index of its URL.
pub fn request_texts(job: &FetchJob, url: usize) -> impl Iterator<Item = &ScenarioText> {
    job.urls.get(url).into_iter().chain(texts_beside_urls(job))
}

/// All texts of the requests of a job.
pub(crate) fn job_texts(job: &FetchJob) -> impl Iterator<Item = &ScenarioText> {
    job.urls.iter().chain(texts_beside_urls(job))
}

fn texts_beside_urls(job: &FetchJob) -> impl Iterator<Item = &ScenarioText> {
    let auth: [Option<&ScenarioText>; 2] = match &job.auth {
        Some(FetchAuth::Basic { user, password }) => [Some(user), Some(password)],
        Some(FetchAuth::Bearer(token)) => [Some(token), None],
        None => [None, None],
    };
    let (one, fields, parts) = match &job.body {
        Some(FetchBody::Text(text) | FetchBody::Json(text)) => (Some(text), &[][..], &[][..]),
        Some(FetchBody::Form(fields)) => (None, &fields[..], &[][..]),
        Some(FetchBody::Multipart(parts)) => (None, &[][..], &parts[..]),
        Some(FetchBody::File(_)) | None => (None, &[][..], &[][..]),
    };
    let parts = parts.iter().filter_map(|part| match &part.content {
        PartContent::Text(text) => Some(text),
        PartContent::File(_) => None,
    });
    let headers = job.headers.iter().map(|(_, value)| value);
    let fields = fields.iter().map(|(_, value)| value);
    headers.chain(auth.into_iter().flatten()).chain(one).chain(fields).chain(parts)
}

/// The names of the values that a request of a job needs, each once; `url` is the index of its URL.
pub(crate) fn needed_names(job: &FetchJob, url: usize) -> Vec<&str> {
    let mut wanted: Vec<&str> = Vec::new();
    for name in request_texts(job, url).flat_map(ScenarioText::capture_names) {
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    wanted
}

/// The job of one request with the captured values in it; `None` if it needs none. `url` is the index of
/// its URL.
///
/// # Errors
///
/// A value that it needs has not been captured, or does not fit its URL.
pub fn fill_captures(
    job: &FetchJob,
    url: usize,
    captured: Vec<CapturedValue>,
) -> Result<Option<FetchJob>, CaptureFillError> {
    let captures: CapturedValues =
        captured.into_iter().map(|captured| (captured.name.clone(), captured)).collect();
    let mut wants = request_texts(job, url).flat_map(ScenarioText::capture_names).peekable();
    if wants.peek().is_none() {
        return Ok(None);
    }
    if let Some(missing) = wants.find(|name| !captures.contains_key(*name)) {
        return Err(CaptureFillError::NotCaptured(missing.to_owned()));
    }
    let as_it_is = |text: &ScenarioText| text.with_captures(&captures, str::to_owned);
    let mut job = job.clone();
    if let Some(url) = job.urls.get_mut(url) {
        let filled = url.with_captures(&captures, encode_for_url);
        if changes_path_depth(url, &filled) {
            return Err(CaptureFillError::ChangesPath(filled.display_text().to_owned()));
        }
        *url = filled;
    }
    job.headers.iter_mut().for_each(|(_, value)| *value = as_it_is(value));
    job.auth = job.auth.map(|auth| match auth {
        FetchAuth::Basic { user, password } => {
            FetchAuth::Basic { user: as_it_is(&user), password: as_it_is(&password) }
        }
        FetchAuth::Bearer(token) => FetchAuth::Bearer(as_it_is(&token)),
    });
    job.body = job.body.map(|body| match body {
        FetchBody::Text(text) => FetchBody::Text(as_it_is(&text)),
        FetchBody::Json(json) => FetchBody::Json(json.with_captures(&captures, escape_for_json)),
        FetchBody::Form(fields) => {
            FetchBody::Form(fields.into_iter().map(|(name, value)| (name, as_it_is(&value))).collect())
        }
        FetchBody::File(path) => FetchBody::File(path),
        FetchBody::Multipart(parts) => {
            let fill = |part: MultipartPart| {
                let content = match part.content {
                    PartContent::Text(text) => PartContent::Text(as_it_is(&text)),
                    PartContent::File(path) => PartContent::File(path),
                };
                MultipartPart { content, ..part }
            };
            FetchBody::Multipart(parts.into_iter().map(fill).collect())
        }
    });
    Ok(Some(job))
}

/// Whether the path of a URL has another number of parts than the path as it is written: `..` goes up,
/// however it is encoded.
fn changes_path_depth(written: &ScenarioText, filled: &ScenarioText) -> bool {
    let parts = |text: &ScenarioText| {
        let url = url::Url::parse(text.reveal()).ok()?;
        url.path_segments().map(Iterator::count)
    };
    let ordinary = |name: &str| CapturedValue { name: name.to_owned(), value: "x".to_owned(), secret: false };
    let ordinary = written.capture_names().map(|name| (name.to_owned(), ordinary(name))).collect();
    parts(&written.with_captures(&ordinary, encode_for_url)) != parts(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_not_up() {
        let mut url = ScenarioText::plain("http://h/a/");
        url.push(&ScenarioText::capture_gap("v"));
        url.push_str("/b?");
        url.push(&ScenarioText::capture_gap("v"));
        for (value, elsewhere) in
            [("x", false), ("", false), ("...", false), ("a/..", false), ("..", true), (".", true)]
        {
            let captured = CapturedValue { name: "v".to_owned(), value: value.to_owned(), secret: false };
            let filled =
                url.with_captures(&CapturedValues::from([("v".to_owned(), captured)]), encode_for_url);
            assert_eq!(changes_path_depth(&url, &filled), elsewhere, "{value:?}");
        }
    }

    #[test]
    fn a_value_begins_no_other_part_of_a_url_or_a_string() {
        assert_eq!(encode_for_url("a/b?c#d%20&é~-_.@:"), "a%2Fb%3Fc%23d%2520%26%C3%A9~-_.%40%3A");
        assert_eq!(escape_for_json("a\"b\\"), "a\\\"b\\\\");
    }
}
