//! One direction of a connection, for all that passes bytes on in it.

use std::io;

use crate::io::link::passed::PassedBytes;
use crate::io::link::state::LinkState;
use crate::io::link::stream::LinkStream;
use scenario_core::scenario::model::LinkDirection;

/// One direction of a connection.
pub(super) struct ConnectionWay<'c> {
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

impl ConnectionWay<'_> {
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
