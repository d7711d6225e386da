//! The cost of starting the program and of checking scenarios: the wall time from the start of the process
//! to its end, compared with `/bin/true`, and the peak of memory.
//!
//! Prints its own table: criterion does not measure memory. For the memory this program calls itself,
//! does the work of the `scenario` binary, and reads its own peak at the end. The time is that of the
//! real binary.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use common::Scratch;

/// The argument with which this program does the work of `scenario`.
const INSTEAD: &str = "SCENARIO_BENCH_INSTEAD";

fn main() {
    if std::env::var_os(INSTEAD).is_some() {
        let _ = scenario::cli::main();
        println!("{}", common::peak_memory());
        return;
    }
    let large = Scratch::new("large.toml");
    std::fs::write(large.path(), timeline(100_000)).unwrap();
    let large = large.path().to_str().unwrap();
    let waves = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/three_waves.toml");
    println!("{:<32} {:>9} {:>9}", "", "ms", "MiB");
    // The new files are still being written to the disk, so the first runs do not count.
    median_of(200, "/bin/true", &[]);
    row("/bin/true", median_of(50, "/bin/true", &[]), None);
    let rows: [(&str, usize, &[&str]); 3] = [
        ("scenario --version", 50, &["--version"]),
        ("check three_waves.toml", 50, &["check", waves]),
        ("check of 100,000 entries", 5, &["check", large]),
    ];
    for (name, runs, arguments) in rows {
        row(name, median_of(runs, env!("CARGO_BIN_EXE_scenario"), arguments), Some(memory(arguments)));
    }
}

fn row(name: &str, milliseconds: f64, memory: Option<f64>) {
    let memory = memory.map(|memory| format!("{memory:>9.1}")).unwrap_or_default();
    println!("{name:<32} {milliseconds:>9.2} {memory}");
}

/// The median of the runs, in milliseconds.
fn median_of(runs: usize, program: &str, arguments: &[&str]) -> f64 {
    let run = |_| {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        assert!(command.status().unwrap().success());
        start.elapsed().as_secs_f64() * 1e3
    };
    common::median((0..runs).map(run).collect())
}

/// The peak of memory of the same work, in MiB.
fn memory(arguments: &[&str]) -> f64 {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(arguments).env(INSTEAD, "1").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().last().unwrap().parse().unwrap()
}

/// A scenario with this many entries in its timeline.
fn timeline(entries: u32) -> String {
    let mut text = String::from("[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\" }]\n");
    for n in 0..entries {
        let _ = write!(text, "\n[[timeline]]\nid = \"entry-{n}\"\nat = \"{n}ms\"\nspawn = \"p\"\n");
    }
    text
}
