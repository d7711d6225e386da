//! Checks the proxy of a fetch, and that the URLs of the fetch can be requested through it.

use super::url::build_url;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::ScenarioText;
use crate::scenario::schema::Located;
use crate::scenario::schema::strings::UrlText;
use crate::scenario::unix_socket;

/// Checks that these URLs can be requested through a proxy; `passwords` receives its password.
pub(super) fn build_proxy(
    text: Located<UrlText<false>>,
    urls: &[ScenarioText],
    speaks_two: bool,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let Located { value: UrlText(text), place } = text;
    let text = build_url(Located { value: text, place }, passwords, found)?;
    let mut fault = |words: &str| {
        let fault = Diagnostic::error(place, format!("{} {words}", quoted(text.display_text())));
        found.add(fault.with_help("for example \"http://127.0.0.1:3128\""));
    };
    // A scenario from a log has `[redacted]` instead of a secret, and may not be a URL.
    let Ok(url) = url::Url::parse(text.reveal()) else { return Some(text) };
    if url.scheme() != "http" {
        fault("cannot be used as a proxy: the URL of a proxy begins with http://");
        return None;
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        fault("has more than the host and the port of a proxy");
        return None;
    }
    let begins = |scheme: &str| urls.iter().any(|url| url.reveal().starts_with(&format!("{scheme}://")));
    if begins(unix_socket::SCHEME) {
        fault("cannot be used for a Unix socket, which is on this machine");
        return None;
    }
    if speaks_two && begins("http") {
        fault("is used with HTTP/1.1 for http URLs, which `http2 = \"always\"` excludes");
        return None;
    }
    Some(text)
}
