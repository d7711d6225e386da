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

/// What each end of an arrow belongs to, by Perfetto's rules: events in the order of their moments, of equal
/// moments those with a duration first and the others in the order of the file; then the slice or instant
/// that began last on the track. By the number of the arrow: its start, then its end.
fn bound(traced: &[Traced]) -> BTreeMap<u64, [Option<&Traced>; 2]> {
    let mut sorted: Vec<&Traced> = traced.iter().collect();
    sorted.sort_by_key(|event| (event.ts, std::cmp::Reverse(event.dur.unwrap_or(0))));
    let (mut latest, mut bound) = (BTreeMap::new(), BTreeMap::<u64, [Option<&Traced>; 2]>::new());
    for event in sorted {
        if event.is("X") || event.is("i") {
            latest.insert(event.track(), event);
        } else if event.is("s") || event.is("f") {
            let arrow = bound.entry(event.event["id"].as_u64().unwrap()).or_default();
            if event.is("f") {
                assert!(arrow[0].is_some(), "an arrow ends before it starts: {}", event.event);
            }
            arrow[usize::from(event.is("f"))] = latest.get(&event.track()).copied();
        }
    }
    bound
}

/// The name in events of the entry that others know by this name: an entry without an id is known by what it starts.
fn entry_in_events(timeline: &[Value], name: &str) -> String {
    let starts =
        |entry: &Value| entry["id"].is_null() && [&entry["spawn"], &entry["fetch"]].contains(&&name.into());
    match timeline.iter().position(starts) {
        Some(index) if timeline.iter().all(|entry| entry["id"] != name) => format!("#{}", index + 1),
        _ => name.to_owned(),
    }
}

/// Checks that each arrow of a log's trace leads from the moment that an entry waited for to the entry.
fn check_arrows(name: &str, log: &[u8]) {
    let (traced, arrows) = (trace(log), waited(log));
    let count = |phase: &str| traced.iter().filter(|event| event.is(phase)).count();
    assert_eq!((count("s"), count("f")), (arrows, arrows), "{name}");
    let bound = bound(&traced);
    assert_eq!(bound.len(), arrows, "{name}");
    let first: Value = serde_json::from_slice(&lines(log)[0]).unwrap();
    let timeline = first["scenario"]["timeline"].as_array().unwrap();
    for (arrow, ends) in bound {
        let [from, to] = ends.map(|end| end.unwrap_or_else(|| panic!("{name}: {arrow} belongs to nothing")));
        let waiting = to.event["args"]["entry"].as_str().unwrap();
        assert_eq!(from.event["args"]["awaited_by"], waiting, "{name}: {} {}", from.event, to.event);
        let index = waiting.strip_prefix('#').map(|number| number.parse::<usize>().unwrap() - 1);
        let entry = match index {
            Some(index) => &timeline[index],
            None => timeline.iter().find(|entry| entry["id"] == waiting).unwrap(),
        };
        let (of, what) = match &entry["after"] {
            Value::String(after) => after.rsplit_once('.').unwrap(),
            after => (after["of"].as_str().unwrap(), "line"),
        };
        let of = entry_in_events(timeline, of);
        assert_eq!(from.event["args"]["entry"], of, "{name}");
        let text = from.event["name"].as_str().unwrap();
        let (source, moment) = text.rsplit_once(' ').unwrap();
        assert_eq!(moment, what, "{name}");
        assert!(from.ts <= to.ts, "{name}: {}", from.event);
        let slice = traced.iter().find(|event| event.is("X") && event.event["name"] == source);
        match slice {
            Some(slice) => {
                assert_eq!(
                    (slice.track(), &slice.event["args"]["entry"]),
                    (from.track(), &of.as_str().into()),
                    "{name}"
                );
                assert!(slice.ts <= from.ts && from.ts <= slice.ts + slice.dur.unwrap(), "{name}");
            }
            None => assert_eq!((source, from.track()), (&*of, (1, 1)), "{name}"),
        }
        assert!(to.is("X") || to.track() == (1, 1), "{name}: {}", to.event);
    }
}

#[test]
fn arrows_lead_from_what_was_waited_for() {
    assert_eq!(waited(&log("moments")), 6);
    for (name, log) in logs() {
        check_arrows(&name, &log);
    }
}

/// Everything happens at one moment, and some of it takes no time.
#[test]
fn arrows_of_one_moment_lead_where_they_should() {
    let folder = Folder::new();
    folder.file("s.toml", include_str!("../../perfetto/one_moment.toml"));
    let run = ["run", "--clock", "virtual", "--log", "-", "--quiet", "s.toml"];
    let log = folder.scenario(&run).end().expect(0).stdout;
    assert_eq!(waited(log.as_bytes()), 8);
    check_arrows("one moment", log.as_bytes());
}

#[test]
fn the_arrow_to_a_program_that_could_not_start_leads_to_its_failure() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"no-such-program\"]\n[[timeline]]\nid = \"a\"\nmark = \"a\"\n\
         [[timeline]]\nid = \"b\"\nafter = \"a.started\"\nspawn = \"p\"\n",
    );
    let log = folder.scenario(&["run", "--log", "-", "--quiet", "s.toml"]).end().expect(1).stdout;
    assert_eq!(waited(log.as_bytes()), 1);
    check_arrows("not started", log.as_bytes());
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
