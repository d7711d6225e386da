//! The fixed ports of pages: two pages with the same port take turns, also with those of another run of the tests.

use std::collections::BTreeSet;
use std::fs::File;

use crate::common::project;

/// The ports that a page names, with those of the scenarios that it names.
pub(crate) fn ports(page: &str) -> BTreeSet<u16> {
    let mut ports = named_ports(page);
    for rest in page.split("scenarios/").skip(1) {
        let Some((name, _)) = rest.split_once(".toml") else { continue };
        let file = project().join("scenarios").join(format!("{name}.toml"));
        ports.extend(named_ports(&std::fs::read_to_string(file).unwrap_or_default()));
    }
    ports
}

/// The ports that a text names as `HOST:PORT` or as `port = PORT`.
fn named_ports(text: &str) -> BTreeSet<u16> {
    [":", "port = ", "port="]
        .iter()
        .flat_map(|before| text.split(before).skip(1))
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .filter(|port| *port >= 1024)
        .collect()
}

/// Waits until nobody else uses one of the ports of a page, and keeps them until the locks are dropped.
pub(crate) fn take_turns(page: &str) -> Vec<File> {
    let lock = |port: u16| {
        let file = File::create(std::env::temp_dir().join(format!("scenario-port-{port}.lock"))).unwrap();
        file.lock().unwrap();
        file
    };
    // In order, so that no two pages wait for each other.
    ports(page).into_iter().map(lock).collect()
}
