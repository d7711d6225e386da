//! Players in virtual time: each makes ten moves at uniform random intervals, all in the order of time. Then players
//! of steps: each takes ten, of which five are pauses.
//!
//! Measures the program into a counter (the engine alone), into bytes of the log in memory, and into a
//! file through the recorder and its thread. Compared with the limit (a calendar queue in this file that
//! does nothing else) and with the standard library's heap. There are 100,000 players; with
//! `SCENARIO_BENCH_MILLION=1` a million as well.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::hint::black_box;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};

use common::Scratch;
use scenario::io::log_file::kept_files::KeptFiles;
use scenario::io::log_file::writer;
use scenario::io::log_file::writer::{LogWriter, OutputDestination};
use scenario::run::recorder::RunRecorder;
use scenario::run::{DrivenRun, virtual_time};
use scenario_core::engine::effect::Effect;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::model::Scenario;
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Event};
use scenario_log::secrets::Secrets;
use scenario_log::time::Moment;

const MOVES: u32 = 10;
const SECOND: u64 = 1_000_000_000;

const START: RunStart<'static> =
    RunStart { seed: 1, clock: ClockKind::Virtual, started_at: None, schedule: &[], scenario_json: "{}" };

fn crowd(players: u32) -> Rc<Scenario> {
    Rc::new(common::scenario(&format!(
        "tick = \"0s\"\n\
         [presets.crowd]\n\
         players = [{{ name = \"p{{n}}\", count = {players}, moves = {MOVES}, every = \"0s..1s\" }}]\n\
         [[timeline]]\n\
         spawn = \"crowd\"\n"
    )))
}

/// Players of steps: half of the steps are pauses.
fn stepping_crowd(players: u32) -> Rc<Scenario> {
    let steps = "\"pause 0s..1s\", \"add 1\"";
    Rc::new(common::scenario(&format!(
        "tick = \"0s\"\n\
         [presets.crowd]\n\
         players = [{{ name = \"p{{n}}\", count = {players}, steps = [{{ repeat = {}, steps = [{steps}] }}] }}]\n\
         [[timeline]]\n\
         spawn = \"crowd\"\n",
        MOVES / 2
    )))
}

/// Counts moves and steps.
#[derive(Default)]
struct Counter(u64);

impl EngineSink for Counter {
    fn event(&mut self, _: Moment, event: &Event<'_>) {
        self.0 += u64::from(matches!(event, Event::Move { .. } | Event::Step { .. }));
    }

    fn effect(&mut self, _: Effect) {}
}

/// Encodes the log and throws the bytes away.
#[derive(Default)]
struct Bytes(EventEncoder);

impl EngineSink for Bytes {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.0.encode(t, event);
        if self.0.len() > 1 << 20 {
            let bytes = self.0.swap_buffer(Vec::new());
            drop(self.0.swap_buffer(black_box(bytes)));
        }
    }

    fn effect(&mut self, _: Effect) {}
}

fn drive(scenario: &Rc<Scenario>, sink: &mut dyn EngineSink) {
    let mut engine = Engine::new(Rc::clone(scenario), START.seed);
    engine.start(&START, sink);
    while let Some(now) = engine.next_due() {
        engine.advance(now, sink);
    }
}

fn into_file(scenario: &Rc<Scenario>) -> Duration {
    let file = Scratch::new("virtual.jsonl");
    let opened = writer::open_log_output(
        &OutputDestination::File(file.path().to_owned()),
        false,
        &KeptFiles::default(),
    )
    .unwrap();
    let recorder = RunRecorder::new(Some(LogWriter::start(opened, Box::new(|_| {})).unwrap()), None);
    let start = Instant::now();
    virtual_time::drive(
        || Ok(DrivenRun::start(scenario, &START, recorder)),
        (&[], &Secrets::default()),
        None,
    )
    .unwrap()
    .1
    .unwrap();
    start.elapsed()
}

/// A player of the limit: it draws from SplitMix64, and has no name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    due: u64,
    state: u64,
    id: u32,
    left: u32,
}

impl Row {
    fn new(id: u32, left: u32) -> Row {
        Row { due: 0, state: u64::from(id), id, left }
    }

    /// Makes one move. False after the last one.
    fn step(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.due += ((u128::from(z ^ (z >> 31)) * u128::from(SECOND)) >> 64) as u64;
        self.left -= 1;
        self.left > 0
    }
}

/// The limit: a ring of buckets, each sorted when its time comes, and a heap for gaps within a bucket.
fn calendar(players: u32, moves: u32, mut on_move: impl FnMut(&Row)) {
    let buckets = (players as usize / 1_000).clamp(16, 4_096).next_power_of_two();
    let length = SECOND / (buckets as u64 - 2) + 1;
    let mut ring: Vec<Vec<Row>> = vec![Vec::new(); buckets];
    ring[0] = (0..players).map(|id| Row::new(id, moves)).collect();
    let (mut left, mut bucket_index, mut bucket) = (players, 0_usize, Vec::new());
    let mut within_bucket = BinaryHeap::new();
    while left > 0 {
        let horizon = (bucket_index as u64 + 1) * length;
        std::mem::swap(&mut bucket, &mut ring[bucket_index % buckets]);
        bucket.sort_unstable_by_key(|row| (row.due, row.id));
        let mut rows = bucket.drain(..).peekable();
        loop {
            let from_heap = match (rows.peek(), within_bucket.peek()) {
                (Some(row), Some(Reverse(other))) => other < row,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            let next = if from_heap { within_bucket.pop().map(|Reverse(row)| row) } else { rows.next() };
            let Some(mut row) = next else { break };
            on_move(&row);
            if !row.step() {
                left -= 1;
            } else if row.due < horizon {
                within_bucket.push(Reverse(row));
            } else {
                ring[(row.due / length) as usize % buckets].push(row);
            }
        }
        drop(rows);
        bucket_index += 1;
    }
}

/// The standard library's heap instead of a calendar queue.
fn heap(players: u32) -> u64 {
    let mut rows: BinaryHeap<Reverse<Row>> = (0..players).map(|id| Reverse(Row::new(id, MOVES))).collect();
    let mut count = 0;
    while let Some(mut next) = rows.peek_mut() {
        count += 1;
        if !next.0.step() {
            PeekMut::pop(next);
        }
    }
    count
}

/// The limit with a line for each move, written in chunks of a megabyte.
fn calendar_into_file(players: u32) -> Duration {
    let scratch = Scratch::new("limit.jsonl");
    let mut file = std::fs::File::create(scratch.path()).unwrap();
    let start = Instant::now();
    let mut bytes = Vec::with_capacity((1 << 20) + 256);
    let mut seq = 0_u64;
    calendar(players, MOVES, |row| {
        let mut line = *b"{\"seq\":000000000,\"t\":00.000000000,\"event\":\"move\",\"due\":00.000000000,\"source\":\"ps#1\",\"player\":\"p0000000\",\"direction\":\"N\"}\n";
        digits(&mut line[7..16], seq);
        digits(&mut line[21..23], row.due / SECOND);
        digits(&mut line[24..33], row.due % SECOND);
        line.copy_within(21..33, 55);
        digits(&mut line[96..103], u64::from(row.id));
        bytes.extend_from_slice(&line);
        seq += 1;
        if bytes.len() >= 1 << 20 {
            file.write_all(&bytes).unwrap();
            bytes.clear();
        }
    });
    file.write_all(&bytes).unwrap();
    start.elapsed()
}

fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn measure(c: &mut Criterion) {
    let mut sizes = vec![100_000];
    if std::env::var_os("SCENARIO_BENCH_MILLION").is_some() {
        sizes.push(1_000_000);
    }
    for players in sizes {
        measure_crowd(&mut c.benchmark_group(format!("virtual_time/{players}")), players);
        measure_steps(&mut c.benchmark_group(format!("virtual_time/steps/{players}")), players);
    }
}

fn measure_crowd(group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>, players: u32) {
    let scenario = crowd(players);
    let moves = u64::from(players) * u64::from(MOVES);
    group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(moves));
    group.bench_function("limit: calendar", |b| {
        b.iter(|| {
            let mut count = 0_u64;
            calendar(players, MOVES, |row| count += u64::from(row.left > 0));
            assert_eq!(count, moves);
        });
    });
    group.bench_function("limit: calendar into a file", |b| {
        b.iter_custom(|times| (0..times).map(|_| calendar_into_file(players)).sum());
    });
    group.bench_function("BinaryHeap", |b| b.iter(|| assert_eq!(heap(players), moves)));
    group.bench_function("ours into a counter", |b| {
        b.iter(|| {
            let mut counter = Counter::default();
            drive(&scenario, &mut counter);
            assert_eq!(counter.0, moves);
        });
    });
    group.bench_function("ours into bytes", |b| b.iter(|| drive(&scenario, &mut Bytes::default())));
    group.bench_function("ours into a file", |b| {
        b.iter_custom(|times| (0..times).map(|_| into_file(&scenario)).sum());
    });
}

fn measure_steps(group: &mut BenchmarkGroup<'_, criterion::measurement::WallTime>, players: u32) {
    let scenario = stepping_crowd(players);
    let steps = u64::from(players) * u64::from(MOVES);
    group.sample_size(10).sampling_mode(SamplingMode::Flat).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(steps));
    group.bench_function("limit: calendar", |b| {
        b.iter(|| {
            // A step that takes no time is an addition.
            let mut count = 0_u64;
            calendar(players, MOVES / 2, |row| count += 1 + u64::from(row.left > 0));
            assert_eq!(count, steps);
        });
    });
    group.bench_function("ours into a counter", |b| {
        b.iter(|| {
            let mut counter = Counter::default();
            drive(&scenario, &mut counter);
            assert_eq!(counter.0, steps);
        });
    });
    group.bench_function("ours into bytes", |b| b.iter(|| drive(&scenario, &mut Bytes::default())));
    group.bench_function("ours into a file", |b| {
        b.iter_custom(|times| (0..times).map(|_| into_file(&scenario)).sum());
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
