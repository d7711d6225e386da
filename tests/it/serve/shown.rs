//! The events that a page gets.

use crate::common::{Folder, Log};
use crate::serve::asker::{Served, served_run};

const WAVES: &str = "seed = 7\ntick = \"50ms\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 3, every = \"20ms\" }]\n\
     [presets.bad]\ncommand = [\"sh\", \"-c\", \"echo '<script>alert(1)</script>'; printf '\\\\033[31m'; exit 3\"]\n\
     [[timeline]]\nid = \"first\"\nspawn = \"1\"\n[[timeline]]\nat = \"40ms\"\nspawn = \"bad\"\n\
     [[timeline]]\nafter = \"go.started\"\nspawn = \"1\"\n\
     [[timeline]]\nid = \"go\"\nafter = { line = \"go\", of = \"gate\", timeout = \"60s\" }\nmark = \"went\"\n\
     [presets.gate]\ncommand = [\"sh\", \"-c\", \"read line; echo $line\"]\nstdin = \"open\"\n\
     [[timeline]]\nid = \"gate\"\nspawn = \"gate\"\n[[expect]]\nname = \"some moves\"\nof = \"move\"\nat_least = 6\n";

fn go(served: &Served) {
    assert_eq!(served.post("/input", "send gate go").status, 202);
}

#[test]
fn a_page_gets_the_run_and_its_end_and_the_log_replays() {
    let folder = Folder::new();
    let mut served = served_run(&folder, WAVES);
    served.run.until("ended bad");
    let mut early = served.look();
    let (name, state) = early.next().unwrap();
    assert_eq!(name, "state");
    assert_eq!(state["run"]["seed"], "7");
    assert_eq!(state["run"]["name"], "s");
    assert_eq!(state["is_going"], true);
    assert_eq!(state["lanes"]["ps#1"]["label"], "1");
    assert_eq!(state["entries"]["first"]["does"], "spawn 1");
    assert_eq!(state["can"]["presets"], serde_json::json!(["1", "bad", "gate"]));
    let ids = state["can"]["ids"].as_array().unwrap();
    assert!(ids.contains(&serde_json::json!({"id": "gate", "stop": true, "send": true})), "{ids:?}");
    assert!(state["end"].is_null());
    let lines = state["lines"].as_array().unwrap();
    let texts: Vec<_> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert!(texts.contains(&"<script>alert(1)</script>"), "{texts:?}");
    assert!(texts.contains(&"\\x1b[31m"), "controls are made visible: {texts:?}");
    go(&served);
    let end = early.until("change", |change| !change["end"].is_null());
    assert_eq!(end["end"]["outcome"], "failed");
    assert_eq!(end["end"]["reason"], "ps#3 (bad) ended with code 3");
    assert_eq!(end["is_going"], false);
    assert_eq!(end["counts"]["moves"], 6);
    assert_eq!(end["expect"][0]["is_ok"], true);
    assert_eq!(early.next().unwrap(), ("bye".to_owned(), serde_json::json!({"why": "ended"})));
    assert_eq!(early.next(), None);
    assert_eq!(served.run.end().0, Some(1));
    let replayed = folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    assert!(replayed.stdout.contains("same") || replayed.stderr.contains("same"));
}

#[test]
fn a_late_page_gets_the_state_of_the_others() {
    let folder = Folder::new();
    let mut served = served_run(&folder, WAVES);
    let mut early = served.look();
    let mut told = early.next().unwrap().1;
    // Which of the two ends first is chance; after both nothing moves.
    served.run.until_all(&["ended bad", "ended 1"]);
    served.post("/input", "mark here");
    let is_here = |data: &serde_json::Value| {
        data["lines"].as_array().unwrap().iter().any(|line| line["text"] == "here")
    };
    // The first state with all changes since applied is the state that a new page gets.
    loop {
        let (name, change) = early.next().unwrap();
        assert_eq!(name, "change");
        for key in ["players", "lanes", "entries"] {
            for (name, value) in change[key].as_object().unwrap() {
                told[key][name] = value.clone();
            }
        }
        let lines = change["lines"].as_array().unwrap().clone();
        told["lines"].as_array_mut().unwrap().extend(lines);
        if is_here(&change) {
            break;
        }
    }
    let late = served.look().next().unwrap().1;
    for key in ["players", "lanes", "entries", "lines"] {
        assert_eq!(late[key], told[key], "{key}");
    }
    go(&served);
    assert_eq!(served.run.end().0, Some(1));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 2);
}

#[test]
fn a_load_is_one_lane_and_a_flood_is_counted() {
    let address = crate::common::serve(|_, _| crate::common::answer("200 OK", "", "hello"));
    let folder = Folder::new();
    let scenario = format!(
        "[fetches.load]\nurls = [\"http://{address}/\"]\nconnections = 2\nrequests = 500\n\
         [presets.flood]\ncommand = [\"sh\", \"-c\", \"seq 100000\"]\n[[timeline]]\nfetch = \"load\"\n\
         [[timeline]]\nspawn = \"flood\"\n[[timeline]]\nid = \"w\"\nspawn = \"wait\"\n\
         [presets.wait]\ncommand = [\"sh\", \"-c\", \"read line\"]\nstdin = \"open\"\n"
    );
    let served = served_run(&folder, &scenario);
    let mut shown = served.look();
    let state = shown.next().unwrap().1;
    assert!(state["lines"].as_array().unwrap().len() <= 200);
    let is_all =
        |data: &serde_json::Value| data["counts"]["requests"] == 500 && data["counts"]["lines"] == 100_000;
    if !is_all(&state) {
        shown.until("change", is_all);
    }
    served.post("/input", "send w now");
    let end = shown.until("change", |change| !change["end"].is_null());
    assert_eq!(end["counts"]["requests"], 500);
    assert_eq!(end["counts"]["lines"], 100_000);
    assert!(end["skipped"].as_u64().unwrap() > 90_000, "{}", end["skipped"]);
    drop(shown);
    assert_eq!(served.run.end().0, Some(0));
}
