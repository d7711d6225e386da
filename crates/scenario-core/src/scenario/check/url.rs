//! URLs of fetches, proxies and readiness: that they can be fetched, and that their passwords are hidden.
//! Nothing is resolved or connected here.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::ScenarioText;
use crate::scenario::schema::Located;
use crate::scenario::unix_socket;
use scenario_log::event::REDACTED;
use scenario_log::secrets::{authority_range, password_range};

/// Checks that a URL can be fetched, and hides its password; `passwords` receives it. A captured value
/// counts as empty.
pub(super) fn build_url(
    text: Located<ScenarioText>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let Located { value: text, place } = text;
    if let Err(mut fault) = check_url(text.reveal()) {
        if text.is_secret() && fault.ends_with(NO_SCHEME) {
            // A part of the scheme may be the secret.
            fault = format!("its scheme {NO_SCHEME}");
        }
        let shown = hide_password(&text);
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
    Some(match visible_password_range(&text) {
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
        scheme => Err(format!("{} {NO_SCHEME}", quoted(scheme))),
    }
}

/// The fault of a scheme.
const NO_SCHEME: &str = "is neither http nor https nor http+unix";

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
    authority_range(url).map_or(url.len(), |authority| authority.end)
}

/// The decoded password of a URL, and the user and password as a request sends them.
fn url_credentials(url: &str) -> Option<[String; 2]> {
    let url = url::Url::parse(url).ok()?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password()?));
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    Some([password, sent])
}

/// The range of a password that is not hidden yet, in the text that may be shown.
fn visible_password_range(text: &ScenarioText) -> Option<Range<usize>> {
    let shown = text.display_text();
    if let Some(password) = password_range(shown) {
        return (&shown[password.clone()] != REDACTED).then_some(password);
    }
    // The scheme may be hidden, so that what is shown is no URL: then nothing before the host is shown.
    password_range(text.reveal())?;
    let authority = shown.split(['?', '#']).next().unwrap_or_default();
    let at = authority.rfind('@')?;
    (&shown[..at] != REDACTED && shown.starts_with(REDACTED)).then_some(0..at)
}

fn hide_password(text: &ScenarioText) -> Cow<'_, str> {
    let shown = text.display_text();
    match visible_password_range(text) {
        Some(range) => Cow::Owned(format!("{}{REDACTED}{}", &shown[..range.start], &shown[range.end..])),
        None => Cow::Borrowed(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        for (url, shown) in [
            ("http://u:p@ss@h/x@y:z", "http://u:[redacted]@h/x@y:z"),
            ("http:u:p@h", "http:u:[redacted]@h"),
            ("http:\\\\u:p@h\\", "http:\\\\u:[redacted]@h\\"),
            ("https:///u:p@h/", "https:///u:[redacted]@h/"),
            ("http://u@h/", "http://u@h/"),
            ("http://h/?a=b:c@d", "http://h/?a=b:c@d"),
            ("nonsense:p@h", "nonsense:p@h"),
        ] {
            assert_eq!(hide_password(&ScenarioText::plain(url)), shown);
        }
        let hidden = ScenarioText::secret("http://u:p@h/a", "[redacted]p@h/a");
        assert_eq!(hide_password(&hidden), "[redacted]@h/a");
        let hidden = ScenarioText::secret("http://u:p@h/a", "[redacted]/a");
        assert_eq!(hide_password(&hidden), "[redacted]/a");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None, ..proptest::prelude::ProptestConfig::default()
        })]
        /// The one parse that a request uses finds a password exactly where it is hidden.
        #[test]
        fn a_password_is_hidden_wherever_a_request_finds_it(
            url in "(http|https|http\\+unix|HTTP):[/\\\\]{0,3}[a:@]{0,5}(h|h:80|\\[::1\\])[/\\\\?#]?[a:@/]{0,4}",
        ) {
            if let Ok(parsed) = url::Url::parse(&url) {
                let found = password_range(&url);
                let encoded = |text: &str| {
                    let signs = [("@", "%40"), (":", "%3A"), ("[", "%5B"), ("]", "%5D"), ("\\", "%5C")];
                    signs.iter().fold(text.to_owned(), |text, (sign, code)| text.replace(sign, code))
                };
                proptest::prop_assert_eq!(
                    found.map(|range| encoded(&url[range])),
                    parsed.password().filter(|password| !password.is_empty()).map(str::to_owned),
                    "{}", url
                );
            }
        }
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
