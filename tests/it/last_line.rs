//! The end of a log: one last line with the checksum of all the others, whatever the screen still shows.

use std::fs::OpenOptions;

use scenario::io::log_file::writer::{LogWriter, OpenedOutput};
use scenario::run::recorder::RunRecorder;
use scenario::terminal::event_lines::EventRenderer;
use scenario_core::engine::{EngineSink as _, EngineStatus};
use scenario_log::event::{Event, LatenessQuantiles, RunOutcome, RunSummary, Source};
use scenario_log::time::{Moment, Span};

use crate::common::Folder;

/// Shows only how many pages were dropped.
struct DroppedPages;

impl EventRenderer for DroppedPages {
    fn render_event(&mut self, _: &mut String, _: Moment, _: &Event<'_>, _: usize) -> u64 {
        0
    }

    fn render_status(&self, _: &mut String, _: Moment, _: &EngineStatus) {}

    fn render_note(&self, _: &mut String, _: Moment, _: Source, _: &str) {}

    fn render_answer(&self, _: &mut String, _: Moment, _: &str) {}

    fn render_fetch_warning(&self, _: &mut String, _: Moment, _: &str, _: &str) {}

    fn render_dropped_pages(&self, out: &mut String, _: Moment, _: u64) {
        out.push_str("dropped\n");
    }
}

#[test]
fn what_is_shown_after_the_last_event_adds_nothing_to_the_log() {
    let folder = Folder::new();
    let path = folder.path().join("l.jsonl");
    let file = OpenOptions::new().create_new(true).append(true).open(&path).unwrap();
    let writer = LogWriter::start(OpenedOutput::File(file, path.clone()), Box::new(|_: &[u8]| {})).unwrap();
    let mut recorder = RunRecorder::new(Some(writer), Some(Box::new(DroppedPages)));
    let summary = RunSummary {
        outcome: RunOutcome::Passed,
        reason: None,
        spawned: 0,
        exited: 0,
        fetched: 0,
        moves: 0,
        lines: 0,
        lateness: LatenessQuantiles::default(),
        fetches: Vec::new(),
        shared: Vec::new(),
        took: Span::ZERO,
    };
    recorder.event(Moment::ZERO, &Event::RunFinished(&summary));
    recorder.flush().unwrap();
    recorder.show_dropped_pages(Moment::ZERO, 1);
    recorder.flush().unwrap();
    while !recorder.try_finish(std::time::Duration::from_secs(1)) {}
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!((log.lines().count(), log.matches("crc32c").count()), (1, 1), "{log}");
}
