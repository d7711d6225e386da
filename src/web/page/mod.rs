//! The live page: what people see of a run in a browser while it goes, or of a log that is played.
//!
//! It takes events as they come, and gives JSON: the [state](LivePage::state_json) so far for a new reader,
//! and the [change](LivePage::take_change_json) since the last one for the others. Its size is bounded
//! whatever the run does: of lanes, players and lines that are too many, it gives the number. It serves
//! nothing itself; `docs/live.md` describes the format.

mod entries;
mod lane_usage;
mod lanes;
mod overview;
mod players;
mod recent_lines;

use serde::Serialize;

use crate::report::feed::LogEvent;
use crate::report::format::pluralize;
use crate::report::logged_scenario::load_logged_scenario;
use crate::report::metrics::faults::readable_reason;
use crate::report::origins::is_ok_or_tried_again;
use crate::web::page::overview::{LiveExpectation, RunOverview};
use crate::web::page::recent_lines::{RecentLine, RecentLines};
use entries::LiveEntries;
use lanes::LiveLanes;
use players::LivePlayers;
use scenario_core::engine::progress::RunProgress;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::Event;
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, Span};

/// The state of a run beside its events, at the moment when the page is rendered.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    /// The moment of the run.
    pub t: Moment,
    /// Whether the clock goes.
    pub is_clock_running: bool,
    /// The progress of the run; none for a log that is played.
    pub progress: Option<&'a RunProgress>,
    /// How many readers the page has, and how many were dropped because they were slow.
    pub readers: (u64, u64),
    /// The playback, if a log is played.
    pub playback: Option<PlaybackStatus>,
}

/// The state of a playback.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlaybackStatus {
    /// The log's last moment in seconds, if it is known.
    pub end: Option<f64>,
    /// How many times as fast as the run; none: as fast as possible.
    pub speed: Option<f64>,
    /// Whether it is paused.
    pub is_paused: bool,
}

/// The live page of a run or a log.
#[derive(Clone, Debug, Default)]
pub struct LivePage {
    overview: RunOverview,
    players: LivePlayers,
    lanes: LiveLanes,
    entries: LiveEntries,
    recent_lines: RecentLines,
    end: Option<LiveRunEnd>,
    has_scenario: bool,
    /// Whether an event has come since the last change was made.
    is_changed: bool,
    /// The part of the last change that does not come from events.
    last_eventless: Option<EventlessState>,
}

/// Everything that may change without an event.
#[derive(Clone, Debug, PartialEq)]
struct EventlessState {
    is_clock_running: bool,
    readers: (u64, u64),
    playback: Option<PlaybackStatus>,
    expect: Vec<LiveExpectation>,
}

#[derive(Clone, Debug, Serialize)]
struct LiveRunEnd {
    outcome: &'static str,
    reason: Option<String>,
    took: f64,
}

/// The outcome of a page in the place of a run whose file has errors.
const INVALID: &str = "invalid";

/// A message to the page: the whole state, or the changes.
#[derive(Serialize)]
struct PageMessage<'a> {
    #[serde(flatten)]
    start: Option<crate::web::page::overview::LiveRunStart<'a>>,
    t: f64,
    is_going: bool,
    players: players::PlayerChanges<'a>,
    more_players: u64,
    lanes: lanes::LaneChanges<'a>,
    more_lanes: u64,
    entries: entries::EntryChanges<'a>,
    lines: &'a [RecentLine],
    skipped: u64,
    counts: crate::web::page::overview::LiveCounts,
    lateness: Option<crate::web::page::overview::LiveLateness>,
    expect: &'a [LiveExpectation],
    readers: u64,
    dropped: u64,
    end: Option<&'a LiveRunEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    play: Option<PlaybackStatus>,
}

impl LivePage {
    /// The page of a run whose clock goes `speed` times as fast as the machine's. `log` is the path of its
    /// log, if there is one.
    #[must_use]
    pub fn for_run(speed: f64, log: Option<String>) -> LivePage {
        LivePage {
            overview: RunOverview::new(crate::web::page::overview::PageMode::Run, speed, log),
            ..LivePage::default()
        }
    }

    /// The page of a log that is played.
    #[must_use]
    pub fn for_log(log: String) -> LivePage {
        LivePage {
            overview: RunOverview::new(crate::web::page::overview::PageMode::Play, 1.0, Some(log)),
            ..LivePage::default()
        }
    }

    /// The page in the place of a run whose file has errors: their messages, each with its place.
    #[must_use]
    pub fn for_errors(file: &str, errors: &[String]) -> LivePage {
        let mut page = LivePage::for_run(1.0, None);
        page.overview.set_name(file);
        let reason =
            format!("{} in {}: no run has started", pluralize(errors.len() as u64, "error"), sanitize(file));
        page.end = Some(LiveRunEnd { outcome: INVALID, reason: Some(reason), took: 0.0 });
        errors.iter().for_each(|error| page.recent_lines.push_error(error));
        page
    }

    /// Sets the scenario of the run. Without it, the page reads it from the first event, which takes time
    /// that a run may not have.
    #[must_use]
    pub fn with_scenario(mut self, scenario: &Scenario) -> LivePage {
        self.set_scenario(scenario);
        self
    }

    fn set_scenario(&mut self, scenario: &Scenario) {
        self.entries = LiveEntries::from_scenario(scenario);
        self.lanes = LiveLanes::from_scenario(scenario);
        self.players = LivePlayers::from_scenario(scenario);
        self.overview.set_scenario(scenario);
        self.has_scenario = true;
    }

    /// Takes the next event.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        self.is_changed = true;
        let Some(event) = logged.event else { return };
        if let Event::RunStarted { scenario, .. } = event
            && !self.has_scenario
            && let Some(scenario) = load_logged_scenario(scenario)
        {
            self.set_scenario(&scenario);
        }
        let is_tried_again = is_ok_or_tried_again(false, logged.origin);
        self.overview.on_event(logged.t, event, is_tried_again);
        self.players.on_event(logged.t, event);
        self.recent_lines.on_event(logged, event, &self.lanes);
        self.lanes.on_event(logged, event);
        self.entries.on_event(event, logged.origin);
        if let Event::RunFinished(summary) = event {
            let reason = summary.reason.as_deref().map(readable_reason);
            self.end =
                Some(LiveRunEnd { outcome: summary.outcome.name(), reason, took: to_seconds(summary.took) });
        }
    }

    /// The guests that have joined since the last call, with the names under which they are shown.
    pub fn take_joined(&mut self) -> Vec<(u32, String)> {
        self.players.take_joined()
    }

    /// The whole state, as JSON.
    #[must_use]
    pub fn state_json(&self, view: &PageView<'_>) -> String {
        let expect = self.overview.expectations(view.progress);
        let message = PageMessage {
            start: Some(self.overview.start_message()),
            players: self.players.all(),
            lanes: self.lanes.all(),
            entries: self.entries.all(),
            lines: &self.recent_lines.latest(),
            ..self.message(view, &expect)
        };
        render_json(&message)
    }

    /// The changes since the last call, as JSON, if there are any.
    pub fn take_change_json(&mut self, view: &PageView<'_>) -> Option<String> {
        let expect = self.overview.expectations(view.progress);
        let PageView { is_clock_running: is_going, readers, playback, .. } = *view;
        let beside = EventlessState { is_clock_running: is_going, readers, playback, expect };
        if !self.is_changed && self.last_eventless.as_ref() == Some(&beside) {
            return None;
        }
        let message = render_json(&self.message(view, &beside.expect));
        self.forget_changes();
        self.last_eventless = Some(beside);
        Some(message)
    }

    /// Forgets the changes, since a whole state replaces them.
    pub fn forget_changes(&mut self) {
        self.is_changed = false;
        self.players.forget_changes();
        self.lanes.forget_changes();
        self.entries.forget_changes();
        self.recent_lines.forget_changes();
    }

    fn message<'a>(&'a self, view: &PageView<'_>, expect: &'a [LiveExpectation]) -> PageMessage<'a> {
        let (readers, dropped) = view.readers;
        PageMessage {
            start: None,
            t: to_seconds(view.t.since(Moment::ZERO)),
            is_going: view.is_clock_running && self.end.is_none(),
            players: self.players.changed(),
            more_players: self.players.hidden_players(),
            lanes: self.lanes.changed(),
            more_lanes: self.lanes.without_lane(),
            entries: self.entries.changed(),
            lines: self.recent_lines.changed(),
            skipped: self.recent_lines.skipped(),
            counts: self.overview.counts(view.progress, &self.lanes),
            lateness: self.overview.lateness(),
            expect,
            readers,
            dropped,
            end: self.end.as_ref(),
            play: view.playback,
        }
    }
}

fn render_json(message: &PageMessage<'_>) -> String {
    // It consists of maps with text keys, numbers and texts: all of these have a JSON form.
    serde_json::to_string(message).unwrap_or_default()
}

/// The span in seconds, as the page expects it.
fn to_seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}

/// The moment in seconds from the start of the run.
fn moment_to_seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}
