//! Extracts from a log a scenario that does by itself what was done in that run, typed lines included.
//!
//! # How it works
//!
//! A [typed line](crate::engine::typed) becomes an entry at the moment at which it was typed, behind
//! all others of the timeline: a typed line comes after all that was due by then. Lines that were typed
//! before anything had happened come before the others, and not later than the first of them. Each of
//! these entries has an id, since one without would change the draws of its like.
//!
//! `quit` and a signal to the runner become a time limit one nanosecond later, so that all that was due
//! by then still happens.
//!
//! What programs and servers did is not known here: it is for them to do again.

mod header;
mod told;

use std::collections::HashSet;
use std::io::Read;

use crate::engine::typed::{self, Typed};
use crate::paper::extract::told::{Input, Told};
use crate::paper::log::reader::{Reader, Unreadable};
use crate::scenario::LONGEST_FILE;
use crate::scenario::draft::{Addition, Draft, Step};
use crate::scenario::model::Scenario;
use crate::words::time::{LONGEST, Moment, Span};

/// Why no scenario can be extracted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unextractable {
    /// The log cannot be read.
    Unreadable(Unreadable),
    /// It would be larger than a scenario can be, in words.
    TooLarge(String),
}

impl From<Unreadable> for Unextractable {
    fn from(unreadable: Unreadable) -> Unextractable {
        Unextractable::Unreadable(unreadable)
    }
}

/// The scenario of the run that a log tells of, as the text of a file. A log that was cut short gives
/// what is known up to there; `None` if not even its first line is whole.
///
/// # Errors
/// If it cannot be read, or gives more than a scenario can hold.
pub fn extract<R: Read>(reader: &mut Reader<R>) -> Result<Option<String>, Unextractable> {
    let Some(told) = Told::read(reader)? else { return Ok(None) };
    let mut draft = Draft::read(&told.scenario)
        .map_err(|fault| Unreadable::damaged(1, format!("has a scenario that cannot be run: {fault}")))?;
    let seed = i64::try_from(told.seed)
        .map_err(|_| Unreadable::damaged(1, "has a seed that is larger than a seed can be"))?;
    let parts = Parts::of(&told, draft.scenario())?;
    draft.set_seed(seed);
    if let Some(end) = &parts.end {
        end.put_into(&mut draft);
    }
    let header = header::lines(&told, &draft, &parts, reader.cut());
    let text = draft.to_toml(&header, &parts.before, &parts.behind);
    if text.len() > LONGEST_FILE {
        return Err(Unextractable::TooLarge(format!(
            "the scenario of this run has {} bytes; a scenario's file has at most {LONGEST_FILE}",
            text.len()
        )));
    }
    Ok(Some(text))
}

/// The end of a run that a person brought about.
#[derive(Clone, Debug)]
struct End {
    t: Moment,
    what: String,
    /// It came before what was due by then.
    is_first: bool,
}

impl End {
    fn new(t: Moment, in_opening: bool, what: String, scenario: &Scenario) -> End {
        let is_due = t == Moment::ZERO || scenario.tick.is_some() || has_due(scenario, t);
        End { t, what, is_first: in_opening && is_due }
    }

    fn put_into(&self, draft: &mut Draft) {
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

/// What typed lines and signals come to.
#[derive(Debug, Default)]
struct Parts {
    before: Vec<Addition>,
    behind: Vec<Addition>,
    end: Option<End>,
}

impl Parts {
    fn of(told: &Told, scenario: &Scenario) -> Result<Parts, Unreadable> {
        let mut parts = Parts::default();
        let mut ids = Ids::new(scenario);
        let mut started = Vec::new();
        for input in &told.inputs {
            let addition = match &input.refused {
                Some(why) => told_only(input, &format!(", refused ({why})")),
                None => {
                    let typed = typed::read(&input.text, scenario).map_err(|fault| {
                        let what = format!("has an `input` that was accepted, but is no command: {fault}");
                        Unreadable::damaged(input.number, what)
                    })?;
                    parts.command(input, (&typed, told.opened), scenario, (&mut ids, &mut started))
                }
            };
            if input.in_opening { &mut parts.before } else { &mut parts.behind }.push(addition);
        }
        if told.refused_more() > 0 {
            let more = format!("{} more lines were typed and refused", told.refused_more());
            parts.behind.push(Addition::comment(more));
        }
        if let Some(sent) = told.signal {
            let what = format!("The runner was sent the signal {}", sent.signal);
            parts.end.get_or_insert(End::new(sent.t, sent.in_opening, what, scenario));
        }
        parts.stop_at_once(&started, &mut ids);
        Ok(parts)
    }

    /// What a command comes to. `started` gets what it starts: when, and the entry's id.
    fn command(
        &mut self,
        input: &Input,
        (typed, opened): (&Typed<'_>, Option<Moment>),
        scenario: &Scenario,
        (ids, started): (&mut Ids, &mut Vec<(Moment, String)>),
    ) -> Addition {
        let id_of = |entry: usize| scenario.timeline[entry].id.as_deref().unwrap_or_default();
        let step = match typed {
            Typed::Spawn { preset, count } => Step::Spawn(&scenario.presets[*preset].name, *count),
            Typed::Fetch(job) => Step::Fetch(&scenario.fetches[*job].name),
            Typed::Mark(text) => Step::Mark(text),
            Typed::Stop(entry) => Step::Stop(id_of(*entry)),
            Typed::Send { to, text } => Step::Send { to: id_of(*to), text },
            Typed::Status => return told_only(input, ", which only showed what ran"),
            Typed::Quit => {
                let what = "`quit` was typed".to_owned();
                self.end.get_or_insert(End::new(input.t, input.in_opening, what, scenario));
                return told_only(input, ", which ended the run");
            }
        };
        let at = match opened {
            Some(opened) if input.in_opening => input.t.min(opened),
            _ => input.t,
        };
        if at.0 > LONGEST.0 {
            return told_only(input, ", later than an entry can be");
        }
        let id = ids.next();
        let mut comment = said(input, "");
        if at < input.t {
            comment.push_str(" (before all else, and so not later than that)");
        }
        let addition = Addition::entry(comment, &id, Span(at.0), step);
        if matches!(typed, Typed::Spawn { .. } | Typed::Fetch(_)) {
            started.push((input.t, id));
        }
        addition
    }

    /// What was started in the same moment, before what was due by then, did not move again.
    fn stop_at_once(&mut self, started: &[(Moment, String)], ids: &mut Ids) {
        let Some(end) = self.end.as_ref().filter(|end| end.is_first) else { return };
        let at_once = started.iter().filter(|(t, _)| *t == end.t);
        for (t, id) in at_once {
            let comment = format!("{} in the same moment.", end.what);
            self.before.push(Addition::entry(comment, &ids.next(), Span(t.0), Step::Stop(id)));
        }
    }
}

/// A line that nothing comes of.
fn told_only(input: &Input, how: &str) -> Addition {
    Addition::comment(said(input, how))
}

fn said(input: &Input, how: &str) -> String {
    format!("typed at {}{how}: {}", seconds(input.t), input.text)
}

/// A moment as people read it.
fn seconds(t: Moment) -> String {
    format!("{}.{:03} s", t.0 / 1_000_000_000, t.0 / 1_000_000 % 1_000)
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
