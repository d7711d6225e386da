//! Passes the bytes of one direction of a connection on, as fast as they come while nothing is wrong.

use std::io;

use crate::io::link::carrier::Carrier;
use crate::io::link::connection::{EarlyEnd, PassedBytes};
use crate::io::link::shaper::Shaper;
use crate::io::link::state::LinkState;
use crate::io::link::stream::LinkStream;
use scenario_core::scenario::model::LinkDirection;

/// One direction of a connection.
pub(super) struct Pump<'c> {
    pub(super) state: &'c LinkState,
    pub(super) direction: LinkDirection,
    pub(super) source: &'c LinkStream,
    pub(super) sink: &'c LinkStream,
    /// The number of the connection.
    pub(super) number: u64,
    pub(super) passed: &'c PassedBytes,
}

/// Why a way of passing bytes on ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PumpPause {
    /// The source has said its last, and all of it has been passed on.
    SourceEnded,
    /// Something is wrong with the link now, or nothing is any more.
    LinkChanged,
}

impl Pump<'_> {
    /// Passes bytes on until the source ends; then ends the sink.
    pub(super) async fn run(self) -> Result<(), EarlyEnd> {
        let mut carrier = Carrier::default();
        let mut shaper: Option<Shaper> = None;
        loop {
            let paused = if self.state.is_plain(self.direction) {
                self.pass_plainly(&mut carrier).await?
            } else {
                let shaper = shaper.get_or_insert_with(|| Shaper::new(&self));
                shaper.pass(&self).await?
            };
            if paused == PumpPause::SourceEnded {
                self.sink.end_writing();
                return Ok(());
            }
        }
    }

    async fn pass_plainly(&self, carrier: &mut Carrier) -> Result<PumpPause, EarlyEnd> {
        loop {
            self.source.readable().await?;
            if !self.state.is_plain(self.direction) {
                return Ok(PumpPause::LinkChanged);
            }
            match carrier.carry(self).await {
                Ok(0) => return Ok(PumpPause::SourceEnded),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of these bytes. Waits while the direction is cut, and while the sink has no room.
    pub(super) async fn deliver(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.state.wait_uncut(self.direction).await;
            match self.sink.try_write(bytes) {
                Ok(written) => {
                    self.passed.add(self.direction, written);
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.sink.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
