//! Turns typed lines and signals into entries with comments, and into the end of the run.

use std::collections::HashSet;

use crate::extract::extracted_run::{ExtractedRun, TypedLine};
use crate::report::units::format_moment;
use scenario_core::engine::console_command;
use scenario_core::engine::console_command::ConsoleCommand;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::draft::{DraftAction, DraftAddition, ScenarioDraft};
use scenario_log::reader::LogReadError;
use scenario_log::time::{MAX_SPAN, Moment, Span};

/// Everything that is added to the scenario of a run.
#[derive(Debug, Default)]
pub(super) struct ScenarioAdditions {
    /// Before the entries of its timeline.
    pub(super) before_timeline: Vec<DraftAddition>,
    /// After them.
    pub(super) after_timeline: Vec<DraftAddition>,
    /// How a person ended the run.
    pub(super) end: Option<TypedEnd>,
}

impl ScenarioAdditions {
    /// The additions of a run of this scenario.
    ///
    /// # Errors
    /// If a line that was accepted is not a command.
    pub(super) fn from_run(
        run: &ExtractedRun,
        scenario: &Scenario,
    ) -> Result<ScenarioAdditions, LogReadError> {
        let (ids, opened) = (EntryIds::new(scenario), run.timeline_began);
        let mut making = AdditionsBuilder {
            scenario,
            timeline_began: opened,
            ids,
            started: Vec::new(),
            additions: ScenarioAdditions::default(),
        };
        for input in &run.inputs {
            making.add_input(input)?;
        }
        if run.dropped_refused() > 0 {
            let more = format!("{} more lines were typed and refused", run.dropped_refused());
            making.additions.after_timeline.push(DraftAddition::comment(more));
        }
        if let Some(sent) = run.signal {
            let what = format!("The runner received the signal {}", sent.signal);
            making.set_end(sent.t, sent.is_before_timeline, what);
        }
        making.stop_just_started();
        Ok(making.additions)
    }
}

/// Collects the additions.
struct AdditionsBuilder<'s> {
    scenario: &'s Scenario,
    /// When the first event of the timeline was due.
    timeline_began: Option<Moment>,
    ids: EntryIds,
    /// What was started: when it was typed, and the id of its entry.
    started: Vec<(Moment, String)>,
    additions: ScenarioAdditions,
}

impl<'s> AdditionsBuilder<'s> {
    fn add_input(&mut self, input: &TypedLine) -> Result<(), LogReadError> {
        let addition = match &input.refused {
            Some(why) => DraftAddition::comment(typed_line_comment(input, &format!(", refused ({why})"))),
            None => {
                let typed = console_command::parse_command(&input.text, self.scenario).map_err(|fault| {
                    let what = format!("has an `input` that was accepted, but is not a command: {fault}");
                    LogReadError::damaged(input.line, what)
                })?;
                self.command_addition(input, &typed)
            }
        };
        let ScenarioAdditions { before_timeline: before, after_timeline: after, .. } = &mut self.additions;
        if input.is_before_timeline { before } else { after }.push(addition);
        Ok(())
    }

    fn command_addition(&mut self, input: &TypedLine, typed: &ConsoleCommand<'_>) -> DraftAddition {
        let nothing = |how: &str| DraftAddition::comment(typed_line_comment(input, how));
        let step = match typed {
            ConsoleCommand::Spawn { preset, count } => {
                DraftAction::Spawn(&self.scenario.presets[*preset].name, *count)
            }
            ConsoleCommand::Fetch(job) => DraftAction::Fetch(&self.scenario.fetches[*job].name),
            ConsoleCommand::Mark(text) => DraftAction::Mark(text),
            ConsoleCommand::Stop(entry) => DraftAction::Stop(self.id_of(*entry)),
            ConsoleCommand::Send { to, text } => DraftAction::Send { to: self.id_of(*to), text },
            ConsoleCommand::Status => return nothing(", which only showed what ran"),
            ConsoleCommand::Quit => {
                self.set_end(input.t, input.is_before_timeline, "`quit` was typed".to_owned());
                return nothing(", which ended the run");
            }
        };
        // "Before all else" means: not later than the first event that was due.
        let at = self
            .timeline_began
            .filter(|_| input.is_before_timeline)
            .map_or(input.t, |opened| input.t.min(opened));
        if at.0 > MAX_SPAN.0 {
            return nothing(", later than an entry can be");
        }
        let id = self.ids.next_id();
        let how = if at < input.t { ", but before all else" } else { "" };
        let addition = DraftAddition::entry(typed_line_comment(input, how), &id, Span(at.0), step);
        if matches!(typed, ConsoleCommand::Spawn { .. } | ConsoleCommand::Fetch(_)) {
            self.started.push((input.t, id));
        }
        addition
    }

    fn id_of(&self, entry: usize) -> &'s str {
        self.scenario.entry_name(entry).unwrap_or_default()
    }

    /// Notes that a person ended the run, unless somebody already has.
    fn set_end(&mut self, t: Moment, in_opening: bool, what: String) {
        let is_due = t == Moment::ZERO || self.scenario.tick.is_some() || has_due_entry(self.scenario, t);
        self.additions.end.get_or_insert(TypedEnd { t, comment: what, is_first: in_opening && is_due });
    }

    /// What was started in the moment of the end, before what was due by then, did not move any more.
    fn stop_just_started(&mut self) {
        let Some(end) = self.additions.end.as_ref().filter(|end| end.is_first) else { return };
        for (t, id) in self.started.iter().filter(|(t, _)| *t == end.t) {
            let comment = format!("{} in the same moment.", end.comment);
            let stop = DraftAddition::entry(comment, &self.ids.next_id(), Span(t.0), DraftAction::Stop(id));
            self.additions.before_timeline.push(stop);
        }
    }
}

/// The end of a run by a person.
#[derive(Debug)]
pub(super) struct TypedEnd {
    t: Moment,
    comment: String,
    /// Whether it came before everything that was due by then.
    is_first: bool,
}

impl TypedEnd {
    /// Gives a draft this end.
    pub(super) fn apply_to(&self, draft: &mut ScenarioDraft) {
        let mut comment = vec![
            format!("{} at {}.", self.comment, format_moment(self.t)),
            "This limit takes its place, a nanosecond later; a run that it ends has failed.".to_owned(),
        ];
        if self.is_first && has_due_entry(draft.scenario(), self.t) {
            comment.push("Nothing of the timeline had happened yet, so it is left out.".to_owned());
            draft.clear_timeline();
        }
        // A longer limit cannot be written.
        if self.t.0 < MAX_SPAN.0 {
            draft.set_time_limit(Span(self.t.0 + 1), comment);
        }
    }
}

/// Whether an entry of the timeline is due by `t` without waiting for anything.
fn has_due_entry(scenario: &Scenario, t: Moment) -> bool {
    scenario.timeline.iter().any(|entry| entry.trigger.is_none() && entry.at.0 <= t.0)
}

/// A comment with a typed line and what became of it.
fn typed_line_comment(input: &TypedLine, how: &str) -> String {
    format!("typed at {}{how}: {}", format_moment(input.t), input.text)
}

/// Ids for typed lines that the scenario does not have yet.
struct EntryIds {
    taken: HashSet<String>,
    last: usize,
}

impl EntryIds {
    fn new(scenario: &Scenario) -> EntryIds {
        EntryIds { taken: scenario.timeline.iter().filter_map(|entry| entry.id.clone()).collect(), last: 0 }
    }

    fn next_id(&mut self) -> String {
        loop {
            self.last += 1;
            let id = format!("typed-{}", self.last);
            if !self.taken.contains(&id) {
                return id;
            }
        }
    }
}
