//! Clients: a served run or log, requests to it, and the events that it sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::common::{Folder, Watched};

pub(crate) const TOKEN: &str = "the-token-of-these-tests";

/// How long anything may take: a limit for what never comes, not a measure.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(120);

/// A running server.
pub(crate) struct Served {
    pub(crate) run: Watched,
    pub(crate) port: u16,
}

/// A response: its status, its head in lower case, its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Runs a command with `--serve`, and waits until it listens.
pub(crate) fn served(folder: &Folder, arguments: &[&str]) -> Served {
    let arguments = [arguments, &["--serve", "127.0.0.1:0"]].concat();
    let mut run = folder.scenario(&arguments).env("SCENARIO_TOKEN", TOKEN).watch();
    run.until("page: http://127.0.0.1:");
    let link = run.shown.last().unwrap().split("127.0.0.1:").nth(1).unwrap();
    let (port, token) = link.split_once("/#").unwrap();
    assert_eq!(token, TOKEN);
    Served { port: port.parse().unwrap(), run }
}

/// Runs a scenario with its page; its log is `l.jsonl`.
pub(crate) fn served_run(folder: &Folder, scenario: &str) -> Served {
    folder.file("s.toml", scenario);
    served(folder, &["run", "s.toml", "--log", "l.jsonl"])
}

impl Served {
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream
    }

    /// Sends a request with these lines in its head, and reads the response to its end.
    pub(crate) fn ask(&self, method: &str, path: &str, head: &[&str], body: &str) -> Answer {
        let mut stream = self.connect();
        let host = format!("Host: 127.0.0.1:{}", self.port);
        let length = format!("Content-Length: {}", body.len());
        let has_host = head.iter().any(|line| line.starts_with("Host:"));
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), "Connection: close".to_owned(), length];
        lines.extend((!has_host).then_some(host));
        lines.extend(head.iter().map(|line| (*line).to_owned()));
        stream.write_all(format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Sends a `POST` with the token.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[&format!("Authorization: Bearer {TOKEN}")], body)
    }

    /// Subscribes to the events, from now on.
    pub(crate) fn look(&self) -> Shown {
        let mut stream = self.connect();
        let head = format!("GET /events HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", self.port);
        stream.write_all(head.as_bytes()).unwrap();
        let mut shown = Shown { reader: BufReader::new(stream), chunk: Vec::new() };
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(shown.reader.read_line(&mut line).unwrap() > 0, "the head of an answer");
        }
        shown
    }
}

/// The events of one page.
pub(crate) struct Shown {
    reader: BufReader<TcpStream>,
    /// The rest of the bytes that were read.
    chunk: Vec<u8>,
}

impl Shown {
    /// The next event and its data; `None` once the stream has ended.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let end = self.chunk.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let event: Vec<u8> = self.chunk.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let Some(named) = event.strip_prefix("event: ") else { continue };
                let (name, data) = named.trim_end().split_once("\ndata: ").unwrap();
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
            let mut size = String::new();
            self.reader.read_line(&mut size).ok().filter(|read| *read > 0)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut piece = vec![0; size + 2];
            self.reader.read_exact(&mut piece).ok()?;
            if size == 0 {
                return None;
            }
            self.chunk.extend_from_slice(&piece[..size]);
        }
    }

    /// The data of the next event of this name for which something holds.
    #[track_caller]
    pub(crate) fn until(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = None;
        while let Some((event, data)) = self.next() {
            if event == name && holds(&data) {
                return data;
            }
            last = Some(data);
        }
        panic!("no such `{name}` came; the last was {last:?}");
    }
}
