//! What the processes of a spawn use, and the peak of its memory.
//!
//! # The peak
//!
//! The kernel gives the largest resident set of a process with its end (`ru_maxrss`, getrusage(2)). But it counts
//! from the fork: a new process has the memory of its parent until it becomes the program, and so the value is
//! never less than what the runner itself has had. A value above that is the program's own. Below it, the highest
//! mark that the program had when it was last looked at stands for it (`VmHWM`, proc(5)), which starts anew with the
//! program: shortly after its start, then ever more seldom, and before it is asked to stop. Memory that it took
//! only between the last look and its end is missing then.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tokio::time::sleep_until;

use crate::io::process::procfs;
use scenario_log::event::{SpawnSample, SpawnUsage};
use scenario_log::time::Span;
use wait4::ResourceUsage;

/// When a new program is first looked at; after that, each wait is twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A value that is less than this above the runner's own peak may still be that: the kernel counts roughly.
const UNCERTAIN: u64 = 1 << 20;

/// Watches what a spawn uses.
#[derive(Debug)]
pub(super) struct UsageWatch {
    pid: u32,
    /// The most that the kernel may have counted of the runner's own memory.
    inherited_peak: u64,
    /// The highest mark that was seen.
    seen_peak: Cell<u64>,
    /// The most processor time of its samples: a child that nobody waits for takes its own away.
    sampled_cpu: Cell<Span>,
}

impl UsageWatch {
    /// For a process that was started just now.
    pub(super) fn new(pid: u32) -> Rc<UsageWatch> {
        Rc::new(UsageWatch {
            pid,
            inherited_peak: procfs::own_peak_memory().map_or(u64::MAX, |peak| peak + UNCERTAIN),
            seen_peak: Cell::new(0),
            sampled_cpu: Cell::new(Span::ZERO),
        })
    }

    /// Looks at the peak now. Does nothing once it is certain.
    pub(super) fn look(&self) {
        if self.seen_peak.get() <= self.inherited_peak {
            let peak = procfs::peak_memory(&procfs::processes_of(self.pid, &[])).unwrap_or_default();
            self.seen_peak.set(self.seen_peak.get().max(peak));
        }
    }

    /// Looks at the peak now and then, for as long as the program runs.
    pub(super) async fn watch(&self) {
        let (began, mut age) = (tokio::time::Instant::now(), FIRST_LOOK);
        while self.seen_peak.get() <= self.inherited_peak {
            sleep_until(began + age).await;
            self.look();
            age += age.min(LONGEST_WAIT);
        }
        std::future::pending().await
    }

    /// What it had used when it ended.
    pub(super) fn at_end(&self, usage: Option<ResourceUsage>) -> SpawnUsage {
        let Some(usage) = usage else { return SpawnUsage::default() };
        let cpu = usage.utime.saturating_add(usage.stime);
        let seen = Some(self.seen_peak.get()).filter(|seen| *seen > 0);
        SpawnUsage {
            cpu: u64::try_from(cpu.as_nanos()).ok().map(Span),
            peak_memory: if usage.maxrss > self.inherited_peak { Some(usage.maxrss) } else { seen },
            exceeded: None,
        }
    }

    /// What all its processes use now; `other_children` are the runner's children that no spawn began with.
    pub(super) fn sample(&self, other_children: &[Pid]) -> Option<SpawnSample> {
        let mut sample = procfs::sample(&procfs::processes_of(self.pid, other_children))?;
        sample.cpu = sample.cpu.max(self.sampled_cpu.get());
        self.sampled_cpu.set(sample.cpu);
        Some(sample)
    }
}

/// The children of the runner that no spawn began with, and when they were looked for.
#[derive(Debug, Default)]
pub(super) struct OtherChildren(pub(super) RefCell<Option<(Instant, Rc<[Pid]>)>>);
