//! Passes the bytes of one direction of a connection on, as fast as they come while nothing is wrong.

use std::io;

use crate::io::link::carrier::Carrier;
use crate::io::link::passed::EarlyEnd;
use crate::io::link::shaper::Shaper;
use crate::io::link::way::{ConnectionWay, PumpPause};

/// Passes bytes on until the source ends; then ends the sink.
pub(super) async fn run(way: ConnectionWay<'_>) -> Result<(), EarlyEnd> {
    let mut carrier = Carrier::default();
    let mut shaper: Option<Shaper> = None;
    loop {
        let paused = if way.state.is_plain(way.direction) {
            pass_plainly(&way, &mut carrier).await?
        } else {
            let shaper = shaper.get_or_insert_with(|| Shaper::new(&way));
            shaper.pass(&way).await?
        };
        if paused == PumpPause::SourceEnded {
            way.sink.end_writing();
            return Ok(());
        }
    }
}

async fn pass_plainly(way: &ConnectionWay<'_>, carrier: &mut Carrier) -> Result<PumpPause, EarlyEnd> {
    loop {
        way.source.readable().await?;
        if !way.state.is_plain(way.direction) {
            return Ok(PumpPause::LinkChanged);
        }
        match carrier.carry(way).await {
            Ok(0) => return Ok(PumpPause::SourceEnded),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}
