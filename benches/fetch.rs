//! Loads and users: the cost of a request when every request is in the log. Compared with the limit (a bare loop
//! of hyper that logs nothing, with as many connections on one thread), and with `wrk` and `oha` if they are
//! installed. Users (players with two fetches, a check and a capture each) are compared with a plain load. Measures
//! also how late the requests of an open loop start, and the memory of a hundred thousand users.
//!
//! Prints its own tables: criterion has no place for processor time. The server is this program itself,
//! with one thread for each connection, and its costs are not counted.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::Scratch;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;

/// Runs of each kind; the median is shown.
const RUNS: usize = 3;

const CONNECTIONS: usize = 50;

/// The requests of a run that is bounded by their number.
const REQUESTS: usize = 200_000;

/// The length in seconds of a run that is bounded by time.
const SECONDS: u64 = 3;

/// How many users pause and fetch while their memory is measured, and how many are taken off from them.
const CROWDS: [u32; 2] = [100_000, 1_000];

/// The planned rates whose lateness is shown, in requests a second.
const RATES: [u64; 3] = [1_000, 5_000, 20_000];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => return serve(),
        Some("hyper") => return bare(arguments[2].parse().unwrap()),
        _ => {}
    }
    let server = Server::start();
    println!("{:<10} {:>12} {:>22}", "", "requests/s", "processor µs a request");
    let kinds: [(&str, Kind); 11] = [
        ("ours", |port| ours(port, "/", "")),
        ("+ check", |port| ours(port, "/", "check = { text = \"^hello\" }")),
        ("+ capture", |port| ours(port, "/", "capture.word = { text = \", (.*)\" }")),
        ("differing", |port| ours(port, "/differing", "")),
        ("+ check", |port| ours(port, "/differing", JSON_CHECK)),
        ("+ capture", |port| ours(port, "/differing", &format!("{JSON_CHECK}\n{JSON_CAPTURE}"))),
        ("users", |port| users(port, "/differing", &[&format!("{JSON_CHECK}\n{JSON_CAPTURE}"); 2])),
        ("same page", |port| users(port, "/", &[TEXT_CHECK, TEXT_CHECK])),
        ("bare hyper", hyper),
        ("wrk", wrk),
        ("oha", oha),
    ];
    // The kinds take turns, so that all run under the same load of the machine.
    let runs: Vec<Vec<Option<Figures>>> =
        (0..RUNS).map(|_| kinds.iter().map(|(_, run)| run(server.port)).collect()).collect();
    for (n, (name, _)) in kinds.iter().enumerate() {
        let figures: Vec<&Figures> = runs.iter().filter_map(|run| run[n].as_ref()).collect();
        if figures.is_empty() {
            println!("{name:<10} skipped: it is not installed");
            continue;
        }
        let rate = common::median(figures.iter().map(|f| f.requests / f.took.as_secs_f64()).collect());
        let cost = figures.iter().map(|f| f.processor.as_secs_f64() * 1e6 / f.requests).collect();
        println!("{name:<10} {rate:>12.0} {:>22.2}", common::median(cost));
    }
    println!("\n{:<10} {:>10} {:>10} {:>10} {:>10}", "planned/s", "p50 µs", "p99 µs", "max µs", "started");
    for rate in RATES {
        let late = lateness(server.port, rate);
        let at = |part| common::quantile(&late, part) as f64 / 1e3;
        let started = format!("{:.1} %", late.len() as f64 * 100.0 / (rate * SECONDS) as f64);
        println!("{rate:<10} {:>10.0} {:>10.0} {:>10.0} {started:>10}", at(0.5), at(0.99), at(1.0));
    }
    let [many, few] = CROWDS.map(|count| crowd_memory(server.port, count));
    let each = (many - few) * 1024.0 * 1024.0 / f64::from(CROWDS[0] - CROWDS[1]);
    println!(
        "\n{} users who pause and fetch: {many:.1} MiB; {few:.1} MiB with {}; a user {each:.0} bytes",
        CROWDS[0], CROWDS[1]
    );
}

/// The server, in a process of its own.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { child, port: line.trim().parse().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is checked and captured of answers that differ.
const JSON_CHECK: &str = "check = { json = { \"/ok\" = true, \"/list\" = { length = 3 } } }";
const JSON_CAPTURE: &str = "capture.id = { json = \"/id\" }";

/// Answers thirteen bytes to every request, or a JSON document that is never the same twice. Prints its port
/// first.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    for client in listener.incoming() {
        let client = client.unwrap();
        std::thread::spawn(move || answer(client));
    }
}

fn answer(mut client: TcpStream) {
    let _ = client.set_nodelay(true);
    let mut request = [0; 4096];
    while client.read(&mut request).is_ok_and(|read| read > 0) {
        let is_sent = if request.starts_with(b"GET /differing ") {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let id = COUNT.fetch_add(1, Ordering::Relaxed);
            let body = format!("{{\"id\":\"{id:012}\",\"ok\":true,\"name\":\"a shop\",\"list\":[1,2,3]}}");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
            client.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes())
        } else {
            let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n";
            client.write_all(&[&head[..], b"hello, world\n"].concat())
        };
        if is_sent.is_err() {
            return;
        }
    }
}

/// Runs a client against the port of the server. `None` if it is not installed.
type Kind = fn(u16) -> Option<Figures>;

/// The result of one run.
struct Figures {
    requests: f64,
    took: Duration,
    processor: Duration,
}

/// Runs a program, and measures it. `requests` gets the number of requests from its output.
fn measured(mut command: Command, requests: impl FnOnce(&str) -> f64) -> Option<Figures> {
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let (start, before) = (Instant::now(), common::processor_of_children());
    let output = command.output().ok()?;
    let (took, processor) = (start.elapsed(), common::processor_of_children() - before);
    assert!(output.status.success(), "{command:?}");
    let requests = requests(&String::from_utf8_lossy(&output.stdout));
    Some(Figures { requests, took, processor })
}

/// The `scenario` program, with a load that has these keys. Its log goes to `log`.
fn program((port, path): (u16, &str), keys: &str, scenario: &Scratch, log: &Scratch) -> Command {
    let text = format!(
        "tick = \"0s\"\n[fetches.f]\nurls = [\"http://127.0.0.1:{port}{path}\"]\n{keys}\n[[timeline]]\nfetch = \"f\"\n"
    );
    command(&text, scenario, log)
}

/// The `scenario` program with a scenario of this text. Its log goes to `log`.
fn command(text: &str, scenario: &Scratch, log: &Scratch) -> Command {
    std::fs::write(scenario.path(), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    command.arg("run").arg("-q").arg(scenario.path()).arg("--log").arg(log.path());
    command
}

/// A load whose fetch has `more` keys.
fn ours(port: u16, path: &str, more: &str) -> Option<Figures> {
    let (scenario, log) = (Scratch::new("s.toml"), Scratch::new("load.jsonl"));
    let keys = format!("connections = {CONNECTIONS}\nrequests = {REQUESTS}\n{more}");
    let figures = measured(program((port, path), &keys, &scenario, &log), |_| REQUESTS as f64);
    let finished = log.lines().filter(|line| line.contains("\"event\":\"fetch.finished\"")).count();
    assert_eq!(finished, REQUESTS, "every request is in the log");
    figures
}

/// What is checked and captured of answers that are the same.
const TEXT_CHECK: &str = "check = { text = \"^hello\" }\ncapture.word = { text = \", (.*)\" }";

/// As many users as connections, who make two fetches in turn, each with `more` keys.
fn users(port: u16, path: &str, more: &[&str; 2]) -> Option<Figures> {
    let (scenario, log) = (Scratch::new("s.toml"), Scratch::new("users.jsonl"));
    let rounds = REQUESTS / CONNECTIONS / 2;
    let steps = format!("{{ repeat = {rounds}, steps = [\"fetch one\", \"fetch two\"] }}");
    let text = users_scenario((port, path), CONNECTIONS, &steps, more);
    let figures = measured(command(&text, &scenario, &log), |_| REQUESTS as f64);
    let finished = log.lines().filter(|line| line.contains("\"event\":\"fetch.finished\"")).count();
    assert_eq!(finished, REQUESTS, "every request is in the log");
    figures
}

fn users_scenario((port, path): (u16, &str), count: usize, steps: &str, more: &[&str; 2]) -> String {
    let url = format!("urls = [\"http://127.0.0.1:{port}{path}\"]");
    format!(
        "tick = \"0s\"\n[presets.users]\nplayers = [{{ name = \"u-{{n}}\", count = {count}, steps = [{steps}] }}]\n\
         [fetches.one]\n{url}\n{}\n[fetches.two]\n{url}\n{}\n[[timeline]]\nspawn = \"users\"\n",
        more[0], more[1]
    )
}

/// The peak of memory, in MiB, of users who pause and fetch twice within ten seconds.
fn crowd_memory(port: u16, count: u32) -> f64 {
    let (scenario, log) = (Scratch::new("s.toml"), Scratch::new("crowd.jsonl"));
    let steps = "\"pause 1s..5s\", \"fetch one\", \"pause 1s..5s\", \"fetch two\"";
    let keys = format!("{JSON_CHECK}\n{JSON_CAPTURE}");
    let text = users_scenario((port, "/differing"), count as usize, steps, &[&keys, ""]);
    let mut child =
        command(&text, &scenario, &log).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    let mut peak = 0.0_f64;
    while child.try_wait().unwrap().is_none() {
        peak = common::peak_memory_of(&pid).unwrap_or_default().max(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    peak
}

fn hyper(port: u16) -> Option<Figures> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["hyper", &port.to_string()]);
    measured(command, |_| REQUESTS as f64)
}

fn wrk(port: u16) -> Option<Figures> {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s")]);
    command.arg(format!("http://127.0.0.1:{port}/"));
    measured(command, |output| {
        let line = output.lines().find(|line| line.contains(" requests in ")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    })
}

fn oha(port: u16) -> Option<Figures> {
    let mut command = Command::new("oha");
    command.args(["--no-tui", "-n", &REQUESTS.to_string(), "-c", &CONNECTIONS.to_string()]);
    command.arg(format!("http://127.0.0.1:{port}/"));
    measured(command, |_| REQUESTS as f64)
}

/// The limit: as many connections, each of which sends its next request once it has its answer, and
/// nothing else.
fn bare(port: u16) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| tokio::task::spawn_local(client(port))).collect();
        for client in clients {
            client.await.unwrap();
        }
    });
}

async fn client(port: u16) {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::task::spawn_local(connection);
    for _ in 0..REQUESTS / CONNECTIONS {
        sender.ready().await.unwrap();
        let request =
            hyper::Request::get("/").header("host", "127.0.0.1").body(Empty::<Bytes>::new()).unwrap();
        let mut response = sender.send_request(request).await.unwrap();
        while let Some(frame) = response.frame().await {
            frame.unwrap();
        }
    }
}

/// The lateness of the starts of an open loop's requests, sorted, in nanoseconds.
fn lateness(port: u16, rate: u64) -> Vec<u64> {
    let (scenario, log) = (Scratch::new("s.toml"), Scratch::new("load.jsonl"));
    let keys = format!("rate = \"{rate}/s\"\nfor = \"{SECONDS}s\"");
    // If the machine cannot keep the rate, some requests never start, and the run fails.
    let _ = program((port, "/"), &keys, &scenario, &log)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let number = |line: &str, key: &str| {
        let from = line.find(key)? + key.len();
        let digits = line[from..].split(',').next()?.replace('.', "");
        digits.parse::<u64>().ok()
    };
    let late = |line: String| {
        line.contains("\"fetch.started\"").then_some(())?;
        Some(number(&line, "\"t\":")? - number(&line, "\"due\":")?)
    };
    let mut late: Vec<u64> = log.lines().filter_map(late).collect();
    late.sort_unstable();
    late
}
