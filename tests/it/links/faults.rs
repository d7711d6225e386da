//! Each fault does what its name says, and is gone when it is undone.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::{PATIENCE, Stage, close, pass, read_all};

/// Long enough that a byte which passes has passed, mostly. Nothing fails if it has not.
const SHORT: Duration = Duration::from_millis(200);

/// Sends bytes until one does not arrive: from then on, the fault holds.
fn send_until_stuck(mut from: &TcpStream, mut to: &TcpStream) -> usize {
    to.set_read_timeout(Some(SHORT)).unwrap();
    let mut missing = 0;
    for _ in 0..100 {
        from.write_all(b"x").unwrap();
        missing += 1;
        match to.read(&mut [0; 16]) {
            Ok(read) => missing -= read,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                to.set_read_timeout(Some(PATIENCE)).unwrap();
                return missing;
            }
        }
    }
    panic!("the fault never came");
}

#[test]
fn a_cut_lets_nothing_pass_and_loses_nothing() {
    let mut stage =
        Stage::new(&[("cut", "cut = \"both\""), ("heal", "heal = true"), ("half", "cut = \"to\"")]);
    let (client, server) = stage.connect();
    pass(&client, &server, "before");
    stage.order("cut");
    let there = send_until_stuck(&client, &server);
    let back = send_until_stuck(&server, &client);
    (&client).write_all(b"last").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    stage.order("heal");
    let mut received = vec![0; back];
    (&client).read_exact(&mut received).unwrap();
    assert_eq!(received, "x".repeat(back).as_bytes());
    assert_eq!(read_all(&server), format!("{}last", "x".repeat(there)).as_bytes(), "the end waits too");
    pass(&server, &client, "after");
    server.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&client).is_empty());
    stage.run.until("connection 1 ended");

    let (client, server) = stage.connect();
    stage.order("half");
    send_until_stuck(&client, &server);
    pass(&server, &client, "this way is open");
    drop((client, server));
    let log = stage.end();
    let changes: Vec<_> = log.of("link.changed").iter().map(|event| event["cut"].as_str()).collect();
    assert_eq!(changes, [Some("both"), None, Some("to")]);
    assert_eq!(log.of("link.closed")[0]["why"], "ended");
}

#[test]
fn latency_delays_each_way_and_keeps_the_order() {
    let mut stage = Stage::new(&[("slow", "latency = \"100ms..200ms\""), ("fast", "heal = true")]);
    let (client, server) = stage.connect();
    stage.order("slow");
    // The fault is there as soon as a byte is late.
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let sent = Instant::now();
        pass(&client, &server, "a");
        slowest = sent.elapsed();
        if slowest >= Duration::from_millis(100) {
            break;
        }
    }
    assert!(slowest >= Duration::from_millis(100), "{slowest:?}");
    for _ in 0..3 {
        let sent = Instant::now();
        pass(&client, &server, "ping");
        pass(&server, &client, "pong");
        assert!(sent.elapsed() >= Duration::from_millis(200), "{:?}", sent.elapsed());
    }
    let text: String = (0..200).map(|n| format!("{n} ")).collect();
    for part in text.as_bytes().chunks(7) {
        (&client).write_all(part).unwrap();
    }
    let mut received = vec![0; text.len()];
    (&server).read_exact(&mut received).unwrap();
    assert_eq!(String::from_utf8(received).unwrap(), text);
    stage.order("fast");
    close(&client, &server);
    stage.end();
}

#[test]
fn a_reset_reaches_both_sides() {
    let mut stage = Stage::new(&[("reset", "reset = true")]);
    let (client, server) = stage.connect();
    pass(&client, &server, "before");
    stage.order("reset");
    for mut stream in [&client, &server] {
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let (client, server) = stage.connect();
    pass(&client, &server, "new ones pass");
    close(&client, &server);
    let log = stage.end_after("connection 2 ended");
    let why: Vec<_> = log.of("link.closed").iter().map(|event| event["why"].as_str().unwrap()).collect();
    assert_eq!(why, ["fault", "ended"]);
    assert_eq!(log.of("link.changed")[0]["reset"], true);
}

#[test]
fn new_connections_are_refused_and_old_ones_stay() {
    let mut stage = Stage::new(&[("refuse", "refuse = true"), ("heal", "heal = true")]);
    let (client, server) = stage.connect();
    stage.order("refuse");
    // The order has been decided, and is carried out at once after that.
    let refused = (0..1000).find_map(|_| TcpStream::connect(("127.0.0.1", stage.port)).err());
    assert_eq!(refused.unwrap().kind(), ErrorKind::ConnectionRefused);
    pass(&client, &server, "still there");
    stage.order("heal");
    let again = (0..100_000).find_map(|_| TcpStream::connect(("127.0.0.1", stage.port)).ok());
    assert!(again.is_some(), "it listens again");
    close(&client, &server);
    stage.end();
}

#[test]
fn a_limit_closes_after_so_many_bytes() {
    let mut stage = Stage::new(&[("limit", "limit = \"1KiB\""), ("heal", "heal = true")]);
    let (client, server) = stage.connect();
    pass(&client, &server, "these do not count");
    stage.order("limit");
    drop((client, server));
    let receive = || {
        let (client, server) = stage.connect();
        let sent = std::thread::spawn(move || drop((&client).write_all(&[7; 100_000])));
        let mut received = Vec::new();
        // Who still sends may get a reset behind the bytes.
        let _ = (&server).read_to_end(&mut received);
        sent.join().unwrap();
        received
    };
    // The order has been decided, and is carried out at once after that.
    let received = (0..1000).map(|_| receive()).find(|received| received.len() < 100_000).unwrap();
    assert_eq!(received, vec![7; 1024]);
    stage.order("heal");
    let (client, server) = stage.connect();
    let sender = client.try_clone().unwrap();
    let sent = std::thread::spawn(move || (&sender).write_all(&[7; 10_000]).unwrap());
    (&server).read_exact(&mut vec![0; 10_000]).unwrap();
    sent.join().unwrap();
    close(&client, &server);
    let log = stage.end();
    let limited = log.of("link.closed").into_iter().find(|event| event["why"] == "limit").unwrap();
    assert_eq!(limited["bytes_to"], 1024);
}

#[test]
fn bandwidth_and_slices_slow_down() {
    let mut stage = Stage::new(&[
        ("narrow", "bandwidth = \"100kB/s\""),
        ("heal", "heal = true"),
        ("slices", "slice = \"3B\", latency = \"2ms\""),
    ]);
    let (client, server) = stage.connect();
    stage.order("narrow");
    // Some may pass before the fault is there.
    let is_slow = |_: &usize| {
        let started = Instant::now();
        let sender = client.try_clone().unwrap();
        let sent = std::thread::spawn(move || (&sender).write_all(&[1; 30_000]).unwrap());
        (&server).read_exact(&mut vec![0; 30_000]).unwrap();
        sent.join().unwrap();
        started.elapsed() >= Duration::from_millis(250)
    };
    assert!((0..1000).any(|n| is_slow(&n)));
    stage.order("heal");
    stage.order("slices");
    pass(&client, &server, "a text in pieces, some of which are read together");
    close(&client, &server);
    stage.end();
}

#[test]
fn changes_with_a_time_are_undone_one_by_one() {
    let mut stage = Stage::new(&[
        ("cut", "cut = \"both\", for = \"700ms\""),
        ("slow", "latency = \"1ms\", for = \"100ms\""),
    ]);
    let (client, server) = stage.connect();
    stage.order("cut");
    stage.order("slow");
    stage.run.until("all is well again");
    pass(&client, &server, "after");
    close(&client, &server);
    let log = stage.end();
    let faults = |event: &serde_json::Value| {
        let has = |key: &str| event.get(key).is_some();
        (event["entry"].as_str().unwrap().to_owned(), has("undone"), has("cut"), has("latency"))
    };
    let told: Vec<_> = log.of("link.changed").into_iter().map(faults).collect();
    let change = |entry: &str, undone, cut, latency| (entry.to_owned(), undone, cut, latency);
    assert_eq!(told[0], change("cut", false, true, false));
    assert_eq!(told.last(), Some(&change(&told.last().unwrap().0, true, false, false)));
    // On a machine that stands still the first may be over before the second comes.
    if told[1].0 == "slow" && told.len() == 4 && told[1].2 {
        assert_eq!(told[1], change("slow", false, true, true));
        assert!(told[2].1);
    }
}
