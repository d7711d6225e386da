//! The request: the method, the target, the headers and the body of a request, for HTTP/1.1, HTTP/2 or
//! a proxy. Opens no connection.

pub(crate) mod auth;
pub(crate) mod body;
mod header_case;
mod headers;
pub(crate) mod hop;
mod http1;
mod multipart;
pub(crate) mod redirect;
mod target;
pub(crate) mod template;

use std::borrow::Cow;
use std::path::Path;

use hyper::body::{Body as _, Bytes};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri};

use scenario_core::scenario::model::FetchJob;
use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;
use body::RequestBody;
use hop::RequestHop;
use target::{path_and_query, url_authority};

/// How a request is written: it depends on the receiver and on the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestForm<'a> {
    /// To the server itself, in HTTP/1.1.
    Http1Origin,
    /// To the server itself, in HTTP/2.
    Http2Origin,
    /// To a proxy that forwards it, with the `Proxy-Authorization`.
    Http1Proxy(Option<&'a HeaderValue>),
}

/// The request for one hop.
pub(crate) async fn build_request(
    hop: &RequestHop,
    job: &FetchJob,
    folder: &Path,
    form: RequestForm<'_>,
) -> Result<Request<RequestBody>, FetchError> {
    let body = match &job.body {
        Some(body) if hop.has_body => RequestBody::for_job(body, folder).await?,
        _ => RequestBody::Empty,
    };
    build_parts(hop, &body, form).map(|parts| Request::from_parts(parts, body))
}

/// A request that is sent many times, with a body in memory or none.
pub(crate) struct PreparedRequest {
    parts: Parts,
    /// The names of the scenario's headers as it writes them.
    header_names: Vec<String>,
    body: Option<Bytes>,
}

impl PreparedRequest {
    /// The request of a job for one hop. Only a body that needs no file is prepared; with any other the request
    /// has no body.
    pub(crate) fn new(
        hop: &RequestHop,
        job: &FetchJob,
        form: RequestForm<'_>,
    ) -> Result<PreparedRequest, FetchError> {
        let body = job.body.as_ref().filter(|_| hop.has_body).and_then(RequestBody::in_memory);
        let parts = build_parts(hop, &RequestBody::from_bytes(body.clone()), form)?;
        let header_names = job.headers.iter().map(|(name, _)| name.clone()).collect();
        Ok(PreparedRequest { parts, header_names, body })
    }

    /// The request as the bytes of HTTP/1.1.
    pub(crate) fn encode_http1(&self) -> Vec<u8> {
        http1::encode_request(&self.parts, &self.header_names, self.body.as_deref().unwrap_or_default())
    }

    /// A copy of the request, for hyper.
    pub(crate) fn to_request(&self) -> Request<RequestBody> {
        Request::from_parts(self.parts.clone(), RequestBody::from_bytes(self.body.clone()))
    }
}

/// All of a request except its body.
fn build_parts(hop: &RequestHop, body: &RequestBody, form: RequestForm<'_>) -> Result<Parts, FetchError> {
    let host = match hop.headers.get(HOST) {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(&url_authority(&hop.url)).map_err(|_| invalid_uri_error("its host"))?,
    };
    let target = hop.written_target.as_deref().map_or_else(|| path_and_query(&hop.url), Cow::Borrowed);
    let uri = match form {
        RequestForm::Http1Origin => target.into_owned(),
        RequestForm::Http2Origin => {
            let scheme = if hop.url.scheme() == "https" { "https" } else { "http" };
            format!("{scheme}://{}{}", host.to_str().unwrap_or_default(), target)
        }
        // RFC 9112, section 3.2.2.
        RequestForm::Http1Proxy(_) => {
            format!("http://{}{}", url_authority(&hop.url), target)
        }
    };
    let uri = Uri::try_from(uri).map_err(|error| invalid_uri_error(&error.to_string()))?;
    let mut headers = HeaderMap::with_capacity(hop.headers.len() + 2);
    if !matches!(form, RequestForm::Http2Origin) {
        // RFC 9110, section 7.2: the host comes first. HTTP/2 has it in the URI instead.
        headers.insert(HOST, host);
    }
    for (name, value) in hop.headers.iter().filter(|(name, _)| **name != HOST) {
        headers.append(name.clone(), value.clone());
    }
    if needs_content_length(&hop.method) || hop.has_body {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.size_hint().lower()));
    }
    if let RequestForm::Http1Proxy(Some(authorization)) = form {
        // The scenario's own header wins.
        headers.entry(PROXY_AUTHORIZATION).or_insert_with(|| authorization.clone());
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.headers) = (hop.method.clone(), uri, headers);
    parts.extensions = hop.header_names.clone();
    Ok(parts)
}

/// Whether a request asks the server to close the connection after the answer.
pub(crate) fn asks_to_close(headers: &HeaderMap) -> bool {
    let tokens =
        headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.into_iter().any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Whether a request states the length of its body even if it has none (RFC 9110, section 8.6).
fn needs_content_length(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// The failure of a URL that cannot be written into a request.
fn invalid_uri_error(reason: &str) -> FetchError {
    FetchError::permanent(FetchErrorKind::Protocol, format!("this URL cannot be requested: {reason}"))
}
