//! The state of a link that its connections share: its faults, and when its bandwidth has room.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use scenario_core::engine::random::{RandomStream, RandomStreamId};
use scenario_core::scenario::model::{Link, LinkDirection, LinkFaults};
use scenario_log::event::LinkClosing;

/// A notice of a connection, for the driver.
#[derive(Debug)]
pub(super) struct LinkNotice {
    /// The index of the link.
    pub(super) link: usize,
    pub(super) connection: u64,
    /// How it ended; none if it was accepted.
    pub(super) closing: Option<Box<LinkClosing>>,
}

/// The latest orders of the engine for a link.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkOrder {
    /// The faults that hold.
    pub(super) faults: Arc<LinkFaults>,
    /// How often the connections have been reset.
    pub(super) resets: u64,
}

/// The largest read. All reads of the thread share one buffer of this size: what is read is passed on at once, or
/// copied.
pub(super) const READ_SIZE: usize = 256 << 10;

/// A link that runs.
#[derive(Debug)]
pub(super) struct LinkState {
    index: usize,
    pub(super) link: Link,
    pub(super) folder: PathBuf,
    seed: u64,
    notices: mpsc::Sender<LinkNotice>,
    faults: RefCell<Arc<LinkFaults>>,
    /// For each direction, whether nothing is wrong with it.
    plain: [Cell<bool>; 2],
    cut: [Cell<bool>; 2],
    /// For each direction, when the bytes before have passed by the bandwidth.
    free_at: [Cell<Option<Instant>>; 2],
    /// The number of the latest limit.
    limit_epoch: Cell<u64>,
    pub(super) changed: Notify,
    pub(super) reset: Notify,
    pub(super) scratch: RefCell<Box<[u8]>>,
}

fn slot(direction: LinkDirection) -> usize {
    match direction {
        LinkDirection::To => 0,
        LinkDirection::From => 1,
    }
}

impl LinkState {
    pub(super) fn new(
        index: usize,
        link: Link,
        folder: &Path,
        seed: u64,
        notices: mpsc::Sender<LinkNotice>,
    ) -> LinkState {
        LinkState {
            index,
            link,
            folder: folder.to_owned(),
            seed,
            notices,
            faults: RefCell::default(),
            plain: [Cell::new(true), Cell::new(true)],
            cut: Default::default(),
            free_at: Default::default(),
            limit_epoch: Cell::new(0),
            changed: Notify::new(),
            reset: Notify::new(),
            scratch: RefCell::new(vec![0; READ_SIZE].into()),
        }
    }

    /// Puts these faults in the place of those before.
    pub(super) fn set_faults(&self, faults: Arc<LinkFaults>) {
        let before = self.faults.replace(Arc::clone(&faults));
        let is_shaped = faults.latency.is_some()
            || faults.bandwidth.is_some()
            || faults.limit.is_some()
            || faults.slice.is_some();
        for direction in [LinkDirection::To, LinkDirection::From] {
            let is_cut = faults.cut.is_some_and(|cut| cut.stops(direction));
            self.cut[slot(direction)].set(is_cut);
            self.plain[slot(direction)].set(!is_cut && !is_shaped);
            if faults.bandwidth != before.bandwidth {
                self.free_at[slot(direction)].set(None);
            }
        }
        if faults.limit != before.limit {
            self.limit_epoch.set(self.limit_epoch.get() + 1);
        }
        self.changed.notify_waiters();
    }

    pub(super) fn faults(&self) -> Arc<LinkFaults> {
        Arc::clone(&self.faults.borrow())
    }

    /// Whether nothing is wrong with a direction.
    pub(super) fn is_plain(&self, direction: LinkDirection) -> bool {
        self.plain[slot(direction)].get()
    }

    pub(super) fn is_cut(&self, direction: LinkDirection) -> bool {
        self.cut[slot(direction)].get()
    }

    /// The number of the latest limit: a connection counts its bytes anew with each.
    pub(super) fn limit_epoch(&self) -> u64 {
        self.limit_epoch.get()
    }

    pub(super) fn refuses(&self) -> bool {
        self.faults.borrow().refuse
    }

    /// Waits until nothing holds the bytes of a direction back.
    pub(super) async fn wait_uncut(&self, direction: LinkDirection) {
        while self.is_cut(direction) {
            self.changed.notified().await;
        }
    }

    /// When the bandwidth of a direction has room for the next bytes.
    pub(super) fn free_at(&self, direction: LinkDirection) -> Option<Instant> {
        self.free_at[slot(direction)].get()
    }

    /// Notes bytes that pass by the bandwidth, if there is one. Returns when the last of them has passed.
    pub(super) fn take_bandwidth(&self, direction: LinkDirection, bytes: usize, now: Instant) -> Instant {
        let Some(bandwidth) = self.faults.borrow().bandwidth else { return now };
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(bandwidth.max(1)));
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX / 2));
        let start = self.free_at(direction).map_or(now, |free| free.max(now));
        let end = start.checked_add(time).unwrap_or(start);
        self.free_at[slot(direction)].set(Some(end));
        end
    }

    /// The draws of a direction of a connection, one for each piece.
    pub(super) fn latencies(&self, connection: u64, direction: LinkDirection) -> RandomStream {
        let id = RandomStreamId::new(self.seed, "link latency").with_text(&self.link.name);
        id.with_number(connection).with_text(direction.word()).stream()
    }

    /// Tells the driver of a connection. Waits while the driver has too many notices.
    pub(super) async fn tell(&self, connection: u64, closing: Option<Box<LinkClosing>>) {
        // The driver takes none when the run has ended.
        let _ = self.notices.send(LinkNotice { link: self.index, connection, closing }).await;
    }
}
