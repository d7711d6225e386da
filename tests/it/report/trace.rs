//! A trace has the form that its readers know, and says what the log says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::Folder;
use crate::common::logs::{keys, lines, log, logs, value};
use crate::report::folder;

/// The nanoseconds of a number as it is written: seconds or microseconds with their decimals.
fn nanoseconds(text: &str, decimals: usize) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), decimals, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

/// An event of a trace, with its times in nanoseconds.
struct Traced {
    event: Value,
    ts: u64,
    dur: Option<u64>,
}

impl Traced {
    fn is(&self, phase: &str) -> bool {
        self.event["ph"] == phase
    }

    fn track(&self) -> (u64, u64) {
        (self.event["pid"].as_u64().unwrap(), self.event["tid"].as_u64().unwrap())
    }
}

/// The trace of a log; each event is checked against the format.
fn trace(log: &[u8]) -> Vec<Traced> {
    let ended = folder(log).scenario(&["report", "--allow-incomplete", "--trace", "-", "log.jsonl"]).end();
    let text = ended.expect(0).stdout;
    let whole: Value = serde_json::from_str(&text).unwrap();
    let lines =
        text.lines().filter(|line| line.starts_with("{\"ph\"")).map(|line| line.trim_end_matches(','));
    let traced: Vec<Traced> = lines.map(traced).collect();
    assert_eq!(whole["traceEvents"].as_array().unwrap().len(), traced.len());
    traced
}

fn traced(line: &str) -> Traced {
    let event: Value = serde_json::from_str(line).unwrap();
    assert!(event["name"].is_string() && event["cat"].is_string(), "{line}");
    assert!(event["pid"].is_u64() && event["tid"].is_u64(), "{line}");
    let time = |key| {
        let found = keys(line.as_bytes()).into_iter().find(|(known, _)| known == key);
        found.map(|(_, text)| nanoseconds(&text, 3))
    };
    let (ts, dur) = (time("ts").unwrap(), time("dur"));
    match event["ph"].as_str().unwrap() {
        "X" => assert!(dur.is_some() && event["args"].is_object(), "{line}"),
        "i" => assert!(event["s"] == "t" && event["args"].is_object(), "{line}"),
        "C" => assert!(event["args"]["count"].is_u64(), "{line}"),
        "s" => assert!(event["id"].is_u64(), "{line}"),
        "f" => assert!(event["id"].is_u64() && event["bp"] == "e", "{line}"),
        "M" => assert!(event["args"].is_object(), "{line}"),
        other => panic!("a phase {other}"),
    }
    Traced { event, ts, dur }
}

#[test]
fn what_ran_is_on_a_track_for_as_long_as_the_log_says() {
    for (name, bytes) in logs() {
        let traced = trace(&bytes);
        let lines: Vec<Vec<u8>> = lines(&bytes).into_iter().filter(|line| line.ends_with(b"}\n")).collect();
        let mut open = BTreeMap::new();
        let mut ran = Vec::new();
        for line in &lines {
            let t = nanoseconds(&value(line, "t").unwrap(), 9);
            let source = value(line, "source").unwrap_or_default();
            match &*value(line, "event").unwrap() {
                "spawn.started" | "fetch.started" => {
                    open.insert(source, t);
                }
                "spawn.exited" | "fetch.finished" | "fetch.failed" => {
                    let since = open.remove(&source).unwrap();
                    ran.push((source, since, t - since));
                }
                _ => {}
            }
        }
        let end = nanoseconds(&value(lines.last().unwrap(), "t").unwrap(), 9);
        ran.extend(open.into_iter().map(|(source, since)| (source, since, end - since)));
        ran.sort();
        let slices: Vec<&Traced> = traced.iter().filter(|event| event.is("X")).collect();
        let mut found: Vec<_> = slices
            .iter()
            .map(|slice| (slice.event["name"].as_str().unwrap().to_owned(), slice.ts, slice.dur.unwrap()))
            .collect();
        found.sort();
        assert_eq!(found, ran, "{name}");

        let mut tracks: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for slice in &slices {
            tracks.entry(slice.track()).or_default().push((slice.ts, slice.ts + slice.dur.unwrap()));
        }
        for (track, mut taken) in tracks {
            taken.sort_unstable();
            assert!(taken.windows(2).all(|two| two[0].1 <= two[1].0), "{name}: two at once on {track:?}");
            let is_named = |event: &&Traced| event.event["name"] == "thread_name" && event.track() == track;
            assert_eq!(traced.iter().filter(is_named).count(), 1, "{name}: {track:?}");
        }
        let logged =
            |event: &str| lines.iter().filter(|line| value(line, "event").as_deref() == Some(event)).count();
        let instants: Vec<&Traced> = traced.iter().filter(|event| event.is("i")).collect();
        let count = |is: &dyn Fn(&Value, &str) -> bool| {
            instants.iter().filter(|i| is(&i.event, i.event["name"].as_str().unwrap())).count()
        };
        let is_step = |event: &Value| event["args"]["register"].is_i64();
        assert_eq!(count(&|event, _| is_step(event)), logged("step"), "{name}");
        let moves = count(&|event, name| event["cat"] == "spawn" && name.contains(' ') && !is_step(event));
        let said = count(&|event, _| event["cat"] == "spawn" && event["args"]["text"].is_string());
        let ticks = count(&|event, name| event["cat"] == "timeline" && name.starts_with("tick "));
        // Guests have no track: their coming and going is on the timeline's track.
        let is_guest =
            |line: &&Vec<u8>| value(line, "source").is_some_and(|source| source.starts_with("net#"));
        let of_guests = |event: &str| {
            lines
                .iter()
                .filter(is_guest)
                .filter(|line| value(line, "event").as_deref() == Some(event))
                .count()
        };
        let moved = logged("move") - of_guests("move");
        assert_eq!((moves, said, ticks), (moved, logged("line"), logged("clock.tick")), "{name}");
        let came = count(&|event, name| event["cat"] == "timeline" && name.ends_with(" joined"));
        assert_eq!(came, of_guests("player.joined"), "{name}");
    }
}

/// How many entries have waited for something and happened.
fn waited(log: &[u8]) -> usize {
    let lines = lines(log);
    let first: Value = serde_json::from_slice(&lines[0]).unwrap();
    let entries = first["scenario"]["timeline"].as_array().unwrap().iter().enumerate();
    let waiting = entries.filter(|(_, entry)| !entry["after"].is_null());
    let name =
        |(n, entry): (usize, &Value)| entry["id"].as_str().map_or(format!("#{}", n + 1), str::to_owned);
    let has_happened = |name: &String| lines.iter().any(|line| value(line, "entry").as_ref() == Some(name));
    waiting.map(name).filter(has_happened).count()
}

#[test]
fn arrows_lead_from_what_was_waited_for() {
    assert_eq!(waited(&log("moments")), 6);
    for (name, log) in logs() {
        let (traced, arrows) = (trace(&log), waited(&log));
        let from: Vec<&Traced> = traced.iter().filter(|event| event.is("s")).collect();
        let to: Vec<&Traced> = traced.iter().filter(|event| event.is("f")).collect();
        assert_eq!((from.len(), to.len()), (arrows, arrows), "{name}");
        for (from, to) in from.iter().zip(&to) {
            assert_eq!(from.event["id"], to.event["id"]);
            assert!(from.ts <= to.ts, "{name}: {}", from.event);
            for (end, is_start) in [(from, false), (to, true)] {
                let holds = |slice: &&Traced| {
                    let within = slice.ts <= end.ts && end.ts < slice.ts + slice.dur.unwrap();
                    slice.track() == end.track() && if is_start { slice.ts == end.ts } else { within }
                };
                let is_on_timeline = end.track() == (1, 1);
                let slices = traced.iter().filter(|event| event.is("X"));
                assert!(is_on_timeline || slices.filter(holds).count() == 1, "{name}: {}", end.event);
            }
        }
    }
}

#[test]
fn a_flood_is_counted_and_not_written() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"x\", moves = 5000, every = \"1ms\" }]\n[[timeline]]\nspawn = \"p\"\n",
    );
    let run = ["run", "--clock", "virtual", "--log", "-", "--quiet", "s.toml"];
    let log = folder.scenario(&run).end().expect(0).stdout;
    let traced = trace(log.as_bytes());
    assert_eq!(
        traced.iter().filter(|event| event.event["name"].as_str().unwrap().starts_with("x ")).count(),
        1000
    );
    let slice = traced.iter().find(|event| event.is("X")).unwrap();
    assert_eq!(slice.event["args"]["not_shown"], 4000);
    let counted = traced
        .iter()
        .filter(|event| event.is("C"))
        .map(|event| event.event["args"]["count"].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), 5000);
}
