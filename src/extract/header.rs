//! What stands above an extracted scenario: of which run it is, how it is run again, and what has to be
//! done before.

use crate::extract::additions::Parts;
use crate::extract::run_summary::Told;
use crate::extract::seconds;
use scenario_core::scenario::write::draft::Draft;
use scenario_log::event::ClockKind;
use scenario_log::reader::Cut;
use scenario_log::time::Moment;

/// The most names that are listed.
const MOST_LISTED: usize = 20;

/// The lines of the header.
pub(super) fn lines(told: &Told, draft: &Draft, parts: &Parts, cut: Option<&Cut>) -> Vec<String> {
    let clock = told.clock.name();
    let mut lines = vec![
        "What was done in a run, extracted from its log.".to_owned(),
        String::new(),
        format!("  run      {}, with seed {}, on the {clock} clock", told.name, told.seed),
    ];
    lines.extend(told.started_at.iter().map(|at| format!("  started  {at}")));
    lines.push(format!("  ended    {}", ended(told, cut)));
    if told.accepted + told.refused > 0 {
        lines.push(format!("  typed    {} accepted, {} refused", counted(told.accepted), told.refused));
    }
    if told.guests > 0 {
        let players = if told.guests == 1 { "player" } else { "players" };
        lines.push(format!(
            "  network  {} {players} joined over it; what they did no scenario can hold",
            told.guests
        ));
    }
    if told.is_scheduled {
        lines.push(
            "  ties     by a schedule, which a scenario does not hold: here the seed draws them".to_owned(),
        );
    }
    lines.push(String::new());
    lines.push(format!("Run it again with: {}", again(told, draft)));
    if draft.has_paths() {
        lines.push("Programs run and relative paths start in the folder of this file.".to_owned());
    }
    let vars: Vec<&str> = draft.vars().collect();
    if !vars.is_empty() {
        lines.push(format!("Its variables have been put in: {}.", listed(&vars)));
    }
    secrets(&draft.redacted(&parts.before, &parts.behind), &mut lines);
    lines
}

fn counted(lines: usize) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn ended(told: &Told, cut: Option<&Cut>) -> String {
    match &told.finished {
        Some(finished) => {
            let reason = finished.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("{}{reason} after {}", finished.outcome.name(), seconds(Moment(finished.took.0)))
        }
        None => {
            let line = cut.map_or(0, |cut| cut.line);
            format!("not known: the log was cut short behind line {line}; what was typed later is not here")
        }
    }
}

fn again(told: &Told, draft: &Draft) -> &'static str {
    match told.clock {
        ClockKind::Virtual => "scenario run --clock virtual FILE",
        ClockKind::Real if draft.is_virtual() => {
            "scenario run FILE (or with `--clock virtual`, which takes no time)"
        }
        ClockKind::Real => "scenario run FILE",
    }
}

fn secrets(redacted: &[String], lines: &mut Vec<String>) {
    if redacted.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push("[redacted] stands where a secret was. Before a run, write \"${env:NAME}\" there:".to_owned());
    lines.extend(redacted.iter().take(MOST_LISTED).map(|path| format!("  {path}")));
    if redacted.len() > MOST_LISTED {
        lines.push(format!("  and {} more", redacted.len() - MOST_LISTED));
    }
}

fn listed(names: &[&str]) -> String {
    let mut text = names.iter().take(MOST_LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_LISTED {
        text.push_str(&format!(" and {} more", names.len() - MOST_LISTED));
    }
    text
}
