//! Passes the bytes of a direction on piece by piece, as the faults of its link say.
//!
//! # How it works
//!
//! What is read is cut into pieces. Each piece is due at a moment: when the bandwidth has let it pass, plus the
//! latency that was drawn for it, and never before the piece that was read before it. The queue of pieces is
//! bounded: when it is full nothing is read, so that whoever sends has to wait.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::io::link::passed::EarlyEnd;
use crate::io::link::way::{ConnectionWay, PumpPause};
use scenario_core::engine::random::RandomStream;

/// The most bytes that are on their way in a direction of a connection.
const MAX_QUEUED_BYTES: usize = 256 << 10;

/// The most pieces that are on their way in a direction of a connection.
const MAX_QUEUED_PIECES: usize = 4096;

/// The largest piece of a link with faults.
const MAX_PIECE: usize = 64 << 10;

/// The parts of a second that a piece takes at most by a bandwidth: more would let a slow link stutter.
const PIECES_PER_SECOND: u64 = 50;

/// The bytes of a direction that are on their way.
#[derive(Debug)]
pub(super) struct Shaper {
    bytes: VecDeque<u8>,
    /// The length of each piece, and when it is due.
    pieces: VecDeque<(Instant, usize)>,
    /// When the piece that was read last is due.
    last_due: Option<Instant>,
    latencies: RandomStream,
    has_ended: bool,
}

impl Shaper {
    pub(super) fn new(way: &ConnectionWay<'_>) -> Shaper {
        Shaper {
            bytes: VecDeque::new(),
            pieces: VecDeque::new(),
            last_due: None,
            latencies: way.state.latencies(way.number, way.direction),
            has_ended: false,
        }
    }

    /// Passes pieces on until the source ends, or nothing is wrong and nothing is on its way.
    pub(super) async fn pass(&mut self, way: &ConnectionWay<'_>) -> Result<PumpPause, EarlyEnd> {
        let (state, direction) = (way.state, way.direction);
        loop {
            let is_cut = state.is_cut(direction);
            let front = self.pieces.front().copied();
            match front {
                None if self.has_ended && !is_cut => return Ok(PumpPause::SourceEnded),
                None if state.is_plain(direction) => {
                    // The memory of a fault that is over is given back.
                    self.bytes = VecDeque::new();
                    return Ok(PumpPause::LinkChanged);
                }
                Some((due, length)) if !is_cut && due <= Instant::now() => {
                    self.pieces.pop_front();
                    self.deliver(way, length).await?;
                    continue;
                }
                _ => {}
            }
            if way.passed.left(state) == Some(0) {
                return Err(EarlyEnd::Limit);
            }
            let may_read = !self.has_ended
                && !is_cut
                && self.bytes.len() < MAX_QUEUED_BYTES
                && self.pieces.len() < MAX_QUEUED_PIECES;
            let free_at = state.free_at(direction).filter(|free| may_read && *free > Instant::now());
            let due = front.map(|(due, _)| due).filter(|_| !is_cut);
            let wake = due.into_iter().chain(free_at).min();
            tokio::select! {
                biased;
                () = state.changed.notified() => {}
                () = sleep_until(wake), if wake.is_some() => {}
                readable = way.source.readable(), if may_read && free_at.is_none() => {
                    readable?;
                    // A cut may have come with the same wake.
                    if !state.is_cut(direction) {
                        self.read(way)?;
                    }
                }
            }
        }
    }

    /// Reads what there is room for, and puts its pieces on their way.
    fn read(&mut self, way: &ConnectionWay<'_>) -> io::Result<()> {
        let faults = way.state.faults();
        let mut most = MAX_PIECE.min(MAX_QUEUED_BYTES - self.bytes.len());
        if let Some(bandwidth) = faults.bandwidth {
            most = most.min(usize::try_from((bandwidth / PIECES_PER_SECOND).max(1)).unwrap_or(most));
        }
        let largest = faults.slice.map_or(most, |slice| usize::try_from(slice.max(1)).unwrap_or(most));
        most = most.min(largest.saturating_mul(MAX_QUEUED_PIECES - self.pieces.len()));
        let mut scratch = way.state.scratch.borrow_mut();
        let read = match way.source.try_read(&mut scratch[..most]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        self.has_ended = read == 0;
        let now = Instant::now();
        for piece in scratch[..read].chunks(largest) {
            let passed = way.state.take_bandwidth(way.direction, piece.len(), now);
            let latency = match &faults.latency {
                Some(latency) => Duration::from_nanos(self.latencies.sample(latency).0),
                None => Duration::ZERO,
            };
            let due = passed.checked_add(latency).unwrap_or(passed);
            let due = self.last_due.map_or(due, |last| last.max(due));
            self.last_due = Some(due);
            self.bytes.extend(piece);
            self.pieces.push_back((due, piece.len()));
        }
        Ok(())
    }

    /// Passes the next bytes on, as many as the limit lets.
    async fn deliver(&mut self, way: &ConnectionWay<'_>, length: usize) -> Result<(), EarlyEnd> {
        let piece: Vec<u8> = self.bytes.drain(..length).collect();
        let left = way.passed.left(way.state).map(|left| usize::try_from(left).unwrap_or(usize::MAX));
        let allowed = left.map_or(length, |left| left.min(length));
        way.deliver(&piece[..allowed]).await?;
        match allowed == length {
            true => Ok(()),
            false => Err(EarlyEnd::Limit),
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
