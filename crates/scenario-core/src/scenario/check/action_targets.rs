//! Resolves the targets of `stop`, `send`, `signal`, `kill` and `restart`, and checks that each target is of a
//! kind that the action can have.

use super::timeline::{EntryKind, TimelineNames};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawSend, RawSignal};
use crate::scenario::model::{
    ActionTarget, EntryAction, Isolation, Preset, PresetKind, SendAction, SignalAction, StdinMode,
    parse_source,
};
use crate::scenario::schema::Located;
use crate::scenario::schema::strings::PublicString;
use scenario_log::event::Source;
use scenario_log::signal::Signal;

/// The first signal of real time, which cannot be sent by its number.
const FIRST_REAL_TIME_SIGNAL: u8 = 32;

/// The kind of thing that an action can have as its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TargetKind {
    /// All that runs: programs, players and requests.
    Any,
    /// Programs with an open standard input.
    Reader,
    /// Processes.
    Process,
    /// Programs and players; the word is what the action does to them.
    Spawn(&'static str),
}

impl TimelineNames<'_> {
    pub(super) fn build_stop(
        &self,
        name: Located<PublicString>,
        found: &mut Diagnostics,
    ) -> Option<EntryAction> {
        self.build_target(name, TargetKind::Any, found).map(EntryAction::Stop)
    }

    pub(super) fn build_kill(
        &self,
        name: Located<PublicString>,
        found: &mut Diagnostics,
    ) -> Option<EntryAction> {
        self.build_target(name, TargetKind::Spawn("killed"), found).map(EntryAction::Kill)
    }

    pub(super) fn build_restart(
        &self,
        name: Located<PublicString>,
        found: &mut Diagnostics,
    ) -> Option<EntryAction> {
        self.build_target(name, TargetKind::Spawn("restarted"), found).map(EntryAction::Restart)
    }

    pub(super) fn build_send(&self, raw: RawSend, found: &mut Diagnostics) -> Option<EntryAction> {
        let to = self.build_target(raw.to.into_given()?, TargetKind::Reader, found);
        if !raw.text.is_present()
            && let Some(close) = raw.close.as_given().filter(|close| !close.value)
        {
            let message = "`close = false` without a `text` sends nothing";
            let help = "add text = \"…\", or write close = true";
            found.add(Diagnostic::error(close.place, message).with_help(help));
            return None;
        }
        let (enter, close) = (raw.enter.or_default(), raw.close.or_default());
        Some(EntryAction::Send(SendAction {
            to: to?,
            text: raw.text.into_value().map(|text| text.0),
            enter,
            close,
        }))
    }

    pub(super) fn build_signal(&self, raw: RawSignal, found: &mut Diagnostics) -> Option<EntryAction> {
        let to = raw.to.into_given().and_then(|to| self.build_target(to, TargetKind::Process, found));
        let signal = raw.name.into_given()?;
        if signal.value.number() >= FIRST_REAL_TIME_SIGNAL {
            let message = format!("the signal {} has no name, and cannot be sent", signal.value);
            found.add(Diagnostic::error(signal.place, message).with_help("for example name = \"HUP\""));
            return None;
        }
        let pause = raw.pause.into_given();
        if let Some(pause) = pause.as_ref().filter(|_| signal.value != Signal::STOP) {
            let message = format!("{} has no end, so `for` says nothing", signal.value);
            let help = "only `name = \"STOP\"` takes `for`: `CONT` follows after that time";
            let fault = Diagnostic::error(pause.place, message).with_related(signal.place, "this signal");
            found.add(fault.with_help(help));
            return None;
        }
        let pause = pause.map(|pause| pause.value.0);
        Some(EntryAction::Signal(SignalAction { to: to?, signal: signal.value, pause }))
    }

    /// The target of this name; reports a name that stands for nothing, or for nothing of this kind.
    fn build_target(
        &self,
        name: Located<PublicString>,
        wanted: TargetKind,
        found: &mut Diagnostics,
    ) -> Option<ActionTarget> {
        let Located { value: PublicString(name), place } = name;
        let target = ActionTarget {
            entry: self.named_entry(&name),
            preset: self.preset_indices.get(name.as_str()).copied(),
            fetch: self.fetch_indices.get(name.as_str()).copied(),
            source: parse_source(&name),
            name,
        };
        if !target.is_known() {
            self.report_unknown_target(&target.name, place, found);
            return None;
        }
        match self.target_fault(&target, place, wanted) {
            Some(fault) => {
                found.add(fault);
                None
            }
            None => Some(target),
        }
    }

    fn report_unknown_target(&self, name: &str, place: FilePlace, found: &mut Diagnostics) {
        if found.count_if_full() {
            return;
        }
        let ids = self.id_list().iter().map(|(_, id)| id.as_str());
        let mut names: Vec<&str> = ids.chain(self.presets.names()).chain(self.fetches.names()).collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        let message = format!("nothing that runs has the name {}", quoted(name));
        if POLICY_WORDS.contains(&name) {
            let help = "an action names what it acts on; how a program comes back by itself stands in its preset: restart = \"failure\"";
            return found.add(Diagnostic::error(place, message).with_help(help));
        }
        let fault =
            found.did_you_mean(Diagnostic::error(place, message), name, names.iter().copied(), "names");
        found.add(fault.with_help("name an id, a preset or a fetch, or one source, such as \"ps#1\""));
    }

    /// Why an action cannot have this target.
    fn target_fault(
        &self,
        target: &ActionTarget,
        place: FilePlace,
        wanted: TargetKind,
    ) -> Option<Diagnostic> {
        let name = quoted(&target.name);
        let fault = |text: String, help: &str| Some(Diagnostic::error(place, text).with_help(help));
        let reader_help = "name an entry or a preset with a `command` and stdin = \"open\"";
        match (wanted, self.kind_of(target)) {
            (TargetKind::Any, EntryKind::Other) => fault(
                format!("{name} starts nothing that could be stopped"),
                "name the id of a `spawn` or a `fetch`",
            ),
            (TargetKind::Reader, EntryKind::Spawn(Some(preset))) => match &preset.kind {
                PresetKind::Command(command) if command.stdin == StdinMode::Open => None,
                PresetKind::Command(_) => {
                    let text = format!("the program of {name} has no open stdin");
                    let fault = Diagnostic::error(place, text).with_related(preset.place, "this preset");
                    Some(fault.with_help("add stdin = \"open\" to the preset"))
                }
                PresetKind::Players(_) => {
                    fault(format!("{name} spawns players, which read nothing"), reader_help)
                }
            },
            (TargetKind::Reader, EntryKind::Fetch | EntryKind::Other) => {
                fault(format!("{name} spawns no program"), reader_help)
            }
            (TargetKind::Process, EntryKind::Spawn(Some(preset))) if is_in_runner(preset) => fault(
                format!("{name} spawns players, which get no signals"),
                "name an entry or a preset with a `command`; players are ended by `stop` or `kill`",
            ),
            (TargetKind::Process, EntryKind::Fetch | EntryKind::Other) => fault(
                format!("{name} spawns no program that could get a signal"),
                "name an entry or a preset with a `command`",
            ),
            (TargetKind::Spawn(done), EntryKind::Fetch) => fault(
                format!("{name} is a fetch, which cannot be {done}"),
                "a fetch is given up with `stop`, and made again with `fetch`",
            ),
            (TargetKind::Spawn(done), EntryKind::Other) => {
                fault(format!("{name} spawns nothing that could be {done}"), "name the id of a `spawn`")
            }
            _ => None,
        }
    }

    /// The kind of what a target means first: its entry, or else its preset or fetch.
    fn kind_of(&self, target: &ActionTarget) -> EntryKind<'_> {
        if let Some(entry) = target.entry {
            return self.kinds.get(entry).copied().unwrap_or(EntryKind::Invalid);
        }
        match (target.preset, target.fetch, target.source) {
            (Some(_), _, _) => EntryKind::Spawn(self.presets.get(&target.name).flatten()),
            (None, Some(_), _) | (None, None, Some(Source::Request(_))) => EntryKind::Fetch,
            // Which spawn has this number is known only in the run.
            _ => EntryKind::Invalid,
        }
    }
}

/// Restart policies of this and of other tools, which people write in an entry.
const POLICY_WORDS: [&str; 6] = ["always", "failure", "on-failure", "unless-stopped", "no", "never"];

/// Whether the runner itself plays the players of a preset.
fn is_in_runner(preset: &Preset) -> bool {
    matches!(&preset.kind, PresetKind::Players(players) if players.isolation == Isolation::Task)
}
