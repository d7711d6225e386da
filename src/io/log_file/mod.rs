//! Where the bytes of a log come from: a file, a pipe, standard input.

pub mod writer;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

/// Opens a log; `-` is standard input.
///
/// # Errors
/// In words, why it cannot be read.
pub fn open_log(path: &Path) -> Result<Box<dyn Read>, String> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(open_log_file(path)?))
}

/// The same as a file, for whoever goes to and fro in it.
///
/// # Errors
/// In words, why it cannot be read.
pub fn open_log_file(path: &Path) -> Result<File, String> {
    let shown = path.display();
    let refused = |error| format!("cannot read {shown}: {error}");
    if path.as_os_str() == "-" {
        return io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(refused);
    }
    let file = File::open(path).map_err(refused)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(format!("cannot read {shown}: it is a folder; name the logs in it, as {shown}/*.jsonl"));
    }
    Ok(file)
}
