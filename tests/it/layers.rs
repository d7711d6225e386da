//! Imports go downward only: the layers of the code map in `src/lib.rs`, held.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom up. A module may import those before it, and itself.
const LAYERS: [&str; 7] = ["words", "scenario", "engine", "hands", "paper", "drive", "door"];

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Every layer that is named behind `crate::` in a file.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for after in line.split("crate::").skip(1) {
            found.push(after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn no_import_goes_upward() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rank = |layer: &str| LAYERS.iter().position(|other| *other == layer);
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    for file in &files {
        let inside = file.strip_prefix(&source).unwrap();
        let Some(layer) = inside.iter().next().and_then(|first| rank(first.to_str().unwrap())) else {
            continue;
        };
        let text = fs::read_to_string(file).unwrap();
        for import in imports(&text) {
            match rank(&import) {
                Some(other) if other <= layer => {}
                _ => wrong.push(format!("{} imports crate::{import}", inside.display())),
            }
        }
    }
    assert!(files.len() > 30, "the source was found");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Words that wait, read, print or know the machine's time; none may stand in what is pure.
const IMPURE: [&str; 11] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::io",
    "std::env",
    "Instant",
    "SystemTime",
    "tokio",
    "println!",
    "eprintln!",
];

#[test]
fn the_core_neither_waits_nor_prints() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for layer in ["words", "scenario", "engine"] {
        let mut files = Vec::new();
        rust_files(&source.join(layer), &mut files);
        for file in files {
            // A map whose order is chance must not come near what decides.
            let more = if layer == "engine" { &["HashMap", "HashSet"][..] } else { &[] };
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                wrong.extend(IMPURE.iter().chain(more).filter(|word| line.contains(**word)).map(|word| {
                    format!("{}:{} has {word}", file.strip_prefix(&source).unwrap().display(), number + 1)
                }));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
