//! Rows and draws in requests, in runs of the program: what the server gets, what the log has, and replays
//! without server and file.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use crate::common::{Folder, Log, answer, serve};

/// A server that passes on every request, its method and URL first.
fn server() -> (SocketAddr, Receiver<String>) {
    let (sender, requests) = channel();
    let address = serve(move |_, request| {
        let _ = sender.send(request.to_owned());
        answer("200 OK", "", "ok\n")
    });
    (address, requests)
}

/// The path and query of each request.
fn paths(requests: &Receiver<String>) -> Vec<String> {
    requests.try_iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect()
}

const PEOPLE: &str =
    "user,password,city\nann,pw-canary-1,Bern\n\"b & o\",pw-canary-2,Zürich\ncid,pw-canary-3,\n";

/// A load of this number of requests, one at a time, with rows of the file `people.csv`.
fn load(address: SocketAddr, keys: &str) -> String {
    format!(
        "seed = 2018\n[data.people]\nfile = \"people.csv\"\n{keys}\n[fetches.login]\ndata = \"people\"\n\
         urls = [\"http://{address}/${{row.user}}?city=${{row.city}}&n=${{n}}\"]\nmethod = \"POST\"\n\
         headers = {{ X-Draw = \"${{draw:1..6}} ${{draw:1..6}} ${{draw:uuid}}\" }}\n\
         body = {{ json = {{ user = \"${{row.user}}\", password = \"${{row.password}}\" }} }}\n\
         connections = 1\nrequests = 7\n[[timeline]]\nfetch = \"login\"\n"
    )
}

/// Replays a log in a folder that has nothing else.
fn replay_alone(log: &Log) -> String {
    let folder = Folder::new();
    folder.file("log.jsonl", &log.bytes);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0).stdout
}

#[test]
fn each_request_of_a_load_gets_its_row() {
    let (address, requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    let (ended, log) = folder.run(&load(address, ""), &[]);
    ended.expect(0);
    let sent: Vec<String> = requests.try_iter().collect();
    let paths: Vec<&str> = sent.iter().map(|request| request.split(' ').nth(1).unwrap()).collect();
    let cities = ["/ann?city=Bern", "/b%20%26%20o?city=Z%C3%BCrich", "/cid?city="];
    let wanted: Vec<String> = (0..7).map(|n| format!("{}&n={n}", cities[n % 3])).collect();
    assert_eq!(paths, wanted);
    for (n, request) in sent.iter().enumerate() {
        let user = ["ann", "b & o", "cid"][n % 3];
        let body = format!("{{\"user\":\"{user}\",\"password\":\"pw-canary-{}\"}}", n % 3 + 1);
        assert!(request.ends_with(&body), "{request}");
        let draws = request.lines().find_map(|line| line.strip_prefix("X-Draw: ")).unwrap();
        let draws: Vec<&str> = draws.trim().split(' ').collect();
        assert_eq!(draws[0], draws[1], "the same draw twice in one request is one value");
    }
    let rows: Vec<u64> = log.of("fetch.started").iter().map(|event| event["row"].as_u64().unwrap()).collect();
    assert_eq!(rows, [0, 1, 2, 0, 1, 2, 0]);
    let second = log.of("fetch.started")[1];
    assert_eq!(second["values"], serde_json::json!({ "user": "b & o", "city": "Zürich" }));
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    assert!(!text.contains("canary"), "a log has only what stands in the URL: {text}");
    replay_alone(&log);
}

#[test]
fn a_seed_gives_the_same_rows_and_draws_again() {
    let (address, requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    let text = load(address, "take = \"by chance\"");
    let mut runs = Vec::new();
    for seed in ["2018", "2018", "7"] {
        let (ended, log) = folder.run(&text, &["--seed", seed]);
        ended.expect(0);
        replay_alone(&log);
        let draws =
            |request: String| request.lines().find(|line| line.starts_with("X-Draw")).map(str::to_owned);
        let rows: Vec<String> =
            log.of("fetch.started").iter().map(|event| event["row"].to_string()).collect();
        runs.push((rows, requests.try_iter().filter_map(draws).collect::<Vec<_>>()));
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].0 != runs[2].0 && runs[0].1 != runs[2].1, "{runs:?}");
    let different: BTreeSet<&String> = runs[0].1.iter().collect();
    assert_eq!(different.len(), 7, "each request has its own draws");
}

#[test]
fn rows_that_are_taken_once_end_a_load() {
    let (address, requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    for pace in [
        "connections = 2\nrequests = 7",
        "rate = \"200/s\"\nfor = \"1s\"",
        "rate = \"200/s\"\nfor = \"1s\"\nmax_connections = 1",
    ] {
        let text = load(address, "take = \"once\"").replace("connections = 1\nrequests = 7", pace);
        let (ended, log) = folder.run(&text, &[]);
        ended.expect(0);
        let mut users: Vec<String> = paths(&requests);
        users.sort();
        assert_eq!(users.len(), 3, "{users:?}");
        assert!(log.last()["took"].as_f64().unwrap() < 0.9, "it ends before its time");
        let stopping = log.of("stopping");
        assert_eq!(stopping.len(), 1);
        let reason = "no more requests of `login` start: each row of `people` was taken once";
        assert_eq!(stopping[0]["reason"], reason);
        let report = folder.scenario(&["report", "log.jsonl", "--junit", "j.xml"]).end().expect(0).stdout;
        let junit = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
        assert!(!report.contains("went wrong") && junit.contains("failures=\"0\""), "{report}\n{junit}");
        replay_alone(&log);
    }
}

#[test]
fn a_fetch_without_a_load_takes_a_row_a_round() {
    let (address, requests) = server();
    let folder = Folder::new();
    let text = format!(
        "seed = 1\n[data.people]\ntake = \"once\"\nrows = [{{ user = \"ann\" }}, {{ user = \"bob\" }}]\n\
         [fetches.f]\ndata = \"people\"\nmode = \"sequential\"\n\
         urls = [\"http://{address}/a/${{row.user}}/${{n}}/${{draw:text:4}}\", \"http://{address}/b/${{row.user}}/${{n}}/${{draw:text:4}}\"]\n\
         [[timeline]]\nid = \"f\"\nfetch = \"f\"\nevery = \"100ms\"\ntimes = 3\n[[timeline]]\nafter = \"f.finished\"\nmark = \"end\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    let ended = ended.expect(1);
    let why = "no request of `f` starts: each row of `people` was taken once";
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    assert_eq!(log.last()["reason"], why);
    assert_eq!(log.of("mark").len(), 1, "what comes after it comes all the same");
    let paths = paths(&requests);
    let heads: BTreeSet<&str> = paths.iter().map(|path| &path[..path.rfind('/').unwrap()]).collect();
    assert_eq!(heads.into_iter().collect::<Vec<_>>(), ["/a/ann/0", "/a/bob/1", "/b/ann/0", "/b/bob/1"]);
    let draws: BTreeSet<&str> = paths.iter().map(|path| &path[path.rfind('/').unwrap()..]).collect();
    assert_eq!(draws.len(), 4, "each request draws for itself");
    assert!(
        log.of("fetch.started").iter().all(|event| event.get("values").is_none()),
        "the log has the rows"
    );
    replay_alone(&log);
}

#[test]
fn two_fetches_share_rows_that_are_taken_once() {
    let (address, requests) = server();
    let folder = Folder::new();
    let rows: Vec<String> = (0..40).map(|n| format!("{{\"id\": {n}}}\n")).collect();
    folder.file("ids.jsonl", rows.concat());
    let fetch = |name: &str| {
        format!(
            "[fetches.{name}]\ndata = \"ids\"\nurls = [\"http://{address}/${{row.id}}\"]\nconnections = 3\nrequests = 100\n\
             [[timeline]]\nfetch = \"{name}\"\n"
        )
    };
    let text = format!("[data.ids]\nfile = \"ids.jsonl\"\ntake = \"once\"\n{}{}", fetch("a"), fetch("b"));
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let mut counts = BTreeMap::new();
    paths(&requests).into_iter().for_each(|path| *counts.entry(path).or_insert(0) += 1);
    assert!(counts.len() == 40 && counts.values().all(|count| *count == 1), "{counts:?}");
    replay_alone(&log);
}

#[test]
fn an_edited_row_or_value_is_found() {
    let (address, _requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    let (ended, log) = folder.run(&load(address, ""), &[]);
    ended.expect(0);
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    for (was, now) in
        [("\"row\":1", "\"row\":2"), ("\"user\":\"ann\"", "\"user\":\"eve\""), ("/ann?", "/eve?")]
    {
        assert!(text.contains(was), "{was}");
        folder.file("edited.jsonl", text.replacen(was, now, 1));
        folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
    }
}

#[test]
fn other_commands_take_a_log_with_rows() {
    let (address, _requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    let (ended, _) = folder.run(&load(address, ""), &[]);
    ended.expect(0);
    for command in [
        &["diff", "log.jsonl", "log.jsonl"][..],
        &["report", "log.jsonl"],
        &["play", "--speed", "max", "log.jsonl"],
    ] {
        folder.scenario(command).end().expect(0);
    }
    folder
        .scenario(&["report", "log.jsonl", "-o", "r.html", "--junit", "j.xml", "--trace", "t.json"])
        .end()
        .expect(0);
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("file = \"people.csv\"") && !extracted.contains("read ="), "{extracted}");
    folder.file("again.toml", extracted);
    folder.scenario(&["check", "again.toml"]).end().expect(0);
    folder.scenario(&["plan", "s.toml"]).end().expect(0);
    folder.scenario(&["replay", "log.jsonl", "--against", "s.toml"]).end().expect(0);
    folder.file("people.csv", PEOPLE.replace("ann", "eve"));
    folder.scenario(&["replay", "log.jsonl", "--against", "s.toml"]).end().expect(3);
}

#[test]
fn a_value_cannot_end_a_header_or_leave_the_path() {
    let (address, requests) = server();
    let folder = Folder::new();
    let text = format!(
        "[data.odd]\nrows = [{{ v = \"a\\r\\nX-Evil: 1\" }}, {{ v = \"..\" }}]\n[fetches.h]\ndata = \"odd\"\n\
         urls = [\"http://{address}/h\"]\nheaders = {{ X-V = \"${{row.v}}\" }}\n[fetches.p]\ndata = \"odd\"\n\
         urls = [\"http://{address}/p/${{row.v}}/x\"]\n[[timeline]]\nfetch = \"h\"\n[[timeline]]\nfetch = \"p\"\ncount = 2\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    let failed: Vec<&str> =
        log.of("fetch.failed").iter().map(|event| event["error"].as_str().unwrap()).collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed.iter().any(|error| error.contains("out of its path")), "{failed:?}");
    assert_eq!(paths(&requests), ["/p/a%0D%0AX-Evil%3A%201/x"]);
    replay_alone(&log);
}

#[test]
fn a_line_of_a_later_release_may_stand_before_a_request() {
    let (address, _requests) = server();
    let folder = Folder::new();
    folder.file("people.csv", PEOPLE);
    let (ended, log) = folder.run(&load(address, ""), &[]);
    ended.expect(0);
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    let mut lines: Vec<String> = Vec::new();
    // Without the last line, which has a checksum of all others.
    for line in text.lines().take(log.events.len() - 1) {
        let (_, rest) = line.split_once(',').unwrap();
        if line.contains("\"row\":1") {
            let t = rest.split(',').next().unwrap();
            lines.push(format!("{{\"seq\":{},{t},\"event\":\"row.weighed\"}}\n", lines.len()));
        }
        lines.push(format!("{{\"seq\":{},{rest}\n", lines.len()));
    }
    assert_eq!(lines.len(), log.events.len() + 1, "two requests have this row");
    folder.file("later.jsonl", lines.concat());
    folder.scenario(&["replay", "later.jsonl", "--allow-incomplete"]).end().expect(0);
}
