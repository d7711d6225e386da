//! Gives the scenario of `--against` the ports of a log: a run draws them anew, and the log's requests and programs
//! have those of its own run.

use std::collections::BTreeMap;
use std::path::Path;

use super::read_options;
use crate::cli::args::ReplayArgs;
use crate::cli::scenario_files::DiskFiles;
use crate::io::log_file;
use crate::report::logged_scenario::load_logged_scenario;
use scenario_core::scenario::{LoadExtras, LoadedScenario, load_selected};
use scenario_log::decode::LogRecord;
use scenario_log::event::Event;
use scenario_log::reader::LogReader;

/// The scenario of `--against` with the ports of a log; none if it names no ports, or the log has none.
pub(super) fn with_logged_ports(
    against: &LoadedScenario,
    arguments: &ReplayArgs,
    log: &Path,
) -> Option<LoadedScenario> {
    let own = &against.scenario.ports;
    if own.is_empty() {
        return None;
    }
    let logged = read_logged_ports(log)?;
    let port = |name: &str| Ok(logged.get(name).or(own.get(name)).copied().unwrap_or_default());
    let extras = LoadExtras { ports: Some(&port), ..LoadExtras::default() };
    // It has been loaded before, so its diagnostics are known.
    load_selected(arguments.against.as_deref()?, &DiskFiles, &read_options(arguments), &extras).ok()
}

/// The ports of the scenario in a log; none if the log cannot be read twice.
fn read_logged_ports(log: &Path) -> Option<BTreeMap<String, u16>> {
    if log == Path::new("-") {
        return None;
    }
    let mut reader = LogReader::new(log_file::open_log(log).ok()?);
    let record = LogRecord::decode(reader.peek().ok()??.bytes).ok()?;
    let Event::RunStarted { scenario, .. } = record.event().ok()?? else { return None };
    Some(load_logged_scenario(scenario)?.ports)
}
