//! Turns typed lines and signals into entries with comments, and into the end of the run.

use std::collections::HashSet;

use crate::extract::extracted_run::{ExtractedRun, TypedKeys, TypedLine};
use crate::report::units::format_moment;
use scenario_core::engine::console_command;
use scenario_core::engine::console_command::ConsoleCommand;
use scenario_core::scenario::model::{ActionTarget, Scenario};
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
            stopped: HashSet::new(),
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

/// Something that a typed line started.
#[derive(Debug)]
struct TypedStart {
    t: Moment,
    /// The id of its entry.
    id: String,
    what: StartedThing,
}

/// The preset or fetch that an entry starts, as an index into the scenario's lists.
#[derive(Clone, Copy, Debug)]
enum StartedThing {
    Preset(usize),
    Fetch(usize),
}

/// Collects the additions.
struct AdditionsBuilder<'s> {
    scenario: &'s Scenario,
    /// When the first event of the timeline was due.
    timeline_began: Option<Moment>,
    ids: EntryIds,
    /// The sources that typed lines have started.
    started: Vec<TypedStart>,
    /// The ids of what was stopped by typed lines.
    stopped: HashSet<String>,
    additions: ScenarioAdditions,
}

impl<'s> AdditionsBuilder<'s> {
    fn add_input(&mut self, input: &TypedLine) -> Result<(), LogReadError> {
        let additions = match &input.refused {
            None if input.keys.is_some() => self.key_additions(input),
            Some(why) => {
                vec![DraftAddition::comment(typed_line_comment(input, &format!(", refused ({why})")))]
            }
            None => {
                let typed = console_command::parse_command(&input.text, self.scenario).map_err(|fault| {
                    let what = format!("has an `input` that was accepted, but is not a command: {fault}");
                    LogReadError::damaged(input.line, what)
                })?;
                self.command_additions(input, &typed)
            }
        };
        let ScenarioAdditions { before_timeline: before, after_timeline: after, .. } = &mut self.additions;
        if input.is_before_timeline { before } else { after }.extend(additions);
        Ok(())
    }

    /// The additions of keys that were typed for a program.
    fn key_additions(&mut self, input: &TypedLine) -> Vec<DraftAddition> {
        let Some(TypedKeys { source, close }) = input.keys else { return Vec::new() };
        let comment = format!("typed at {} for {source}, which had the terminal", format_moment(input.t));
        if input.t.0 > MAX_SPAN.0 {
            return vec![DraftAddition::comment(format!("{comment}, later than an entry can be"))];
        }
        let to = source.to_string();
        let line = input.text.strip_suffix(['\r', '\n']).filter(|_| !close);
        let action = match line {
            Some(text) => DraftAction::Send { to: &to, text },
            None => DraftAction::Keys { to: &to, text: &input.text, close },
        };
        let id = self.ids.next_id();
        vec![DraftAddition::entry(comment, &id, Span(input.t.0), action)]
    }

    fn command_additions(&mut self, input: &TypedLine, typed: &ConsoleCommand<'_>) -> Vec<DraftAddition> {
        let nothing = |how: &str| vec![DraftAddition::comment(typed_line_comment(input, how))];
        let targets = match typed {
            ConsoleCommand::Stop(target)
            | ConsoleCommand::Kill(target)
            | ConsoleCommand::Restart(target)
            | ConsoleCommand::Signal { to: target, .. }
            | ConsoleCommand::Send { to: target, .. } => self.ids_of(target),
            ConsoleCommand::Spawn { .. }
            | ConsoleCommand::Fetch(_)
            | ConsoleCommand::Mark(_)
            | ConsoleCommand::Attach(_)
            | ConsoleCommand::Status
            | ConsoleCommand::Help
            | ConsoleCommand::Quit => Vec::new(),
        };
        let steps = match typed {
            ConsoleCommand::Spawn { preset, count } => {
                vec![DraftAction::Spawn(self.scenario.presets[*preset].key(), *count)]
            }
            ConsoleCommand::Fetch(job) => vec![DraftAction::Fetch(&self.scenario.fetches[*job].name)],
            ConsoleCommand::Mark(text) => vec![DraftAction::Mark(text)],
            ConsoleCommand::Stop(_) => targets.iter().map(|id| DraftAction::Stop(id)).collect(),
            ConsoleCommand::Kill(_) => targets.iter().map(|id| DraftAction::Kill(id)).collect(),
            ConsoleCommand::Restart(_) => targets.iter().map(|id| DraftAction::Restart(id)).collect(),
            ConsoleCommand::Signal { signal, .. } => {
                targets.iter().map(|to| DraftAction::Signal { to, signal: *signal }).collect()
            }
            ConsoleCommand::Send { text, .. } => {
                targets.iter().map(|to| DraftAction::Send { to, text }).collect()
            }
            ConsoleCommand::Attach(_) => return nothing(", which gave the terminal to it"),
            ConsoleCommand::Status => return nothing(", which only showed what ran"),
            ConsoleCommand::Help => return nothing(", which only showed what can be typed"),
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
        let how = if at < input.t { ", but before all else" } else { "" };
        let ids: Vec<String> = steps.iter().map(|_| self.ids.next_id()).collect();
        let comment = typed_line_comment(input, how);
        let additions = steps.into_iter().zip(&ids);
        let additions =
            additions.map(|(step, id)| DraftAddition::entry(comment.clone(), id, Span(at.0), step)).collect();
        let what = match typed {
            ConsoleCommand::Spawn { preset, .. } => Some(StartedThing::Preset(*preset)),
            ConsoleCommand::Fetch(fetch) => Some(StartedThing::Fetch(*fetch)),
            _ => None,
        };
        if let Some(what) = what {
            self.started.extend(ids.into_iter().map(|id| TypedStart { t: input.t, id, what }));
        }
        if let ConsoleCommand::Stop(_) | ConsoleCommand::Kill(_) = typed {
            self.stopped.extend(targets);
        }
        additions
    }

    /// The names of what a target probably meant: the ids of the entries that had started something of its name
    /// and were not stopped by a typed line before, or else the name as it was typed.
    fn ids_of(&self, target: &ActionTarget) -> Vec<String> {
        let has_id = target.entry.is_some_and(|entry| self.scenario.timeline[entry].id.is_some());
        if target.preset.or(target.fetch).is_some() && !has_id {
            // All that runs of the preset or the fetch.
            return vec![target.name.clone()];
        }
        let of_entry = target.entry.map(|_| target.name.clone());
        let typed = self.started.iter().filter(|start| match start.what {
            StartedThing::Preset(preset) => target.preset == Some(preset),
            StartedThing::Fetch(fetch) => target.fetch == Some(fetch),
        });
        let all = of_entry.iter().cloned().chain(typed.map(|start| start.id.clone()));
        let left: Vec<String> = all.filter(|id| !self.stopped.contains(id)).collect();
        match (left.is_empty(), of_entry) {
            // It was accepted, so something of the entry ran again.
            (true, Some(id)) => vec![id],
            (true, None) => vec![target.name.clone()],
            (false, _) => left,
        }
    }

    /// Notes that a person ended the run, unless somebody already has.
    fn set_end(&mut self, t: Moment, in_opening: bool, what: String) {
        let is_due = t == Moment::ZERO || self.scenario.tick.is_some() || has_due_entry(self.scenario, t);
        self.additions.end.get_or_insert(TypedEnd { t, comment: what, is_first: in_opening && is_due });
    }

    /// Players that were started in the moment of the end, before the events that were due by then, did not
    /// move any more.
    fn stop_just_started(&mut self) {
        let Some(end) = self.additions.end.as_ref().filter(|end| end.is_first) else { return };
        for TypedStart { t, id, .. } in self.started.iter().filter(|start| start.t == end.t) {
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
