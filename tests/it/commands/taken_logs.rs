//! Logs that somebody deletes, moves or changes while they are written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{Folder, Log, Watched};

/// Runs until there is a file `go`.
const UNTIL_GO: &str = "tick = \"20ms\"\n[presets.p]\n\
     command = [\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.01; done\"]\n[[timeline]]\nspawn = \"p\"\n";

/// The same, after so much output that no memory keeps it.
const MUCH_UNTIL_GO: &str = "[presets.p]\n\
     command = [\"sh\", \"-c\", \"yes 123456789 | head -n 80000; echo done; until [ -e go ]; do sleep 0.01; done\"]\n\
     [[timeline]]\nspawn = \"p\"\n";

/// Waits until a file has this in it.
fn wait_for(path: &Path, text: &str) {
    while !std::fs::read(path).is_ok_and(|bytes| memchr::memmem::find(&bytes, text.as_bytes()).is_some()) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct TakenRun {
    folder: Folder,
    run: Watched,
    log: PathBuf,
}

/// Starts a run whose log is `logs/l.jsonl`, and waits until the log has this in it.
fn start(scenario: &str, options: &[&str], text: &str) -> TakenRun {
    let folder = Folder::new();
    folder.file("s.toml", scenario);
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    let log = folder.path().join("logs/l.jsonl");
    let arguments = [&["run", "s.toml", "--log", "logs/l.jsonl"], options].concat();
    let run = folder.scenario(&arguments).watch();
    wait_for(&log, text);
    TakenRun { folder, run, log }
}

impl TakenRun {
    /// Lets the run end; gives its exit code, and what it showed.
    fn end(self) -> (Folder, Option<i32>, String) {
        self.folder.file("go", "");
        let (code, shown) = self.run.end();
        (self.folder, code, shown.join("\n"))
    }
}

/// The log beside is whole and replays.
fn check_whole(folder: &Folder, log: &str) {
    let replayed = folder.scenario(&["replay", log]).end().expect(0);
    assert!(replayed.stderr.starts_with("same"), "{replayed:?}");
}

#[test]
fn a_log_that_is_taken_away_is_told_at_once_and_written_anew() {
    type Take = fn(&Path);
    let takes: [(&str, Take); 6] = [
        ("deleted the log", |log| std::fs::remove_file(log).unwrap()),
        ("moved the log", |log| std::fs::rename(log, log.with_file_name("other")).unwrap()),
        ("truncated the log", |log| std::fs::write(log, "").unwrap()),
        ("truncated the log", |log| {
            std::fs::File::options().write(true).open(log).unwrap().set_len(99).unwrap()
        }),
        ("written to the log", |log| {
            use std::io::Write;
            std::fs::File::options().append(true).open(log).unwrap().write_all(b"hello\n").unwrap();
        }),
        ("deleted the log", |log| std::fs::remove_dir_all(log.parent().unwrap()).unwrap()),
    ];
    for options in [&[][..], &["--quiet"]] {
        for (what, take) in takes {
            let mut taken = start(UNTIL_GO, options, "\"n\":2}");
            take(&taken.log);
            taken.run.until("warning: somebody ");
            let (folder, code, shown) = taken.end();
            assert_eq!(code, Some(4), "{what}: {shown}");
            let said = format!("{what} (logs/l.jsonl) in the run; the whole log is logs/l-2.jsonl");
            assert!(shown.lines().last().unwrap().ends_with(&said), "{what}: {shown}");
            check_whole(&folder, "logs/l-2.jsonl");
        }
    }
}

#[test]
fn a_large_log_is_written_anew_from_the_file_that_was_deleted() {
    let mut taken = start(MUCH_UNTIL_GO, &[], "\"done\"");
    assert!(std::fs::metadata(&taken.log).unwrap().len() > 4 << 20);
    std::fs::remove_file(&taken.log).unwrap();
    taken.run.until("it is written anew as logs/l-2.jsonl");
    let (folder, code, shown) = taken.end();
    assert_eq!(code, Some(4), "{shown}");
    check_whole(&folder, "logs/l-2.jsonl");
    let log = Log::read(&folder.path().join("logs/l-2.jsonl"));
    assert_eq!(log.of("line").len(), 80_001);
}

#[test]
fn a_large_log_that_is_truncated_stops_the_run() {
    let mut taken = start(MUCH_UNTIL_GO, &[], "\"done\"");
    std::fs::write(&taken.log, "").unwrap();
    taken.run.until("it cannot be written anew: what it had is not there any more");
    // There is no file `go`: the run is stopped.
    let (code, shown) = taken.run.end();
    assert_eq!(code, Some(4), "{shown:?}");
    assert!(shown.last().unwrap().ends_with("; the run was stopped"), "{shown:?}");
    assert!(!taken.log.with_file_name("l-2.jsonl").exists(), "half a log is no log");
}

#[test]
fn a_log_without_a_name_from_the_start_is_not_lost() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nmark = \"x\"\n");
    let path = folder.file("out", "");
    let out = std::fs::File::options().write(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let mut run = folder.scenario(&["run", "-q", "s.toml", "--log", "-"]);
    assert_eq!(run.command.stdout(out).status().unwrap().code(), Some(0));
}
