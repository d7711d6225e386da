//! The file of the program is replaced while it runs, as an upgrade does.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Folder, Log, SCENARIO, kill};
use rustix::process::Signal;

/// Replaces the program by one that does nothing but fail.
fn replace(folder: &Folder) {
    let other = folder.file("other", "#!/bin/sh\nexit 99\n");
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(other, folder.path().join("copy")).unwrap();
}

fn copy(folder: &Folder, arguments: &[&str]) -> Command {
    let path = folder.path().join("copy");
    // Not by this process: another test's fork could hold the new file open to write, so that it cannot run.
    assert!(Command::new("cp").args([SCENARIO.as_ref(), path.as_os_str()]).status().unwrap().success());
    let mut command = Command::new(path);
    command.current_dir(folder.path()).args(arguments).stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn players_in_a_process_and_programs_on_a_terminal_start_after_an_upgrade() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.wait]\ncommand = [\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.01; done\"]\n\
         [presets.q]\nplayers = [{ name = \"q\", moves = 2, every = \"1ms\" }]\nisolation = \"process\"\n\
         [presets.tty]\ncommand = [\"tty\", \"-s\"]\npty = true\n\
         [[timeline]]\nid = \"wait\"\nspawn = \"wait\"\n\
         [[timeline]]\nafter = \"wait.finished\"\nspawn = \"q\"\n\
         [[timeline]]\nafter = \"wait.finished\"\nspawn = \"tty\"\n",
    );
    let child = copy(&folder, &["run", "s.toml", "--log", "l.jsonl"]).spawn().unwrap();
    wait_until(|| !Log::read_torn(&folder.path().join("l.jsonl")).of("spawn.started").is_empty());
    replace(&folder);
    folder.file("go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(Log::read(&folder.path().join("l.jsonl")).of("move").len(), 2);
}

#[test]
fn a_watch_goes_on_after_an_upgrade() {
    let folder = Folder::new();
    let scenario = "[presets.p]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"p\"\n";
    folder.file("s.toml", format!("name = \"first\"\n{scenario}"));
    let mut child =
        copy(&folder, &["run", "s.toml", "--watch", "--force", "-q", "--log", "l.jsonl"]).spawn().unwrap();
    let has_run = |name: &str| {
        let log = Log::read_torn(&folder.path().join("l.jsonl"));
        log.events.first().is_some_and(|first| first["name"] == name)
            && log.events.last().is_some_and(|last| last["outcome"] == "passed")
    };
    wait_until(|| has_run("first"));
    replace(&folder);
    folder.file("s.toml", format!("name = \"second\"\n{scenario}"));
    wait_until(|| has_run("second") || child.try_wait().unwrap().is_some());
    assert!(has_run("second"));
    kill(&child, Signal::TERM);
    // It may end by the signal, or with the run that was just ending.
    child.wait().unwrap();
}
