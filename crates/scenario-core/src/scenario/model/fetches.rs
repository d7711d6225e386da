//! Fetches of the model: requests, loads of requests, and conditions on answers.

use std::path::{Path, PathBuf};

use super::{FetchCheck, ScenarioText, StatusRule};
use crate::diagnostic::FilePlace;
use crate::scenario::rate::Ramp;
use crate::scenario::share::Share;
use scenario_log::time::Span;

/// An HTTP fetch: one request for each URL, or a load of many.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchJob {
    /// Unique among fetches; no dot.
    pub name: String,
    /// Valid `http`, `https` or `http+unix` URLs; at least one.
    pub urls: Vec<ScenarioText>,
    /// The order of the requests.
    pub mode: FetchMode,
    /// Whether each line of the body is logged.
    pub log_lines: bool,
    /// A valid regular expression: the answer is over with the first line that it matches.
    pub lines_until: Option<String>,
    /// A valid HTTP method.
    pub method: String,
    /// Valid names and values, sorted by the name as it is written.
    pub headers: Vec<(String, ScenarioText)>,
    /// The credentials, where no header has them.
    pub auth: Option<FetchAuth>,
    /// The request's body.
    pub body: Option<FetchBody>,
    /// The longest time that one attempt may take, from its start to the last byte of the answer.
    pub timeout: Span,
    /// The largest number of redirects that are followed.
    pub redirects: u32,
    /// The largest number of further attempts after a failed one.
    pub retries: u32,
    /// The statuses that are expected.
    pub status: StatusRule,
    /// How many requests may fail, over the whole run, without failing it.
    pub may_fail: FailureBudget,
    /// The largest body that is accepted, in bytes after decoding.
    pub max_body: u64,
    /// Whether to ask for encoded bodies, and to decode them.
    pub decode_body: bool,
    /// A file of PEM certificates to trust instead of the system's, relative to the scenario's folder.
    pub ca: Option<PathBuf>,
    /// Whether to trust any certificate.
    pub insecure: bool,
    /// Where connections to a `host:port`, in small letters, go instead: to another valid `host:port`.
    pub resolve: Vec<(String, String)>,
    /// The name of the server in TLS, instead of the host of the URL: a valid host.
    pub server_name: Option<String>,
    /// Whether a connection is used again after an answer.
    pub keep_alive: bool,
    /// How many requests are in flight at a time on each connection of a closed loop; at least 1.
    pub streams: u32,
    /// Whether the end of a TLS connection without a goodbye (close_notify) may end a body.
    pub allow_unclean_close: bool,
    /// The URL of the proxy that the requests go through: a valid `http` URL of a host and a port alone.
    pub proxy: Option<ScenarioText>,
    /// The certificate for servers that ask for one.
    pub client_cert: Option<ClientCert>,
    /// The version of HTTP.
    pub http2: Http2Mode,
    /// The load of many requests; `None`: one request for each URL.
    pub load: Option<LoadProfile>,
    /// The table that its requests take their rows from.
    pub data: Option<RowSource>,
    /// Conditions on an answer whose status is expected.
    pub check: Option<FetchCheck>,
    /// The values that are taken out of such an answer for what comes later, in file order.
    pub captures: Vec<FetchCapture>,
    /// The place of its name, where it is defined.
    pub place: FilePlace,
}

/// How many requests of a fetch may fail without failing the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureBudget {
    /// This many.
    Requests(u64),
    /// This share of those that end.
    Share(Share),
}

/// The table that requests take their rows from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSource {
    /// The index of the table.
    pub table: usize,
    /// The name of the table.
    pub name: String,
}

/// A load: many requests to the URLs of a job in turn. At least one of `max_requests` and `duration` is
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadProfile {
    /// The cause that starts a request.
    pub model: LoadModel,
    /// The largest number of requests; at least 1.
    pub max_requests: Option<u64>,
    /// The time from the start of the load in which requests are planned; its end is excluded.
    pub duration: Option<Span>,
}

/// The cause that starts a request of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadModel {
    /// The answer to another request: a closed loop.
    Closed {
        /// The number of requests in flight at a time; at least 1.
        connections: u32,
    },
    /// Its planned moment, whatever the answers do: an open loop.
    Open {
        /// The rate over time. It is more than zero somewhere.
        rate: Ramp,
        /// How the requests are spread over time.
        arrivals: ArrivalProcess,
        /// The largest number of requests in flight at a time; at least 1.
        max_connections: u32,
    },
}

/// How the requests of a rate are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrivalProcess {
    /// Evenly.
    #[default]
    Constant,
    /// Each by chance, whatever the others do: a Poisson process.
    Poisson,
}

/// A value that is taken out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCapture {
    /// The name by which texts refer to it; no variable has this name.
    pub name: String,
    /// Where it is in the answer.
    pub selector: CaptureSelector,
    /// Whether it must never be logged or shown.
    pub secret: bool,
    /// Whether it may be empty; otherwise an answer with an empty value is not as expected.
    pub may_be_empty: bool,
}

/// Where a value is in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureSelector {
    /// At this JSON Pointer of the body.
    Json(String),
    /// The text of the one group of this valid regular expression, where it first matches in the body.
    Text(String),
    /// In the header of this name, which has one value.
    Header(String),
    /// The text of the one group of a valid regular expression, where it first matches in a value of the
    /// header.
    HeaderText {
        /// The name of the header.
        header: String,
        /// The regular expression.
        regex: String,
    },
}

/// The certificate of a client and its key: PEM files, relative to the scenario's folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCert {
    /// The certificate, and those between it and the authority.
    pub cert: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
}

/// The order of a job's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchMode {
    /// All at once.
    #[default]
    Concurrent,
    /// Each after the one before it.
    Sequential,
}

/// The credentials of a request, for its header `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchAuth {
    /// A user and a password; the user has no colon.
    Basic {
        /// The name of the user.
        user: ScenarioText,
        /// The password, which is shown as `[redacted]`.
        password: ScenarioText,
    },
    /// A token, which is shown as `[redacted]`.
    Bearer(ScenarioText),
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchBody {
    /// This text.
    Text(ScenarioText),
    /// The content of this file; the path is relative to the scenario's folder.
    File(PathBuf),
    /// These parts, as `multipart/form-data`; at least one.
    Multipart(Vec<MultipartPart>),
    /// These fields, encoded as a form; those of one name stand together.
    Form(Vec<(String, ScenarioText)>),
    /// This JSON document. Both forms of the text, the real and the shown one, are valid JSON.
    Json(ScenarioText),
}

/// A part of a `multipart/form-data` body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartPart {
    /// The name of the field.
    pub name: String,
    /// The value of the field.
    pub content: PartContent,
    /// The name of the file, as it is told to the server.
    pub file_name: Option<String>,
    /// The media type, in visible characters.
    pub media_type: Option<String>,
}

/// The value of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartContent {
    /// This text.
    Text(ScenarioText),
    /// The content of this file; the path is relative to the scenario's folder.
    File(PathBuf),
}

impl FetchBody {
    /// The files that the body is made of.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let (file, parts) = match self {
            FetchBody::File(path) => (Some(&**path), &[][..]),
            FetchBody::Multipart(parts) => (None, &parts[..]),
            FetchBody::Text(_) | FetchBody::Form(_) | FetchBody::Json(_) => (None, &[][..]),
        };
        let parts = parts.iter().filter_map(|part| match &part.content {
            PartContent::File(path) => Some(&**path),
            PartContent::Text(_) => None,
        });
        file.into_iter().chain(parts)
    }
}

impl FetchJob {
    /// How many requests of a closed loop are in flight at a time, if it has this many connections.
    #[must_use]
    pub fn requests_at_once(&self, connections: u32) -> u32 {
        connections.saturating_mul(self.streams)
    }
}

/// The version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2Mode {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/2, with prior knowledge on plain connections.
    Always,
    /// HTTP/1.1.
    Never,
}
