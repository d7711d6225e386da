//! The unexpected end of a program that the run needs, on the screen and in the report.

use rustix::process::{Pid, Signal, kill_process};

use super::hold::{stack, start, type_line};
use crate::common::{Folder, Log};

#[test]
fn a_service_that_is_killed_from_outside_stands_out() {
    let folder = Folder::new();
    let mut run =
        start(&folder, &stack().replace("echo api is up; exec", "echo listening >&2; echo api is up; exec"));
    run.until("started api (process ");
    let line = run.shown.last().unwrap();
    let pid = line.rsplit_once("process ").unwrap().1.trim_end_matches(')').parse().unwrap();
    run.until("ps#3    ready");
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    run.until("UNEXPECTED: ended api with signal KILL; 2 still run");
    run.until("ps#2    its last lines:");
    run.until("ps#2    ! listening");
    run.until("ps#2    | api is up");
    type_line(&mut run, "quit");
    let (code, _) = run.end();
    assert_eq!(code, Some(1));
    let log = Log::read(&folder.path().join("log.jsonl"));
    assert_eq!(log.last()["reason"], "ps#2 (api) ended with signal KILL");

    let report = folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    let at = report.find("ps#2 (api) ended with signal KILL").unwrap_or_else(|| panic!("{report}"));
    assert!(report[at..].contains("! listening"), "{report}");
}

#[test]
fn an_end_that_others_waited_for_has_its_last_lines_and_another_has_not() {
    let folder = Folder::new();
    let text = |after: &str| {
        format!(
            "tick = \"0s\"\n[presets.job]\ncommand = [\"sh\", \"-c\", \"echo working; exit 3\"]\n[[timeline]]\nid = \"job\"\nspawn = \"job\"\n{after}"
        )
    };
    let (ended, _) = folder.run(&text("[[timeline]]\nafter = \"job.finished\"\nmark = \"x\"\n"), &[]);
    let said = ended.expect(1).stderr;
    assert!(said.contains("UNEXPECTED: ended job with code 3") && said.contains("its last lines:"), "{said}");
    let (ended, _) = folder.run(&text(""), &[]);
    let said = ended.expect(1).stderr;
    assert!(said.contains("ps#1    ended job with code 3") && !said.contains("last lines"), "{said}");
}
