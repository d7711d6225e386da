//! A link without faults, compared with a bare loop of splice(2) that blocks, on a thread for each direction, and
//! with a direct connection: bytes a second of one stream, and the time of a question and its answer.
//!
//! Prints its own table. All of it is in one process and on one machine's loopback; the ways take turns, so that
//! each meets the same machine.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, pipe, splice};
use scenario::io::inbox::Inbox;
use scenario::io::link::BoundLinks;
use tokio::task::LocalSet;

/// Runs of each way; the median is shown.
const RUNS: usize = 5;

/// The bytes of one stream.
const BYTES: u64 = 4 << 30;

/// The questions of one conversation.
const QUESTIONS: usize = 20_000;

/// The largest piece of the bare loop, as of the link.
const PIECE: usize = 256 << 10;

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}

/// Serves one connection after the other: reads everything, or answers each byte by one.
fn serve(is_echo: bool) -> SocketAddr {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in server.incoming() {
            let mut client = client.unwrap();
            client.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 1 << 20];
            while let Ok(read @ 1..) = client.read(&mut buffer) {
                if is_echo {
                    client.write_all(&buffer[..read]).unwrap();
                }
            }
        }
    });
    address
}

/// The bare loop: passes on what comes to the address that it gives.
fn splice_loop(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(to).unwrap());
            [&client, &server].iter().for_each(|stream| stream.set_nodelay(true).unwrap());
            let ways = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
            for (from, to) in ways {
                std::thread::spawn(move || {
                    let (output, input) = pipe().unwrap();
                    let _ = fcntl_setpipe_size(&input, PIECE);
                    while let Ok(mut left @ 1..) = splice(&from, None, &input, None, PIECE, SpliceFlags::MOVE)
                    {
                        while left > 0 {
                            left -= splice(&output, None, &to, None, left, SpliceFlags::MOVE).unwrap();
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    address
}

/// A link to each of these addresses, for as long as the process lives.
fn links(to: &[SocketAddr]) -> Vec<SocketAddr> {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen: Vec<SocketAddr> = to.iter().map(|_| free()).collect();
    let links = listen.iter().zip(to).enumerate();
    let text: String = links
        .map(|(n, (listen, to))| format!("[links.l{n}]\nlisten = \"{listen}\"\nto = \"{to}\"\n"))
        .collect();
    let (started, is_started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = scenario::io::runtime::build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let inbox = Inbox::new();
            let bound = BoundLinks::bind(&common::scenario(&text), Path::new("."), 1).unwrap();
            let _links = bound.start(&inbox).unwrap();
            started.send(()).unwrap();
            loop {
                inbox.wait_for_input().await;
                inbox.take_all(&mut Vec::new());
            }
        });
    });
    is_started.recv().unwrap();
    listen
}

/// Gigabytes a second of one stream.
fn throughput(to: SocketAddr) -> f64 {
    let mut stream = TcpStream::connect(to).unwrap();
    let part = vec![7; 1 << 20];
    let started = Instant::now();
    for _ in 0..BYTES / part.len() as u64 {
        stream.write_all(&part).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    BYTES as f64 / started.elapsed().as_secs_f64() / 1e9
}

/// The median time of a question and its answer.
fn round_trip(to: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    let ask = |_| {
        let started = Instant::now();
        stream.write_all(b"?").unwrap();
        stream.read_exact(&mut [0]).unwrap();
        started.elapsed()
    };
    median((0..QUESTIONS).map(ask).collect())
}

fn main() {
    let (sink, echo) = (serve(false), serve(true));
    let linked = links(&[sink, echo]);
    let ways = [
        ("direct", sink, echo),
        ("splice loop", splice_loop(sink), splice_loop(echo)),
        ("link", linked[0], linked[1]),
    ];
    let mut rates = vec![Vec::new(); ways.len()];
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..RUNS {
        for (n, (_, sink, echo)) in ways.iter().enumerate() {
            rates[n].push(throughput(*sink));
            times[n].push(round_trip(*echo));
        }
    }
    println!("{:<12}  {:>8}  {:>10}", "", "GB/s", "round trip");
    for (n, (name, ..)) in ways.iter().enumerate() {
        println!("{name:<12}  {:>8.2}  {:>10.1?}", median(rates[n].clone()), median(times[n].clone()));
    }
}
