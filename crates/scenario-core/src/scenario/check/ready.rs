//! Builds the condition on which a program counts as ready. No server is asked here.

use std::path::Path;

use super::url::build_url;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::RawReady;
use crate::scenario::host_port::parse_host_port;
use crate::scenario::model::{ReadinessRule, ReadinessTest, ScenarioText};
use crate::scenario::schema::Located;
use crate::scenario::schema::strings::UrlText;
use crate::scenario::unix_socket::url_in_folder;
use scenario_log::event::REDACTED;

/// Builds the condition; `None` if it is missing or wrong, which has been reported. `passwords` receives
/// the password of its URL. `folder` is that of the file.
pub(super) fn build_readiness(
    raw: RawReady,
    folder: &Path,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ReadinessRule> {
    let by = if let Some(line) = raw.line.into_value() {
        ReadinessTest::Line(line.0)
    } else if let Some(address) = raw.tcp.into_given() {
        ReadinessTest::Tcp(build_tcp_address(
            Located { value: address.value.0, place: address.place },
            found,
        )?)
    } else {
        let Located { value: UrlText(url), place } = raw.http.into_given()?;
        let url = build_instance_url(Located { value: url, place }, passwords, found)?;
        ReadinessTest::Http(url_in_folder(url, folder))
    };
    Some(ReadinessRule { test: by, timeout: raw.timeout.or_default().0, poll: raw.poll.or_default().0 })
}

/// Checks a URL with a number in the place of `${instance}`, which may stand in its port.
fn build_instance_url(
    url: Located<ScenarioText>,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ScenarioText> {
    let Located { value: url, place } = url;
    let first = Located { value: url.for_instance(1), place };
    let built = build_url(first, passwords, found)?;
    let has_number = url.capture_names().next().is_some();
    Some(match has_number {
        false => built,
        // Its password has no fixed place in what is shown.
        true if built.is_secret() && !url.is_secret() => url.redacted(),
        true => url,
    })
}

/// Checks an address `host:port`.
fn build_tcp_address(address: Located<ScenarioText>, found: &mut Diagnostics) -> Option<ScenarioText> {
    let Located { value: address, place } = address;
    // In a scenario from a log, any text may have stood where a secret was.
    if address.reveal().contains(REDACTED) {
        return Some(address);
    }
    match parse_host_port(address.for_instance(1).reveal()) {
        Ok(_) => Some(address),
        Err(fault) => {
            let message = format!("{} cannot be connected to: {fault}", quoted(address.display_text()));
            found.add(
                Diagnostic::error(place, message)
                    .with_help("for example \"127.0.0.1:5432\" or \"[::1]:5432\""),
            );
            None
        }
    }
}
