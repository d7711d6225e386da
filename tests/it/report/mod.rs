//! Reports of logged runs: compared byte for byte for the logs in `tests/logs/`, and checked against the
//! logs.

mod failed_programs;
mod github;
mod html;
mod jenkins;
mod outputs;
mod steps;
mod summary;
mod trace;

use crate::common::{Folder, project};

/// Compares a text with `tests/it/report/golden/NAME`. `UPDATE=1` rewrites it.
#[track_caller]
fn compare(name: &str, now: &str) {
    let path = project().join(format!("tests/it/report/golden/{name}"));
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(&path, now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(then == now, "{name} was\n{then}\nand is now\n{now}\nUPDATE=1 writes it anew");
}

/// A folder with a log in it.
fn folder(log: &[u8]) -> Folder {
    let folder = Folder::new();
    folder.file("log.jsonl", log);
    folder
}
