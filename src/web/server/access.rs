//! Where the page's token is checked, and every other rule about who may send requests.
//!
//! A browser lets any page send requests to this machine, and any name can be made to point at it. So
//! a request must name a host that is ours, and must come from our own page or from no page. A
//! request that changes something needs the token as well. If other machines can reach the server, or a
//! request came by way of another machine, every request for anything of a run needs it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;

use crate::web::server::host_name::HostName;
use crate::web::server::{AccessToken, ServerState, host_name};

/// The page may load nothing from elsewhere, may run only scripts that are files of ours, and may not
/// be framed by another page.
const CSP_VALUE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Paths with the same contents for everybody, and nothing of a run.
const PUBLIC_PATHS: [&str; 3] = ["/", "/page.css", "/page.js"];

/// Headers that decide who asks. Of two lines, a proxy may go by the one and this server by the other.
const SINGLE_HEADERS: [&str; 4] = ["host", "origin", "authorization", "sec-fetch-site"];

/// Headers that a proxy adds: somebody on another machine may ask through it.
const PROXY_HEADERS: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// How long a client may take to send the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest body in bytes, of any request.
const MAX_BODY_LEN: usize = 2 << 20;

/// Decides which requests are let through.
#[derive(Debug)]
pub(super) struct AccessPolicy {
    /// The names that were given.
    host_names: Vec<HostName>,
    /// Whether other machines can reach the server.
    is_public: bool,
    token: AccessToken,
}

impl AccessPolicy {
    pub(super) fn new(address: SocketAddr, names: &[HostName], token: &AccessToken) -> AccessPolicy {
        AccessPolicy {
            host_names: names.to_vec(),
            is_public: !address.ip().is_loopback(),
            token: token.clone(),
        }
    }

    /// The host for the page's URL.
    pub(super) fn advertised_host(&self, address: SocketAddr) -> String {
        match self.host_names.first() {
            Some(name) if self.is_public => format!("{name}:{}", address.port()),
            _ => address.to_string(),
        }
    }

    /// The reason why a request is refused, if it is.
    fn denial(
        &self,
        (method, version): (&Method, Version),
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<AccessDenial> {
        if let Some(denial) = find_ambiguity(uri, headers) {
            return Some(denial);
        }
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
        let is_look = method == Method::GET && uri.path() != "/play";
        let is_local = !self.is_public && version != Version::HTTP_10 && is_from_this_machine(host, headers);
        let is_free = is_shell || (is_look && is_local);
        if !is_free && !self.has_token(uri, text(header::AUTHORIZATION)) {
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
        host_name::is_this_machine(host) || self.host_names.iter().any(|name| name.is_named_by(host))
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

/// Whether a person on this machine asks, as far as a request can say. The connection says nothing: a proxy
/// on this machine passes on what the whole world asks for. (nginx does that in HTTP/1.0, without a header of
/// its own and by the name of this machine, unless it is told otherwise. No browser speaks HTTP/1.0.)
fn is_from_this_machine(host: &str, headers: &HeaderMap) -> bool {
    host_name::is_this_machine(host) && !PROXY_HEADERS.iter().any(|name| headers.contains_key(*name))
}

/// Why a request can be understood in two ways, if it can. A proxy may have checked the one, and this server
/// would go by the other.
fn find_ambiguity(uri: &Uri, headers: &HeaderMap) -> Option<AccessDenial> {
    let has_two = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    if SINGLE_HEADERS.iter().any(has_two) {
        return Some((
            StatusCode::BAD_REQUEST,
            "a request has one `Host`, one `Origin`, one `Authorization` and one `Sec-Fetch-Site` at most",
        ));
    }
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let is_other =
        |authority: &str| host.is_some_and(|host| !host.eq_ignore_ascii_case(authority.as_bytes()));
    if uri.authority().is_some_and(|authority| is_other(authority.as_str())) {
        return Some((StatusCode::BAD_REQUEST, "the `Host` is not the host of the request's URL"));
    }
    let tokens = uri.query().unwrap_or_default().split('&').filter(|pair| pair.starts_with("token="));
    (tokens.count() > 1).then_some((StatusCode::BAD_REQUEST, "a request has one token at most"))
}

type AccessDenial = (StatusCode, &'static str);

/// A response that is one sentence.
pub(super) fn error_response(status: StatusCode, why: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
}

/// Reads the body of a request, which a handler would wait for without a limit.
async fn with_whole_body(request: Request) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Request::from_parts(head, body));
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, MAX_BODY_LEN)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(head, Body::from(bytes))),
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or was cut short")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    };
    body.map_err(|(status, why)| {
        let mut refused = error_response(status, why);
        // The rest of the body is not waited for.
        refused.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        refused
    })
}

/// Lets a request through, or refuses it.
pub(super) async fn check_access(
    State(server): State<Arc<ServerState>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response =
        match server.access.denial((request.method(), request.version()), request.uri(), request.headers()) {
            Some((status, why)) => error_response(status, why),
            None => match with_whole_body(request).await {
                Ok(request) => next.run(request).await,
                Err(refused) => refused,
            },
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
        let names: Vec<HostName> = names.iter().map(|name| HostName::parse(name).unwrap()).collect();
        AccessPolicy::new(address.parse().unwrap(), &names, &AccessToken::parse(TOKEN).unwrap())
    }

    fn status(policy: &AccessPolicy, method: Method, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        policy
            .denial((&method, Version::HTTP_11), &uri.parse().unwrap(), &map)
            .map_or(200, |(status, _)| status.as_u16())
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

    #[test]
    fn on_this_machine_another_name_and_another_machine_need_the_token() {
        let policy = policy("127.0.0.1:8080", &["game.example"]);
        let get = |headers: &[(&'static str, &str)]| status(&policy, Method::GET, "/events", headers);
        let (given, own) = (("host", "game.example"), ("host", "127.0.0.1:8080"));
        assert_eq!(status(&policy, Method::GET, "/", &[given]), 200);
        assert_eq!(get(&[given]), 401);
        assert_eq!(get(&[("host", "GAME.example.:443")]), 401);
        assert_eq!(get(&[given, ("authorization", &format!("Bearer {TOKEN}"))]), 200);
        assert_eq!(get(&[own]), 200);
        for name in PROXY_HEADERS {
            assert_eq!(get(&[own, (name, "192.0.2.7")]), 401, "{name}");
        }
    }

    #[test]
    fn a_proxy_that_speaks_http_1_0_needs_the_token() {
        let policy = policy("127.0.0.1:8080", &["game.example"]);
        let own = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1:8080"))]);
        for (uri, version, status) in [
            ("/events", Version::HTTP_11, None),
            ("/events", Version::HTTP_10, Some(StatusCode::UNAUTHORIZED)),
            ("/", Version::HTTP_10, None),
            (&format!("/events?token={TOKEN}"), Version::HTTP_10, None),
        ] {
            let denial = policy.denial((&Method::GET, version), &uri.parse().unwrap(), &own);
            assert_eq!(denial.map(|(status, _)| status), status, "{uri} {version:?}");
        }
    }

    #[test]
    fn a_request_that_can_be_understood_in_two_ways_is_refused() {
        let policy = policy("127.0.0.1:8080", &["game.example"]);
        let get = |uri: &str, headers: &[(&'static str, &str)]| status(&policy, Method::GET, uri, headers);
        let own = ("host", "127.0.0.1:8080");
        for name in SINGLE_HEADERS {
            assert_eq!(get("/", &[own, (name, "a"), (name, "b")]), 400, "{name}");
            assert_eq!(get("/", &[own, (name, "a"), (name, "a")]), 400, "{name}");
        }
        assert_eq!(get("http://127.0.0.1:8080/events", &[own]), 200);
        assert_eq!(get("http://127.0.0.1:8080/events", &[("host", "game.example")]), 400);
        assert_eq!(get(&format!("/events?token={TOKEN}&token=other"), &[own]), 400);
    }
}
