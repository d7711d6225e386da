//! The table of fetches. Names are not looked up here.

use super::{BoundedU32, MAX_LOAD_CONNECTIONS, MAX_LOAD_REQUESTS};
use crate::scenario::format::format_size;
use crate::scenario::model::{
    ArrivalProcess, FailureBudget, FetchAuth, FetchBody, FetchCheck, FetchJob, FetchMode, Http2Mode,
    LoadModel, MultipartPart, StatusRule,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::addresses::{HostPortRule, HostPortText, ServerNameText};
use crate::scenario::schema::capture::{CaptureTable, RawCapture};
use crate::scenario::schema::collections::{ListOf, NamedTable};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::encode::{encode_named, unless_empty};
use crate::scenario::schema::key_rules::{HeaderNameRule, VarNameRule};
use crate::scenario::schema::numbers::{BoundedInt, ByteSize};
use crate::scenario::schema::strings::{
    HeaderValueText, HttpMethod, PublicString, RegexText, ScenarioPath, UrlText,
};
use crate::scenario::schema::table::{TableRule, table};

table! {
    /// An HTTP fetch: one request for each URL or, with `connections` or `rate`, a load of many requests.
    RawFetchJob is "a fetch" from (FetchJob) like "{ urls = [\"http://127.0.0.1:8080/a.pdf\"] }" with [
        TableRule::Inherits("extends"),
        TableRule::Required("urls", "urls = [\"http://…\"]"),
        TableRule::Needs("cert", "key"),
        TableRule::Needs("key", "cert"),
        TableRule::Excludes("rate", "connections"),
        TableRule::NeedsAny("connections", &["requests", "for"]),
        TableRule::NeedsAny("rate", &["requests", "for"]),
        TableRule::NeedsAny("requests", &["connections", "rate"]),
        TableRule::NeedsAny("for", &["connections", "rate"]),
        TableRule::Needs("arrivals", "rate"),
        TableRule::Needs("max_connections", "rate"),
        TableRule::Excludes("mode", "connections"),
        TableRule::Excludes("mode", "rate"),
        TableRule::Excludes("lines", "connections"),
        TableRule::Excludes("lines", "rate"),
        TableRule::Needs("lines_until", "lines"),
        TableRule::Needs("streams", "connections"),
        TableRule::Excludes("multipart", "body"),
        TableRule::Excludes("resolve", "proxy"),
    ] {
        /// The URLs that are fetched, one or more; their scheme is `http`, `https` or `http+unix`.
        "urls" urls: ListOf<UrlText<true>, 1> => |job| job.urls.iter().collect::<Vec<_>>(),
        /// The order of the requests: `"concurrent"` starts all of them at once, `"sequential"` starts each
        /// after the one before it.
        "mode" mode: FetchMode = "concurrent" => |job| job.load.is_none().then_some(job.mode),
        /// Whether each line of the body is logged as it arrives; a line of more than 1 MiB is logged in
        /// pieces.
        "lines" lines: bool = false => |job| job.load.is_none().then_some(job.log_lines),
        /// A regular expression: with the first line that it matches the answer is over, as expected, and the
        /// connection is closed. An answer that ends before such a line is not as expected.
        "lines_until" lines_until: RegexText => |job| job.lines_until.as_deref(),
        /// The HTTP method of the request, in capitals.
        "method" method: HttpMethod = "GET" => |job| &job.method,
        /// The headers of the request by name.
        "headers" headers: NamedTable<HeaderValueText, HeaderNameRule> => |job| {
            encode_named(job.headers.iter().map(|(name, value)| (&**name, value)))
        },
        /// The credentials of the request: a user and a password, or a token. They are never logged, and
        /// are not sent to another host that a redirect leads to.
        "auth" auth: FetchAuth => |job| job.auth.as_ref(),
        /// The body of the request. Default: the request has no body.
        "body" body: FetchBody => |job| {
            job.body.as_ref().filter(|body| !matches!(body, FetchBody::Multipart(_)))
        },
        /// The parts of a form that is sent as `multipart/form-data`, one or more: fields and files.
        "multipart" multipart: ListOf<MultipartPart, 1> => |job| match &job.body {
            Some(FetchBody::Multipart(parts)) => Some(parts.iter().collect::<Vec<_>>()),
            _ => None,
        },
        /// How long one attempt of a request may take, as a duration from its start to the last byte of the
        /// answer; a longer one fails as `timeout`.
        "timeout" timeout: DurationValue<true> = "30s" => |job| job.timeout,
        /// The largest number of redirects that a request follows.
        "redirects" redirects: BoundedU32<0> = 10 => |job| job.redirects,
        /// The largest number of further attempts after a request has failed.
        "retries" retries: BoundedU32<0> = 0 => |job| job.retries,
        /// The statuses that are expected: a status, a class such as `"2xx"`, a range such as `"400..499"`, in
        /// which both ends are, a list of these, or `"any"`. Any other status fails the request, and with it the run, unless `may_fail`
        /// allows it.
        "status" status: StatusRule = "2xx" => |job| &job.status,
        /// How many requests of this fetch may fail over the whole run without failing it: a number of them,
        /// or a share of those that end, such as `"1%"`. A number is passed with the first request beyond
        /// it; a share is judged when the run ends.
        "may_fail" may_fail: FailureBudget = 0 => |job| job.may_fail; UnlessDefault,
        /// The largest body that is accepted, as a size after decoding; a fetch with a larger one fails.
        "max_body" max_body: ByteSize<0> = "1GiB" => |job| format_size(job.max_body),
        /// Whether to ask for bodies encoded as gzip, deflate, br or zstd, and to decode them. Without it
        /// an encoded body is taken as it came.
        "decode" decode: bool = false => |job| job.decode_body; UnlessDefault,
        /// A PEM file with the certificates to trust instead of the system's, relative to this file.
        "ca" ca: ScenarioPath => |job| job.ca.as_deref(),
        /// Whether to trust any certificate of a server, whatever is wrong with it.
        "insecure" insecure: bool = false => |job| job.insecure,
        /// Where connections to an address `host:port` of a URL go instead, by that address:
        /// `{ "shop.test:443" = "127.0.0.1:8443" }`. The request and TLS keep the name.
        "resolve" resolve: NamedTable<HostPortText, HostPortRule> => |job| {
            unless_empty(encode_named(job.resolve.iter().map(|(from, to)| (&**from, to))))
        },
        /// The name that TLS sends to the server and looks for in its certificate, instead of the host of the
        /// URL. It is not used for other hosts that redirects lead to.
        "server_name" server_name: ServerNameText => |job| job.server_name.as_deref(),
        /// Whether connections are kept for later requests. Without it each request has a connection of its
        /// own, and asks the server to close it.
        "keep_alive" keep_alive: bool = true => |job| job.keep_alive; UnlessDefault,
        /// Whether a server may end a TLS connection without its goodbye (`close_notify`) in place of the end
        /// of a body whose length is not stated. Without it such a body fails, since it may have been cut.
        "allow_unclean_close" allow_unclean_close: bool = false => |job| job.allow_unclean_close; UnlessDefault,
        /// The URL of an HTTP proxy that the requests go through, such as `"http://127.0.0.1:3128"`. The
        /// proxies that the environment names are never used.
        "proxy" proxy: UrlText<false> => |job| job.proxy.as_ref(),
        /// A PEM file with the certificate for servers that ask for one, relative to this file; it needs
        /// `key`.
        "cert" cert: ScenarioPath => |job| job.client_cert.as_ref().map(|client| &client.cert),
        /// A PEM file with the private key of `cert`, relative to this file.
        "key" key: ScenarioPath => |job| job.client_cert.as_ref().map(|client| &client.key),
        /// The version of HTTP: `"auto"` uses HTTP/2 where TLS agrees on it and HTTP/1.1 otherwise,
        /// `"always"` uses HTTP/2, `"never"` uses HTTP/1.1.
        "http2" http2: Http2Mode = "auto" => |job| job.http2,
        /// Conditions on an answer whose status is expected; an answer that does not meet them fails the run.
        "check" check: FetchCheck => |job| job.check.as_ref(),
        /// The name of another fetch whose keys this one takes, but for those that it has itself. The names of
        /// `headers` are joined.
        "extends" extends: PublicString,
        /// Values that are taken out of an answer whose status is expected, by name; `${name}` stands for
        /// the value in what comes later.
        "capture" capture: NamedTable<RawCapture, VarNameRule> => |job| {
            unless_empty(encode_named(job.captures.iter().map(|one| (&*one.name, CaptureTable::write(one)))))
        },
        /// The table that the requests take their rows from, by its name: one row for each request of a load, and
        /// otherwise one for all requests of the fetch. `${row.NAME}` stands for a value of it.
        "data" data: PublicString => |job| job.data.as_ref().map(|rows| &rows.name),
        /// A closed load: this many requests are in flight at a time, from 1 to 50,000, and each one that
        /// is answered is followed by the next. It needs `requests` or `for`.
        "connections" connections: BoundedInt<1, MAX_LOAD_CONNECTIONS> => |job| {
            match &job.load.as_ref()?.model {
                LoadModel::Closed { connections } => Some(*connections),
                LoadModel::Open { .. } => None,
            }
        },
        /// How many requests are in flight at a time on each of the `connections`, from 1 to 1,000. More than one
        /// needs `http2 = "always"`.
        "streams" streams: BoundedInt<1, 1_000> = 1 => |job| {
            matches!(job.load.as_ref()?.model, LoadModel::Closed { .. }).then_some(job.streams)
        }; UnlessDefault,
        /// An open load: requests start at this rate, such as `"500/s"`, whatever the answers do. A list of
        /// points makes a rate that changes over time. It needs `requests` or `for`.
        "rate" rate: Ramp => |job| open_load(job).map(|(rate, _, _)| rate),
        /// The number of requests that a load makes in all, from 1 to 1,000,000,000.
        "requests" requests: BoundedInt<1, MAX_LOAD_REQUESTS> => |job| job.load.as_ref()?.max_requests,
        /// How long a load starts requests, as a duration from its own start.
        "for" within: DurationValue<true> => |job| job.load.as_ref()?.duration,
        /// How the requests of a `rate` are spread over time: `"constant"`, evenly, or `"poisson"`, each by
        /// chance.
        "arrivals" arrivals: ArrivalProcess = "constant" => |job| open_load(job).map(|(_, arrivals, _)| arrivals),
        /// The largest number of requests of a `rate` in flight at a time, from 1 to 50,000; a request that
        /// is due beyond it starts late.
        "max_connections" max_connections: BoundedInt<1, MAX_LOAD_CONNECTIONS> = 1_000 => |job| {
            open_load(job).map(|(_, _, most)| most)
        },
    }
}

fn open_load(job: &FetchJob) -> Option<(&Ramp, ArrivalProcess, u32)> {
    match &job.load.as_ref()?.model {
        LoadModel::Open { rate, arrivals, max_connections } => Some((rate, *arrivals, *max_connections)),
        LoadModel::Closed { .. } => None,
    }
}
