//! Players that fetch, with the real binary against real sockets: what belongs to each of them, what they do
//! after a failure, and what stops them. Every log is replayed, without the server.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{Folder, Log, answer, serve};
use serde_json::Value;

/// What a shop knows of its users.
#[derive(Default)]
struct Shop {
    /// The token of each session.
    sessions: Mutex<BTreeMap<String, String>>,
    logins: AtomicU32,
    /// Requests whose cookie and token belong to two users, or are missing.
    mixed: AtomicU32,
}

/// A shop: `/login` gives a cookie and a token, and all other paths want both of one user. `/broken` is
/// answered 500.
fn shop() -> (SocketAddr, Arc<Shop>) {
    let shop = Arc::new(Shop::default());
    let shared = Arc::clone(&shop);
    let address = serve(move |path, head| {
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        if path == "/login" {
            let n = shared.logins.fetch_add(1, Ordering::Relaxed);
            shared.sessions.lock().unwrap().insert(format!("s{n}"), format!("t{n}"));
            let cookie = format!("Set-Cookie: session=s{n}; Path=/; HttpOnly\r\n");
            return answer("200 OK", &cookie, format!("{{\"token\":\"t{n}\"}}"));
        }
        if path == "/broken" {
            return answer("500 Internal Server Error", "", "");
        }
        let session = header("cookie").and_then(|cookie| Some(cookie.split_once('=')?.1.to_owned()));
        let wanted = session.and_then(|session| shared.sessions.lock().unwrap().get(&session).cloned());
        let token = header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned()));
        if wanted.is_none() || wanted != token {
            shared.mixed.fetch_add(1, Ordering::Relaxed);
            return answer("403 Forbidden", "", "");
        }
        answer("200 OK", "", "{}")
    });
    (address, shop)
}

/// Runs players with these keys against a shop, and replays the log.
#[track_caller]
fn run(address: SocketAddr, players: &str, rest: &str, code: i32) -> Log {
    let folder = Folder::new();
    let text = format!(
        r#"
seed = 3
tick = "0s"
[presets.users]
players = [{players}]
[fetches.login]
urls = ["http://{address}/login"]
method = "POST"
capture = {{ token = {{ json = "/token" }} }}
[fetches.page]
urls = ["http://{address}/a", "http://{address}/b"]
headers = {{ Authorization = "Bearer ${{token}}" }}
[fetches.broken]
urls = ["http://{address}/broken"]
[[timeline]]
id = "users"
spawn = "users"
{rest}"#
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    for reader in ["report", "extract"] {
        folder.scenario(&[reader, "log.jsonl"]).end().expect(0);
    }
    folder.scenario(&["report", "log.jsonl", "-o", "page.html"]).end().expect(0);
    folder.scenario(&["diff", "log.jsonl", "log.jsonl"]).end().expect(0);
    log
}

fn text<'e>(event: &'e Value, key: &str) -> &'e str {
    event[key].as_str().unwrap_or_default()
}

#[test]
fn users_keep_apart() {
    let (address, shop) = shop();
    let journey = r#"{ name = "u-{n}", count = 50, steps = [
        { fetch = "login", as = "log in" }, "pause 0s..50ms", { repeat = 2, steps = ["fetch page"] },
        { all = ["fetch page", { fetch = "page", as = "again" }] },
    ] }"#;
    let log = run(address, journey, "", 0);
    assert_eq!(shop.logins.load(Ordering::Relaxed), 50);
    assert_eq!(
        shop.mixed.load(Ordering::Relaxed),
        0,
        "each request has the cookie and the token of its user"
    );
    let started = log.of("fetch.started");
    assert_eq!(started.len(), 50 * (1 + 4 * 2));
    let players: BTreeSet<&str> = started.iter().map(|event| text(event, "player")).collect();
    assert_eq!(players.len(), 50);
    assert!(log.of("fetch.responded").is_empty(), "the heads of users' answers are not logged");
    let steps = log.of("step.ended");
    let of = |step: &str| steps.iter().filter(|event| text(event, "step") == step).count();
    assert_eq!((of("log in"), of("page"), of("again")), (50, 150, 50));
    assert!(log.of("player.ended").iter().all(|event| event["ok"] == true && event["took"].is_number()));
    let figures = &log.events.last().unwrap()["fetches"];
    assert_eq!((&figures["log in"]["requests"], &figures["page"]["requests"]), (&50.into(), &300.into()));
}

#[test]
fn without_cookies_a_user_is_a_stranger() {
    let (address, shop) = shop();
    run(address, r#"{ name = "u", cookies = false, steps = ["fetch login", "fetch page"] }"#, "", 1);
    assert_eq!(shop.mixed.load(Ordering::Relaxed), 2);
}

#[test]
fn a_failed_fetch_ends_the_player_or_not() {
    let marks = |log: &Log| {
        log.of("mark").iter().map(|event| text(event, "text").to_owned()).collect::<Vec<_>>().join(" ")
    };
    let (address, _) = shop();
    let rest = r#""fetch broken", { if = "failed", steps = ["mark failed"], else = ["mark passed"] },
        "fetch login", { if = "passed", steps = ["mark in"] }"#;
    let log = run(address, &format!("{{ name = \"u\", steps = [{rest}] }}"), "", 1);
    assert_eq!(marks(&log), "");
    assert_eq!(log.of("player.ended")[0]["ok"], false);
    let log = run(address, &format!("{{ name = \"u\", on_failure = \"go on\", steps = [{rest}] }}"), "", 1);
    assert_eq!(marks(&log), "failed in");
    assert_eq!(log.of("player.ended")[0]["ok"], true);
    // From the first step, until a draw leaves the failure out.
    let again = r#"{ name = "u-{n}", count = 8, on_failure = "again", steps = [
        "mark start", { chance = 0.7, steps = ["fetch broken"] }, "mark end",
    ] }"#;
    let log = run(address, again, "", 1);
    let failed = log.of("fetch.finished").len();
    assert!(failed > 0, "the seed must let it fail once");
    let marks = marks(&log);
    assert_eq!(marks.matches("end").count(), 8);
    assert_eq!(marks.matches("start").count(), failed + 8);
}

#[test]
fn a_seed_chooses_the_same_branches_and_pauses() {
    let (address, _) = shop();
    let journey = r#"{ name = "u-{n}", count = 5, steps = ["fetch login", { repeat = "1..4", steps = [
        { choose = [{ weight = 3, steps = ["fetch page"] }, { steps = ["say nothing", "pause 0s..20ms"] }] },
    ] }] }"#;
    let walk = |log: &Log| {
        let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in &log.events {
            if ["step", "step.ended"].contains(&text(event, "event")) {
                let own = steps.entry(text(event, "player").to_owned()).or_default();
                own.push(text(event, "step").to_owned());
            }
        }
        steps
    };
    let first = walk(&run(address, journey, "", 0));
    assert_eq!(first.len(), 5);
    assert_eq!(first, walk(&run(address, journey, "", 0)));
}

#[test]
fn what_ends_a_run_gives_up_the_requests_of_users() {
    // It accepts connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let user = r#"{ name = "u-{n}", count = 3, steps = ["fetch login", "mark never"] }"#;
    let stop = "[[timeline]]\nat = \"50ms\"\nstop = \"users\"\n";
    for (rest, code) in [
        (stop, 0),
        (
            "[[timeline]]\nat = \"50ms\"\nmark = \"m\"\n[[expect]]\nof = \"mark\"\nnever = true\nabort = true\n",
            1,
        ),
    ] {
        let log = run(address, user, rest, code);
        assert_eq!(log.of("fetch.started").len(), 3);
        let errors: Vec<&str> =
            log.of("fetch.failed").into_iter().map(|event| text(event, "error")).collect();
        let given_up = "given up before the answer was whole: it was stopped, or the run ended";
        assert_eq!(errors, [given_up; 3], "{rest}");
        assert!(log.of("step").is_empty() && log.of("player.ended").is_empty());
    }
}

#[test]
fn figures_of_steps_can_be_expected() {
    let (address, _) = shop();
    let user = r#"{ name = "u-{n}", count = 3, steps = [{ fetch = "login", as = "log in" }, { fetch = "page", as = "a \"b\" \\ c" }] }"#;
    let expect = |limit: &str| {
        format!(
            "[[expect]]\nname = \"login\"\nof = \"step.took\"\nwhere = {{ step = \"^log in$\" }}\nstat = \"count\"\nequals = 3\n\
             [[expect]]\nname = \"slow\"\nof = \"step.took\"\nwhere = {{ step = \"log in\" }}\nstat = \"p95\"\nbelow = \"{limit}\"\n\
             [[expect]]\nname = \"player\"\nof = \"player.took\"\nin = \"users\"\nstat = \"max\"\nbelow = \"1m\"\n"
        )
    };
    run(address, user, &expect("1m"), 0);
    let log = run(address, user, &expect("1ns"), 1);
    let missed: Vec<&str> = log
        .of("expect")
        .into_iter()
        .filter(|event| event["ok"] == false)
        .map(|event| text(event, "name"))
        .collect();
    assert_eq!(missed, ["slow"]);
}

#[test]
fn a_plan_shows_the_steps_of_players() {
    let folder = Folder::new();
    let text = r#"
tick = "0s"
[presets.users]
players = [
    { name = "u-{n}", count = 2, steps = [{ fetch = "page", as = "look" }, { repeat = 2, steps = ["pause 1s"] }] },
    { name = "walker", moves = 1, every = "1s" },
]
[presets.others]
players = [{ name = "never", steps = ["say nothing"] }]
[fetches.page]
urls = ["http://127.0.0.1:1/"]
[[timeline]]
spawn = "users"
"#;
    folder.file("s.toml", text);
    let shown = folder.scenario(&["plan", "s.toml"]).end().expect(0).stdout;
    let steps = r#"[{"fetch":"page","as":"look"},{"repeat":2,"steps":["pause 1s"]}]"#;
    let line = format!("steps    u-{{n}} of users, 2 times: {steps}\n");
    assert!(shown.contains(&line) && !shown.contains("walker") && !shown.contains("never"), "{shown}");
    let json = folder.scenario(&["plan", "s.toml", "--format", "json"]).end().expect(0).stdout;
    let plan: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(plan["steps"][0]["steps"], serde_json::from_str::<Value>(steps).unwrap());
    assert_eq!((&plan["steps"][0]["count"], plan["steps"].as_array().unwrap().len()), (&2.into(), 1));
}
