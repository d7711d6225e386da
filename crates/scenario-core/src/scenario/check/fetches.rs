//! Fetches: URLs, headers, and what of them may be shown.

use std::borrow::Cow;

use base64::Engine;

use super::{auth, load, proxy};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{BoundedU32, RawFetchJob};
use crate::scenario::model::{
    ClientCert, FetchCapture, FetchJob, FetchMode, Http2Mode, ScenarioText, StatusRule,
};
use crate::scenario::schema::capture::RawCapture;
use crate::scenario::schema::collections::NamedEntry;
use crate::scenario::schema::strings::{DeferredText, HeaderValueText};
use crate::scenario::schema::{KeySlot, Located};
use crate::scenario::unix_socket;
use scenario_log::event::REDACTED;
use scenario_log::time::Span;

/// The headers whose values are never shown.
const SENSITIVE_HEADERS: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];

/// A fetch; `None` if it lacks what has been asked for already. `passwords` gets those of its URLs.
pub(super) fn build_fetch(
    name: &str,
    place: FilePlace,
    raw: Located<RawFetchJob>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<FetchJob> {
    let mut raw = raw.value;
    let load = load::build_load(&mut raw, found);
    let urls = raw.urls.into_value().map(|list| list.0);
    let named = raw.headers.as_given().map_or(&[][..], |headers| &headers.value.items);
    auth::report_conflicts(raw.auth.as_given(), named, urls.as_deref().unwrap_or_default(), found);
    let wanted = urls.as_ref().map(Vec::len);
    let urls: Vec<ScenarioText> = urls
        .unwrap_or_default()
        .into_iter()
        .filter_map(|one| build_deferred_url(one, passwords, found))
        .collect();
    let speaks_two = raw.http2.as_given().is_some_and(|http2| http2.value == Http2Mode::Always);
    let proxy = raw
        .proxy
        .into_given()
        .and_then(|proxy| proxy::build_proxy(proxy, &urls, speaks_two, passwords, found));
    let auth = auth::build_auth(raw.auth.into_given(), passwords);
    let headers = build_headers(raw.headers.into_value().unwrap_or_default().items, passwords);
    let number = |slot: KeySlot<BoundedU32<0>>, default: u32| {
        slot.into_value().map_or(default, |number| u32::try_from(number.0).unwrap_or(u32::MAX))
    };
    (wanted? == urls.len()).then(|| FetchJob {
        name: name.to_owned(),
        urls,
        mode: raw.mode.into_value().unwrap_or(FetchMode::Concurrent),
        log_lines: raw.lines.into_value().unwrap_or(false),
        method: raw.method.into_value().map_or_else(|| "GET".to_owned(), |method| method.0),
        headers,
        auth,
        body: raw.body.into_value(),
        timeout: raw.timeout.into_value().map_or(Span::from_secs(30), |timeout| timeout.0),
        redirects: number(raw.redirects, 10),
        retries: number(raw.retries, 0),
        status: raw.status.into_value().unwrap_or(StatusRule::Class(2)),
        max_body: raw.max_body.into_value().map_or(1 << 30, |size| size.0),
        decode_body: raw.decode.into_value().unwrap_or(false),
        ca: raw.ca.into_value().map(|path| path.0),
        proxy,
        client_cert: raw
            .cert
            .into_value()
            .zip(raw.key.into_value())
            .map(|(cert, key)| ClientCert { cert: cert.0, key: key.0 }),
        insecure: raw.insecure.into_value().unwrap_or(false),
        http2: raw.http2.into_value().unwrap_or(Http2Mode::Auto),
        load,
        check: raw.check.into_value(),
        captures: build_captures(raw.capture.into_value().unwrap_or_default().items),
        place,
    })
}

/// The URL of a fetch: captured values may stand behind its host.
fn build_deferred_url(
    late: Located<DeferredText>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let text = late.value.0;
    let behind_host = |at: usize| at > authority_end(text.reveal());
    if !text.gap_positions().all(behind_host) {
        let message = "a captured value cannot stand in the host of a URL, nor before it";
        let fault = Diagnostic::error(late.place, message);
        found.add(fault.with_help("it can stand in the path, in the query and behind `#`"));
        return None;
    }
    build_url(Located { value: text, place: late.place }, passwords, found)
}

/// A URL that can be fetched, with its password hidden. What is captured is taken for nothing in it.
pub(super) fn build_url(
    text: Located<ScenarioText>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let Located { value: text, place } = text;
    if let Err(fault) = check_url(text.reveal()) {
        let shown = hide_password(text.display_text());
        let fault = Diagnostic::error(place, format!("{} cannot be fetched: {fault}", quoted(&shown)));
        found.add(fault.with_help("for example \"http://127.0.0.1:8080/a.pdf\""));
        return None;
    }
    if let Some(password) = password_range(text.reveal()) {
        passwords.push(text.reveal()[password].to_owned());
        passwords.extend(url_credentials(text.reveal()).into_iter().flatten());
    }
    Some(match visible_password_range(text.display_text()) {
        Some(hidden) => text.with_redacted(hidden),
        None => text,
    })
}

fn check_url(text: &str) -> Result<(), String> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("a URL has no spaces and no control characters".to_owned());
    }
    // A scenario out of a log has `[redacted]` where a secret was; any digit will do in its place, and
    // any address where it was the beginning.
    let stand_in = match text.strip_prefix(REDACTED) {
        Some(rest) => format!("http://h{rest}"),
        None => text.to_owned(),
    };
    let stand_in = stand_in.replace(REDACTED, "1");
    let url = url::Url::parse(&stand_in).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "it is no whole URL, which begins with http:// or https://".to_owned()
        }
        error => error.to_string(),
    })?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_none_or(str::is_empty) => Err("it names no host".to_owned()),
        "http" | "https" if url.port() == Some(0) => Err("nothing can listen on port 0".to_owned()),
        "http" | "https" => Ok(()),
        unix_socket::SCHEME => unix_socket::socket_url_error(&url).map_or(Ok(()), Err),
        scheme => Err(format!("{} is neither http nor https nor http+unix", quoted(scheme))),
    }
}

/// Where a URL's user, host and port end.
fn authority_end(url: &str) -> usize {
    let Some(start) = url.find("://").map(|at| at + 3) else { return url.len() };
    url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| start + end)
}

/// Where the password of a URL stands.
fn password_range(url: &str) -> Option<std::ops::Range<usize>> {
    let start = url.find("://")? + 3;
    let at = start + url[start..authority_end(url)].rfind('@')?;
    let colon = start + url[start..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// A URL's password as it is meant, and with its user as the request sends it.
fn url_credentials(url: &str) -> Option<[String; 2]> {
    let url = url::Url::parse(url).ok()?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password()?));
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Some([password, sent])
}

/// Where a password stands that is not hidden yet.
fn visible_password_range(shown: &str) -> Option<std::ops::Range<usize>> {
    password_range(shown).filter(|range| &shown[range.clone()] != REDACTED)
}

fn hide_password(shown: &str) -> Cow<'_, str> {
    match visible_password_range(shown) {
        Some(range) => Cow::Owned(format!("{}{REDACTED}{}", &shown[..range.start], &shown[range.end..])),
        None => Cow::Borrowed(shown),
    }
}

/// What is captured; what is wrong has been told.
fn build_captures(items: Vec<NamedEntry<RawCapture>>) -> Vec<FetchCapture> {
    let captures = items.into_iter().filter_map(|item| {
        let RawCapture(from, secret) = item.value?.value;
        Some(FetchCapture { name: item.name, selector: from, secret })
    });
    captures.collect()
}

/// Whether the value of a header is never shown.
pub(super) fn is_sensitive_header(name: &str) -> bool {
    SENSITIVE_HEADERS.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name))
}

/// Headers that can be sent, sorted by name. A server may say a credential again, with its scheme or
/// without: it is a password as well.
fn build_headers(
    items: Vec<NamedEntry<HeaderValueText>>,
    passwords: &mut Vec<String>,
) -> Vec<(String, ScenarioText)> {
    let mut headers: Vec<(String, ScenarioText)> = Vec::with_capacity(items.len());
    for item in items {
        let Some(Located { value: HeaderValueText(text), .. }) = item.value else { continue };
        if !is_sensitive_header(&item.name) {
            headers.push((item.name, text));
            continue;
        }
        if text.capture_names().next().is_none() {
            let whole = text.reveal();
            passwords.push(whole.to_owned());
            passwords.extend(whole.split_once(' ').map(|(_, credential)| credential.trim().to_owned()));
        }
        headers.push((item.name, text.redacted()));
    }
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        assert_eq!(hide_password("http://u:p@ss@h/x@y:z"), "http://u:[redacted]@h/x@y:z");
        assert_eq!(hide_password("http://u@h/"), "http://u@h/");
        assert_eq!(hide_password("http://h/?a=b:c@d"), "http://h/?a=b:c@d");
        assert_eq!(hide_password("nonsense:p@h"), "nonsense:p@h");
    }

    #[test]
    fn only_http_is_fetched() {
        for good in [
            "http://h",
            "https://[::1]:8443/a?b#c",
            "http://u:p@1.2.3.4/",
            "http://h:[redacted]/",
            "[redacted]",
            "[redacted]/a.pdf",
            "[redacted]://h/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "h",
            "/a",
            "file:///etc/passwd",
            "ftp://h/",
            "http://",
            "http://h:0/",
            "http://h:99999/",
            "http://a b/",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
