//! Probes programs: one attempt after the other until a program is ready, and, once it is ready, at intervals
//! whether it is still alive. The engine decides how long a program may take to become ready, and what follows when it
//! is not alive.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use super::short_command::ShortCommands;
use crate::io::RunContext;
use crate::io::http::probe::{NetworkProber, ProbePeer, ProbeProgress, ProbeTarget};
use crate::io::inbox::{Inbox, Input};
use scenario_core::scenario::model::{CommandPreset, ProbeTest, ScenarioText};
use scenario_log::event::Source;
use scenario_log::time::Span;

/// The pauses after the first attempts: many programs are ready within milliseconds.
const FIRST_PAUSES: [Duration; 4] = [
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
];

/// The shortest pause between two probes, so that those that fail at once leave time for the run.
const MIN_PAUSE: Duration = Duration::from_millis(1);

/// How many commands that probe run at a time, for all programs.
const MAX_PROBE_COMMANDS: usize = 32;

/// Probes the programs of a run.
#[derive(Debug)]
pub(super) struct ProgramProber {
    context: Rc<RunContext>,
    inbox: Rc<Inbox>,
    network: NetworkProber,
    commands: Rc<ShortCommands>,
    command_permits: Semaphore,
}

/// A program that is being probed. Dropping this ends the probing, and a command that probes.
#[derive(Debug)]
pub(super) struct ProbeHandle(AbortHandle);

impl Drop for ProbeHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A probe that can be repeated.
enum Probe {
    Network(ProbeTarget),
    /// The program that the command is about, and the command with its arguments.
    Command(Rc<CommandPreset>, Vec<ScenarioText>),
}

impl Probe {
    fn new(program: &Rc<CommandPreset>, test: &ProbeTest) -> Option<Probe> {
        match test {
            ProbeTest::Command(argv) => Some(Probe::Command(Rc::clone(program), argv.clone())),
            ProbeTest::Tcp(_) | ProbeTest::Http(_) => ProbeTarget::new(test).map(Probe::Network),
        }
    }
}

impl ProgramProber {
    pub(super) fn new(
        context: Rc<RunContext>,
        inbox: Rc<Inbox>,
        commands: Rc<ShortCommands>,
    ) -> Rc<ProgramProber> {
        let network = NetworkProber::new(context.folder.clone());
        let command_permits = Semaphore::new(MAX_PROBE_COMMANDS);
        Rc::new(ProgramProber { context, inbox, network, commands, command_permits })
    }

    /// Probes a program until it is ready, and then leaves `SpawnReady` in the inbox. `None` if there is
    /// nothing to probe.
    pub(super) fn start_readiness(
        self: &Rc<Self>,
        source: Source,
        program: &Rc<CommandPreset>,
    ) -> Option<ProbeHandle> {
        let ready = program.ready.as_ref()?;
        let probe = Probe::new(program, ready.probe()?)?;
        let (prober, poll) = (Rc::clone(self), ready.poll.to_std());
        let longest = ready.try_timeout.min(ready.timeout).to_std();
        let task = spawn_local(async move {
            let mut first_pauses = FIRST_PAUSES.into_iter();
            let report = ProbeReport { prober: &prober, source, last: RefCell::default() };
            while let Err(result) = prober.probe_in_time(&probe, longest, &report).await {
                report.tell(result);
                sleep(first_pauses.next().map_or(poll, |pause| pause.min(poll))).await;
            }
            prober.inbox.push(Input::SpawnReady { source });
        });
        Some(ProbeHandle(task.abort_handle()))
    }

    /// Probes a program at intervals until as many probes have failed one after the other as its preset says, and
    /// then leaves `SpawnUnhealthy` in the inbox. `None` if there is nothing to probe.
    pub(super) fn start_liveness(
        self: &Rc<Self>,
        source: Source,
        program: &Rc<CommandPreset>,
    ) -> Option<ProbeHandle> {
        let alive = program.alive.clone()?;
        let probe = Probe::new(program, &alive.test)?;
        let prober = Rc::clone(self);
        let task = spawn_local(async move {
            let paused_time = prober.inbox.paused_time();
            let (every, limit) = (alive.every.to_std(), alive.try_timeout.to_std());
            let mut pause = every;
            let mut failed = 0;
            loop {
                paused_time.sleep_unpaused(pause).await;
                let started = Instant::now();
                match prober.probe_once(&probe, limit).await {
                    Ok(()) => failed = 0,
                    Err(_) if failed + 1 < alive.failures => failed += 1,
                    Err(result) => {
                        let last_try = prober.context.secrets.redact(&result);
                        return prober.inbox.push(Input::SpawnUnhealthy { source, last_try });
                    }
                }
                pause = every.saturating_sub(started.elapsed()).max(MIN_PAUSE);
            }
        });
        Some(ProbeHandle(task.abort_handle()))
    }

    /// The other end of a connection to the target, if one succeeds now.
    pub(super) async fn connect(&self, target: &ProbeTarget) -> Option<ProbePeer> {
        self.network.connect(target).await
    }

    /// Whether one attempt succeeds that takes no longer than this; the error is what the attempt came to.
    async fn probe_once(&self, probe: &Probe, limit: Duration) -> Result<(), String> {
        match probe {
            Probe::Network(target) => {
                let progress = ProbeProgress::default();
                let attempt = self.network.attempt(target, &progress);
                let ended = self.inbox.paused_time().timeout_unpaused(limit, attempt).await;
                ended.unwrap_or_else(|| Err(progress.too_slow(Span::from_std(limit))))
            }
            Probe::Command(program, argv) => {
                // The semaphore is never closed, so this cannot fail.
                let _permit = self.command_permits.acquire().await;
                self.commands.run(program, argv, limit).await
            }
        }
    }

    /// The same for a program that is to become ready. The time of the program may be over at the same moment as
    /// that of the attempt, so the report gets the result of an attempt before its time is quite over.
    async fn probe_in_time(
        &self,
        probe: &Probe,
        longest: Duration,
        report: &ProbeReport<'_>,
    ) -> Result<(), String> {
        let early = longest * 3 / 4;
        let Probe::Network(target) = probe else {
            let mut attempt = pin!(self.probe_once(probe, longest));
            return match timeout(early, &mut attempt).await {
                Ok(ended) => ended,
                Err(_) => {
                    report.tell(format!("not done within {}", Span::from_std(early).format_human()));
                    attempt.await
                }
            };
        };
        let progress = ProbeProgress::default();
        let mut attempt = pin!(self.network.attempt(target, &progress));
        let too_slow = || progress.too_slow(Span::from_std(early));
        let mut ended = timeout(early, &mut attempt).await;
        if ended.is_err() {
            report.tell(too_slow());
            ended = timeout(longest - early, attempt).await;
        }
        ended.unwrap_or_else(|_| Err(too_slow()))
    }
}

/// Tells the engine what the attempts for one program come to.
struct ProbeReport<'a> {
    prober: &'a ProgramProber,
    source: Source,
    /// The last message.
    last: RefCell<String>,
}

impl ProbeReport<'_> {
    /// Tells what an attempt came to, if that is new.
    fn tell(&self, result: String) {
        if *self.last.borrow() == result {
            return;
        }
        let shown = self.prober.context.secrets.redact(&result);
        self.prober.inbox.push(Input::ProbeFailed { source: self.source, result: shown });
        *self.last.borrow_mut() = result;
    }
}
