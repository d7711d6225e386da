//! The facts about a load's requests that are known before the first one is sent. Sends nothing.

use std::cell::Cell;
use std::time::Duration;

use hyper::Method;

use scenario_core::scenario::model::{FetchBody as Payload, FetchJob, ScenarioText};

use crate::io::http::conn::endpoint::Endpoint;
use crate::io::http::request::hop::RequestHop;
use crate::io::http::request::{self, PreparedRequest, RequestForm};

/// The requests to one URL.
pub(super) struct LoadTarget {
    pub(super) hop: RequestHop,
    pub(super) endpoint: Endpoint,
    /// The index of the first target with the same endpoint.
    pub(super) endpoint_index: usize,
    /// The request in HTTP/1.1 and in HTTP/2.
    pub(super) prepared: [PreparedRequest; 2],
    /// The request as the bytes of HTTP/1.1, for the fast path.
    pub(super) raw_request: Vec<u8>,
    pub(super) protocol: Cell<LoadProtocol>,
    /// The request itself asks the server to close the connection.
    pub(super) closes: bool,
}

/// How the requests to a target are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadProtocol {
    FastPath,
    /// By hyper, until a connection shows that the server speaks HTTP/1.1.
    Unknown,
    /// By hyper.
    Hyper,
}

impl LoadTarget {
    /// The targets of a job, one for each URL. `None` if its requests need more than to be sent and answered,
    /// or if one of them cannot be built.
    pub(super) fn for_job(job: &FetchJob) -> Option<Vec<LoadTarget>> {
        if !is_plain_load(job) {
            return None;
        }
        let mut targets: Vec<LoadTarget> = Vec::with_capacity(job.urls.len());
        for (index, url) in job.urls.iter().enumerate() {
            let hop = RequestHop::first(job, url).ok()?;
            let endpoint = Endpoint::new(&hop.url, job);
            let prepare = |form| PreparedRequest::new(&hop, job, form).ok();
            let prepared = [prepare(endpoint.http1_form())?, prepare(RequestForm::Http2Origin)?];
            let endpoint_index =
                targets.iter().position(|target| target.endpoint == endpoint).unwrap_or(index);
            let protocol = match endpoint.fast_path_support().filter(|_| hop.method != Method::HEAD) {
                Some(true) => LoadProtocol::FastPath,
                Some(false) => LoadProtocol::Unknown,
                None => LoadProtocol::Hyper,
            };
            let raw_request = prepared[0].encode_http1();
            let protocol = Cell::new(protocol);
            let closes = request::asks_to_close(&hop.headers);
            targets.push(LoadTarget {
                hop,
                endpoint,
                endpoint_index,
                prepared,
                raw_request,
                protocol,
                closes,
            });
        }
        Some(targets)
    }
}

/// Whether a load has nothing to fill in, try again or decode.
fn is_plain_load(job: &FetchJob) -> bool {
    let uses_captures = |text: &ScenarioText| text.capture_names().next().is_some();
    let is_plain_body = |body: &Payload| match body {
        Payload::Text(text) | Payload::Json(text) => !uses_captures(text),
        Payload::Form(fields) => !fields.iter().any(|(_, value)| uses_captures(value)),
        Payload::File(_) | Payload::Multipart(_) => false,
    };
    job.load.is_some()
        && job.retries == 0
        && !job.decode_body
        && job.auth.is_none()
        && job.body.as_ref().is_none_or(is_plain_body)
        && !job.urls.iter().chain(job.headers.iter().map(|(_, value)| value)).any(uses_captures)
        && job.timeout.to_std() > Duration::ZERO
}
