//! Where the bytes of a log come from: a file, a pipe, standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Opens a log; `-` is standard input.
///
/// # Errors
/// In words, why it cannot be read.
pub fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    let shown = path.display();
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(format!("cannot read {shown}: it is a folder; name the logs in it, as {shown}/*.jsonl"));
    }
    Ok(Box::new(file))
}
