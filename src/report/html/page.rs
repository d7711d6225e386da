//! The page: all that it shows, put into its template.

use base64::Engine;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::report::html::charts;
use crate::report::html::charts::{Chart, Spread};
use crate::report::html::collect::{Gathered, LONGEST};
use crate::report::html::tables;
use crate::report::html::tables::{Table, Wave};
use crate::report::html::text::{cut, size, word};
use crate::report::html::{data, rows};
use crate::report::metrics::{Figures, Finished};
use crate::report::units::{counted, grouped};
use crate::terminal::event_lines::short;
use scenario_core::scenario::write::resolved;
use scenario_log::event::{ClockKind, Outcome};
use scenario_log::load_metrics::JobFigures;
use scenario_log::sanitize::{visible, visible_lines};
use scenario_log::time::{Moment, Span};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(include_str!("../../web/assets/shared/colors.css"), include_str!("page.css"));
/// The parts of the script, in one scope.
const SCRIPT: &str = concat!(
    "'use strict';\n",
    include_str!("../../web/assets/shared/step.js"),
    include_str!("script/data.js"),
    include_str!("script/window.js"),
    include_str!("script/draw.js"),
    include_str!("script/found.js"),
    include_str!("script/said.js"),
    include_str!("script/pointers.js"),
    include_str!("script/page.js"),
);

/// How much of the resolved scenario is shown, in bytes of the page.
const SCENARIO: usize = 500_000;

#[derive(Serialize)]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    data: String,
    version: &'static str,
    name: String,
    verdict: &'static str,
    reason: Option<String>,
    facts: String,
    cards: Vec<Card>,
    wrong: Table,
    expected: Table,
    shared: Table,
    waves: Vec<Wave>,
    more_waves: usize,
    end: String,
    left: Vec<String>,
    courses: Vec<Chart>,
    times: Vec<Spread>,
    ran: Vec<Spread>,
    late: Vec<Spread>,
    lateness: Table,
    is_late: bool,
    presets: Table,
    jobs: Table,
    spawns: Table,
    fetches: Table,
    scenario: Option<String>,
    scenario_left: bool,
    commands: Vec<Command>,
}

#[derive(Serialize)]
struct Card {
    name: &'static str,
    figure: String,
    note: String,
    is_bad: bool,
}

#[derive(Serialize)]
struct Command {
    does: &'static str,
    line: String,
}

/// The whole page.
///
/// # Errors
/// In words, why it cannot be made.
pub(super) fn page(figures: &Figures, gathered: Gathered, log: &str) -> Result<String, String> {
    let end = Moment(figures.took().0).max(figures.reached);
    let (waves, more_waves) = tables::waves(&gathered.lanes.groups, end);
    let (scenario, scenario_left) = scenario(&gathered);
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        data: data::json(&gathered, end)?,
        version: env!("CARGO_PKG_VERSION"),
        name: figures.started.as_ref().map_or_else(|| "a run".to_owned(), |run| visible(&run.name)),
        verdict: figures.finished.as_ref().map_or("cut short", |finished| finished.outcome.name()),
        reason: reason(figures.finished.as_ref()),
        facts: facts(figures).join(" · "),
        cards: cards(figures),
        wrong: tables::wrong(figures),
        expected: tables::expected(figures),
        shared: tables::shared(figures),
        waves,
        more_waves,
        end: short(Span(end.0)),
        left: left(&gathered, figures.steps > 0),
        courses: charts::courses(figures, end),
        times: charts::times(figures.fetches.by_name()),
        ran: charts::times(figures.spawns.by_name()),
        late: charts::lateness(figures),
        lateness: tables::lateness(figures),
        is_late: figures.late.values().any(|late| late.max() > 0),
        presets: tables::presets(figures),
        jobs: tables::jobs(figures),
        spawns: tables::spawns(gathered.spawns),
        fetches: tables::fetches(gathered.fetches),
        scenario,
        scenario_left,
        commands: commands(figures, log),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    // Its name says that every text is escaped.
    environment
        .add_template("page.html", TEMPLATE)
        .and_then(|()| environment.get_template("page.html")?.render(Serde(page)))
        .map_err(|error| format!("the page's template: {error}"))
}

/// The content policy: this style, this script, an icon that is in the page, and nothing else.
fn policy() -> String {
    let [style, script] = [STYLE, SCRIPT]
        .map(|text| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; \
         base-uri 'none'; form-action 'none'"
    )
}

fn reason(finished: Option<&Finished>) -> Option<String> {
    match finished {
        Some(finished) => finished.reason.as_deref().map(visible),
        None => Some("The log ends before the run did.".to_owned()),
    }
}

/// What the run was.
fn facts(figures: &Figures) -> Vec<String> {
    let mut facts = vec![format!("after {}", short(figures.took()))];
    if let Some(started) = &figures.started {
        facts.push(format!("seed {}", started.seed));
        facts.push(format!("{} clock", started.clock.name()));
        facts.extend(started.at.as_deref().map(visible));
    }
    facts.push(counted(figures.events, "event"));
    let more = [(figures.pauses, "pause"), (figures.unknown, "unknown event")];
    facts.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(*count, what)));
    facts
}

/// The key figures.
fn cards(figures: &Figures) -> Vec<Card> {
    let card = |name, figure, note, is_bad| Card { name, figure, note, is_bad };
    let mut cards = Vec::new();
    if !figures.expected.is_empty() {
        let held = figures.expected.iter().filter(|expected| expected.ok).count();
        let all = figures.expected.len();
        cards.push(card("expectations", format!("{held} of {all}"), "held".to_owned(), held < all));
    }
    for (name, sources) in [("spawns", &figures.spawns), ("requests", &figures.fetches)] {
        let sum = |of: fn(&_) -> u64| sources.by_name().map(|(_, group)| of(group)).sum::<u64>();
        let (count, wrong) =
            (sum(|group| group.started.max(group.ok + group.wrong)), sum(|group| group.wrong));
        if count > 0 {
            let note = if wrong == 0 { "none wrong".to_owned() } else { format!("{} wrong", grouped(wrong)) };
            cards.push(card(name, grouped(count), note, wrong > 0));
        }
    }
    let moves = figures.moves.iter().sum();
    let sum = |of: fn(&_) -> u64| figures.spawns.by_name().map(|(_, group)| of(group)).sum::<u64>();
    let lines = sum(|group| group.stdout + group.stderr);
    let stderr = sum(|group| group.stderr);
    if moves > 0 {
        let [n, s, e, w] = figures.moves.map(grouped);
        cards.push(card("moves", grouped(moves), format!("N {n} · S {s} · E {e} · W {w}"), false));
    }
    if figures.steps > 0 {
        let cells = figures.shared.iter().map(|(cell, value)| format!("{cell} = {value}"));
        let cells = cut(&cells.collect::<Vec<_>>().join(" · "), LONGEST);
        cards.push(card("steps", grouped(figures.steps), cells, false));
    }
    if lines > 0 {
        cards.push(card("lines", grouped(lines), format!("{} on stderr", grouped(stderr)), false));
    }
    let latest = figures.late.values().map(|late| late.max()).max().unwrap_or_default();
    let due: u64 = figures.late.values().map(|late| late.count()).sum();
    if due > 0 {
        cards.push(card("latest", short(Span(latest)), format!("of {} that were due", grouped(due)), false));
    }
    let [typed, refused] = figures.typed;
    if typed + refused > 0 {
        cards.push(card("typed", grouped(typed), format!("and {} refused", grouped(refused)), false));
    }
    let unsent = figures.loads.iter().map(|JobFigures { unsent, .. }| unsent).sum::<u64>();
    if unsent > 0 {
        cards.push(card("never sent", grouped(unsent), "with too many in flight".to_owned(), true));
    }
    cards
}

/// What the timeline leaves out, in sentences.
fn left(gathered: &Gathered, has_steps: bool) -> Vec<String> {
    let Gathered { lanes, marks, arrows_left, .. } = gathered;
    let mut left = Vec::new();
    let moves = if has_steps { "moves and steps" } else { "moves" };
    for ((seen, kept), what) in lanes.kept().into_iter().zip([moves, "lines"]) {
        if kept < seen {
            let (seen, kept) = (grouped(seen), grouped(kept));
            left.push(format!(
                "{kept} of {seen} {what} are shown and searched one by one, evenly over the run."
            ));
        }
    }
    let more = [
        (lanes.gathered, "without a lane of its own", "without lanes of their own", "spawn or request"),
        (marks.left, "left out", "left out", "mark"),
        (*arrows_left, "left out", "left out", "arrow"),
    ];
    for (count, is, are, what) in more {
        if count > 0 {
            let what = if count == 1 { what.to_owned() } else { what.replace(" or ", "s or ") + "s" };
            let is = if count == 1 { is } else { are };
            left.push(format!("{} {what} {is}.", grouped(count)));
        }
    }
    if marks.tick_of() > 1 {
        left.push(format!("One of every {} ticks is shown.", grouped(marks.tick_of())));
    }
    if !left.is_empty() || gathered.spawns.count.max(gathered.fetches.count) > rows::ROWS as u64 {
        left.push(format!("Texts end after {LONGEST} characters. Counts are of all; the log has all of it."));
    }
    left
}

/// The resolved scenario as its file, and whether there is more of it.
fn scenario(gathered: &Gathered) -> (Option<String>, bool) {
    let Some(json) = &gathered.scenario else { return (None, false) };
    // What is no scenario, someone has written into the log.
    let text = resolved::json_to_toml(json).unwrap_or_else(|_| json.clone());
    let text = visible_lines(&text);
    let mut taken = 0;
    let lines = text.split_inclusive('\n').take_while(|line| {
        taken += size(line);
        taken <= SCENARIO
    });
    let shown: String = lines.collect();
    let is_cut = shown.len() < text.len();
    (Some(shown), is_cut)
}

/// How to have the run again.
fn commands(figures: &Figures, log: &str) -> Vec<Command> {
    let log = word(log);
    let mut commands = vec![
        Command {
            does: "Decides every event again and compares it; starts nothing",
            line: format!("scenario replay {log}"),
        },
        Command { does: "Shows it again at its own pace", line: format!("scenario play {log}") },
        Command {
            does: "Writes a scenario that does it by itself, with what was typed",
            line: format!("scenario extract {log} > again.toml"),
        },
    ];
    if let Some(started) = &figures.started {
        let clock = if started.clock == ClockKind::Virtual { "--clock virtual " } else { "" };
        let line = format!("scenario run {clock}--seed {} scenario.toml", started.seed);
        commands.push(Command { does: "Runs the scenario above anew, with the same draws", line });
    }
    if figures.finished.as_ref().is_none_or(|finished| finished.outcome != Outcome::Passed) {
        let line = format!("scenario diff good.jsonl {log}");
        commands.push(Command { does: "Says where it first differs from a run that went well", line });
    }
    commands
}
