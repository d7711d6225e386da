//! The logs of real runs in `tests/logs/`, and what can be done to them.
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses another part of this")]

use std::path::Path;

use scenario_log::raw_fields;

/// All of them, by name.
pub(crate) fn logs() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let mut logs: Vec<_> = logs
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    logs.sort();
    assert!(logs.len() > 20);
    logs
}

/// One of them.
pub(crate) fn log(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/logs/{name}.jsonl"))).unwrap()
}

/// The lines of a log, each with its end.
pub(crate) fn lines(log: &[u8]) -> Vec<Vec<u8>> {
    log.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// These lines with the sum that is right for them in the last, if it has one.
pub(crate) fn with_sum(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut log = lines.concat();
    let before = log.len() - lines.last().unwrap().len();
    let sum = format!("\"{:08x}\"}}\n", crc32c::crc32c(&log[..before]));
    let at = log.len() - sum.len();
    if log[..at].ends_with(b"\"crc32c\":") {
        log[at..].copy_from_slice(sum.as_bytes());
    }
    log
}

/// The keys of a line with their values as they stand there.
pub(crate) fn keys(line: &[u8]) -> Vec<(String, String)> {
    let fields = raw_fields::parse_fields(line).unwrap();
    fields.into_iter().map(|field| (field.key.into_owned(), field.value.to_owned())).collect()
}

/// The value of a key of a line, without quotes.
pub(crate) fn value(line: &[u8], key: &str) -> Option<String> {
    let (_, value) = keys(line).into_iter().find(|(known, _)| known == key)?;
    Some(value.trim_matches('"').to_owned())
}

/// A line of these keys.
pub(crate) fn line(keys: &[(String, String)]) -> Vec<u8> {
    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", keys.join(",")).into_bytes()
}
