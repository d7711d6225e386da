//! Every form of `after` against every way in which an entry can end. Each log is replayed.

use crate::common::{Ended, Folder, Log};

/// Runs a scenario, and replays its log.
#[track_caller]
fn replayed_run(text: &str, options: &[&str], code: i32) -> (Ended, Log) {
    let folder = Folder::new();
    let (ended, log) = folder.run(text, options);
    let ended = ended.expect(code);
    let path = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let path = path.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")).next().unwrap();
    folder.scenario(&["replay", path.to_str().unwrap()]).end().expect(0);
    (ended, log)
}

/// What became of an entry: it happened (`yes`), it was skipped with this reason, or neither (`no`).
fn fate(log: &Log, entry: &str) -> String {
    if log.of("mark").iter().any(|mark| mark["entry"] == entry) {
        return "yes".to_owned();
    }
    let skipped = log.of("entry.skipped");
    let skipped = skipped.iter().find(|skip| skip["entry"] == entry);
    skipped.map_or_else(|| "no".to_owned(), |skip| skip["reason"].as_str().unwrap().to_owned())
}

/// An entry `subject`, and marks behind each of its ends. A mark behind a moment that never comes would fail the
/// run, so those that must not be there are left out.
fn scenario(subject: &str, forms: &[(&str, &str)]) -> String {
    let mut text = format!("tick = \"0s\"\n{subject}\n");
    for (id, after) in forms {
        text.push_str(&format!("[[timeline]]\nid = \"{id}\"\nafter = {after}\nmark = \"{id}\"\n"));
    }
    text
}

const OUTCOMES: [(&str, &str); 6] = [
    ("passed", "\"subject.passed\""),
    ("failed", "\"subject.failed\""),
    ("three", "{ exit = 3, of = \"subject\" }"),
    ("other", "{ exit = [4, 5], of = \"subject\" }"),
    ("term", "{ exit = { signal = \"TERM\" }, of = \"subject\" }"),
    ("behind", "\"failed.finished\""),
];

/// What became of `OUTCOMES`, in their order.
#[track_caller]
fn outcomes(subject: &str, options: &[&str], code: i32) -> Vec<String> {
    let (_, log) = replayed_run(&scenario(subject, &OUTCOMES), options, code);
    OUTCOMES.iter().map(|(id, _)| fate(&log, id)).collect()
}

fn program(command: &str, more: &str) -> String {
    format!(
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"{command}\"]\n{more}\n[[timeline]]\nid = \"subject\"\nspawn = \"p\"\n"
    )
}

#[test]
fn a_program_that_ends_as_expected_has_passed() {
    assert_eq!(
        outcomes(&program("exit 0", ""), &[], 0),
        [
            "yes",
            "`subject` passed",
            "`subject` ended with code 0",
            "`subject` ended with code 0",
            "`subject` ended with code 0",
            "`failed` was skipped"
        ]
    );
}

#[test]
fn an_exit_that_the_preset_allows_has_passed_and_is_an_exit() {
    let fates = outcomes(&program("exit 3", "exits = [0, 3]"), &[], 0);
    assert_eq!(fates[..3], ["yes", "`subject` passed", "yes"]);
    assert_eq!(fates[3], "`subject` ended with code 3");
}

#[test]
fn an_unexpected_exit_has_failed_and_fails_the_run() {
    let fates = outcomes(&program("exit 3", ""), &[], 1);
    assert_eq!(
        fates,
        [
            "`subject` failed",
            "yes",
            "yes",
            "`subject` ended with code 3",
            "`subject` ended with code 3",
            "yes"
        ]
    );
}

#[test]
fn a_signal_is_an_exit() {
    let fates = outcomes(&program("kill -TERM $$", ""), &[], 1);
    assert_eq!(fates[0], "`subject` failed");
    assert_eq!(fates[2], "`subject` ended with signal TERM");
    assert_eq!(fates[4], "yes");
}

#[test]
fn a_program_that_cannot_start_has_failed() {
    let subject =
        "[presets.p]\ncommand = [\"/nothing/here\"]\n[[timeline]]\nid = \"subject\"\nspawn = \"p\"\n";
    assert_eq!(
        outcomes(subject, &[], 1),
        [
            "`subject` failed",
            "yes",
            "`subject` did not start",
            "`subject` did not start",
            "`subject` did not start",
            "yes"
        ]
    );
}

#[test]
fn a_program_that_never_becomes_ready_has_failed() {
    let subject = program("exec sleep 60", "ready = { line = \"up\", timeout = \"50ms\" }");
    let fates = outcomes(&subject, &[], 1);
    assert_eq!(fates[..2], ["`subject` failed", "yes"]);
    assert_eq!(fates[4], "yes", "it was stopped");
}

#[test]
fn a_program_that_the_timeline_stops_has_passed() {
    let stop = "[[timeline]]\nafter = \"subject.started\"\nstop = \"subject\"\n";
    let fates = outcomes(&format!("{}{stop}", program("exec sleep 60", "")), &[], 0);
    assert_eq!(fates[..2], ["yes", "`subject` passed"]);
    assert_eq!(fates[4], "yes");
}

const PLAYERS: &str = "[presets.p]\nplayers = [{ name = \"john\", moves = 2, every = \"1s\" }]\n\
    [[timeline]]\nid = \"subject\"\nspawn = \"p\"\n";

#[test]
fn players_pass_in_virtual_time_too() {
    let virtually = ["--clock", "virtual", "--seed", "1"];
    let fates = outcomes(PLAYERS, &virtually, 0);
    assert_eq!(fates[..2], ["yes", "`subject` passed"]);
    assert_eq!(fates[2], "`subject` ended with code 0");
    assert_eq!(fates[5], "`failed` was skipped");
}

#[test]
fn an_action_that_reaches_nothing_has_failed() {
    let subject = "[presets.p]\nplayers = [{ name = \"john\", moves = 1, every = \"1s\" }]\n\
        [[timeline]]\nid = \"wave\"\nspawn = \"p\"\n\
        [[timeline]]\nat = \"5s\"\nid = \"subject\"\nstop = \"wave\"\n";
    let forms = [("passed", "\"subject.passed\""), ("failed", "\"subject.failed\"")];
    let (_, log) = replayed_run(&scenario(subject, &forms), &["--clock", "virtual", "--seed", "1"], 1);
    assert_eq!(fate(&log, "passed"), "`subject` failed");
    assert_eq!(fate(&log, "failed"), "yes");
}

#[test]
fn everything_behind_a_skipped_entry_is_skipped() {
    let forms = [
        ("skipped", "\"subject.failed\""),
        ("a", "\"skipped.started\""),
        ("b", "\"a.finished\""),
        ("c", "\"b.passed\""),
        ("d", "\"c.failed\""),
        ("all", "{ all = [\"subject.passed\", \"d.started\"] }"),
        ("any", "{ any = [\"skipped.finished\", \"subject.passed\"] }"),
        ("none", "{ any = [\"skipped.finished\", \"d.started\"] }"),
    ];
    let (_, log) = replayed_run(&scenario(PLAYERS, &forms), &["--clock", "virtual", "--seed", "1"], 0);
    for (id, wanted) in [
        ("skipped", "`subject` passed"),
        ("a", "`skipped` was skipped"),
        ("b", "`a` was skipped"),
        ("c", "`b` was skipped"),
        ("d", "`c` was skipped"),
        ("all", "`d` was skipped"),
        ("any", "yes"),
        ("none", "`skipped` was skipped, and `d` was skipped"),
    ] {
        assert_eq!(fate(&log, id), wanted, "{id}");
    }
}

#[test]
fn all_come_with_the_last_and_any_with_the_first() {
    let subject = "[presets.p]\nplayers = [{ name = \"john\", moves = 2, every = \"1s\" }]\n\
        [[timeline]]\nid = \"early\"\nspawn = \"p\"\n[[timeline]]\nid = \"late\"\nat = \"3s\"\nspawn = \"p\"\n";
    let forms = [
        ("all", "{ all = [\"late.passed\", \"early.passed\", \"late.started\"] }"),
        ("any", "{ any = [\"late.passed\", \"early.passed\", \"late.started\"] }"),
        ("both", "{ all = [\"early.started\", { any = [\"late.failed\", \"late.started\"] }] }"),
    ];
    let (_, log) = replayed_run(&scenario(subject, &forms), &["--clock", "virtual", "--seed", "1"], 0);
    let due =
        |id: &str| log.of("mark").iter().find(|mark| mark["entry"] == id).unwrap()["due"].as_f64().unwrap();
    assert_eq!([due("all"), due("any"), due("both")], [5.0, 2.0, 3.0]);
}

#[test]
fn a_silence_counts_from_the_last_line() {
    let subject = program("echo one; sleep 0.2; echo two; sleep 30", "background = true");
    let forms = [("quiet", "{ quiet = \"400ms\", of = \"subject\" }")];
    let (_, log) = replayed_run(&scenario(&subject, &forms), &[], 0);
    let two = log.of("line").iter().find(|line| line["text"] == "two").unwrap()["t"].as_f64().unwrap();
    let due = log.of("mark")[0]["due"].as_f64().unwrap();
    assert!((due - two - 0.4).abs() < 1e-6, "{two} {due}");
}

#[test]
fn a_silence_or_a_line_that_never_comes_fails_the_run_at_once() {
    for (after, reason) in [
        (
            "{ quiet = \"1m\", of = \"subject\" }",
            "waits for 1m of quiet of `subject`, which ended before that",
        ),
        ("{ line = \"x\", of = \"subject\" }", "waits for a line like /x/, but `subject` ended without one"),
        ("{ all = [\"subject.passed\", { line = \"x\", of = \"subject\" }] }", "ended without one"),
        ("{ any = [{ line = \"y\", of = \"subject\" }, { line = \"x\", of = \"subject\" }] }", "like /x/"),
    ] {
        let text = scenario(&program("exit 0", ""), &[("mark", after)]);
        let (_, log) = replayed_run(&text, &[], 1);
        let told = log.last()["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(reason), "{told}");
    }
    // It is one of several, of which another way was not taken.
    let after = "{ any = [{ line = \"x\", of = \"subject\" }, \"subject.failed\"] }";
    let (_, log) = replayed_run(&scenario(&program("exit 0", ""), &[("mark", after)]), &[], 0);
    assert!(fate(&log, "mark").ends_with("`subject` passed"), "{}", fate(&log, "mark"));
}

#[test]
fn a_line_of_several_that_is_redacted_decides_the_same_again() {
    let subject = program("echo key $KEY; echo end $KEY", "env = { KEY = \"${env:TRIGGER_KEY}\" }");
    let forms = [(
        "both",
        "{ all = [{ line = \"end hunter\", of = \"subject\" }, { line = \"key hunter\", of = \"subject\" }] }",
    )];
    let folder = Folder::new();
    folder.file("s.toml", scenario(&subject, &forms));
    let run = ["run", "s.toml", "--log", "l.jsonl"];
    folder.scenario(&run).env("TRIGGER_KEY", "hunter2hunter2").end().expect(0);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(fate(&log, "both"), "yes");
    let matched: Vec<_> = log.of("line.matched").iter().map(|line| line["conditions"].clone()).collect();
    assert_eq!(matched, [serde_json::json!([2]), serde_json::Value::Null]);
}

#[test]
fn a_fetch_that_is_not_as_expected_has_failed() {
    let address = crate::common::serve(|_, path| match path {
        "/ok" => crate::common::answer("200 OK", "", "fine"),
        _ => crate::common::answer("500 Oh no", "", "bad"),
    });
    for (path, more, code, fates) in [
        ("ok", "", 0, ["yes", "`subject` passed"]),
        ("ok", "check = { text = \"other\" }", 1, ["`subject` failed", "yes"]),
        ("no", "", 1, ["`subject` failed", "yes"]),
        ("no", "may_fail = 1", 0, ["yes", "`subject` passed"]),
    ] {
        let subject = format!(
            "[fetches.f]\nurls = [\"http://{address}/{path}\"]\n{more}\n[[timeline]]\nid = \"subject\"\nfetch = \"f\"\n"
        );
        let forms = [("passed", "\"subject.passed\""), ("failed", "\"subject.failed\"")];
        let (_, log) = replayed_run(&scenario(&subject, &forms), &[], code);
        assert_eq!(forms.map(|(id, _)| fate(&log, id)), fates, "{path} {more}");
    }
}

#[test]
fn a_cycle_through_any_form_is_printed() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"john\", moves = 1, every = \"1s\" }]\n\
         [[timeline]]\nid = \"a\"\nafter = { any = [\"c.failed\", \"d.started\"] }\nspawn = \"p\"\n\
         [[timeline]]\nid = \"b\"\nafter = { all = [\"d.started\", \"a.passed\"] }\nspawn = \"p\"\n\
         [[timeline]]\nid = \"c\"\nafter = { exit = 3, of = \"b\" }\nspawn = \"p\"\n\
         [[timeline]]\nid = \"d\"\nspawn = \"p\"\n",
    );
    let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
    assert!(said.contains("these entries wait for each other: `a` -> `c` -> `b` -> `a`"), "{said}");
}

#[test]
fn a_wrong_form_is_told_with_the_forms_that_there_are() {
    let folder = Folder::new();
    for (after, wanted) in [
        ("\"a.succeeded\"", "did you mean \"a.passed\"?"),
        ("\"a.error\"", "did you mean \"a.failed\"?"),
        ("[\"a.passed\"]", "write { all = […] }"),
        ("{ exit = 3 }", "`exit` needs `of`"),
        ("{ exit = 300, of = \"a\" }", "255"),
        ("{ exit = 3, of = \"m\" }", "spawns no program that could exit"),
        ("{ quiet = \"0s\", of = \"a\" }", "more than"),
        ("{ quiet = \"1s\", of = \"a\" }", "spawns players, which print no lines"),
        ("{ all = [] }", "at least one"),
        ("{ all = [\"a.passed\"], any = [\"a.failed\"] }", "exclude each other"),
        ("{ all = [\"b.passed\"] }", "there is no entry with the id `b`"),
        (
            "{ all = [{ all = [{ all = [{ all = [{ all = [{ all = [{ all = [{ all = [{ all = [{ all = [\"a.passed\"] }] }] }] }] }] }] }] }] }] }",
            "nested deeper than 8",
        ),
    ] {
        let text = format!(
            "[presets.p]\nplayers = [{{ name = \"john\", moves = 1, every = \"1s\" }}]\n\
             [[timeline]]\nid = \"a\"\nspawn = \"p\"\n[[timeline]]\nid = \"m\"\nmark = \"m\"\n\
             [[timeline]]\nafter = {after}\nmark = \"x\"\n"
        );
        folder.file("s.toml", text);
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(wanted), "{after}: {said}");
    }
}
