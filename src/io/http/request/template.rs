//! A request that many players send, each with values of its own: the bytes of HTTP/1.1, prepared once, with
//! gaps for the values. Sends nothing.
//!
//! # How it works
//!
//! The request is prepared as any other, with a *mark* in the place of each value: a word of small letters and
//! digits, which no encoding changes. The bytes are then cut at the marks. If a mark is missing or doubled (it
//! stood in the user name of a URL, or in the fragment), there is no template, and the request goes the general
//! way. So does a request whose values could change the path of its URL or break a header.

use std::borrow::Cow;
use std::ops::Range;

use hyper::Method;
use hyper::header::{COOKIE, HeaderValue};
use percent_encoding::percent_decode;
use url::{Position, Url};

use scenario_core::scenario::model::{FetchBody, FetchJob};
use scenario_core::scenario::vars::fill;
use scenario_log::captured_value::CapturedValue;

use super::hop::RequestHop;
use super::{PreparedRequest, RequestForm, asks_to_close};

/// The beginning of each mark.
const MARK: &str = "qvalueqz";

/// The value of the header that stands for the cookies of a player.
const COOKIE_MARK: &str = "qcookiesqz";

/// The cookies for a URL, as a header has them.
pub(crate) type CookiesFor<'c> = &'c dyn Fn(&Url) -> Option<String>;

/// A request with gaps.
#[derive(Debug)]
pub(crate) struct RequestTemplate {
    method: Method,
    /// The URL, with a mark in each gap.
    url: Url,
    has_url_gaps: bool,
    /// The names of the values.
    names: Vec<String>,
    pieces: Vec<TemplatePiece>,
    /// The first piece of the body.
    body_begin: usize,
    /// A `Cookie` of the scenario stands among the headers.
    has_own_cookie: bool,
    /// It asks the server to close the connection.
    closes: bool,
}

#[derive(Debug)]
enum TemplatePiece {
    Bytes(Box<[u8]>),
    /// The value of this number.
    Value(usize, ValuePlace),
    /// The line of the cookies, if there are any.
    Cookies,
    /// The length of the body, in digits.
    BodyLength,
}

/// Where a value stands, which decides how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValuePlace {
    Url,
    Header,
    Text,
    Json,
    Form,
}

impl RequestTemplate {
    /// The template of a job's requests to a URL, in HTTP/1.1 to the server itself; `None` if they have none.
    pub(crate) fn for_job(job: &FetchJob, url: usize) -> Option<RequestTemplate> {
        let body_place = match &job.body {
            None | Some(FetchBody::Text(_)) => ValuePlace::Text,
            Some(FetchBody::Json(_)) => ValuePlace::Json,
            Some(FetchBody::Form(_)) => ValuePlace::Form,
            Some(FetchBody::File(_) | FetchBody::Multipart(_)) => return None,
        };
        let job_url = job.urls.get(url)?;
        let (names, gaps) = needed_values(job, url);
        let marks = names.iter().enumerate().map(|(n, name)| {
            let value = format!("{MARK}{n:04}");
            CapturedValue { name: name.clone(), value, secret: false }
        });
        let marked = fill::fill_captures(job, url, marks.collect()).ok()?;
        let job = marked.as_ref().unwrap_or(job);
        let mut hop = RequestHop::first(job, job.urls.get(url)?).ok()?;
        if hop.method == Method::HEAD || hop.url.host_str().is_none_or(|host| host.contains(MARK)) {
            return None;
        }
        let has_url_gaps = job_url.capture_names().next().is_some();
        let has_own_cookie = hop.headers.contains_key(COOKIE);
        if !has_own_cookie {
            hop.headers.insert(COOKIE, HeaderValue::from_static(COOKIE_MARK));
        }
        let prepared = PreparedRequest::new(&hop, job, RequestForm::Http1Origin).ok()?;
        let (bytes, closes) = (prepared.encode_http1(), asks_to_close(&hop.headers));
        let mut cutter = TemplateCutter { bytes: &bytes, pieces: Vec::new(), gaps: 0 };
        let line = 0..find(&bytes, b"\r\n")?;
        let head = line.end..find(&bytes, b"\r\n\r\n")? + 4;
        let body = head.end..bytes.len();
        let has_body_gaps = find(&bytes[body.clone()], MARK.as_bytes()).is_some();
        cutter.cut(line, ValuePlace::Url)?;
        cutter.cut_head(head, has_body_gaps)?;
        let body_begin = cutter.pieces.len();
        cutter.cut(body, body_place)?;
        let (pieces, found) = (cutter.pieces, cutter.gaps);
        (found == gaps).then_some(RequestTemplate {
            method: hop.method,
            has_url_gaps,
            url: hop.url,
            names,
            pieces,
            body_begin,
            has_own_cookie,
            closes,
        })
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The URL, with a word in each gap.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether it asks the server to close the connection.
    pub(crate) fn closes(&self) -> bool {
        self.closes
    }

    /// Whether cookies can be written: those of the scenario stand alone.
    pub(crate) fn takes_cookies(&self) -> bool {
        !self.has_own_cookie
    }

    /// Writes the request with these values, and with the cookies that `cookies` gives for its URL. False if it must
    /// go the general way: a value is missing, or cannot be written so.
    pub(crate) fn fill(
        &self,
        values: &[CapturedValue],
        cookies: Option<CookiesFor<'_>>,
        bytes: &mut Vec<u8>,
    ) -> bool {
        bytes.clear();
        let Some(values) = self.find_values(values) else { return false };
        let (head, body) = self.pieces.split_at(self.body_begin);
        for piece in head {
            match piece {
                TemplatePiece::Bytes(piece) => bytes.extend_from_slice(piece),
                TemplatePiece::Value(n, place) => {
                    if !push_value(values[*n], *place, bytes) {
                        return false;
                    }
                }
                TemplatePiece::Cookies => {
                    if let Some(line) = cookies.and_then(|cookies| cookies(&*self.url_of(bytes)?)) {
                        bytes.extend_from_slice(b"Cookie: ");
                        bytes.extend_from_slice(line.as_bytes());
                        bytes.extend_from_slice(b"\r\n");
                    }
                }
                TemplatePiece::BodyLength => {
                    let mut written = Vec::new();
                    if !push_pieces(body, &values, &mut written) {
                        return false;
                    }
                    bytes.extend_from_slice(written.len().to_string().as_bytes());
                }
            }
        }
        let is_path_kept = !self.has_url_gaps || !has_dot_segment(bytes);
        is_path_kept && push_pieces(body, &values, bytes)
    }

    /// The URL of a request that begins with these bytes.
    pub(crate) fn url_of(&self, request: &[u8]) -> Option<Cow<'_, Url>> {
        if !self.has_url_gaps {
            return Some(Cow::Borrowed(&self.url));
        }
        let target = std::str::from_utf8(request_target(request)?).ok()?;
        Url::parse(&format!("{}{target}", &self.url[..Position::BeforePath])).ok().map(Cow::Owned)
    }

    /// The values in the order of the names.
    fn find_values<'v>(&self, values: &'v [CapturedValue]) -> Option<Vec<&'v str>> {
        let value = |name: &String| Some(&*values.iter().find(|value| value.name == *name)?.value);
        self.names.iter().map(value).collect()
    }
}

/// The names of the values that a request needs, and the number of their places.
fn needed_values(job: &FetchJob, url: usize) -> (Vec<String>, usize) {
    let (mut names, mut gaps) = (Vec::new(), 0);
    for name in fill::request_texts(job, url).flat_map(|text| text.capture_names()) {
        gaps += 1;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    (names, gaps)
}

/// Cuts the bytes of a prepared request at the marks.
struct TemplateCutter<'a> {
    bytes: &'a [u8],
    pieces: Vec<TemplatePiece>,
    /// The marks so far.
    gaps: usize,
}

impl TemplateCutter<'_> {
    fn push_bytes(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.pieces.push(TemplatePiece::Bytes(self.bytes[range].into()));
        }
    }

    /// Cuts a part whose values stand in this place.
    fn cut(&mut self, part: Range<usize>, place: ValuePlace) -> Option<()> {
        let mut begin = part.start;
        while let Some(mark) = find(&self.bytes[begin..part.end], MARK.as_bytes()) {
            let mark = begin + mark;
            let digits = mark + MARK.len()..mark + MARK.len() + 4;
            let number = std::str::from_utf8(self.bytes.get(digits.clone())?).ok()?.parse().ok()?;
            self.push_bytes(begin..mark);
            self.pieces.push(TemplatePiece::Value(number, place));
            self.gaps += 1;
            begin = digits.end;
        }
        self.push_bytes(begin..part.end);
        Some(())
    }

    /// Cuts the headers, up to and with the empty line.
    fn cut_head(&mut self, head: Range<usize>, has_body_gaps: bool) -> Option<()> {
        let mut begin = head.start;
        // The line of the request ends where the head begins.
        let mut line_begin = begin + 2;
        while let Some(len) = find(&self.bytes[line_begin..head.end], b"\r\n") {
            let line = &self.bytes[line_begin..line_begin + len];
            let next = line_begin + len + 2;
            let name_len = line.iter().position(|byte| *byte == b':').unwrap_or_default();
            if line.ends_with(COOKIE_MARK.as_bytes()) {
                self.cut(begin..line_begin, ValuePlace::Header)?;
                self.pieces.push(TemplatePiece::Cookies);
                begin = next;
            } else if has_body_gaps && line[..name_len].eq_ignore_ascii_case(b"content-length") {
                self.cut(begin..line_begin + name_len + 2, ValuePlace::Header)?;
                self.pieces.push(TemplatePiece::BodyLength);
                begin = next - 2;
            }
            line_begin = next;
        }
        self.cut(begin..head.end, ValuePlace::Header)
    }
}

/// Writes pieces of a body; false if a value cannot be written.
fn push_pieces(pieces: &[TemplatePiece], values: &[&str], bytes: &mut Vec<u8>) -> bool {
    pieces.iter().all(|piece| match piece {
        TemplatePiece::Bytes(piece) => {
            bytes.extend_from_slice(piece);
            true
        }
        TemplatePiece::Value(n, place) => push_value(values[*n], *place, bytes),
        TemplatePiece::Cookies | TemplatePiece::BodyLength => false,
    })
}

/// Writes a value as its place wants it; false if it cannot stand there.
fn push_value(value: &str, place: ValuePlace, bytes: &mut Vec<u8>) -> bool {
    let is_plain = || value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    match place {
        _ if is_plain() => bytes.extend_from_slice(value.as_bytes()),
        ValuePlace::Header if value.bytes().any(|byte| byte < b' ' || byte == 0x7f) => return false,
        ValuePlace::Header | ValuePlace::Text => bytes.extend_from_slice(value.as_bytes()),
        ValuePlace::Url => bytes.extend_from_slice(fill::encode_for_url(value).as_bytes()),
        ValuePlace::Json => bytes.extend_from_slice(fill::escape_for_json(value).as_bytes()),
        ValuePlace::Form => {
            for piece in url::form_urlencoded::byte_serialize(value.as_bytes()) {
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    true
}

/// The target of a request that begins with these bytes.
fn request_target(request: &[u8]) -> Option<&[u8]> {
    request.split(|byte| *byte == b' ').nth(1)
}

/// Whether the path of a request has a segment `.` or `..`, however it is written.
fn has_dot_segment(request: &[u8]) -> bool {
    let path = request_target(request).and_then(|target| target.split(|byte| *byte == b'?').next());
    path.unwrap_or_default().split(|byte| *byte == b'/').any(|segment| {
        let is_short = segment.len() <= "%2e%2e".len();
        is_short && matches!(&*percent_decode(segment).collect::<Vec<u8>>(), b"." | b"..")
    })
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, pattern)
}
