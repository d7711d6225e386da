//! The arrows of a trace: from the moment that an entry waited for to the first effect of the entry.
//!
//! # How it works
//!
//! An end of an arrow belongs to a slice of its track. Perfetto sorts events by their moments. Of those with
//! equal moments, slices with a duration come first, and the others keep the order of the file. Then it takes
//! the slice or instant that began last on the track, whether or not that one has ended. So an end is
//! written directly after its own record: the instant of an effect, or an instant that is written for the
//! awaited moment, such as `ps#1 ready`. Where it belongs to the slice of a source, it comes before all else
//! of that moment on the track. The slice has a duration as soon as time has gone on; until then, the
//! records of this moment of the source wait. An arrow's start comes before its end in
//! the file, since both may have the same moment.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::json;

use crate::report::dependencies::AwaitedMoment;
use crate::report::trace::args::event_args;
use crate::report::trace::trace_file::{ArrowEnd, TraceFile, TracePoint, TraceRecord};
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// A moment of an entry: a point of a source's track, or of the timeline's track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceMoment {
    pub(super) at: TracePoint,
    pub(super) source: Option<Source>,
}

/// The records of a moment that wait until the moment is over, in groups that are written one after the
/// other. A source to which an arrow leads has a group, and so has an effect on the timeline's track whose
/// arrow starts in a group.
#[derive(Debug, Default)]
pub(super) struct WaitingRecords {
    t: Moment,
    groups: Vec<Vec<TraceRecord>>,
    by_source: HashMap<Source, usize>,
}

impl WaitingRecords {
    /// Writes what waits, if time has gone on.
    pub(super) fn advance<W: Write>(&mut self, t: Moment, file: &mut TraceFile<W>) -> io::Result<()> {
        if t > self.t { self.flush(file) } else { Ok(()) }
    }

    /// Writes what waits.
    pub(super) fn flush<W: Write>(&mut self, file: &mut TraceFile<W>) -> io::Result<()> {
        self.by_source.clear();
        self.groups.drain(..).flatten().try_for_each(|record| file.write(&record))
    }

    /// Begins a group at this moment.
    pub(super) fn begin_group(&mut self, t: Moment, source: Option<Source>, records: Vec<TraceRecord>) {
        self.t = t;
        self.by_source.extend(source.map(|source| (source, self.groups.len())));
        self.groups.push(records);
    }

    /// Whether a source has a group: an arrow leads to it, and it has started at this moment.
    pub(super) fn has_group(&self, source: Option<Source>) -> bool {
        source.is_some_and(|source| self.by_source.contains_key(&source))
    }

    /// Writes a record of a source after all its records that wait.
    pub(super) fn write<W: Write>(
        &mut self,
        source: Option<Source>,
        record: TraceRecord,
        file: &mut TraceFile<W>,
    ) -> io::Result<()> {
        match source.and_then(|source| self.by_source.get(&source)) {
            Some(group) => self.groups[*group].push(record),
            None => file.write(&record)?,
        }
        Ok(())
    }

    /// Writes the slice of a source that has ended. If the source has a group, it has no duration.
    pub(super) fn write_slice<W: Write>(
        &mut self,
        source: Source,
        slice: TraceRecord,
        file: &mut TraceFile<W>,
    ) -> io::Result<()> {
        match self.by_source.get(&source) {
            Some(group) => self.groups[*group].insert(0, slice),
            None => file.write(&slice)?,
        }
        Ok(())
    }

    /// Writes the end of an arrow at the moment that was waited for, with an instant that it belongs to.
    /// `waiting` is the entry that waited. Returns whether both wait.
    pub(super) fn write_origin<W: Write>(
        &mut self,
        arrow: u64,
        awaited: &AwaitedMoment<TraceMoment>,
        waiting: &str,
        file: &mut TraceFile<W>,
    ) -> io::Result<bool> {
        let AwaitedMoment { at: TraceMoment { at, source }, what, entry } = awaited;
        let of = source.map_or_else(|| entry.clone(), |source| source.to_string());
        let args = event_args(json!({ "entry": entry, "awaited_by": waiting }));
        let name = format!("{of} {what}");
        self.write(*source, TraceRecord::Instant { name, cat: "after", at: *at, args }, file)?;
        self.write(*source, TraceRecord::ArrowEnd { end: ArrowEnd::From, arrow, at: *at }, file)?;
        Ok(self.has_group(*source))
    }
}
