//! The live page: what people see of a run in a browser while it goes, or of a log that is played.
//!
//! It takes events as they come, and gives JSON: the [state](Page::state) so far, for who has just come,
//! and the [change](Page::change) since the last one, for who looks already. Its size has a bound
//! whatever the run does: of lanes, players and lines that are too many, the number is told. It serves
//! nothing itself; `docs/live.md` has the format.

mod entries;
mod lanes;
mod overview;
mod players;
mod recent_lines;

use serde::Serialize;

use crate::report::feed::LogEvent;
use crate::report::logged_scenario::load_logged_scenario;
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

/// The page itself, without anything of a run.
pub const HTML: &str = include_str!("page.html");
/// Its style.
pub const STYLE: &str = concat!(include_str!("../assets/shared/colors.css"), include_str!("page.css"));
/// Its script: the parts, in one scope.
pub const SCRIPT: &str = concat!(
    "'use strict';\n",
    "{\n",
    include_str!("../assets/shared/step.js"),
    include_str!("script/board.js"),
    include_str!("script/board_draw.js"),
    include_str!("script/clock.js"),
    include_str!("script/commands.js"),
    include_str!("script/crowd.js"),
    include_str!("script/expectations.js"),
    include_str!("script/frames.js"),
    include_str!("script/join.js"),
    include_str!("script/lane_draw.js"),
    include_str!("script/lines.js"),
    include_str!("script/offers.js"),
    include_str!("script/pack.js"),
    include_str!("script/rates.js"),
    include_str!("script/scrubber.js"),
    include_str!("script/state.js"),
    include_str!("script/stream.js"),
    include_str!("script/text.js"),
    include_str!("script/theme.js"),
    include_str!("script/timeline.js"),
    include_str!("script/token.js"),
    include_str!("script/top.js"),
    include_str!("script/view.js"),
    include_str!("script/main.js"),
    "}\n",
);

/// How it stands when it is looked at, beside what the events say.
#[derive(Clone, Copy, Debug)]
pub struct PageView<'a> {
    /// The run's moment.
    pub t: Moment,
    /// Whether the clock goes.
    pub is_clock_running: bool,
    /// How the run stands; none of a log that is played.
    pub progress: Option<&'a RunProgress>,
    /// How many pages look, and how many have been dropped since they were slow.
    pub readers: (u64, u64),
    /// The playback, if a log is played.
    pub playback: Option<PlaybackStatus>,
}

/// How a log is played.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PlaybackStatus {
    /// The log's last moment, in seconds, where it is known.
    pub end: Option<f64>,
    /// How many times as fast as the run; none: as fast as it goes.
    pub speed: Option<f64>,
    /// Whether it stands still.
    pub is_paused: bool,
}

/// What is made of a run's events.
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
    /// What the last change has told beside events.
    last_eventless: Option<EventlessState>,
}

/// What may change without an event.
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

/// What a page is sent: all there is, or what is new of it.
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
    /// A page of a run whose clock goes `speed` times as fast as the machine's, and whose log is there,
    /// if it is kept.
    #[must_use]
    pub fn for_run(speed: f64, log: Option<String>) -> LivePage {
        LivePage {
            overview: RunOverview::new(crate::web::page::overview::PageMode::Run, speed, log),
            ..LivePage::default()
        }
    }

    /// A page of a log that is played.
    #[must_use]
    pub fn for_log(log: String) -> LivePage {
        LivePage {
            overview: RunOverview::new(crate::web::page::overview::PageMode::Play, 1.0, Some(log)),
            ..LivePage::default()
        }
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

    /// Takes an event.
    pub fn on_event(&mut self, logged: &LogEvent<'_, '_>) {
        self.is_changed = true;
        let Some(event) = logged.event else { return };
        if let Event::RunStarted { scenario, .. } = event
            && !self.has_scenario
            && let Some(scenario) = load_logged_scenario(scenario)
        {
            self.set_scenario(&scenario);
        }
        self.overview.on_event(logged.t, event);
        self.players.on_event(logged.t, event);
        self.recent_lines.on_event(logged, event, &self.lanes);
        self.lanes.on_event(logged, event);
        self.entries.on_event(event, logged.origin);
        if let Event::RunFinished(summary) = event {
            let reason = summary.reason.as_deref().map(sanitize);
            self.end =
                Some(LiveRunEnd { outcome: summary.outcome.name(), reason, took: to_seconds(summary.took) });
        }
    }

    /// All that there is to see.
    #[must_use]
    pub fn state_json(&self, look: &PageView<'_>) -> String {
        let expect = self.overview.expectations(look.progress);
        let message = PageMessage {
            start: Some(self.overview.start_message()),
            players: self.players.all(),
            lanes: self.lanes.all(),
            entries: self.entries.all(),
            lines: &self.recent_lines.latest(),
            ..self.message(look, &expect)
        };
        render_json(&message)
    }

    /// What is new since the last time, if anything is.
    pub fn take_change_json(&mut self, look: &PageView<'_>) -> Option<String> {
        let expect = self.overview.expectations(look.progress);
        let PageView { is_clock_running: is_going, readers, playback, .. } = *look;
        let beside = EventlessState { is_clock_running: is_going, readers, playback, expect };
        if !self.is_changed && self.last_eventless.as_ref() == Some(&beside) {
            return None;
        }
        let message = render_json(&self.message(look, &beside.expect));
        self.forget_changes();
        self.last_eventless = Some(beside);
        Some(message)
    }

    /// What was new is told otherwise: by a state.
    pub fn forget_changes(&mut self) {
        self.is_changed = false;
        self.players.forget_changes();
        self.lanes.forget_changes();
        self.entries.forget_changes();
        self.recent_lines.forget_changes();
    }

    fn message<'a>(&'a self, look: &PageView<'_>, expect: &'a [LiveExpectation]) -> PageMessage<'a> {
        let (readers, dropped) = look.readers;
        PageMessage {
            start: None,
            t: to_seconds(look.t.since(Moment::ZERO)),
            is_going: look.is_clock_running && self.end.is_none(),
            players: self.players.changed(),
            more_players: self.players.hidden_moves(),
            lanes: self.lanes.changed(),
            more_lanes: self.lanes.without_lane(),
            entries: self.entries.changed(),
            lines: self.recent_lines.changed(),
            skipped: self.recent_lines.skipped(),
            counts: self.overview.counts(look.progress, &self.lanes),
            lateness: self.overview.lateness(),
            expect,
            readers,
            dropped,
            end: self.end.as_ref(),
            play: look.playback,
        }
    }
}

fn render_json(message: &PageMessage<'_>) -> String {
    // Maps with names for keys, numbers and texts: all of it has a JSON.
    serde_json::to_string(message).unwrap_or_default()
}

/// In seconds, as the page has them.
fn to_seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}

/// A moment in seconds from the start.
fn moment_to_seconds(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}
