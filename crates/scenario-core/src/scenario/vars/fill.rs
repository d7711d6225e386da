//! A fetch with the values in it that were captured in the run, each as its place needs it.
//!
//! In a URL a value is a part of the path, the query or the fragment, and everything in it but letters,
//! digits, `-`, `.`, `_` and `~` is percent-encoded: it can begin no other part. In a JSON body it is the
//! inside of a string. In a header, which it cannot end since it has no control characters, in `auth`
//! and in the fields of a form it goes as it is: forms and user and password are encoded as a whole.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnostic::quoted;
use crate::scenario::model::{Auth, Body, FetchJob, Text};
use crate::scenario::write::json::Json;
use scenario_log::captured::{Captured, Captures};

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as a part of a URL.
#[must_use]
pub fn in_url(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

/// A value inside a string of a JSON text.
fn in_json(value: &str) -> String {
    let quoted = Json::from(value).line();
    quoted[1..quoted.len() - 1].to_owned()
}

/// All texts of a request of a job.
fn texts(job: &FetchJob, url: usize) -> impl Iterator<Item = &Text> {
    let auth: [Option<&Text>; 2] = match &job.auth {
        Some(Auth::Basic { user, password }) => [Some(user), Some(password)],
        Some(Auth::Bearer(token)) => [Some(token), None],
        None => [None, None],
    };
    let (one, fields) = match &job.body {
        Some(Body::Text(text) | Body::Json(text)) => (Some(text), &[][..]),
        Some(Body::Form(fields)) => (None, &fields[..]),
        Some(Body::File(_)) | None => (None, &[][..]),
    };
    let headers = job.headers.iter().map(|(_, value)| value);
    let fields = fields.iter().map(|(_, value)| value);
    job.urls.get(url).into_iter().chain(headers).chain(auth.into_iter().flatten()).chain(one).chain(fields)
}

/// The values that a request of a job wants, of those that have been captured.
#[must_use]
pub fn wanted(job: &FetchJob, url: usize, captures: &Captures) -> Vec<Captured> {
    let mut wanted: Vec<Captured> = Vec::new();
    for name in texts(job, url).flat_map(Text::wanted) {
        if !wanted.iter().any(|captured| captured.name == name) {
            wanted.extend(captures.get(name).cloned());
        }
    }
    wanted
}

/// A job for one request, with the captured values in it; `None` if it wants none.
///
/// # Errors
///
/// In words: one that it wants has not been captured, or does not fit its URL.
pub fn filled(job: &FetchJob, url: usize, captured: Vec<Captured>) -> Result<Option<FetchJob>, String> {
    let captures: Captures = captured.into_iter().map(|captured| (captured.name.clone(), captured)).collect();
    let mut wants = texts(job, url).flat_map(Text::wanted).peekable();
    if wants.peek().is_none() {
        return Ok(None);
    }
    if let Some(missing) = wants.find(|name| !captures.contains_key(*name)) {
        return Err(format!("`{missing}` has not been captured: no fetch that captures it has ended well"));
    }
    let as_it_is = |text: &Text| text.filled(&captures, str::to_owned);
    let mut job = job.clone();
    if let Some(url) = job.urls.get_mut(url) {
        let filled = url.filled(&captures, in_url);
        if leads_elsewhere(url, &filled) {
            let shown = filled.shown();
            return Err(format!("a captured value leads the URL out of its path: {}", quoted(shown)));
        }
        *url = filled;
    }
    job.headers.iter_mut().for_each(|(_, value)| *value = as_it_is(value));
    job.auth = job.auth.map(|auth| match auth {
        Auth::Basic { user, password } => {
            Auth::Basic { user: as_it_is(&user), password: as_it_is(&password) }
        }
        Auth::Bearer(token) => Auth::Bearer(as_it_is(&token)),
    });
    job.body = job.body.map(|body| match body {
        Body::Text(text) => Body::Text(as_it_is(&text)),
        Body::Json(json) => Body::Json(json.filled(&captures, in_json)),
        Body::Form(fields) => {
            Body::Form(fields.into_iter().map(|(name, value)| (name, as_it_is(&value))).collect())
        }
        Body::File(path) => Body::File(path),
    });
    Ok(Some(job))
}

/// Whether the path of a URL has not as many parts as it was written with: `..` goes up however it is
/// encoded.
fn leads_elsewhere(written: &Text, filled: &Text) -> bool {
    let parts = |text: &Text| {
        let url = url::Url::parse(text.reveal()).ok()?;
        url.path_segments().map(Iterator::count)
    };
    let ordinary = |name: &str| Captured { name: name.to_owned(), value: "x".to_owned(), secret: false };
    let ordinary = written.wanted().map(|name| (name.to_owned(), ordinary(name))).collect();
    parts(&written.filled(&ordinary, in_url)) != parts(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_not_up() {
        let mut url = Text::plain("http://h/a/");
        url.push(&Text::captured("v"));
        url.push_str("/b?");
        url.push(&Text::captured("v"));
        for (value, elsewhere) in
            [("x", false), ("", false), ("...", false), ("a/..", false), ("..", true), (".", true)]
        {
            let captured = Captured { name: "v".to_owned(), value: value.to_owned(), secret: false };
            let filled = url.filled(&Captures::from([("v".to_owned(), captured)]), in_url);
            assert_eq!(leads_elsewhere(&url, &filled), elsewhere, "{value:?}");
        }
    }

    #[test]
    fn a_value_begins_no_other_part_of_a_url_or_a_string() {
        assert_eq!(in_url("a/b?c#d%20&é~-_.@:"), "a%2Fb%3Fc%23d%2520%26%C3%A9~-_.%40%3A");
        assert_eq!(in_json("a\"b\\"), "a\\\"b\\\\");
    }
}
