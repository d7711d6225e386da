//! The headers of a job's requests: those of the scenario, and defaults for the rest. The body's length
//! is not among them, since it depends on the hop.

use hyper::HeaderMap;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};

use scenario_core::scenario::model::{FetchBody, FetchJob};
use scenario_log::event::FetchErrorKind;

use super::{auth, multipart};
use crate::io::http::error::FetchError;

/// The default `User-Agent`.
const USER_AGENT_VALUE: &str = concat!("scenario/", env!("CARGO_PKG_VERSION"));

/// The codings that a job with `decode` accepts: those that `response::decode` decodes.
const ACCEPT_ENCODING_VALUE: HeaderValue = HeaderValue::from_static("gzip, deflate, br, zstd");

/// The headers of a job; `url_credentials` are used if the scenario gives no `Authorization`.
///
/// A `Content-Length` or `Transfer-Encoding` of the scenario is left out: the real length is written
/// instead.
pub(super) fn job_headers(
    job: &FetchJob,
    url_credentials: Option<HeaderValue>,
) -> Result<HeaderMap, FetchError> {
    let refused = |message: String| FetchError::permanent(FetchErrorKind::Protocol, message);
    let mut headers = HeaderMap::new();
    for (name, value) in &job.headers {
        let value = HeaderValue::from_bytes(value.reveal().as_bytes()).map_err(|_| {
            refused(format!("the value of the header {name:?} contains a character that is not allowed"))
        })?;
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused(format!("{name:?} is not a header's name")))?;
        headers.append(name, value);
    }
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let mut default = |name, value| {
        headers.entry(name).or_insert(value);
    };
    default(ACCEPT, HeaderValue::from_static("*/*"));
    default(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    if job.decode_body {
        default(ACCEPT_ENCODING, ACCEPT_ENCODING_VALUE);
    }
    if !job.keep_alive {
        default(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(media_type) = job.body.as_ref().and_then(default_content_type) {
        default(CONTENT_TYPE, media_type);
    }
    if let Some(auth) = &job.auth {
        headers.insert(AUTHORIZATION, auth::authorization(auth)?);
    }
    if let Some(credentials) = url_credentials {
        headers.entry(AUTHORIZATION).or_insert(credentials);
    }
    Ok(headers)
}

/// The `Content-Type` of a body, unless the scenario gives one.
fn default_content_type(body: &FetchBody) -> Option<HeaderValue> {
    match body {
        FetchBody::Json(_) => Some(HeaderValue::from_static("application/json")),
        FetchBody::Form(_) => Some(HeaderValue::from_static("application/x-www-form-urlencoded")),
        FetchBody::Multipart(parts) => HeaderValue::try_from(multipart::content_type(parts)).ok(),
        FetchBody::Text(_) | FetchBody::File(_) => None,
    }
}
