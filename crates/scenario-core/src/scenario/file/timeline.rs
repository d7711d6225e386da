//! The tables of the timeline. Names are not looked up here.

use super::links::{NamedLinkAction, RawLinkAction};
use super::until::RawUntil;
use super::{MAX_ENTRY_COUNT, MAX_ENTRY_REPEATS};
use crate::scenario::interval::Interval;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, Preset, Scenario, SendAction, SignalAction, TimelineEntry,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::after::{NamedTrigger, RawTrigger};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::spawn::{RawForEach, RawSpawn};
use crate::scenario::schema::strings::{DeferredText, EntryIdText, PublicString};
use crate::scenario::schema::table::{TableRule, table};
use crate::scenario::write::json::Json;
use scenario_log::signal::Signal;

table! {
    /// An entry of the timeline. It has exactly one action: `spawn`, `fetch`, `stop`, `send`, `signal`, `kill`,
    /// `restart`, `mark` or `link`.
    RawTimelineEntry is "a timeline entry" from (EntryOfScenario<'_>) like "{ at = \"1s\", mark = \"now\" }" with [
        TableRule::ExactlyOne(&["spawn", "fetch", "stop", "send", "signal", "kill", "restart", "mark", "link"]),
        TableRule::NeedsAny("every", &["times", "for"]),
        TableRule::NeedsAny("rate", &["times", "for"]),
        TableRule::NeedsAny("times", &["every", "rate"]),
        TableRule::NeedsAny("for", &["every", "rate"]),
        TableRule::Excludes("rate", "every"),
        TableRule::Needs("rate", "spawn"),
        TableRule::Needs("arrivals", "rate"),
        TableRule::NeedsAny("until", &["spawn", "fetch"]),
        TableRule::Excludes("until", "every"),
        TableRule::Excludes("until", "rate"),
    ] {
        /// The id of the entry, by which `after`, actions such as `stop`, and reports name it. An entry without
        /// one is known by the name of its preset or fetch, if no other entry without an id starts that.
        "id" id: EntryIdText => |of| of.entry.id.as_deref(),
        /// When it happens, as a duration from the run's start or, with `after`, from the moment of that
        /// entry.
        "at" at: DurationValue = "0s" => |of| of.entry.at,
        /// The moment that the entry waits for: `"ID.started"`, `"ID.ready"`, `"ID.finished"`, `"ID.passed"` or
        /// `"ID.failed"` of another entry; a line, a silence or an exit of its programs; or several of these, as
        /// `all` or `any`. Default: the start of the run.
        "after" after: RawTrigger => |of| of.trigger(),
        /// The action of starting a preset, by its name, or with arguments: `{ preset = "NAME", args = { NAME =
        /// "value" } }`.
        "spawn" spawn: RawSpawn => |of| match of.entry.action {
            EntryAction::Spawn(preset) => of.scenario.presets.get(preset).map(Preset::key),
            _ => None,
        },
        /// The action of starting a fetch, by its name.
        "fetch" fetch: PublicString => |of| match of.entry.action {
            EntryAction::Fetch(job) => of.scenario.fetches.get(job).map(|job| &job.name),
            _ => None,
        },
        /// The action of stopping whatever runs of an entry, a preset or a fetch, by its name, or of one
        /// source, such as `"ps#3"`.
        "stop" stop: PublicString => |of| match &of.entry.action {
            EntryAction::Stop(target) => Some(target.name.as_str()),
            _ => None,
        },
        /// The action of writing a line to the programs that run of an entry or a preset.
        "send" send: RawSend => |of| match &of.entry.action {
            EntryAction::Send(send) => Some(RawSend::write(send)),
            _ => None,
        },
        /// The action of sending a signal to the programs that run of an entry or a preset.
        "signal" signal: RawSignal => |of| match &of.entry.action {
            EntryAction::Signal(signal) => Some(RawSignal::write(signal)),
            _ => None,
        },
        /// The action of killing whatever runs of an entry or a preset, by its name, or of one source, such as
        /// `"ps#3"`: the whole process group gets `KILL` at once. This exit is as expected.
        "kill" kill: PublicString => |of| match &of.entry.action {
            EntryAction::Kill(target) => Some(target.name.as_str()),
            _ => None,
        },
        /// The action of stopping whatever runs of an entry or a preset in order, by its name, or one source,
        /// such as `"ps#3"`, and of spawning each of them again.
        "restart" restart: PublicString => |of| match &of.entry.action {
            EntryAction::Restart(target) => Some(target.name.as_str()),
            _ => None,
        },
        /// The action of noting a text in the log.
        "mark" mark: DeferredText => |of| match &of.entry.action {
            EntryAction::Mark(text) => Some(text),
            _ => None,
        },
        /// How often the action happens at the same moment, from 1 to 1,000,000.
        "count" count: BoundedInt<1, MAX_ENTRY_COUNT> = 1 => |of| of.entry.count,
        /// The time from one repetition of the entry to the next: a duration, or an interval that is drawn
        /// anew each time. It needs `times`, `for` or both.
        "every" every: Interval => |of| match &of.entry.repeat.as_ref()?.pace {
            EntryPace::Every(every) => Some(every),
            EntryPace::Arrivals { .. } => None,
        },
        /// The rate at which a preset is spawned, such as `"5/s"`; a list of points makes a rate that changes
        /// over time. It needs `times`, `for` or both.
        "rate" rate: Ramp => |of| of.arrivals().map(|(rate, _)| rate),
        /// How the spawns of a `rate` are spread over time: `"constant"`, evenly, or `"poisson"`, each by
        /// chance.
        "arrivals" arrivals: ArrivalProcess = "constant" => |of| of.arrivals().map(|(_, arrivals)| arrivals);
            UnlessDefault,
        /// The number of times that the entry happens in all, from 1 to 1,000,000,000.
        "times" times: BoundedInt<1, MAX_ENTRY_REPEATS> => |of| of.entry.repeat.as_ref()?.times,
        /// How long the entry is repeated, as a duration from its first time or, with a `rate`, from its `at`;
        /// what would happen later does not.
        "for" within: DurationValue<true> => |of| of.entry.repeat.as_ref()?.duration,
        /// How the action is tried again until the status and the checks of its fetch, or the exit of its
        /// program, are as expected. Only the last try counts.
        "until" until: RawUntil => |of| of.entry.until.as_ref().map(RawUntil::write),
        /// Whether it happens at the end of the run, in whatever way the run ends, before what runs is stopped.
        /// What it starts has 30 s, and is stopped then.
        "always" always: bool = false => |of| of.entry.always; UnlessDefault,
        /// Lists of values by name: the entry is copied for each value, or for each combination of the values of
        /// several names. `${each.NAME}` in its strings is the value; an `id` without it gets the value appended.
        "for_each" for_each: RawForEach,
        /// The action of changing a link: faults that hold from now on, or for a while.
        "link" link: RawLinkAction => |of| match &of.entry.action {
            EntryAction::Link(action) => {
                let name = &of.scenario.links.get(action.link)?.name;
                Some(RawLinkAction::write(&NamedLinkAction { name, action }))
            }
            _ => None,
        },
    }
}

table! {
    /// A line that is written to a program.
    RawSend is "`send`" from (SendAction) like "{ to = \"server\", text = \"reload\" }" with [
        TableRule::Required("to", "to = \"ID\""),
        TableRule::RequiredUnless("text", "text = \"…\"", "close"),
        TableRule::Needs("enter", "text"),
    ] {
        /// The id of an entry or the name of a preset, whose program has `stdin = "open"`, or one spawn, such as
        /// `"ps#3"`.
        "to" to: PublicString => |send| send.to.name.as_str(),
        /// The text of the line, without its newline.
        "text" text: DeferredText => |send| send.text.as_ref(),
        /// Whether a newline follows the text. Without it the text is single keys, or part of a line.
        "enter" enter: bool = true => |send| send.text.as_ref().map(|_| send.enter); UnlessDefault,
        /// Whether the standard input of the program ends here, behind the text if there is one: a program that
        /// reads to the end of its input goes on.
        "close" close: bool = false => |send| send.close; UnlessDefault,
    }
}

table! {
    /// A signal that is sent to programs.
    RawSignal is "`signal`" from (SignalAction) like "{ to = \"server\", name = \"HUP\" }" with [
        TableRule::Required("to", "to = \"ID\""),
        TableRule::Required("name", "name = \"HUP\""),
    ] {
        /// The id of an entry or the name of a preset, which spawns a program, or one spawn, such as `"ps#3"`.
        "to" to: PublicString => |action| action.to.name.as_str(),
        /// The name of the signal, which the whole process group gets.
        "name" name: Signal => |action| action.signal,
        /// How long the program stands still, as a duration, until `CONT` follows a `STOP`. Default: until
        /// somebody continues it.
        "for" pause: DurationValue<true> => |action| action.pause,
    }
}

/// An entry of the timeline, with the scenario that knows the names of what it refers to.
pub(crate) struct EntryOfScenario<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) entry: &'a TimelineEntry,
}

impl<'a> EntryOfScenario<'a> {
    /// The name of another entry. An entry that is referred to has one.
    fn id(&self, index: usize) -> &'a str {
        self.scenario.entry_name(index).unwrap_or_default()
    }

    fn arrivals(&self) -> Option<(&'a Ramp, ArrivalProcess)> {
        match &self.entry.repeat.as_ref()?.pace {
            EntryPace::Every(_) => None,
            EntryPace::Arrivals { rate, arrivals } => Some((rate, *arrivals)),
        }
    }

    fn trigger(&self) -> Option<Json> {
        let name = |index: usize| self.id(index).to_owned();
        self.entry.trigger.as_ref().map(|trigger| NamedTrigger { trigger, name: &name }.write())
    }
}
