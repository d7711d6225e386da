//! The request as it goes on the wire: method, target, headers, credentials of the URL. How long
//! the body is says hyper: a `Content-Length` or `Transfer-Encoding` of the scenario is left out.

pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod redirect;

use std::borrow::Cow;
use std::path::Path;

use hyper::body::{Body as _, Bytes};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri};
use percent_encoding::percent_decode_str;
use url::{Position, Url};

use scenario_core::scenario::model::{FetchBody, FetchJob, ScenarioText};
use scenario_core::scenario::unix_socket;
use scenario_log::event::FetchErrorKind;

use crate::io::http::conn::proxy::HttpProxy;
use crate::io::http::error::FetchError;
use crate::io::http::load::fast_path;
use crate::io::http::request::auth::authorization;
use crate::io::http::request::body::RequestBody;
use crate::io::http::request::redirect::RequestHop;
use crate::io::http::response::decode;

/// Who asks, unless the scenario says otherwise.
const USER_AGENT_VALUE: &str = concat!("scenario/", env!("CARGO_PKG_VERSION"));

/// The first request of a try.
pub(crate) fn first_hop(job: &FetchJob, url: &ScenarioText) -> Result<RequestHop, FetchError> {
    let refused = |words: String| FetchError::permanent(FetchErrorKind::Protocol, words);
    let mut target = Url::parse(url.reveal()).map_err(|error| refused(format!("this is no URL: {error}")))?;
    if !matches!(target.scheme(), "http" | "https" | unix_socket::SCHEME) {
        return Err(refused("only http, https and http+unix are fetched".to_owned()));
    }
    target.set_fragment(None);
    let method = Method::from_bytes(job.method.as_bytes())
        .map_err(|_| refused(format!("{:?} is no HTTP method", job.method)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &job.headers {
        let value = HeaderValue::from_bytes(value.reveal().as_bytes()).map_err(|_| {
            refused(format!("the value of the header {name:?} holds a character that none may hold"))
        })?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused(format!("{name:?} is no name of a header")))?;
        headers.append(name, value);
    }
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let default = |headers: &mut HeaderMap, name, value| {
        headers.entry(name).or_insert(value);
    };
    default(&mut headers, ACCEPT, HeaderValue::from_static("*/*"));
    default(&mut headers, USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    if job.decode_body {
        default(&mut headers, ACCEPT_ENCODING, decode::ACCEPT_ENCODING_VALUE);
    }
    if let Some(kind) = job.body.as_ref().and_then(default_content_type) {
        default(&mut headers, CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Some(auth) = &job.auth {
        headers.insert(AUTHORIZATION, authorization(auth)?);
    }
    if let Some(credentials) = take_credentials(&mut target) {
        default(&mut headers, AUTHORIZATION, credentials);
    }
    Ok(RequestHop { url: target, method, headers, has_body: job.body.is_some() })
}

/// Takes user and password out of a URL, as the `Authorization` that says them (RFC 7617).
pub(crate) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    // Both fail only on URLs without a host, which http and https URLs have.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut value = auth::basic_authorization(&pair)?;
    value.set_sensitive(true);
    Some(value)
}

/// To whom a request is said, and so how.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestForm<'a> {
    /// To the server itself, in HTTP/1.1.
    Http1Origin,
    /// To the server itself, in HTTP/2.
    Http2Origin,
    /// To a proxy, which asks the server.
    Http1Proxy(&'a HttpProxy),
}

/// The request for one hop.
pub(crate) async fn build_request(
    hop: &RequestHop,
    job: &FetchJob,
    folder: &Path,
    to: RequestForm<'_>,
) -> Result<Request<RequestBody>, FetchError> {
    let upload = match &job.body {
        Some(body) if hop.has_body => build_body(body, folder).await?,
        _ => RequestBody::Empty,
    };
    build_parts(hop, &upload, to).map(|parts| Request::from_parts(parts, upload))
}

/// A request that is sent many times, with a body in memory or none.
pub(crate) struct PreparedRequest {
    parts: Parts,
    body: Option<Bytes>,
}

impl PreparedRequest {
    /// The request of a job for one hop. A body of another form than text is
    /// not prepared, and the request has none.
    pub(crate) fn new(
        hop: &RequestHop,
        job: &FetchJob,
        to: RequestForm<'_>,
    ) -> Result<PreparedRequest, FetchError> {
        let body = match &job.body {
            Some(FetchBody::Text(text)) if hop.has_body => Some(Bytes::from(text.reveal().to_owned())),
            _ => None,
        };
        let upload = body.clone().map_or(RequestBody::Empty, RequestBody::Bytes);
        Ok(PreparedRequest { parts: build_parts(hop, &upload, to)?, body })
    }

    /// The request as the bytes of HTTP/1.1.
    pub(crate) fn encode_http1(&self) -> Vec<u8> {
        fast_path::encode_request(&self.parts, self.body.as_deref().unwrap_or_default())
    }

    /// The request, once more.
    pub(crate) fn to_request(&self) -> Request<RequestBody> {
        let upload = self.body.clone().map_or(RequestBody::Empty, RequestBody::Bytes);
        Request::from_parts(self.parts.clone(), upload)
    }
}

/// All of a request but its body.
fn build_parts(hop: &RequestHop, upload: &RequestBody, to: RequestForm<'_>) -> Result<Parts, FetchError> {
    // First the host: RFC 9110, section 7.2.
    let mut headers = HeaderMap::with_capacity(hop.headers.len() + 2);
    let host = match hop.headers.get(HOST) {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(&url_authority(&hop.url)).map_err(|_| invalid_uri_error("its host"))?,
    };
    headers.insert(HOST, host);
    for (name, value) in hop.headers.iter().filter(|(name, _)| **name != HOST) {
        headers.append(name.clone(), value.clone());
    }
    if needs_content_length(&hop.method) || hop.has_body {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(upload.size_hint().lower()));
    }
    if let RequestForm::Http1Proxy(HttpProxy { authorization: Some(authorization), .. }) = to {
        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    let uri = if let RequestForm::Http2Origin = to {
        let host = headers.remove(HOST);
        let authority = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = if hop.url.scheme() == "https" { "https" } else { "http" };
        format!("{scheme}://{authority}{}", path_and_query(&hop.url))
    } else if let RequestForm::Http1Proxy(_) = to {
        // RFC 9112, section 3.2.2.
        format!("http://{}{}", url_authority(&hop.url), path_and_query(&hop.url))
    } else {
        path_and_query(&hop.url).into_owned()
    };
    let uri = Uri::try_from(uri).map_err(|error| invalid_uri_error(&error.to_string()))?;
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.headers) = (hop.method.clone(), uri, headers);
    Ok(parts)
}

/// Whether a request says how long its body is even if it has none (RFC 9110, section 8.6).
fn needs_content_length(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// What a body says that it is, unless the scenario says otherwise.
fn default_content_type(body: &FetchBody) -> Option<&'static str> {
    match body {
        FetchBody::Json(_) => Some("application/json"),
        FetchBody::Form(_) => Some("application/x-www-form-urlencoded"),
        FetchBody::Text(_) | FetchBody::File(_) => None,
    }
}

/// What the scenario gives as body.
async fn build_body(body: &FetchBody, folder: &Path) -> Result<RequestBody, FetchError> {
    match body {
        FetchBody::Text(text) | FetchBody::Json(text) => {
            Ok(RequestBody::Bytes(Bytes::from(text.reveal().to_owned())))
        }
        FetchBody::Form(fields) => {
            let fields = fields.iter().map(|(name, value)| (name, value.reveal()));
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            Ok(RequestBody::Bytes(Bytes::from(encoded)))
        }
        FetchBody::File(path) => RequestBody::from_file(&folder.join(path)).await.map_err(|error| {
            let words = format!("the file of the request's body, {}: {error}", path.display());
            FetchError::permanent(FetchErrorKind::Protocol, words)
        }),
    }
}

/// Whom a request to a socket is for: nobody has a name there.
pub(crate) const SOCKET_HOST: &str = "localhost";

/// `host:port`, the port only where it is not the scheme's own.
fn url_authority(url: &Url) -> String {
    if url.scheme() == unix_socket::SCHEME {
        return SOCKET_HOST.to_owned();
    }
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Path and query.
fn path_and_query(url: &Url) -> Cow<'_, str> {
    match &url[Position::BeforePath..Position::AfterQuery] {
        target if target.starts_with('/') => Cow::Borrowed(target),
        // The URL of a socket may have none.
        target => Cow::Owned(format!("/{target}")),
    }
}

/// The failure of a URL that cannot be asked for.
fn invalid_uri_error(why: &str) -> FetchError {
    FetchError::permanent(FetchErrorKind::Protocol, format!("this URL cannot be asked for: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_of_a_url_become_a_header() {
        let mut url = Url::parse("http://us%40er:p%3Aw@host/").unwrap();
        let value = take_credentials(&mut url).unwrap();
        assert_eq!(value, "Basic dXNAZXI6cDp3");
        assert!(value.is_sensitive());
        assert_eq!(url.as_str(), "http://host/");
        assert_eq!(take_credentials(&mut url), None);
    }

    #[test]
    fn host_and_target_are_those_of_the_url() {
        let url = Url::parse("http://[::1]:81/a b?c=d e#f").unwrap();
        assert_eq!(url_authority(&url), "[::1]:81");
        assert_eq!(path_and_query(&url), "/a%20b?c=d%20e");
        assert_eq!(url_authority(&Url::parse("https://h:443").unwrap()), "h");
        for (url, target) in
            [("http+unix://%2Fa", "/"), ("http+unix://%2Fa?b", "/?b"), ("http+unix://%2Fa/b?c", "/b?c")]
        {
            let url = Url::parse(url).unwrap();
            assert_eq!((&*url_authority(&url), &*path_and_query(&url)), ("localhost", target));
        }
    }
}
