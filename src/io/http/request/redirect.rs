//! Redirects: where one leads, and which parts of the request are sent there. The rules are those of the
//! Fetch standard (<https://fetch.spec.whatwg.org/#http-redirect-fetch>). Pure: sends nothing.

use std::fmt;

use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, HOST,
    LOCATION, PROXY_AUTHORIZATION,
};
use hyper::{HeaderMap, Method};
use percent_encoding::{AsciiSet, percent_encode};
use url::Url;

use scenario_core::scenario::unix_socket;

use super::auth;
use super::hop::RequestHop;
use super::target::SOCKET_HOST;

/// Why a redirect is not followed.
#[derive(Debug)]
pub(crate) enum RedirectError {
    InvalidUrl { error: url::ParseError },
    UnsupportedScheme,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedirectError::InvalidUrl { error } => write!(f, "this is not a URL: {error}"),
            RedirectError::UnsupportedScheme => f.write_str("only http and https are followed"),
        }
    }
}

impl std::error::Error for RedirectError {}

/// The `Location` of an answer, if its status is one of the five that redirect.
pub(crate) fn redirect_location(status: u16, headers: &HeaderMap) -> Option<String> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?.as_bytes().trim_ascii();
    // An empty one would lead to the same URL again; curl follows it no more than this does.
    (!location.is_empty()).then(|| location_text(location))
}

/// A `Location` as text. Bytes that are not UTF-8 are percent-encoded as they are.
fn location_text(location: &[u8]) -> String {
    match std::str::from_utf8(location) {
        Ok(text) => text.to_owned(),
        Err(_) => percent_encode(location, const { &AsciiSet::EMPTY }).to_string(),
    }
}

impl RequestHop {
    /// The request after a redirect with this status to `location`.
    pub(crate) fn redirect_to(mut self, status: u16, location: &str) -> Result<RequestHop, RedirectError> {
        let mut target = self.url.join(location).map_err(|error| RedirectError::InvalidUrl { error })?;
        if self.url.scheme() == unix_socket::SCHEME {
            target = stay_on_socket(&self.url, target);
        }
        let stays = is_same_origin(&self.url, &target);
        let is_followed = matches!(target.scheme(), "http" | "https") || stays;
        if !is_followed || target.host().is_none() {
            return Err(RedirectError::UnsupportedScheme);
        }
        target.set_fragment(None);
        let credentials = auth::take_credentials(&mut target);
        if !stays {
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST] {
                self.headers.remove(name);
            }
        } else if let Some(credentials) = credentials {
            self.headers.insert(AUTHORIZATION, credentials);
        }
        if becomes_get(status, &self.method) {
            self.method = Method::GET;
            self.has_body = false;
            for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE] {
                self.headers.remove(name);
            }
        }
        self.url = target;
        Ok(self)
    }
}

/// The target of a socket's redirect. A server there knows itself by the `Host` of our request, so a
/// redirect to that host means the socket.
fn stay_on_socket(socket: &Url, target: Url) -> Url {
    let is_itself =
        target.scheme() == "http" && target.host_str() == Some(SOCKET_HOST) && target.port().is_none();
    if !is_itself {
        return target;
    }
    let mut stays = socket.clone();
    stays.set_path(target.path());
    stays.set_query(target.query());
    stays
}

/// Whether two URLs have the same origin. The origin of a socket's URL is opaque, so it equals no other.
fn is_same_origin(one: &Url, other: &Url) -> bool {
    let socket = one.scheme() == unix_socket::SCHEME && other.scheme() == unix_socket::SCHEME;
    one.origin() == other.origin() || (socket && one.host_str() == other.host_str())
}

/// Whether the next request is a GET without a body.
fn becomes_get(status: u16, method: &Method) -> bool {
    match status {
        301 | 302 => method == Method::POST,
        303 => method != Method::GET && method != Method::HEAD,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: Method) -> RequestHop {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (AUTHORIZATION, "a"),
            (COOKIE, "b"),
            (PROXY_AUTHORIZATION, "c"),
            (CONTENT_TYPE, "d"),
            (HOST, "other"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        headers.insert("x-mine", "e".parse().unwrap());
        let url = Url::parse("http://a.example/one/two?q").unwrap();
        RequestHop { url, method, headers, header_names: Default::default(), has_body: true }
    }

    #[test]
    fn the_method_changes_as_in_browsers() {
        for (status, method, after, body) in [
            (301, Method::POST, Method::GET, false),
            (302, Method::POST, Method::GET, false),
            (301, Method::PUT, Method::PUT, true),
            (303, Method::POST, Method::GET, false),
            (303, Method::DELETE, Method::GET, false),
            (303, Method::HEAD, Method::HEAD, true),
            (303, Method::GET, Method::GET, true),
            (307, Method::POST, Method::POST, true),
            (308, Method::PUT, Method::PUT, true),
        ] {
            let next = hop(method.clone()).redirect_to(status, "/x").unwrap();
            assert_eq!((&next.method, next.has_body), (&after, body), "{status} {method}");
            assert_eq!(next.headers.contains_key(CONTENT_TYPE), body, "{status} {method}");
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let same = hop(Method::GET).redirect_to(302, "three#part").unwrap();
        assert_eq!(same.url.as_str(), "http://a.example/one/three");
        assert!(same.headers.contains_key(AUTHORIZATION) && same.headers.contains_key(HOST));
        for other in ["http://b.example/", "https://a.example/", "http://a.example:81/", "//u:p@b.example/"] {
            let next = hop(Method::GET).redirect_to(307, other).unwrap();
            let names: Vec<_> = next.headers.keys().map(|name| name.as_str()).collect();
            assert_eq!(names.len(), 2, "{other}: {names:?}");
            assert!(next.url.username().is_empty() && next.url.password().is_none());
        }
    }

    #[test]
    fn a_redirect_may_give_credentials_for_its_own_origin() {
        let next = hop(Method::GET).redirect_to(302, "http://u:p@a.example/").unwrap();
        assert_eq!(next.headers[AUTHORIZATION], "Basic dTpw");
        assert_eq!(next.url.as_str(), "http://a.example/");
    }

    #[test]
    fn other_schemes_are_refused() {
        for bad in
            ["file:///etc/passwd", "ftp://a/", "data:,x", "javascript:1", "http://", "http://[", "gopher:x"]
        {
            assert!(hop(Method::GET).redirect_to(302, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_socket_redirects_to_itself_or_away_but_no_url_redirects_to_a_socket() {
        let socket =
            RequestHop { url: Url::parse("http+unix://%2Fa.sock/one/two").unwrap(), ..hop(Method::GET) };
        for (location, url, stays) in [
            ("three?q", "http+unix://%2Fa.sock/one/three?q", true),
            ("/x", "http+unix://%2Fa.sock/x", true),
            ("http://localhost/x?y", "http+unix://%2Fa.sock/x?y", true),
            ("http+unix://%2Fa.sock/z", "http+unix://%2Fa.sock/z", true),
            ("http://localhost:81/x", "http://localhost:81/x", false),
        ] {
            let next = socket.clone().redirect_to(302, location).unwrap();
            assert_eq!((next.url.as_str(), next.headers.contains_key(AUTHORIZATION)), (url, stays));
        }
        assert!(socket.redirect_to(302, "http+unix://%2Fother.sock/").is_err());
        assert!(hop(Method::GET).redirect_to(302, "http+unix://%2Fa.sock/").is_err());
    }

    #[test]
    fn only_five_statuses_redirect() {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, "/x".parse().unwrap());
        let those: Vec<u16> =
            (100..1000).filter(|status| redirect_location(*status, &headers).is_some()).collect();
        assert_eq!(those, [301, 302, 303, 307, 308]);
        assert_eq!(redirect_location(302, &HeaderMap::new()), None);
    }

    #[test]
    fn a_location_need_not_be_utf8_but_must_not_be_empty() {
        for (location, wanted) in [
            (&b"/caf\xe9?q=\xe9"[..], Some("/caf%E9?q=%E9")),
            ("/café".as_bytes(), Some("/café")),
            (b" /x ", Some("/x")),
            (b"", None),
            (b"  ", None),
        ] {
            let value = hyper::header::HeaderValue::from_bytes(location).unwrap();
            let headers = HeaderMap::from_iter([(LOCATION, value)]);
            assert_eq!(redirect_location(302, &headers).as_deref(), wanted, "{location:?}");
        }
    }
}
