//! Logs that were cut short or damaged: never accepted, and the line is named.

use proptest::prelude::*;

use crate::common::Folder;
use crate::common::logs::{lines, log, logs};
use crate::replay::{Found, find};

#[test]
fn cut_at_every_byte() {
    let whole = log("moments");
    for length in 0..whole.len() {
        assert_eq!(find(&whole[..length]), Found::CutShort, "{length}");
    }
}

#[test]
fn the_program_names_the_cut() {
    let whole = log("typed");
    let folder = Folder::new();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &whole).map(|at| at + 1).collect();
    // Around the ends of some lines, and within them.
    let sample = ends.iter().step_by(40).flat_map(|end| [end - 1, *end, end + 1, end + 60]);
    for length in [0, 1].into_iter().chain(sample).filter(|length| *length < whole.len()) {
        folder.file("cut.jsonl", &whole[..length]);
        let line = ends.iter().filter(|end| **end <= length).count();
        let at = ends.iter().rev().find(|end| **end <= length).copied().unwrap_or(0);
        let named = match line {
            0 => "nothing was logged".to_owned(),
            _ => format!("it ends after line {line}, at byte {at}"),
        };
        for (arguments, code) in
            [(&["replay", "cut.jsonl"][..], 5), (&["replay", "--allow-incomplete", "cut.jsonl"], 0)]
        {
            // A log in which nothing was logged is never as expected.
            let ended = folder.scenario(arguments).end().expect(if line == 0 { 5 } else { code });
            assert!(ended.stderr.contains(&named), "{length}: {}", ended.stderr);
        }
    }
    for (tail, named) in
        [(&[0; 4096][..], "4096 bytes of zeros"), (b"\xff\x1b[2J\n?", "7 bytes of something else")]
    {
        folder.file("cut.jsonl", [&whole[..ends[20]], tail].concat());
        let ended = folder.scenario(&["replay", "cut.jsonl"]).end().expect(5);
        assert!(ended.stderr.contains("after line 21") && ended.stderr.contains(named), "{}", ended.stderr);
    }
}

#[test]
fn a_line_removed_doubled_swapped_or_of_another_log() {
    let whole = lines(&log("moments"));
    let folder = Folder::new();
    let mut removed = whole.clone();
    removed.remove(5);
    let mut doubled = whole.clone();
    doubled.insert(5, whole[5].clone());
    let mut swapped = whole.clone();
    swapped.swap(5, 6);
    let mut two = whole.clone();
    two.extend(lines(&log("crowd")));
    for (lines, at) in [(removed, 6), (doubled, 7), (swapped, 6), (two, whole.len() + 1)] {
        folder.file("l.jsonl", lines.concat());
        let ended = folder.scenario(&["replay", "--allow-incomplete", "l.jsonl"]).end().expect(5);
        assert!(ended.stderr.contains(&format!("line {at} ")), "{at}: {}", ended.stderr);
    }
}

#[test]
fn another_format_and_other_line_ends_are_named() {
    let text = String::from_utf8(log("moments")).unwrap();
    let folder = Folder::new();
    for (changed, named) in [
        (text.replacen("\"format\":1", "\"format\":2", 1), "line 1 is of format 2"),
        (text.replace('\n', "\r\n"), "line 1 ends in CR LF"),
        (format!("\u{feff}{text}"), "line 1 begins with a byte order mark"),
        (include_str!("../../logs/scenarios/moments.toml").to_owned(), "looks like a scenario file"),
    ] {
        folder.file("l.jsonl", changed);
        let ended = folder.scenario(&["replay", "l.jsonl"]).end().expect(5);
        assert!(ended.stderr.contains(named), "{}", ended.stderr);
    }
    let ended = folder.scenario(&["replay", "no-such.jsonl"]).end().expect(4);
    assert!(ended.stderr.contains("no-such.jsonl: No such file"), "{}", ended.stderr);
    folder.scenario(&["replay", "."]).end().expect(4);
    folder.scenario(&["replay"]).end().expect(2);
}

/// A few bytes order ten thousand starts each, and no line tells of one: nothing of that may be kept
/// without a bound.
#[test]
fn starts_without_end_are_refused() {
    let first = r#"{"seq":0,"t":0.000000000,"event":"run.started","format":1,"generator":"scenario","name":"n","seed":1,"clock":"real","started_at":"","scenario":{"name":"n","tick":"0s","presets":{"p":{"command":["true"]}},"timeline":[{"at":"1h","mark":"m"}]}}"#;
    let mut log = format!("{first}\n");
    for seq in 1..300 {
        log += &format!(
            "{{\"seq\":{seq},\"t\":0.000000000,\"event\":\"input\",\"text\":\"spawn p x10000\",\"accepted\":true}}\n"
        );
    }
    let Found::Damaged(202, what) = find(log.as_bytes()) else { panic!("{:?}", find(log.as_bytes())) };
    assert_eq!(what, "is where more than 2000000 starts are ordered that no line records");
}

#[test]
fn the_program_says_of_any_bytes_what_they_are_not() {
    let folder = Folder::new();
    let mut state = 7u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let mut some: Vec<Vec<u8>> = (0..20).map(|n| (0..n * 50 + 1).map(|_| byte()).collect()).collect();
    some.push(b"\x1b]52;c;aGk=\x07\x1b[2J\n".to_vec());
    some.push(
        b"{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1,\"x\":\"\x1b[31m\"}\n".to_vec(),
    );
    some.push(b"{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1,\"scenario\":{\"name\":\"\\u001b[31m\xe2\x80\xae\"},\"name\":\"n\",\"seed\":1,\"clock\":\"virtual\"}\n".to_vec());
    some.push("[".repeat(100_000).into_bytes());
    some.push(
        format!("{{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"x\":{}\n", "[".repeat(100_000))
            .into_bytes(),
    );
    for (n, bytes) in some.iter().enumerate() {
        folder.file("l.jsonl", bytes);
        let ended = folder.scenario(&["replay", "l.jsonl"]).end();
        // One of them says two things in its first line.
        assert!(matches!(ended.code, Some(3 | 5)), "{n}: {ended:?}");
        assert!(ended.stderr.contains("l.jsonl"), "{n}: {}", ended.stderr);
        let acts = |c: char| c != '\n' && scenario_log::sanitize::is_unsafe_char(c);
        assert!(!ended.stderr.chars().any(acts), "{n}: {:?}", ended.stderr);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Every line of every log is as likely, whatever its length.
    #[test]
    fn a_bit_flipped_anywhere_is_never_accepted(
        which in any::<prop::sample::Index>(),
        line in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let logs = logs();
        let (name, whole) = &logs[which.index(logs.len())];
        let mut lines = lines(whole);
        let line = line.index(lines.len());
        let at = at.index(lines[line].len());
        lines[line][at] ^= 1 << bit;
        match find(&lines.concat()) {
            Found::Same => prop_assert!(false, "{name}: line {}, byte {at}, bit {bit} was accepted", line + 1),
            Found::CutShort => prop_assert!(name == "cut_short" || line + 1 == lines.len()),
            Found::Different(found) | Found::Damaged(found, _) => prop_assert!(found > line as u64),
        }
    }
}
