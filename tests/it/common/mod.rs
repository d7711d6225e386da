//! Runs the real binary, and reads what it leaves.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;

pub(crate) mod any_bytes;
pub(crate) mod any_scenario;
pub(crate) mod browser;
pub(crate) mod logs;

use rustix::process::Signal;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// A folder of its own for a test, gone with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        reset_signals();
        let name = format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, to be run in it, with nothing on its standard input.
    pub(crate) fn scenario(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
        command.current_dir(&self.0).args(arguments).env_remove("NO_COLOR");
        Run { command, stdin: None }
    }

    /// Runs a scenario on a clock, and reads its log.
    pub(crate) fn run(&self, text: &str, options: &[&str]) -> (Ended, Log) {
        self.file("s.toml", text);
        let log = self.0.join("log.jsonl");
        let mut arguments = vec!["run", "s.toml", "--log", "log.jsonl", "--force"];
        arguments.extend(options);
        let ended = self.scenario(&arguments).end();
        (ended, Log::read(&log))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lets the programs that the tests start have every signal's default action, also where the tests
/// themselves were started with some of them ignored (by `nohup`, or in the background of a script).
/// An `exec` keeps what is ignored and resets what is handled, so each of those gets a handler, which
/// does nothing. Every [`Folder`] calls this.
pub(crate) fn reset_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
        let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _inside = runtime.enter();
        for number in 1..32 {
            // The standard library ignores PIPE here, and resets it in what it starts. CHLD is left to
            // the test of a runner that was started without it.
            let is_left = [Signal::PIPE.as_raw(), Signal::CHILD.as_raw()].contains(&number);
            if !is_left && ignored >> (number - 1) & 1 == 1 {
                drop(signal(SignalKind::from_raw(number)).unwrap());
            }
        }
    });
}

/// The program.
pub(crate) const SCENARIO: &str = env!("CARGO_BIN_EXE_scenario");

/// The project's own folder.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says what was not shown, and why.
pub(crate) fn skip(what: &str, why: &str) {
    eprintln!("skipped: {what}: {why}");
}

/// Whether a tool is there and works here.
pub(crate) fn works(tool: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(tool);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Serves one answer after the other, and closes the connection after each. `answer` gets the
/// path and the whole request, and gives all the bytes. For as long as the test lives.
pub(crate) fn serve(answer: impl Fn(&str, &str) -> Vec<u8> + Send + 'static) -> std::net::SocketAddr {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || serve_on(&server, answer));
    address
}

/// The same from the moment on at which this file is there, so that nobody takes connections before.
pub(crate) fn serve_from(
    flag: std::path::PathBuf,
    answer: impl Fn(&str, &str) -> Vec<u8> + Send + 'static,
) -> std::net::SocketAddr {
    listen_from(flag, |server| serve_on(&server, answer))
}

/// Listens from the moment on at which this file is there, and gives the listener away.
pub(crate) fn listen_from(
    flag: std::path::PathBuf,
    serve: impl FnOnce(std::net::TcpListener) + Send + 'static,
) -> std::net::SocketAddr {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    std::thread::spawn(move || {
        while !flag.exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        serve(std::net::TcpListener::bind(address).unwrap());
    });
    address
}

fn serve_on(server: &std::net::TcpListener, answer: impl Fn(&str, &str) -> Vec<u8>) {
    for client in server.incoming() {
        let mut client = client.unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let start = request.len();
            let read = reader.read_line(&mut request).unwrap_or(0);
            let line = request[start..].to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if read <= 2 {
                break;
            }
        }
        let _ = reader.take(length).read_to_string(&mut request);
        let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
        let _ = client.write_all(&answer(&path, &request));
    }
}

/// An answer of HTTP/1.1 with this status and body.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends a signal to a child.
pub(crate) fn kill(child: &Child, signal: Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// The exit code as a shell shows it: 128 and the number of the signal that ended the process.
pub(crate) fn shell_code(status: std::process::ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal))
}

/// Whether nobody is left of a process's group.
pub(crate) fn is_gone(pid: &Value) -> bool {
    let group = rustix::process::Pid::from_raw(i32::try_from(pid.as_i64().unwrap()).unwrap()).unwrap();
    rustix::process::test_kill_process_group(group).is_err()
}

/// A run whose lines are read while it runs.
pub(crate) struct Watched {
    pub(crate) child: Child,
    lines: Receiver<String>,
    pub(crate) shown: Vec<String>,
}

impl Watched {
    /// Waits for a line that has this in it.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str) {
        loop {
            let Ok(line) = self.lines.recv() else {
                panic!("`{what}` was never shown, but:\n{}", self.shown.join("\n"));
            };
            self.shown.push(line);
            if self.shown.last().unwrap().contains(what) {
                return;
            }
        }
    }

    /// Waits until each of these has been in a line, in any order: for the lines of several sources.
    #[track_caller]
    pub(crate) fn until_all(&mut self, what: &[&str]) {
        let mut missing = what.to_vec();
        while let Some(first) = missing.first() {
            let Ok(line) = self.lines.recv() else {
                panic!("`{first}` was never shown, but:\n{}", self.shown.join("\n"));
            };
            missing.retain(|what| !line.contains(what));
            self.shown.push(line);
        }
    }

    /// Reads to the end, and gives the exit code as a shell shows it.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        self.shown.extend(self.lines.iter());
        (shell_code(self.child.wait().unwrap()), self.shown)
    }
}

/// The program about to be run.
pub(crate) struct Run {
    pub(crate) command: Command,
    stdin: Option<Vec<u8>>,
}

/// The end of a run: its exit code and its outputs.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Run {
        self.stdin = Some(bytes.into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Run {
        self.command.env(name, value);
        self
    }

    /// The same through another program: `wrap` gets this program, and gives the command to which its
    /// arguments are added.
    pub(crate) fn wrapped(mut self, wrap: impl FnOnce(&OsStr) -> Command) -> Run {
        let mut command = wrap(self.command.get_program());
        command.args(self.command.get_args());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        self.command = command;
        self
    }

    /// Starts it, with pipes.
    pub(crate) fn start(mut self) -> Child {
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        if let Some(bytes) = self.stdin.take() {
            child.stdin.take().unwrap().write_all(&bytes).unwrap();
        }
        child
    }

    /// Starts it, to be watched; its standard input is a pipe that stays open.
    pub(crate) fn watch(mut self) -> Watched {
        self.command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        // Read at once: a screen that is not read drops lines, which a test may wait for.
        std::thread::spawn(move || stderr.lines().try_for_each(|line| sender.send(line.unwrap())));
        Watched { child, lines, shown: Vec::new() }
    }

    /// Runs it to its end.
    pub(crate) fn end(self) -> Ended {
        let output = self.start().wait_with_output().unwrap();
        Ended {
            code: shell_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    /// Asserts the exit code, and shows what was said if it is another.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A log, line by line.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) bytes: Vec<u8>,
    pub(crate) events: Vec<Value>,
}

impl Log {
    pub(crate) fn read(path: &Path) -> Log {
        Log::of_bytes(std::fs::read(path).unwrap_or_default())
    }

    /// The whole lines of a log whose runner was killed, perhaps as it wrote.
    pub(crate) fn read_torn(path: &Path) -> Log {
        let mut bytes = std::fs::read(path).unwrap_or_default();
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        Log::of_bytes(bytes)
    }

    fn of_bytes(bytes: Vec<u8>) -> Log {
        let events =
            String::from_utf8_lossy(&bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Log { bytes, events }
    }

    /// The events of a kind.
    pub(crate) fn of(&self, event: &str) -> Vec<&Value> {
        self.events.iter().filter(|value| value["event"] == event).collect()
    }

    /// The last event.
    pub(crate) fn last(&self) -> &Value {
        self.events.last().expect("a log has a last line")
    }

    /// The names of the events, in their order, without ticks.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.events.iter().map(|value| value["event"].as_str().unwrap().to_owned());
        names.filter(|name| name != "clock.tick").collect()
    }

    /// The names of the events of one source, in their order.
    pub(crate) fn names_of(&self, source: &str) -> Vec<&str> {
        let own = self.events.iter().filter(|value| value["source"] == source);
        own.map(|value| value["event"].as_str().unwrap()).collect()
    }

    /// The moves of a player: planned moments and directions.
    pub(crate) fn moves_of(&self, player: &str) -> Vec<(String, String)> {
        let of = self.of("move").into_iter().filter(|value| value["player"] == player);
        of.map(|value| (value["due"].to_string(), value["direction"].to_string())).collect()
    }
}
