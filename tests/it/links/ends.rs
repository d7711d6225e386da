//! How connections begin and end: half-closes, resets, servers that are not there, other kinds of addresses, many
//! connections, and readers that never read.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use rustix::net::sockopt;
use rustix::process::Signal;

use super::{PATIENCE, Stage, close, pass, read_all};
use crate::common::{Folder, Log, free_port, kill};

#[test]
fn a_half_closed_connection_stays_half_closed() {
    let stage = Stage::new(&[]);
    let (client, server) = stage.connect();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&server).is_empty());
    for n in 0..5 {
        pass(&server, &client, &format!("answer {n}"));
    }
    server.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&client).is_empty());
    let log = stage.end_after("connection 1 ended");
    let closed = log.of("link.closed")[0];
    assert_eq!(
        (&closed["why"], &closed["bytes_to"], &closed["bytes_from"]),
        (&"ended".into(), &0.into(), &40.into())
    );
}

#[test]
fn a_reset_of_one_side_is_a_reset_of_the_other() {
    let stage = Stage::new(&[]);
    for is_half_closed in [false, true] {
        let (client, server) = stage.connect();
        pass(&client, &server, "hello");
        if is_half_closed {
            client.shutdown(Shutdown::Write).unwrap();
            assert!(read_all(&server).is_empty());
        }
        sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
        drop(client);
        let mut error = (&server).read(&mut [0; 8]).err();
        while error.is_none() {
            // Behind an end, only a write tells.
            error = (&server).write_all(b"x").err();
        }
        let kind = error.unwrap().kind();
        assert!(matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{kind}");
    }
    let (client, server) = stage.connect();
    sockopt::set_socket_linger(&server, Some(Duration::ZERO)).unwrap();
    drop(server);
    assert_eq!((&client).read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let log = stage.end_after("connection 3 was reset");
    assert_eq!(log.of("link.closed").len(), 3);
    assert!(log.of("link.closed").iter().all(|event| event["why"] == "reset"), "{:?}", log.of("link.closed"));
}

#[test]
fn a_server_that_is_not_there_resets_who_comes() {
    let mut stage = Stage::new(&[]);
    stage.server = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(("127.0.0.1", stage.port)).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!((&client).read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    stage.run.until("could not be passed on");
    let log = stage.end();
    let closed = log.of("link.closed")[0];
    assert_eq!(closed["why"], "unreachable");
    assert!(closed["error"].as_str().unwrap().starts_with("no connection to 127.0.0.1:"), "{closed}");
}

#[test]
fn hundreds_of_connections_pass_at_once() {
    let stage = Stage::new(&[]);
    let pairs: Vec<_> = (0..200).map(|_| stage.connect()).collect();
    for (n, (client, server)) in pairs.iter().enumerate() {
        pass(client, server, &format!("question {n}"));
        pass(server, client, &format!("answer {n}"));
    }
    pairs.iter().for_each(|(client, server)| close(client, server));
    let log = stage.end_after("connection 200 ended");
    let numbers: Vec<_> =
        log.of("link.opened").iter().map(|event| event["connection"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    assert_eq!(log.of("link.closed").len(), 200);
}

/// Bytes that a side can write before it has to wait for the other one.
fn fill(mut from: &TcpStream) -> u64 {
    from.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let (mut sent, part) = (0, vec![0; 1 << 16]);
    while let Ok(written) = from.write(&part) {
        sent += written as u64;
        assert!(sent < 1 << 30, "nothing slows it down");
    }
    sent
}

/// The memory of a process, in KiB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_reader_that_never_reads_takes_no_memory() {
    let mut stage = Stage::new(&[("slow", "latency = \"1ms\"")]);
    let (client, server) = stage.connect();
    pass(&client, &server, "hello");
    let before = memory(stage.run.child.id());
    fill(&client);
    let plain = memory(stage.run.child.id()) - before;
    stage.order("slow");
    let others: Vec<_> = (0..10).map(|_| stage.connect()).collect();
    let queued: u64 = others.iter().map(|(client, _)| fill(client)).sum();
    assert!(queued > 0);
    let shaped = memory(stage.run.child.id()).saturating_sub(before);
    // Far less than the machine's own buffers hold, and about what the queues of eleven connections may.
    assert!(plain < 4 << 10 && shaped < 12 << 10, "{plain} KiB, {shaped} KiB");
    drop((client, server, others));
    stage.end();
}

/// A scenario with a link between these addresses, until a file is there.
fn between(listen: &str, to: &str) -> String {
    format!(
        "tick = \"0s\"\n[links.l]\nlisten = \"{listen}\"\nto = \"{to}\"\n\
         [presets.wait]\ncommand = [\"sh\", \"-c\", \"echo up; until [ -e done ]; do sleep 0.02; done\"]\n[[timeline]]\nspawn = \"wait\"\n"
    )
}

#[test]
fn unix_sockets_are_ends_too() {
    let folder = Folder::new();
    // Somebody left a socket behind.
    drop(UnixListener::bind(folder.path().join("front")).unwrap());
    let server = UnixListener::bind(folder.path().join("back")).unwrap();
    folder.file("s.toml", between("unix:front", "unix:./back"));
    let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).watch();
    run.until("up");
    let mut client = UnixStream::connect(folder.path().join("front")).unwrap();
    let (mut served, _) = server.accept().unwrap();
    client.write_all(b"hello").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut received = Vec::new();
    served.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"hello");
    let back = std::thread::spawn(move || served.write_all(&vec![9; 1_000_000]).unwrap());
    received.clear();
    client.read_to_end(&mut received).unwrap();
    back.join().unwrap();
    assert_eq!(received, vec![9; 1_000_000]);
    folder.file("done", "");
    let (code, shown) = run.end();
    assert_eq!(code, Some(0), "{}", shown.join("\n"));
    assert!(!folder.path().join("front").exists(), "its file is gone with it");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn ipv6_addresses_are_ends_too() {
    let Ok(server) = TcpListener::bind("[::1]:0") else {
        return crate::common::skip("a link", "there is no IPv6");
    };
    let folder = Folder::new();
    let port = free_port();
    folder.file("s.toml", between(&format!("[::1]:{port}"), &server.local_addr().unwrap().to_string()));
    let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).watch();
    run.until("up");
    let client = TcpStream::connect(("::1", port)).unwrap();
    let (served, _) = server.accept().unwrap();
    pass(&client, &served, "hello");
    close(&client, &served);
    folder.file("done", "");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn an_address_that_is_taken_ends_the_run_before_it_starts() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    folder.file("s.toml", between(&listen, "127.0.0.1:9"));
    let ended = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).end().expect(4);
    assert!(ended.stderr.contains(&format!("the link `l` cannot listen on {listen}: ")), "{}", ended.stderr);
    assert!(!folder.path().join("log.jsonl").exists(), "nothing was started");
}

#[test]
fn nothing_listens_when_the_runner_was_killed() {
    let stage = Stage::new(&[]);
    let (client, server) = stage.connect();
    pass(&client, &server, "hello");
    kill(&stage.run.child, Signal::KILL);
    let (port, folder) = (stage.port, stage.folder);
    assert_eq!(stage.run.end().0, Some(137));
    assert_eq!(TcpStream::connect(("127.0.0.1", port)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let gone = (&client).read(&mut [0; 8]);
    assert!(matches!(gone, Ok(0) | Err(_)), "{gone:?}");
    assert!(!Log::read_torn(&folder.path().join("log.jsonl")).events.is_empty());
}
