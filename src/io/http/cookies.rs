//! The cookies of players: a jar for each player that a server gave a cookie (RFC 6265). There is no list of
//! public suffixes: a cookie for a whole domain such as `co.uk` is kept.

use std::cell::RefCell;
use std::collections::HashMap;

use cookie_store::CookieStore;
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use url::Url;

use super::request::hop::RequestHop;

/// The jars by session.
#[derive(Debug, Default)]
pub(super) struct CookieJars(RefCell<HashMap<u32, CookieStore>>);

impl CookieJars {
    /// The request with the cookies of a session; `None` if it has none for this URL. A `Cookie` header of the
    /// scenario comes first.
    pub(super) fn add_cookies(&self, session: u32, hop: &RequestHop) -> Option<RequestHop> {
        let mut pairs = self.pairs(session, &hop.url)?;
        if let Some(own) = hop.headers.get(COOKIE).and_then(|own| own.to_str().ok()) {
            pairs.insert(0, own.to_owned());
        }
        let mut hop = hop.clone();
        hop.headers.insert(COOKIE, HeaderValue::from_str(&pairs.join("; ")).ok()?);
        Some(hop)
    }

    /// The cookies of a session for a URL, as a header has them.
    pub(super) fn header_text(&self, session: u32, url: &Url) -> Option<String> {
        self.pairs(session, url).map(|pairs| pairs.join("; "))
    }

    /// Whether a session has cookies.
    pub(super) fn has_any(&self, session: u32) -> bool {
        self.0.borrow().contains_key(&session)
    }

    /// The cookies of a session for a URL, if there are any.
    fn pairs(&self, session: u32, url: &Url) -> Option<Vec<String>> {
        let jars = self.0.borrow();
        let stored = jars.get(&session)?.get_request_values(url);
        let mut pairs: Vec<String> = stored.map(|(name, value)| format!("{name}={value}")).collect();
        // The store has no order; a run must send the same each time.
        pairs.sort_unstable();
        (!pairs.is_empty()).then_some(pairs)
    }

    /// Keeps the cookies of an answer with these headers.
    pub(super) fn store(&self, session: u32, url: &Url, headers: &HeaderMap) {
        self.store_values(session, url, headers.get_all(SET_COOKIE));
    }

    /// Keeps the cookies of these headers.
    pub(super) fn store_values<'c>(
        &self,
        session: u32,
        url: &Url,
        cookies: impl IntoIterator<Item = &'c HeaderValue>,
    ) {
        for cookie in cookies {
            if let Ok(text) = cookie.to_str() {
                // A cookie that the standard does not allow is left out, as browsers do.
                let _ = self.0.borrow_mut().entry(session).or_default().parse(text, url);
            }
        }
    }

    /// Forgets the cookies of a session.
    pub(super) fn remove(&self, session: u32) {
        self.0.borrow_mut().remove(&session);
    }
}
