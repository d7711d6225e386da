//! `--watch`: runs or checks again when a file changes.

use rustix::process::Signal;

use crate::commands::guard::{assert_all_gone, marked};
use crate::common::{Folder, Log, kill};

/// Saves a file as editors do: writes it beside, and renames it.
fn save(folder: &Folder, name: &str, text: &str) {
    let beside = folder.file(&format!("{name}~"), text);
    std::fs::rename(beside, folder.path().join(name)).unwrap();
}

const SCENARIO: &str = "include = ['part.toml']\n[[timeline]]\nspawn = 'p'\n";

fn says(word: &str, then: &str) -> String {
    format!("[presets.p]\ncommand = ['sh', '-c', 'echo {word}; {then}']\n")
}

#[test]
fn a_run_starts_again_when_one_of_its_files_changes() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    folder.file("part.toml", says("one", "exec sleep 600"));
    let mut run = folder.scenario(&["run", "--watch", "s.toml"]).watch();
    run.until("| one");
    // The run ends in order, as by Ctrl-C.
    save(&folder, "part.toml", &says("two", "exec sleep 600"));
    run.until("run     interrupted: signal INT");
    run.until("| two");
    folder.file("part.toml", "[presets.p\n");
    run.until("run     interrupted: signal INT");
    run.until("error: this `[` is never closed");
    // A file that could not even be read is waited for too.
    save(&folder, "s.toml", "include = ['new.toml']\n[[timeline]]\nspawn = 'p'\n");
    run.until("error: cannot read `new.toml`");
    run.until("waits for a change");
    folder.file("new.toml", says("three", "exit 0"));
    run.until("| three");
    run.until("run     passed");
    run.until("waits for a change");
    std::fs::remove_file(folder.path().join("s.toml")).unwrap();
    run.until("error: cannot read `s.toml`");
    folder.file("s.toml", "[[timeline]]\nmark = 'four'\n");
    run.until("mark    four");
    run.until("waits for a change");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    // There is a log for each run, each with its last line.
    let logs: Vec<_> = std::fs::read_dir(folder.path().join("runs")).unwrap().flatten().collect();
    let logs: Vec<_> = logs.into_iter().filter(|log| log.file_name() != ".gitignore").collect();
    assert_eq!(logs.len(), 4);
    for log in logs {
        assert_eq!(Log::read(&log.path()).last()["event"], "run.finished");
    }
}

#[test]
fn a_signal_ends_the_run_and_the_watch() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = Folder::new();
        folder.file("s.toml", SCENARIO);
        folder.file("part.toml", says("one", "exec sleep 600"));
        let mut run = marked(&folder, &["--watch", "--force"]).watch();
        run.until("| one");
        kill(&run.child, signal);
        let (code, shown) = run.end();
        assert_eq!(code, Some(128 + signal.as_raw()));
        assert!(!shown.iter().any(|line| line.contains("waits for a change")), "{shown:#?}");
        assert_eq!(Log::read(&folder.path().join("l.jsonl")).last()["outcome"], "interrupted");
        assert_all_gone(&folder);
    }
}

#[test]
fn no_process_is_left_when_the_watcher_is_killed() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    folder.file("part.toml", says("one", "exec sleep 600"));
    let mut run = marked(&folder, &["--watch", "--force"]).watch();
    run.until("| one");
    kill(&run.child, Signal::KILL);
    assert_eq!(run.end().0, Some(137));
    assert_all_gone(&folder);
}

#[test]
fn a_change_ends_a_run_in_virtual_time_too() {
    let folder = Folder::new();
    let endless = "[presets.p]\nplayers = [{ name = 'x', moves = 1000000000, every = '1ns..1s' }]\n\
         [[timeline]]\nmark = 'up'\n[[timeline]]\nspawn = 'p'\n";
    folder.file("s.toml", endless);
    let arguments = ["run", "--watch", "--clock", "virtual", "--log", "/dev/null", "--force", "s.toml"];
    let mut run = folder.scenario(&arguments).watch();
    run.until("mark    up");
    save(&folder, "s.toml", "[[timeline]]\nmark = 'two'\n");
    run.until("interrupted: signal INT");
    run.until("mark    two");
    run.until("waits for a change");
    kill(&run.child, Signal::TERM);
    assert_eq!(run.end().0, Some(143));
}

#[test]
fn files_are_checked_again_when_they_change() {
    let folder = Folder::new();
    folder.file("a.toml", "[[timeline]]\nmark = 'a'\n");
    folder.file("s.toml", SCENARIO);
    folder.file("part.toml", says("one", "exit 0"));
    let mut run = folder.scenario(&["check", "--watch", "a.toml", "s.toml"]).watch();
    run.until("a.toml: valid");
    run.until("s.toml: valid");
    run.until("waits for a change");
    save(&folder, "part.toml", "[presets.q]\ncommand = ['true']\n");
    run.until("error: there is no preset `p`");
    run.until("waits for a change");
    save(&folder, "part.toml", &says("two", "exit 0"));
    run.until("s.toml: valid");
    run.until("waits for a change");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
}

#[test]
fn inputs_that_cannot_be_read_again_are_refused() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nmark = 'a'\n");
    for (arguments, said) in [
        (&["run", "-"][..], "`--watch` is for files"),
        (&["check", "s.toml", "-"], "`--watch` is for files"),
        (&["run", "s.toml", "--input", "-"], "`--watch` is for files"),
        (&["run", "s.toml", "--log", "-"], "`--watch` makes many logs"),
        (&["run", "s.toml", "--junit", "-"], "`--watch` makes many reports"),
        (&["run", "s.toml", "--log", "l.jsonl"], "add `--force`"),
    ] {
        let ended = folder.scenario(&[arguments, &["--watch"]].concat()).end().expect(2);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}
