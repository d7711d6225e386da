//! Programs with limits, or as another user. Only a process itself can take these on before its first
//! instruction, and no code of ours may run between fork and exec. So this program is started again
//! ([`child`]), as for a terminal: it takes them on, and then becomes the program, under the same process number.
//!
//! Its standard error is a pipe on which it writes why it could not, which the kernel closes as soon as the
//! program runs. It opens the real one through the runner, whose number and descriptor its name contains.
//!
//! Memory and processes are limited by a control group where one can be made ([`cgroup`]), and by the limits of
//! each process elsewhere.

pub mod cgroup;
pub mod child;
mod user;

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use rustix::process::getpid;

use crate::io::notices::Notices;
use crate::io::own_program::{PROGRAM_NAME, RUNNING_PROGRAM};
use crate::io::process::start_error::ProcessStartError;
use cgroup::{ControlGroups, ProgramGroup};
use scenario_core::scenario::model::CommandPreset;
use user::ProgramUser;

/// The hidden command of this program that becomes another program with limits or as another user.
pub const EXEC_PREPARED_COMMAND: &str = "prepared";

/// The start of the name of such a process, before the runner's process and descriptor.
const ARGV0_PREFIX: &str = "scenario: starts for ";

/// The time between the signal that ends a program for its processor time and the KILL that does.
const CPU_GRACE_SECONDS: u64 = 1;

/// What a program takes on before it starts.
#[derive(Debug)]
pub(super) struct Preparation {
    user: Option<ProgramUser>,
    pub(super) group: Option<ProgramGroup>,
    limits: Vec<(&'static str, u64, u64)>,
}

impl Preparation {
    /// Prepares it for one spawn; `None` if its preset wants none of it.
    pub(super) fn new(
        preset: &CommandPreset,
        (groups, notices): (&Rc<ControlGroups>, &Notices),
    ) -> Result<Option<Preparation>, ProcessStartError> {
        let resources = &preset.resources;
        if resources.limits.is_empty() && resources.user.is_none() {
            return Ok(None);
        }
        let user = resources.user.as_deref().map(ProgramUser::find).transpose();
        let user = user.map_err(ProcessStartError::Permanent)?;
        let limits = &resources.limits;
        let group = groups.make(limits.memory, limits.processes);
        groups.note_missing(limits.memory.is_some(), limits.processes.is_some(), notices);
        let is_limited = |what: fn(&ProgramGroup) -> bool| group.as_ref().is_some_and(what);
        let hard = |name, value: Option<u64>| value.map(|value| (name, value, value));
        // A control group counts what is in use; this counts what is asked for, and so would refuse more.
        let memory = limits.memory.filter(|_| !is_limited(ProgramGroup::limits_memory));
        let cpu = limits.cpu.map(|cpu| cpu.0.div_ceil(1_000_000_000));
        let limits = [
            hard("data", memory),
            hard("files", limits.files.map(u64::from)),
            hard("processes", limits.processes.map(u64::from)),
            hard("file-size", limits.file_size),
            cpu.map(|cpu| ("cpu", cpu, cpu + CPU_GRACE_SECONDS)),
        ];
        Ok(Some(Preparation { user, group, limits: limits.into_iter().flatten().collect() }))
    }

    /// The command that runs `program` under the name `called`. The program's arguments are still to be added, and
    /// [`name_for`] names it, unless it is started on a terminal.
    pub(super) fn command(&self, program: &Path, called: &OsStr, pty: bool) -> Command {
        let mut command = Command::new(RUNNING_PROGRAM);
        command.arg0(PROGRAM_NAME).arg(EXEC_PREPARED_COMMAND);
        if pty {
            command.arg("--terminal");
        }
        for (name, soft, hard) in &self.limits {
            command.arg("--limit").arg(format!("{name}={soft}:{hard}"));
        }
        for file in self.group.iter().flat_map(ProgramGroup::procs_files) {
            command.arg("--join").arg(file);
        }
        if let Some(user) = &self.user {
            command.arg("--user").arg(user.to_argument());
        }
        command.arg("--").arg(program).arg(called);
        command
    }

    /// The variables that say who the user is.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        self.user.iter().flat_map(ProgramUser::variables)
    }

    /// Whether the number of its descriptors is limited.
    pub(super) fn limits_files(&self) -> bool {
        self.limits.iter().any(|(name, ..)| *name == "files")
    }
}

/// The name of a process that is to become a program, whose standard error is this descriptor of ours.
pub(super) fn argv0(stderr: &impl AsFd) -> String {
    format!("{ARGV0_PREFIX}{} {}", getpid(), stderr.as_fd().as_raw_fd())
}

/// The file of the standard error that such a name tells.
fn stderr_file(name: &str) -> Option<String> {
    let (runner, descriptor) = name.strip_prefix(ARGV0_PREFIX)?.split_once(' ')?;
    let (runner, descriptor): (u32, u32) = (runner.parse().ok()?, descriptor.parse().ok()?);
    Some(format!("/proc/{runner}/fd/{descriptor}"))
}

/// Names a new process for its standard error.
pub(super) fn name_for(command: &mut Command, stderr: &impl AsFd) {
    command.arg0(argv0(stderr));
}
