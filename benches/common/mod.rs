//! Shared by the benches: scenarios from text, temporary files, costs of processes, statistics.
#![allow(dead_code, clippy::allow_attributes, reason = "each bench uses a different part of this module")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on has no result")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::{FileContent, FileProvider, FileReadError, ScenarioOptions, load_scenario};
use scenario_log::event::ClockKind;

/// A file that does not exist before and is removed afterwards: truncating a large file would be measured
/// too.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(format!("{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        BufReader::new(std::fs::File::open(&self.0).unwrap()).lines().map(Result::unwrap)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str) -> Scenario {
    struct Text<'a>(&'a str);
    impl FileProvider for Text<'_> {
        fn read(&self, _: &Path) -> Result<FileContent, FileReadError> {
            Ok(FileContent { bytes: self.0.as_bytes().to_vec(), identity: "bench".to_owned() })
        }
    }
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Real };
    match load_scenario(Path::new("bench.toml"), &Text(text), &options) {
        Ok(loaded) => loaded.scenario,
        Err(failure) => panic!("{:#?}", failure.diagnostics),
    }
}

/// The processor time of this process so far: of all its threads, and of none of its children.
pub(crate) fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The processor time of the children that have ended and been waited for, and of their children, in
/// steps of a hundredth of a second (proc(5), `cutime` and `cstime`).
pub(crate) fn processor_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    Duration::from_millis(fields[13..15].iter().map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}

/// The peak of this process's memory since [`forget_peak`], in MiB.
pub(crate) fn peak_memory() -> f64 {
    peak_memory_of("self").unwrap()
}

/// The same for another process. `None` once it has ended.
pub(crate) fn peak_memory_of(pid: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0)
}

/// Resets the peak to the memory in use now (proc(5), `clear_refs`).
pub(crate) fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The median of these figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The quantile of sorted figures at `part`, from 0 to 1.
pub(crate) fn quantile(sorted: &[u64], part: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}
