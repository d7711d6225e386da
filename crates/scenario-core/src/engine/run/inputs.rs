//! Applies inputs from outside to a run. An input whose source does not run changes nothing.

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::input::Input;
use crate::engine::output::EngineOutput;
use crate::engine::run::output_lines::OutputChunk;
use crate::engine::spawns::SpawnExitReport;
use crate::engine::unfinished::LineMatches;
use scenario_log::event::{Direction, Event, Source};
use scenario_log::name::PlayerName;
use scenario_log::time::Span;

impl RunState {
    /// Takes an input: what is due by now happens before it, and what it causes after it.
    pub(crate) fn handle_input(&mut self, input: &Input, out: &mut EngineOutput<'_>) {
        // Any input that no person caused is the consequence of something that was due.
        self.has_begun |= !matches!(
            input,
            Input::CommandTyped { .. }
                | Input::KeysTyped { .. }
                | Input::SignalReceived(_)
                | Input::RunPaused
        );
        if self.has_begun {
            self.settle(out);
        }
        if !self.lifecycle.is_over() {
            self.apply_input(input, out);
        }
        if self.has_begun {
            self.settle(out);
        }
    }

    fn apply_input(&mut self, input: &Input, out: &mut EngineOutput<'_>) {
        match *input {
            Input::SpawnStarted { source, pid } => self.process_started(source, pid, out),
            Input::SpawnFailed { source, ref error } => self.spawn_failed(source, error, out),
            Input::SpawnReady { source } => self.probe_answered(source, out),
            Input::ProbeFailed { source, ref result } => self.spawns.note_failed_probe(source, result),
            Input::SpawnUnhealthy { source, ref last_try } => self.spawn_unhealthy(source, last_try, out),
            Input::StopFailed { source, ref error } => self.stop_failed(source, error, out),
            Input::SpawnSuspended { source, signal } => self.spawn_suspended(source, signal, out),
            Input::SpawnResumed { source } => self.spawn_resumed(source, out),
            Input::SpawnLines { source, stream, ref chunk, ref said, partial } => {
                let chunk = OutputChunk { stream, chunk, said: said.as_deref(), partial };
                self.spawn_lines(source, chunk, out);
            }
            Input::SpawnText { source, stream, ref text, ref said } => {
                self.spawn_text(source, stream, (text, said.as_deref().unwrap_or(text)), out);
            }
            Input::LineMatched { source, stream, ref decision } => {
                self.line_matched(source, stream, LineMatches::from_log(decision), out);
            }
            Input::SpawnExited { source, exit, held, killed, skipped, usage } => {
                let end = SpawnExitReport {
                    exit,
                    is_output_held: held,
                    is_group_killed: killed,
                    skipped_states: skipped,
                    usage,
                };
                self.process_exited(source, end, out);
            }
            Input::SpawnSampled { source, sample } => self.spawn_sampled(source, sample, out),
            Input::SendFailed { source, ref error } => self.send_failed(source, error, out),
            Input::ResponseStarted { source, status, ref version, ref headers } => {
                if self.logs_response_head(source) {
                    out.event(&Event::FetchResponded { source, status, version, headers });
                }
            }
            Input::ResponseLines { source, ref chunk } => self.body_lines(source, chunk, out),
            Input::FetchFinished { source, ref fetched } => self.fetch_finished(source, fetched, out),
            Input::FetchFailed { source, kind, ref error, took, sent } => {
                self.fetch_failed(source, (kind, error, took, sent), out);
            }
            Input::PlayerJoined { source, ref player } => self.guest_joined(source, player, out),
            Input::PlayerMoved { source, direction } => self.guest_moved(source, direction, out),
            Input::PlayerLeft { source } => self.guest_left(source, out),
            Input::LinkOpened(ref at) => self.link_opened(at, out),
            Input::LinkClosed { ref at, ref closing } => self.link_closed(at, closing, out),
            Input::CommandTyped { ref text, ref unredacted } => {
                self.command_typed(text, unredacted.as_deref(), out);
            }
            Input::KeysTyped { source, ref text, ref unredacted, close } => {
                self.keys_typed(source, (text, unredacted.as_deref()), close, out);
            }
            Input::SignalReceived(signal) => self.signal_received(signal, out),
            Input::InternalError { ref error } => self.internal_error(error, out),
            Input::RunPaused => self.pause_run(out),
            Input::RunResumed { took } => self.resume_run(took, out),
        }
    }

    /// Suspends the run. The engine's clock stands still until it continues, so the pause takes no time.
    fn pause_run(&mut self, out: &mut EngineOutput<'_>) {
        if self.lifecycle.pause() {
            out.event(&Event::RunPaused);
            out.effect(Effect::SuspendRun);
        }
    }

    fn resume_run(&mut self, took: Span, out: &mut EngineOutput<'_>) {
        if self.lifecycle.resume() {
            out.event(&Event::RunResumed { took });
        }
    }

    /// The number of a guest. Once the run is ending, the inputs of guests are ignored.
    fn guest_number(&self, source: Source) -> Option<u32> {
        match source {
            Source::Guest(number) if self.lifecycle.is_running() => Some(number),
            _ => None,
        }
    }

    fn guest_joined(&mut self, source: Source, player: &str, out: &mut EngineOutput<'_>) {
        let Some(number) = self.guest_number(source) else { return };
        if self.guests.join(number, player) {
            out.emit_guest_joined(source, number, PlayerName::from_full_name(player));
        }
    }

    fn guest_moved(&self, source: Source, direction: Direction, out: &mut EngineOutput<'_>) {
        if let Some(player) = self.guest_number(source).and_then(|number| self.guests.player(number)) {
            out.emit_move(None, source, player, direction.into());
        }
    }

    fn guest_left(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        if self.guest_number(source).is_some_and(|number| self.guests.leave(number)) {
            out.event(&Event::PlayerLeft { source });
            out.remove_from_world(source);
        }
    }
}
