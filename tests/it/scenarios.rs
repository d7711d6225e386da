//! The scenarios that come with the program: each is one, and passes.

use std::path::{Path, PathBuf};

use crate::common::{Folder, Log, free_port, project};

/// Every TOML file below a folder.
fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(scenarios(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether a file is one of presets for others to include.
fn is_included(file: &Path) -> bool {
    file.parent().unwrap().ends_with("presets")
}

#[test]
fn each_is_without_fault_or_doubt() {
    let folder = Folder::new();
    let files = scenarios(&project().join("scenarios"));
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let ended = folder.scenario(&["check", file.to_str().unwrap()]).end().expect(0);
        assert_eq!(ended.stderr, format!("{}: valid\n", file.display()));
        let text = std::fs::read_to_string(&file).unwrap();
        if !is_included(&file) {
            assert!(text.starts_with("#:schema ../schema/scenario.schema.json\n# "), "{}", file.display());
            assert!(text.contains("#     scenario run "), "{} says how to run it", file.display());
        }
    }
}

/// Runs one of the scenarios, and gives its log.
#[track_caller]
fn run(name: &str, options: &[&str]) -> Log {
    let folder = Folder::new();
    let file = project().join("scenarios").join(name);
    let arguments = ["run", "--log", "l.jsonl", file.to_str().unwrap()];
    folder.scenario(&[&arguments[..], options].concat()).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["outcome"], "passed");
    log
}

#[test]
fn every_scenario_is_run_here() {
    let files = scenarios(&project().join("scenarios"));
    let names = files.iter().filter(|file| !is_included(file)).map(|file| file.file_stem().unwrap());
    let run_here = [
        "crowd",
        "deadlock",
        "dev_stack",
        "four_pages",
        "load_ramp",
        "login_then_fetch",
        "lost_update",
        "lost_update_locked",
        "migrate_then_serve",
        "peterson",
        "philosophers",
        "regions",
        "resilience",
        "server_and_clients",
        "shop",
        "three_waves",
        "token_ring",
        "world",
    ];
    assert!(names.eq(run_here), "a scenario more wants a test more");
}

/// Explores a scenario by every order of its steps; returns the report as JSON.
fn explored(text: &str, code: i32) -> serde_json::Value {
    let folder = Folder::new();
    folder.file("s.toml", text);
    let arguments = ["explore", "--exhaustive", "--format", "json", "s.toml"];
    serde_json::from_str(&folder.scenario(&arguments).end().expect(code).stdout).unwrap()
}

fn scenario_text(name: &str) -> String {
    std::fs::read_to_string(project().join("scenarios").join(name)).unwrap()
}

#[test]
fn peterson() {
    run("peterson.toml", &["--clock", "virtual"]);
    let text = scenario_text("peterson.toml");
    assert_eq!(explored(&text, 0)["passes"], true, "no order lets both be inside");
    // Each gives the turn away before it says that it wants to go in.
    let swap = |text: &str, wants: &str, turn: u32| {
        let (first, second) =
            (format!("\"set 1\",\n    \"store {wants}\","), format!("\"set {turn}\",\n    \"store turn\","));
        let right = format!("{first}\n    {second}");
        assert!(text.contains(&right));
        text.replace(&right, &format!("{second}\n    {first}"))
    };
    let swapped = swap(&swap(&text, "wants_a", 2), "wants_b", 1);
    let found = explored(&swapped, 1);
    let reasons = found["outcomes"].as_array().unwrap().iter().filter_map(|one| one["reason"].as_str());
    let of_assert = reasons.filter(|reason| reason.starts_with("`assert inside == 0`")).count();
    assert!(of_assert > 0, "{found}");
}

#[test]
fn philosophers() {
    assert_eq!(run("philosophers.toml", &["--clock", "virtual"]).last()["shared"]["meals"], 5);
    let text = scenario_text("philosophers.toml");
    assert_eq!(explored(&text, 0)["passes"], true);
    let greedy = text.replace(r#""lock fork-1", "lock fork-5","#, r#""lock fork-5", "lock fork-1","#);
    let found = explored(&greedy, 1);
    assert!(found["outcomes"].as_array().unwrap().iter().any(|one| one["deadlock"] == true), "{found}");
}

#[test]
fn shop() {
    let port = free_port().to_string();
    let log = run("shop.toml", &["--seed", "7", "--var", &format!("port={port}")]);
    let steps = log.of("step.ended");
    let of = |step: &str| steps.iter().filter(|event| event["step"] == step).count();
    assert_eq!(of("log in"), 20);
    assert_eq!(of("add"), 2 * of("pay"));
    assert!(log.of("fetch.finished").iter().filter(|event| event["ok"] == false).count() <= 1);
    assert_eq!(log.of("player.ended").len(), 20);
}

#[test]
fn token_ring() {
    let log = run("token_ring.toml", &["--clock", "virtual"]);
    assert_eq!((log.of("mark").len(), &log.last()["shared"]["token"]), (1, &12.into()));
    assert_eq!(explored(&scenario_text("token_ring.toml"), 0)["passes"], true);
}

#[test]
fn deadlock() {
    let log = run("deadlock.toml", &["--clock", "virtual"]);
    assert_eq!(log.last()["shared"], serde_json::json!({ "left": 110, "right": 90 }));
}

#[test]
fn lost_update() {
    // On the real clock the same seed makes the same choices.
    let real = run("lost_update.toml", &["--seed", "3"]);
    assert_eq!(real.last()["shared"]["a"], 11);
    let steps = |log: &Log| log.of("step").iter().map(|step| step["player"].clone()).collect::<Vec<_>>();
    assert_eq!(steps(&real), steps(&run("lost_update.toml", &["--seed", "3", "--clock", "virtual"])));
}

#[test]
fn lost_update_locked() {
    for seed in ["0", "1", "2", "3"] {
        let log = run("lost_update_locked.toml", &["--clock", "virtual", "--seed", seed]);
        assert_eq!(log.last()["shared"]["a"], 12);
    }
}

#[test]
fn three_waves() {
    let log = run("three_waves.toml", &["--speed", "10"]);
    assert_eq!(log.last()["moves"], 37);
    assert_eq!(log.of("spawn.started").len(), 3);
}

#[test]
fn world() {
    let log = run("world.toml", &[]);
    let of_fox = |event: &&&serde_json::Value| event["source"] == "ps#1";
    assert_eq!(log.of("line").iter().filter(of_fox).count(), 3, "it says nothing else");
    assert!(log.of("move").iter().filter(of_fox).all(|step| step["player"] == "fox"));
    // The fox was at the place of the last rabbit when it caught it.
    let caught = log.of("line")[2]["text"].as_str().unwrap().replace("caught ", "");
    let at_one_place = |state: &&serde_json::Value| state["players"]["fox"] == state["players"][&caught];
    assert!(log.of("world.state").iter().any(at_one_place));
}

#[test]
fn load_ramp() {
    let log = run("load_ramp.toml", &["--var", &format!("port={}", free_port())]);
    let fetches = &log.last()["fetches"];
    assert_eq!(fetches["hammer"]["statuses"]["200"]["requests"], 1_000);
    // The seed draws the number of requests under the ramp: 450 on average.
    assert_eq!(fetches["climb"]["requests"], CLIMB);
    assert_eq!(fetches["climb"]["unsent"], 0);
}

/// How many requests the seed of `load_ramp` draws.
const CLIMB: u64 = 428;

#[test]
fn crowd() {
    let log = run("crowd.toml", &["--quiet", "--clock", "virtual"]);
    assert_eq!(log.last()["moves"], 100_000);
}

#[test]
fn four_pages() {
    let log = run("four_pages.toml", &["--var", &format!("port={}", free_port())]);
    assert_eq!(log.last()["fetched"], 9);
    assert_eq!(log.of("fetch.line").len(), 12);
    let sizes: Vec<u64> = ["one", "two", "three", "four"]
        .iter()
        .map(|page| std::fs::metadata(project().join(format!("scenarios/pages/{page}.txt"))).unwrap().len())
        .collect();
    let bytes: Vec<u64> =
        log.of("fetch.finished").iter().map(|event| event["bytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes[..4], sizes, "in sequence they come in the order of the file");
    // The first four follow each other; the next four are all started before one has ended.
    let names = log.names();
    let order: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| ["fetch.started", "fetch.finished"].contains(name))
        .map(|name| if name == "fetch.started" { "<" } else { ">" })
        .collect();
    assert_eq!(order.concat(), "<><><><><<<<>>>><>");
}

#[test]
fn dev_stack() {
    let [db, api, web] = ["db", "api", "web"].map(|name| format!("{name}={}", free_port()));
    let log = run("dev_stack.toml", &["--var", &db, "--var", &api, "--var", &web]);
    let ready: Vec<&str> =
        log.of("spawn.ready").iter().map(|event| event["source"].as_str().unwrap()).collect();
    assert_eq!(ready, ["ps#1", "ps#2", "ps#3", "ps#4"]);
    // Each program has started after the one before it was ready.
    let names = log.names();
    let order: Vec<&str> = names
        .iter()
        .filter_map(|name| match name.as_str() {
            "spawn.started" => Some("+"),
            "spawn.ready" => Some("!"),
            "fetch.finished" => Some("."),
            "stopping" => Some("-"),
            _ => None,
        })
        .collect();
    assert_eq!(order.concat(), "+!+!+!.......-.+!.---");
    let statuses: Vec<u64> =
        log.of("fetch.finished").iter().map(|event| event["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 503, 200]);
    let pages: Vec<&str> = log.of("fetch.line").iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(pages.last(), Some(&"<h1>Your order is number 8</h1>"), "{pages:?}");
}

#[test]
fn login_then_fetch() {
    let log = run("login_then_fetch.toml", &["--var", &format!("port={}", free_port())]);
    let finished = log.of("fetch.finished");
    let statuses: Vec<u64> = finished.iter().map(|event| event["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [401, 200, 200, 200, 200]);
    assert_eq!(finished[1]["captured"], serde_json::json!({ "token": "[redacted]", "order": "8" }));
    let urls: Vec<&str> =
        log.of("fetch.started").iter().map(|event| event["url"].as_str().unwrap()).collect();
    assert!(urls[2..].iter().all(|url| url.ends_with("/orders/8")), "{urls:?}");
    assert_eq!(log.of("mark")[0]["text"], "john asks for order 8");
}

#[test]
fn migrate_then_serve() {
    for (schema, taken, skipped) in [(7, "unchanged", "fill"), (6, "fill", "unchanged")] {
        let (port, schema) = (format!("port={}", free_port()), format!("schema={schema}"));
        let log = run("migrate_then_serve.toml", &["--var", &port, "--var", &schema]);
        let of_entry = |entry: &str| -> Vec<&str> {
            let own = log.events.iter().filter(|event| event["entry"] == entry);
            own.map(|event| event["event"].as_str().unwrap()).collect()
        };
        assert!(["mark", "spawn.started"].contains(&of_entry(taken)[0]), "{taken}");
        assert_eq!(of_entry(skipped), ["entry.skipped"]);
        assert_eq!(of_entry("restore"), ["entry.skipped"]);
        // The server answers 503 twice, and before it listens it may refuse.
        let (last, before) =
            log.of("fetch.finished").split_last().map(|(last, before)| (*last, before.to_vec())).unwrap();
        assert_eq!((&last["status"], &last["again"]), (&200.into(), &serde_json::Value::Null));
        assert_eq!(before.len(), 2);
        assert!(before.iter().all(|event| event["status"] == 503 && event["again"] == true));
        let said: Vec<&str> = log.of("line").iter().filter_map(|event| event["text"].as_str()).collect();
        assert_eq!(said.last(), Some(&"temporary files are removed"));
        let names = log.names();
        let at = |name: &str| names.iter().rposition(|one| one == name).unwrap();
        assert!(
            at("stopping") > names.iter().rposition(|one| one == "spawn.started").unwrap(),
            "cleaned, then stopped"
        );
    }
}

#[test]
fn regions() {
    let log = run("regions.toml", &["--clock", "virtual"]);
    let marks: Vec<&str> = log.of("mark").iter().map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(marks.len(), 3);
    assert!(marks.contains(&"asia is closed"), "{marks:?}");
    assert!(log.of("spawn.started").iter().all(|event| event["preset"] == "visitors"));
    assert_eq!(log.of("move").len(), 45);
}

#[test]
fn resilience() {
    let log = run("resilience.toml", &[]);
    let changes = log.of("link.changed");
    let cut = changes.iter().filter(|event| event["entry"] == "cut").count();
    assert_eq!((changes.len(), cut), (4, 2));
    assert!(log.of("link.closed").len() >= 100);
    let killed = log.of("spawn.exited").into_iter().find(|event| event["signal"] == "KILL").unwrap();
    assert_eq!(killed["ok"], true);
}

#[test]
fn server_and_clients() {
    let log = run("server_and_clients.toml", &["--var", &format!("port={}", free_port())]);
    let said: Vec<&str> = log.of("line").iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(said.iter().filter(|line| line.starts_with("welcome client")).count(), 7);
    assert!(said.iter().any(|line| line.starts_with("how many so far? ")), "{said:?}");
    assert!(said.contains(&"closing after 7 clients"), "{said:?}");
    assert_eq!(log.of("mark")[0]["text"], "the server has gone");
}

#[test]
fn the_presets_of_the_course_can_be_included() {
    let folder = Folder::new();
    let course = project().join("scenarios/presets/course.toml");
    let spawns: String = (1..=4).map(|preset| format!("[[timeline]]\nspawn = \"{preset}\"\n")).collect();
    let (ended, log) =
        folder.run(&format!("include = [{course:?}]\n{spawns}"), &["--clock", "virtual", "--seed", "1"]);
    ended.expect(0);
    assert_eq!(log.last()["moves"], 10 + 9 + 18 + 20);
    // Its comments say how long each preset lasts at most.
    let ends: Vec<f64> = log.of("spawn.exited").iter().map(|event| event["t"].as_f64().unwrap()).collect();
    assert!(ends.iter().all(|end| *end < 6.4), "{ends:?}");
}
