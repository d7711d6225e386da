//! How the logged run went, and logs in which nothing was logged.

use crate::common::Folder;

#[test]
fn a_failed_run_is_the_same_but_not_passed() {
    let folder = Folder::new();
    let run = |name: &str, expected: &str, code: i32| {
        folder.file("s.toml", format!("[[timeline]]\nmark = \"x\"\n{expected}"));
        let log = format!("{name}.jsonl");
        folder.scenario(&["run", "-q", "s.toml", "--clock", "virtual", "--log", &log]).end().expect(code);
    };
    run("good", "", 0);
    run("bad", "[[expect]]\nof = \"mark\"\nequals = 7\n", 1);
    let replay = |arguments: &[&str], code: i32| {
        folder.scenario(&[&["replay"], arguments].concat()).end().expect(code)
    };
    let why = "failed after 0 s (expectation `mark: exactly 7` is missed: wanted exactly 7, got 1)";
    let same = replay(&["bad.jsonl"], 0).stderr;
    assert!(same.starts_with("same ") && same.contains(why), "{same}");
    let failed = replay(&["--passed", "good.jsonl", "bad.jsonl"], 1).stderr;
    assert!(failed.starts_with("same       good.jsonl: ") && failed.contains("passed after 0 s"), "{failed}");
    assert!(
        failed.contains("failed     bad.jsonl: ") && failed.contains("wanted to have passed"),
        "{failed}"
    );
    replay(&["--passed", "good.jsonl"], 0);
    let json = replay(&["--passed", "--format", "json", "bad.jsonl"], 1).stdout;
    assert!(
        json.contains("\"outcome\":\"failed\",\"reason\":\"expectation `mark: exactly 7` is missed"),
        "{json}"
    );
    let junit = replay(&["--passed", "--format", "junit", "bad.jsonl"], 1).stdout;
    assert!(junit.contains("failures=\"1\"") && junit.contains("type=\"not passed\""), "{junit}");
    // Of a log that was cut short nobody knows whether its run passed.
    let log = std::fs::read(folder.path().join("good.jsonl")).unwrap();
    folder.file("cut.jsonl", &log[..log.len() - 20]);
    replay(&["--allow-incomplete", "cut.jsonl"], 0);
    replay(&["--allow-incomplete", "--passed", "cut.jsonl"], 1);
    replay(&["--passed", "cut.jsonl"], 5);
}

#[test]
fn a_log_in_which_nothing_was_logged_is_never_as_expected() {
    let folder = Folder::new();
    folder.file("empty.jsonl", "");
    folder.file("torn.jsonl", "{\"seq\":0,\"t\":0.000");
    let commands: [&[&str]; 6] = [
        &["replay"],
        &["replay", "--format", "json"],
        &["report"],
        &["extract"],
        &["play", "--speed", "max"],
        &["diff", "empty.jsonl"],
    ];
    for command in commands {
        for log in ["empty.jsonl", "torn.jsonl", "missing.jsonl"] {
            let arguments = [command, &["--allow-incomplete", log]].concat();
            let ended = folder.scenario(&arguments).end().expect(5);
            assert!(
                ended.stderr.contains("nothing was logged") || ended.stdout.contains("nothing was logged"),
                "{arguments:?}: {ended:?}"
            );
        }
    }
    let junit = folder
        .scenario(&["replay", "--allow-incomplete", "--format", "junit", "empty.jsonl"])
        .end()
        .expect(5);
    assert!(junit.stdout.contains("errors=\"1\""), "{}", junit.stdout);
}
