//! The track of each source: a preset is a process, and so is a job. Each has as many tracks as it has
//! sources at once. A source takes the lowest free track, and gives it back when it ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::trace::trace_file::TraceTrack;

/// The track of the timeline itself.
pub(super) const TIMELINE_TRACK: TraceTrack = TraceTrack { pid: 1, tid: 1 };

/// The tracks of one process.
#[derive(Debug)]
struct ProcessTracks {
    pid: u64,
    free: BTreeSet<u64>,
    count: u64,
}

/// The tracks of all processes.
#[derive(Debug, Default)]
pub(super) struct TrackAllocator {
    processes: BTreeMap<String, ProcessTracks>,
}

/// A track that a source has taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct AllocatedTrack {
    pub(super) track: TraceTrack,
    /// The process is new with it.
    pub(super) is_new_process: bool,
    /// No source has had it before.
    pub(super) is_new: bool,
}

impl TrackAllocator {
    /// Takes a track of a process.
    pub(super) fn allocate(&mut self, process: &str) -> AllocatedTrack {
        let is_new_process = !self.processes.contains_key(process);
        if is_new_process {
            let pid = TIMELINE_TRACK.pid + 1 + self.processes.len() as u64;
            self.processes.insert(process.to_owned(), ProcessTracks { pid, free: BTreeSet::new(), count: 0 });
        }
        let Some(group) = self.processes.get_mut(process) else { unreachable!("it was put in") };
        let (tid, is_new) = match group.free.pop_first() {
            Some(tid) => (tid, false),
            None => {
                group.count += 1;
                (group.count, true)
            }
        };
        AllocatedTrack { track: TraceTrack { pid: group.pid, tid }, is_new_process, is_new }
    }

    /// Gives a track back.
    pub(super) fn release(&mut self, process: &str, track: TraceTrack) {
        if let Some(group) = self.processes.get_mut(process) {
            group.free.insert(track.tid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_track_is_taken() {
        let mut tracks = TrackAllocator::default();
        let tids: Vec<u64> = (0..3).map(|_| tracks.allocate("a").track.tid).collect();
        assert_eq!(tids, [1, 2, 3]);
        tracks.release("a", TraceTrack { pid: 2, tid: 2 });
        let taken = tracks.allocate("a");
        assert_eq!((taken.track.tid, taken.is_new, taken.is_new_process), (2, false, false));
        assert_eq!(tracks.allocate("b").track, TraceTrack { pid: 3, tid: 1 });
    }
}
