//! `ready`: when a program counts as ready, from the keys of the file. Asks no server.

use super::fetches;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::endpoint::host_and_port;
use crate::scenario::file::RawReady;
use crate::scenario::findings::Findings;
use crate::scenario::model::{Ready, ReadyBy, Text};
use crate::scenario::schema::Sp;
use scenario_log::event::REDACTED;
use scenario_log::time::Span;

/// When a program is ready; `None` if that has been asked for already. `passwords` gets those of its
/// URL.
pub(super) fn ready(raw: RawReady, passwords: &mut Vec<String>, found: &mut Findings) -> Option<Ready> {
    let by = if let Some(line) = raw.line.value() {
        ReadyBy::Line(line.0)
    } else if let Some(address) = raw.tcp.given() {
        ReadyBy::Tcp(tcp(address, found)?)
    } else {
        ReadyBy::Http(fetches::url(raw.http.given()?, passwords, found)?)
    };
    Some(Ready {
        by,
        timeout: raw.timeout.value().map_or(Span::from_secs(30), |timeout| timeout.0),
        poll: raw.poll.value().map_or(Span::from_millis(100), |poll| poll.0),
    })
}

/// A `host:port` that can be connected to.
fn tcp(address: Sp<Text>, found: &mut Findings) -> Option<Text> {
    let Sp { value: address, place } = address;
    // In a scenario out of a log anything may have stood where a secret was.
    if address.reveal().contains(REDACTED) {
        return Some(address);
    }
    match host_and_port(address.reveal()) {
        Ok(_) => Some(address),
        Err(fault) => {
            let message = format!("{} cannot be connected to: {fault}", quoted(address.shown()));
            found.add(
                Diagnostic::error(place, message).help("for example \"127.0.0.1:5432\" or \"[::1]:5432\""),
            );
            None
        }
    }
}
