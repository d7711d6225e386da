//! The reports beside the summary: test cases, a table.

use rustix::process::Signal;

use crate::common::logs::{lines, log, logs, with_sum};
use crate::common::{Folder, kill, works};
use crate::report::{compare, folder};

#[test]
fn test_cases_to_the_letter() {
    for name in ["exits", "fetches", "interrupted", "cut_short", "names", "expected"] {
        let folder = folder(&log(name));
        let ended = folder.scenario(&["report", "--allow-incomplete", "--junit", "j.xml", "log.jsonl"]).end();
        let summary = ended.expect(0).stdout;
        assert!(summary.contains(" after "), "the summary is shown too: {summary}");
        let xml = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
        compare(&format!("{name}.xml"), &xml);
        let on_stdout =
            folder.scenario(&["report", "--allow-incomplete", "--junit", "-", "log.jsonl"]).end().expect(0);
        assert_eq!(on_stdout.stdout, xml);
    }
}

#[test]
fn a_run_writes_the_cases_that_a_report_of_its_log_has() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo one; echo two; exit 3\"]\n[[timeline]]\nspawn = \"p\"\ncount = 3\n",
    );
    let run = ["run", "s.toml", "--log", "log.jsonl", "--junit", "j.xml", "--quiet"];
    folder.scenario(&run).end().expect(1);
    let xml = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    assert!(xml.contains("failures=\"4\""), "{xml}");
    let ended = folder.scenario(&["report", "--junit", "-", "log.jsonl"]).end().expect(0);
    assert_eq!(ended.stdout, xml);
}

#[test]
fn the_cases_are_written_whatever_the_end() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"sleep\", \"30\"]\n[[timeline]]\nspawn = \"p\"\n");
    let xml = || std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--junit", "j.xml"]).watch();
    run.until("started p");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    assert!(xml().contains("<error message=\"signal INT\" type=\"interrupted\">"), "{}", xml());

    let full = ["run", "s.toml", "--log", "/dev/full", "--junit", "j.xml", "--quiet"];
    folder.scenario(&full).end().expect(4);
    assert!(xml().contains("<error message=\"the log ends before its first line: No space"), "{}", xml());
    folder.file("s.toml", "[[timeline]]\nmark = \"x\"\n");
    let full = ["run", "s.toml", "--log", "m.jsonl", "--junit", "/dev/full", "--quiet"];
    let ended = folder.scenario(&full).end().expect(4);
    assert!(ended.stderr.contains("cannot write the `--junit`: No space left"), "{}", ended.stderr);
}

#[test]
fn many_spawns_share_a_case() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"x\", moves = 1, every = \"1ms\" }]\n[[timeline]]\nid = \"wave\"\nspawn = \"p\"\ncount = 1000\n",
    );
    let run = ["run", "--clock", "virtual", "--log", "l.jsonl", "--junit", "-", "--quiet", "s.toml"];
    let xml = folder.scenario(&run).end().expect(0).stdout;
    assert!(xml.contains("tests=\"52\""), "{xml}");
    assert!(xml.contains("<testcase name=\"wave (51 and later)\""), "{xml}");
    assert!(xml.contains("950 in all, 0 not as expected"), "{xml}");
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_anything_starts() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"touch\", \"started\"]\n[[timeline]]\nspawn = \"p\"\n");
    for (options, exit, said) in [
        (&["--junit", "no/j.xml"][..], 4, "there is no folder no; `mkdir -p no` makes it"),
        (&["--junit", "."], 4, "it is a folder; name a file in it with `--junit FILE`"),
        (&["--junit", "s.toml"], 4, "s.toml is the scenario; name another file with `--junit FILE`"),
        (&["--junit", "x", "--log", "x"], 4, "x is the log; name another file with `--junit FILE`"),
        (&["--junit", "-", "--log", "-"], 2, "standard output cannot be the `--log` and the `--junit`"),
    ] {
        let ended = folder.scenario(&[&["run", "s.toml"], options].concat()).end().expect(exit);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(!folder.path().join("started").exists() && !folder.path().join("runs").exists());
    }
    folder.file("log.jsonl", log("empty"));
    for (options, exit, said) in [
        (&["--csv", "log.jsonl"][..], 4, "log.jsonl is the log; name another file with `--csv FILE`"),
        (&["--csv", "x", "--junit", "x"], 4, "x is --junit; name another file with `--csv FILE`"),
        (&["--csv", "-", "--trace", "-"], 2, "standard output can take one report: one `-`"),
        (&["--csv", "no/x"], 4, "there is no folder no"),
    ] {
        let ended = folder.scenario(&[&["report", "log.jsonl"], options].concat()).end().expect(exit);
        assert!(ended.stderr.contains(said) && ended.stdout.is_empty(), "{ended:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("log.jsonl")).unwrap(), log("empty"));
}

#[test]
fn a_table_has_a_row_for_each_event() {
    for (name, bytes) in logs() {
        let folder = folder(&bytes);
        let arguments = ["report", "--allow-incomplete", "--csv", "-", "log.jsonl"];
        let table = folder.scenario(&arguments).end().expect(0).stdout;
        let rows: Vec<&str> = table.split_terminator("\r\n").collect();
        let whole = lines(&bytes).into_iter().filter(|line| line.ends_with(b"}\n")).count();
        assert_eq!(rows.len(), whole + 1, "{name}");
        assert!(rows[0].starts_with("seq,t,event,due,source,entry,"), "{}", rows[0]);
        assert!(rows[1].starts_with("0,0.000000000,run.started,,,,"), "{}", rows[1]);
    }
    let table = folder(&log("exits")).scenario(&["report", "--csv", "-", "log.jsonl"]).end().expect(0).stdout;
    let rows: Vec<Vec<&str>> = table.split("\r\n").map(|row| row.split(',').collect()).collect();
    let cell = |row: usize, column: &str| rows[row][rows[0].iter().position(|name| *name == column).unwrap()];
    let first = ["seq", "t", "event", "source", "entry", "preset", "ok"].map(|column| cell(2, column));
    assert_eq!(first, ["1", "0.000342205", "spawn.started", "ps#1", "three", "three", ""]);
    assert_eq!(
        ["event", "code", "ok", "signal"].map(|column| cell(3, column)),
        ["spawn.exited", "3", "true", ""]
    );
}

/// Text that would act on a terminal, an XML reader, a spreadsheet or the log of a CI service.
const HOSTILE: &str = r"=HYPERLINK(1)\u001b]52;c;aGk=\u0007\u202e]]></failure><script>\uffff\ufffe\n::error::owned\r\n##[error]owned";

#[test]
fn texts_of_a_log_do_not_act() {
    let hostile = |name: &str, from: &str| {
        let text = String::from_utf8(log(name)).unwrap();
        assert!(text.contains(from), "{from}");
        let key = from.split_once(':').unwrap().0;
        with_sum(&lines(text.replace(from, &format!("{key}:\"{HOSTILE}\"")).as_bytes()))
    };
    for bytes in [
        hostile("exits", r#""error":"there is no program `no-such-program-anywhere` in any folder of PATH""#),
        hostile("exits", r#""reason":"ps#4 (seven) ended with code 7""#),
        hostile("exits", r#""name":"exits""#),
    ] {
        let folder = folder(&bytes);
        for option in ["--junit", "--csv", "--trace"] {
            let shown = folder.scenario(&["report", option, "-", "log.jsonl"]).end().expect(0).stdout;
            let acts = |c: char| !"\r\n".contains(c) && scenario_log::sanitize::is_unsafe_char(c);
            assert!(!shown.contains(acts), "{option}: {shown:?}");
            assert!(!shown.contains("##["), "{option}: {shown}");
            assert!(option != "--junit" || !shown.contains("]]></failure>"), "{shown}");
            for line in shown.lines() {
                assert!(!line.trim_start().starts_with("::"), "{option}: {line}");
                assert!(!line.split(',').any(|cell| cell.trim_matches('"').starts_with('=')), "{line}");
            }
        }
        if works("python3", &["-c", "0"]) {
            let read = "import sys, xml.dom.minidom as m, csv; m.parse('j.xml'); print(sum(1 for _ in csv.reader(open('c.csv', newline=''))))";
            folder.scenario(&["report", "--junit", "j.xml", "--csv", "c.csv", "log.jsonl"]).end().expect(0);
            let mut python = std::process::Command::new("python3");
            let read = python.args(["-c", read]).current_dir(folder.path()).output().unwrap();
            let said = String::from_utf8_lossy(&read.stderr);
            assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "16", "{said}");
        }
    }
}
