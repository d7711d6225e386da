//! What `/proc` says of the processes of a spawn: which they are, and what they use (proc(5)). Reads only; a
//! process that ends meanwhile is left out.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, getpgid};

use scenario_log::event::SpawnSample;
use scenario_log::time::Span;

/// How many processes of one spawn are looked at. A program that starts more is not cheap to look at.
const MAX_PROCESSES: usize = 4_096;

const KIB: u64 = 1 << 10;

/// The processes that a spawn has now: the first one, what it and its children have started, and the orphans
/// that are still in its group. `other_children` are the runner's children that no spawn began with.
pub(super) fn processes_of(leader: u32, other_children: &[Pid]) -> BTreeSet<u32> {
    let group = pid_of(leader);
    let is_of_group = |child: &&Pid| getpgid(Some(**child)).ok() == group;
    let mut waiting = vec![leader];
    waiting.extend(
        other_children.iter().filter(is_of_group).map(|child| child.as_raw_nonzero().get().unsigned_abs()),
    );
    let mut found = BTreeSet::new();
    while let Some(pid) = waiting.pop() {
        if found.len() < MAX_PROCESSES && found.insert(pid) {
            waiting.extend(children_of(pid));
        }
    }
    found
}

/// What these processes use now; `None` if none of them is there any more.
pub(super) fn sample(processes: &BTreeSet<u32>) -> Option<SpawnSample> {
    let mut sum = SpawnSample { descriptors: Some(0), ..SpawnSample::default() };
    let page = rustix::param::page_size() as u64;
    let mut ticks = 0;
    for pid in processes {
        let Some(stat) = ProcessStat::read(*pid) else { continue };
        sum.processes += 1;
        sum.threads += stat.threads;
        sum.memory += stat.resident_pages * page;
        ticks += stat.ticks;
        // The folder of another user's process is closed.
        let open = fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|files| files.count() as u64);
        sum.descriptors = sum.descriptors.zip(open).map(|(sum, open)| sum + open);
    }
    let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    sum.cpu = Span(ticks * tick);
    (sum.processes > 0).then_some(sum)
}

/// The most memory that one of these processes has had resident so far, in bytes.
pub(super) fn peak_memory(processes: &BTreeSet<u32>) -> Option<u64> {
    processes.iter().filter_map(|pid| peak_of(&pid.to_string())).max()
}

/// The most memory that the runner has had resident so far, in bytes.
pub(super) fn own_peak_memory() -> Option<u64> {
    peak_of("self")
}

fn peak_of(pid: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * KIB)
}

/// The children of all threads of a process.
fn children_of(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn pid_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The parts of `/proc/PID/stat` that are needed.
#[derive(Debug, PartialEq, Eq)]
struct ProcessStat {
    /// The processor time of the process, and of its children that it has waited for, in clock ticks.
    ticks: u64,
    threads: u64,
    resident_pages: u64,
}

impl ProcessStat {
    fn read(pid: u32) -> Option<ProcessStat> {
        ProcessStat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `None` for a process that has ended and was not waited for: it has no memory any more.
    fn parse(stat: &str) -> Option<ProcessStat> {
        // The name, which may contain anything, stands before; the state is the third field (proc(5)).
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let number = |at: usize| field(at)?.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
        if matches!(field(3)?, "Z" | "X") {
            return None;
        }
        let times = [14, 15, 16, 17].map(number);
        Some(ProcessStat {
            ticks: times.into_iter().flatten().sum(),
            threads: number(20)?,
            resident_pages: number(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let rest = "S 1 2 2 0 -1 4194560 500 0 0 0 7 5 3 1 20 0 4 0 100 8000000 321 18446744073709551615";
        let wanted = ProcessStat { ticks: 16, threads: 4, resident_pages: 321 };
        for name in ["sh", "a b", "x) S 1", ") "] {
            assert_eq!(ProcessStat::parse(&format!("7 ({name}) {rest}\n")).as_ref(), Some(&wanted), "{name}");
        }
        assert_eq!(ProcessStat::parse(&format!("7 (sh) {}", rest.replacen('S', "Z", 1))), None);
        assert_eq!(ProcessStat::parse("7 (sh) S 1"), None);
        assert_eq!(ProcessStat::parse(""), None);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let sample = sample(&BTreeSet::from([std::process::id()])).expect("it is there");
        assert_eq!(sample.processes, 1);
        assert!(
            sample.memory > 100 * KIB && sample.threads > 0 && sample.descriptors > Some(2),
            "{sample:?}"
        );
        let peak = peak_memory(&BTreeSet::from([std::process::id()])).expect("it has one");
        assert!(peak >= sample.memory / 2 && own_peak_memory().expect("the same") >= peak);
        assert_eq!(super::sample(&BTreeSet::new()), None);
    }
}
