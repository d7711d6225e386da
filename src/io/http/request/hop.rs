//! One request of an attempt, before it is written: the URL, the method and the headers. Sends nothing.

use hyper::http::Extensions;
use hyper::{HeaderMap, Method};
use url::Url;

use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_core::scenario::unix_socket;
use scenario_log::event::FetchErrorKind;

use super::auth;
use super::{header_case, headers, target};
use crate::io::http::error::FetchError;

/// One request of an attempt: the first one, or one that a redirect asks for.
#[derive(Clone, Debug)]
pub(crate) struct RequestHop {
    /// Without user, password and fragment.
    pub(crate) url: Url,
    /// The path and the query to send, if they differ from those of `url`.
    pub(crate) written_target: Option<String>,
    pub(crate) method: Method,
    /// Without `Host`, unless the scenario gives one.
    pub(crate) headers: HeaderMap,
    /// hyper's record of how the names of the headers are written.
    pub(crate) header_names: Extensions,
    /// Whether the job's body is sent.
    pub(crate) has_body: bool,
}

impl RequestHop {
    /// The first request of a job to a URL.
    pub(crate) fn first(job: &FetchJob, url: &ScenarioText) -> Result<RequestHop, FetchError> {
        let refused = |message: String| FetchError::permanent(FetchErrorKind::Protocol, message);
        let text = url.reveal();
        let mut url = Url::parse(text).map_err(|error| refused(format!("this is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https" | unix_socket::SCHEME) {
            return Err(refused("only http, https and http+unix are fetched".to_owned()));
        }
        url.set_fragment(None);
        let method = Method::from_bytes(job.method.as_bytes())
            .map_err(|_| refused(format!("{:?} is not an HTTP method", job.method)))?;
        let credentials = auth::take_credentials(&mut url);
        let headers = headers::job_headers(job, credentials)?;
        let header_names = header_case::name_record(job.headers.iter().map(|(name, _)| name.as_str()));
        let written_target = target::path_with_dots(text, &url);
        Ok(RequestHop { url, written_target, method, headers, header_names, has_body: job.body.is_some() })
    }
}
