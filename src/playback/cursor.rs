//! A log that is played: it can be read on, and, where it is a file, again from an earlier moment.
//!
//! # How it works
//!
//! While it is read, waypoints are kept: where the reader stood, and what the screen knew. A jump
//! back reads on from the one before the moment. They are sparse, and where there are too many of
//! them every second one is given up: what they take is bounded, whatever the size of the log.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use crate::report::feed::Told;
use crate::terminal::event_lines::{Render, Screen};
use crate::web::page::Page;
use scenario_log::decode::Record;
use scenario_log::reader::checkpoint::{Place, last_moment};
use scenario_log::reader::{Cut, Line, Reader, Unreadable};
use scenario_log::time::Moment;

use crate::playback::skipped::Passed;

/// How many bytes are between two waypoints, at first.
const SPACING: u64 = 1 << 20;

/// How many waypoints there are at most.
const WAYPOINTS: usize = 256;

/// How many sources the screens of all waypoints remember at most.
const REMEMBERED: usize = 100_000;

/// How many bytes are shown of one event at most; the screen shows less.
const ROOM: usize = 1 << 20;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line of this moment.
    At(Moment),
    /// Whatever comes through the pipe: it must be waited for.
    Dry,
    /// Nothing: the log has ended.
    End,
}

/// A log, and the screen as it is where it is read.
#[derive(Debug)]
pub(super) struct Tape {
    file: File,
    is_file: bool,
    reader: Reader<File>,
    screen: Screen,
    /// The live page that is made of what is behind, if one is, and how it begins.
    page: Option<(Page, Page)>,
    waypoints: Waypoints,
}

impl Tape {
    /// A log from its beginning; with a page that is made of it, if it is to be.
    pub(super) fn new(file: File, screen: Screen, page: Option<Page>) -> Result<Tape, Unreadable> {
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        let reader = Reader::new(file.try_clone().map_err(refused)?);
        let waypoints = Waypoints::new(screen.clone());
        let page = page.map(|page| (page.clone(), page));
        Ok(Tape { file, is_file, reader, screen, page, waypoints })
    }

    /// The run's last moment, where it can be known before.
    pub(super) fn end(&self) -> Option<Moment> {
        last_moment(&self.file).filter(|_| self.is_file)
    }

    /// Where the log was cut short, once it has ended.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.reader.cut().cloned()
    }

    /// How many lines are behind.
    pub(super) fn lines(&self) -> u64 {
        self.reader.lines()
    }

    /// The moment of the last line that is behind.
    pub(super) fn reached(&self) -> Moment {
        self.reader.t()
    }

    /// The page that is made of what is behind.
    pub(super) fn page(&mut self) -> Option<&mut Page> {
        self.page.as_mut().map(|(page, _)| page)
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Result<Next, Unreadable> {
        if !self.is_file && !self.reader.is_ready() {
            return Ok(Next::Dry);
        }
        Ok(self.reader.peek()?.map_or(Next::End, |line| Next::At(line.t)))
    }

    /// Reads on, once something is there.
    pub(super) fn read_on(&mut self) {
        self.reader.read_on();
    }

    /// Shows the next line, and goes on behind it.
    pub(super) fn show(&mut self, out: &mut String) -> Result<(), Unreadable> {
        if let Some(line) = self.reader.peek()? {
            show(line.bytes, (line.number, line.t), &mut self.screen, out)?;
            see(&line, &mut self.page)?;
        }
        self.pass();
        Ok(())
    }

    /// Passes over the next line.
    pub(super) fn pass_over(&mut self, passed: &mut Passed) -> Result<(), Unreadable> {
        if let Some(line) = self.reader.peek()? {
            passed.take(&line, &mut self.screen)?;
            see(&line, &mut self.page)?;
        }
        self.pass();
        Ok(())
    }

    fn pass(&mut self) {
        self.reader.pass();
        if self.is_file {
            self.waypoints.note(&self.reader, &self.screen);
        }
    }

    /// Shows what a jump has passed over, and where it has arrived.
    pub(super) fn arrive(&mut self, at: Moment, passed: &Passed, out: &mut String) -> Result<(), Unreadable> {
        self.screen.jumped(out, at);
        passed.show(&mut self.screen, out)
    }

    /// Sees to it that all that is behind is before a moment. `false` if it cannot be read again.
    pub(super) fn rewind(&mut self, to: Moment) -> Result<bool, Unreadable> {
        if self.reader.lines() == 0 || self.reached() < to {
            return Ok(true);
        }
        if !self.is_file {
            return Ok(false);
        }
        let waypoint = match &mut self.page {
            // A page of every waypoint would be large.
            Some((page, blank)) => {
                page.clone_from(blank);
                &self.waypoints.list[0]
            }
            None => self.waypoints.before(to),
        };
        self.file.seek(SeekFrom::Start(waypoint.place.offset())).map_err(refused)?;
        self.reader = Reader::at(waypoint.place, self.file.try_clone().map_err(refused)?);
        self.screen = waypoint.screen.clone();
        Ok(true)
    }
}

/// Shows a line of a log, of this number and moment.
pub(super) fn show(
    bytes: &[u8],
    (number, t): (u64, Moment),
    screen: &mut Screen,
    out: &mut String,
) -> Result<(), Unreadable> {
    let damaged = |fault| Unreadable::damaged(number, fault);
    let record = Record::read(bytes).map_err(damaged)?;
    if let Some(event) = record.event().map_err(damaged)? {
        screen.show(out, t, &event, ROOM);
    }
    Ok(())
}

/// Takes a line of a log into the page, if there is one.
fn see(line: &Line<'_>, page: &mut Option<(Page, Page)>) -> Result<(), Unreadable> {
    let Some((page, _)) = page else { return Ok(()) };
    let damaged = |fault| Unreadable::damaged(line.number, fault);
    let record = Record::read(line.bytes).map_err(damaged)?;
    let event = record.event().map_err(damaged)?;
    page.take(&Told { line: line.number, t: line.t, event: event.as_ref() });
    Ok(())
}

fn refused(error: std::io::Error) -> Unreadable {
    Unreadable::Refused(error.to_string())
}

#[derive(Debug)]
struct Waypoint {
    place: Place,
    screen: Screen,
}

/// Places to go on from, from the beginning on.
#[derive(Debug)]
struct Waypoints {
    list: Vec<Waypoint>,
    spacing: u64,
    /// How far they reach, in bytes.
    reach: u64,
}

impl Waypoints {
    fn new(screen: Screen) -> Waypoints {
        Waypoints { list: vec![Waypoint { place: Place::START, screen }], spacing: SPACING, reach: 0 }
    }

    /// Takes note of where the reader is, if that is far enough from the last waypoint.
    fn note(&mut self, reader: &Reader<File>, screen: &Screen) {
        if reader.offset() < self.reach.saturating_add(self.spacing) {
            return;
        }
        self.reach = reader.offset();
        let remembered: usize = self.list.iter().map(|waypoint| waypoint.screen.remembered()).sum();
        if self.list.len() >= WAYPOINTS || remembered + screen.remembered() > REMEMBERED {
            let mut is_kept = false;
            self.list.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.spacing = self.spacing.saturating_mul(2);
        }
        if screen.remembered() <= REMEMBERED / 2 {
            self.list.push(Waypoint { place: reader.place(), screen: screen.clone() });
        }
    }

    /// A waypoint behind which all lines of a moment are, and some of those before.
    fn before(&self, moment: Moment) -> &Waypoint {
        let behind = self.list.partition_point(|waypoint| waypoint.place.t() < moment);
        // One further back: what comes shortly before the moment is to be shown. The first waypoint
        // is the beginning, before everything.
        &self.list[behind.saturating_sub(2)]
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

    fn to_the_end(tape: &mut Tape) -> String {
        let mut shown = String::new();
        while let Next::At(_) = tape.next().unwrap() {
            shown.clear();
            tape.show(&mut shown).unwrap();
        }
        shown
    }

    #[test]
    fn a_log_is_read_again_from_any_moment_and_the_screen_knows_what_it_knew() {
        let mut tape = Tape::new(log(60_000), Screen::new(false), None).unwrap();
        assert_eq!(tape.end(), Some(Moment(6_000_000_000_000)));
        to_the_end(&mut tape);
        assert!(tape.waypoints.list.len() > 3);
        for seconds in [5_999, 1, 3_000, 4_567, 0, 2_500] {
            let to = Moment(seconds * 1_000_000_000);
            assert!(tape.rewind(to).unwrap());
            let mut passed = Passed::new(3);
            while let Next::At(t) = tape.next().unwrap()
                && t < to
            {
                tape.pass_over(&mut passed).unwrap();
            }
            let mut text = String::new();
            tape.arrive(to, &passed, &mut text).unwrap();
            assert_eq!(text.lines().count(), if seconds == 0 { 1 } else { 4 });
            text.clear();
            tape.show(&mut text).unwrap();
            let mark =
                if seconds == 0 { "run     n".to_owned() } else { format!("mark    {}", seconds * 10) };
            assert!(text.contains(&mark), "{text} at {seconds}");
            assert!(to_the_end(&mut tape).contains("ended long"), "from {seconds}");
        }
    }

    #[test]
    fn waypoints_are_bounded_and_the_first_is_the_beginning() {
        let mut tape = Tape::new(log(10_000), Screen::new(false), None).unwrap();
        tape.waypoints.spacing = 1;
        to_the_end(&mut tape);
        let list = &tape.waypoints.list;
        assert!((WAYPOINTS / 4..=WAYPOINTS).contains(&list.len()), "{}", list.len());
        assert_eq!(list[0].place.offset(), 0);
        assert!(list.is_sorted_by_key(|waypoint| waypoint.place.offset()));
    }
}
