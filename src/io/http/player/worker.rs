//! One worker of the players' requests: the request that it is handed, and its buffer. Sends nothing itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use tokio::task::AbortHandle;

use scenario_log::captured_value::CapturedValue;
use scenario_log::event::Source;

use super::target::PlayerJob;
use crate::io::http::load::worker::RequestSlot;
use crate::io::http::timing::SendCounter;

/// The largest buffer that an idle worker keeps.
const MAX_KEPT_BUFFER: usize = 16 << 10;

/// A request of a player.
pub(super) struct PlayerRequest {
    pub(super) source: Source,
    pub(super) job: Rc<PlayerJob>,
    pub(super) url_index: usize,
    pub(super) started: Instant,
    /// The session whose cookies it has.
    pub(super) session: Option<u32>,
    /// The values that stand in it.
    pub(super) captured: Vec<CapturedValue>,
}

/// The state of a worker, which its task shares.
#[derive(Default)]
pub(super) struct PlayerWorker {
    pub(super) task: RefCell<Option<AbortHandle>>,
    /// The effort of sending the current request so far.
    pub(super) sent: SendCounter,
    pub(super) slot: RequestSlot<PlayerRequest>,
    /// The bytes of the current request.
    bytes: Cell<Vec<u8>>,
}

impl PlayerWorker {
    /// The buffer; [`PlayerWorker::store_buffer`] gives it back.
    pub(super) fn take_buffer(&self) -> Vec<u8> {
        self.bytes.take()
    }

    pub(super) fn store_buffer(&self, bytes: Vec<u8>) {
        self.bytes.set(bytes);
    }

    /// Keeps the buffer for the next request, unless it is large.
    pub(super) fn recycle_buffer(&self, bytes: Vec<u8>) {
        if bytes.capacity() <= MAX_KEPT_BUFFER {
            self.bytes.set(bytes);
        }
    }
}
