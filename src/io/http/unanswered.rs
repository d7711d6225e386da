//! A request without an answer of its own: the server closed the connection, or refused to process the request.
//! Decides nothing about what follows (`resend` does).

use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};

use super::conn::pool::LeasedConn;
use super::error::FetchError;
use super::resend::UnansweredReason;

/// How a request went unanswered.
pub(super) enum UnansweredRequest {
    /// The answer says that the connection had been idle for too long.
    Late(Response<Incoming>),
    Failed(UnansweredReason, FetchError),
}

impl UnansweredRequest {
    pub(super) fn reason(&self) -> UnansweredReason {
        match self {
            UnansweredRequest::Late(_) => UnansweredReason::Closed,
            UnansweredRequest::Failed(reason, _) => *reason,
        }
    }

    /// The outcome if the request is not sent again.
    pub(super) fn into_outcome(
        self,
        lease: LeasedConn,
    ) -> Result<(Response<Incoming>, LeasedConn), FetchError> {
        match self {
            UnansweredRequest::Late(response) => Ok((response, lease)),
            UnansweredRequest::Failed(_, error) => Err(error),
        }
    }
}

/// Whether an answer only says that the connection had been idle for too long, so that it may have crossed
/// the request (RFC 9110, section 15.5.9).
pub(super) fn is_late(response: &Response<Incoming>, lease: &LeasedConn) -> bool {
    let closes = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"close");
    lease.reused
        && !lease.conn.is_http2()
        && response.status().as_u16() == 408
        && response.headers().get_all(CONNECTION).iter().any(closes)
}
