//! Links: faults between programs. The tests are themselves the two programs.

mod bytes;
mod checks;
mod ends;
mod faults;
mod planned;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use crate::common::{Folder, Log, Watched, free_port};

/// How long a test waits for what must come, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run with one link `db`, whose changes the test orders one by one.
pub(crate) struct Stage {
    pub(crate) folder: Folder,
    pub(crate) run: Watched,
    /// The server behind the link.
    pub(crate) server: TcpListener,
    /// The port on which the link listens.
    pub(crate) port: u16,
}

impl Stage {
    /// Starts a run; each change is the inside of a `link` table, and is ordered by its name.
    pub(crate) fn new(changes: &[(&str, &str)]) -> Stage {
        let folder = Folder::new();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, to) = (free_port(), server.local_addr().unwrap());
        let mut text = format!(
            "tick = \"0s\"\nhold = true\nseed = 7\n[links.db]\nlisten = \"127.0.0.1:{port}\"\nto = \"{to}\"\n\
             [presets.stage]\ncommand = [\"sh\", \"-c\", \"echo ready; while read line; do echo order $line; done\"]\n\
             background = true\nstdin = \"open\"\nready = {{ line = \"ready\" }}\n[[timeline]]\nid = \"stage\"\nspawn = \"stage\"\n"
        );
        for (name, change) in changes {
            text += &format!(
                "[[timeline]]\nid = \"{name}\"\nafter = {{ line = \"order {name}$\", of = \"stage\", timeout = \"1h\" }}\n\
                 link = {{ name = \"db\", {change} }}\n"
            );
        }
        folder.file("s.toml", text);
        let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--input", "-"]).watch();
        run.until("| ready");
        Stage { folder, run, server, port }
    }

    /// Orders a change, and waits until it is decided.
    pub(crate) fn order(&mut self, name: &str) {
        let stdin = self.run.child.stdin.as_mut().unwrap();
        writeln!(stdin, "send stage {name}").unwrap();
        self.run.until(&format!("order {name}"));
        self.run.until("db: ");
    }

    pub(crate) fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (server, _) = self.server.accept().unwrap();
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_nodelay(true).unwrap();
        }
        (client, server)
    }

    /// The same once this has been shown: whoever sees the end of a connection may see it before the runner.
    pub(crate) fn end_after(mut self, shown: &str) -> Log {
        self.run.until(shown);
        self.end()
    }

    /// Ends the run, asserts that it has passed, that its log replays, and gives the log.
    pub(crate) fn end(mut self) -> Log {
        writeln!(self.run.child.stdin.as_mut().unwrap(), "quit").unwrap();
        let (code, shown) = self.run.end();
        assert_eq!(code, Some(0), "{}", shown.join("\n"));
        self.folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
        Log::read(&self.folder.path().join("log.jsonl"))
    }
}

/// Sends a text in one direction, and asserts that it arrives.
#[track_caller]
pub(crate) fn pass(mut from: &TcpStream, mut to: &TcpStream, text: &str) {
    from.write_all(text.as_bytes()).unwrap();
    let mut received = vec![0; text.len()];
    to.read_exact(&mut received).unwrap();
    assert_eq!(received, text.as_bytes());
}

/// Everything until the end of a stream.
#[track_caller]
pub(crate) fn read_all(mut from: &TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    from.read_to_end(&mut received).unwrap();
    received
}

/// Closes both streams in order.
pub(crate) fn close(client: &TcpStream, server: &TcpStream) {
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(server).is_empty());
    server.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(client).is_empty());
}
