//! The shape of the house, held: imports go downward only and never in a circle, the core neither
//! waits nor prints, and a type's name is used once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::project;

/// The rooms of `src` from the bottom up. A room may import those before it, and itself.
const ROOMS: [&str; 12] = [
    "assets", "io", "report", "terminal", "diff", "extract", "web", "run", "replay", "playback", "explore",
    "cli",
];

/// The crates, each with the folder of its source.
const CRATES: [(&str, &str); 3] = [
    ("scenario_log", "crates/scenario-log/src"),
    ("scenario_core", "crates/scenario-core/src"),
    ("scenario", "src"),
];

/// A source file: its module's path from the root of its crate, and its code without comments and unit tests.
struct SourceFile {
    path: PathBuf,
    module: Vec<String>,
    code: String,
}

fn source_files(folder: &str) -> Vec<SourceFile> {
    let root = project().join(folder);
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(SourceFile { module: module(&root, &path), code: code(&path), path });
            }
        }
    }
    assert!(files.len() > 10, "the source of {folder} was found");
    files
}

fn module(root: &Path, path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    let mut parts: Vec<String> = inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path that the code names, a `use` with its braces opened: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_name) {
        let is_path_start = !rest[..start].ends_with([':', '.', '$']);
        rest = &rest[start..];
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if is_path_start && rest[length..].starts_with("::") {
            rest = path(rest, &mut Vec::new(), &mut found);
        } else {
            rest = &rest[length..];
        }
    }
    found
}

/// Reads one path that continues `before`, and returns the rest of the text.
fn path<'a>(mut rest: &'a str, before: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = before.len();
    loop {
        rest = rest.trim_start();
        if let Some(inner) = rest.strip_prefix('{') {
            rest = inner;
            loop {
                rest = rest.trim_start().trim_start_matches(',').trim_start();
                if let Some(after) = rest.strip_prefix('}') {
                    before.truncate(depth);
                    return after;
                }
                let left = path(rest, before, found);
                assert!(left.len() < rest.len(), "a path that is not understood: {:.40}", rest);
                rest = left;
                if let Some(alias) = rest.trim_start().strip_prefix("as ") {
                    rest = alias.trim_start().trim_start_matches(is_name);
                }
            }
        }
        let length = rest.find(|c| !is_name(c) && c != '*').unwrap_or(rest.len());
        before.push(rest[..length].to_owned());
        rest = &rest[length..];
        match rest.strip_prefix("::") {
            Some(next) if next.starts_with(|c: char| is_name(c) || c == '{' || c == '*') => rest = next,
            _ => {
                found.push(before.clone());
                before.truncate(depth);
                return rest;
            }
        }
    }
}

/// The module that a path leads into, from the root of the crate; none if it is another crate's.
fn target(path: &[String], from: &[String], modules: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut absolute: Vec<String> = match path[0].as_str() {
        "crate" => path[1..].to_vec(),
        "self" => from.iter().chain(&path[1..]).cloned().collect(),
        "super" => {
            let up = path.iter().take_while(|part| *part == "super").count();
            from[..from.len().checked_sub(up)?].iter().chain(&path[up..]).cloned().collect()
        }
        child => {
            let mut inside = from.to_vec();
            inside.push(child.to_owned());
            if !modules.contains(&inside) {
                return None;
            }
            from.iter().chain(path).cloned().collect()
        }
    };
    while !modules.contains(&absolute) {
        absolute.pop()?;
    }
    Some(absolute)
}

/// The imports of each module. Imports from the modules that contain it do not count.
fn imports(files: &[SourceFile]) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let modules: BTreeSet<Vec<String>> = files.iter().map(|file| file.module.clone()).collect();
    let of = |file: &SourceFile| {
        let targets = paths(&file.code).into_iter().filter_map(|path| target(&path, &file.module, &modules));
        targets.filter(|target| !file.module.starts_with(target)).collect()
    };
    files.iter().map(|file| (file.module.clone(), of(file))).collect()
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let read = |code| paths(code).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        read("use crate::a::{b, c::{d as e, self}};"),
        ["crate::a::b", "crate::a::c::d", "crate::a::c::self"]
    );
    assert_eq!(read("x.y(super::z(1), a::B::<C>::new())"), ["super::z", "a::B"]);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for (name, folder) in CRATES {
        let imports = imports(&source_files(folder));
        // From each module, everything that it reaches; a module that reaches itself is in a circle.
        for start in imports.keys() {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(module) = open.pop() {
                open.extend(imports[module].iter().filter(|next| seen.insert(*next)));
            }
            if seen.contains(start) {
                let partners = seen.iter().filter(|other| reaches(&imports, other, start));
                let partners: Vec<String> = partners.map(|other| other.join("::")).collect();
                circles.push(format!("{name}: {}", partners.join(", ")));
            }
        }
    }
    circles.sort();
    circles.dedup();
    assert_eq!(circles, Vec::<String>::new());
}

fn reaches(
    imports: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    from: &Vec<String>,
    to: &Vec<String>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        if imports[module].contains(to) {
            return true;
        }
        open.extend(imports[module].iter().filter(|next| seen.insert(*next)));
    }
    false
}

#[test]
fn no_import_goes_upward() {
    let rank = |room: &String| ROOMS.iter().position(|other| other == room);
    let mut wrong = Vec::new();
    for (module, targets) in imports(&source_files("src")) {
        let Some(here) = module.first().and_then(&rank) else { continue };
        for target in targets {
            match target.first().and_then(&rank) {
                Some(there) if there <= here => {}
                _ => wrong.push(format!("{} imports {}", module.join("::"), target.join("::"))),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Words that wait, read, print or know the machine's time; none may stand in the core.
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
    let mut wrong = Vec::new();
    for file in source_files("crates/scenario-core/src") {
        // A map whose order is chance must not come near what decides.
        let more = if file.module[..].first().is_some_and(|room| room == "engine") {
            &["HashMap", "HashSet"][..]
        } else {
            &[]
        };
        for (number, line) in file.code.lines().enumerate() {
            let found = IMPURE.iter().chain(more).filter(|word| line.contains(**word));
            wrong.extend(found.map(|word| format!("{}:{} has {word}", file.path.display(), number + 1)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for name in ["scenario-log", "scenario-core"] {
        let manifest = fs::read_to_string(project().join(format!("crates/{name}/Cargo.toml"))).unwrap();
        for crate_that_waits in ["tokio", "mio", "hyper", "rustix", "nix"] {
            assert!(
                !manifest.contains(&format!("\n{crate_that_waits} =")),
                "{name} depends on {crate_that_waits}"
            );
        }
    }
}

/// The arms of every `match` in a code: the patterns, without what is inside of their brackets.
fn match_arms(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("match ") {
        let head = &code[start..];
        let Some(open) = head.find(['{', ';']).filter(|at| head.as_bytes()[*at] == b'{') else { continue };
        let (mut depth, mut arms) = (0_usize, String::new());
        for c in head[open + 1..].chars() {
            match c {
                '}' if depth == 0 => break,
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = depth.saturating_sub(1),
                _ if depth == 0 => arms.push(c),
                _ => {}
            }
        }
        found.push((start, arms));
    }
    found
}

/// Whether the arms name a variant of `Event`, and not only of a type whose name ends like that.
fn names_an_event(arms: &str) -> bool {
    arms.match_indices("Event::").any(|(at, _)| !arms[..at].ends_with(is_name))
}

/// A new event must be looked at wherever events are told apart, so a `match` on events has no arm for all
/// others, but in the few functions that say why with an `#[expect]`.
#[test]
fn matches_on_events_are_exhaustive() {
    const EXPECTED: &str = "clippy::wildcard_enum_match_arm";
    let mut wrong = Vec::new();
    let mut matches = 0;
    for (_, folder) in CRATES {
        for file in source_files(folder) {
            for (start, arms) in match_arms(&file.code).into_iter().filter(|(_, arms)| names_an_event(arms)) {
                matches += 1;
                let is_catch_all =
                    |pattern: &str| pattern == "_" || pattern.chars().all(|c| c.is_lowercase() || c == '_');
                let mut patterns = arms.split("=>").filter_map(|part| part.split_whitespace().last());
                let before = file.code[..start]
                    .rfind("fn ")
                    .map_or(0, |function| file.code[..function].rfind([';', '}']).unwrap_or(0));
                if patterns.any(is_catch_all) && !file.code[before..start].contains(EXPECTED) {
                    wrong.push(format!("{}:{}", file.path.display(), file.code[..start].lines().count()));
                }
            }
        }
    }
    assert!(matches > 10, "matches on events were found: {matches}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_type_name_is_used_once() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, folder) in CRATES {
        for file in source_files(folder) {
            for line in file.code.lines().filter(|line| !line.starts_with(' ')) {
                let words: Vec<&str> =
                    line.split(|c: char| !is_name(c)).filter(|word| !word.is_empty()).collect();
                let keyword =
                    words.iter().position(|word| ["struct", "enum", "trait", "type"].contains(word));
                if let Some(name) = keyword.filter(|at| *at <= 4).and_then(|at| words.get(at + 1)) {
                    places.entry((*name).to_owned()).or_default().push(file.module.join("::"));
                }
            }
        }
    }
    assert!(places.len() > 400, "the types were found: {}", places.len());
    places.retain(|_, places| places.len() > 1);
    assert_eq!(places, BTreeMap::new());
}
