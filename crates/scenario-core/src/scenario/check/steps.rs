//! Builds the steps of players: finds the cells, locks, channels, fetches, presets and entries that they name,
//! and checks that no player releases a lock that it cannot have, and that steps can be reached and let time
//! pass.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::check::step_locks::LockChecker;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::step_program;
use crate::scenario::model::step_program::StepProgram;
use crate::scenario::model::steps::{
    Channel, FetchStep, PlayerStep, RoundCount, StepAction, StepBlock, StepCondition, WeightedSteps,
};
use crate::scenario::model::{ActionTarget, RowSource, parse_source};
use crate::scenario::schema::collections::ListOf;
use crate::scenario::schema::steps::{RawChoice, RawCondition, RawStep, RawStepAction, RawStepTable};
use crate::scenario::schema::strings::{PublicString, StepLabel};
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::time::Span;

/// The names that steps can refer to. Locks come with their first use.
#[derive(Debug, Default)]
pub(crate) struct StepNames {
    /// Sorted by name; `None` if they could not be read.
    pub(crate) cells: Option<Vec<(String, i64)>>,
    /// In the order of their first use.
    pub(crate) locks: Vec<String>,
    /// Sorted by name; `None` if they could not be read.
    pub(crate) channels: Option<Vec<Channel>>,
    /// Sorted.
    pub(crate) presets: Vec<String>,
    /// Sorted.
    pub(crate) fetches: Vec<String>,
    /// The tables of rows, sorted.
    pub(crate) tables: Vec<String>,
    /// The index of each entry that has a name.
    pub(crate) entries: HashMap<String, usize>,
}

impl StepNames {
    fn lock_index(&mut self, name: &str) -> usize {
        self.locks.iter().position(|lock| lock == name).unwrap_or_else(|| {
            self.locks.push(name.to_owned());
            self.locks.len() - 1
        })
    }

    fn cell_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let names: Vec<&str> = self.cells.as_ref()?.iter().map(|(cell, _)| cell.as_str()).collect();
        let wanted = Wanted {
            kind: "cell",
            kinds: "cells",
            cure: format!("add a table of cells:\n\n[shared]\n{name} = 0"),
        };
        wanted.find(name, &names, place, found)
    }

    fn channel_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let names: Vec<&str> = self.channels.as_ref()?.iter().map(|channel| channel.name.as_str()).collect();
        let cure = format!("add a table of channels:\n\n[channels]\n{name} = {{ capacity = 1 }}");
        Wanted { kind: "channel", kinds: "channels", cure }.find(name, &names, place, found)
    }

    fn preset_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let names: Vec<&str> = self.presets.iter().map(String::as_str).collect();
        Wanted { kind: "preset", kinds: "presets", cure: String::new() }.find(name, &names, place, found)
    }

    fn fetch_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let names: Vec<&str> = self.fetches.iter().map(String::as_str).collect();
        let cure = format!("add it:\n\n[fetches.{name}]\nurls = [\"http://127.0.0.1:8080/\"]");
        Wanted { kind: "fetch", kinds: "fetches", cure }.find(name, &names, place, found)
    }

    /// The table of a name, which players take their rows from.
    pub(super) fn row_source(
        &self,
        name: &Located<PublicString>,
        found: &mut Diagnostics,
    ) -> Option<RowSource> {
        let tables: Vec<&str> = self.tables.iter().map(String::as_str).collect();
        let cure = format!("add it:\n\n[data.{}]\nrows = [{{ user = \"ann\" }}]", name.value.0);
        let wanted = Wanted { kind: "table of rows", kinds: "tables of rows", cure };
        let table = wanted.find(&name.value.0, &tables, name.place, found)?;
        Some(RowSource { table, name: name.value.0.clone() })
    }

    /// The target of a `stop`, as for an entry of the timeline.
    fn stop_target(&self, name: String, place: FilePlace, found: &mut Diagnostics) -> Option<ActionTarget> {
        let index = |names: &[String]| names.iter().position(|own| *own == name);
        let (preset, fetch) = (index(&self.presets), index(&self.fetches));
        let (entry, source) = (self.entries.get(&name).copied(), parse_source(&name));
        let target = ActionTarget { name, entry, preset, fetch, source };
        if !target.is_known() {
            self.entry_index(&target.name, place, found);
            return None;
        }
        Some(target)
    }

    fn entry_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let mut names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        names.sort_unstable();
        let cure = "give an entry of the timeline this `id`".to_owned();
        let wanted = Wanted { kind: "timeline entry", kinds: "timeline entries with a name", cure };
        let at = wanted.find(name, &names, place, found)?;
        self.entries.get(names[at]).copied()
    }
}

/// A kind of thing that a step names.
struct Wanted {
    kind: &'static str,
    kinds: &'static str,
    /// The help if there is nothing of the kind.
    cure: String,
}

impl Wanted {
    /// The index of a name; reports that it does not exist.
    fn find(&self, name: &str, names: &[&str], place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let at = names.iter().position(|own| *own == name);
        if at.is_none() && !found.count_if_full() {
            let fault = Diagnostic::error(place, format!("there is no {} {}", self.kind, quoted(name)));
            let fault = match names.is_empty() {
                true if self.cure.is_empty() => fault,
                true => fault.with_help(&*self.cure),
                false => found.did_you_mean(fault, name, names.iter().copied(), self.kinds),
            };
            found.add(fault);
        }
        at
    }
}

/// Builds the steps of a player; `None` if one of them is wrong.
pub(super) fn build_steps(
    raw: Vec<Located<RawStep>>,
    names: &mut StepNames,
    found: &mut Diagnostics,
) -> Option<StepProgram> {
    let mut builder = StepBuilder { names, found, locks: LockChecker::default() };
    let blocks = builder.build_list(raw)?;
    let StepBuilder { names, found, locks } = builder;
    locks.warn_of_held(&names.locks, found);
    Some(StepProgram::new(blocks))
}

struct StepBuilder<'a> {
    names: &'a mut StepNames,
    found: &'a mut Diagnostics,
    locks: LockChecker,
}

impl StepBuilder<'_> {
    /// Builds steps that are taken one after the other.
    fn build_list(&mut self, raw: Vec<Located<RawStep>>) -> Option<Vec<StepBlock>> {
        let wanted = raw.len();
        let mut blocks: Vec<StepBlock> = Vec::with_capacity(wanted);
        let mut last_place = None;
        for Located { value, place } in raw {
            if let (Some(end), Some(last)) = (blocks.last().filter(|block| never_goes_on(block)), last_place)
            {
                let why = match end {
                    StepBlock::Step(_) => "the player ends here",
                    _ => "the steps here are repeated for ever",
                };
                let warning = Diagnostic::warning(place, "this step is never taken");
                self.found.add(warning.with_related(last, why));
                last_place = None;
            } else {
                last_place = Some(place);
            }
            blocks.extend(match value {
                RawStep::Text { text, action } => self.build_step(text, action, place),
                RawStep::Table(table) => self.build_table(*table, place),
            });
        }
        (blocks.len() == wanted).then_some(blocks)
    }

    fn build_step(&mut self, text: String, action: RawStepAction, place: FilePlace) -> Option<StepBlock> {
        let (names, found) = (&mut *self.names, &mut *self.found);
        let action = match action {
            RawStepAction::Load(cell) => StepAction::Load(names.cell_index(&cell, place, found)?),
            RawStepAction::Store(cell) => StepAction::Store(names.cell_index(&cell, place, found)?),
            RawStepAction::CompareAndSwap { cell, expected, new } => {
                StepAction::CompareAndSwap { cell: names.cell_index(&cell, place, found)?, expected, new }
            }
            RawStepAction::Lock(name) => {
                let lock = names.lock_index(&name);
                self.locks.take(lock, (&name, place), found);
                StepAction::Lock(lock)
            }
            RawStepAction::Unlock(name) => {
                let lock = names.lock_index(&name);
                self.locks.release(lock, (&name, place), found)?;
                StepAction::Unlock(lock)
            }
            RawStepAction::Wait(condition) => {
                let condition = self.build_condition(condition, place)?;
                self.warn_of_idle_wait(&condition, place);
                StepAction::Wait(condition)
            }
            RawStepAction::Assert(condition) => StepAction::Assert(self.build_condition(condition, place)?),
            RawStepAction::Send(name) => StepAction::Send(names.channel_index(&name, place, found)?),
            RawStepAction::Receive(name) => StepAction::Receive(names.channel_index(&name, place, found)?),
            RawStepAction::Fetch(name) => {
                let fetch = names.fetch_index(&name, place, found)?;
                StepAction::Fetch(vec![FetchStep { fetch, label: name.clone(), name }])
            }
            RawStepAction::Spawn(name) => StepAction::Spawn(names.preset_index(&name, place, found)?),
            RawStepAction::Stop(name) => StepAction::Stop(names.stop_target(name, place, found)?),
            RawStepAction::Set(number) => StepAction::Set(number),
            RawStepAction::Add(number) => StepAction::Add(number),
            RawStepAction::Mul(number) => StepAction::Mul(number),
            RawStepAction::Pause(interval) => StepAction::Pause(interval),
            RawStepAction::Move => StepAction::Move,
            RawStepAction::Say => StepAction::Say,
            RawStepAction::Mark => StepAction::Mark,
            RawStepAction::End => {
                self.locks.end();
                StepAction::End
            }
        };
        Some(StepBlock::Step(PlayerStep { text, action }))
    }

    fn build_condition(&mut self, raw: RawCondition, place: FilePlace) -> Option<StepCondition> {
        let RawCondition { text, test } = raw;
        let (names, found) = (&*self.names, &mut *self.found);
        let test = test.find_cells(&mut |cell: String| names.cell_index(&cell, place, found))?;
        Some(StepCondition { text, test })
    }

    /// A condition that nobody else can change never begins to hold while the player waits.
    fn warn_of_idle_wait(&mut self, condition: &StepCondition, place: FilePlace) {
        if condition.test.cells().is_empty() {
            let message = "nobody can change this condition while the player waits";
            let help = "wait for a cell, as in \"wait a == 1\", or use a table: { if = …, steps = […] }";
            self.found.add(Diagnostic::warning(place, message).with_help(help));
        }
    }

    fn build_table(&mut self, table: RawStepTable, place: FilePlace) -> Option<StepBlock> {
        let RawStepTable { fetch, all, label, repeat, while_, if_, chance, choose, steps, otherwise } = table;
        if let Some(rounds) = repeat.into_given() {
            let rounds = rounds.value;
            let body = self.build_body(steps, rounds != RoundCount::Forever, rounds_at_least_one(rounds))?;
            self.warn_of_timeless_loop(rounds == RoundCount::Forever, None, &body, place);
            if rounds == RoundCount::Forever {
                self.locks.end();
            }
            return Some(StepBlock::Repeat { rounds, body });
        }
        if let Some(condition) = while_.into_given() {
            let condition = self.build_condition(condition.value, condition.place);
            let body = self.build_body(steps, true, false)?;
            let condition = condition?;
            self.warn_of_timeless_loop(true, Some(&condition), &body, place);
            return Some(StepBlock::While { condition, body });
        }
        if let Some(condition) = if_.into_given() {
            let condition = self.build_condition(condition.value, condition.place);
            let (then, otherwise) = self.build_branches(steps, otherwise)?;
            return Some(StepBlock::If { condition: condition?, then, otherwise });
        }
        if let Some(chance) = chance.into_value() {
            let (then, otherwise) = self.build_branches(steps, otherwise)?;
            return Some(StepBlock::Chance { chance, then, otherwise });
        }
        if let Some(choices) = choose.into_value() {
            return self.build_choices(choices.0.into_iter().map(|choice| choice.value).collect());
        }
        self.build_fetches(fetch, all, label)
    }

    fn build_fetches(
        &mut self,
        fetch: KeySlot<PublicString>,
        all: KeySlot<ListOf<RawStep, 1>>,
        label: KeySlot<StepLabel>,
    ) -> Option<StepBlock> {
        if let Some(Located { value, place }) = fetch.into_given() {
            let fetch = self.names.fetch_index(&value.0, place, self.found)?;
            let name = value.0;
            let text = format!("fetch {name}");
            let label = label.into_value().map_or_else(|| name.clone(), |label| label.0);
            let action = StepAction::Fetch(vec![FetchStep { fetch, name, label }]);
            return Some(StepBlock::Step(PlayerStep { text, action }));
        }
        let mut fetches = Vec::new();
        for Located { value, place } in all.into_value()?.0 {
            let block = match value {
                RawStep::Text { text, action: action @ RawStepAction::Fetch(_) } => {
                    self.build_step(text, action, place)?
                }
                RawStep::Table(table) if table.fetch.is_present() => self.build_table(*table, place)?,
                _ => {
                    let fault = Diagnostic::error(place, "only fetches can be made all at once");
                    self.found.add(fault.with_help("for example { all = [\"fetch a\", \"fetch b\"] }"));
                    return None;
                }
            };
            if let StepBlock::Step(PlayerStep { action: StepAction::Fetch(one), .. }) = block {
                fetches.extend(one);
            }
        }
        if let Some(label) = label.into_given() {
            let fault = Diagnostic::error(label.place, "each of these fetches has figures of its own");
            self.found.add(
                fault.with_help("for example { all = [{ fetch = \"a\", as = \"first\" }, \"fetch b\"] }"),
            );
        }
        let names: Vec<String> = fetches.iter().map(|one| format!("fetch {}", one.name)).collect();
        Some(StepBlock::Step(PlayerStep { text: names.join(", "), action: StepAction::Fetch(fetches) }))
    }

    /// The steps of a loop. Its rounds may all be left out, unless it has one at least.
    fn build_body(
        &mut self,
        steps: KeySlot<ListOf<RawStep, 1>>,
        may_go_on: bool,
        has_round: bool,
    ) -> Option<Vec<StepBlock>> {
        let before = self.locks.clone();
        let body = self.build_list(steps.into_value()?.0);
        if may_go_on && !has_round {
            self.locks.join(before);
        }
        body
    }

    fn build_branches(
        &mut self,
        steps: KeySlot<ListOf<RawStep, 1>>,
        otherwise: KeySlot<ListOf<RawStep, 1>>,
    ) -> Option<(Vec<StepBlock>, Vec<StepBlock>)> {
        let before = self.locks.clone();
        let then = self.build_list(steps.into_value()?.0);
        let after_then = std::mem::replace(&mut self.locks, before);
        let otherwise = match otherwise {
            KeySlot::Absent => Some(Vec::new()),
            KeySlot::Invalid => None,
            KeySlot::Given(given) => self.build_list(given.value.0),
        };
        self.locks.join(after_then);
        Some((then?, otherwise?))
    }

    fn build_choices(&mut self, raw: Vec<RawChoice>) -> Option<StepBlock> {
        let wanted = raw.len();
        let before = self.locks.clone();
        let mut after: Option<LockChecker> = None;
        let mut choices = Vec::with_capacity(wanted);
        for choice in raw {
            self.locks = before.clone();
            let weight = u32::try_from(choice.weight.or_default().0).ok()?;
            let body = choice.steps.into_value().and_then(|steps| self.build_list(steps.0));
            choices.extend(body.map(|body| WeightedSteps { weight, body }));
            if let Some(after) = after.take() {
                self.locks.join(after);
            }
            after = Some(self.locks.clone());
        }
        (choices.len() == wanted).then_some(StepBlock::Choose(choices))
    }

    /// A loop in which no time passes and nobody waits takes all its rounds at one moment.
    fn warn_of_timeless_loop(
        &mut self,
        is_endless: bool,
        condition: Option<&StepCondition>,
        body: &[StepBlock],
        place: FilePlace,
    ) {
        if !is_endless || may_let_time_pass(body) || (condition.is_none() && may_end(body)) {
            return;
        }
        self.found.add(match condition {
            Some(condition) => Diagnostic::warning(place, "this loop lets no time pass").with_help(format!(
                "to wait until others change a cell, use `wait`: \"wait not ({})\"",
                condition.text
            )),
            None => Diagnostic::error(place, "this loop never ends, and lets no time pass")
                .with_help("add a pause, such as \"pause 1s\", or a `wait`"),
        });
    }
}

/// Whether a loop has one round at least.
fn rounds_at_least_one(rounds: RoundCount) -> bool {
    !matches!(rounds, RoundCount::Between(0, _))
}

/// Whether the step after this one can never come.
fn never_goes_on(block: &StepBlock) -> bool {
    match block {
        StepBlock::Step(step) => step.action == StepAction::End,
        StepBlock::Repeat { rounds: RoundCount::Forever, .. } => true,
        _ => false,
    }
}

/// Whether any of these steps, or of those in them, is of a kind.
fn any_step(blocks: &[StepBlock], is_of_kind: &dyn Fn(&PlayerStep) -> bool) -> bool {
    blocks.iter().any(|block| match block {
        StepBlock::Step(step) => is_of_kind(step),
        _ => step_program::bodies(block).into_iter().any(|body| any_step(body, is_of_kind)),
    })
}

fn may_end(blocks: &[StepBlock]) -> bool {
    any_step(blocks, &|step| step.action == StepAction::End)
}

/// Whether time can pass in these steps, or the player can wait for others.
fn may_let_time_pass(blocks: &[StepBlock]) -> bool {
    any_step(blocks, &|step| match &step.action {
        StepAction::Pause(interval) => interval.longest() != Some(Span::ZERO),
        StepAction::Fetch(_) => true,
        _ => step.may_wait(),
    })
}
