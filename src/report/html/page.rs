//! The page: puts all that it shows into its template.

use base64::Engine;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::assets::{REPORT_SCRIPT, REPORT_STYLE, REPORT_TEMPLATE};
use crate::report::error::ReportError;
use crate::report::format::format_span;
use crate::report::html::charts;
use crate::report::html::charts::{DistributionCharts, SvgChart};
use crate::report::html::collect::CollectedReport;
use crate::report::html::tables;
use crate::report::html::tables::{HtmlTable, WaveBar};
use crate::report::html::text::{MAX_TEXT_CHARS, escaped_size, shell_word, truncate_text};
use crate::report::html::{source_rows, timeline_json};
use crate::report::metrics::faults::readable_reason;
use crate::report::metrics::{ReportedRunEnd, RunMetrics};
use crate::report::units::{format_count, group_digits};
use scenario_core::scenario::write::resolved;
use scenario_log::event::{ClockKind, RunOutcome};
use scenario_log::load_metrics::LoadMetrics;
use scenario_log::sanitize::{sanitize, sanitize_lines};
use scenario_log::time::{Moment, Span};

/// How many bytes the scenario may take on the page.
const MAX_SCENARIO_BYTES: usize = 500_000;

#[derive(Serialize)]
struct HtmlPageContext {
    policy: String,
    style: &'static str,
    script: &'static str,
    data: String,
    version: &'static str,
    name: String,
    verdict: &'static str,
    reason: Option<String>,
    facts: String,
    cards: Vec<MetricCard>,
    wrong: HtmlTable,
    back: HtmlTable,
    expected: HtmlTable,
    shared: HtmlTable,
    /// The steps of a run that takes no time, in place of its timeline.
    steps: HtmlTable,
    waves: Vec<WaveBar>,
    more_waves: usize,
    end: String,
    left: Vec<String>,
    courses: Vec<SvgChart>,
    resources: Vec<SvgChart>,
    used: HtmlTable,
    times: Vec<DistributionCharts>,
    ran: Vec<DistributionCharts>,
    late: Vec<DistributionCharts>,
    lateness: HtmlTable,
    is_late: bool,
    presets: HtmlTable,
    jobs: HtmlTable,
    spawns: HtmlTable,
    fetches: HtmlTable,
    scenario: Option<String>,
    scenario_left: bool,
    commands: Vec<CommandHint>,
}

#[derive(Serialize)]
struct MetricCard {
    name: &'static str,
    figure: String,
    note: String,
    is_bad: bool,
}

#[derive(Serialize)]
struct CommandHint {
    does: &'static str,
    line: String,
}

/// The whole page.
///
/// # Errors
/// If its data has no JSON form, or the template refuses it.
pub(super) fn render_page(
    metrics: &RunMetrics,
    collected: CollectedReport,
    log: &str,
) -> Result<String, ReportError> {
    let end = Moment(metrics.took().0).max(metrics.last_moment);
    let (waves, more_waves) = tables::wave_bars(&collected.lanes.groups, end);
    let (scenario, scenario_left) = scenario_text(&collected);
    let page = HtmlPageContext {
        policy: content_policy(),
        style: REPORT_STYLE,
        script: &REPORT_SCRIPT,
        data: timeline_json::render_json(&collected, &metrics.injected, end)?,
        version: env!("CARGO_PKG_VERSION"),
        name: metrics.start.as_ref().map_or_else(|| "a run".to_owned(), |run| sanitize(&run.name)),
        verdict: metrics.end.as_ref().map_or("cut short", |finished| finished.outcome.name()),
        reason: end_reason(metrics.end.as_ref()),
        facts: run_properties(metrics).join(" · "),
        cards: metric_cards(metrics),
        wrong: tables::faults_table(metrics),
        back: tables::recoveries_table(metrics),
        expected: tables::expectations_table(metrics),
        shared: tables::shared_table(metrics),
        steps: collected.steps.table(),
        waves,
        more_waves,
        end: format_span(Span(end.0)),
        left: omission_notes(&collected, metrics.steps > 0),
        courses: charts::flow_charts(metrics, end),
        resources: charts::resource_charts(metrics, end),
        used: tables::resources_table(metrics),
        times: charts::duration_charts(metrics.fetches.by_name()),
        ran: charts::duration_charts(metrics.spawns.by_name()),
        late: charts::lateness_charts(metrics),
        lateness: tables::lateness_table(metrics),
        is_late: metrics.lateness.values().any(|late| late.max() > 0),
        presets: tables::presets_table(metrics),
        jobs: tables::jobs_table(metrics),
        spawns: tables::spawns_table(collected.spawns),
        fetches: tables::fetches_table(collected.fetches),
        scenario,
        scenario_left,
        commands: command_hints(metrics, log),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    // The name ends with `.html`, so that every text is escaped.
    environment.add_template("page.html", REPORT_TEMPLATE)?;
    Ok(environment.get_template("page.html")?.render(Serde(page))?)
}

/// The content policy: it allows this style, this script and an icon that is in the page, and nothing else.
fn content_policy() -> String {
    let [style, script] = [REPORT_STYLE, &REPORT_SCRIPT]
        .map(|text| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; \
         base-uri 'none'; form-action 'none'"
    )
}

fn end_reason(finished: Option<&ReportedRunEnd>) -> Option<String> {
    match finished {
        Some(finished) => finished.reason.as_deref().map(readable_reason),
        None => Some("The log ends before the run did.".to_owned()),
    }
}

/// The properties of the run, for the line below its name.
fn run_properties(metrics: &RunMetrics) -> Vec<String> {
    let mut facts = vec![format!("after {}", format_span(metrics.took()))];
    if let Some(started) = &metrics.start {
        facts.push(format!("seed {}", started.seed));
        facts.push(format!("{} clock", started.clock.name()));
        facts.extend(started.at.as_deref().map(sanitize));
    }
    facts.push(format_count(metrics.events, "event"));
    let more = [(metrics.pauses, "pause"), (metrics.unknown_events, "unknown event")];
    facts.extend(more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format_count(*count, what)));
    facts
}

/// The cards with the most important numbers.
fn metric_cards(metrics: &RunMetrics) -> Vec<MetricCard> {
    let card = |name, figure, note, is_bad| MetricCard { name, figure, note, is_bad };
    let mut cards = Vec::new();
    if !metrics.expectations.is_empty() {
        let held = metrics.expectations.iter().filter(|expected| expected.ok).count();
        let all = metrics.expectations.len();
        cards.push(card("expectations", format!("{held} of {all}"), "held".to_owned(), held < all));
    }
    for (name, sources) in [("spawns", &metrics.spawns), ("requests", &metrics.fetches)] {
        let sum = |of: fn(&_) -> u64| sources.by_name().map(|(_, group)| of(group)).sum::<u64>();
        let (count, wrong) = (sum(|group| group.asked_for()), sum(|group| group.failed));
        if count > 0 {
            let note =
                if wrong == 0 { "none wrong".to_owned() } else { format!("{} wrong", group_digits(wrong)) };
            cards.push(card(name, group_digits(count), note, wrong > 0));
        }
    }
    let moves = metrics.moves.total();
    let sum = |of: fn(&_) -> u64| metrics.spawns.by_name().map(|(_, group)| of(group)).sum::<u64>();
    let lines = sum(|group| group.stdout + group.stderr);
    let stderr = sum(|group| group.stderr);
    if moves > 0 {
        let (shown, others) = metrics.moves.shown(4);
        let shown = shown.into_iter().chain((others > 0).then_some(("others", others)));
        let counts = shown.map(|(word, count)| format!("{word} {}", group_digits(count)));
        let counts = truncate_text(&counts.collect::<Vec<_>>().join(" · "), MAX_TEXT_CHARS);
        cards.push(card("moves", group_digits(moves), counts, false));
    }
    if metrics.steps > 0 {
        let cells = metrics.shared.iter().map(|(cell, value)| format!("{cell} = {value}"));
        let cells = truncate_text(&cells.collect::<Vec<_>>().join(" · "), MAX_TEXT_CHARS);
        cards.push(card("steps", group_digits(metrics.steps), cells, false));
    }
    if lines > 0 {
        cards.push(card("lines", group_digits(lines), format!("{} on stderr", group_digits(stderr)), false));
    }
    let latest = metrics.lateness.values().map(|late| late.max()).max().unwrap_or_default();
    let due: u64 = metrics.lateness.values().map(|late| late.count()).sum();
    if due > 0 {
        cards.push(card(
            "latest",
            format_span(Span(latest)),
            format!("of {} that were due", group_digits(due)),
            false,
        ));
    }
    let [typed, refused] = metrics.typed;
    if typed + refused > 0 {
        cards.push(card(
            "typed",
            group_digits(typed),
            format!("and {} refused", group_digits(refused)),
            false,
        ));
    }
    let unsent = metrics.loads.iter().map(|LoadMetrics { unsent, .. }| unsent).sum::<u64>();
    if unsent > 0 {
        cards.push(card("never sent", group_digits(unsent), "with too many in flight".to_owned(), true));
    }
    cards
}

/// Says in sentences what the timeline leaves out.
fn omission_notes(collected: &CollectedReport, has_steps: bool) -> Vec<String> {
    let CollectedReport { lanes, marks, omitted_arrows: arrows_left, .. } = collected;
    let mut left = Vec::new();
    let moves = if has_steps { "moves and steps" } else { "moves" };
    for ((seen, kept), what) in lanes.kept_counts().into_iter().zip([moves, "lines"]) {
        if kept < seen {
            let (seen, kept) = (group_digits(seen), group_digits(kept));
            left.push(format!(
                "{kept} of {seen} {what} are shown and searched one by one, evenly over the run."
            ));
        }
    }
    let more = [
        (lanes.without_lane, "without a lane of its own", "without lanes of their own", "spawn or request"),
        (marks.omitted, "left out", "left out", "mark"),
        (*arrows_left, "left out", "left out", "arrow"),
    ];
    for (count, is, are, what) in more {
        if count > 0 {
            let what = if count == 1 { what.to_owned() } else { what.replace(" or ", "s or ") + "s" };
            let is = if count == 1 { is } else { are };
            left.push(format!("{} {what} {is}.", group_digits(count)));
        }
    }
    if marks.tick_interval() > 1 {
        left.push(format!("One of every {} ticks is shown.", group_digits(marks.tick_interval())));
    }
    if !left.is_empty() || collected.spawns.count.max(collected.fetches.count) > source_rows::MAX_ROWS as u64
    {
        left.push(format!(
            "Texts end after {MAX_TEXT_CHARS} characters. Counts include everything; the log has all of it."
        ));
    }
    left
}

/// The resolved scenario as a file, and whether it was cut.
fn scenario_text(collected: &CollectedReport) -> (Option<String>, bool) {
    let Some(json) = &collected.scenario else { return (None, false) };
    // Somebody has written anything else into the log; it is shown as it is.
    let text = resolved::json_to_toml(json).unwrap_or_else(|_| json.clone());
    let text = sanitize_lines(&text);
    let mut taken = 0;
    let lines = text.split_inclusive('\n').take_while(|line| {
        taken += escaped_size(line);
        taken <= MAX_SCENARIO_BYTES
    });
    let shown: String = lines.collect();
    let is_cut = shown.len() < text.len();
    (Some(shown), is_cut)
}

/// The commands that repeat or compare the run.
fn command_hints(metrics: &RunMetrics, log: &str) -> Vec<CommandHint> {
    let log = shell_word(log);
    let mut commands = vec![
        CommandHint {
            does: "Decides every event again and compares it; starts nothing",
            line: format!("scenario replay {log}"),
        },
        CommandHint { does: "Shows it again at its own pace", line: format!("scenario play {log}") },
        CommandHint {
            does: "Writes a scenario that does the same by itself, including what was typed",
            line: format!("scenario extract {log} > again.toml"),
        },
    ];
    if let Some(started) = &metrics.start {
        let clock = if started.clock == ClockKind::Virtual { "--clock virtual " } else { "" };
        let line = format!("scenario run {clock}--seed {} scenario.toml", started.seed);
        commands
            .push(CommandHint { does: "Runs the scenario above again, with the same random draws", line });
    }
    if metrics.end.as_ref().is_none_or(|finished| finished.outcome != RunOutcome::Passed) {
        let line = format!("scenario diff good.jsonl {log}");
        commands.push(CommandHint { does: "Shows where it first differs from a run that passed", line });
    }
    commands
}
