//! Bytes arrive unchanged through every combination of faults that loses none.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use scenario::io::inbox::Inbox;
use scenario::io::link::BoundLinks;
use scenario_core::engine::input::Input;
use scenario_core::scenario::interval::Interval;
use scenario_core::scenario::model::{LinkCut, LinkFaults};
use scenario_log::time::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

use crate::common::free_port;

/// One side of a conversation: the sizes of its writes, whether it waits for the other side's end before its own
/// and whether it reads slowly.
#[derive(Clone, Debug)]
struct Side {
    writes: Vec<usize>,
    waits: bool,
    is_slow: bool,
}

fn side() -> impl Strategy<Value = Side> {
    let size = prop_oneof![3 => 1..200_usize, 2 => 1_000..40_000_usize, 1 => 100_000..900_000_usize];
    (proptest::collection::vec(size, 0..6), any::<bool>(), any::<bool>())
        .prop_map(|(writes, waits, is_slow)| Side { writes, waits, is_slow })
}

/// Faults that let some megabytes pass in a short time.
fn faults() -> impl Strategy<Value = LinkFaults> {
    let latency = select(vec![
        None,
        Some(Interval::Uniform { from: Span(0), to: Span(3_000_000) }),
        Some(Interval::Constant(Span(1_000_000))),
        Some(Interval::Exponential { mean: Span(1_000_000) }),
    ]);
    let bandwidth = select(vec![None, None, Some(50_000_000), Some(20_000_000)]);
    let cut = select(vec![None, None, Some(LinkCut::Both), Some(LinkCut::To), Some(LinkCut::From)]);
    let slice = select(vec![None, None, Some(700), Some(5_000)]);
    (latency, bandwidth, cut, slice, any::<bool>()).prop_map(|(latency, bandwidth, cut, slice, refuse)| {
        LinkFaults { latency, bandwidth, cut, slice, refuse, ..LinkFaults::default() }
    })
}

/// The bytes of a side: no two places of a stream look the same.
fn bytes_of(side: &Side, salt: u64) -> Vec<u8> {
    let total: usize = side.writes.iter().sum();
    (0..total as u64).map(|n| (n.wrapping_mul(0x9e37_79b9).wrapping_add(salt) >> 13) as u8).collect()
}

/// Speaks for a side, and gives what it has heard.
async fn speak(stream: TcpStream, side: Side, salt: u64) -> Vec<u8> {
    let (mut reader, mut writer) = stream.into_split();
    let bytes = bytes_of(&side, salt);
    let (heard_end, wait_end) = tokio::sync::oneshot::channel::<()>();
    let write = async move {
        let mut left = &bytes[..];
        for size in &side.writes {
            writer.write_all(&left[..*size]).await.unwrap();
            left = &left[*size..];
        }
        if side.waits {
            let _ = wait_end.await;
        }
        writer.shutdown().await.unwrap();
        writer
    };
    let read = async move {
        let (mut heard, mut part) = (Vec::new(), vec![0; if side.is_slow { 20_000 } else { 200_000 }]);
        loop {
            match reader.read(&mut part).await.unwrap() {
                0 => break,
                read => heard.extend_from_slice(&part[..read]),
            }
            if side.is_slow {
                tokio::task::yield_now().await;
            }
        }
        let _ = heard_end.send(());
        (heard, reader)
    };
    let (_writer, (heard, _reader)) = tokio::join!(write, read);
    heard
}

/// Two conversations through one link while it changes, and how the connections ended.
async fn converse(sides: [(Side, Side); 2], changes: Vec<LinkFaults>) -> Result<(), TestCaseError> {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, to) = (free_port(), server.local_addr().unwrap());
    let text = format!("[links.l]\nlisten = \"127.0.0.1:{port}\"\nto = \"{to}\"\n");
    let loaded = crate::check::common::load_text(&text).unwrap_or_else(|failure| panic!("{failure:?}"));
    let inbox = Inbox::new();
    let folder = std::path::Path::new(".");
    let links = BoundLinks::bind(&loaded.scenario, folder, 5).unwrap().start(&inbox).unwrap();
    let mut speeches = Vec::new();
    for (n, (client, served)) in sides.into_iter().enumerate() {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (accepted, _) = server.accept().await.unwrap();
        let salt = n as u64 * 1_000;
        let (wanted_there, wanted_back) = (bytes_of(&client, salt), bytes_of(&served, salt + 1));
        // Both cannot wait for each other's end.
        let served = Side { waits: served.waits && !client.waits, ..served };
        let there = tokio::task::spawn_local(speak(stream, client, salt));
        let back = tokio::task::spawn_local(speak(accepted, served, salt + 1));
        speeches.push((there, back, wanted_there, wanted_back));
    }
    for faults in changes {
        links.change(0, Arc::new(faults), false);
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    links.change(0, Arc::default(), false);
    for (there, back, wanted_there, wanted_back) in speeches {
        prop_assert!(back.await.unwrap() == wanted_there, "what the server heard");
        prop_assert!(there.await.unwrap() == wanted_back, "what the client heard");
    }
    let mut inputs = Vec::new();
    while inputs.iter().filter(|input| matches!(input, Input::LinkClosed { .. })).count() < 2 {
        inbox.wait_for_input().await;
        let mut more = Vec::new();
        inbox.take_all(&mut more);
        inputs.extend(more);
    }
    for input in &inputs {
        if let Input::LinkClosed { closing, .. } = input {
            prop_assert_eq!(closing.why.name(), "ended");
        }
    }
    drop(links);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn bytes_arrive_unchanged(
        sides in [(side(), side()), (side(), side())],
        changes in proptest::collection::vec(faults(), 0..8),
    ) {
        let runtime = scenario::io::runtime::build().unwrap();
        let local = LocalSet::new();
        local.block_on(&runtime, converse(sides, changes))?;
    }
}
