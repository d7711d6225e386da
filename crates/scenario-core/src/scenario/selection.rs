//! `--only` and `--skip`: which entries and expectations of a scenario are kept.

use super::diagnostics::Diagnostics;
use super::expand::EntryGroups;
use crate::diagnostic::{Diagnostic, Severity, quoted};
use crate::scenario::model::expect::{Expectation, ExpectationScope};
use crate::scenario::model::expect_parts::RunPoint;
use crate::scenario::model::{EntryAction, EntryTrigger, Scenario, TimelineEntry};

/// The ids of a command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntrySelection<'a> {
    /// Only these entries, and what they wait for; empty: all.
    pub only: &'a [String],
    /// Without these entries, and what waits for them.
    pub skip: &'a [String],
}

impl EntrySelection<'_> {
    pub(super) fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }
}

/// The entries and expectations that are kept, by their positions.
pub(super) struct KeptParts {
    pub(super) entries: Vec<bool>,
    pub(super) expectations: Vec<bool>,
}

impl KeptParts {
    /// The parts of a scenario that a selection keeps; `None` after an error. Warns of what is left out beside
    /// what the selection names.
    pub(super) fn find(
        scenario: &Scenario,
        selection: &EntrySelection<'_>,
        groups: &EntryGroups,
        found: &mut Diagnostics,
    ) -> Option<KeptParts> {
        let names = EntryNames { scenario, groups };
        let only = names.find_all("--only", selection.only, found);
        let skip = names.find_all("--skip", selection.skip, found);
        let (only, skip) = (only?, skip?);
        let mut kept = vec![selection.only.is_empty(); scenario.timeline.len()];
        only.into_iter().for_each(|entry| keep_with_awaited(scenario, entry, &mut kept));
        let mut skipped = vec![false; kept.len()];
        skip.into_iter().for_each(|entry| skipped[entry] = true);
        let also = skip_dependents(scenario, &kept, &mut skipped);
        kept.iter_mut().zip(&skipped).for_each(|(kept, skipped)| *kept &= !skipped);
        warn_of_dependents(scenario, &also, found);
        let expectations = kept_expectations(scenario, &kept, found);
        Some(KeptParts { entries: kept, expectations })
    }
}

/// The names by which a command line refers to entries.
struct EntryNames<'a> {
    scenario: &'a Scenario,
    groups: &'a EntryGroups,
}

impl EntryNames<'_> {
    /// The entries of these names; `None` if there is no such name, which is reported.
    fn find_all(&self, option: &str, names: &[String], found: &mut Diagnostics) -> Option<Vec<usize>> {
        let mut entries = Vec::new();
        let mut is_right = true;
        for name in names {
            let named = self.find(name);
            if named.is_empty() {
                let message = format!("{option}: there is no entry with the id {}", quoted(name));
                let fault = Diagnostic::without_place(Severity::Error, message);
                let all = self.all();
                let fault = found.did_you_mean(fault, name, all.iter().map(String::as_str), "ids");
                found.add(fault);
                is_right = false;
            }
            entries.extend(named);
        }
        is_right.then_some(entries)
    }

    /// The entry of this id, or those of a `for_each` with this id, or those that start a preset or a fetch of
    /// this name and have no id.
    fn find(&self, name: &str) -> Vec<usize> {
        if let Some(entry) = self.scenario.find_entry(name) {
            return vec![entry];
        }
        if let Some(ids) = self.groups.get(name) {
            return ids.iter().filter_map(|id| self.scenario.find_entry(id)).collect();
        }
        let entries = self.scenario.timeline.iter().enumerate();
        let is_named = |(index, entry): &(usize, &TimelineEntry)| {
            entry.id.is_none() && self.scenario.entry_name(*index) == Some(name)
        };
        entries.filter(is_named).map(|(index, _)| index).collect()
    }

    fn all(&self) -> Vec<String> {
        let entries = 0..self.scenario.timeline.len();
        let mut names: Vec<String> =
            entries.filter_map(|entry| self.scenario.entry_name(entry)).map(str::to_owned).collect();
        names.extend(self.groups.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Keeps an entry and everything that it waits for.
fn keep_with_awaited(scenario: &Scenario, entry: usize, kept: &mut [bool]) {
    let mut left = vec![entry];
    while let Some(entry) = left.pop() {
        if !std::mem::replace(&mut kept[entry], true) {
            left.extend(needed_entries(&scenario.timeline[entry]));
        }
    }
}

/// The entries without which an entry cannot happen: what it waits for, and what it acts on.
fn needed_entries(entry: &TimelineEntry) -> Vec<usize> {
    let mut needed: Vec<usize> = entry.trigger.iter().flat_map(EntryTrigger::awaited_entries).collect();
    needed.extend(entry.action.target().and_then(|target| target.entry));
    needed
}

/// Skips the entries that need a skipped one; returns those that were kept until then.
fn skip_dependents(scenario: &Scenario, kept: &[bool], skipped: &mut [bool]) -> Vec<usize> {
    if !skipped.contains(&true) {
        return Vec::new();
    }
    let mut dependents = vec![Vec::new(); skipped.len()];
    for (index, entry) in scenario.timeline.iter().enumerate() {
        needed_entries(entry).into_iter().for_each(|needed| dependents[needed].push(index));
    }
    let mut left: Vec<usize> = (0..skipped.len()).filter(|entry| skipped[*entry]).collect();
    let mut also = Vec::new();
    while let Some(entry) = left.pop() {
        for dependent in &dependents[entry] {
            if !std::mem::replace(&mut skipped[*dependent], true) {
                left.push(*dependent);
                also.push(*dependent);
            }
        }
    }
    also.retain(|entry| kept[*entry]);
    also.sort_unstable();
    also
}

fn warn_of_dependents(scenario: &Scenario, also: &[usize], found: &mut Diagnostics) {
    for index in also {
        let entry = &scenario.timeline[*index];
        let what = match scenario.entry_name(*index) {
            Some(name) => format!("the entry {} is skipped too", quoted(name)),
            None => "this entry is skipped too".to_owned(),
        };
        let message = format!("{what}: it needs one that `--skip` names");
        found.add(Diagnostic::warning(entry.place, message));
    }
}

/// Which expectations are kept: those about nothing but what is left out are not.
fn kept_expectations(scenario: &Scenario, kept: &[bool], found: &mut Diagnostics) -> Vec<bool> {
    let is_started = |wanted: &dyn Fn(&EntryAction) -> bool| {
        scenario.timeline.iter().zip(kept).any(|(entry, kept)| *kept && wanted(&entry.action))
    };
    let was_started =
        |wanted: &dyn Fn(&EntryAction) -> bool| scenario.timeline.iter().any(|entry| wanted(&entry.action));
    let is_left_out = |scope: &ExpectationScope| {
        let entry = scope.entry.is_some_and(|entry| !kept[entry]);
        let preset = |action: &EntryAction| match action {
            EntryAction::Spawn(preset) => scope.preset == Some(scenario.first_of_name(*preset)),
            _ => false,
        };
        let fetch =
            |action: &EntryAction| matches!(action, EntryAction::Fetch(fetch) if scope.fetch == Some(*fetch));
        let is_gone = |wanted: &dyn Fn(&EntryAction) -> bool| was_started(wanted) && !is_started(wanted);
        entry || scope.entry.is_none() && (is_gone(&preset) || is_gone(&fetch))
    };
    let keeps = |expectation: &Expectation| {
        let scope = expectation.scopes().find(|scope| is_left_out(scope)).map(|scope| &scope.name);
        let left_out = scope.or_else(|| left_out_moment(expectation, kept))?;
        let message = format!(
            "the expectation {} is left out: nothing of {} is run",
            quoted(&expectation.name),
            quoted(left_out)
        );
        Some(Diagnostic::without_place(Severity::Warning, message))
    };
    let mut is_kept = Vec::with_capacity(scenario.expectations.len());
    for expectation in &scenario.expectations {
        let warning = keeps(expectation);
        is_kept.push(warning.is_none());
        warning.into_iter().for_each(|warning| found.add(warning));
    }
    is_kept
}

/// The id of an entry that is left out, if an expectation counts since or until a moment of it.
fn left_out_moment<'e>(expectation: &'e Expectation, kept: &[bool]) -> Option<&'e String> {
    let points = expectation.part.since.iter().chain(&expectation.part.until);
    points.into_iter().find_map(|point| match point {
        RunPoint::Entry { entry, id, .. } => (!kept[*entry]).then_some(id),
        RunPoint::At(_) => None,
    })
}

/// Keeps the marked ones of some lists, which are one list with marks in that order.
pub(super) fn retain_marked<T>(list: &mut Vec<T>, marks: &mut impl Iterator<Item = bool>) {
    list.retain(|_| marks.next().unwrap_or(true));
}
