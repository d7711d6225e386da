//! Many clients that read nothing.

use std::io::Write;
use std::net::TcpStream;

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketType, socket};

use crate::common::{Folder, Log};
use crate::serve::asker::{Served, served_run};

/// A client that asks for the events and reads none of them.
fn connect_without_reading(served: &Served) -> TcpStream {
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    // The system would buffer much for it.
    set_socket_recv_buffer_size(&stream, 1 << 10).unwrap();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], served.port));
    rustix::net::connect(&stream, &address).unwrap();
    let mut stream = TcpStream::from(stream);
    let head = format!("GET /events HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", served.port);
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_thousand_slow_readers_are_dropped_and_the_run_is_whole() {
    let folder = Folder::new();
    let scenario = "tick = \"100ms\"\n[presets.talk]\n\
         command = [\"sh\", \"-c\", \"while sleep 0.02; do seq -f '%0300g' 40; done\"]\nbackground = true\n\
         [presets.gate]\ncommand = [\"cat\"]\nstdin = \"open\"\n\
         [presets.1]\nplayers = [{ name = \"john\", moves = 100, every = \"10ms\" }]\n\
         [[timeline]]\nspawn = \"talk\"\n[[timeline]]\nid = \"gate\"\nspawn = \"gate\"\n[[timeline]]\nspawn = \"1\"\n";
    let mut served = served_run(&folder, scenario);
    let slow: Vec<_> = (0..1_000).map(|_| connect_without_reading(&served)).collect();
    let mut shown = served.look();
    let looked = shown.until("change", |change| change["dropped"] == 1_000);
    assert!(looked["readers"].as_u64().unwrap() >= 1, "a page that reads stays");
    served.run.until("ended 1");
    assert_eq!(served.post("/input", "stop gate").status, 202);
    shown.until("bye", |_| true);
    let (code, said) = served.run.end();
    assert_eq!(code, Some(0));
    assert!(said.join("\n").contains("1000 pages were too slow and were dropped"), "{said:?}");
    drop(slow);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("move").len(), 100);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}
