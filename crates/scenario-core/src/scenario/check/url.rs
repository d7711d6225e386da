//! URLs of fetches, proxies and readiness: that they can be fetched, and that their passwords are hidden.
//! Nothing is resolved or connected here.

use std::borrow::Cow;

use base64::Engine;

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::ScenarioText;
use crate::scenario::schema::Located;
use crate::scenario::unix_socket;
use scenario_log::event::REDACTED;

/// Checks that a URL can be fetched, and hides its password; `passwords` receives it. A captured value
/// counts as empty.
pub(super) fn build_url(
    text: Located<ScenarioText>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let Located { value: text, place } = text;
    if let Err(fault) = check_url(text.reveal()) {
        let shown = hide_password(text.display_text());
        let fault = Diagnostic::error(place, format!("{} cannot be fetched: {fault}", quoted(&shown)));
        let help = with_scheme(&text).map(|url| format!("write {url:?}"));
        let help = help.unwrap_or_else(|| "for example \"http://127.0.0.1:8080/a.pdf\"".to_owned());
        found.add(fault.with_help(help));
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
    // A scenario from a log has `[redacted]` where a secret was. Any digit can replace it and, where it is
    // the beginning, any address.
    let stand_in = match text.strip_prefix(REDACTED) {
        Some(rest) => format!("http://h{rest}"),
        None => text.to_owned(),
    };
    let stand_in = stand_in.replace(REDACTED, "1");
    let url = url::Url::parse(&stand_in).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "it is not a complete URL, which begins with http:// or https://".to_owned()
        }
        error => error.to_string(),
    })?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_none_or(str::is_empty) => Err("it has no host".to_owned()),
        "http" | "https" if url.port() == Some(0) => Err("nothing can listen on port 0".to_owned()),
        "http" | "https" => Ok(()),
        unix_socket::SCHEME => unix_socket::socket_url_error(&url).map_or(Ok(()), Err),
        scheme => Err(format!("{} is neither http nor https nor http+unix", quoted(scheme))),
    }
}

/// The URL that an address without a scheme probably means: `localhost:8080/a`.
fn with_scheme(text: &ScenarioText) -> Option<String> {
    let address = text.reveal();
    let host = address.split([':', '/', '?']).next()?;
    let is_host = host == "localhost" || host.contains('.');
    let url = format!("http://{address}");
    (is_host && !text.is_secret() && !address.contains(['@', '\\']) && check_url(&url).is_ok()).then_some(url)
}

/// The end of the user, the host and the port of a URL.
pub(super) fn authority_end(url: &str) -> usize {
    let Some(start) = url.find("://").map(|at| at + 3) else { return url.len() };
    url[start..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| start + end)
}

/// The range of the password in a URL.
fn password_range(url: &str) -> Option<std::ops::Range<usize>> {
    let start = url.find("://")? + 3;
    let at = start + url[start..authority_end(url)].rfind('@')?;
    let colon = start + url[start..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// The decoded password of a URL, and the user and password as a request sends them.
fn url_credentials(url: &str) -> Option<[String; 2]> {
    let url = url::Url::parse(url).ok()?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password()?));
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Some([password, sent])
}

/// The range of a password that is not hidden yet.
fn visible_password_range(shown: &str) -> Option<std::ops::Range<usize>> {
    password_range(shown).filter(|range| &shown[range.clone()] != REDACTED)
}

fn hide_password(shown: &str) -> Cow<'_, str> {
    match visible_password_range(shown) {
        Some(range) => Cow::Owned(format!("{}{REDACTED}{}", &shown[..range.start], &shown[range.end..])),
        None => Cow::Borrowed(shown),
    }
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
