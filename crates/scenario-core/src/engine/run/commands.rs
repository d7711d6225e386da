//! Carries out the commands that a person types. A command that cannot be carried out now is refused with a
//! reason, and changes nothing.

use std::rc::Rc;

use super::RunState;
use crate::engine::command_error::CommandError;
use crate::engine::console_command::{ConsoleCommand, parse_command, sent_text};
use crate::engine::effect::Effect;
use crate::engine::output::EngineOutput;
use crate::engine::run::acting::ActionOrigin;
use crate::scenario::model::{ActionTarget, EntryAction};
use scenario_log::event::{Event, Source};

/// How many programs are named at most.
const MAX_NAMED: usize = 8;

/// The longest line that is read as a command, in characters.
const MAX_COMMAND_CHARS: usize = 1_000;

impl RunState {
    /// Carries out a line; `unredacted` is the same with its secrets, if it has some.
    pub(super) fn command_typed(&mut self, text: &str, unredacted: Option<&str>, out: &mut EngineOutput<'_>) {
        if text.trim().is_empty() {
            return;
        }
        let mut short: String = text.chars().take(MAX_COMMAND_CHARS).collect();
        if short.len() < text.len() {
            // Longer than the limit again, so that the replay of the log logs the same.
            short.push('…');
            let error = format!("a command has at most {MAX_COMMAND_CHARS} characters");
            return out.event(&Event::TypedInput { text: &short, accepted: false, error: Some(&error) });
        }
        let scenario = Rc::clone(&self.scenario);
        match parse_command(text, &scenario).and_then(|command| self.check_possible(command)) {
            Ok(command) => {
                out.event(&Event::TypedInput { text, accepted: true, error: None });
                self.execute_command(command, unredacted, out);
            }
            Err(CommandError(error)) => {
                out.event(&Event::TypedInput { text, accepted: false, error: Some(&error) });
                let lines = self.hint(text);
                if self.lifecycle.is_running() && !lines.is_empty() {
                    out.effect(Effect::ShowLines { lines });
                }
            }
        }
    }

    /// Returns the command if it can be carried out now.
    fn check_possible<'a>(&self, command: ConsoleCommand<'a>) -> Result<ConsoleCommand<'a>, CommandError> {
        if !self.lifecycle.is_running() && !matches!(command, ConsoleCommand::Status | ConsoleCommand::Help) {
            return Err(CommandError("the run is ending".to_owned()));
        }
        let runs = |target: &ActionTarget| {
            if self.target_sources(target).is_empty() && self.target_loads(target).is_empty() {
                Err(CommandError(format!("`{}` does not run", target.name)))
            } else {
                Ok(())
            }
        };
        match &command {
            ConsoleCommand::Stop(target) if self.is_between_tries(target) => {}
            ConsoleCommand::Stop(target) => runs(target)?,
            ConsoleCommand::Restart(target) | ConsoleCommand::Kill(target) => {
                runs(target)?;
                self.check_any(target, "is a request, which is given up with `stop`", |source| {
                    matches!(source, Source::Spawn(_))
                })?;
            }
            ConsoleCommand::Signal { to, .. } => {
                runs(to)?;
                self.check_any(to, "is no program that could get a signal", |source| {
                    self.is_process(source)
                })?;
            }
            ConsoleCommand::Send { to, .. } | ConsoleCommand::Attach(to) => {
                if !self.may_read(to) {
                    let reason = "it reads nothing: only a program with `stdin = \"open\"` does";
                    return Err(CommandError(reason.to_owned()));
                }
                runs(to)?;
                if let ConsoleCommand::Attach(to) = &command {
                    self.check_one_reader(to)?;
                }
            }
            _ => {}
        }
        Ok(command)
    }

    fn execute_command(
        &mut self,
        command: ConsoleCommand<'_>,
        unredacted: Option<&str>,
        out: &mut EngineOutput<'_>,
    ) {
        let due = out.now();
        match command {
            ConsoleCommand::Spawn { preset, count } => {
                for _ in 0..count {
                    self.start_spawn(preset, None, due, out);
                }
            }
            ConsoleCommand::Fetch(job) => self.start_fetch(job, None, due, out),
            ConsoleCommand::Mark(text) => out.event(&Event::Mark { due, entry: None, text }),
            ConsoleCommand::Stop(target) => {
                self.stop_loads(&self.target_loads(&target), None, out);
                let sources = self.target_sources(&target);
                if sources.is_empty() {
                    self.cancel_tries(&target, None, out);
                }
                for source in sources {
                    out.emit_stopping(Some(source), "typed");
                    self.stop_source(source, out);
                }
            }
            ConsoleCommand::Send { to, text } => {
                let sent = unredacted.map_or(text, sent_text);
                for source in self.readers(&to) {
                    out.event(&Event::Sent {
                        due: Some(due),
                        source: Some(source),
                        entry: None,
                        text: Some(text),
                        enter: None,
                        close: None,
                        error: None,
                    });
                    out.effect(Effect::SendInput { source, bytes: format!("{sent}\n").into_bytes() });
                }
            }
            ConsoleCommand::Restart(target) => {
                let sources = self.target_sources(&target);
                self.restart_sources(ActionOrigin::typed(due), &sources, out);
            }
            ConsoleCommand::Kill(target) => {
                let sources = self.target_sources(&target);
                self.kill_sources(ActionOrigin::typed(due), &sources, out);
            }
            ConsoleCommand::Signal { to, signal } => {
                let sources = self.target_sources(&to);
                self.signal_sources(ActionOrigin::typed(due), &sources, (signal, None), out);
            }
            ConsoleCommand::Attach(target) => {
                if let Some(source) = self.readers(&target).first() {
                    out.effect(Effect::AttachTerminal { source: *source });
                }
            }
            ConsoleCommand::Status => out.effect(Effect::ShowStatus),
            ConsoleCommand::Help => out.effect(Effect::ShowLines { lines: self.help() }),
            ConsoleCommand::Quit => self.quit_run(out),
        }
    }

    /// Takes keys that were typed for the program that has the terminal. They change nothing if it has ended.
    pub(super) fn keys_typed(
        &mut self,
        source: Source,
        (text, unredacted): (&str, Option<&str>),
        close: bool,
        out: &mut EngineOutput<'_>,
    ) {
        if !self.reads(source) {
            return;
        }
        out.event(&Event::Sent {
            due: Some(out.now()),
            source: Some(source),
            entry: None,
            text: (!text.is_empty()).then_some(text),
            enter: Some(false),
            close: close.then_some(true),
            error: None,
        });
        if !text.is_empty() {
            out.effect(Effect::SendInput { source, bytes: unredacted.unwrap_or(text).as_bytes().to_vec() });
        }
        if close {
            out.effect(Effect::CloseInput { source });
        }
    }

    fn is_between_tries(&self, target: &ActionTarget) -> bool {
        target.entry.is_some_and(|entry| self.timeline.is_between_tries(entry))
    }

    /// The programs of a target that read what is sent to them.
    fn readers(&self, target: &ActionTarget) -> Vec<Source> {
        self.target_sources(target).into_iter().filter(|source| self.reads(*source)).collect()
    }

    /// Refuses a target of which not exactly one program reads: it gets the terminal.
    fn check_one_reader(&self, target: &ActionTarget) -> Result<(), CommandError> {
        let readers = self.readers(target);
        match &readers[..] {
            [_] => Ok(()),
            [] => Err(CommandError(format!("`{}` reads nothing", target.name))),
            several => {
                let names: Vec<String> = several.iter().take(MAX_NAMED).map(Source::to_string).collect();
                let count = several.len();
                let reason =
                    format!("{count} programs of `{}` run: name one of {}", target.name, names.join(", "));
                Err(CommandError(reason))
            }
        }
    }

    /// Refuses a target of which nothing is of a kind that the command can have; `fault` says why.
    fn check_any(
        &self,
        target: &ActionTarget,
        fault: &str,
        is_wanted: impl Fn(Source) -> bool,
    ) -> Result<(), CommandError> {
        match self.target_sources(target).into_iter().any(is_wanted) {
            true => Ok(()),
            false => Err(CommandError(format!("`{}` {fault}", target.name))),
        }
    }

    /// Whether a running spawn reads what is sent to it.
    pub(super) fn reads(&self, source: Source) -> bool {
        self.spawns.find(source).is_some_and(|(_, preset)| self.has_open_stdin(preset))
    }

    /// Whether a program of a target reads what is sent to it, if one runs.
    fn may_read(&self, target: &ActionTarget) -> bool {
        let of_entry = target.entry.and_then(|entry| match self.scenario.timeline[entry].action {
            EntryAction::Spawn(preset) => Some(preset),
            _ => None,
        });
        let of_source = target.source.and_then(|source| self.spawns.find(source)).map(|(_, preset)| preset);
        let is_unknown_source = target.source.is_some() && of_source.is_none();
        [of_entry, target.preset, of_source].into_iter().flatten().any(|preset| self.has_open_stdin(preset))
            || is_unknown_source
    }

    /// Asks one spawn or request to stop.
    pub(super) fn stop_source(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        match source {
            Source::Spawn(number) => self.stop_spawn(number, out),
            Source::Request(number) => self.cancel_request(number, out),
            Source::Guest(_) => {}
        }
    }
}
