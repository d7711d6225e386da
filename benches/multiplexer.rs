//! The whole path of lines: real producers, their pipes, the multiplexer, the inbox, the engine, the
//! journal and its thread, a file; beside it the limit, which waits with epoll, reads, makes a JSON
//! line of each line and writes pieces of a megabyte, and knows no players, no unfinished tails longer
//! than its buffer, no escapes and no checksum.
//!
//! Prints a table of its own: criterion's statistics have no place for the processor time a line
//! costs, nor for memory. A producer is this program itself, called with what it shall write.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has nothing to tell")]

mod common;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::ioctl_fionbio;

use common::Scratch;
use scenario::drive::{Run, live};
use scenario::engine::Start;
use scenario::hands::Context;
use scenario::paper::journal::Journal;
use scenario::paper::log::writer::{self, Destination, Writer};
use scenario::words::event::ClockKind;
use scenario::words::order::Verdict;
use scenario::words::secrets::Secrets;

/// Runs of each kind; the middle one is shown.
const RUNS: usize = 3;

/// One row of the table.
#[derive(Clone, Copy)]
struct Load {
    producers: u32,
    /// Lines of all producers together.
    lines: u64,
    /// Bytes of a line, its newline among them.
    width: usize,
    /// A write for each line, or for 64 KiB of them.
    buffered: bool,
}

const LOADS: [Load; 7] = [
    Load { producers: 2, lines: 4_000_000, width: 7, buffered: true },
    Load { producers: 16, lines: 4_000_000, width: 7, buffered: true },
    Load { producers: 200, lines: 4_000_000, width: 7, buffered: true },
    Load { producers: 16, lines: 2_000_000, width: 100, buffered: true },
    Load { producers: 2, lines: 1_000_000, width: 7, buffered: false },
    Load { producers: 16, lines: 1_000_000, width: 7, buffered: false },
    Load { producers: 200, lines: 1_000_000, width: 7, buffered: false },
];

impl Load {
    /// What one producer is called with.
    fn argv(self) -> Vec<String> {
        let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        let lines = self.lines / u64::from(self.producers);
        let number = |n: u64| n.to_string();
        let buffer = if self.buffered { 64 << 10 } else { 0 };
        vec![program, "produce".to_owned(), number(lines), number(self.width as u64), number(buffer)]
    }
}

/// What one run came to.
struct Figures {
    took: Duration,
    processor: Duration,
    memory: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "produce") {
        let number = |at: usize| arguments[at].parse().unwrap();
        return produce(number(2), number(3), number(4));
    }
    println!("producers  width  written    ours: M lines/s  ns a line  MiB    limit: M lines/s  ns a line");
    for load in LOADS {
        // Ours and the limit in turn, so that both meet the same minute.
        let runs: Vec<[Figures; 2]> = (0..RUNS).map(|_| [ours(load), limit(load)]).collect();
        let figure = |which: usize, of: fn(&Figures, f64) -> f64| {
            common::median(runs.iter().map(|run| of(&run[which], load.lines as f64)).collect())
        };
        let rate = |figures: &Figures, lines: f64| lines / figures.took.as_secs_f64() / 1e6;
        let cost = |figures: &Figures, lines: f64| figures.processor.as_secs_f64() * 1e9 / lines;
        println!(
            "{:>9}  {:>5}  {:<9}  {:>15.2}  {:>9.0}  {:>3.0}    {:>16.2}  {:>9.0}",
            load.producers,
            load.width,
            if load.buffered { "in 64 KiB" } else { "by line" },
            figure(0, rate),
            figure(0, cost),
            figure(0, |figures, _| figures.memory),
            figure(1, rate),
            figure(1, cost),
        );
    }
}

/// Writes so many lines of `width` bytes, a `buffer` of them at once or each by itself.
fn produce(lines: u64, width: u64, buffer: u64) {
    let mut line = b"N john-abcdefghij klmnopqrstuvwxyz ".repeat(1 + width as usize / 35);
    line.truncate(width as usize - 1);
    line.push(b'\n');
    let at_once = (buffer / width).max(1);
    let piece = line.repeat(at_once as usize);
    let mut stdout = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    let mut left = lines;
    while left > 0 {
        let now = left.min(at_once);
        stdout.write_all(&piece[..(now * width) as usize]).unwrap();
        left -= now;
    }
}

/// Measures what `run` takes, and sees to it that it wrote as many lines as it was given.
fn measured(load: Load, run: impl FnOnce(&Scratch)) -> Figures {
    let file = Scratch::new("lines.jsonl");
    common::forget_peak();
    let (start, before) = (Instant::now(), common::processor());
    run(&file);
    let (took, processor) = (start.elapsed(), common::processor() - before);
    let memory = common::peak_memory();
    let written = std::fs::read(file.path()).unwrap();
    let lines = memchr::memmem::find_iter(&written, b",\"text\":\"N joh").count();
    assert_eq!(lines as u64, load.lines);
    Figures { took, processor, memory }
}

/// The program's own way, as `scenario run --quiet` goes it.
fn ours(load: Load) -> Figures {
    let text = format!(
        "tick = \"0s\"\n[presets.p]\ncommand = {:?}\n[[timeline]]\nspawn = \"p\"\ncount = {}\n",
        load.argv(),
        load.producers
    );
    let scenario = Rc::new(common::scenario(&text));
    measured(load, |file| {
        let opened = writer::open(&Destination::File(file.path().to_owned()), false).unwrap();
        let journal = Journal::new(Some(Writer::start(opened, Box::new(|_| {})).unwrap()), None);
        let context = Context {
            scenario: Rc::clone(&scenario),
            folder: PathBuf::from("."),
            secrets: Secrets::default(),
            seed: 1,
            speed: 1.0,
        };
        let live = live::Live {
            context,
            speed: 1.0,
            precise: false,
            input: None,
            lifeline: None,
            started: Default::default(),
        };
        let (_, verdict) = live::drive(
            live,
            || Ok(journal),
            |started_at, journal| {
                let clock = ClockKind::Real;
                let start = Start { seed: 1, clock, started_at: Some(started_at), resolved: "{}" };
                Run::start(&scenario, &start, journal)
            },
        )
        .unwrap();
        assert_eq!(verdict, Ok(Verdict::Passed));
    })
}

/// One producer of the limit.
struct Source {
    child: Child,
    pipe: ChildStdout,
    tail: Vec<u8>,
}

/// The limit.
fn limit(load: Load) -> Figures {
    const READ: usize = 256 << 10;
    let argv = load.argv();
    measured(load, |file| {
        let start = Instant::now();
        let mut file = std::fs::File::create(file.path()).unwrap();
        let queue = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let mut sources: Vec<Source> = (0..load.producers)
            .map(|n| {
                let command = Command::new(&argv[0]).args(&argv[1..]).stdout(Stdio::piped()).spawn();
                let mut child = command.unwrap();
                let pipe = child.stdout.take().unwrap();
                ioctl_fionbio(&pipe, true).unwrap();
                let data = epoll::EventData::new_u64(u64::from(n));
                epoll::add(&queue, &pipe, data, epoll::EventFlags::IN).unwrap();
                Source { child, pipe, tail: Vec::new() }
            })
            .collect();
        let mut buffer = vec![0; 2 * READ];
        let mut out = Vec::with_capacity(2 << 20);
        let mut seq = 0_u64;
        let mut live = sources.len();
        let mut events = Vec::with_capacity(256);
        while live > 0 {
            events.clear();
            epoll::wait(&queue, rustix::buffer::spare_capacity(&mut events), None).unwrap();
            for event in &events {
                let number = event.data.u64() as usize;
                let source = &mut sources[number];
                let kept = source.tail.len();
                buffer[..kept].copy_from_slice(&source.tail);
                source.tail.clear();
                let length = source.pipe.read(&mut buffer[kept..kept + READ]).unwrap();
                if length == 0 {
                    epoll::delete(&queue, &source.pipe).unwrap();
                    source.child.wait().unwrap();
                    live -= 1;
                    continue;
                }
                let t = start.elapsed().as_secs_f64();
                let middle = format!(
                    ",\"t\":{t:.9},\"event\":\"line\",\"source\":\"ps#{number}\",\"stream\":\"stdout\",\"text\":\""
                );
                let bytes = &buffer[..kept + length];
                let mut told = 0;
                for end in memchr::memchr_iter(b'\n', bytes) {
                    let mut head = *b"{\"seq\":00000000";
                    let mut rest = seq;
                    for digit in head[7..].iter_mut().rev() {
                        *digit = b'0' + (rest % 10) as u8;
                        rest /= 10;
                    }
                    seq += 1;
                    out.extend_from_slice(&head);
                    out.extend_from_slice(middle.as_bytes());
                    out.extend_from_slice(&bytes[told..end]);
                    out.extend_from_slice(b"\"}\n");
                    told = end + 1;
                }
                source.tail.extend_from_slice(&bytes[told..]);
                if out.len() >= 1 << 20 {
                    file.write_all(&out).unwrap();
                    out.clear();
                }
            }
        }
        file.write_all(&out).unwrap();
    })
}
