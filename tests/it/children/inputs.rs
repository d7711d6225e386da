//! The standard input of programs.

use crate::children::{NO_TICK, after_line, exit_of, replays, sh, spawns, text_of};
use crate::common::Folder;
use serde_json::Value;

#[test]
fn a_program_without_input_reads_the_end() {
    let folder = Folder::new();
    let text = "x".repeat(300_000);
    let given = format!("stdin = {{ text = \"{text}\" }}");
    let text = [
        NO_TICK,
        &sh("null", "cat; echo end", ""),
        &sh("all", "wc -c", &given),
        &sh("careless", "exit 4", &format!("{given}\nexits = 4")),
        &["null", "all", "careless"].map(|preset| spawns(preset, 1)).concat(),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(0);
    assert_eq!(text_of(&log, "ps#1"), "end\n");
    assert_eq!(text_of(&log, "ps#2"), "300000\n");
    assert_eq!(exit_of(&log, "careless")["code"], 4);
    replays(&folder);
}

#[test]
fn a_process_that_never_reads_does_not_block_the_run() {
    let folder = Folder::new();
    let open = "stdin = \"open\"\nbackground = true";
    // More than a pipe holds, and the third time more than is kept.
    let send = |to: &str, text: &str| format!("send = {{ to = \"{to}\", text = \"{text}\" }}");
    let much = send("deaf", &"x".repeat(600_000));
    let text = [
        NO_TICK,
        &sh("deaf", "echo deaf; exec sleep 600", open),
        &sh("reads", "while read line; do echo \"got $line\"; done", open),
        &spawns("deaf", 1),
        &spawns("reads", 1),
        &after_line("deaf", "deaf", &much),
        &after_line("deaf", "deaf", &much),
        &after_line("deaf", "deaf", &send("reads", "one")),
        &after_line("got one", "reads", "mark = \"it goes on\""),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    // Input that could not be sent has failed the run.
    ended.expect(1);
    assert_eq!(log.of("mark")[0]["text"], "it goes on");
    assert_eq!(text_of(&log, "ps#2"), "got one\n");
    let errors: Vec<_> = log.of("sent").into_iter().filter_map(|event| event["error"].as_str()).collect();
    let [full, deaf] = errors[..] else { panic!("{errors:?}") };
    assert!(full.contains("600001 bytes are waiting") || full.contains("600000 bytes are waiting"), "{full}");
    assert_eq!(deaf, "it reads its standard input no more");
    replays(&folder);
}

#[test]
fn text_is_sent_without_enter_and_an_input_ends() {
    let folder = Folder::new();
    let open = "stdin = \"open\"";
    let send = |rest: &str| format!("send = {{ to = \"reader\", {rest} }}");
    let text = [
        NO_TICK,
        &sh("reader", "echo ready; read -r line; echo \"got $line\"; cat; echo end", open),
        &spawns("reader", 1),
        &after_line("ready", "reader", &send("text = \"one \", enter = false")),
        &after_line("ready", "reader", &send("text = \"line\"")),
        &after_line("got", "reader", &send("text = \"the rest\", enter = false, close = true")),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    let ended = ended.expect(0);
    assert_eq!(text_of(&log, "ps#1"), "ready\ngot one line\nthe restend\n");
    let sent: Vec<_> =
        log.of("sent").iter().map(|sent| (sent["enter"].clone(), sent["close"].clone())).collect();
    assert_eq!(sent, [(false.into(), Value::Null), (Value::Null, Value::Null), (false.into(), true.into())]);
    assert!(ended.stderr.contains("< the rest (end of its input)"), "{}", ended.stderr);
    replays(&folder);
}

#[test]
fn nothing_is_sent_after_the_end_of_an_input() {
    let folder = Folder::new();
    let text = [
        NO_TICK,
        &sh("reader", "cat; echo end; exec sleep 600", "stdin = \"open\"\nbackground = true"),
        &spawns("reader", 1),
        &after_line("end", "reader", "send = { to = \"reader\", text = \"more\" }"),
        "[[timeline]]\nsend = { to = \"reader\", close = true }\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(1);
    let errors: Vec<_> = log.of("sent").into_iter().filter_map(|event| event["error"].as_str()).collect();
    assert_eq!(errors, ["the end of its standard input was sent already"]);
    replays(&folder);
}
