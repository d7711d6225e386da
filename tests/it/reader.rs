//! The reader on logs that are whole, cut short, damaged or changed by tools, and on bytes that are not a
//! log. Most of them are made from the logs of real runs in `tests/logs/`.

use crate::common::any_bytes::{Outcome, read};
use crate::common::logs::{lines, log, logs, with_sum};
use proptest::prelude::*;
use scenario_log::decode::LogRecord;
use scenario_log::encode::EventEncoder;
use scenario_log::reader::{LogReadError, LogReader};

fn all(bytes: &[u8]) -> Outcome {
    read(bytes, usize::MAX)
}

/// The line at fault in a damaged log, and the reason.
#[track_caller]
fn damage(bytes: &[u8]) -> (u64, String) {
    match all(bytes).end {
        Err(LogReadError::Damaged { line, what, .. }) => (line, what),
        other => panic!("no damage: {other:?}"),
    }
}

/// The last whole line of a log that is cut short, and the description of the bytes after it.
#[track_caller]
fn cut(bytes: &[u8]) -> (u64, Option<String>) {
    match all(bytes).end {
        Ok(Some(cut)) => (cut.last_line, cut.trailing),
        other => panic!("not cut short: {other:?}"),
    }
}

#[test]
fn every_log_of_a_real_run_is_read() {
    for (name, bytes) in logs() {
        let outcome = all(&bytes);
        assert_eq!(
            (outcome.lines, outcome.bytes),
            (lines(&bytes).len() as u64, bytes.len() as u64),
            "{name}"
        );
        let is_cut = outcome.end.unwrap_or_else(|fault| panic!("{name}: {fault:?}")).is_some();
        assert_eq!(is_cut, name == "cut_short", "{name}");
        let is_as_written = LogReader::new(&bytes[..]).is_intact();
        assert_eq!(is_as_written, (!is_cut).then_some(true), "{name}");
    }
}

#[test]
fn every_event_of_a_real_log_is_encoded_as_it_was_read() {
    for (name, bytes) in logs() {
        let mut reader = LogReader::new(&bytes[..]);
        let mut encoder = EventEncoder::default();
        while let Some(line) = reader.peek().unwrap() {
            let record = LogRecord::decode(line.bytes).unwrap();
            let event = record.event().unwrap().unwrap_or_else(|| panic!("{name}: {}", line.event_name()));
            encoder.encode(line.t, &event);
            let encoded = String::from_utf8(encoder.swap_buffer(Vec::new())).unwrap();
            // The log's writer closes the last line with the checksum.
            let end = if event.name() == "run.finished" { r#","crc32c":"00000000"}"#.len() } else { 0 };
            let read = &line.bytes[..line.bytes.len() - end];
            assert_eq!(encoded.trim_end_matches('\n'), String::from_utf8_lossy(read), "{name}");
            reader.advance();
        }
        assert!(encoder.event_count() > 0, "{name}");
    }
}

#[test]
fn cut_at_every_byte() {
    let whole = log("world");
    for length in 0..whole.len() {
        let bytes = &whole[..length];
        let mut reader = LogReader::new(bytes);
        while reader.peek().unwrap_or_else(|fault| panic!("{length}: {fault:?}")).is_some() {
            reader.advance();
        }
        let cut = reader.truncated_end().unwrap();
        let newlines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let at = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        assert_eq!((cut.last_line, cut.whole_bytes), (newlines, at as u64));
        assert_eq!(cut.trailing.is_some(), at < length, "{length}");
    }
}

#[test]
fn a_tail_of_zeros_or_garbage() {
    let mut whole = log("moments");
    let lines = lines(&whole).len() as u64;
    let with = |tail: &[u8]| [&whole[..], tail].concat();
    assert_eq!(cut(&with(&[0; 4096])), (lines, Some("4096 bytes of zeros".to_owned())));
    assert_eq!(cut(&with(&[0; 1 << 20])), (lines, Some("1048576 bytes of zeros".to_owned())));
    assert_eq!(cut(&with(b"\n")), (lines, Some("1 byte of something else".to_owned())));
    assert_eq!(cut(&with(b"\xff\xfe\n\x00x\n")), (lines, Some("6 bytes of something else".to_owned())));
    assert_eq!(cut(&with(b"{\"seq\":")), (lines, Some("7 bytes of something else".to_owned())));
    // The same tails before the end of the run.
    whole.truncate(whole.len() - 1);
    let torn = whole.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let tail = format!("a torn line of {} bytes", whole.len() - torn);
    assert_eq!(cut(&whole), (lines - 1, Some(tail)));
    whole.truncate(torn);
    whole.extend_from_slice(&[0; 100]);
    assert_eq!(cut(&whole), (lines - 1, Some("100 bytes of zeros".to_owned())));
}

#[test]
fn a_line_that_is_none_within_the_log_is_damage() {
    let whole = lines(&log("moments"));
    for (n, line) in whole.iter().enumerate().take(whole.len() - 1) {
        let number = n as u64 + 1;
        for (at, with) in [(0, 0), (3, b'Q'), (line.len() - 1, b' '), (line.len() - 2, b'\n'), (8, 0xff)] {
            let mut damaged = whole.clone();
            damaged[n][at] = with;
            let (line, what) = damage(&damaged.concat());
            assert_eq!(line, number, "{at}: {what}");
        }
    }
}

#[test]
fn a_line_removed_doubled_swapped() {
    let whole = lines(&log("moments"));
    for n in 0..whole.len() {
        let number = n as u64 + 1;
        let mut doubled = whole.clone();
        doubled.insert(n, whole[n].clone());
        assert_eq!(damage(&doubled.concat()).0, number + 1);
        let mut removed = whole.clone();
        removed.remove(n);
        match n + 1 < whole.len() {
            true => assert_eq!(damage(&removed.concat()).0, number),
            false => assert_eq!(cut(&removed.concat()), (n as u64, None)),
        }
        if n > 0 {
            let mut swapped = whole.clone();
            swapped.swap(n - 1, n);
            assert_eq!(damage(&swapped.concat()).0, number - 1);
        }
    }
    let mut removed = whole.clone();
    removed.remove(3);
    let Err(LogReadError::Damaged { what, help, .. }) = all(&removed.concat()).end else { panic!() };
    assert_eq!(what, "has seq 4 where 3 follows");
    assert_eq!(help.unwrap(), "a line was removed, doubled or moved, or two logs were put together");
}

#[test]
fn two_logs_in_one() {
    let (first, second) = (log("moments"), log("crowd"));
    let count = lines(&first).len() as u64;
    let (line, what) = damage(&[&first[..], &second].concat());
    assert_eq!(
        (line, &*what),
        (count + 1, &*format!("comes after the end of the run (`run.finished` is line {count})"))
    );
    // A log after one that was cut short, and a log in the middle of a torn line.
    assert_eq!(damage(&[&first[..900], &second].concat()).0, cut(&first[..900]).0 + 1);
    let short = log("cut_short");
    assert_eq!(damage(&[&short[..], &second].concat()).0, lines(&short).len() as u64 + 1);
}

#[test]
fn times_that_go_back() {
    let log = "{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1,\"name\":\"n\",\"seed\":1,\"clock\":\"real\",\"scenario\":{}}\n\
               {\"seq\":1,\"t\":2.000000000,\"event\":\"later.one\"}\n\
               {\"seq\":2,\"t\":1.999999999,\"event\":\"later.one\"}\n";
    let what = "has t 1.999999999, before the 2.000000000 of the line above";
    assert_eq!(damage(log.as_bytes()), (3, what.to_owned()));
    for t in ["-1.000000000", "2", "2.0", "2.0000000001", "02.000000000", "2e0", "\"2.000000000\"", "null"] {
        let (line, what) = damage(log.replace("1.999999999", t).as_bytes());
        let is_named =
            what.starts_with("has a `t` that is not a time") || what.starts_with("is not readable");
        assert!(line == 3 && is_named, "{t}: {what}");
    }
    for seq in ["02", "2.0", "-2", "18446744073709551616", "\"2\"", "null", ""] {
        let (line, what) = damage(log.replace("\"seq\":2", &format!("\"seq\":{seq}")).as_bytes());
        assert!(line == 3 && what.starts_with("is not readable"), "{seq}: {what}");
    }
}

#[test]
fn the_sum_is_that_of_all_bytes_before_it() {
    let whole = log("moments");
    let text = String::from_utf8(whole.clone()).unwrap();
    let count = lines(&whole).len() as u64;
    let (line, what) = damage(text.replace("got a word\"}", "got a wurd\"}").as_bytes());
    assert!(
        line == count && what.contains("crc32c") && what.ends_with("was changed after it was written"),
        "{what}"
    );
    let (line, what) = damage(text.replace(",\"crc32c\":\"", ",\"crc\":\"").as_bytes());
    assert_eq!((line, &*what), (count, "is the last, and does not end in its `crc32c`"));
}

#[test]
fn what_tools_do_to_logs_is_named() {
    let whole = log("moments");
    let text = String::from_utf8(whole.clone()).unwrap();
    for (format, shown) in [("2", 2), ("99999999999999999999999", u64::MAX)] {
        let newer = text.replacen("\"format\":1", &format!("\"format\":{format}"), 1);
        let unreadable = all(newer.as_bytes()).end.unwrap_err();
        assert_eq!((unreadable.kind(), unreadable.line()), ("newer", Some(1)));
        let what = format!("line 1 is of format {shown}; this release of scenario reads formats up to 1");
        assert_eq!(unreadable.to_string(), what);
    }
    let none = text.replacen("\"format\":1", "\"format\":\"1\"", 1);
    assert_eq!(damage(none.as_bytes()), (1, "does not state its format".to_owned()));
    assert_eq!(
        damage(text.replace('\n', "\r\n").as_bytes()),
        (1, "ends in CR LF, and not in LF alone".to_owned())
    );
    let bom = [b"\xef\xbb\xbf", &whole[..]].concat();
    assert_eq!(
        damage(&bom),
        (1, "begins with a byte order mark, which a tool has put there; a log has none".to_owned())
    );
    let wide =
        |order: fn(u16) -> [u8; 2]| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(order).collect();
    let utf16: [Vec<u8>; 2] = [wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    for bytes in utf16 {
        assert_eq!(damage(&bytes), (1, "is UTF-16; a log is UTF-8".to_owned()));
    }
    assert_eq!(damage(&[0x1f, 0x8b, 8, 0, 1, 2, 3]), (1, "is compressed (gzip)".to_owned()));
    assert_eq!(damage(&[0x28, 0xb5, 0x2f, 0xfd, 4, 0]), (1, "is compressed (zstd)".to_owned()));
}

#[test]
fn what_is_no_log_is_named() {
    let scenario = include_str!("../logs/scenarios/moments.toml");
    for text in
        [scenario.to_owned(), scenario.replace('\n', "\r\n"), format!("{}{scenario}", "#\n".repeat(9_000))]
    {
        assert_eq!(damage(text.as_bytes()).1, "is not a line of a log; this looks like a scenario file");
    }
    for at_once in [1, 3, 100] {
        assert_eq!(read(scenario.as_bytes(), at_once), all(scenario.as_bytes()));
    }
    for text in ["hello", "hello\n", "{}\n", "{\"event\":\"move\"}\n", " {\"seq\":0}\n", "[1,\n2]"] {
        assert_eq!(damage(text.as_bytes()).1, "is not a line of a log; a log begins with `{\"seq\":0,`");
    }
    assert_eq!(damage(b"\n").1, "is empty; a log begins with `run.started`");
    assert_eq!(damage(&[0; 1 << 20]).1, "is made of zeros; a log begins with `run.started`");
    let rest = lines(&log("moments"))[4..].concat();
    assert_eq!(damage(&rest), (1, "is seq 4 of a log; its beginning (`run.started`) is missing".to_owned()));
    assert_eq!(cut(b""), (0, None));
    assert_eq!(cut(b"{\"seq\":0,\"t\":0.0"), (0, Some("a torn line of 16 bytes".to_owned())));
}

#[test]
fn a_reason_that_quotes_a_line_is_short() {
    let log = format!("{{\"seq\":\"{}\"}}\n", "é".repeat(100_000));
    let (line, what) = damage(log.as_bytes());
    assert!(line == 1 && what.chars().count() <= 301 && what.ends_with('…'), "{what}");
}

/// A stream of one repeated byte. Its reader must not gather more than a piece of it.
struct Stream(u8, usize);

impl std::io::Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        assert!(buffer.len() <= 1 << 20);
        let count = buffer.len().min(self.1);
        buffer[..count].fill(self.0);
        self.1 -= count;
        Ok(count)
    }
}

#[test]
fn what_has_no_line_is_not_gathered() {
    let mut reader = LogReader::new(Stream(b'x', usize::MAX));
    assert!(reader.peek().is_err());
    let first = lines(&log("empty")).swap_remove(0);
    let mut reader = LogReader::new(std::io::Read::chain(&first[..], Stream(0, 16 << 20)));
    assert!(reader.peek().unwrap().is_some());
    reader.advance();
    assert!(reader.peek().unwrap().is_none());
    assert_eq!(reader.truncated_end().unwrap().trailing.as_deref(), Some("16777216 bytes of zeros"));
}

#[test]
fn a_source_that_fails_is_named_in_its_words() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let first = lines(&log("empty")).swap_remove(0);
    let mut reader = LogReader::new(std::io::Read::chain(&first[..], Failing));
    assert!(reader.peek().unwrap().is_some());
    reader.advance();
    for _ in 0..2 {
        assert_eq!(reader.peek().unwrap_err(), LogReadError::Io("the disk is gone".to_owned()));
    }
}

#[test]
fn a_byte_at_a_time_gives_the_same() {
    for (name, bytes) in logs() {
        assert_eq!(read(&bytes, 1), all(&bytes), "{name}");
    }
    let whole = log("moments");
    for tail in [&b"xx\n{\"seq\":3}\n"[..], b"\0\0\0", b"x", b"\n\n\n", b"{\"se\n{\"se\n{\"seq\":1"] {
        let bytes = [&lines(&whole)[..5].concat(), tail].concat();
        assert_eq!(read(&bytes, 1), all(&bytes));
    }
}

#[test]
fn what_a_later_release_added_is_passed_over() {
    let whole = lines(&log("empty"));
    for own in
        ["", ",\"n\":\"text\"", ",\"code\":{\"of\":[1]},\"source\":\"world#1\"", ",\"text\":1,\"base64\":2"]
    {
        let later = format!("{{\"seq\":1,\"t\":0.000000000,\"event\":\"later\"{own}}}\n");
        let last = String::from_utf8(whole[1].clone()).unwrap().replace("\"seq\":1", "\"seq\":2");
        let bytes = with_sum(&[whole[0].clone(), later.into_bytes(), last.into_bytes()]);
        assert_eq!(all(&bytes).end, Ok(None), "{own}");
        crate::common::any_bytes::check(&bytes);
    }
}

/// Bytes that are nearly a log: parts of real logs, with other bytes between them.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let whole: Vec<Vec<u8>> = logs().iter().flat_map(|(_, bytes)| lines(bytes)).collect();
    let some: Vec<Vec<u8>> = lines(&log("output")).into_iter().chain(lines(&log("fetches"))).collect();
    let part = prop_oneof![
        6 => prop::sample::select(whole),
        2 => (prop::sample::select(some), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
            let at = at.index(line.len());
            line[at] = byte;
            line
        }),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => "[{}\\[\\]\":,a-z0-9.\\\\\n]{0,60}".prop_map(String::into_bytes),
        1 => Just(b"{\"seq\":".to_vec()),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), at_once in 1usize..50) {
        prop_assert_eq!(read(&bytes, at_once), all(&bytes));
        crate::common::any_bytes::check(&bytes);
    }

    #[test]
    fn nearly_a_log(bytes in nearly(), at_once in 1usize..200) {
        prop_assert_eq!(read(&bytes, at_once), all(&bytes));
        crate::common::any_bytes::check(&bytes);
    }

    #[test]
    fn a_log_with_damage(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (_, mut bytes) = logs().swap_remove(which.index(logs().len()));
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        crate::common::any_bytes::check(&bytes);
    }
}
