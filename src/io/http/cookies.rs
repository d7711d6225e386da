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
        let jars = self.0.borrow();
        let stored = jars.get(&session)?.get_request_values(&hop.url);
        let mut pairs: Vec<String> = stored.map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() {
            return None;
        }
        // The store has no order; a run must send the same each time.
        pairs.sort_unstable();
        if let Some(own) = hop.headers.get(COOKIE).and_then(|own| own.to_str().ok()) {
            pairs.insert(0, own.to_owned());
        }
        let mut hop = hop.clone();
        hop.headers.insert(COOKIE, HeaderValue::from_str(&pairs.join("; ")).ok()?);
        Some(hop)
    }

    /// Keeps the cookies of an answer.
    pub(super) fn store(&self, session: u32, url: &Url, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
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
