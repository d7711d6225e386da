//! Replay: decides every event of a log again and compares it, from memory. Compared with the limit
//! (which only finds the lines), with reading alone, and with a reader that makes a tree of values of each
//! line.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::hint::black_box;
use std::rc::Rc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use scenario::io::log_file::writer::append_checksum;
use scenario::replay::outcome::ReplayFinding;
use scenario::replay::replay;
use scenario_core::engine::effect::Effect;
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink, RunStart};
use scenario_core::scenario::write::resolved;
use scenario_log::decode::LogRecord;
use scenario_log::encode::EventEncoder;
use scenario_log::event::{ClockKind, Event, OutputStream, Source, SpawnExit};
use scenario_log::reader::LogReader;
use scenario_log::time::Moment;

/// A log in memory.
struct Log(EventEncoder);

impl EngineSink for Log {
    fn event(&mut self, t: Moment, event: &Event<'_>) {
        self.0.encode(t, event);
    }

    fn effect(&mut self, _order: Effect) {}
}

/// The log of a run of this scenario, which `drive` drives.
fn log(text: &str, clock: ClockKind, drive: impl FnOnce(&mut Engine, &mut Log)) -> Vec<u8> {
    let scenario = Rc::new(common::scenario(text));
    let resolved = resolved::to_json(&scenario);
    let mut log = Log(EventEncoder::default());
    let mut engine = Engine::new(Rc::clone(&scenario), 7);
    let started_at = (clock == ClockKind::Real).then_some("2026-01-01T00:00:00Z");
    engine.start(&RunStart { seed: 7, clock, started_at, schedule: &[], scenario_json: &resolved }, &mut log);
    drive(&mut engine, &mut log);
    assert!(engine.verdict().is_some(), "the run has not ended");
    append_checksum(0, log.0.swap_buffer(Vec::new()))
}

/// Players on the virtual clock.
fn moves(players: u32, moves: u32) -> Vec<u8> {
    let text = format!(
        "[presets.a]\nplayers = [{{ name = \"p\", count = {players}, moves = {moves}, every = \"0s..2s\" }}]\n\
         [[timeline]]\nspawn = \"a\"\n"
    );
    log(&text, ClockKind::Virtual, |engine, log| {
        while let Some(now) = engine.next_due() {
            engine.advance(now, log);
        }
    })
}

/// A program that writes lines, which are read a thousand at a time.
fn lines(count: usize, line: &[u8]) -> Vec<u8> {
    let text = "[presets.a]\ncommand = [\"a\"]\n[[timeline]]\nspawn = \"a\"\n";
    log(text, ClockKind::Real, |engine, log| {
        let source = Source::Spawn(1);
        let mut now = Moment(1_000);
        engine.advance(now, log);
        engine.handle_input(now, &Input::SpawnStarted { source, pid: 42 }, log);
        let chunk = line.repeat(1_000);
        for _ in 0..count / 1_000 {
            now.0 += 12_345;
            let stream = OutputStream::Stdout;
            engine.handle_input(
                now,
                &Input::SpawnLines { source, stream, chunk: chunk.clone(), said: None, partial: false },
                log,
            );
        }
        engine.handle_input(
            now,
            &Input::SpawnExited {
                source,
                exit: SpawnExit::Code(0),
                held: false,
                killed: false,
                skipped: 0,
                usage: Default::default(),
            },
            log,
        );
    })
}

fn measure(c: &mut Criterion, name: &str, log: &[u8]) {
    let count = memchr::memchr_iter(b'\n', log).count();
    let mut group = c.benchmark_group(format!("replay/{name}"));
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("limit: find the lines", |b| {
        b.iter(|| black_box(memchr::memchr_iter(b'\n', black_box(log)).map(|at| at as u64).sum::<u64>()));
    });
    group.bench_function("serde_json: a tree of each line", |b| {
        b.iter(|| {
            for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                black_box(serde_json::from_slice::<serde_json::Value>(line).unwrap());
            }
        });
    });
    group.bench_function("ours: lines, held to what makes a log", |b| {
        b.iter(|| {
            let mut reader = LogReader::new(log);
            while let Some(line) = reader.peek().unwrap() {
                black_box(line.t);
                reader.advance();
            }
        });
    });
    group.bench_function("ours: an event of each line", |b| {
        b.iter(|| {
            let mut reader = LogReader::new(log);
            while let Some(line) = reader.peek().unwrap() {
                let record = LogRecord::decode(line.bytes).unwrap();
                black_box(record.event().unwrap());
                reader.advance();
            }
        });
    });
    group.bench_function("ours: replay", |b| {
        b.iter(|| {
            let replayed = replay(log, None);
            assert!(matches!(replayed.finding, ReplayFinding::Same), "{:?}", replayed.finding);
        });
    });
}

fn all(c: &mut Criterion) {
    measure(c, "moves of 1,000 players", &moves(1_000, 500));
    measure(c, "moves of 100,000 players", &moves(100_000, 5));
    measure(c, "lines of 7 bytes", &lines(500_000, b"N john\n"));
    measure(c, "lines with escapes", &lines(500_000, b"said \"no\" to C:\\dir\tand went\n"));
}

criterion_group!(
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(3));
    targets = all
);
criterion_main!(benches);
