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

use crate::report::feed::Told;
use crate::web::page::overview::{Expectation, Facts};
use crate::web::page::recent_lines::{Line, Said};
use entries::Entries;
use lanes::Lanes;
use players::Players;
use scenario_core::engine::progress::Standing;
use scenario_log::event::Event;
use scenario_log::sanitize::visible;
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
pub struct Look<'a> {
    /// The run's moment.
    pub t: Moment,
    /// Whether the clock goes.
    pub is_going: bool,
    /// How the run stands; none of a log that is played.
    pub standing: Option<&'a Standing>,
    /// How many pages look, and how many have been dropped since they were slow.
    pub readers: (u64, u64),
    /// The playback, if a log is played.
    pub playback: Option<Playback>,
}

/// How a log is played.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Playback {
    /// The log's last moment, in seconds, where it is known.
    pub end: Option<f64>,
    /// How many times as fast as the run; none: as fast as it goes.
    pub speed: Option<f64>,
    /// Whether it stands still.
    pub is_paused: bool,
}

/// What is made of a run's events.
#[derive(Clone, Debug, Default)]
pub struct Page {
    facts: Facts,
    players: Players,
    lanes: Lanes,
    entries: Entries,
    said: Said,
    end: Option<End>,
    /// Whether an event has come since the last change was made.
    is_changed: bool,
    /// What the last change has told beside events.
    beside: Option<Beside>,
}

/// What may change without an event.
#[derive(Clone, Debug, PartialEq)]
struct Beside {
    is_going: bool,
    readers: (u64, u64),
    playback: Option<Playback>,
    expect: Vec<Expectation>,
}

#[derive(Clone, Debug, Serialize)]
struct End {
    outcome: &'static str,
    reason: Option<String>,
    took: f64,
}

/// What a page is sent: all there is, or what is new of it.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(flatten)]
    start: Option<crate::web::page::overview::Start<'a>>,
    t: f64,
    is_going: bool,
    players: players::Shown<'a>,
    more_players: u64,
    lanes: lanes::Shown<'a>,
    more_lanes: u64,
    entries: entries::Shown<'a>,
    lines: &'a [Line],
    skipped: u64,
    counts: crate::web::page::overview::Counts,
    lateness: Option<crate::web::page::overview::Lateness>,
    expect: &'a [Expectation],
    readers: u64,
    dropped: u64,
    end: Option<&'a End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    play: Option<Playback>,
}

impl Page {
    /// A page of a run whose clock goes `speed` times as fast as the machine's, and whose log is there,
    /// if it is kept.
    #[must_use]
    pub fn of_run(speed: f64, log: Option<String>) -> Page {
        Page { facts: Facts::new(crate::web::page::overview::Mode::Run, speed, log), ..Page::default() }
    }

    /// A page of a log that is played.
    #[must_use]
    pub fn of_log(log: String) -> Page {
        Page { facts: Facts::new(crate::web::page::overview::Mode::Play, 1.0, Some(log)), ..Page::default() }
    }

    /// Takes an event.
    pub fn take(&mut self, told: &Told<'_, '_>) {
        self.is_changed = true;
        let Some(event) = told.event else { return };
        if let Event::RunStarted { scenario, .. } = event {
            let scenario: serde_json::Value = serde_json::from_str(scenario).unwrap_or_default();
            self.entries = Entries::of(&scenario);
            self.lanes = Lanes::of(&scenario);
            self.players = Players::of(&scenario);
            self.facts.start(&scenario);
        }
        self.facts.take(told.t, event);
        self.players.take(told.t, event);
        // Before the lanes forget what has ended.
        self.said.take(told.t, event, &self.lanes);
        let ended = self.lanes.take(told.t, event);
        self.entries.take(event, ended);
        if let Event::RunFinished(summary) = event {
            let reason = summary.reason.as_deref().map(visible);
            self.end = Some(End { outcome: summary.outcome.name(), reason, took: seconds(summary.took) });
        }
    }

    /// All that there is to see.
    #[must_use]
    pub fn state(&self, look: &Look<'_>) -> String {
        let expect = self.facts.expectations(look.standing);
        let message = Message {
            start: Some(self.facts.as_start()),
            players: self.players.all(),
            lanes: self.lanes.all(),
            entries: self.entries.all(),
            lines: &self.said.latest(),
            ..self.message(look, &expect)
        };
        json(&message)
    }

    /// What is new since the last time, if anything is.
    pub fn change(&mut self, look: &Look<'_>) -> Option<String> {
        let expect = self.facts.expectations(look.standing);
        let Look { is_going, readers, playback, .. } = *look;
        let beside = Beside { is_going, readers, playback, expect };
        if !self.is_changed && self.beside.as_ref() == Some(&beside) {
            return None;
        }
        let message = json(&self.message(look, &beside.expect));
        self.forget_changes();
        self.beside = Some(beside);
        Some(message)
    }

    /// What was new is told otherwise: by a state.
    pub fn forget_changes(&mut self) {
        self.is_changed = false;
        self.players.forget_changes();
        self.lanes.forget_changes();
        self.entries.forget_changes();
        self.said.forget_changes();
    }

    fn message<'a>(&'a self, look: &Look<'_>, expect: &'a [Expectation]) -> Message<'a> {
        let (readers, dropped) = look.readers;
        Message {
            start: None,
            t: seconds(look.t.since(Moment::ZERO)),
            is_going: look.is_going && self.end.is_none(),
            players: self.players.changed(),
            more_players: self.players.more(),
            lanes: self.lanes.changed(),
            more_lanes: self.lanes.more(),
            entries: self.entries.changed(),
            lines: self.said.changed(),
            skipped: self.said.skipped(),
            counts: self.facts.counts(look.standing, &self.lanes),
            lateness: self.facts.lateness(),
            expect,
            readers,
            dropped,
            end: self.end.as_ref(),
            play: look.playback,
        }
    }
}

fn json(message: &Message<'_>) -> String {
    // Maps with names for keys, numbers and texts: all of it has a JSON.
    serde_json::to_string(message).unwrap_or_default()
}

/// In seconds, as the page has them.
fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}

/// A moment in seconds from the start.
fn at(moment: Moment) -> f64 {
    moment.0 as f64 / 1e9
}
