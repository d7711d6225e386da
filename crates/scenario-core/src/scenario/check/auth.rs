//! The credentials of a fetch: they are given only once, and are never shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::FetchAuth;
use crate::scenario::schema::Located;
use crate::scenario::schema::collections::NamedEntry;
use crate::scenario::schema::strings::UrlText;

/// The credentials of a fetch; `passwords` receives every text of them that must not be shown.
pub(super) fn build_auth(auth: Option<Located<FetchAuth>>, passwords: &mut Vec<String>) -> Option<FetchAuth> {
    let auth = auth?.value;
    match &auth {
        // A captured value is hidden by its capture, if that is a secret.
        FetchAuth::Basic { user, password }
            if user.capture_names().chain(password.capture_names()).next().is_some() => {}
        FetchAuth::Bearer(token) if token.capture_names().next().is_some() => {}
        FetchAuth::Basic { user, password } => {
            passwords.push(password.reveal().to_owned());
            passwords.push(STANDARD.encode(format!("{}:{}", user.reveal(), password.reveal())));
        }
        FetchAuth::Bearer(token) => passwords.push(token.reveal().to_owned()),
    }
    Some(auth)
}

/// Reports everything else that gives credentials besides `auth`.
pub(super) fn report_conflicts<T>(
    auth: Option<&Located<FetchAuth>>,
    headers: &[NamedEntry<T>],
    urls: &[Located<UrlText<true>>],
    found: &mut Diagnostics,
) {
    let Some(auth) = auth else { return };
    let mut conflict = |place: FilePlace, what: &str| {
        let message = format!("{what} and `auth` exclude each other");
        found.add(Diagnostic::error(place, message).with_related(auth.place, "`auth` is here"));
    };
    for header in headers.iter().filter(|header| header.name.eq_ignore_ascii_case("authorization")) {
        conflict(header.place, "the header `Authorization`");
    }
    for url in urls {
        let has_user = |url: &url::Url| !url.username().is_empty() || url.password().is_some();
        if url::Url::parse(url.value.0.reveal()).is_ok_and(|url| has_user(&url)) {
            conflict(url.place, "a URL's user");
        }
    }
}
