//! Expectations of runs that are over: `scenario replay --expect`.

use crate::common::{Folder, project};
use crate::expect::expected_of_log;

const SCENARIO: &str = "tick = '0s'\nseed = 1\n[presets.p]\nplayers = [{ name = 'john', moves = 3, every = '1s' }]\n\
    [[timeline]]\nid = 'e'\nspawn = 'p'\n";

const RULES: &str = "[[expect]]\nname = 'enough'\nof = 'move'\nin = 'e'\nat_least = 3\n\
    [[expect]]\nname = 'quick'\nof = 'run.took'\nbelow = '2s'\n";

#[test]
fn a_log_that_is_missed_is_told_in_every_form() {
    let folder = Folder::new();
    folder.run(SCENARIO, &["--clock", "virtual"]).0.expect(0);
    folder.file("rules.toml", RULES);
    let with = |format: &str| {
        folder
            .scenario(&["replay", "log.jsonl", "--expect", "rules.toml", "--format", format])
            .end()
            .expect(1)
    };
    let shown = with("human").stderr;
    assert!(
        shown.contains("same ") && shown.contains("  ok       enough: wanted at least 3, got 3 (seq 4)\n"),
        "{shown}"
    );
    assert!(shown.contains("  MISSED   quick: wanted below 2s, got 3s\n"), "{shown}");
    let report = with("junit").stdout;
    assert!(report.contains("tests=\"3\"") && report.contains("failures=\"1\""), "{report}");
    assert!(report.contains("name=\"log.jsonl: enough\"") && report.contains("type=\"missed\""), "{report}");
    let outcomes = crate::expect::outcomes(&expected_of_log(&folder, "rules.toml", 1));
    assert_eq!(outcomes, [(true, "3".to_owned(), vec![4]), (false, "3s".to_owned(), vec![])]);
    assert_eq!(with("json").stdout.matches("\"expect\":[").count(), 1);
}

#[test]
fn the_rest_of_the_file_may_be_a_scenario_or_nothing() {
    let folder = Folder::new();
    folder.run(SCENARIO, &["--clock", "virtual"]).0.expect(0);
    let rules = RULES.replace("2s", "${most}");
    folder
        .file("whole.toml", format!("[vars]\nmost = '3500ms'\n[presets.other]\ncommand = ['true']\n{rules}"));
    let replay = |more: &[&str]| {
        let arguments = [&["replay", "log.jsonl", "--expect", "whole.toml"], more].concat();
        folder.scenario(&arguments).end()
    };
    replay(&[]).expect(0);
    replay(&["--var", "most=3s"]).expect(1);
    // The names are those of the logged scenario.
    folder.file(
        "whole.toml",
        "[presets.other]\ncommand = ['true']\n[[expect]]\nof = 'spawn.failed'\nin = 'other'\nnever = true\n",
    );
    let ended = replay(&[]).expect(2);
    assert!(ended.stderr.contains("there is no preset, fetch or entry `other`"), "{}", ended.stderr);
    folder.file("whole.toml", "name = 'x'\n");
    assert!(replay(&[]).expect(2).stderr.contains("this file has no expectations"));
    folder.file("whole.toml", "[[expect]]\nof = 'moves'\n");
    assert!(replay(&[]).expect(2).stderr.contains("did you mean `move`?"));
}

#[test]
fn a_log_with_its_own_is_asked_for_others_too() {
    let folder = Folder::new();
    let own = "[[expect]]\nname = 'own'\nof = 'move'\nbelow = 3\nabort = true\n";
    folder.run(&format!("{SCENARIO}{own}"), &["--clock", "virtual"]).0.expect(1);
    // The run has failed, but as expected here; and the expectations here end nothing.
    folder.file(
        "rules.toml",
        "[[expect]]\nof = 'move'\nequals = 3\n[[expect]]\nof = 'spawn.started'\nnever = true\nabort = true\n",
    );
    let outcomes = crate::expect::outcomes(&expected_of_log(&folder, "rules.toml", 1));
    assert_eq!(outcomes, [(true, "3".to_owned(), vec![4]), (false, "1".to_owned(), vec![1])]);
}

#[test]
fn what_is_wrong_with_the_log_goes_before() {
    let folder = Folder::new();
    folder.run(SCENARIO, &["--clock", "virtual"]).0.expect(0);
    folder.file("rules.toml", RULES);
    let text = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let replay = |log: &str, more: &[&str]| {
        let arguments = [&["replay", log, "--expect", "rules.toml"], more].concat();
        folder.scenario(&arguments).end()
    };
    folder.file("edited.jsonl", text.replacen("\"player\":\"john\"", "\"player\":\"jim\"", 1));
    let ended = replay("edited.jsonl", &[]).expect(3);
    assert!(!ended.stderr.contains("MISSED"), "of a run that was not, nothing is said: {}", ended.stderr);
    let cut: String = text.split_inclusive('\n').take(4).collect();
    folder.file("cut.jsonl", cut);
    let ended = replay("cut.jsonl", &[]).expect(5);
    assert!(ended.stderr.contains("MISSED   enough: wanted at least 3, got 2 (seq 3)"), "{}", ended.stderr);
    replay("cut.jsonl", &["--allow-incomplete"]).expect(1);
    replay("missing.jsonl", &[]).expect(4);
}

#[test]
fn a_line_that_a_later_release_has_added_moves_what_is_pointed_to() {
    let folder = Folder::new();
    folder.run(&format!("{SCENARIO}{RULES}").replace("2s", "3s 1ns"), &["--clock", "virtual"]).0.expect(0);
    let text = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    // One line is added after the first; all later lines, and the numbers in `events`, move by one.
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.insert(1, "{\"seq\":1,\"t\":0.000000000,\"event\":\"weather\",\"sun\":true}".to_owned());
    for (n, line) in lines.iter_mut().enumerate().skip(2) {
        *line = line.replacen(&format!("\"seq\":{}", n - 1), &format!("\"seq\":{n}"), 1);
        *line = line.replace("\"events\":[4]", "\"events\":[5]");
    }
    let last = lines.last_mut().unwrap();
    let at = last.find(",\"crc32c\"").unwrap();
    last.truncate(at);
    last.push('}');
    folder.file("later.jsonl", lines.join("\n") + "\n");
    let ended = folder.scenario(&["replay", "later.jsonl"]).end();
    assert!(!ended.stderr.contains("different"), "{}", ended.stderr);
}

#[test]
fn golden_logs_are_asked() {
    // A log of the first release, which had no expectations.
    let folder = Folder::new();
    folder.file("rules.toml", "[[expect]]\nof = 'spawn.exited'\nwhere = { ok = false }\nnever = true\n[[expect]]\nof = 'move'\nat_least = 1\n");
    let log = project().join("tests/logs/three_waves.jsonl");
    folder.scenario(&["replay", log.to_str().unwrap(), "--expect", "rules.toml"]).end().expect(0);
}
