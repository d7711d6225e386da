//! Every form of `after` against every way in which an entry can end. Each log is replayed.

use crate::common::{Ended, Folder, Log};

/// Runs a scenario, and replays its log.
#[track_caller]
fn replayed_run(text: &str, options: &[&str], code: i32) -> (Ended, Log) {
    let folder = Folder::new();
    let (ended, log) = folder.run(text, options);
    let ended = ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
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
    let subject = program("echo one; sleep 0.1; echo two; sleep 30", "background = true");
    let forms = [("quiet", "{ quiet = \"1s\", of = \"subject\" }")];
    let (_, log) = replayed_run(&scenario(&subject, &forms), &[], 0);
    let due = log.of("mark")[0]["due"].as_f64().unwrap();
    let said = log.of("line").iter().map(|line| line["t"].as_f64().unwrap()).rfind(|t| *t < due).unwrap();
    assert!((due - said - 1.0).abs() < 1e-6, "{said} {due}");
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
    let address = crate::common::serve(|path, _| match path {
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

/// A program that is as expected from its `n`th try on.
fn tried(n: u32, until: &str) -> String {
    let count = "c=$(cat n 2>/dev/null || echo 0); c=$((c+1)); echo $c > n";
    let subject = program(&format!("{count}; echo try $c; test $c -ge {n}"), "");
    format!("{subject}until = {until}\n")
}

#[test]
fn an_entry_tries_until_it_is_as_expected_and_only_the_last_try_counts() {
    let text = scenario(&tried(3, "{ every = \"1ms..5ms\", timeout = \"1m\" }"), &OUTCOMES);
    let folder = Folder::new();
    let (ended, log) = folder.run(&text, &["--seed", "1"]);
    ended.expect(0);
    assert_eq!(fate(&log, "passed"), "yes");
    assert_eq!(fate(&log, "failed"), "`subject` passed");
    assert_eq!(log.of("spawn.started").len(), 3);
    let again: Vec<_> = log.of("spawn.exited").iter().map(|exit| exit["again"].clone()).collect();
    assert_eq!(again, [serde_json::json!(true), serde_json::json!(true), serde_json::Value::Null]);
    let retried = log.of("entry.retried");
    let numbers: Vec<_> = retried.iter().map(|retry| retry["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(retried[0]["reason"], "ps#1 (p) ended with code 1");
    // The next try counts from the end of the one before it.
    let due = log.of("spawn.started")[1]["due"].as_f64().unwrap();
    let wanted = log.of("spawn.exited")[0]["t"].as_f64().unwrap() + retried[0]["wait"].as_f64().unwrap();
    assert!((due - wanted).abs() < 1e-6, "{due} {wanted}");
    // Reports agree that nothing was wrong, and so does a replay.
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let told = folder.scenario(&["report", "log.jsonl", "--junit", "j.xml"]).end().expect(0).stdout;
    assert!(!told.contains("went wrong"), "{told}");
    let junit = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    assert!(junit.contains("failures=\"0\""), "{junit}");
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("until = { every = \"1ms..5ms\", timeout = \"1m\" }"), "{extracted}");
}

#[test]
fn an_entry_that_is_never_as_expected_fails_the_run_with_what_the_last_try_came_to() {
    let text = scenario(
        &tried(1_000_000, "{ every = { choice = [\"1ms\", \"10m\"] }, timeout = \"1m\" }"),
        &OUTCOMES[..2],
    );
    let (_, log) = replayed_run(&text, &[], 1);
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(reason.starts_with("`subject` was not as expected within 1m ("), "{reason}");
    assert!(reason.ends_with("ended with code 1"), "{reason}");
    assert_eq!(fate(&log, "failed"), "yes");
    let last = log.of("spawn.exited").last().copied().unwrap();
    assert_eq!((&last["ok"], &last["again"]), (&false.into(), &serde_json::Value::Null));
}

#[test]
fn a_stop_between_two_tries_ends_them_and_fails_nothing() {
    let subject = format!("{}until = {{ every = \"10m\", timeout = \"1h\" }}\n", program("exit 1", ""));
    let stop = "[[timeline]]\nafter = { line = \"first\", of = \"says\" }\nat = \"300ms\"\nstop = \"subject\"\n\
                [presets.says]\ncommand = [\"echo\", \"first\"]\n[[timeline]]\nid = \"says\"\nspawn = \"says\"\nafter = \"subject.started\"\n";
    let (_, log) = replayed_run(&format!("{}{stop}", scenario(&subject, &OUTCOMES[..2])), &[], 0);
    assert_eq!(log.of("stopping")[0]["reason"], "no more tries of `subject` start");
    assert_eq!(log.of("entry.retried").len(), 1);
    assert_eq!(fate(&log, "passed"), "yes");
    // Typed as well.
    let folder = Folder::new();
    folder.file("s.toml", format!("tick = \"0s\"\n{subject}"));
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]).watch();
    run.until("in 10 min");
    std::io::Write::write_all(run.child.stdin.as_mut().unwrap(), b"stop subject\n").unwrap();
    run.until("no more tries of `subject` start");
    assert_eq!(run.end().0, Some(0));
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_try_that_still_runs_when_the_time_is_over_is_stopped() {
    let subject =
        format!("{}until = {{ every = \"10ms\", timeout = \"50ms\" }}\n", program("exec sleep 60", ""));
    let (_, log) = replayed_run(&scenario(&subject, &OUTCOMES[..2]), &[], 1);
    let reason = log.last()["reason"].as_str().unwrap();
    assert_eq!(reason, "`subject` was not as expected within 50ms; its last try had not ended");
    assert_eq!(log.of("stopping")[0]["source"], "ps#1");
    assert_eq!(fate(&log, "failed"), "yes");
}

#[test]
fn a_program_that_cannot_start_or_gets_never_ready_is_tried_again() {
    let missing =
        "[presets.p]\ncommand = [\"/nothing/here\"]\n[[timeline]]\nid = \"subject\"\nspawn = \"p\"\n";
    let unready = program("exec sleep 60", "ready = { line = \"up\", timeout = \"10ms\" }");
    for subject in [missing, &unready] {
        let subject = format!("{subject}until = {{ every = \"1ms\", timeout = \"200ms\" }}\n");
        let (_, log) = replayed_run(&scenario(&subject, &OUTCOMES[..2]), &[], 1);
        let failed = log.of("spawn.failed");
        assert!(failed.len() > 1 || subject.contains("sleep"), "{}", failed.len());
        assert_eq!(failed[0]["again"], true);
        assert_eq!(fate(&log, "failed"), "yes");
    }
}

#[test]
fn a_fetch_is_tried_until_its_checks_hold() {
    let asked = std::sync::atomic::AtomicU32::new(0);
    let address =
        crate::common::serve(move |_, _| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => crate::common::answer("503 Not yet", "", "cold"),
            1 => crate::common::answer("200 OK", "", "lukewarm"),
            _ => crate::common::answer("200 OK", "", "hot"),
        });
    let subject = format!(
        "[fetches.f]\nurls = [\"http://{address}/\"]\ncheck = {{ text = \"hot\" }}\n\
         [[timeline]]\nid = \"subject\"\nfetch = \"f\"\nuntil = {{ every = \"1ms\", timeout = \"1m\" }}\n"
    );
    let forms = [("passed", "\"subject.passed\""), ("failed", "\"subject.failed\"")];
    let (_, log) = replayed_run(&scenario(&subject, &forms), &[], 0);
    assert_eq!(forms.map(|(id, _)| fate(&log, id)), ["yes", "`subject` passed"]);
    let again: Vec<bool> = log.of("fetch.finished").iter().map(|end| end["again"] == true).collect();
    assert_eq!(again, [true, true, false]);
}

#[test]
fn until_is_refused_where_nothing_can_be_tried_again() {
    let folder = Folder::new();
    let until = "until = { every = \"1s\", timeout = \"1m\" }";
    for (entry, wanted) in [
        (format!("spawn = \"players\"\n{until}"), "players have no exit"),
        (format!("spawn = \"back\"\n{until}"), "runs until the end"),
        (format!("spawn = \"p\"\ncount = 2\n{until}"), "one thing at a time"),
        (format!("spawn = \"p\"\nevery = \"1s\"\ntimes = 2\n{until}"), "cannot be used together"),
        (format!("fetch = \"load\"\n{until}"), "a load is not tried again"),
        (format!("mark = \"m\"\n{until}"), "needs `spawn` or `fetch`"),
        ("spawn = \"p\"\nuntil = { every = \"1s\" }".to_owned(), "add timeout = \"1m\""),
        ("spawn = \"p\"\nuntil = { every = \"1s\", timeout = \"0s\" }".to_owned(), "more than zero"),
    ] {
        folder.file(
            "s.toml",
            format!(
                "[presets.p]\ncommand = [\"true\"]\n[presets.back]\ncommand = [\"true\"]\nbackground = true\n\
                 [presets.players]\nplayers = [{{ name = \"a\", moves = 1, every = \"1s\" }}]\n\
                 [fetches.load]\nurls = [\"http://h/\"]\nconnections = 1\nrequests = 2\n[[timeline]]\n{entry}\n"
            ),
        );
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(wanted), "{entry}: {said}");
    }
}

/// A background program, and a clean-up that talks to nobody.
const STACK: &str = "tick = \"0s\"\n[presets.server]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 60\"]\nbackground = true\n\
    ready = { line = \"up\" }\n[presets.clean]\ncommand = [\"sh\", \"-c\", \"echo clean\"]\n\
    [[timeline]]\nid = \"server\"\nspawn = \"server\"\n\
    [[timeline]]\nid = \"clean\"\nalways = true\nspawn = \"clean\"\n\
    [[timeline]]\nid = \"last\"\nalways = true\nafter = \"clean.finished\"\nmark = \"last\"\n";

/// Asserts that the clean-up happened, and that the server was stopped only after it.
#[track_caller]
fn assert_cleaned(log: &Log) {
    assert_eq!(fate(log, "last"), "yes");
    let at = |is_wanted: &dyn Fn(&serde_json::Value) -> bool| log.events.iter().position(is_wanted).unwrap();
    let last = at(&|event| event["entry"] == "last");
    let server = at(&|event| event["event"] == "spawn.exited" && event["source"] == "ps#1");
    assert!(last < server, "{last} {server}");
}

#[test]
fn an_entry_with_always_happens_at_every_end() {
    let job = "[presets.job]\ncommand = [\"sleep\", \"30\"]\n[[timeline]]\nafter = \"server.ready\"\nid = \"job\"\nspawn = \"job\"\n";
    let stop = "[[timeline]]\nafter = \"job.started\"\nstop = \"job\"\n";
    let broken = "[[timeline]]\nafter = { line = \"never\", of = \"job\" }\nmark = \"x\"\n";
    let abort = "[[timeline]]\nid = \"bad\"\nafter = \"job.started\"\nmark = \"bad\"\n\
        [[expect]]\nof = \"mark\"\nin = \"bad\"\nequals = 0\nabort = true\n";
    for (text, options, code) in [
        (STACK.to_owned(), &[][..], 0),
        (format!("{STACK}{job}{stop}"), &[], 0),
        (format!("time_limit = \"200ms\"\n{STACK}{job}"), &[], 1),
        (format!("{STACK}{job}{stop}{broken}"), &[], 1),
        (format!("{STACK}{job}{abort}"), &[], 1),
    ] {
        let (_, log) = replayed_run(&text, options, code);
        assert_cleaned(&log);
    }
}

#[test]
fn an_entry_with_always_happens_after_a_signal_and_a_second_one_ends_at_once() {
    use rustix::process::Signal;
    let job = "[presets.job]\ncommand = [\"sleep\", \"30\"]\n[[timeline]]\nid = \"job\"\nspawn = \"job\"\n";
    for is_slow in [false, true] {
        let folder = Folder::new();
        let clean = if is_slow { "echo clean; exec sleep 60" } else { "echo clean" };
        folder.file("s.toml", format!("{STACK}{job}").replace("echo clean", clean));
        let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).watch();
        run.until("started job");
        crate::common::kill(&run.child, Signal::INT);
        if is_slow {
            run.until("| clean");
            crate::common::kill(&run.child, Signal::INT);
        }
        run.end();
        let log = Log::read(&folder.path().join("log.jsonl"));
        assert_eq!(log.last()["outcome"], "interrupted");
        if !is_slow {
            assert_cleaned(&log);
        }
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

#[test]
fn a_failure_of_an_entry_with_always_fails_the_run_and_skips_what_is_behind_its_success() {
    let text = STACK.replace("echo clean", "exit 4").replace("clean.finished", "clean.passed");
    let (_, log) = replayed_run(&text, &[], 1);
    assert_eq!(log.last()["reason"], "ps#2 (clean) ended with code 4");
    assert_eq!(fate(&log, "last"), "`clean` failed");
}

#[test]
fn always_happens_in_virtual_time_too() {
    let text = format!(
        "{PLAYERS}[[timeline]]\nalways = true\nat = \"1s\"\nmark = \"end\"\n\
        [[timeline]]\nalways = true\nspawn = \"p\"\n"
    );
    let (_, log) = replayed_run(&text, &["--clock", "virtual", "--seed", "1"], 0);
    assert_eq!(log.of("mark")[0]["due"], 3.0);
    assert_eq!(log.of("spawn.started")[1]["due"], 2.0);
    let (_, log) =
        replayed_run(&format!("time_limit = \"1500ms\"\n{text}"), &["--clock", "virtual", "--seed", "1"], 1);
    assert_eq!(log.of("mark")[0]["due"], 2.5);
    assert_eq!(log.of("spawn.exited")[0]["signal"], serde_json::Value::Null, "it went on to its end");
}

#[test]
fn always_is_refused_where_the_end_of_a_run_could_not_wait_for_it() {
    let folder = Folder::new();
    for (entry, wanted) in [
        ("always = true\nspawn = \"back\"", "would be stopped as soon as it has started"),
        ("always = true\nspawn = \"p\"\nevery = \"1s\"\ntimes = 2", "happens once"),
        ("always = true\nspawn = \"p\"\nuntil = { every = \"1s\", timeout = \"1m\" }", "is not tried again"),
        ("always = true\nspawn = \"p\"\nat = \"31s\"", "at most 30s"),
        ("always = true\nafter = \"first.finished\"\nspawn = \"p\"", "may never have happened then"),
        ("after = \"clean.finished\"\nspawn = \"p\"", "when this entry can no longer happen"),
    ] {
        folder.file(
            "s.toml",
            format!(
                "[presets.p]\ncommand = [\"true\"]\n[presets.back]\ncommand = [\"true\"]\nbackground = true\n\
                 [[timeline]]\nid = \"first\"\nspawn = \"p\"\n\
                 [[timeline]]\nid = \"clean\"\nalways = true\nspawn = \"p\"\n[[timeline]]\n{entry}\n"
            ),
        );
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(wanted), "{entry}: {said}");
    }
}

#[test]
fn a_wait_for_what_cannot_come_is_a_warning() {
    let folder = Folder::new();
    let back = "[presets.b]\ncommand = [\"sleep\", \"9\"]\nbackground = true\n[[timeline]]\nid = \"b\"\nspawn = \"b\"\n";
    let mark = "[[timeline]]\nid = \"m\"\nmark = \"m\"\n";
    let stop = "[[timeline]]\nat = \"1s\"\nstop = \"b\"\n";
    for (text, after, warns) in [
        (back.to_owned(), "\"b.passed\"", true),
        (back.to_owned(), "\"b.failed\"", false),
        (format!("{back}{stop}"), "\"b.passed\"", false),
        (mark.to_owned(), "\"m.failed\"", true),
        (mark.to_owned(), "\"m.passed\"", false),
        (PLAYERS.to_owned(), "{ exit = 3, of = \"subject\" }", true),
        (PLAYERS.to_owned(), "{ exit = 0, of = \"subject\" }", false),
        (PLAYERS.to_owned(), "{ any = [{ exit = 3, of = \"subject\" }, \"subject.passed\"] }", false),
    ] {
        folder.file("s.toml", format!("{text}[[timeline]]\nafter = {after}\nmark = \"x\"\n"));
        let said = folder.scenario(&["check", "s.toml"]).end().expect(0).stderr;
        assert_eq!(said.contains("this entry never happens"), warns, "{after}: {said}");
    }
}
