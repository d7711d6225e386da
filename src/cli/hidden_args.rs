//! The arguments of the hidden commands, by which the program starts itself again to become another program.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// `scenario on-terminal`.
#[derive(Args, Debug)]
pub struct PtyChildArgs {
    /// The program, its name for itself, and its arguments
    #[arg(required = true, num_args = 2.., last = true, value_name = "WORD")]
    pub argv: Vec<OsString>,
}

/// The arguments of `scenario prepared`.
#[derive(Args, Debug)]
pub struct PreparedArgs {
    /// Take the terminal that is standard input
    #[arg(long)]
    pub terminal: bool,
    /// Set a limit
    #[arg(long = "limit", value_name = "NAME=SOFT:HARD")]
    pub limits: Vec<String>,
    /// Join the control group of this file
    #[arg(long = "join", value_name = "FILE")]
    pub joined: Vec<PathBuf>,
    /// Become this user
    #[arg(long, value_name = "UID:GID:GROUPS")]
    pub user: Option<String>,
    /// The program, its name for itself, and its arguments
    #[arg(required = true, num_args = 2.., last = true, value_name = "WORD")]
    pub argv: Vec<OsString>,
}
