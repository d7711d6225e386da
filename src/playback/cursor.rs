//! The cursor of a playback: reads the log forward and, if it is a file, again from an earlier moment.
//!
//! # How it works
//!
//! The cursor keeps waypoints while it reads: the reader's checkpoint, and the renderer's state there. A
//! jump back reads on from the waypoint before the moment. Waypoints are sparse; if there are too many,
//! every second one is dropped. So their memory is bounded, whatever the size of the log.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use crate::report::feed;
use crate::report::origins::SourceTracker;
use crate::terminal::event_lines::LineRenderer;
use crate::web::page::LivePage;
use scenario_log::decode::LogRecord;
use scenario_log::reader::checkpoint::{LogCheckpoint, last_moment};
use scenario_log::reader::{LogLine, LogReadError, LogReader, TruncatedEnd};
use scenario_log::time::Moment;

use crate::playback::line_text::render_line;
use crate::playback::skipped::SkippedLines;

/// The bytes of the log between two waypoints, at first.
const FIRST_SPACING: u64 = 1 << 20;

/// The most waypoints.
const MAX_WAYPOINTS: usize = 256;

/// The most sources that the renderers of all waypoints remember.
const MAX_REMEMBERED: usize = 100_000;

/// The next line of the log, as far as it can be known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// There is a line, of this moment.
    At(Moment),
    /// The pipe has no whole line yet.
    NotReady,
    /// The log has ended.
    End,
}

/// A position in a log, with the renderer and the live page as they are there.
#[derive(Debug)]
pub(super) struct LogCursor {
    file: File,
    is_file: bool,
    reader: LogReader<File>,
    renderer: LineRenderer,
    /// The live page of the lines read so far, and the same page at the beginning; none if it is not served.
    page: Option<(LivePage, LivePage)>,
    /// The origins of the sources that run at this position; used for the page only.
    sources: SourceTracker,
    waypoints: PlaybackWaypoints,
}

impl LogCursor {
    /// A cursor at the beginning of a log. `page` is made of the lines that it passes.
    pub(super) fn new(
        file: File,
        renderer: LineRenderer,
        page: Option<LivePage>,
    ) -> Result<LogCursor, LogReadError> {
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let reader = LogReader::new(file.try_clone().map_err(refused)?);
        let waypoints = PlaybackWaypoints::new(renderer.clone());
        let page = page.map(|page| (page.clone(), page));
        let sources = SourceTracker::default();
        Ok(LogCursor { file, is_file, reader, renderer, page, sources, waypoints })
    }

    /// The run's last moment, if it can be known before the log is read.
    pub(super) fn last_moment(&self) -> Option<Moment> {
        last_moment(&self.file).filter(|_| self.is_file)
    }

    /// The place where the log was cut short; known once it has ended.
    pub(super) fn cut(&self) -> Option<TruncatedEnd> {
        self.reader.truncated_end().cloned()
    }

    /// The number of lines read.
    pub(super) fn lines_read(&self) -> u64 {
        self.reader.lines()
    }

    /// The moment of the last line read.
    pub(super) fn last_read_moment(&self) -> Moment {
        self.reader.t()
    }

    /// The live page of the lines read so far.
    pub(super) fn page(&mut self) -> Option<&mut LivePage> {
        self.page.as_mut().map(|(page, _)| page)
    }

    /// Looks at the next line, and does not pass it.
    pub(super) fn next(&mut self) -> Result<NextLine, LogReadError> {
        if !self.is_file && !self.reader.is_ready() {
            return Ok(NextLine::NotReady);
        }
        Ok(self.reader.peek()?.map_or(NextLine::End, |line| NextLine::At(line.t)))
    }

    /// Reads more bytes from the pipe, once it is readable.
    pub(super) fn read_on(&mut self) {
        self.reader.read_more();
    }

    /// Appends the text of the next line, and passes the line.
    pub(super) fn render_next(&mut self, out: &mut String) -> Result<(), LogReadError> {
        if let Some(line) = self.reader.peek()? {
            render_line(line.bytes, (line.number, line.t), &mut self.renderer, out)?;
            feed_page(&line, &mut self.page, &mut self.sources)?;
        }
        self.advance();
        Ok(())
    }

    /// Passes the next line without showing it; it goes to the skipped lines.
    pub(super) fn skip_next(&mut self, skipped: &mut SkippedLines) -> Result<(), LogReadError> {
        if let Some(line) = self.reader.peek()? {
            skipped.push(&line, &mut self.renderer)?;
            feed_page(&line, &mut self.page, &mut self.sources)?;
        }
        self.advance();
        Ok(())
    }

    fn advance(&mut self) {
        self.reader.advance();
        if self.is_file {
            self.waypoints.note_position(&self.reader, &self.renderer);
        }
    }

    /// Appends the text of a jump's arrival, and of the last lines that it skipped.
    pub(super) fn render_arrival(
        &mut self,
        at: Moment,
        skipped: &SkippedLines,
        out: &mut String,
    ) -> Result<(), LogReadError> {
        self.renderer.render_jump(out, at);
        skipped.render(&mut self.renderer, out)
    }

    /// Goes back until all lines read are before a moment. `false` if the log is a pipe, which cannot be
    /// read again.
    pub(super) fn rewind(&mut self, to: Moment) -> Result<bool, LogReadError> {
        if self.reader.lines() == 0 || self.last_read_moment() < to {
            return Ok(true);
        }
        if !self.is_file {
            return Ok(false);
        }
        let waypoint = match &mut self.page {
            // Waypoints hold no pages, which are large. So the page is made again from the beginning.
            Some((page, blank)) => {
                page.clone_from(blank);
                self.sources.clear();
                &self.waypoints.points[0]
            }
            None => self.waypoints.find_before(to),
        };
        self.file.seek(SeekFrom::Start(waypoint.checkpoint.offset())).map_err(refused)?;
        self.reader =
            LogReader::from_checkpoint(waypoint.checkpoint, self.file.try_clone().map_err(refused)?);
        self.renderer = waypoint.renderer.clone();
        Ok(true)
    }
}

/// Passes a line to the page, if there is one.
fn feed_page(
    line: &LogLine<'_>,
    page: &mut Option<(LivePage, LivePage)>,
    sources: &mut SourceTracker,
) -> Result<(), LogReadError> {
    let Some((page, _)) = page else { return Ok(()) };
    let damaged = |fault| LogReadError::damaged(line.number, fault);
    let record = LogRecord::decode(line.bytes).map_err(damaged)?;
    let event = record.event().map_err(damaged)?;
    feed::with_origin(sources, (line.number, line.t), event.as_ref(), |logged| page.on_event(logged));
    Ok(())
}

fn refused(error: std::io::Error) -> LogReadError {
    LogReadError::Io(error.to_string())
}

#[derive(Debug)]
struct PlaybackWaypoint {
    checkpoint: LogCheckpoint,
    renderer: LineRenderer,
}

/// The positions to read on from, in their order; the first is the beginning.
#[derive(Debug)]
struct PlaybackWaypoints {
    points: Vec<PlaybackWaypoint>,
    spacing: u64,
    /// The offset of the last one, in bytes.
    last_offset: u64,
}

impl PlaybackWaypoints {
    fn new(renderer: LineRenderer) -> PlaybackWaypoints {
        PlaybackWaypoints {
            points: vec![PlaybackWaypoint { checkpoint: LogCheckpoint::START, renderer }],
            spacing: FIRST_SPACING,
            last_offset: 0,
        }
    }

    /// Adds a waypoint at the reader's position, if that is far enough from the last one.
    fn note_position(&mut self, reader: &LogReader<File>, renderer: &LineRenderer) {
        if reader.offset() < self.last_offset.saturating_add(self.spacing) {
            return;
        }
        self.last_offset = reader.offset();
        let remembered: usize =
            self.points.iter().map(|waypoint| waypoint.renderer.remembered_sources()).sum();
        if self.points.len() >= MAX_WAYPOINTS || remembered + renderer.remembered_sources() > MAX_REMEMBERED {
            let mut is_kept = false;
            self.points.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.spacing = self.spacing.saturating_mul(2);
        }
        if renderer.remembered_sources() <= MAX_REMEMBERED / 2 {
            self.points
                .push(PlaybackWaypoint { checkpoint: reader.checkpoint(), renderer: renderer.clone() });
        }
    }

    /// A waypoint before all lines of a moment, and before some lines that come earlier.
    fn find_before(&self, moment: Moment) -> &PlaybackWaypoint {
        let earlier = self.points.partition_point(|waypoint| waypoint.checkpoint.t() < moment);
        // One further back, because the lines shortly before the moment are shown too. The first waypoint
        // is the beginning.
        &self.points[earlier.saturating_sub(2)]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;

    use super::*;

    /// A log of a spawn and of marks, ten at each second, each with its own number.
    fn log(marks: u64) -> File {
        let mut text = "{\"seq\":0,\"t\":0.000000000,\"event\":\"run.started\",\"format\":1,\"name\":\"n\",\
                        \"seed\":1,\"clock\":\"virtual\",\"scenario\":{}}\n"
            .to_owned();
        text += "{\"seq\":1,\"t\":0.000000000,\"event\":\"spawn.started\",\"due\":0.000000000,\
                 \"source\":\"ps#1\",\"preset\":\"long\"}\n";
        for seq in 2..marks {
            let (t, due) = (seq / 10, "0.000000000");
            let _ = writeln!(
                text,
                "{{\"seq\":{seq},\"t\":{t}.000000000,\"event\":\"mark\",\"due\":{due},\"text\":\"{seq}\"}}"
            );
        }
        let _ = writeln!(
            text,
            "{{\"seq\":{marks},\"t\":{}.000000000,\"event\":\"spawn.exited\",\"source\":\"ps#1\",\
             \"code\":0,\"ok\":true,\"running\":0}}",
            marks / 10
        );
        let file = rustix::fs::memfd_create("log", rustix::fs::MemfdFlags::empty()).unwrap();
        let mut file = File::from(file);
        file.write_all(text.as_bytes()).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    fn to_the_end(cursor: &mut LogCursor) -> String {
        let mut shown = String::new();
        while let NextLine::At(_) = cursor.next().unwrap() {
            shown.clear();
            cursor.render_next(&mut shown).unwrap();
        }
        shown
    }

    #[test]
    fn a_log_is_read_again_from_any_moment_with_the_renderer_as_it_was_there() {
        let mut cursor = LogCursor::new(log(60_000), LineRenderer::new(false), None).unwrap();
        assert_eq!(cursor.last_moment(), Some(Moment(6_000_000_000_000)));
        to_the_end(&mut cursor);
        assert!(cursor.waypoints.points.len() > 3);
        for seconds in [5_999, 1, 3_000, 4_567, 0, 2_500] {
            let to = Moment(seconds * 1_000_000_000);
            assert!(cursor.rewind(to).unwrap());
            let mut skipped = SkippedLines::new(3);
            while let NextLine::At(t) = cursor.next().unwrap()
                && t < to
            {
                cursor.skip_next(&mut skipped).unwrap();
            }
            let mut text = String::new();
            cursor.render_arrival(to, &skipped, &mut text).unwrap();
            assert_eq!(text.lines().count(), if seconds == 0 { 1 } else { 4 });
            text.clear();
            cursor.render_next(&mut text).unwrap();
            let mark =
                if seconds == 0 { "run     n".to_owned() } else { format!("mark    {}", seconds * 10) };
            assert!(text.contains(&mark), "{text} at {seconds}");
            assert!(to_the_end(&mut cursor).contains("ended long"), "from {seconds}");
        }
    }

    #[test]
    fn waypoints_are_bounded_and_the_first_is_the_beginning() {
        let mut cursor = LogCursor::new(log(10_000), LineRenderer::new(false), None).unwrap();
        cursor.waypoints.spacing = 1;
        to_the_end(&mut cursor);
        let list = &cursor.waypoints.points;
        assert!((MAX_WAYPOINTS / 4..=MAX_WAYPOINTS).contains(&list.len()), "{}", list.len());
        assert_eq!(list[0].checkpoint.offset(), 0);
        assert!(list.is_sorted_by_key(|waypoint| waypoint.checkpoint.offset()));
    }
}
