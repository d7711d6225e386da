//! The page: its content, that only its own script acts in it, and that it stays small. `tests/it/page.rs`
//! opens it in a browser.

use std::collections::BTreeSet;

use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::Folder;
use crate::common::logs::{lines, log, logs, with_sum};
use crate::report::{compare, folder};

fn page(log: &[u8]) -> String {
    let folder = folder(log);
    folder.scenario(&["report", "--allow-incomplete", "-o", "-", "log.jsonl"]).end().expect(0).stdout
}

/// The text between the first occurrences of two texts.
#[track_caller]
fn inside<'a>(page: &'a str, before: &str, behind: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    rest.split_once(behind).unwrap_or_else(|| panic!("no {behind}")).0
}

const DATA: &str = "<script type=\"application/json\" id=\"data\">";

fn data(page: &str) -> Value {
    serde_json::from_str(inside(page, DATA, "</script>")).unwrap()
}

/// The page without the parts that all pages share, and without the data.
fn visible_page(page: &str) -> String {
    let mut visible = page.to_owned();
    for (before, behind) in [
        ("<style>", "</style>"),
        (DATA, "</script>"),
        ("<script>", "</script>"),
        ("Policy\" content=\"", "\">"),
        ("image/svg+xml,", "\">"),
    ] {
        let part = inside(&visible, before, behind).to_owned();
        visible = visible.replacen(&format!("{before}{part}{behind}"), &format!("{before}…{behind}"), 1);
    }
    visible.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// The names of all elements.
fn elements(visible: &str) -> BTreeSet<String> {
    let names = visible.split('<').skip(1);
    names.map(|rest| rest.chars().take_while(|c| !" >\n".contains(*c)).collect()).collect()
}

#[test]
fn what_it_shows_to_the_letter() {
    for name in ["exits", "expected"] {
        compare(&format!("{name}.html"), &visible_page(&page(&log(name))));
    }
}

#[test]
fn it_is_one_file_that_lets_only_its_own_script_act() {
    for (name, bytes) in logs() {
        let page = page(&bytes);
        let policy =
            inside(&page, "Policy\" content=\"", "\">").replace("&#x27;", "'").replace("&#x2f;", "/");
        let policy = policy.replace("&#x2b;", "+").replace("&#x3d;", "=");
        for (rule, before, behind) in
            [("style-src", "<style>", "</style>"), ("script-src", "<script>", "</script>")]
        {
            let text = inside(&page, before, behind);
            assert!(text.len() > 1_000, "{name}");
            let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
            assert!(policy.contains(&format!("{rule} 'sha256-{hash}';")), "{name}: {policy}");
        }
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        let visible = visible_page(&page);
        for part in visible.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
            let mut attributes = part.split(' ').skip(1).filter_map(|word| Some(word.split_once('=')?.0));
            let acts = |name: &&str| *name == "style" || name.starts_with("on");
            assert_eq!(attributes.find(acts), None, "{name}: {part}");
            let is_elsewhere =
                part.contains("src=") || (part.contains("href=") && !part.contains("href=\"#"));
            assert!(!is_elsewhere || part.starts_with("link rel=\"icon\" href=\"data:"), "{name}: {part}");
        }
        let ids: Vec<&str> =
            visible.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: {ids:?}");
    }
}

#[test]
fn the_timeline_has_all_of_a_small_log() {
    for (name, bytes) in logs() {
        let events: Vec<Value> =
            lines(&bytes).iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let count = |of: &[&str]| {
            let is = |event: &&Value| of.contains(&event["event"].as_str().unwrap());
            events.iter().filter(is).count() as u64
        };
        let data = data(&page(&bytes));
        let lanes = data["lanes"].as_array().unwrap();
        let started = count(&["spawn.started", "fetch.started"]);
        let unstarted =
            lanes.iter().filter(|lane| lane["words"].as_str().unwrap().contains("no program")).count();
        assert_eq!(lanes.len() as u64, started + unstarted as u64, "{name}");
        let points = |what: &str| -> u64 {
            lanes.iter().filter_map(|lane| lane[what]["t"].as_array()).map(|t| t.len() as u64).sum()
        };
        // Guests have no lane: they are marks, and their moves are counted.
        let by_guests = events.iter().filter(|event| {
            event["event"] == "move" && event["source"].as_str().unwrap().starts_with("net#")
        });
        assert_eq!(points("moves") + by_guests.count() as u64, count(&["move", "step"]), "{name}");
        let said =
            ["line", "fetch.line", "spawn.suspended", "spawn.resumed", "spawn.unhealthy", "stop.failed"];
        assert_eq!(points("lines"), count(&said), "{name}");
        assert_eq!(data["ticks"].as_array().unwrap().len() as u64, count(&["clock.tick"]), "{name}");
    }
}

#[test]
fn an_arrow_leads_from_what_was_waited_for() {
    let data = data(&page(&log("fetches")));
    let lane = |n: &Value| data["lanes"][n.as_u64().unwrap() as usize].clone();
    let arrow = |n: usize| {
        let [from, _, to, t] = &data["arrows"][n].as_array().unwrap()[..] else { panic!() };
        (lane(from)["source"].clone(), lane(to)["source"].clone(), lane(to)["start"] == *t)
    };
    assert_eq!(arrow(0), ("ps#1".into(), "get#1".into(), true), "from the line of the server");
}

/// Text that would act in a page, in a script, in an attribute or on a terminal.
const HOSTILE: &str = r#"</script><img src=x onerror=alert(1)><!--&lt;]]>\u001b]52;c;aGk=\u0007\u202e\u2028' \" onload=alert(1) {{ 7*7 }}"#;

#[test]
fn g06_what_is_said_in_a_log_is_text() {
    let plain = elements(&visible_page(&page(&log("exits"))))
        .into_iter()
        .chain(elements(&visible_page(&page(&log("output")))));
    let plain: BTreeSet<String> = plain.collect();
    for (name, from) in [
        ("exits", r#""error":"there is no program `no-such-program-anywhere` in any folder of PATH""#),
        ("exits", r#""reason":"ps#4 (seven) ended with code 7""#),
        ("exits", r#""name":"exits""#),
        ("output", r#""text":"plain""#),
    ] {
        let text = String::from_utf8(log(name)).unwrap();
        let from = if text.contains(from) { from.to_owned() } else { first_line(&text) };
        let key = from.split_once(':').unwrap().0;
        let page = page(&with_sum(&lines(text.replace(&from, &format!("{key}:\"{HOSTILE}\"")).as_bytes())));
        let visible = visible_page(&page);
        let elements = elements(&visible);
        assert!(elements.is_subset(&plain), "{:?}", elements.difference(&plain));
        assert!(page.contains("alert(1)"), "it is shown");
        assert!(
            !visible.contains("<img") && !visible.contains("{{") || visible.contains("{{ 7*7 }}"),
            "{visible}"
        );
        assert!(
            !page.chars().any(|c| c != '\n' && scenario_log::sanitize::is_unsafe_char(c)),
            "nothing acts"
        );
        assert_eq!(page.matches("</script>").count(), 2);
        data(&page);
    }
}

/// The text of the first line of a log.
fn first_line(log: &str) -> String {
    let line = log.lines().find(|line| line.contains("\"event\":\"line\"")).unwrap();
    format!("\"text\":{}", line.split_once("\"text\":").unwrap().1.trim_end_matches('}'))
}

#[test]
fn no_secret_is_on_it() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[vars]\ntoken = \"${env:PAGE_SECRET}\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"echo got ${token}\"]\n[[timeline]]\nspawn = \"p\"\n",
    );
    let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--quiet"]);
    run.env("PAGE_SECRET", "hunter2hunter2").end().expect(0);
    let report = folder.scenario(&["report", "log.jsonl", "-o", "-"]);
    let page = report.env("PAGE_SECRET", "hunter2hunter2").end().expect(0).stdout;
    assert!(page.contains("got [redacted]") && !page.contains("hunter2"), "{page}");
}

#[test]
fn it_names_the_log_without_its_folders() {
    let folder = Folder::new();
    folder.file("private/it's.jsonl", log("three_waves"));
    let arguments = ["report", "private/it's.jsonl", "-o", "page.html"];
    let shown = folder.scenario(&arguments).end().expect(0).stdout;
    assert!(shown.starts_with("three waves: passed"), "the summary is shown too: {shown}");
    let written = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(written.contains(r"scenario replay &#x27;it&#x27;\&#x27;&#x27;s.jsonl&#x27;"), "{written}");
    assert!(!written.contains("private"));
    let piped = folder.scenario(&["report", "-", "-o", "-"]).stdin(log("three_waves")).end().expect(0).stdout;
    assert!(piped.contains("scenario replay log.jsonl"));
}

#[test]
fn a_page_of_very_much_is_small_and_says_what_it_leaves_out() {
    let folder = Folder::new();
    let presets: String = (0..150)
        .map(|n| format!("[presets.p{n}]\nplayers = [{{ name = \"p{n}-\", count = 2, moves = 5, every = \"1ms\" }}]\n[[timeline]]\nspawn = \"p{n}\"\ncount = 60\n[[timeline]]\nmark = \"{}\"\nevery = \"1ms\"\ntimes = 10\n", "<mark>".repeat(30)))
        .collect();
    let (_, run) = folder.run(&format!("tick = \"1ms\"\n{presets}"), &["--clock", "virtual", "--quiet"]);
    let page = folder.scenario(&["report", "log.jsonl", "-o", "-"]).end().expect(0).stdout;
    assert!(page.len() < 5_000_000, "{}", page.len());
    let (moves, all) = (run.of("move").len(), run.of("spawn.started").len());
    assert_eq!((moves, all), (90_000, 9_000));
    for said in [
        "of 90,000 moves are shown",
        "spawns or requests without lanes",
        "marks left out",
        "300 of 9,000 spawns",
    ] {
        assert!(page.contains(said), "{said}");
    }
    let data = data(&page);
    let sum = |counts: &Value| -> u64 {
        counts.as_array().unwrap().iter().skip(1).step_by(2).map(|count| count.as_u64().unwrap()).sum()
    };
    let groups = data["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| sum(&group["starts"])).sum::<u64>(), 9_000);
    let lanes = data["lanes"].as_array().unwrap();
    assert!(lanes.iter().any(|lane| lane.get("source").is_none()), "some are gathered");
    for lane in lanes.iter().filter(|lane| lane.get("events").is_some()) {
        let each = |what: &str| lane[what]["every"].as_u64().unwrap_or(1);
        assert!(each("moves").max(each("lines")) > 1 && sum(&lane["events"]["counts"]) > 0);
    }
}
