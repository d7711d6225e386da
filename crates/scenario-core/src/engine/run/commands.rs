//! Carries out the commands that a person types. A command that cannot be carried out now is refused with a
//! reason, and changes nothing.

use std::rc::Rc;

use super::RunState;
use crate::engine::console_command::{CommandError, ConsoleCommand, parse_command, sent_text};
use crate::engine::effect::Effect;
use crate::engine::output::EngineOutput;
use crate::scenario::model::{EntryAction, PresetKind, Scenario, StdinMode};
use scenario_log::event::{Event, Source};

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
            }
        }
    }

    /// Returns the command if it can be carried out now.
    fn check_possible<'a>(&self, command: ConsoleCommand<'a>) -> Result<ConsoleCommand<'a>, CommandError> {
        if !self.lifecycle.is_running() && command != ConsoleCommand::Status {
            return Err(CommandError("the run is ending".to_owned()));
        }
        let runs = |entry: usize| {
            let id = self.scenario.entry_name(entry).unwrap_or_default();
            if self.sources_of(entry).is_empty() && self.jobs.loads_of_entry(entry).next().is_none() {
                Err(CommandError(format!("`{id}` does not run")))
            } else {
                Ok(())
            }
        };
        match &command {
            ConsoleCommand::Stop(target) => runs(*target)?,
            ConsoleCommand::Send { to, .. } => {
                if !has_open_stdin(&self.scenario, *to) {
                    let reason = "it reads nothing: only a program with `stdin = \"open\"` does";
                    return Err(CommandError(reason.to_owned()));
                }
                runs(*to)?;
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
                self.stop_loads(target, None, out);
                for source in self.sources_of(target) {
                    out.emit_stopping(Some(source), "typed");
                    self.stop_source(source, out);
                }
            }
            ConsoleCommand::Send { to, text } => {
                let sent = unredacted.map_or(text, sent_text);
                for source in self.sources_of(to) {
                    out.event(&Event::Sent {
                        due: Some(due),
                        source: Some(source),
                        entry: None,
                        text: Some(text),
                        error: None,
                    });
                    out.effect(Effect::SendLine { source, bytes: format!("{sent}\n").into_bytes() });
                }
            }
            ConsoleCommand::Status => out.effect(Effect::ShowStatus),
            ConsoleCommand::Quit => self.quit_run(out),
        }
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

/// Whether the program of an entry reads what is sent to it.
fn has_open_stdin(scenario: &Scenario, entry: usize) -> bool {
    let EntryAction::Spawn(preset) = scenario.timeline[entry].action else { return false };
    matches!(&scenario.presets[preset].kind, PresetKind::Command(command) if command.stdin == StdinMode::Open)
}
