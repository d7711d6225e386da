//! Why a request failed, as one of a closed set of kinds: the `kind` of `fetch.failed`. The words of a
//! failure are made elsewhere.

/// Why a request failed: the phase that failed, or the limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchErrorKind {
    /// The host's name could not be resolved.
    Dns,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed, or a certificate was refused.
    Tls,
    /// The whole request took longer than its time limit.
    Timeout,
    /// The connection ended before the answer did.
    Reset,
    /// The answer is not HTTP.
    Protocol,
    /// The body is larger than `max_body`.
    TooLarge,
    /// There were more redirects than `redirects`, or one was refused.
    Redirects,
    /// A captured value that the request needs is missing or does not fit.
    Capture,
}

impl FetchErrorKind {
    /// All kinds, in the order of the schema.
    pub const ALL: [FetchErrorKind; 9] = [
        FetchErrorKind::Dns,
        FetchErrorKind::Connect,
        FetchErrorKind::Tls,
        FetchErrorKind::Timeout,
        FetchErrorKind::Reset,
        FetchErrorKind::Protocol,
        FetchErrorKind::TooLarge,
        FetchErrorKind::Redirects,
        FetchErrorKind::Capture,
    ];

    /// The kind's name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FetchErrorKind::Dns => "dns",
            FetchErrorKind::Connect => "connect",
            FetchErrorKind::Tls => "tls",
            FetchErrorKind::Timeout => "timeout",
            FetchErrorKind::Reset => "reset",
            FetchErrorKind::Protocol => "protocol",
            FetchErrorKind::TooLarge => "too_large",
            FetchErrorKind::Redirects => "redirects",
            FetchErrorKind::Capture => "capture",
        }
    }

    /// The kind with this name in the log; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<FetchErrorKind> {
        FetchErrorKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
