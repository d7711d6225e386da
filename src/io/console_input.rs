//! Reads typed commands: the lines of a terminal, or of the file given with `--input`. Each line goes
//! into the inbox.
//!
//! A thread of its own reads, since a terminal cannot be read without waiting. It reads the terminal
//! only while the runner is in the foreground: the system stops a background job that reads. The end
//! of the input does not end the run.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

use crate::io::inbox::{Inbox, Input};
use crate::io::terminal::attachment::AttachedInput;
use crate::io::terminal::foreground;
use crate::io::terminal::line_editor::EditedLine;
use scenario_log::captured_value::REDACTED;
use scenario_log::event::Source;

/// The longest line that is kept, in bytes. The engine refuses a line of this length.
const MAX_LINE_LEN: usize = 8 << 10;

/// How many typed lines may wait; after that, reading waits.
const MAX_QUEUED_LINES: usize = 64;

/// How long the start of a run waits at most for the lines that are there already.
const CATCH_UP_TIMEOUT: Duration = Duration::from_millis(500);

/// How often a terminal is checked while another job has it.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Where typed lines come from.
#[derive(Clone, Debug)]
pub enum ConsoleInput {
    /// The terminal on standard input, which echoes what is typed. Every line that is entered is counted,
    /// since it moves the cursor of a screen that is drawn there.
    Terminal(Arc<AtomicU64>),
    /// The same, but without echo: a bar on the screen shows the line that is being typed.
    EditedTerminal(EditedLine),
    /// All of standard input, as `--input -` asks.
    Stdin,
    /// A file, or a pipe by its path.
    File(PathBuf),
}

impl ConsoleInput {
    /// The line that is being typed, if the terminal does not echo it.
    #[must_use]
    pub fn typed_line(&self) -> Option<EditedLine> {
        match self {
            ConsoleInput::EditedTerminal(typed) => Some(typed.clone()),
            ConsoleInput::Terminal(_) | ConsoleInput::Stdin | ConsoleInput::File(_) => None,
        }
    }

    /// Starts to read. Lines go into the inbox as they are typed. Lines that are there already (a
    /// whole file, or piped input) are in the inbox when this returns, so that they come before
    /// anything else of the run.
    pub fn start(self, inbox: &Rc<Inbox>) {
        let (lines, mut typed) = mpsc::channel::<TypedItem>(MAX_QUEUED_LINES);
        let (reading_on, caught_up) = std::sync::mpsc::channel::<()>();
        // Without a thread nothing can be typed, and the run does not need it.
        let _ = std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || self.read_into(&lines, reading_on));
        let asked = std::time::Instant::now();
        loop {
            let caught_up = caught_up.recv_timeout(Duration::from_millis(1));
            while let Ok(item) = typed.try_recv() {
                inbox.push(item.into_input());
            }
            if caught_up == Err(RecvTimeoutError::Disconnected) || asked.elapsed() > CATCH_UP_TIMEOUT {
                break;
            }
        }
        let inbox = Rc::clone(inbox);
        tokio::task::spawn_local(async move {
            while let Some(item) = typed.recv().await {
                inbox.push(item.into_input());
            }
        });
    }

    /// Reads to the end; drops `reading_on` as soon as there is nothing more to read for now.
    fn read_into(self, lines: &mpsc::Sender<TypedItem>, reading_on: Sender<()>) {
        let reading_on = Some(reading_on);
        match self {
            ConsoleInput::Terminal(entered) => {
                drop(reading_on);
                read_lines(ForegroundStdin { entered_lines: entered }, lines);
            }
            ConsoleInput::EditedTerminal(typed) => {
                drop(reading_on);
                read_keys(&typed, lines);
            }
            ConsoleInput::Stdin => {
                read_lines(CatchUpReader { reader: std::io::stdin().lock(), catching_up: reading_on }, lines)
            }
            ConsoleInput::File(path) => {
                // Opening a FIFO waits for its writer: there is nothing to read for now.
                let reading_on =
                    reading_on.filter(|_| std::fs::metadata(&path).is_ok_and(|file| file.is_file()));
                if let Ok(source) = File::open(path) {
                    read_lines(CatchUpReader { reader: source, catching_up: reading_on }, lines);
                }
            }
        }
    }
}

/// Reads all lines at once, for a clock that does not wait. A terminal has none.
///
/// # Errors
/// When the input cannot be read.
pub fn read_all(input: &ConsoleInput) -> std::io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    match input {
        ConsoleInput::Terminal(_) | ConsoleInput::EditedTerminal(_) => {}
        ConsoleInput::Stdin => drop(std::io::stdin().lock().read_to_end(&mut bytes)?),
        ConsoleInput::File(path) => drop(File::open(path)?.read_to_end(&mut bytes)?),
    }
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter(|line| !line.is_empty())
        .map(|line| decode_line(&line[..line.len().min(MAX_LINE_LEN)]))
        .collect())
}

fn decode_line(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

/// A source that drops `catching_up` when the next read would have to wait.
struct CatchUpReader<R> {
    reader: R,
    catching_up: Option<Sender<()>>,
}

impl<R: Read + AsFd> Read for CatchUpReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.catching_up.is_some() {
            let mut fds = [PollFd::new(&self.reader, PollFlags::IN)];
            let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
            if poll(&mut fds, Some(&at_once)).unwrap_or(0) == 0 {
                self.catching_up = None;
            }
        }
        self.reader.read(buffer)
    }
}

/// The terminal, read only when there is something to read and the runner is in the foreground.
struct ForegroundStdin {
    entered_lines: Arc<AtomicU64>,
}

impl Read for ForegroundStdin {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let stdin = std::io::stdin();
        loop {
            let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
            let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(POLL_INTERVAL.subsec_nanos()) };
            let ready = poll(&mut fds, Some(&timeout)).unwrap_or(0);
            if ready == 0 {
                continue;
            }
            if foreground::is_foreground(&stdin) {
                let read = rustix::io::read(&stdin, &mut *buffer)?;
                let lines = memchr::memchr_iter(b'\n', &buffer[..read]).count();
                self.entered_lines.fetch_add(lines as u64, Ordering::Relaxed);
                return Ok(read);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Something that was typed.
#[derive(Debug)]
enum TypedItem {
    /// A line for the runner.
    Line(String),
    /// Keys for the program that has the terminal.
    Keys { source: Source, text: String, hidden: bool },
    /// The end of the input of that program.
    End(Source),
}

impl TypedItem {
    fn into_input(self) -> Input {
        match self {
            TypedItem::Line(text) => Input::CommandTyped { text, unredacted: None },
            TypedItem::Keys { source, text, hidden: false } => {
                Input::KeysTyped { source, text, unredacted: None, close: false }
            }
            TypedItem::Keys { source, text, hidden: true } => {
                let (unredacted, text) = (Some(text), REDACTED.to_owned());
                Input::KeysTyped { source, text, unredacted, close: false }
            }
            TypedItem::End(source) => {
                Input::KeysTyped { source, text: String::new(), unredacted: None, close: true }
            }
        }
    }
}

/// Sends what is typed to the program that has the terminal. False if the run has ended.
fn send_to_program(
    typed: &EditedLine,
    (source, inputs): (Source, Vec<AttachedInput>),
    lines: &mpsc::Sender<TypedItem>,
) -> bool {
    inputs.into_iter().all(|input| {
        let item = match input {
            AttachedInput::Keys { text, hidden } => TypedItem::Keys { source, text, hidden },
            AttachedInput::Interrupt => TypedItem::Line(format!("signal {source} INT")),
            AttachedInput::End => TypedItem::End(source),
            AttachedInput::Detach => {
                typed.detach();
                return true;
            }
        };
        lines.blocking_send(item).is_ok()
    })
}

/// Sends each line that is typed on the terminal, key by key, until there is no terminal or the run ends.
fn read_keys(typed: &EditedLine, lines: &mpsc::Sender<TypedItem>) {
    let stdin = std::io::stdin();
    let mut buffer = [0; 4096];
    while !lines.is_closed() {
        if !typed.take_terminal(&stdin) {
            std::thread::sleep(POLL_INTERVAL);
            continue;
        }
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(POLL_INTERVAL.subsec_nanos()) };
        if poll(&mut fds, Some(&timeout)).unwrap_or(0) == 0 {
            continue;
        }
        // Another program may have taken the terminal while nothing was typed.
        if !typed.take_terminal(&stdin) {
            continue;
        }
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(read) => {
                if let Some(for_program) = typed.type_to_program(&buffer[..read]) {
                    if !send_to_program(typed, for_program, lines) {
                        return;
                    }
                    continue;
                }
                if read == 0 {
                    return;
                }
                for line in typed.type_bytes(&buffer[..read]) {
                    if lines.blocking_send(TypedItem::Line(line)).is_err() {
                        return;
                    }
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Sends each line of a source, until the source ends or the run does.
fn read_lines(mut source: impl Read, lines: &mpsc::Sender<TypedItem>) {
    let mut buffer = [0u8; 4096];
    let mut line = Vec::new();
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for byte in &buffer[..read] {
            if *byte != b'\n' {
                if line.len() < MAX_LINE_LEN {
                    line.push(*byte);
                }
                continue;
            }
            if lines.blocking_send(TypedItem::Line(decode_line(&line))).is_err() {
                return;
            }
            line.clear();
        }
    }
    if !line.is_empty() {
        // The run may have ended before the last line.
        let _ = lines.blocking_send(TypedItem::Line(decode_line(&line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(bytes: &[u8]) -> Vec<String> {
        let (lines, mut typed) = mpsc::channel(MAX_QUEUED_LINES);
        read_lines(bytes, &lines);
        drop(lines);
        std::iter::from_fn(|| typed.blocking_recv())
            .map(|item| match item {
                TypedItem::Line(line) => line,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn each_line_arrives_once() {
        assert_eq!(lines_of(b"1\n2\r\nmark end"), ["1", "2", "mark end"]);
        assert_eq!(lines_of(b""), Vec::<String>::new());
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let lines = lines_of(&[&vec![b'x'; 1 << 20][..], b"\n1\n\xff\n"].concat());
        assert_eq!(lines.len(), 3);
        assert_eq!((lines[0].len(), lines[1].as_str(), lines[2].as_str()), (MAX_LINE_LEN, "1", "\u{fffd}"));
    }
}
