//! Checks the keys of a fetch that need a value of another key: `streams` and `lines_until`.

use crate::diagnostic::Diagnostic;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{MAX_LOAD_CONNECTIONS, RawFetchJob};
use crate::scenario::model::{Http2Mode, LoadModel, LoadProfile};
use crate::scenario::schema::KeySlot;

/// The requests at a time on each connection of a closed loop.
pub(super) fn build_streams(raw: &RawFetchJob, load: Option<&LoadProfile>, found: &mut Diagnostics) -> u32 {
    let streams = u32::try_from(raw.streams.or_default().0).unwrap_or(1);
    let Some(LoadProfile { model: LoadModel::Closed { connections }, .. }) = load else { return 1 };
    let Some(given) = raw.streams.as_given().filter(|_| streams > 1) else { return streams };
    if raw.http2.or_default() != Http2Mode::Always {
        let message = "a connection carries several requests at a time only in HTTP/2";
        found.add(Diagnostic::error(given.place, message).with_help("add http2 = \"always\""));
    }
    let at_once = u64::from(streams) * u64::from(*connections);
    if at_once > MAX_LOAD_CONNECTIONS.unsigned_abs() {
        let message = format!("these are {at_once} requests at a time, more than {MAX_LOAD_CONNECTIONS}");
        found.add(Diagnostic::error(given.place, message).with_help("use fewer `connections` or `streams`"));
    }
    streams
}

/// Reports a `lines_until` without lines.
pub(super) fn check_lines_until(raw: &RawFetchJob, found: &mut Diagnostics) {
    let is_off = raw.lines.as_given().is_some_and(|lines| !lines.value);
    if let (KeySlot::Given(until), true) = (&raw.lines_until, is_off) {
        let message = "`lines_until` looks at the lines of the answer, which are not read as lines";
        found.add(Diagnostic::error(until.place, message).with_help("write lines = true"));
    }
}

/// Reports a `Content-Type` beside `multipart`, which has one of its own.
pub(super) fn check_multipart(raw: &RawFetchJob, found: &mut Diagnostics) {
    if !raw.multipart.is_present() {
        return;
    }
    let headers = raw.headers.as_given().map_or(&[][..], |headers| &headers.value.items);
    for header in headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-type")) {
        let message = format!("`{}` cannot be given with `multipart`, which has one of its own", header.name);
        found.add(Diagnostic::error(header.place, message).with_help("leave this header out"));
    }
}
