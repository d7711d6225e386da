//! Builds the fetches of the model: their URLs and headers, with credentials hidden.

use std::collections::BTreeMap;

use super::url::{authority_end, build_url};
use super::{auth, headers, load, proxy, streams};
use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{BoundedU32, RawFetchJob};
use crate::scenario::model::{
    CaptureSelector, ClientCert, FetchBody, FetchCapture, FetchJob, Http2Mode, MultipartPart, ScenarioText,
};
use crate::scenario::schema::addresses::{HostPortText, ServerNameText, normalized};
use crate::scenario::schema::capture::RawCapture;
use crate::scenario::schema::collections::{ListOf, NamedEntry};
use crate::scenario::schema::strings::{HeaderValueText, RegexText, UrlText};
use crate::scenario::schema::{DefaultedSlot, Located};
use crate::scenario::vars::request_values::RequestValue;

/// The headers whose values are never shown, in lower case.
const SENSITIVE_HEADERS: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];

/// Builds a fetch; `None` if a part of it is missing or wrong, which has been reported. `passwords`
/// receives the credentials of its URLs and headers.
pub(super) fn build_fetch(
    name: &str,
    place: FilePlace,
    raw: Located<RawFetchJob>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<FetchJob> {
    let mut raw = raw.value;
    let load = load::build_load(&mut raw, found);
    let streams = streams::build_streams(&raw, load.as_ref(), found);
    streams::check_lines_until(&raw, found);
    streams::check_multipart(&raw, found);
    let urls = raw.urls.into_value().map(|list| list.0);
    let named = raw.headers.as_given().map_or(&[][..], |headers| &headers.value.items);
    auth::report_conflicts(raw.auth.as_given(), named, urls.as_deref().unwrap_or_default(), found);
    headers::report_unsendable(named, raw.http2.or_default() == Http2Mode::Always, found);
    let wanted = urls.as_ref().map(Vec::len);
    let urls: Vec<ScenarioText> = urls
        .unwrap_or_default()
        .into_iter()
        .filter_map(|one| build_deferred_url(one, passwords, found))
        .collect();
    let speaks_two = raw.http2.or_default() == Http2Mode::Always;
    let proxy = raw
        .proxy
        .into_given()
        .and_then(|proxy| proxy::build_proxy(proxy, &urls, speaks_two, passwords, found));
    let auth = auth::build_auth(raw.auth.into_given(), passwords);
    let headers = build_headers(raw.headers.into_value().unwrap_or_default().items, passwords);
    let number = |slot: &DefaultedSlot<BoundedU32<0>>| u32::try_from(slot.or_default().0).unwrap_or(u32::MAX);
    (wanted? == urls.len()).then(|| FetchJob {
        name: name.to_owned(),
        urls,
        mode: raw.mode.or_default(),
        log_lines: raw.lines.or_default(),
        lines_until: raw.lines_until.into_value().map(|RegexText(regex)| regex),
        method: raw.method.or_default().0,
        headers,
        auth,
        body: raw.body.into_value().or_else(|| raw.multipart.into_value().map(build_multipart)),
        timeout: raw.timeout.or_default().0,
        redirects: number(&raw.redirects),
        retries: number(&raw.retries),
        status: raw.status.or_default(),
        may_fail: raw.may_fail.or_default(),
        max_body: raw.max_body.or_default().0,
        decode_body: raw.decode.or_default(),
        ca: raw.ca.into_value().map(|path| path.0),
        proxy,
        client_cert: raw
            .cert
            .into_value()
            .zip(raw.key.into_value())
            .map(|(cert, key)| ClientCert { cert: cert.0, key: key.0 }),
        insecure: raw.insecure.or_default(),
        resolve: build_resolve(raw.resolve.into_value().unwrap_or_default().items),
        server_name: raw.server_name.into_value().map(|ServerNameText(name)| name),
        keep_alive: raw.keep_alive.or_default(),
        streams,
        allow_unclean_close: raw.allow_unclean_close.or_default(),
        http2: raw.http2.or_default(),
        load,
        data: None,
        check: raw.check.into_value(),
        captures: build_captures(raw.capture.into_value().unwrap_or_default().items),
        place,
    })
}

fn build_multipart(parts: ListOf<MultipartPart, 1>) -> FetchBody {
    FetchBody::Multipart(parts.0.into_iter().map(|part| part.value).collect())
}

/// The addresses that are replaced, as URLs have them, sorted; the last one of several counts.
fn build_resolve(items: Vec<NamedEntry<HostPortText>>) -> Vec<(String, String)> {
    let pairs = items.into_iter().filter_map(|item| Some((normalized(&item.name), item.value?.value.0)));
    pairs.collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Builds the URL of a fetch, in which captured values may stand after the host.
fn build_deferred_url(
    late: Located<UrlText<true>>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let text = late.value.0;
    let behind_host = |at: usize| at > authority_end(text.reveal());
    if !text.gap_positions().all(behind_host) {
        let is_captured = text.capture_names().all(|name| RequestValue::parse(name).is_none());
        let what =
            if is_captured { "a captured value" } else { "a value that a request gets when it starts" };
        let message = format!("{what} cannot stand in the host of a URL or before it");
        let fault = Diagnostic::error(late.place, message);
        found.add(fault.with_help("it can stand in the path, in the query and after `#`"));
        return None;
    }
    build_url(Located { value: text, place: late.place }, passwords, found)
}

/// The captures of a fetch; wrong ones have been reported, and are left out.
fn build_captures(items: Vec<NamedEntry<RawCapture>>) -> Vec<FetchCapture> {
    let captures = items.into_iter().filter_map(|item| {
        let RawCapture { selector, secret, may_be_empty } = item.value?.value;
        // A value that is hidden at its source is hidden at its target.
        let secret = secret
            || match &selector {
                CaptureSelector::Header(header) | CaptureSelector::HeaderText { header, .. } => {
                    is_sensitive_header(header)
                }
                CaptureSelector::Json(_) | CaptureSelector::Text(_) => false,
            };
        Some(FetchCapture { name: item.name, selector, secret, may_be_empty })
    });
    captures.collect()
}

/// Whether the value of this header is never shown.
pub(super) fn is_sensitive_header(name: &str) -> bool {
    SENSITIVE_HEADERS.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name))
}

/// The headers of a fetch, sorted by name. A server may repeat a credential with its scheme or without, so
/// that both count as passwords.
pub(super) fn build_headers(
    items: Vec<NamedEntry<HeaderValueText>>,
    passwords: &mut Vec<String>,
) -> Vec<(String, ScenarioText)> {
    let mut headers: Vec<(String, ScenarioText)> = Vec::with_capacity(items.len());
    for item in items {
        let Some(Located { value: HeaderValueText(text), .. }) = item.value else { continue };
        if !is_sensitive_header(&item.name) {
            headers.push((item.name, text));
            continue;
        }
        if text.capture_names().next().is_none() {
            let whole = text.reveal();
            passwords.push(whole.to_owned());
            passwords.extend(whole.split_once(' ').map(|(_, credential)| credential.trim().to_owned()));
        }
        headers.push((item.name, text.redacted()));
    }
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers
}
