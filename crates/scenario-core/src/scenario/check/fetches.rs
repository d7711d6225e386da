//! Fetches: URLs, headers, and what of them may be shown.

use std::borrow::Cow;

use base64::Engine;

use super::{auth, load, proxy};
use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::file::{Count, RawFetch};
use crate::scenario::findings::Findings;
use crate::scenario::model::{Capture, ClientCert, FetchJob, FetchMode, Http2, StatusRule, Text};
use crate::scenario::schema::capture::RawCapture;
use crate::scenario::schema::collections::NamedItem;
use crate::scenario::schema::text::{HeaderValue, Late};
use crate::scenario::schema::{Slot, Sp};
use crate::scenario::socket;
use scenario_log::event::REDACTED;
use scenario_log::time::Span;

/// The headers whose values are never shown.
const SENSITIVE: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];

/// A fetch; `None` if it lacks what has been asked for already. `passwords` gets those of its URLs.
pub(super) fn fetch(
    name: &str,
    place: Place,
    raw: Sp<RawFetch>,
    passwords: &mut Vec<String>,
    found: &mut Findings,
) -> Option<FetchJob> {
    let mut raw = raw.value;
    let load = load::load(&mut raw, found);
    let urls = raw.urls.value().map(|list| list.0);
    let named = raw.headers.as_given().map_or(&[][..], |headers| &headers.value.items);
    auth::conflicts(raw.auth.as_given(), named, urls.as_deref().unwrap_or_default(), found);
    let wanted = urls.as_ref().map(Vec::len);
    let urls: Vec<Text> =
        urls.unwrap_or_default().into_iter().filter_map(|one| late_url(one, passwords, found)).collect();
    let speaks_two = raw.http2.as_given().is_some_and(|http2| http2.value == Http2::Always);
    let proxy = raw.proxy.given().and_then(|proxy| proxy::proxy(proxy, &urls, speaks_two, passwords, found));
    let auth = auth::auth(raw.auth.given(), passwords);
    let headers = headers(raw.headers.value().unwrap_or_default().items, passwords);
    let number = |slot: Slot<Count<0>>, default: u32| {
        slot.value().map_or(default, |number| u32::try_from(number.0).unwrap_or(u32::MAX))
    };
    (wanted? == urls.len()).then(|| FetchJob {
        name: name.to_owned(),
        urls,
        mode: raw.mode.value().unwrap_or(FetchMode::Concurrent),
        lines: raw.lines.value().unwrap_or(false),
        method: raw.method.value().map_or_else(|| "GET".to_owned(), |method| method.0),
        headers,
        auth,
        body: raw.body.value(),
        timeout: raw.timeout.value().map_or(Span::from_secs(30), |timeout| timeout.0),
        redirects: number(raw.redirects, 10),
        retries: number(raw.retries, 0),
        status: raw.status.value().unwrap_or(StatusRule::Class(2)),
        max_body: raw.max_body.value().map_or(1 << 30, |size| size.0),
        decode: raw.decode.value().unwrap_or(false),
        ca: raw.ca.value().map(|path| path.0),
        proxy,
        client: raw
            .cert
            .value()
            .zip(raw.key.value())
            .map(|(cert, key)| ClientCert { cert: cert.0, key: key.0 }),
        insecure: raw.insecure.value().unwrap_or(false),
        http2: raw.http2.value().unwrap_or(Http2::Auto),
        load,
        check: raw.check.value(),
        capture: captures(raw.capture.value().unwrap_or_default().items),
        place,
    })
}

/// The URL of a fetch: captured values may stand behind its host.
fn late_url(late: Sp<Late>, passwords: &mut Vec<String>, found: &mut Findings) -> Option<Text> {
    let text = late.value.0;
    let behind_host = |at: usize| at > authority_end(text.reveal());
    if !text.gaps().all(behind_host) {
        let message = "a captured value cannot stand in the host of a URL, nor before it";
        let fault = Diagnostic::error(late.place, message);
        found.add(fault.help("it can stand in the path, in the query and behind `#`"));
        return None;
    }
    url(Sp { value: text, place: late.place }, passwords, found)
}

/// A URL that can be fetched, with its password hidden. What is captured is taken for nothing in it.
pub(super) fn url(text: Sp<Text>, passwords: &mut Vec<String>, found: &mut Findings) -> Option<Text> {
    let Sp { value: text, place } = text;
    if let Err(fault) = fetchable(text.reveal()) {
        let shown = hide_password(text.shown());
        let fault = Diagnostic::error(place, format!("{} cannot be fetched: {fault}", quoted(&shown)));
        found.add(fault.help("for example \"http://127.0.0.1:8080/a.pdf\""));
        return None;
    }
    if let Some(password) = password(text.reveal()) {
        passwords.push(text.reveal()[password].to_owned());
        passwords.extend(credentials(text.reveal()).into_iter().flatten());
    }
    Some(match shown_password(text.shown()) {
        Some(hidden) => text.hiding(hidden),
        None => text,
    })
}

fn fetchable(text: &str) -> Result<(), String> {
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
        socket::SCHEME => socket::fault(&url).map_or(Ok(()), Err),
        scheme => Err(format!("{} is neither http nor https nor http+unix", quoted(scheme))),
    }
}

/// Where a URL's user, host and port end.
fn authority_end(url: &str) -> usize {
    let Some(start) = url.find("://").map(|at| at + 3) else { return url.len() };
    url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| start + end)
}

/// Where the password of a URL stands.
fn password(url: &str) -> Option<std::ops::Range<usize>> {
    let start = url.find("://")? + 3;
    let at = start + url[start..authority_end(url)].rfind('@')?;
    let colon = start + url[start..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// A URL's password as it is meant, and with its user as the request sends it.
fn credentials(url: &str) -> Option<[String; 2]> {
    let url = url::Url::parse(url).ok()?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password()?));
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Some([password, sent])
}

/// Where a password stands that is not hidden yet.
fn shown_password(shown: &str) -> Option<std::ops::Range<usize>> {
    password(shown).filter(|range| &shown[range.clone()] != REDACTED)
}

fn hide_password(shown: &str) -> Cow<'_, str> {
    match shown_password(shown) {
        Some(range) => Cow::Owned(format!("{}{REDACTED}{}", &shown[..range.start], &shown[range.end..])),
        None => Cow::Borrowed(shown),
    }
}

/// What is captured; what is wrong has been told.
fn captures(items: Vec<NamedItem<RawCapture>>) -> Vec<Capture> {
    let captures = items.into_iter().filter_map(|item| {
        let RawCapture(from, secret) = item.value?.value;
        Some(Capture { name: item.name, from, secret })
    });
    captures.collect()
}

/// Whether the value of a header is never shown.
pub(super) fn is_sensitive(name: &str) -> bool {
    SENSITIVE.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name))
}

/// Headers that can be sent, sorted by name. A server may say a credential again, with its scheme or
/// without: it is a password as well.
fn headers(items: Vec<NamedItem<HeaderValue>>, passwords: &mut Vec<String>) -> Vec<(String, Text)> {
    let mut headers: Vec<(String, Text)> = Vec::with_capacity(items.len());
    for item in items {
        let Some(Sp { value: HeaderValue(text), .. }) = item.value else { continue };
        if !is_sensitive(&item.name) {
            headers.push((item.name, text));
            continue;
        }
        if text.wanted().next().is_none() {
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
            assert_eq!(fetchable(good), Ok(()), "{good}");
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
            assert!(fetchable(bad).is_err(), "{bad}");
        }
    }
}
