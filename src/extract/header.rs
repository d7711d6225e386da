//! The comment above an extracted scenario: which run it comes from, how to run it again, and what must be
//! done before.

use crate::extract::additions::ScenarioAdditions;
use crate::extract::extracted_run::ExtractedRun;
use crate::report::metrics::faults::readable_reason;
use crate::report::units::format_moment;
use scenario_core::scenario::write::draft::ScenarioDraft;
use scenario_log::event::ClockKind;
use scenario_log::reader::TruncatedEnd;
use scenario_log::time::Moment;

/// The most names that are listed.
const MAX_NAMES_LISTED: usize = 20;

/// The lines of the header.
pub(super) fn header_lines(
    run: &ExtractedRun,
    draft: &ScenarioDraft,
    parts: &ScenarioAdditions,
    cut: Option<&TruncatedEnd>,
) -> Vec<String> {
    let clock = run.clock.name();
    let mut lines = vec![
        "What was done in a run, extracted from its log.".to_owned(),
        String::new(),
        format!("  run      {}, with seed {}, on the {clock} clock", run.name, run.seed),
    ];
    lines.extend(run.started_at.iter().map(|at| format!("  started  {at}")));
    lines.push(format!("  ended    {}", describe_end(run, cut)));
    if run.accepted + run.refused > 0 {
        lines.push(format!(
            "  typed    {} accepted, {} refused",
            format_line_count(run.accepted),
            run.refused
        ));
    }
    if run.guests > 0 {
        let players = if run.guests == 1 { "player" } else { "players" };
        lines.push(format!(
            "  network  {} {players} joined over it; no scenario can contain what they did",
            run.guests
        ));
    }
    if run.is_scheduled {
        lines.push(
            "  ties     by a schedule, which a scenario cannot contain: here the seed decides them"
                .to_owned(),
        );
    }
    lines.push(String::new());
    lines.push(format!("Run it again with: {}", rerun_command(run, draft)));
    if draft.depends_on_folder() {
        lines.push("Programs run and relative paths start in the folder of this file.".to_owned());
    }
    let vars: Vec<&str> = draft.vars().collect();
    if !vars.is_empty() {
        lines.push(format!("Its variables have been replaced by their values: {}.", join_names(&vars)));
    }
    push_secret_lines(&draft.redacted_paths(&parts.before_timeline, &parts.after_timeline), &mut lines);
    lines
}

fn format_line_count(lines: usize) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn describe_end(run: &ExtractedRun, cut: Option<&TruncatedEnd>) -> String {
    match &run.end {
        Some(finished) => {
            let reason = finished
                .reason
                .as_deref()
                .map(|reason| format!(" ({})", readable_reason(reason)))
                .unwrap_or_default();
            format!("{}{reason} after {}", finished.outcome.name(), format_moment(Moment(finished.took.0)))
        }
        None => {
            let line = cut.map_or(0, |cut| cut.last_line);
            format!("not known: the log was cut short after line {line}; what was typed later is not here")
        }
    }
}

fn rerun_command(run: &ExtractedRun, draft: &ScenarioDraft) -> &'static str {
    match run.clock {
        ClockKind::Virtual => "scenario run --clock virtual FILE",
        ClockKind::Real if draft.can_run_virtually() => {
            "scenario run FILE (or with `--clock virtual`, which takes no time)"
        }
        ClockKind::Real => "scenario run FILE",
    }
}

fn push_secret_lines(redacted: &[String], lines: &mut Vec<String>) {
    if redacted.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push("[redacted] stands where a secret was. Before a run, write \"${env:NAME}\" there:".to_owned());
    lines.extend(redacted.iter().take(MAX_NAMES_LISTED).map(|path| format!("  {path}")));
    if redacted.len() > MAX_NAMES_LISTED {
        lines.push(format!("  and {} more", redacted.len() - MAX_NAMES_LISTED));
    }
}

fn join_names(names: &[&str]) -> String {
    let mut text = names.iter().take(MAX_NAMES_LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES_LISTED {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMES_LISTED));
    }
    text
}
