//! Which requests are let through, and at which addresses.

use crate::common::Folder;
use crate::serve::asker::{TOKEN, served_run};

const LONG: &str = "[[timeline]]\nat = \"600s\"\nmark = \"late\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 1, every = \"1s\" }]\n";

#[test]
fn a_port_in_use_is_refused_before_anything_starts() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    let ended = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--serve", &address]).end().expect(4);
    assert_eq!(ended.stderr, format!("error: cannot serve at {address}: the port is in use\n"));
    assert!(!folder.path().join("l.jsonl").exists(), "nothing was started");
}

#[test]
fn other_machines_are_let_in_only_by_name_and_with_the_token() {
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    for address in ["0.0.0.0:0", "[::]:0"] {
        let ended =
            folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--serve", address]).end().expect(4);
        assert!(
            ended.stderr.contains("give the name that they use (`--serve-host NAME`)"),
            "{}",
            ended.stderr
        );
    }
    assert!(!folder.path().join("l.jsonl").exists(), "nothing was started");
    let arguments =
        ["run", "s.toml", "--log", "l.jsonl", "--serve", "0.0.0.0:0", "--serve-host", "game.example"];
    let mut run = folder.scenario(&arguments).env("SCENARIO_TOKEN", TOKEN).watch();
    run.until("page: http://game.example:");
    let port = run.shown.last().unwrap().split(':').next_back().unwrap().split('/').next().unwrap();
    let served = crate::serve::asker::Served { port: port.parse().unwrap(), run };
    let host = "Host: game.example";
    assert_eq!(served.ask("GET", "/", &[host], "").status, 200);
    assert_eq!(served.ask("GET", "/events", &[host], "").status, 401);
    assert_eq!(served.ask("GET", "/", &["Host: other.example"], "").status, 403);
    assert_eq!(served.post("/input", "quit").status, 202);
    assert_eq!(served.run.end().0, Some(1));
}

#[test]
fn wrong_addresses_and_tokens_give_a_message() {
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    let said = |arguments: &[&str], token: &str, code: i32| {
        let arguments = [&["run", "s.toml", "--log", "l.jsonl"], arguments].concat();
        folder.scenario(&arguments).env("SCENARIO_TOKEN", token).end().expect(code).stderr
    };
    let no_port = said(&["--serve", "localhost"], TOKEN, 4);
    assert!(no_port.contains("`localhost` is not an address: write it as HOST:PORT"), "{no_port}");
    let short = said(&["--serve", "0"], "secret-canary", 4);
    assert!(short.contains("SCENARIO_TOKEN cannot be used: a token has 16 to 128 characters"), "{short}");
    assert!(!short.contains("canary"), "{short}");
    let in_no_time = said(&["--serve", "0", "--clock", "virtual"], TOKEN, 2);
    assert!(in_no_time.contains("serve its log with `scenario play --serve`"), "{in_no_time}");
    let alone = said(&["--serve-host", "game.example"], TOKEN, 2);
    assert!(alone.contains("--serve <ADDR>"), "{alone}");
    assert!(!folder.path().join("l.jsonl").exists(), "nothing was started");
}

#[test]
fn another_site_can_read_and_change_nothing() {
    let folder = Folder::new();
    let served = served_run(&folder, LONG);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let own = format!("Origin: http://127.0.0.1:{}", served.port);
    let refused = [
        vec!["Origin: http://evil.example"],
        vec!["Origin: null"],
        vec!["Origin: http://127.0.0.1:1"],
        vec!["Host: evil.example"],
        vec!["Host: 127.0.0.1.evil.example"],
        vec!["Sec-Fetch-Site: cross-site"],
        vec!["Sec-Fetch-Site: same-site"],
    ];
    for head in refused {
        for (method, path) in [("GET", "/"), ("GET", "/events"), ("POST", "/input"), ("OPTIONS", "/input")] {
            let head = [&head[..], &[&bearer]].concat();
            let answer = served.ask(method, path, &head, "mark bad");
            assert_eq!(answer.status, 403, "{method} {path} {head:?}");
            assert!(!answer.head.contains("access-control"), "{}", answer.head);
        }
    }
    for (head, status) in [(vec![&*own], 401), (vec![&*own, &bearer], 202), (vec![&*bearer], 202)] {
        assert_eq!(served.ask("POST", "/input", &head, "mark good").status, status, "{head:?}");
    }
    assert_eq!(served.ask("GET", "/input", &[&bearer], "mark bad").status, 405, "nothing changes by GET");
    assert_eq!(served.ask("GET", &format!("/input?token={TOKEN}"), &[], "mark bad").status, 405);
    assert_eq!(served.ask("GET", "/nothing", &[], "").status, 404);
    assert_eq!(served.ask("POST", "/playback", &[&bearer], "{}").status, 404, "nothing is played");
    let page = served.ask("GET", "/", &[], "");
    assert_eq!(page.status, 200);
    for wanted in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "nosniff", "no-store"]
    {
        assert!(page.head.contains(wanted), "{wanted}: {}", page.head);
    }
    assert!(!page.body.contains("style=") && !page.body.contains("onclick"), "nothing inline");
    served.post("/input", "quit");
    let (_, shown) = served.run.end();
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    let texts: Vec<_> = log.of("input").iter().map(|input| input["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["mark good", "mark good", "quit"], "{shown:?}");
    let bytes = String::from_utf8_lossy(&log.bytes).into_owned();
    assert!(!bytes.contains(TOKEN), "the token is in no log");
}

#[test]
fn no_program_inherits_the_token_and_none_reaches_the_log() {
    let folder = Folder::new();
    let scenario = "[presets.shows]\ncommand = [\"printenv\", \"SCENARIO_TOKEN\"]\nexits = 1\n\
         [presets.given]\ncommand = [\"printenv\", \"SCENARIO_TOKEN\"]\nenv = { SCENARIO_TOKEN = \"${env:SCENARIO_TOKEN}\" }\n\
         [[timeline]]\nspawn = \"shows\"\n[[timeline]]\nspawn = \"given\"\n";
    assert_eq!(served_run(&folder, scenario).run.end().0, Some(0));
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    let lines: Vec<_> = log.of("line").iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["[redacted]"], "what was given is a secret");
}

#[test]
fn behind_a_proxy_on_this_machine_looking_needs_the_token() {
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    let arguments = ["run", "s.toml", "--log", "l.jsonl", "--serve-host", "game.example"];
    let served = crate::serve::asker::served(&folder, &arguments);
    let host = "Host: game.example";
    assert_eq!(served.ask("GET", "/", &[host], "").status, 200, "the empty page is for everybody");
    assert_eq!(served.ask("GET", "/events", &[host], "").status, 401);
    assert_eq!(served.ask("GET", "/events", &["X-Forwarded-For: 192.0.2.7"], "").status, 401);
    let two = served.ask("GET", "/events", &[host, "Host: 127.0.0.1"], "");
    assert_eq!(two.status, 400, "{two:?}");
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let origins = ["Origin: http://127.0.0.1", "Origin: http://evil.example"];
    let two = served.ask("POST", "/input", &[origins[0], origins[1], &bearer], "mark bad");
    assert_eq!(two.status, 400, "{two:?}");
    assert_eq!(served.post("/input", "quit").status, 202);
    assert_eq!(served.run.end().0, Some(1));
}

#[test]
fn a_name_that_no_request_has_is_refused() {
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    for name in ["*", "*.example", "http://game.example", "a b", ""] {
        let arguments = ["run", "s.toml", "--log", "l.jsonl", "--serve", "0", "--serve-host", name];
        let said = folder.scenario(&arguments).end().expect(2).stderr;
        assert!(said.contains("like game.example or 192.0.2.7") || name.is_empty(), "{name}: {said}");
    }
    assert!(!folder.path().join("l.jsonl").exists(), "nothing was started");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    use std::io::{Read, Write};
    let folder = Folder::new();
    let served = served_run(&folder, LONG);
    let mut slow = served.connect();
    let head = format!(
        "POST /input HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\nmark"
    );
    slow.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(served.post("/input", "quit").status, 202);
    served.run.end();
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 1, "half a line was not typed");
}
