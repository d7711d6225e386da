//! Loads, with the real binary against real sockets: how many requests start and when, how each of them
//! ends, and the figures of all. Every log is replayed.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{Ended, Folder, Log};
use serde_json::Value;

/// The counts of a server.
#[derive(Default)]
struct ServerCounts {
    connections: AtomicUsize,
    live: AtomicUsize,
    most: AtomicUsize,
    requests: AtomicUsize,
}

/// Starts a server that answers every request after `delay`, on any number of connections. Without a delay
/// it never answers.
fn server(delay: Option<Duration>) -> (u16, Arc<ServerCounts>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Arc::new(ServerCounts::default());
    let shared = Arc::clone(&counts);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, counts) = (client.unwrap(), Arc::clone(&shared));
            counts.connections.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                // A request of these tests arrives in one piece.
                while client.read(&mut request).is_ok_and(|read| read > 0) {
                    counts.requests.fetch_add(1, Ordering::Relaxed);
                    let live = counts.live.fetch_add(1, Ordering::Relaxed) + 1;
                    counts.most.fetch_max(live, Ordering::Relaxed);
                    let Some(delay) = delay else { continue };
                    if !delay.is_zero() {
                        std::thread::sleep(delay);
                    }
                    counts.live.fetch_sub(1, Ordering::Relaxed);
                    if client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, counts)
}

/// Runs a load with these keys from the start of the run, and replays its log.
fn run(port: u16, keys: &str, rest: &str, code: i32) -> (Ended, Log) {
    let folder = Folder::new();
    let text = format!(
        "seed = 7\n[fetches.f]\nurls = [\"http://127.0.0.1:{port}/a\", \"http://127.0.0.1:{port}/b\"]\n{keys}\n\
         [[timeline]]\nid = \"f\"\nfetch = \"f\"\n{rest}"
    );
    let (ended, log) = folder.run(&text, &[]);
    let ended = ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    (ended, log)
}

fn figures(log: &Log) -> Value {
    log.events.last().unwrap()["fetches"]["f"].clone()
}

fn nanoseconds(value: &Value) -> u64 {
    (value.as_f64().unwrap() * 1e9).round() as u64
}

/// The planned moments of the requests, in the order in which they started.
fn dues(log: &Log) -> Vec<u64> {
    log.of("fetch.started").iter().map(|event| nanoseconds(&event["due"])).collect()
}

/// The largest number of requests in flight, by the log.
fn most_at_once(log: &Log) -> usize {
    let (mut live, mut most) = (0_usize, 0);
    for event in &log.events {
        match event["event"].as_str().unwrap() {
            "fetch.started" => live += 1,
            "fetch.finished" | "fetch.failed" => live -= 1,
            _ => {}
        }
        most = most.max(live);
    }
    assert_eq!(live, 0, "each request ends");
    most
}

#[test]
fn an_open_loop_starts_each_request_at_its_moment() {
    let (port, counts) = server(Some(Duration::ZERO));
    let (_, log) = run(port, "rate = \"200/s\"\nfor = \"500ms\"", "", 0);
    let wanted: Vec<u64> = (0..100).map(|n| n * 5_000_000).collect();
    assert_eq!(dues(&log), wanted);
    assert_eq!(counts.requests.load(Ordering::Relaxed), 100);
    assert!(log.of("fetch.responded").is_empty(), "a load logs no heads");
    for (n, event) in log.of("fetch.started").iter().enumerate() {
        assert!(event["url"].as_str().unwrap().ends_with(["/a", "/b"][n % 2]), "one URL after the other");
        assert!(event["t"].as_f64() >= event["due"].as_f64(), "never early");
    }
    let figures = figures(&log);
    assert_eq!(figures["requests"], 100);
    assert_eq!(figures["statuses"]["200"]["requests"], 100);
    assert_eq!(figures["bytes"], 500);
    let reused = log.of("fetch.finished").iter().filter(|event| event["reused"] == true).count();
    assert_eq!(figures["reused"], reused);
    assert_eq!(figures["opened"], 100 - reused);
}

#[test]
fn took_counts_from_the_planned_moment() {
    let (port, _) = server(Some(Duration::from_millis(100)));
    let (_, log) = run(port, "rate = \"50/s\"\nrequests = 10\nmax_connections = 1", "", 0);
    // One at a time, each takes 100 ms: the tenth, planned for 180 ms, ends at 1 s or later.
    let last = log.of("fetch.finished").last().unwrap()["took"].as_f64().unwrap();
    assert!(last >= 0.82, "{last}");
    let figures = figures(&log);
    assert!(figures["latency"]["max"].as_f64().unwrap() >= 0.82, "{figures}");
    assert!(figures["from_start"]["p50"].as_f64() < figures["latency"]["p50"].as_f64(), "{figures}");
    assert_eq!(figures["delayed"], 9);
    assert_eq!(figures["unsent"], 0);
    assert_eq!(most_at_once(&log), 1);
}

#[test]
fn a_ramp_starts_as_many_requests_as_its_area() {
    let (port, _) = server(Some(Duration::ZERO));
    let ramp = "rate = [{ at = \"0s\", to = \"0/s\" }, { at = \"500ms\", to = \"400/s\" }]\nfor = \"700ms\"";
    let (_, log) = run(port, ramp, "", 0);
    let dues = dues(&log);
    // 100 under the slope, the nth at sqrt(n / 400) seconds, and 80 after it.
    assert_eq!(dues.len(), 180);
    assert_eq!([dues[0], dues[25], dues[100], dues[101]], [0, 250_000_000, 500_000_000, 502_500_000]);
    assert!(dues.is_sorted());
}

#[test]
fn random_moments_depend_on_the_seed_only() {
    let (port, _) = server(Some(Duration::ZERO));
    let keys = "rate = \"500/s\"\nrequests = 100\narrivals = \"poisson\"";
    let other = format!("{keys}\n[fetches.g]\nurls = [\"http://127.0.0.1:{port}/\"]\n{keys}");
    let (_, first) = run(port, keys, "", 0);
    let (_, second) = run(port, &other, "[[timeline]]\nid = \"g\"\nfetch = \"g\"\n", 0);
    let of_f = |log: &Log| {
        let started = log.of("fetch.started").into_iter().filter(|event| event["job"] == "f");
        started.map(|event| nanoseconds(&event["due"])).collect::<Vec<_>>()
    };
    assert_eq!(of_f(&first), of_f(&second), "another load changes nothing");
    assert_ne!(of_f(&first)[1] - of_f(&first)[0], of_f(&first)[2] - of_f(&first)[1]);
}

#[test]
fn a_closed_loop_never_has_more_in_flight() {
    let (port, counts) = server(Some(Duration::from_millis(1)));
    let (_, log) = run(port, "connections = 5\nrequests = 203", "", 0);
    assert_eq!(log.of("fetch.started").len(), 203);
    assert_eq!(most_at_once(&log), 5);
    assert!(counts.most.load(Ordering::Relaxed) <= 5);
    assert_eq!(counts.connections.load(Ordering::Relaxed), 5);
    let figures = figures(&log);
    assert_eq!((figures["opened"].as_u64(), figures["reused"].as_u64()), (Some(5), Some(198)));
}

#[test]
fn the_end_of_a_closed_loop_stops_starts_but_not_answers() {
    let (port, _) = server(Some(Duration::from_millis(30)));
    let (_, log) = run(port, "connections = 3\nfor = \"200ms\"", "", 0);
    assert!(dues(&log).iter().all(|due| *due < 200_000_000));
    let figures = figures(&log);
    assert_eq!(figures["given_up"], 0);
    assert_eq!(figures["statuses"]["200"]["requests"], log.of("fetch.started").len());
}

#[test]
fn a_server_that_stops_answering_delays_no_start() {
    let (port, _) = server(None);
    let (_, log) = run(port, "rate = \"500/s\"\nfor = \"400ms\"\ntimeout = \"300ms\"", "", 1);
    assert_eq!(dues(&log), (0..200).map(|n| n * 2_000_000).collect::<Vec<u64>>());
    assert!(most_at_once(&log) >= 100, "no start waits for an answer");
    assert_eq!(figures(&log)["failures"]["timeout"], 200);
}

#[test]
fn requests_over_the_connection_limit_are_late_or_counted() {
    let (port, _) = server(None);
    let keys = "rate = \"500/s\"\nfor = \"600ms\"\ntimeout = \"250ms\"\nmax_connections = 20";
    let (ended, log) = run(port, keys, "", 1);
    let figures = figures(&log);
    let count = |key: &str| figures[key].as_u64().unwrap();
    assert_eq!(count("requests") + count("unsent"), 300, "{figures}");
    assert_eq!(most_at_once(&log), 20);
    assert!(count("delayed") >= 20 && count("unsent") >= 1, "{figures}");
    // Requests that start late keep their planned moments.
    assert!(dues(&log).iter().enumerate().all(|(n, due)| *due == n as u64 * 2_000_000));
    assert_eq!(ended.stderr.matches("as many as `max_connections` lets").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(" never, with too many in flight"), "{}", ended.stderr);
}

#[test]
fn memory_stays_flat_under_a_server_that_stops_answering() {
    // Requests that cannot start cost no memory, even if a thousand times as many are planned.
    let peak = |rate: u32| {
        let (port, _) = server(None);
        let keys = format!("rate = \"{rate}/s\"\nfor = \"1s\"\ntimeout = \"1s500ms\"\nmax_connections = 50");
        let look = "[presets.peak]\ncommand = [\"sh\", \"-c\", \"grep VmHWM /proc/$PPID/status\"]\n\
                    [[timeline]]\nafter = \"f.finished\"\nspawn = \"peak\"\n";
        let (_, log) = run(port, &keys, look, 1);
        let figures = figures(&log);
        let count = |key: &str| figures[key].as_u64().unwrap();
        assert_eq!(count("requests") + count("unsent"), u64::from(rate), "{figures}");
        let line = log.of("line")[0]["text"].as_str().unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let (few, many) = (peak(100), peak(100_000));
    assert!(many < few + 2_048, "{few} kB, and {many} kB");
}

#[test]
fn the_end_of_the_run_ends_every_request_in_flight() {
    let (port, _) = server(None);
    let folder = Folder::new();
    let text = format!(
        "time_limit = \"300ms\"\n[fetches.f]\nurls = [\"http://127.0.0.1:{port}/\"]\nconnections = 10\nfor = \"1h\"\n\
         [[timeline]]\nfetch = \"f\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let given_up: BTreeSet<_> =
        log.of("fetch.failed").iter().map(|event| event["source"].to_string()).collect();
    assert_eq!(given_up.len(), 10);
    assert_eq!(figures(&log)["given_up"], 10);
    assert_eq!(figures(&log)["failures"], serde_json::json!({}));
}

#[test]
fn a_stop_ends_a_load_without_requests_in_flight() {
    let (port, _) = server(Some(Duration::ZERO));
    let stop =
        "[[timeline]]\nat = \"300ms\"\nstop = \"f\"\n[[timeline]]\nafter = \"f.finished\"\nmark = \"over\"\n";
    let (_, log) = run(port, "rate = \"5/s\"\nfor = \"1h\"", stop, 0);
    assert_eq!(dues(&log), [0, 200_000_000]);
    assert_eq!(log.of("stopping")[0]["reason"], "no more requests of `f` start");
    assert_eq!(log.of("mark").len(), 1);
}

#[test]
fn a_thousand_slow_answers_at_once() {
    let (port, counts) = server(Some(Duration::from_millis(300)));
    let (_, log) = run(port, "connections = 1000\nrequests = 2000", "", 0);
    assert_eq!(figures(&log)["statuses"]["200"]["requests"], 2_000);
    assert_eq!(most_at_once(&log), 1_000);
    assert!(counts.most.load(Ordering::Relaxed) <= 1_000);
}

#[test]
fn a_long_log_replays_and_an_edit_is_found() {
    let (port, _) = server(Some(Duration::ZERO));
    let folder = Folder::new();
    let text = format!(
        "[fetches.f]\nurls = [\"http://127.0.0.1:{port}/\"]\nconnections = 20\nrequests = 30000\n\
         [[timeline]]\nfetch = \"f\"\n"
    );
    let (ended, log) = folder.run(&text, &["--quiet"]);
    ended.expect(0);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    assert_eq!(figures(&log)["requests"], 30_000);
    let bytes = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let edited = bytes.replacen("\"source\":\"get#22222\"", "\"source\":\"get#22223\"", 1);
    assert_ne!(edited, bytes);
    folder.file("edited.jsonl", edited);
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

#[test]
fn a_plan_shows_the_number_of_requests_and_the_last_moment() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[fetches]\nopen = { urls = [\"http://h/\"], rate = \"500/s\", for = \"10s\" }\n\
         closed = { urls = [\"http://h/\"], connections = 5, requests = 100 }\n\
         [[timeline]]\nfetch = \"open\"\n[[timeline]]\nat = \"1s\"\nfetch = \"closed\"\n",
    );
    let plan = folder.scenario(&["plan", "s.toml", "--seed", "1"]).end().expect(0).stdout;
    for wanted in [
        "load   open: 5000 requests at 500/s, the last 9s 998ms after the first",
        "load   closed: 100 requests, 5 at a time",
        "earliest 9.998 s",
    ] {
        assert!(plan.contains(wanted), "{wanted} in {plan}");
    }
}

#[test]
fn a_load_follows_redirects_and_sends_bodies() {
    let server = crate::common::serve(|path, request| match path {
        "/moved" => crate::common::answer("307 Temporary Redirect", "Location: /here\r\n", ""),
        _ => crate::common::answer("200 OK", "", request.rsplit("\r\n\r\n").next().unwrap()),
    });
    let folder = Folder::new();
    let text = format!(
        "[fetches.f]\nurls = [\"http://{server}/moved\", \"http://{server}/\"]\nmethod = \"POST\"\n\
         body = {{ text = \"ping\" }}\nconnections = 2\nrequests = 6\n[[timeline]]\nfetch = \"f\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    assert_eq!(figures(&log)["statuses"]["200"]["requests"], 6);
    assert_eq!(figures(&log)["bytes"], 24, "each body came back");
    assert!(log.of("fetch.responded").is_empty());
}

#[test]
fn a_connection_that_the_server_closed_is_not_a_failure() {
    // Each answer is the last of its connection, but the server does not announce that.
    let server = crate::common::serve(|_, _| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec());
    let keys = "rate = \"20/s\"\nrequests = 10";
    let (_, log) = run(server.port(), keys, "", 0);
    assert_eq!(figures(&log)["statuses"]["200"]["requests"], 10);
}

/// Starts a server that answers each request by its path, in parts. `parts` returns them, and whether the
/// answer is the last of its connection. Returns the port and the number of connections.
fn by_path(parts: impl Fn(&str) -> (Vec<String>, bool) + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>) {
    let (listener, count) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(AtomicUsize::new(0)));
    let (port, counted) = (listener.local_addr().unwrap().port(), Arc::clone(&count));
    let parts = Arc::new(parts);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, parts) = (client.unwrap(), Arc::clone(&parts));
            counted.fetch_add(1, Ordering::Relaxed);
            client.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut byte = [0];
                while client.read(&mut byte).is_ok_and(|read| read > 0) {
                    request.push(byte[0]);
                    if !request.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let text = String::from_utf8(std::mem::take(&mut request)).unwrap();
                    let (parts, is_last) = parts(text.split(' ').nth(1).unwrap());
                    for part in parts {
                        let _ = client.write_all(part.as_bytes());
                        // The client reads the parts one by one.
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    if is_last {
                        return;
                    }
                }
            });
        }
    });
    (port, count)
}

fn whole(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn answers_of_every_form_are_received_on_kept_connections() {
    let (port, connections) = by_path(|path| match path {
        "/whole" => (vec![whole("whole")], false),
        "/parts" => {
            let whole = whole(&"x".repeat(3_000));
            (vec![whole[..30].to_owned(), whole[30..60].to_owned(), whole[60..].to_owned()], false)
        }
        "/body" => {
            let (whole, head) = (whole("in parts"), whole("in parts").len() - 4);
            (vec![whole[..head].to_owned(), whole[head..].to_owned()], false)
        }
        "/chunked" => {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            (vec![format!("{head}4\r\nfour\r\n0\r\n\r\n")], false)
        }
        _ => (vec!["HTTP/1.1 204 No Content\r\n\r\n".to_owned()], false),
    });
    let paths = ["whole", "parts", "body", "chunked", "nothing"];
    let folder = Folder::new();
    let fetch = |path: &str| {
        format!(
            "[fetches.{path}]\nurls = [\"http://127.0.0.1:{port}/{path}\"]\nconnections = 1\nrequests = 4\n\
             [[timeline]]\nfetch = \"{path}\"\n"
        )
    };
    let (ended, log) = folder.run(&paths.map(fetch).concat(), &[]);
    ended.expect(0);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let bytes = |path: &str| log.last()["fetches"][path]["bytes"].as_u64().unwrap() / 4;
    assert_eq!(paths.map(bytes), [5, 3_000, 8, 4, 0]);
    // One for each load, and another one for each of the two that hyper took over.
    assert_eq!(connections.load(Ordering::Relaxed), 7);
}

#[test]
fn a_load_reports_broken_answers_like_any_fetch() {
    let (port, _) = by_path(|path| {
        let answer = match path {
            "/garbage" => "what?\r\n\r\n",
            "/short" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!",
            "/head" => "HTTP/1.1 200 OK\r\nContent-Le",
            "/two" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno colon\r\n\r\nok",
            "/lengths" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
            "/large" => "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nabc",
            _ => "",
        };
        (vec![answer.to_owned()], true)
    });
    let urls = ["garbage", "short", "head", "two", "lengths", "large", "nothing"]
        .map(|path| format!("\"http://127.0.0.1:{port}/{path}\""))
        .join(", ");
    let fetch = |name: &str, keys: &str| {
        format!(
            "[fetches.{name}]\nurls = [{urls}]\nmax_body = \"1kB\"\n{keys}\n[[timeline]]\nfetch = \"{name}\"\n"
        )
    };
    let text = fetch("plain", "mode = \"sequential\"") + &fetch("load", "connections = 1\nrequests = 7");
    let (ended, log) = Folder::new().run(&text, &[]);
    ended.expect(1);
    let outcomes = |job: &str| -> Vec<String> {
        let started = log.of("fetch.started").into_iter().filter(|event| event["job"] == job);
        let sources: Vec<&Value> = started.map(|event| &event["source"]).collect();
        let failed = log.of("fetch.failed");
        let outcome = |source: &&Value| {
            let event = failed.iter().find(|event| &event["source"] == *source);
            event.map_or_else(
                || "finished".to_owned(),
                |event| format!("{}: {}", event["kind"], event["error"]),
            )
        };
        sources.iter().map(outcome).collect()
    };
    assert_eq!(outcomes("load"), outcomes("plain"));
    assert_eq!(outcomes("load").len(), 7);
    assert!(outcomes("load").iter().all(|outcome| outcome != "finished"), "{:?}", outcomes("load"));
}
