//! Where the page's token is checked, and every other rule about who may send requests.
//!
//! A browser lets any page send requests to this machine, and any name can be made to point at it. So
//! a request must name a host that is ours, and must come from our own page or from no page. A
//! request that changes something needs the token as well. If other machines can reach the server,
//! every request for anything of a run needs it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::web::server::{AccessToken, ServerState};

/// The page may load nothing from elsewhere, may run only scripts that are files of ours, and may not
/// be framed by another page.
const CSP_VALUE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Paths with the same contents for everybody, and nothing of a run.
const PUBLIC_PATHS: [&str; 3] = ["/", "/page.css", "/page.js"];

/// Decides which requests are let through.
#[derive(Debug)]
pub(super) struct AccessPolicy {
    /// The names that were given, in lower case, without ports.
    host_names: Vec<String>,
    /// Whether other machines can reach the server.
    is_public: bool,
    token: AccessToken,
}

impl AccessPolicy {
    pub(super) fn new(address: SocketAddr, names: &[String], token: &AccessToken) -> AccessPolicy {
        let names = names.iter().map(|name| without_port(name).to_ascii_lowercase()).collect();
        AccessPolicy { host_names: names, is_public: !address.ip().is_loopback(), token: token.clone() }
    }

    /// The host for the page's URL.
    pub(super) fn advertised_host(&self, address: SocketAddr) -> String {
        match self.host_names.first() {
            Some(name) if self.is_public => format!("{name}:{}", address.port()),
            _ => address.to_string(),
        }
    }

    /// The reason why a request is refused, if it is.
    fn denial(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<AccessDenial> {
        let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        let host = uri.authority().map(|authority| authority.as_str()).or_else(|| text(header::HOST));
        let Some(host) = host.filter(|host| self.is_own_host(host)) else {
            return Some((StatusCode::FORBIDDEN, "this is not the page of that host"));
        };
        let is_other = |origin: &str| {
            let at = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            !at.is_some_and(|at| at.eq_ignore_ascii_case(host))
        };
        if text(header::ORIGIN).is_some_and(is_other) {
            return Some((StatusCode::FORBIDDEN, "another site may not send requests"));
        }
        let is_shell = PUBLIC_PATHS.contains(&uri.path()) && method == Method::GET;
        // A link on another site may lead here; a script there may not send requests.
        let is_led = is_shell && text(header::HeaderName::from_static("sec-fetch-mode")) == Some("navigate");
        let site = text(header::HeaderName::from_static("sec-fetch-site"));
        if site.is_some_and(|site| site != "same-origin" && site != "none") && !is_led {
            return Some((StatusCode::FORBIDDEN, "another site may not send requests"));
        }
        let needs_token = !is_shell && (self.is_public || method != Method::GET || uri.path() == "/play");
        if needs_token && !self.has_token(uri, text(header::AUTHORIZATION)) {
            return Some((
                StatusCode::UNAUTHORIZED,
                "this needs the token of the link that the terminal shows",
            ));
        }
        None
    }

    /// Whether the host that a request names is ours: a name or address of this machine itself, or a name
    /// that was given. A foreign name that was made to point here is neither.
    fn is_own_host(&self, host: &str) -> bool {
        let host = without_port(host).to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        let is_here =
            host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        is_here || self.host_names.contains(&host)
    }

    fn has_token(&self, uri: &Uri, authorization: Option<&str>) -> bool {
        let bearer = authorization.and_then(|value| value.strip_prefix("Bearer "));
        // In a browser, event streams and web sockets cannot have a header of their own.
        let pairs = uri.query().unwrap_or_default().split('&');
        let asked = pairs.filter_map(|pair| pair.strip_prefix("token=")).next();
        let asked = asked.map(|token| percent_decode_str(token).decode_utf8_lossy());
        bearer.or(asked.as_deref()).is_some_and(|token| self.token.matches(token.trim()))
    }
}

/// A host name without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

type AccessDenial = (StatusCode, &'static str);

/// A response that is one sentence.
pub(super) fn error_response(status: StatusCode, why: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
}

/// Lets a request through, or refuses it.
pub(super) async fn check_access(
    State(server): State<Arc<ServerState>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match server.access.denial(request.method(), request.uri(), request.headers()) {
        Some((status, why)) => error_response(status, why),
        None => next.run(request).await,
    };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CSP_VALUE),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-of-our-own";

    fn policy(address: &str, names: &[&str]) -> AccessPolicy {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        AccessPolicy::new(address.parse().unwrap(), &names, &AccessToken::parse(TOKEN).unwrap())
    }

    fn status(policy: &AccessPolicy, method: Method, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        policy.denial(&method, &uri.parse().unwrap(), &map).map_or(200, |(status, _)| status.as_u16())
    }

    #[test]
    fn only_our_own_page_may_send_requests() {
        let policy = policy("127.0.0.1:8080", &[]);
        let get = |headers: &[(&'static str, &str)]| status(&policy, Method::GET, "/events", headers);
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.0.0.2:1"] {
            assert_eq!(get(&[("host", host)]), 200, "{host}");
        }
        for host in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "0.0.0.0:8080", "8.8.8.8", ""]
        {
            assert_eq!(get(&[("host", host)]), 403, "{host}");
        }
        assert_eq!(get(&[]), 403, "no host at all");
        let host = ("host", "127.0.0.1:8080");
        assert_eq!(get(&[host, ("origin", "http://127.0.0.1:8080")]), 200);
        for origin in ["http://evil.example", "null", "http://localhost:8080", "http://127.0.0.1:8081", "?"] {
            assert_eq!(get(&[host, ("origin", origin)]), 403, "{origin}");
        }
        for (site, expected) in [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
        {
            assert_eq!(get(&[host, ("sec-fetch-site", site)]), expected, "{site}");
        }
    }

    #[test]
    fn a_link_elsewhere_may_lead_to_the_page_and_to_nothing_else() {
        let policy = policy("127.0.0.1:8080", &[]);
        let led = [("host", "localhost"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(status(&policy, Method::GET, "/", &led), 200);
        assert_eq!(status(&policy, Method::GET, "/events", &led), 403);
        assert_eq!(status(&policy, Method::POST, "/input", &led), 403);
    }

    #[test]
    fn changes_need_the_token() {
        let policy = policy("127.0.0.1:8080", &[]);
        let host = ("host", "localhost:8080");
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(status(&policy, Method::POST, "/input", &[host]), 401);
        assert_eq!(
            status(&policy, Method::POST, "/input", &[host, ("authorization", "Bearer nonsense")]),
            401
        );
        assert_eq!(status(&policy, Method::POST, "/input", &[host, ("authorization", &bearer)]), 200);
        assert_eq!(status(&policy, Method::GET, "/play", &[host]), 401);
        assert_eq!(status(&policy, Method::GET, &format!("/play?name=x&token={TOKEN}"), &[host]), 200);
        assert_eq!(status(&policy, Method::GET, "/events", &[host]), 200);
    }

    #[test]
    fn on_a_public_address_only_the_empty_page_needs_no_token() {
        let policy = policy("0.0.0.0:8080", &["Game.example"]);
        let host = ("host", "game.example:8080");
        assert_eq!(status(&policy, Method::GET, "/", &[host]), 200);
        assert_eq!(status(&policy, Method::GET, "/page.js", &[host]), 200);
        assert_eq!(status(&policy, Method::GET, "/events", &[host]), 401);
        assert_eq!(status(&policy, Method::GET, &format!("/events?token={TOKEN}"), &[host]), 200);
        assert_eq!(status(&policy, Method::GET, "/", &[("host", "192.168.1.7:8080")]), 403);
        assert_eq!(policy.advertised_host("0.0.0.0:8080".parse().unwrap()), "game.example:8080");
    }
}
