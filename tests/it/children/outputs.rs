//! The outputs of programs.

use std::collections::BTreeMap;

use crate::children::{NO_TICK, after_line, exit_of, output_of, replays, scenario, sh, spawns};
use crate::common::Folder;

/// Prints the peak memory so far, in kB, of the parent of a program on GNU/Linux.
const PEAK: &str = "grep VmHWM /proc/$PPID/status";

#[test]
fn an_endless_line_arrives_whole_and_memory_stays_flat() {
    let folder = Folder::new();
    let script = format!("head -c 64000000 /dev/zero | tr '\\0' x; echo; {PEAK}");
    let (ended, log) = folder.run(&scenario(&script, 1, ""), &[]);
    ended.expect(0);
    let lines = log.of("line");
    let [parts @ .., peak] = &lines[..] else { panic!("nothing was logged") };
    let length: usize = parts.iter().map(|part| part["text"].as_str().unwrap().len()).sum();
    assert_eq!(length, 64_000_000);
    assert!(parts.iter().rev().skip(1).all(|part| part["partial"] == true));
    let peak = peak["text"].as_str().unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 100_000, "{peak}");
}

#[test]
fn every_byte_is_in_the_log_as_it_came_and_visible_on_the_screen() {
    let folder = Folder::new();
    // A pause between the two bytes of an é makes two reads.
    let script =
        r"printf 'a\0b\r\n\033[31mred\033[0m\n\377\376\n\303'; sleep 0.05; printf '\251\none\ntwo\n\nlast'";
    let both = format!("({script}); ({script}) >&2");
    let (ended, log) = folder.run(&scenario(&both, 1, ""), &[]);
    let ended = ended.expect(0);
    let wanted = b"a\0b\r\n\x1b[31mred\x1b[0m\n\xff\xfe\n\xc3\xa9\none\ntwo\n\nlast\n";
    for stream in ["stdout", "stderr"] {
        assert_eq!(output_of(&log, "ps#1", stream), wanted, "{stream}");
    }
    for shown in [r"a\x00b\r", r"\x1b[31mred\x1b[0m", r"\xff\xfe", "é", "last"] {
        for mark in ['|', '!'] {
            let line = format!("{mark} {shown}");
            assert!(ended.stderr.lines().any(|shown| shown.ends_with(&line)), "{line}: {}", ended.stderr);
        }
    }
    assert!(!ended.stderr.chars().any(|c| c != '\n' && c.is_control()), "{:?}", ended.stderr);
    replays(&folder);
}

#[test]
fn any_bytes_are_in_the_log_as_they_came() {
    let folder = Folder::new();
    let script = "head -c 1000000 /dev/urandom | tee given; echo";
    let (ended, log) = folder.run(&scenario(script, 1, "max_line = \"100B\""), &[]);
    let ended = ended.expect(0);
    let mut given = std::fs::read(folder.path().join("given")).unwrap();
    given.push(b'\n');
    assert!(output_of(&log, "ps#1", "stdout") == given);
    assert!(!ended.stderr.chars().any(|c| c != '\n' && c.is_control()));
    replays(&folder);
}

#[test]
fn closed_outputs_are_not_taken_for_the_exit() {
    let folder = Folder::new();
    let script = "echo one; exec >&- 2>&-; read line; exit 5";
    let send = "at = \"700ms\"\nsend = { to = \"p\", text = \"go\" }";
    let text = scenario(script, 1, "stdin = \"open\"\nexits = 5") + &after_line("one", "p", send);
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_eq!(log.names(), ["run.started", "spawn.started", "line", "sent", "spawn.exited", "run.finished"]);
    assert_eq!(exit_of(&log, "p")["code"], 5);
    replays(&folder);
}

#[test]
fn a_flood_on_one_output_does_not_drown_the_other() {
    let folder = Folder::new();
    // More than a pipe holds: a program that is not read stops.
    let flood = "head -c 4000000 /dev/zero | tr '\\0' x | fold -w 1000";
    let text = [
        NO_TICK,
        &sh("err", &format!("({flood}) >&2; echo; echo done"), ""),
        &sh("out", &format!("{flood}; echo; echo done >&2"), ""),
        &spawns("err", 1),
        &spawns("out", 1),
    ];
    let (ended, log) = folder.run(&text.concat(), &["-q"]);
    ended.expect(0);
    for (source, flooded, quiet) in [("ps#1", "stderr", "stdout"), ("ps#2", "stdout", "stderr")] {
        let flood = output_of(&log, source, flooded);
        assert_eq!(flood.iter().filter(|byte| **byte == b'x').count(), 4_000_000, "{source}");
        assert!(output_of(&log, source, quiet).ends_with(b"done\n"), "{source}");
    }
    replays(&folder);
}

#[test]
fn sixteen_producers_lose_nothing_and_keep_their_order() {
    let folder = Folder::new();
    let (ended, log) = folder.run(&scenario("seq 3000; seq 3000 >&2", 16, ""), &["-q"]);
    ended.expect(0);
    // The next number of each output.
    let mut next: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for line in log.of("line") {
        let [source, stream, text] = ["source", "stream", "text"].map(|key| line[key].as_str().unwrap());
        let number = next.entry((source, stream)).or_insert(1);
        assert_eq!(text.parse(), Ok(*number), "{source} {stream}");
        *number += 1;
    }
    assert!(next.len() == 32 && next.values().all(|next| *next == 3_001), "{next:?}");
    replays(&folder);
}

/// A scenario of a program that waits for the log's first line, and then does something to the log.
fn to_our_log(what: &str) -> String {
    scenario(&format!("while ! test -s log.jsonl; do sleep 0.01; done; {what}"), 1, "")
}

#[test]
fn damage_by_a_program_that_writes_to_the_log_is_found() {
    // Writes over the lines that are there, and removes them.
    for damage in [
        "printf XXXX | dd of=log.jsonl conv=notrunc bs=1 seek=30 2>&1",
        ": >log.jsonl",
        "rm log.jsonl; : >log.jsonl",
    ] {
        let folder = Folder::new();
        folder.file("s.toml", to_our_log(damage));
        folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).end();
        let said = folder.scenario(&["replay", "log.jsonl"]).end().expect(5).stderr;
        assert!(said.contains("log.jsonl"), "{damage}: {said}");
    }
}

#[test]
fn a_log_that_a_program_appends_to_is_written_anew() {
    let folder = Folder::new();
    folder.file("s.toml", to_our_log("echo '{\"seq\":1}' >>log.jsonl"));
    let said = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).end().expect(4).stderr;
    assert!(said.contains("the whole log is log-2.jsonl"), "{said}");
    folder.scenario(&["replay", "log-2.jsonl"]).end().expect(0);
}
