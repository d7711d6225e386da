//! A log that is played: it can be read on, and, where it is a file, again from an earlier moment.
//!
//! # How it works
//!
//! While it is read, waypoints are kept: where the reader stood, and what the screen knew. A jump
//! back reads on from the one before the moment. They are sparse, and where there are too many of
//! them every second one is given up: what they take is bounded, whatever the size of the log.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use crate::report::feed;
use crate::report::origins::SourceTracker;
use crate::terminal::event_lines::{EventRenderer, LineRenderer};
use crate::web::page::LivePage;
use scenario_log::decode::LogRecord;
use scenario_log::reader::checkpoint::{LogCheckpoint, last_moment};
use scenario_log::reader::{LogLine, LogReadError, LogReader, TruncatedEnd};
use scenario_log::time::Moment;

use crate::playback::skipped::SkippedLines;

/// How many bytes are between two waypoints, at first.
const FIRST_SPACING: u64 = 1 << 20;

/// How many waypoints there are at most.
const MAX_WAYPOINTS: usize = 256;

/// How many sources the screens of all waypoints remember at most.
const MAX_REMEMBERED: usize = 100_000;

/// How many bytes are shown of one event at most; the screen shows less.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// A line of this moment.
    At(Moment),
    /// Whatever comes through the pipe: it must be waited for.
    NotReady,
    /// Nothing: the log has ended.
    End,
}

/// A log, and the screen as it is where it is read.
#[derive(Debug)]
pub(super) struct LogCursor {
    file: File,
    is_file: bool,
    reader: LogReader<File>,
    renderer: LineRenderer,
    /// The live page that is made of what is behind, if one is, and how it begins.
    page: Option<(LivePage, LivePage)>,
    /// The origins of the sources that run where the page is.
    sources: SourceTracker,
    waypoints: PlaybackWaypoints,
}

impl LogCursor {
    /// A log from its beginning; with a page that is made of it, if it is to be.
    pub(super) fn new(
        file: File,
        screen: LineRenderer,
        page: Option<LivePage>,
    ) -> Result<LogCursor, LogReadError> {
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let reader = LogReader::new(file.try_clone().map_err(refused)?);
        let waypoints = PlaybackWaypoints::new(screen.clone());
        let page = page.map(|page| (page.clone(), page));
        let sources = SourceTracker::default();
        Ok(LogCursor { file, is_file, reader, renderer: screen, page, sources, waypoints })
    }

    /// The run's last moment, where it can be known before.
    pub(super) fn last_moment(&self) -> Option<Moment> {
        last_moment(&self.file).filter(|_| self.is_file)
    }

    /// Where the log was cut short, once it has ended.
    pub(super) fn cut(&self) -> Option<TruncatedEnd> {
        self.reader.truncated_end().cloned()
    }

    /// How many lines are behind.
    pub(super) fn lines_read(&self) -> u64 {
        self.reader.lines()
    }

    /// The moment of the last line that is behind.
    pub(super) fn last_read_moment(&self) -> Moment {
        self.reader.t()
    }

    /// The page that is made of what is behind.
    pub(super) fn page(&mut self) -> Option<&mut LivePage> {
        self.page.as_mut().map(|(page, _)| page)
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Result<NextLine, LogReadError> {
        if !self.is_file && !self.reader.is_ready() {
            return Ok(NextLine::NotReady);
        }
        Ok(self.reader.peek()?.map_or(NextLine::End, |line| NextLine::At(line.t)))
    }

    /// Reads on, once something is there.
    pub(super) fn read_on(&mut self) {
        self.reader.read_more();
    }

    /// Shows the next line, and goes on behind it.
    pub(super) fn render_next(&mut self, out: &mut String) -> Result<(), LogReadError> {
        if let Some(line) = self.reader.peek()? {
            render_line(line.bytes, (line.number, line.t), &mut self.renderer, out)?;
            feed_page(&line, &mut self.page, &mut self.sources)?;
        }
        self.advance();
        Ok(())
    }

    /// Passes over the next line.
    pub(super) fn skip_next(&mut self, passed: &mut SkippedLines) -> Result<(), LogReadError> {
        if let Some(line) = self.reader.peek()? {
            passed.push(&line, &mut self.renderer)?;
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

    /// Shows what a jump has passed over, and where it has arrived.
    pub(super) fn render_arrival(
        &mut self,
        at: Moment,
        passed: &SkippedLines,
        out: &mut String,
    ) -> Result<(), LogReadError> {
        self.renderer.render_jump(out, at);
        passed.render(&mut self.renderer, out)
    }

    /// Sees to it that all that is behind is before a moment. `false` if it cannot be read again.
    pub(super) fn rewind(&mut self, to: Moment) -> Result<bool, LogReadError> {
        if self.reader.lines() == 0 || self.last_read_moment() < to {
            return Ok(true);
        }
        if !self.is_file {
            return Ok(false);
        }
        let waypoint = match &mut self.page {
            // A page of every waypoint would be large.
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

/// Shows a line of a log, of this number and moment.
pub(super) fn render_line(
    bytes: &[u8],
    (number, t): (u64, Moment),
    screen: &mut LineRenderer,
    out: &mut String,
) -> Result<(), LogReadError> {
    let damaged = |fault| LogReadError::damaged(number, fault);
    let record = LogRecord::decode(bytes).map_err(damaged)?;
    if let Some(event) = record.event().map_err(damaged)? {
        screen.render_event(out, t, &event, MAX_EVENT_BYTES);
    }
    Ok(())
}

/// Takes a line of a log into the page, if there is one.
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

/// Places to go on from, from the beginning on.
#[derive(Debug)]
struct PlaybackWaypoints {
    points: Vec<PlaybackWaypoint>,
    spacing: u64,
    /// How far they reach, in bytes.
    last_offset: u64,
}

impl PlaybackWaypoints {
    fn new(screen: LineRenderer) -> PlaybackWaypoints {
        PlaybackWaypoints {
            points: vec![PlaybackWaypoint { checkpoint: LogCheckpoint::START, renderer: screen }],
            spacing: FIRST_SPACING,
            last_offset: 0,
        }
    }

    /// Takes note of where the reader is, if that is far enough from the last waypoint.
    fn note_position(&mut self, reader: &LogReader<File>, screen: &LineRenderer) {
        if reader.offset() < self.last_offset.saturating_add(self.spacing) {
            return;
        }
        self.last_offset = reader.offset();
        let remembered: usize =
            self.points.iter().map(|waypoint| waypoint.renderer.remembered_sources()).sum();
        if self.points.len() >= MAX_WAYPOINTS || remembered + screen.remembered_sources() > MAX_REMEMBERED {
            let mut is_kept = false;
            self.points.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.spacing = self.spacing.saturating_mul(2);
        }
        if screen.remembered_sources() <= MAX_REMEMBERED / 2 {
            self.points.push(PlaybackWaypoint { checkpoint: reader.checkpoint(), renderer: screen.clone() });
        }
    }

    /// A waypoint behind which all lines of a moment are, and some of those before.
    fn find_before(&self, moment: Moment) -> &PlaybackWaypoint {
        let behind = self.points.partition_point(|waypoint| waypoint.checkpoint.t() < moment);
        // One further back: what comes shortly before the moment is to be shown. The first waypoint
        // is the beginning, before everything.
        &self.points[behind.saturating_sub(2)]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;

    use super::*;

    /// A log of marks, ten at each moment, each with its own number; and of a spawn.
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

    fn to_the_end(tape: &mut LogCursor) -> String {
        let mut shown = String::new();
        while let NextLine::At(_) = tape.next().unwrap() {
            shown.clear();
            tape.render_next(&mut shown).unwrap();
        }
        shown
    }

    #[test]
    fn a_log_is_read_again_from_any_moment_and_the_screen_knows_what_it_knew() {
        let mut tape = LogCursor::new(log(60_000), LineRenderer::new(false), None).unwrap();
        assert_eq!(tape.last_moment(), Some(Moment(6_000_000_000_000)));
        to_the_end(&mut tape);
        assert!(tape.waypoints.points.len() > 3);
        for seconds in [5_999, 1, 3_000, 4_567, 0, 2_500] {
            let to = Moment(seconds * 1_000_000_000);
            assert!(tape.rewind(to).unwrap());
            let mut passed = SkippedLines::new(3);
            while let NextLine::At(t) = tape.next().unwrap()
                && t < to
            {
                tape.skip_next(&mut passed).unwrap();
            }
            let mut text = String::new();
            tape.render_arrival(to, &passed, &mut text).unwrap();
            assert_eq!(text.lines().count(), if seconds == 0 { 1 } else { 4 });
            text.clear();
            tape.render_next(&mut text).unwrap();
            let mark =
                if seconds == 0 { "run     n".to_owned() } else { format!("mark    {}", seconds * 10) };
            assert!(text.contains(&mark), "{text} at {seconds}");
            assert!(to_the_end(&mut tape).contains("ended long"), "from {seconds}");
        }
    }

    #[test]
    fn waypoints_are_bounded_and_the_first_is_the_beginning() {
        let mut tape = LogCursor::new(log(10_000), LineRenderer::new(false), None).unwrap();
        tape.waypoints.spacing = 1;
        to_the_end(&mut tape);
        let list = &tape.waypoints.points;
        assert!((MAX_WAYPOINTS / 4..=MAX_WAYPOINTS).contains(&list.len()), "{}", list.len());
        assert_eq!(list[0].checkpoint.offset(), 0);
        assert!(list.is_sorted_by_key(|waypoint| waypoint.checkpoint.offset()));
    }
}
