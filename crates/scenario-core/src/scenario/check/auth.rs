//! What a fetch says it is: that it says so once, and what of it must not be shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diagnostic::{Diagnostic, Place};
use crate::scenario::findings::Findings;
use crate::scenario::model::Auth;
use crate::scenario::schema::Sp;
use crate::scenario::schema::collections::NamedItem;
use crate::scenario::schema::text::Late;

/// Takes over who a fetch says that it is. `passwords` gets what must not be shown.
pub(super) fn auth(auth: Option<Sp<Auth>>, passwords: &mut Vec<String>) -> Option<Auth> {
    let auth = auth?.value;
    match &auth {
        // What is captured is looked for if it is a secret there.
        Auth::Basic { user, password } if user.wanted().chain(password.wanted()).next().is_some() => {}
        Auth::Bearer(token) if token.wanted().next().is_some() => {}
        Auth::Basic { user, password } => {
            passwords.push(password.reveal().to_owned());
            passwords.push(STANDARD.encode(format!("{}:{}", user.reveal(), password.reveal())));
        }
        Auth::Bearer(token) => passwords.push(token.reveal().to_owned()),
    }
    Some(auth)
}

/// Tells what else says who a fetch is.
pub(super) fn conflicts<T>(
    auth: Option<&Sp<Auth>>,
    headers: &[NamedItem<T>],
    urls: &[Sp<Late>],
    found: &mut Findings,
) {
    let Some(auth) = auth else { return };
    let mut conflict = |place: Place, what: &str| {
        let message = format!("{what} and `auth` exclude each other");
        found.add(Diagnostic::error(place, message).related(auth.place, "`auth` is here"));
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
