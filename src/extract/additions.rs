//! What typed lines and signals come to: entries with comments, and the end of the run.

use std::collections::HashSet;

use crate::extract::run_summary::{Input, Told};
use crate::extract::seconds;
use scenario_core::engine::console_command;
use scenario_core::engine::console_command::Typed;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::draft::{Addition, Draft, Step};
use scenario_log::reader::Unreadable;
use scenario_log::time::{LONGEST, Moment, Span};

/// What is added to the scenario of a run.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Before the entries of its timeline.
    pub(super) before: Vec<Addition>,
    /// Behind them.
    pub(super) behind: Vec<Addition>,
    /// How a person ended the run.
    pub(super) end: Option<End>,
}

impl Parts {
    /// The parts of a run of this scenario.
    ///
    /// # Errors
    /// If a line was accepted that is no command.
    pub(super) fn of(told: &Told, scenario: &Scenario) -> Result<Parts, Unreadable> {
        let (ids, opened) = (Ids::new(scenario), told.opened);
        let mut making = Making { scenario, opened, ids, started: Vec::new(), parts: Parts::default() };
        for input in &told.inputs {
            making.take(input)?;
        }
        if told.refused_more() > 0 {
            let more = format!("{} more lines were typed and refused", told.refused_more());
            making.parts.behind.push(Addition::comment(more));
        }
        if let Some(sent) = told.signal {
            let what = format!("The runner was sent the signal {}", sent.signal);
            making.end(sent.t, sent.in_opening, what);
        }
        making.stop_at_once();
        Ok(making.parts)
    }
}

/// Parts in the making.
struct Making<'s> {
    scenario: &'s Scenario,
    /// When the first thing of the timeline was due.
    opened: Option<Moment>,
    ids: Ids,
    /// What was started: when it was typed, and the id of its entry.
    started: Vec<(Moment, String)>,
    parts: Parts,
}

impl<'s> Making<'s> {
    fn take(&mut self, input: &Input) -> Result<(), Unreadable> {
        let addition = match &input.refused {
            Some(why) => Addition::comment(said(input, &format!(", refused ({why})"))),
            None => {
                let typed = console_command::read(&input.text, self.scenario).map_err(|fault| {
                    let what = format!("has an `input` that was accepted, but is no command: {fault}");
                    Unreadable::damaged(input.number, what)
                })?;
                self.command(input, &typed)
            }
        };
        let Parts { before, behind, .. } = &mut self.parts;
        if input.in_opening { before } else { behind }.push(addition);
        Ok(())
    }

    fn command(&mut self, input: &Input, typed: &Typed<'_>) -> Addition {
        let nothing = |how: &str| Addition::comment(said(input, how));
        let step = match typed {
            Typed::Spawn { preset, count } => Step::Spawn(&self.scenario.presets[*preset].name, *count),
            Typed::Fetch(job) => Step::Fetch(&self.scenario.fetches[*job].name),
            Typed::Mark(text) => Step::Mark(text),
            Typed::Stop(entry) => Step::Stop(self.id_of(*entry)),
            Typed::Send { to, text } => Step::Send { to: self.id_of(*to), text },
            Typed::Status => return nothing(", which only showed what ran"),
            Typed::Quit => {
                self.end(input.t, input.in_opening, "`quit` was typed".to_owned());
                return nothing(", which ended the run");
            }
        };
        // Before all else means: not later than the first thing that was due.
        let at = self.opened.filter(|_| input.in_opening).map_or(input.t, |opened| input.t.min(opened));
        if at.0 > LONGEST.0 {
            return nothing(", later than an entry can be");
        }
        let id = self.ids.next();
        let how = if at < input.t { ", but before all else" } else { "" };
        let addition = Addition::entry(said(input, how), &id, Span(at.0), step);
        if matches!(typed, Typed::Spawn { .. } | Typed::Fetch(_)) {
            self.started.push((input.t, id));
        }
        addition
    }

    fn id_of(&self, entry: usize) -> &'s str {
        self.scenario.timeline[entry].id.as_deref().unwrap_or_default()
    }

    /// A person ended the run, if nobody has yet.
    fn end(&mut self, t: Moment, in_opening: bool, what: String) {
        let is_due = t == Moment::ZERO || self.scenario.tick.is_some() || has_due(self.scenario, t);
        self.parts.end.get_or_insert(End { t, what, is_first: in_opening && is_due });
    }

    /// What was started in the moment of the end, before what was due by then, did not move again.
    fn stop_at_once(&mut self) {
        let Some(end) = self.parts.end.as_ref().filter(|end| end.is_first) else { return };
        for (t, id) in self.started.iter().filter(|(t, _)| *t == end.t) {
            let comment = format!("{} in the same moment.", end.what);
            let stop = Addition::entry(comment, &self.ids.next(), Span(t.0), Step::Stop(id));
            self.parts.before.push(stop);
        }
    }
}

/// The end of a run that a person brought about.
#[derive(Debug)]
pub(super) struct End {
    t: Moment,
    what: String,
    /// It came before what was due by then.
    is_first: bool,
}

impl End {
    /// Makes a draft end so.
    pub(super) fn put_into(&self, draft: &mut Draft) {
        let mut comment = vec![
            format!("{} at {}.", self.what, seconds(self.t)),
            "This limit stands for it, a nanosecond later; the run that it ends has failed.".to_owned(),
        ];
        if self.is_first && has_due(draft.scenario(), self.t) {
            comment.push("Nothing of the timeline had happened yet, so that it is left out.".to_owned());
            draft.clear_timeline();
        }
        // A longer limit cannot be written.
        if self.t.0 < LONGEST.0 {
            draft.limit(Span(self.t.0 + 1), comment);
        }
    }
}

/// Whether an entry of the timeline is due by `t`, whatever else happens.
fn has_due(scenario: &Scenario, t: Moment) -> bool {
    scenario.timeline.iter().any(|entry| entry.after.is_none() && entry.at.0 <= t.0)
}

/// A typed line for a comment, and what became of it.
fn said(input: &Input, how: &str) -> String {
    format!("typed at {}{how}: {}", seconds(input.t), input.text)
}

/// Ids for what was typed, none of which the scenario has.
struct Ids {
    taken: HashSet<String>,
    last: usize,
}

impl Ids {
    fn new(scenario: &Scenario) -> Ids {
        Ids { taken: scenario.timeline.iter().filter_map(|entry| entry.id.clone()).collect(), last: 0 }
    }

    fn next(&mut self) -> String {
        loop {
            self.last += 1;
            let id = format!("typed-{}", self.last);
            if !self.taken.contains(&id) {
                return id;
            }
        }
    }
}
