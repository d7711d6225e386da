//! Compares generated logs: equal runs in another order, and the effect of an edit.

use proptest::prelude::*;

use super::*;

/// The first line after `t`.
const START: &str = r#""event":"run.started","format":1,"generator":"scenario","name":"s","seed":1,"clock":"virtual","scenario":{}}"#;

/// A log of these events, each given from its name on, with a first line, and with a last line if it has an
/// `outcome`. The moments are a nanosecond apart.
fn log(events: &[String], outcome: Option<&str>) -> Vec<u8> {
    let line = |seq: usize, own: &str| format!("{{\"seq\":{seq},\"t\":0.{seq:09},\"event\":{own}\n");
    let start = START.strip_prefix("\"event\":").unwrap();
    let mut bytes = line(0, start).into_bytes();
    for (seq, own) in (1..).zip(events) {
        bytes.extend(line(seq, own).bytes());
    }
    if let Some(outcome) = outcome {
        let sum = crc32c::crc32c(&bytes);
        let own = format!(
            r#""run.finished","outcome":"{outcome}","spawned":0,"exited":0,"fetched":0,"moves":0,"lines":0,"lateness":{{"p50":0.000000000,"p99":0.000000000,"max":0.000000000}},"took":0.000000000,"crc32c":"{sum:08x}"}}"#
        );
        bytes.extend(line(events.len() + 1, &own).bytes());
    }
    bytes
}

fn compared(level: DiffLevel, left: &[u8], right: &[u8]) -> LogComparison {
    let logs =
        [left, right].map(|bytes| DiffInput { reader: LogReader::new(bytes), is_gone_once_read: true });
    compare(level, logs).unwrap()
}

fn at_source(left: &[String], right: &[String]) -> LogComparison {
    compared(DiffLevel::Source, &log(left, Some("passed")), &log(right, Some("passed")))
}

/// The lines of the first difference.
fn lines(comparison: &LogComparison) -> PerSide<Option<u64>> {
    comparison.first_difference.as_ref().unwrap().lines.each_ref().map(|place| Some(place.as_ref()?.number))
}

fn started(source: u32, preset: &str) -> String {
    format!(
        r##""spawn.started","due":0.000000000,"source":"ps#{source}","preset":"{preset}","entry":"#1","pid":{source}}}"##
    )
}

fn line(source: u32, stream: &str, text: &str) -> String {
    format!(r#""line","source":"ps#{source}","stream":"{stream}","text":"{text}"}}"#)
}

fn moved(source: u32, player: &str, direction: &str) -> String {
    format!(
        r#""move","due":0.000000000,"source":"ps#{source}","player":"{player}","direction":"{direction}"}}"#
    )
}

fn exited(source: u32, code: u32) -> String {
    format!(r#""spawn.exited","source":"ps#{source}","code":{code},"ok":true,"running":{source}}}"#)
}

fn mark(text: &str) -> String {
    format!(r#""mark","due":0.000000000,"text":"{text}"}}"#)
}

fn tick(n: u32) -> String {
    format!(r#""clock.tick","due":0.000000000,"n":{n}}}"#)
}

#[test]
fn sources_are_known_by_what_they_are_and_not_by_their_number() {
    let left = [started(1, "a"), started(2, "b"), line(1, "stdout", "x"), exited(2, 0), exited(1, 0)];
    let right = [started(1, "b"), exited(1, 0), started(2, "a"), line(2, "stdout", "x"), exited(2, 0)];
    let comparison = at_source(&left, &right);
    assert!(comparison.is_same);
    // The lifecycles of both spawns, the stdout of one, and the timeline.
    assert_eq!(comparison.sequences, Some((4, 0)));
    assert!(!compared(DiffLevel::Exact, &log(&left, None), &log(&right, None)).is_same);
    let right = [&right[..3], &[line(2, "stderr", "x"), exited(2, 0)]].concat();
    let comparison = at_source(&left, &right);
    let first = comparison.first_difference.as_ref().unwrap();
    assert_eq!(lines(&comparison), [Some(4), None]);
    assert_eq!(
        first.sequence.as_ref().unwrap().to_string(),
        "stdout of ps#1, then ps#2 (preset a, entry #1)",
        "the stderr is missing in the left log, and so comes last"
    );
    assert_eq!(comparison.sequences, Some((5, 2)));
}

#[test]
fn spawns_of_one_entry_are_distinguished_by_their_order() {
    let one = [started(1, "a"), started(2, "a"), exited(1, 1), exited(2, 2)];
    let other = [started(1, "a"), started(2, "a"), exited(2, 1), exited(1, 2)];
    let comparison = at_source(&one, &other);
    assert_eq!(lines(&comparison), [Some(4), Some(5)]);
    let second = [started(1, "a"), started(2, "a"), exited(1, 1), exited(2, 3)];
    let comparison = at_source(&one, &second);
    let of = comparison.first_difference.unwrap().sequence.unwrap().to_string();
    assert_eq!(of, "ps#2 (preset a, entry #1, number 2 of these)");
}

#[test]
fn the_first_difference_is_that_of_the_left_log() {
    // The second player's difference is found first, and comes after the first one's.
    let left = [started(1, "a"), moved(1, "p", "N"), moved(1, "q", "N")];
    let right = [started(1, "a"), moved(1, "q", "S"), mark("x"), mark("y"), moved(1, "p", "S")];
    let comparison = at_source(&left, &right);
    assert_eq!(lines(&comparison), [Some(3), Some(6)]);
    assert_eq!(comparison.sequences.unwrap().1, 3);
    let text = text::render_text(&comparison, ["a", "b\x1b"], false);
    assert!(text.contains("first in player p of ps#1 (preset a, entry #1):\n --> a:3\n"), "{text}");
    assert!(text.contains(" --> b\\x1b:6\n") && text.contains("  = direction: N, then S\n"), "{text}");
    assert!(text.contains("mark                     0            2           +2\n"), "{text}");
}

#[test]
fn times_of_an_answer_do_not_count_and_its_other_headers_do() {
    let answer = |date: &str, server: &str| {
        format!(
            r#""fetch.responded","source":"get#1","status":200,"version":"HTTP/1.1","headers":{{"date":"{date}","server":"{server}"}}}}"#
        )
    };
    assert!(at_source(&[answer("1", "x")], &[answer("2", "x")]).is_same);
    let comparison = at_source(&[answer("1", "x")], &[answer("2", "y")]);
    let keys = differing_fields::differing_fields(comparison.first_difference.as_ref().unwrap());
    assert_eq!(keys, [("headers.server".to_owned(), [Some("x".to_owned()), Some("y".to_owned())])]);
}

#[test]
fn counts_alone_are_compared_in_a_summary() {
    let left = [started(1, "a"), line(1, "stdout", "x"), exited(1, 0)];
    let right = [started(1, "a"), line(1, "stdout", "y"), exited(1, 0), tick(0)];
    let of = |left: &[String], right: &[String]| {
        compared(DiffLevel::Summary, &log(left, Some("passed")), &log(right, Some("passed")))
    };
    assert!(of(&left, &right).is_same);
    let typed = r#""input","text":"a","accepted":true}"#.to_owned();
    let pause = [r#""run.paused"}"#, r#""run.resumed","took":1.000000000}"#].map(str::to_owned);
    let comparison = of(&left, &[&left[..], &[typed], &pause].concat());
    assert!(comparison.is_same, "what was typed is no outcome, and a pause is none");
    assert_eq!(comparison.events[0], comparison.events[1]);
    let right = [started(1, "a"), line(1, "stdout", "y"), exited(1, 3)];
    let comparison = of(&left, &right);
    assert!(!comparison.is_same && comparison.first_difference.is_none());
    let text = text::render_text(&comparison, ["a", "b"], false);
    assert!(text.contains("preset a: code 0            1            0           -1\n"), "{text}");
    let failed = compared(DiffLevel::Summary, &log(&left, Some("passed")), &log(&left, Some("failed")));
    assert!(!failed.is_same);
}

#[test]
fn what_the_missing_end_of_a_log_could_tell_is_no_difference() {
    let all = [started(1, "a"), moved(1, "p", "N"), moved(1, "p", "S"), exited(1, 0)];
    let whole = log(&all, Some("passed"));
    let cut = log(&all[..2], None);
    let other = log(&[started(1, "a"), moved(1, "p", "E")], None);
    for level in [DiffLevel::Exact, DiffLevel::Source, DiffLevel::Summary] {
        for (left, right) in [(&whole, &cut), (&cut, &whole)] {
            let comparison = compared(level, left, right);
            assert!(comparison.is_same, "{level:?}");
            assert_eq!(comparison.cuts.iter().flatten().map(|cut| cut.last_line).collect::<Vec<_>>(), [3]);
        }
        assert_eq!(compared(level, &other, &whole).is_same, level == DiffLevel::Summary);
    }
    // More events than the whole log has are a difference, cut or not.
    let more = log(&[all.as_slice(), &[mark("x")]].concat(), None);
    assert!(!compared(DiffLevel::Summary, &more, &whole).is_same);
    assert!(!compared(DiffLevel::Source, &more, &whole).is_same);
}

#[test]
fn damage_is_named_with_its_log_and_its_line() {
    let whole = log(&[mark("x")], Some("passed"));
    let damaged = log(&[mark("x"), r#""mark","due":0.000000000}"#.to_owned()], Some("passed"));
    let logs = [&whole, &damaged]
        .map(|bytes| DiffInput { reader: LogReader::new(&bytes[..]), is_gone_once_read: true });
    let (side, unreadable) = compare(DiffLevel::Exact, logs).unwrap_err();
    assert_eq!((side, unreadable), (DiffSide::Right, LogReadError::damaged(3, "has no `text`")));
}

/// What a preset of a generated run does.
#[derive(Clone, Debug)]
struct Does {
    /// The directions of its two players, and the lines of its two outputs.
    parts: [Vec<u8>; 4],
    code: u8,
}

fn runs() -> impl Strategy<Value = Vec<Does>> {
    let part = || prop::collection::vec(0u8..4, 0..5);
    let does = ([part(), part(), part(), part()], 0u8..3).prop_map(|(parts, code)| Does { parts, code });
    prop::collection::vec(does, 1..5)
}

/// The events of these presets, each once, interleaved as the picks say.
fn interleaved(run: &[Does], picks: &[usize]) -> Vec<String> {
    let mut picks = picks.iter().copied().cycle();
    let mut pick = |count: usize| picks.next().unwrap_or_default() % count;
    let mut left: Vec<(usize, Option<u32>, Does)> =
        run.iter().cloned().enumerate().map(|(n, does)| (n, None, does)).collect();
    let (mut events, mut numbers) = (Vec::new(), 1..);
    while !left.is_empty() {
        let at = pick(left.len());
        let (n, number, does) = &mut left[at];
        let Some(number) = *number else {
            *number = numbers.next();
            events.push(started(number.unwrap(), &format!("preset-{n}")));
            continue;
        };
        let open: Vec<usize> = (0..4).filter(|part| !does.parts[*part].is_empty()).collect();
        if open.is_empty() {
            events.push(exited(number, u32::from(does.code)));
            left.remove(at);
            continue;
        }
        let part = open[pick(open.len())];
        let what = does.parts[part].remove(0);
        events.push(match part {
            0 | 1 => moved(number, ["ann", "bob"][part], ["N", "S", "E", "W"][usize::from(what)]),
            _ => line(number, ["stdout", "stderr"][part - 2], &what.to_string()),
        });
        if pick(3) == 0 {
            events.push(tick(events.len() as u32));
        }
    }
    events
}

/// Changes one key that counts, of an event that is not a tick; returns its line.
fn edited(events: &mut [String], at: usize) -> u64 {
    let counting: Vec<usize> =
        (0..events.len()).filter(|n| !events[*n].starts_with("\"clock.tick\"")).collect();
    let at = counting[at % counting.len()];
    let edits = [
        ("\"direction\":\"N\"", "\"direction\":\"S\""),
        ("\"direction\":\"", "\"direction\":\"N\",\"was\":\""),
        ("\"text\":\"", "\"text\":\"+"),
        ("\"code\":", "\"code\":1"),
        ("\"entry\":\"#1\"", "\"entry\":\"#2\""),
    ];
    let (from, to) = edits.iter().find(|(from, _)| events[at].contains(from)).unwrap();
    events[at] = events[at].replacen(from, to, 1);
    at as u64 + 2
}

proptest! {
    #[test]
    fn any_interleaving_is_the_same(
        run in runs(),
        one in prop::collection::vec(any::<usize>(), 1..60),
        other in prop::collection::vec(any::<usize>(), 1..60),
    ) {
        let (left, right) = (interleaved(&run, &one), interleaved(&run, &other));
        let comparison = at_source(&left, &right);
        prop_assert!(comparison.is_same, "{}", text::render_text(&comparison, ["a", "b"], false));
        prop_assert!(compared(DiffLevel::Summary, &log(&left, None), &log(&right, None)).is_same);
    }

    #[test]
    fn any_edit_is_a_difference(
        run in runs(),
        one in prop::collection::vec(any::<usize>(), 1..60),
        other in prop::collection::vec(any::<usize>(), 1..60),
        at: usize,
    ) {
        let (mut left, right) = (interleaved(&run, &one), interleaved(&run, &other));
        let line = edited(&mut left, at);
        let comparison = at_source(&left, &right);
        prop_assert!(!comparison.is_same);
        prop_assert_eq!(lines(&comparison)[0], Some(line));
        let text = text::render_text(&comparison, ["a", "b"], true);
        prop_assert!(!text.is_empty());
    }

    #[test]
    fn an_event_that_is_missing_is_a_difference(
        run in runs(),
        picks in prop::collection::vec(any::<usize>(), 1..60),
        at: usize,
    ) {
        let left = interleaved(&run, &picks);
        let mut right = left.clone();
        let at = at % left.len();
        prop_assume!(!right.remove(at).starts_with("\"clock.tick\""));
        prop_assert!(!at_source(&left, &right).is_same);
        prop_assert!(!at_source(&right, &left).is_same);
    }

    #[test]
    fn a_log_is_the_same_as_itself(
        run in runs(),
        picks in prop::collection::vec(any::<usize>(), 1..60),
        cut: prop::sample::Index,
    ) {
        let whole = log(&interleaved(&run, &picks), Some("passed"));
        for level in [DiffLevel::Exact, DiffLevel::Source, DiffLevel::Summary] {
            prop_assert!(compared(level, &whole, &whole).is_same);
            // Cut at any byte, it is the same as far as it goes.
            let cut = &whole[..START.len() + 40 + cut.index(whole.len() - START.len() - 40)];
            prop_assert!(compared(level, &whole, cut).is_same);
        }
    }

    #[test]
    fn any_bytes_are_compared_or_refused(
        run in runs(),
        at: prop::sample::Index,
        bytes in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let whole = log(&interleaved(&run, &[1]), Some("passed"));
        let mut other = whole.clone();
        let at = at.index(other.len());
        other.splice(at..(at + bytes.len()).min(whole.len()), bytes);
        for level in [DiffLevel::Exact, DiffLevel::Source, DiffLevel::Summary] {
            let logs = [&whole, &other].map(|bytes| DiffInput { reader: LogReader::new(&bytes[..]), is_gone_once_read: true });
            if let Ok(comparison) = compare(level, logs) {
                prop_assert!(text::render_text(&comparison, ["a", "b"], false).ends_with('\n'));
                let json = json::render_json(&comparison, ["a", "b"]);
                prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
            }
        }
    }
}
