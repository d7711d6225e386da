//! Lines of many programs: the real binary, compared with GNU parallel if it is installed
//! (`--line-buffer --tag`), and with the limit. The limit waits with epoll, reads, makes a JSON line of
//! each line and writes chunks of a megabyte. It has no players, no unfinished lines longer than its
//! buffer, no escapes and no checksum.
//!
//! Prints its own table: criterion's statistics have no place for the processor time of a line, nor for
//! memory. A producer is this program itself, and its arguments say what to write. It writes down its own
//! cost, which is subtracted.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::ioctl_fionbio;

use common::Scratch;

/// Runs of each kind; the median is shown.
const RUNS: usize = 3;

/// The variable that names the file to which each producer appends its processor time, in nanoseconds.
const COSTS: &str = "SCENARIO_BENCH_COSTS";

/// One row of the table.
#[derive(Clone, Copy)]
struct Load {
    producers: u32,
    /// The lines of all producers together.
    lines: u64,
    /// The bytes of a line, with its newline.
    width: usize,
    /// Whether each line is one write, or 64 KiB of lines are.
    buffered: bool,
}

const fn load(producers: u32, lines: u64, width: usize, buffered: bool) -> Load {
    Load { producers, lines, width, buffered }
}

const LOADS: [Load; 9] = [
    load(2, 4_000_000, 7, true),
    load(16, 4_000_000, 7, true),
    load(200, 4_000_000, 7, true),
    load(2, 2_000_000, 100, true),
    load(16, 2_000_000, 100, true),
    load(200, 2_000_000, 100, true),
    load(2, 1_000_000, 7, false),
    load(16, 1_000_000, 7, false),
    load(200, 1_000_000, 7, false),
];

impl Load {
    /// The arguments of one producer.
    fn argv(self) -> Vec<String> {
        let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        let lines = self.lines / u64::from(self.producers);
        let number = |n: u64| n.to_string();
        let buffer = if self.buffered { 64 << 10 } else { 0 };
        vec![program, "produce".to_owned(), number(lines), number(self.width as u64), number(buffer)]
    }
}

/// The result of one run.
#[derive(Default)]
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
    let peer = Command::new("parallel").arg("--version").output().is_ok_and(|output| output.status.success());
    if !peer {
        println!("GNU parallel is not installed; its columns stay empty.");
    }
    println!("{:26}  {:^23}  {:^23}  {:^17}", "", "ours", "GNU parallel", "limit");
    let columns = ["producers", "width", "written", "M/s", "ns", "MiB", "M/s", "ns", "MiB", "M/s", "ns"];
    let [a, b, c, d, e, f, g, h, i, j, k] = columns;
    println!("{a:>9}  {b:>5}  {c:<9}  {d:>7} {e:>7} {f:>7}  {g:>7} {h:>7} {i:>7}  {j:>7} {k:>7}");
    for load in LOADS {
        // The kinds take turns, so that all run under the same load of the machine.
        let ways: &[fn(Load) -> Figures] =
            if peer { &[limit, ours, parallel] } else { &[limit, ours, |_| Figures::default()] };
        let runs: Vec<Vec<Figures>> = (0..RUNS).map(|_| ways.iter().map(|way| way(load)).collect()).collect();
        let figure = |which: usize, of: fn(&Figures, f64) -> f64| {
            common::median(runs.iter().map(|run| of(&run[which], load.lines as f64)).collect())
        };
        let rate = |figures: &Figures, lines: f64| lines / figures.took.as_secs_f64() / 1e6;
        let cost = |figures: &Figures, lines: f64| figures.processor.as_secs_f64() * 1e9 / lines;
        let written = if load.buffered { "in 64 KiB" } else { "by line" };
        print!("{:>9}  {:>5}  {written:<9}", load.producers, load.width);
        for which in [1, 2] {
            let memory = figure(which, |figures, _| figures.memory);
            match figure(which, |figures, _| figures.took.as_secs_f64()) {
                0.0 => print!("  {:23}", ""),
                _ => print!("  {:>7.2} {:>7.0} {memory:>7.1}", figure(which, rate), figure(which, cost)),
            }
        }
        println!("  {:>7.2} {:>7.0}", figure(0, rate), figure(0, cost));
    }
}

/// Writes lines of `width` bytes: as many at once as `buffer` bytes hold, or each by itself.
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
    if let Some(costs) = std::env::var_os(COSTS) {
        let mut costs = std::fs::File::options().append(true).open(costs).unwrap();
        // One write, because all producers append to this file.
        costs.write_all(format!("{}\n", common::processor().as_nanos()).as_bytes()).unwrap();
    }
}

/// Checks that all lines were written.
fn check(load: Load, file: &Scratch, before: &str) {
    let written = std::fs::read(file.path()).unwrap();
    let lines = memchr::memmem::find_iter(&written, before).count();
    assert_eq!(lines as u64, load.lines);
}

/// Measures a program that starts the producers itself: all its processes except the producers.
fn measured(mut command: Command) -> Figures {
    let costs = Scratch::new("costs");
    std::fs::write(costs.path(), "").unwrap();
    command.env(COSTS, costs.path()).stdin(Stdio::null());
    let (start, before) = (Instant::now(), common::processor_of_children());
    let mut child = command.spawn().unwrap();
    let (program, ended) = (child.id(), AtomicBool::new(false));
    let memory = std::thread::scope(|scope| {
        let watch = scope.spawn(|| peak_of(program, &ended));
        assert!(child.wait().unwrap().success());
        ended.store(true, Ordering::Relaxed);
        watch.join().unwrap()
    });
    let (took, processor) = (start.elapsed(), common::processor_of_children() - before);
    let producers: u64 = costs.lines().map(|line| line.parse::<u64>().unwrap()).sum();
    Figures { took, processor: processor.saturating_sub(Duration::from_nanos(producers)), memory }
}

/// The most memory of a program's largest process, except the producers, in MiB.
fn peak_of(program: u32, ended: &AtomicBool) -> f64 {
    let this = std::env::current_exe().unwrap();
    let mut peak = 0.0;
    while !ended.load(Ordering::Relaxed) {
        let children = std::fs::read_to_string(format!("/proc/{program}/task/{program}/children"));
        let children = children.unwrap_or_default();
        for pid in children.split_whitespace().chain([program.to_string().as_str()]) {
            let is_producer = std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.starts_with(this.as_os_str().as_encoded_bytes()));
            if !is_producer {
                peak = common::peak_memory_of(pid).unwrap_or_default().max(peak);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    peak
}

/// The `scenario` program.
fn ours(load: Load) -> Figures {
    let (scenario, log) = (Scratch::new("s.toml"), Scratch::new("lines.jsonl"));
    let text = format!(
        "tick = \"0s\"\n[presets.p]\ncommand = {:?}\n[[timeline]]\nspawn = \"p\"\ncount = {}\n",
        load.argv(),
        load.producers
    );
    std::fs::write(scenario.path(), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    command.arg("run").arg("-q").arg(scenario.path()).arg("--log").arg(log.path());
    let figures = measured(command);
    check(load, &log, ",\"text\":\"N joh");
    figures
}

/// The peer: it shows which program wrote a line, but not when, and not as JSON.
fn parallel(load: Load) -> Figures {
    let out = Scratch::new("lines.txt");
    let mut command = Command::new("parallel");
    command.args(["--will-cite", "-j", &load.producers.to_string(), "--line-buffer", "--tag"]);
    // The text after the `#` is what parallel adds.
    command.args(load.argv()).arg("#").arg(":::").args((1..=load.producers).map(|n| n.to_string()));
    command.stdout(std::fs::File::create(out.path()).unwrap());
    let figures = measured(command);
    check(load, &out, "\tN joh");
    figures
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
    let path = Scratch::new("lines.jsonl");
    let (start, before) = (Instant::now(), common::processor());
    {
        let mut file = std::fs::File::create(path.path()).unwrap();
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
                let mut written = 0;
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
                    out.extend_from_slice(&bytes[written..end]);
                    out.extend_from_slice(b"\"}\n");
                    written = end + 1;
                }
                source.tail.extend_from_slice(&bytes[written..]);
                if out.len() >= 1 << 20 {
                    file.write_all(&out).unwrap();
                    out.clear();
                }
            }
        }
        file.write_all(&out).unwrap();
    }
    let (took, processor) = (start.elapsed(), common::processor() - before);
    check(load, &path, ",\"text\":\"N joh");
    Figures { took, processor, memory: 0.0 }
}
