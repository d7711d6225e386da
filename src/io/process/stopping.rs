//! Stops a process in order: by the command of its preset or by a signal, and by KILL when its time is over.
//!
//! A command has as long as the grace. After one that has succeeded the process has the grace to end. If one fails
//! while the process runs, this is reported, and the signal follows at once. The stop of a process is not over before
//! its command has ended, so that what the command still does is done.

use std::rc::Rc;
use std::time::Instant;

use rustix::process::Signal;
use tokio::task::spawn_local;

use crate::io::inbox::Input;
use crate::io::process::CROWD;
use crate::io::process::group::ProcessGroup;
use crate::io::process::registry::{ProcessRegistry, ProcessStopState};
use scenario_core::scenario::model::CommandPreset;
use scenario_log::event::Source;

/// A stop command that runs or is about to. Dropping it notes its end.
struct RunningStopCommand(Rc<ProcessGroup>);

impl RunningStopCommand {
    fn new(group: &Rc<ProcessGroup>) -> RunningStopCommand {
        group.set_stop_command(true);
        RunningStopCommand(Rc::clone(group))
    }
}

impl Drop for RunningStopCommand {
    fn drop(&mut self) {
        self.0.set_stop_command(false);
    }
}

impl ProcessRegistry {
    /// Begins to stop a process; false if it has ended or is being stopped.
    pub(super) fn begin_stop(self: &Rc<Self>, source: Source) -> bool {
        let mut running = self.running.borrow_mut();
        let is_crowd = running.len() > CROWD;
        let Some(process) = running.get_mut(&source) else { return false };
        let ProcessStopState::NotRequested(stop) = &process.stop_state else { return false };
        let stop = stop.clone();
        if !is_crowd {
            process.usage.look();
        }
        process.probe = None;
        let group = Rc::clone(&process.group);
        let program = process.program.clone().filter(|program| !program.stop.command.is_empty());
        group.begin_stop();
        let program = program.filter(|_| !group.is_empty());
        // Before the task runs: the process may end at once, and the task may never run.
        let command = program.map(|program| (program, RunningStopCommand::new(&group)));
        if command.is_some() {
            process.stop_state = ProcessStopState::Commanded(Instant::now());
            // What is stopped could not end. A process that waits for a stopped child of its own does not show it.
            group.signal(Signal::CONT);
        } else {
            process.stop_state = ProcessStopState::Requested(stop.clone(), Instant::now());
            group.request_stop(stop.signal);
        }
        let registry = Rc::clone(self);
        let task = spawn_local(async move {
            if let Some((program, command)) = command {
                registry.stop_by_command(source, &program, command).await;
            }
            let ended = group.wait_until_empty();
            let _ = registry.inbox.paused_time().timeout_unpaused(stop.grace.to_std(), ended).await;
            group.kill_all().await;
        });
        process.stop_task = Some(task.abort_handle());
        true
    }

    /// Asks a process to end by the command of its preset, or, if that fails, by the signal.
    async fn stop_by_command(&self, source: Source, program: &CommandPreset, command: RunningStopCommand) {
        let stop = &program.stop;
        let ended = self.short_commands.run(program, &stop.command, stop.grace.to_std()).await;
        let group = Rc::clone(&command.0);
        drop(command);
        // The command may have lost its connection just because the process has ended.
        let Some(error) = ended.err().filter(|_| !group.is_empty()) else { return };
        self.inbox.push(Input::StopFailed { source, error });
        if let Some(process) = self.running.borrow_mut().get_mut(&source) {
            process.stop_state = ProcessStopState::Requested(stop.clone(), Instant::now());
        }
        group.request_stop(stop.signal);
    }
}
