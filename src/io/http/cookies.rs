//! The cookies of players: a jar for each player that a server gave a cookie (RFC 6265). There is no list of
//! public suffixes: a cookie for a whole domain such as `co.uk` is kept.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;

use cookie_store::{Cookie, CookieDomain, CookieExpiration, CookiePath};
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};
use url::{Host, Url};

use super::request::hop::RequestHop;

/// The jars by session.
#[derive(Debug, Default)]
pub(super) struct CookieJars(RefCell<HashMap<u32, CookieJar>>);

/// The cookies of one session. They are few, and the sessions may be a hundred thousand: so it is small.
#[derive(Debug, Default)]
struct CookieJar(Box<[KeptCookie]>);

/// The parts of a cookie that are needed later.
#[derive(Debug)]
struct KeptCookie {
    /// `name=value`.
    pair: Box<str>,
    name_len: u32,
    is_secure: bool,
    is_http_only: bool,
    domain: CookieDomain,
    path: CookiePath,
    expires: CookieExpiration,
}

impl CookieJar {
    /// Takes a cookie from an answer to a request to this URL (RFC 6265, section 5.3). One that the standard does
    /// not allow is left out, as browsers do.
    fn take(&mut self, text: &str, url: &Url) {
        let Ok(cookie) = Cookie::parse(text, url) else { return };
        let is_http_only = cookie.http_only().unwrap_or_default();
        if is_http_only && !is_http(url) || !cookie.domain.matches(url) {
            return;
        }
        let kept = KeptCookie {
            pair: format!("{}={}", cookie.name(), cookie.value()).into(),
            name_len: cookie.name().len() as u32,
            is_secure: cookie.secure().unwrap_or_default(),
            is_http_only,
            domain: cookie.domain,
            path: cookie.path,
            expires: cookie.expires,
        };
        let mut cookies = mem::take(&mut self.0).into_vec();
        cookies.retain(|other| !other.is_same(&kept));
        if !kept.expires.is_expired() {
            cookies.reserve_exact(1);
            cookies.push(kept);
        }
        self.0 = cookies.into_boxed_slice();
    }
}

impl KeptCookie {
    fn name(&self) -> &str {
        &self.pair[..self.name_len as usize]
    }

    /// Whether one of the two takes the place of the other.
    fn is_same(&self, other: &KeptCookie) -> bool {
        self.name() == other.name()
            && *self.path == *other.path
            && self.domain.as_cow() == other.domain.as_cow()
    }

    /// Whether it is sent to this URL.
    fn is_for(&self, url: &Url) -> bool {
        self.path.matches(url)
            && self.domain.matches(url)
            && !self.expires.is_expired()
            && (!self.is_secure || is_secure(url))
            && (!self.is_http_only || is_http(url))
    }
}

fn is_http(url: &Url) -> bool {
    url.scheme().starts_with("http")
}

/// Whether cookies that are for safe connections only are sent to this URL: browsers take this machine for safe.
fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || url.host().is_some_and(|host| match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        })
}

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
        let sent = jars.get(&session)?.0.iter().filter(|cookie| cookie.is_for(url));
        let mut pairs: Vec<String> = sent.map(|cookie| cookie.pair.to_string()).collect();
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
                self.0.borrow_mut().entry(session).or_default().take(text, url);
            }
        }
    }

    /// Forgets the cookies of a session.
    pub(super) fn remove(&self, session: u32) {
        self.0.borrow_mut().remove(&session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jar_sends_what_the_standard_says() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mut jar = CookieJar::default();
        for (cookie, from) in [
            ("a=1; HttpOnly", "http://shop.test/login"),
            ("a=2", "http://shop.test/login"),
            ("b=1; Path=/x", "http://shop.test/"),
            ("c=1; Domain=shop.test", "http://www.shop.test/"),
            ("d=1; Secure", "https://shop.test/"),
            ("e=1; Max-Age=0", "http://shop.test/"),
            ("f=1", "http://shop.test/"),
            ("f=1; Max-Age=0", "http://shop.test/"),
            ("g=1; Domain=other.test", "http://shop.test/"),
            ("h=1", "http://shop.test/deep/page"),
        ] {
            jar.take(cookie, &url(from));
        }
        let jars = CookieJars(RefCell::new(HashMap::from([(7, jar)])));
        for (to, sent) in [
            ("http://shop.test/", Some("a=2; c=1")),
            ("http://shop.test/x/y", Some("a=2; b=1; c=1")),
            ("https://shop.test/deep/other", Some("a=2; c=1; d=1; h=1")),
            ("http://www.shop.test/", Some("c=1")),
            ("http://other.test/", None),
        ] {
            assert_eq!(jars.header_text(7, &url(to)).as_deref(), sent, "{to}");
            assert_eq!(jars.header_text(8, &url(to)), None);
        }
        assert!(size_of::<KeptCookie>() <= 120, "{}", size_of::<KeptCookie>());
    }
}
