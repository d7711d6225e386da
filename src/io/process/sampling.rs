//! Reports what the processes of a spawn use, at the period of its preset, until it has ended.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tokio::task::spawn_local;

use crate::io::inbox::Input;
use crate::io::process::orphans;
use crate::io::process::registry::ProcessRegistry;
use crate::io::process::usage::UsageWatch;
use scenario_log::event::Source;

/// The shortest period of samples, whatever the speed of the run.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// How long the other children of the runner count as known.
const CHILDREN_LIFETIME: Duration = Duration::from_millis(20);

impl ProcessRegistry {
    /// Reports samples of a process that was just started, if its preset wants them.
    pub(super) fn start_sampling(self: &Rc<Self>, source: Source, preset: usize, usage: &Rc<UsageWatch>) {
        let resources = self.context.scenario.presets[preset].command().map(|command| &command.resources);
        let Some(period) = resources.and_then(|resources| resources.sample) else { return };
        let period = Duration::from_nanos((period.0 as f64 / self.context.speed) as u64).max(SHORTEST_PERIOD);
        let (registry, usage) = (Rc::clone(self), Rc::clone(usage));
        spawn_local(async move { registry.report_samples(source, period, &usage).await });
    }

    /// Reports samples at a period of the machine's time, until the process has ended. Those are left out whose
    /// time falls into a pause of the run, or has passed while another was made.
    async fn report_samples(&self, source: Source, period: Duration, usage: &UsageWatch) {
        let began = Instant::now();
        let mut count = 1;
        loop {
            let due = period.saturating_mul(count).saturating_sub(began.elapsed());
            self.inbox.paused_time().sleep_unpaused(due).await;
            if !self.running.borrow().contains_key(&source) {
                return;
            }
            if !self.paused.get()
                && let Some(sample) = usage.sample(&self.other_children())
            {
                self.inbox.push(Input::SpawnSampled { source, sample });
            }
            let passed = began.elapsed().as_nanos() / period.as_nanos().max(1);
            count = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
        }
    }

    /// The runner's children that no spawn began with. Many samples at once look for them once.
    fn other_children(&self) -> Rc<[Pid]> {
        let mut known = self.other_children.0.borrow_mut();
        if let Some((at, children)) = &*known
            && at.elapsed() < CHILDREN_LIFETIME
        {
            return Rc::clone(children);
        }
        let leaders: HashSet<Pid> =
            self.running.borrow().values().filter_map(|process| process.group.leader()).collect();
        let children: Rc<[Pid]> =
            orphans::children().into_iter().filter(|child| !leaders.contains(child)).collect();
        *known = Some((Instant::now(), Rc::clone(&children)));
        children
    }
}
