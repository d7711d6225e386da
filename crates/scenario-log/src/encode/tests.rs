//! The encoder: the form of lines, and that both ways to encode an event give the same bytes.

use super::*;
use crate::event::{ClockKind, Direction, MoveDirection};
use crate::time::NANOS_PER_SECOND;

fn written(t: u64, event: &Event<'_>) -> String {
    let mut encoder = EventEncoder::default();
    encoder.encode(Moment(t), event);
    String::from_utf8(encoder.swap_buffer(Vec::new())).unwrap()
}

#[test]
fn times_have_nine_decimals() {
    for nanoseconds in [0, 1, 999_999_999, NANOS_PER_SECOND, 12_345_678_901, u64::MAX] {
        let seconds = EncodedSeconds::new(nanoseconds);
        let mut bytes = Vec::new();
        seconds.push_to(&mut bytes);
        assert_eq!(String::from_utf8(bytes), Ok(Moment(nanoseconds).to_string()));
    }
}

#[test]
fn a_move_has_its_keys_in_order() {
    let player = PlayerName { prefix: "john-", number: Some(12), suffix: "" };
    let source = Source::Spawn(3);
    let event = Event::Move { due: Some(Moment(5)), source, player, direction: Direction::W.into() };
    let wanted = r#"{"seq":0,"t":1.500000000,"event":"move","due":0.000000005,"source":"ps#3","player":"john-12","direction":"W"}"#;
    assert_eq!(written(1_500_000_000, &event), format!("{wanted}\n"));
}

#[test]
fn a_player_and_a_direction_of_any_text_come_back() {
    let player = PlayerName { prefix: "\"Miss\" \\ Čeda ", number: Some(7), suffix: "\"" };
    let source = Source::Spawn(3);
    let event = Event::Move { due: None, source, player, direction: MoveDirection::Word("\"↑\\") };
    let line = written(0, &event);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["player"], player.to_string());
    assert_eq!(value["direction"], "\"↑\\");
    let record = crate::decode::LogRecord::decode(line.trim_end().as_bytes()).unwrap();
    let full = player.to_string();
    let Some(Event::Move { player, direction, .. }) = record.event().unwrap() else { panic!("{line}") };
    assert_eq!(player, PlayerName::from_full_name(&full));
    assert_eq!(direction, MoveDirection::Word("\"↑\\"));
}

#[test]
fn a_chunk_is_as_many_events_as_it_has_lines() {
    let stream = OutputStream::Stderr;
    let lines = |chunk, partial| Event::Lines { source: Source::Spawn(1), stream, chunk, partial };
    let texts = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_once("stderr\",").unwrap().1.to_owned()).collect()
    };
    assert_eq!(
        texts(&written(0, &lines(b"a\n\nb", false))),
        [r#""text":"a"}"#, r#""text":""}"#, r#""text":"b"}"#]
    );
    assert_eq!(
        texts(&written(0, &lines(b"q\"\\\x01\r\n\xff\n\xc3\xa9\n", false))),
        [r#""text":"q\"\\\u0001\r"}"#, r#""base64":"/w=="}"#, r#""text":"é"}"#]
    );
    assert_eq!(texts(&written(0, &lines(b"xx", true))), [r#""text":"xx","partial":true}"#]);
}

#[test]
fn numbers_have_their_digits() {
    let powers = (0..20).map(|power| 10_u64.pow(power));
    let around = powers.flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(7)]);
    for number in around.chain(0..20_000).chain([12_345_678, 99_990_000, u64::MAX]) {
        let mut bytes = Vec::new();
        push_digits(&mut bytes, number);
        assert_eq!(String::from_utf8(bytes), Ok(number.to_string()));
    }
}

#[test]
fn the_longest_of_everything_fits() {
    let (source, stream) = (Source::Request(u32::MAX), OutputStream::Stdout);
    let event = Event::Lines { source, stream, chunk: b"a\n", partial: false };
    let line: serde_json::Value = serde_json::from_str(&written(u64::MAX, &event)).unwrap();
    assert_eq!((&line["source"], &line["text"]), (&"get#4294967295".into(), &"a".into()));
}

#[test]
fn seq_counts_without_gap() {
    let mut encoder = EventEncoder::default();
    for n in 0..1_234 {
        encoder.encode(Moment(0), &Event::ClockTick { due: Moment(0), n });
    }
    let log = String::from_utf8(encoder.swap_buffer(Vec::new())).unwrap();
    for (n, line) in log.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["seq"], n);
    }
}

#[test]
fn the_first_line_holds_the_scenario() {
    let event = Event::RunStarted {
        name: "a \"b\"",
        seed: 7,
        clock: ClockKind::Virtual,
        started_at: None,
        schedule: &[1, 0],
        scenario: "{\"name\":\"a\"}",
    };
    let line: serde_json::Value = serde_json::from_str(&written(0, &event)).unwrap();
    assert_eq!(line["scenario"]["name"], "a");
    assert_eq!(line["name"], "a \"b\"");
    assert_eq!(line["format"], 1);
    assert_eq!(line["schedule"], serde_json::json!([1, 0]));
}

proptest::proptest! {
    #[test]
    fn any_bytes_come_back(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
        use base64::Engine;
        let line: Vec<u8> = line.into_iter().filter(|byte| *byte != b'\n').collect();
        let chunk = [&line[..], b"\n"].concat();
        let source = Source::Spawn(1);
        let event = Event::Lines { source, stream: OutputStream::Stdout, chunk: &chunk, partial: false };
        let value: serde_json::Value = serde_json::from_str(&written(0, &event)).unwrap();
        let back = match value["text"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => base64::engine::general_purpose::STANDARD.decode(value["base64"].as_str().unwrap()).unwrap(),
        };
        proptest::prop_assert_eq!(back, line);
    }

    #[test]
    fn the_frequent_events_are_encoded_as_the_table_encodes_them(
        t: u64,
        (planned, is_on_time) in (proptest::option::of(proptest::prelude::any::<u64>()), proptest::prelude::any::<bool>()),
        number in proptest::option::of(proptest::prelude::any::<u32>()),
        source in source(),
        direction in proptest::sample::select(&Direction::ALL[..]),
        word in "\\PC{1,9}",
        is_word: bool,
        (before, after) in ("\\PC{0,9}", "\\PC{0,9}"),
        stream in proptest::sample::select(&OutputStream::ALL[..]),
        step: String,
        register: i64,
        line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
        partial: bool,
    ) {
        let due = if is_on_time { Some(t) } else { planned };
        let player = PlayerName { prefix: &before, number, suffix: &after };
        let direction = if is_word { MoveDirection::Word(&word) } else { direction.into() };
        let chunk: Vec<u8> = line.into_iter().filter(|byte| *byte != b'\n').chain([b'\n']).collect();
        for event in [
            Event::Move { due: due.map(Moment), source, player, direction },
            Event::Step { due: Moment(due.unwrap_or_default()), source, player, step: &step, register },
            Event::Lines { source, stream, chunk: &chunk, partial },
        ] {
            let mut encoder = EventEncoder::default();
            encoder.set_moment(Moment(t));
            encoder.encode_by_table(&event);
            let by_table = String::from_utf8(encoder.swap_buffer(Vec::new())).unwrap();
            proptest::prop_assert_eq!(written(t, &event), by_table);
        }
    }
}

fn source() -> impl proptest::strategy::Strategy<Value = Source> {
    use proptest::strategy::Strategy;
    (0..3usize, 1u32..).prop_map(|(kind, number)| match kind {
        0 => Source::Spawn(number),
        1 => Source::Request(number),
        _ => Source::Guest(number),
    })
}
