//! The other side of such a start, in the process that is to become the program. Returns only with the
//! reason why it did not: the number of the system's error, or a message.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use rustix::fs::{Access, fchown};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use rustix::stdio::{dup2_stderr, stderr, stdin, stdout};

use super::stderr_file;
use crate::io::process::pty::child::{PtyExecError, take_terminal, would_need_shell};

/// What the process is to take on, as its arguments say it.
#[derive(Debug)]
pub struct ChildPreparation<'a> {
    /// Whether its standard input is a terminal to take, and to be its standard error too.
    pub terminal: bool,
    /// The limits: `NAME=SOFT:HARD`.
    pub limits: &'a [String],
    /// The files of the control groups to join.
    pub joined: &'a [PathBuf],
    /// The user: `UID:GID:GROUP,GROUP`.
    pub user: Option<&'a str>,
}

/// Takes it on and becomes the program `words[0]`, with the name `words[1]` and the arguments `words[2..]`.
/// Returns only if it cannot.
pub fn exec_prepared(preparation: &ChildPreparation<'_>, words: &[OsString]) -> PtyExecError {
    match prepare(preparation, words) {
        Ok((mut command, pipe)) => {
            let error = command.exec();
            // The error goes to the pipe again. It cannot fail, since the pipe was there before.
            let _ = dup2_stderr(&pipe);
            if preparation.user.is_some() && error.kind() == io::ErrorKind::PermissionDenied {
                return message("its `user` may not execute it: permission denied");
            }
            error.raw_os_error().map_or_else(|| message(&error.to_string()), PtyExecError::Errno)
        }
        Err(error) => error,
    }
}

/// Does all of it but the last step; gives the command, and the pipe for its error.
fn prepare(
    preparation: &ChildPreparation<'_>,
    words: &[OsString],
) -> Result<(Command, std::os::fd::OwnedFd), PtyExecError> {
    let [program, called, arguments @ ..] = words else {
        return Err(message("a program and its name are wanted"));
    };
    let mut command = Command::new(program);
    command.arg0(called).args(arguments);
    if would_need_shell(program) {
        return Err(errno(Errno::NOEXEC));
    }
    // The pipe stays open until the program runs, which closes it.
    let pipe = fcntl_dupfd_cloexec(stderr(), 3).map_err(errno)?;
    let output = if preparation.terminal {
        take_terminal()?;
        None
    } else {
        Some(open_stderr()?)
    };
    for file in preparation.joined {
        fs::write(file, "0")
            .map_err(|error| message(&format!("it cannot join its control group: {error}")))?;
    }
    for limit in preparation.limits {
        set_limit(limit)?;
    }
    if let Some(user) = preparation.user {
        become_user(user, &|uid| match &output {
            Some(stderr) => [fchown(stdout(), Some(uid), None), fchown(stderr, Some(uid), None)],
            None => [fchown(stdin(), Some(uid), None), Ok(())],
        })?;
    }
    match &output {
        Some(file) => dup2_stderr(file).map_err(errno)?,
        None => dup2_stderr(stdin()).map_err(errno)?,
    }
    Ok((command, pipe))
}

/// Opens the standard error of the program through the runner.
fn open_stderr() -> Result<fs::File, PtyExecError> {
    let name = std::env::args_os().next();
    let file = name.as_deref().and_then(OsStr::to_str).and_then(stderr_file);
    let Some(file) = file else { return Err(message("its standard error is not known")) };
    let opened = OpenOptions::new().write(true).open(file);
    opened.map_err(|error| message(&format!("its standard error cannot be opened: {error}")))
}

fn set_limit(limit: &str) -> Result<(), PtyExecError> {
    let parsed = limit.split_once('=').and_then(|(name, values)| {
        let (soft, hard) = values.split_once(':')?;
        Some((name, resource(name)?, soft.parse::<u64>().ok()?, hard.parse::<u64>().ok()?))
    });
    let Some((name, resource, soft, hard)) = parsed else {
        return Err(message(&format!("`{limit}` is not a limit")));
    };
    setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) }).map_err(|error| {
        let most = getrlimit(resource).maximum.map_or("none".to_owned(), |most| most.to_string());
        message(&format!(
            "its limit of {name} cannot be {soft}: {} (the runner's own is {most})",
            io::Error::from(error)
        ))
    })
}

fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "data" => Resource::Data,
        "files" => Resource::Nofile,
        "processes" => Resource::Nproc,
        "file-size" => Resource::Fsize,
        "cpu" => Resource::Cpu,
        _ => return None,
    })
}

/// Becomes a user for good: the groups first, which only root can change. `give` gives the user the outputs, which
/// are pipes or a terminal of the runner's: a program may open them again, as `/dev/stderr`.
fn become_user(
    user: &str,
    give: &dyn Fn(rustix::process::Uid) -> [Result<(), Errno>; 2],
) -> Result<(), PtyExecError> {
    let mut parts = user.split(':');
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let (Some(uid), Some(gid)) = (number(), number()) else {
        return Err(message(&format!("`{user}` is not a user")));
    };
    let groups = user.rsplit(':').next().unwrap_or_default();
    let groups: Vec<Gid> =
        groups.split(',').filter_map(|group| group.parse().ok()).map(Gid::from_raw).collect();
    let failed = |what: &str, error: nix::errno::Errno| {
        message(&format!("it cannot be given its {what}: {}", io::Error::from(error)))
    };
    if geteuid().is_root() {
        setgroups(&groups).map_err(|error| failed("groups", error))?;
        // Without it the program can still write to those that it has.
        let _ = give(rustix::process::Uid::from_raw(uid));
    }
    setgid(Gid::from_raw(gid)).map_err(|error| failed("group", error))?;
    setuid(Uid::from_raw(uid)).map_err(|error| failed("user", error))?;
    if rustix::fs::access(".", Access::EXEC_OK).is_err() {
        return Err(message("its `user` may not enter its working folder: permission denied"));
    }
    Ok(())
}

fn message(text: &str) -> PtyExecError {
    PtyExecError::Message(text.to_owned())
}

fn errno(error: Errno) -> PtyExecError {
    PtyExecError::Errno(error.raw_os_error())
}
