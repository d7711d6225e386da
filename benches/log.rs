//! The encoder: encodes events into bytes of the log, in memory. Compared with the limit, which copies the
//! same bytes line by line.

mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use scenario_log::encode::EventEncoder;
use scenario_log::event::{Direction, Event, OutputStream, Source};
use scenario_log::name::PlayerName;
use scenario_log::time::Moment;

/// Events in one measured batch.
const EVENTS: u64 = 10_000;
/// The bytes that a pipe gives at once.
const CHUNK: usize = 64 << 10;

const SOURCE: Source = Source::Spawn(12);

/// Encodes a batch, and returns its bytes.
fn piece(write: impl FnOnce(&mut EventEncoder)) -> Vec<u8> {
    let mut encoder = EventEncoder::default();
    write(&mut encoder);
    encoder.swap_buffer(Vec::new())
}

/// Moves of the players of one group, `apart` nanoseconds between two of them.
fn moves(encoder: &mut EventEncoder, apart: u64) {
    for n in 0..EVENTS {
        let t = Moment(12_345_678_901 + n * apart);
        let player = PlayerName { prefix: "p", number: Some(n as u32 * 97), suffix: "" };
        let event = Event::Move { due: Some(t), source: SOURCE, player, direction: Direction::E.into() };
        encoder.encode(t, &event);
    }
}

/// Lines as they come from a pipe: many in a chunk.
fn lines(encoder: &mut EventEncoder, chunk: &[u8]) {
    let event = Event::Lines { source: SOURCE, stream: OutputStream::Stdout, chunk, partial: false };
    encoder.encode(Moment(12_345_678_901), &event);
}

fn measure(c: &mut Criterion, name: &str, write: impl Fn(&mut EventEncoder)) {
    let bytes = piece(&write);
    let count = bytes.iter().filter(|byte| **byte == b'\n').count();
    let mut group = c.benchmark_group(format!("log/{name}"));
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("limit: copy", |b| {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let mut copy = Vec::with_capacity(bytes.len());
        b.iter(|| {
            copy.clear();
            for line in &lines {
                copy.extend_from_slice(line);
            }
            black_box(&copy);
        });
    });
    group.bench_function("ours", |b| {
        let mut encoder = EventEncoder::default();
        let mut spare = Vec::with_capacity(bytes.len() * 2);
        b.iter(|| {
            write(&mut encoder);
            spare = black_box(encoder.swap_buffer(std::mem::take(&mut spare)));
        });
    });
}

fn all(c: &mut Criterion) {
    let repeated = |line: &[u8]| line.repeat(CHUNK / line.len());
    measure(c, "moves, each at its own time", |encoder| moves(encoder, 1_234));
    measure(c, "moves at one time", |encoder| moves(encoder, 0));
    let short = repeated(b"N john\n");
    measure(c, "lines of 7 bytes", |encoder| lines(encoder, &short));
    let long = repeated(&[&b"abcdefghij klmnopqrstuvwxyz ".repeat(4)[..99], b"\n"].concat());
    measure(c, "lines of 100 bytes", |encoder| lines(encoder, &long));
    let quoted = repeated(b"said \"no\" to C:\\dir\tand went\n");
    measure(c, "lines with escapes", |encoder| lines(encoder, &quoted));
    let accents = repeated("déjà vu, naïve café\n".as_bytes());
    measure(c, "lines beyond ASCII", |encoder| lines(encoder, &accents));
}

criterion_group!(
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = all
);
criterion_main!(benches);
