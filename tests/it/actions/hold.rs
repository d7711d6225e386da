//! `hold`: a run that goes on until a person or its limit ends it, and has passed then.

use std::io::Write as _;

use rustix::process::Signal;

use super::{assert_replays, service};
use crate::common::{Folder, Log, Watched, kill};

/// A stack of three services, each of which waits for the one before.
pub(super) fn stack() -> String {
    format!(
        "name = \"stack\"\nhold = true\ntick = \"0s\"\n{}{}{}\
         [[timeline]]\nspawn = \"db\"\n[[timeline]]\nafter = \"db.ready\"\nspawn = \"api\"\n\
         [[timeline]]\nafter = \"api.ready\"\nspawn = \"web\"\n",
        service("db"),
        service("api"),
        service("web")
    )
}

/// Starts a run that reads typed lines from its standard input.
pub(crate) fn start(folder: &Folder, text: &str) -> Watched {
    folder.file("s.toml", text);
    folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--input", "-"]).watch()
}

pub(crate) fn type_line(run: &mut Watched, line: &str) {
    writeln!(run.child.stdin.as_ref().unwrap(), "{line}").unwrap();
}

fn read(folder: &Folder) -> Log {
    assert_replays(folder, "log.jsonl");
    Log::read(&folder.path().join("log.jsonl"))
}

#[test]
fn a_stack_is_restarted_by_name_and_left_by_ctrl_c() {
    let folder = Folder::new();
    let mut run = start(&folder, &stack());
    run.until("ps#3    ready");
    for (nth, name) in ["api", "db", "web", "api", "api"].into_iter().enumerate() {
        type_line(&mut run, &format!("restart {name}"));
        run.until(&format!("ps#{}    ready", nth + 4));
    }
    kill(&run.child, Signal::INT);
    let (code, shown) = run.end();
    assert_eq!(code, Some(130), "{shown:?}");
    assert!(shown.iter().any(|line| line.contains("run     passed")), "{shown:?}");
    let log = read(&folder);
    assert_eq!((&log.last()["outcome"], &log.last()["spawned"]), (&"passed".into(), &8.into()));
    let replaced: Vec<&str> =
        log.of("spawn.restarted").iter().filter_map(|event| event["replaces"].as_str()).collect();
    assert_eq!(replaced, ["ps#2", "ps#1", "ps#3", "ps#4", "ps#7"]);
    // Each has ended before the one that it waited for is asked to end.
    let end = log.events.iter().position(|event| event["signal"] == "INT").unwrap();
    let told = log.events[end + 1..].iter().filter(|event| event["source"].is_string());
    let told: Vec<String> = told.map(|event| format!("{} {}", event["event"], event["source"])).collect();
    let both = |source| [format!("\"stopping\" \"{source}\""), format!("\"spawn.exited\" \"{source}\"")];
    assert_eq!(told, [both("ps#6"), both("ps#8"), both("ps#5")].concat());
}

#[test]
fn quit_ends_it_as_passed_and_an_unexpected_exit_as_failed() {
    let folder = Folder::new();
    let mut run = start(&folder, &stack());
    run.until("ps#3    ready");
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_eq!(read(&folder).last()["outcome"], "passed");

    let folder = Folder::new();
    let mut run =
        start(&folder, &stack().replace("echo web is up; exec sleep 600", "echo web is up; exit 7"));
    run.until("ended web with code 7");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let log = read(&folder);
    assert_eq!(
        (&log.last()["outcome"], &log.last()["reason"]),
        (&"failed".into(), &"ps#3 (web) ended with code 7".into())
    );
}

#[test]
fn its_time_limit_ends_it_as_passed() {
    let folder = Folder::new();
    let text =
        format!("time_limit = \"300ms\"\nhold = true\n{}[[timeline]]\nspawn = \"db\"\n", service("db"));
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_replays(&folder, "log.jsonl");
    assert_eq!(log.last()["outcome"], "passed");
}

#[test]
fn a_run_of_nothing_but_background_programs_is_a_warning() {
    let folder = Folder::new();
    let check = |text: &str| {
        folder.file("s.toml", text);
        folder.scenario(&["check", "s.toml"]).end().expect(0).stderr
    };
    let only = stack().replace("hold = true\n", "");
    let said = check(&only);
    assert!(said.contains("all programs that are started run in the background"), "{said}");
    assert!(said.contains("`hold = true` at the top of the file"), "{said}");
    for quiet in [
        stack(),
        format!("{only}[[timeline]]\nat = \"1m\"\nmark = \"x\"\n"),
        format!("{only}[presets.tests]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"tests\"\n"),
    ] {
        assert_eq!(check(&quiet).lines().filter(|line| line.starts_with("warning")).count(), 0, "{quiet}");
    }
    let said = check(&format!(
        "{only}[[timeline]]\nafter = \"web.ready\"\nsignal = {{ to = \"web\", name = \"HUP\" }}\n"
    ));
    assert!(said.contains("in the background"), "a signal takes no time: {said}");
}
