//! Builds the probes of a program: the condition on which it counts as ready, and that on which it is alive. No
//! server is asked here.

use std::path::Path;

use super::url::build_url;
use super::{fetches, headers, program_arguments};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{BoundedU32, RawAlive, RawReady};
use crate::scenario::host_port::parse_host_port;
use crate::scenario::model::{
    HttpProbe, LivenessRule, ProbeTest, ReadinessRule, ReadinessTest, ScenarioText, StatusRule,
};
use crate::scenario::schema::collections::{ListOf, NamedEntry, NamedTable};
use crate::scenario::schema::key_rules::HeaderNameRule;
use crate::scenario::schema::strings::{HeaderValueText, NulFreeText, ProbeHeaderText, ProgramText, UrlText};
use crate::scenario::schema::{KeySlot, Located};
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
    let (timeout, poll) = (raw.timeout.or_default().0, raw.poll.or_default().0);
    let try_timeout = raw.try_timeout.or_default().0;
    let test = match raw.line.into_value() {
        Some(line) => ReadinessTest::Line { regex: line.0, times: at_most_u32(raw.times.or_default()) },
        None => {
            let keys = ProbeKeys {
                tcp: raw.tcp,
                http: raw.http,
                command: raw.command,
                status: raw.status.or_default(),
                headers: raw.headers,
            };
            ReadinessTest::Probe(build_probe(keys, folder, passwords, found)?)
        }
    };
    Some(ReadinessRule { test, timeout, poll, try_timeout })
}

/// Builds the probes of a program that is ready; `None` if they are wrong, which has been reported.
pub(super) fn build_liveness(
    raw: RawAlive,
    folder: &Path,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<LivenessRule> {
    let (every, failures) = (raw.every.or_default().0, at_most_u32(raw.failures.or_default()));
    let try_timeout = raw.try_timeout.or_default().0;
    let keys = ProbeKeys {
        tcp: raw.tcp,
        http: raw.http,
        command: raw.command,
        status: raw.status.or_default(),
        headers: raw.headers,
    };
    Some(LivenessRule { test: build_probe(keys, folder, passwords, found)?, every, failures, try_timeout })
}

fn at_most_u32(number: BoundedU32<1>) -> u32 {
    u32::try_from(number.0).unwrap_or(u32::MAX)
}

/// The keys of a probe in either table.
struct ProbeKeys {
    tcp: KeySlot<ProgramText>,
    http: KeySlot<UrlText<false>>,
    command: KeySlot<ListOf<NulFreeText, 1>>,
    status: StatusRule,
    headers: KeySlot<NamedTable<ProbeHeaderText, HeaderNameRule>>,
}

fn build_probe(
    keys: ProbeKeys,
    folder: &Path,
    passwords: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<ProbeTest> {
    if let Some(address) = keys.tcp.into_given() {
        let address = Located { value: address.value.0, place: address.place };
        return build_tcp_address(address, found).map(ProbeTest::Tcp);
    }
    if let Some(argv) = keys.command.into_given() {
        return program_arguments::build_argv(argv.value, folder, found).map(ProbeTest::Command);
    }
    let Located { value: UrlText(url), place } = keys.http.into_given()?;
    let url = build_instance_url(Located { value: url, place }, passwords, found)?;
    let named = keys.headers.into_value().unwrap_or_default().items;
    headers::report_unsendable(&named, false, found);
    let of_fetch = |item: NamedEntry<ProbeHeaderText>| NamedEntry {
        name: item.name,
        place: item.place,
        value: item.value.map(|Located { value: ProbeHeaderText(text), place }| Located {
            value: HeaderValueText(text),
            place,
        }),
    };
    let headers = fetches::build_headers(named.into_iter().map(of_fetch).collect(), passwords);
    Some(ProbeTest::Http(HttpProbe { url: url_in_folder(url, folder), status: keys.status, headers }))
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
