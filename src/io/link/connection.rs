//! A connection of a link, from its acceptance to its end.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use crate::io::link::address;
use crate::io::link::passed::{EarlyEnd, PassedBytes};
use crate::io::link::pump;
use crate::io::link::state::LinkState;
use crate::io::link::stream::LinkStream;
use crate::io::link::way::ConnectionWay;
use scenario_core::scenario::model::LinkDirection;
use scenario_log::event::{LinkClosing, LinkEnd};
use scenario_log::time::Span;

/// Serves a connection to its end, and tells the driver of it.
pub(super) async fn serve(state: Rc<LinkState>, client: LinkStream, number: u64) {
    let started = Instant::now();
    let passed = PassedBytes::default();
    // Made before anything waits, so that no reset is missed.
    let reset = state.reset.notified();
    let (why, error) = tokio::select! {
        biased;
        () = reset => {
            client.reset_on_drop();
            (LinkEnd::Fault, None)
        }
        ended = pass(&state, &client, number, &passed) => ended,
    };
    drop(client);
    let closing = LinkClosing {
        why,
        bytes_to: passed.count(LinkDirection::To),
        bytes_from: passed.count(LinkDirection::From),
        took: Span(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)),
        error,
    };
    state.tell(number, Some(Box::new(closing))).await;
}

/// Connects to the other end, and passes bytes in both directions.
async fn pass(
    state: &LinkState,
    client: &LinkStream,
    number: u64,
    passed: &PassedBytes,
) -> (LinkEnd, Option<String>) {
    // The first packet of a connection would not pass either.
    state.wait_uncut(LinkDirection::To).await;
    let server = match address::connect(&state.link.to, &state.folder).await {
        Ok(server) => ResetUnlessEnded { stream: server, has_ended: Cell::new(false) },
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            // The other end took the connection, and has reset it already.
            client.reset_on_drop();
            return (LinkEnd::Reset, None);
        }
        Err(error) => {
            client.reset_on_drop();
            return (LinkEnd::Unreachable, Some(format!("no connection to {}: {error}", state.link.to)));
        }
    };
    match pass_both_ways(state, (client, &server.stream), number, passed).await {
        Ok(()) => {
            server.has_ended.set(true);
            (LinkEnd::Ended, None)
        }
        Err(EarlyEnd::Limit) => {
            server.has_ended.set(true);
            (LinkEnd::Limit, None)
        }
        Err(EarlyEnd::Broken(error)) => {
            client.reset_on_drop();
            let is_reset = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
            (LinkEnd::Reset, (!is_reset).then(|| error.to_string()))
        }
    }
}

async fn pass_both_ways(
    state: &LinkState,
    (client, server): (&LinkStream, &LinkStream),
    number: u64,
    passed: &PassedBytes,
) -> Result<(), EarlyEnd> {
    let to =
        ConnectionWay { state, direction: LinkDirection::To, source: client, sink: server, number, passed };
    let from =
        ConnectionWay { state, direction: LinkDirection::From, source: server, sink: client, number, passed };
    let (to, from) = (pump::run(to), pump::run(from));
    tokio::pin!(to, from);
    let (mut to_ended, mut from_ended) = (false, false);
    while !to_ended || !from_ended {
        tokio::select! {
            biased;
            ended = &mut to, if !to_ended => {
                ended?;
                to_ended = true;
            }
            ended = &mut from, if !from_ended => {
                ended?;
                from_ended = true;
            }
            // A side that has said its last may still reset the connection.
            error = client.wait_reset(), if to_ended && !from_ended => return Err(error.into()),
            error = server.wait_reset(), if from_ended && !to_ended => return Err(error.into()),
        }
    }
    Ok(())
}

/// The connection to the other end. It is reset unless it has ended in order, also if this is dropped at a reset.
struct ResetUnlessEnded {
    stream: LinkStream,
    has_ended: Cell<bool>,
}

impl Drop for ResetUnlessEnded {
    fn drop(&mut self) {
        if !self.has_ended.get() {
            self.stream.reset_on_drop();
        }
    }
}
