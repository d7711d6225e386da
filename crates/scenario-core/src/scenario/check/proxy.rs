//! The proxy of a fetch: that it is one, and that its URLs can be asked by it.

use super::url::build_url;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::ScenarioText;
use crate::scenario::schema::Located;
use crate::scenario::unix_socket;

/// A proxy that can be asked for these URLs; its password becomes one of `passwords`.
pub(super) fn build_proxy(
    text: Located<ScenarioText>,
    urls: &[ScenarioText],
    speaks_two: bool,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let place = text.place;
    let text = build_url(text, passwords, found)?;
    let mut fault = |words: &str| {
        let fault = Diagnostic::error(place, format!("{} {words}", quoted(text.display_text())));
        found.add(fault.with_help("for example \"http://127.0.0.1:3128\""));
    };
    // Where a secret stood, a log has none of it.
    let Ok(url) = url::Url::parse(text.reveal()) else { return Some(text) };
    if url.scheme() != "http" {
        fault("is no proxy that can be asked: only those are that speak http");
        return None;
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        fault("has more than a proxy's host and port");
        return None;
    }
    let begins = |scheme: &str| urls.iter().any(|url| url.reveal().starts_with(&format!("{scheme}://")));
    if begins(unix_socket::SCHEME) {
        fault("cannot be asked for a socket of this machine");
        return None;
    }
    if speaks_two && begins("http") {
        fault("is asked for http URLs in HTTP/1.1, which `http2 = \"always\"` excludes");
        return None;
    }
    Some(text)
}
