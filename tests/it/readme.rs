//! The README, held to the program: what it shows is what is printed, and what it names exists.
//!
//! A comment above a block says what the block is:
//!
//! - `file: NAME`: a file of this name, written for the blocks behind it; a scenario passes `check`
//!   unless it is called `wrong`
//! - `run: ARGUMENTS` or `run (exit N): ARGUMENTS`: what the program prints, in a folder with these
//!   files; a line `…` stands for any number of lines
//! - `before: ARGUMENTS`: what is run before the next block, which shows nothing of it; no block follows
//! - `lines of: NAME`: lines of a file that a run has left, in the same manner
//! - `shell`: commands to copy; each `scenario` in it is run
//!
//! `UPDATE=1` writes the blocks anew that have no `…`.

use std::collections::BTreeSet;

use crate::common::{Folder, project};
use scenario_core::scenario::model::expect::MeasuredQuantity;
use serde_json::Value;

fn readme() -> String {
    std::fs::read_to_string(project().join("README.md")).unwrap()
}

/// A block with what its comment says of it.
#[derive(Debug)]
struct Block {
    says: String,
    text: String,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    let mut says = None;
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            if comment.starts_with("before: ") {
                blocks.push(Block { says: comment.to_owned(), text: String::new() });
                continue;
            }
            says = Some(comment.to_owned());
        } else if line.starts_with("```") {
            let text: String =
                lines.by_ref().take_while(|line| *line != "```").map(|l| format!("{l}\n")).collect();
            let says = says.take().unwrap_or_else(|| panic!("a block without a comment above it:\n{text}"));
            blocks.push(Block { says, text });
        }
    }
    blocks
}

/// Whether `shown` is `whole`, but for what its lines `…` stand for.
fn is_shown_by(shown: &str, whole: &str) -> bool {
    let whole: Vec<&str> = whole.lines().collect();
    let shown: Vec<&str> = shown.lines().collect();
    let mut at = 0;
    let mut free = false;
    for part in shown.split_inclusive(|line| *line == "…") {
        let opens = part.last() == Some(&"…");
        let lines = &part[..part.len() - usize::from(opens)];
        let last = if free { whole.len().saturating_sub(lines.len()) } else { at };
        let Some(start) = (at..=last).find(|start| whole[*start..].starts_with(lines)) else { return false };
        at = start + lines.len();
        free = opens;
    }
    free || at == whole.len()
}

#[test]
fn what_is_left_out_is_whole_lines() {
    for (shown, whole, wanted) in [
        ("a\nb", "a\nb\n", true),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("a\n…\nc", "a\nb\nc", true),
        ("a\n…\nb\n…", "a\nb\nc", true),
        ("a", "a\nb", false),
        ("…\nb", "a\nb\nc", false),
        ("b\n…", "a\nb", false),
        ("a\n…\nd\n…", "a\nb\nc", false),
        ("a\nc\n…", "a\nb\nc", false),
    ] {
        assert_eq!(is_shown_by(shown, whole), wanted, "{shown:?} of {whole:?}");
    }
}

/// Holds a page to the program; the kinds of its blocks come back.
fn hold(page: &str) -> Vec<String> {
    let folder = Folder::new();
    std::os::unix::fs::symlink(project().join("scenarios"), folder.path().join("scenarios")).unwrap();
    let mut text = std::fs::read_to_string(project().join(page)).unwrap();
    let mut kinds = BTreeSet::new();
    for block in blocks(&text.clone()) {
        let (kind, what) = block.says.split_once(": ").unwrap_or((&block.says, ""));
        kinds.insert(kind.split(' ').next().unwrap().to_owned());
        let printed = match kind {
            "file" => {
                folder.file(what, &block.text);
                if !what.starts_with("wrong") {
                    let ended = folder.scenario(&["check", what]).end().expect(0);
                    assert_eq!(ended.stderr, format!("{what}: valid\n"));
                }
                continue;
            }
            "shell" => {
                for line in block.text.lines() {
                    let arguments = line.split_once(" -- ").expect("it is run by cargo").1;
                    let arguments: Vec<&str> = arguments.split(' ').chain(["--speed", "20"]).collect();
                    folder.scenario(&arguments).end().expect(0);
                }
                continue;
            }
            "before" => {
                folder.scenario(&what.split(' ').collect::<Vec<_>>()).end().expect(0);
                continue;
            }
            "lines of" => std::fs::read_to_string(folder.path().join(what)).unwrap(),
            run => {
                let exit = run.strip_prefix("run (exit ").and_then(|rest| rest.strip_suffix(')'));
                assert!(run == "run" || exit.is_some(), "{run}");
                let arguments: Vec<&str> = what.split(' ').collect();
                let mut run = folder.scenario(&arguments);
                run.command.env_remove("COLUMNS");
                let ended = run.end().expect(exit.map_or(0, |exit| exit.parse().unwrap()));
                ended.stdout + ended.stderr.trim_end() + "\n"
            }
        };
        let printed = printed.trim_matches('\n');
        if is_shown_by(&block.text, printed) {
            continue;
        }
        let (before, after) = (format!("<!-- {} -->\n", block.says), &block.text);
        assert!(
            std::env::var_os("UPDATE").is_some() && !block.text.contains('…'),
            "`{}` prints:\n{printed}\n\n{page} shows:\n{after}",
            block.says
        );
        let at = text.find(&before).unwrap();
        let at = at + text[at..].find("```").unwrap();
        let start = at + text[at..].find('\n').unwrap() + 1;
        text.replace_range(start..start + after.len(), &format!("{printed}\n"));
        std::fs::write(project().join(page), &text).unwrap();
    }
    kinds.into_iter().collect()
}

#[test]
fn what_is_shown_is_what_is_printed() {
    assert_eq!(hold("README.md"), ["before", "file", "lines", "run", "shell"]);
}

#[test]
fn what_the_story_of_the_lock_shows_is_what_is_printed() {
    assert_eq!(hold("docs/interleavings.md"), ["file", "run"]);
}

/// The rows of the first table behind a heading: its cells.
fn table(readme: &str, heading: &str) -> Vec<Vec<String>> {
    let behind = readme.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    let rows =
        behind.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| -> Vec<String> {
        let row = row.replace("\\|", "\u{0}");
        row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    };
    rows.skip(2).map(cells).collect()
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_tables_of_keys_are_those_of_the_schema() {
    let text = readme();
    let schema = std::fs::read_to_string(project().join("schema/scenario.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    for (heading, pointer, elsewhere) in [
        ("### At the top", "/properties", &[][..]),
        ("### A preset: `players` or `command`", "/properties/presets/additionalProperties/properties", &[]),
        ("### A fetch", "/properties/fetches/additionalProperties/properties", &[]),
        (
            "### The timeline",
            "/properties/timeline/items/properties",
            // The actions stand above the table.
            &["spawn", "fetch", "stop", "send", "mark"],
        ),
        ("## Expectations", "/properties/expect/items/properties", &[]),
    ] {
        let rows = table(&text, heading);
        let mut named: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
        named.extend(elsewhere.iter().map(|key| (*key).to_owned()));
        let keys: BTreeSet<String> =
            schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(named, keys, "{heading}");
    }
}

/// The options that a command's help names, but for `--help` itself.
fn options(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = words.flat_map(|line| line.split([' ', ','])).filter(|word| word.starts_with('-'));
    words.filter(|word| !["-h", "--help", "-"].contains(word)).map(str::to_owned).collect()
}

#[test]
fn the_table_of_commands_is_that_of_the_help() {
    let folder = Folder::new();
    let help = |arguments: &[&str]| folder.scenario(arguments).end().expect(0).stdout;
    let mut documented = BTreeSet::new();
    for row in table(&readme(), "## Commands") {
        for command in quoted(&row[0]) {
            let name = command.split(' ').nth(1).unwrap().to_owned();
            let mut named: BTreeSet<String> = quoted(&row[1])
                .iter()
                .chain([&command])
                .flat_map(|text| text.split([' ', '[', ']']))
                .filter(|word| word.starts_with('-') && *word != "-")
                .map(str::to_owned)
                .collect();
            let known = options(&help(&[&name, "--help"]));
            // `-q` and the like may go without saying; a long option may not.
            named.extend(known.iter().filter(|option| !option.starts_with("--")).cloned());
            assert_eq!(named, known, "{name}");
            documented.insert(name);
        }
    }
    let listed: BTreeSet<String> = help(&["--help"])
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect();
    assert_eq!(documented, listed);
}

#[test]
fn every_exit_code_and_event_is_named_and_no_other() {
    let text = readme();
    let codes = text.split("**Exit codes**:").nth(1).unwrap().split("\n\n").next().unwrap();
    let numbers = |text: &str| -> BTreeSet<u32> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(numbers(codes), BTreeSet::from([0, 1, 2, 3, 4, 5, 129, 130, 143]));
    let help = Folder::new().scenario(&["--help"]).end().expect(0).stdout;
    assert_eq!(numbers(help.split("Exit codes:").nth(1).unwrap()), numbers(codes));

    let schema = std::fs::read_to_string(project().join("schema/event.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let events = schema["oneOf"].as_array().unwrap().iter();
    let events: Vec<&str> = events.map(|event| event["title"].as_str().unwrap()).collect();
    let listed = text.split("The events are ").nth(1).unwrap().split(';').next().unwrap();
    assert_eq!(quoted(listed), events);
    let dotted = |word: &str| {
        let (before, after) = word.split_once('.')?;
        ["run", "clock", "spawn", "fetch"].contains(&before).then(|| (before.to_owned(), after.to_owned()))
    };
    let measures = MeasuredQuantity::ALL.map(MeasuredQuantity::name);
    for word in quoted(&text).iter().filter(|word| dotted(word).is_some()) {
        assert!(events.contains(&word.as_str()) || measures.contains(&word.as_str()), "{word}");
    }
    for measure in measures {
        assert!(text.contains(&format!("`{measure}`")), "{measure}");
    }
}

#[test]
fn what_it_points_to_is_there() {
    for part in readme().split("](").skip(1) {
        let target = part.split(')').next().unwrap();
        assert!(target.starts_with("http") || project().join(target).exists(), "{target}");
    }
}

#[test]
fn what_is_typed_is_what_can_be_typed() {
    let text = readme();
    let typed = text.split("**While it runs**").nth(1).unwrap().split("A line that is none").next().unwrap();
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"j\", moves = 1, every = \"1s\" }]\n[[timeline]]\nid = \"w\"\nspawn = \"p\"\n",
    );
    let words = quoted(typed);
    let commands: Vec<&str> = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .map(|word| word.split(' ').next().unwrap())
        .collect();
    assert_eq!(commands, ["spawn", "fetch", "mark", "stop", "send", "status", "quit"]);
    let ended = folder
        .scenario(&["run", "--clock", "virtual", "--log", "-", "--input", "-", "s.toml"])
        .stdin(commands.join("\n"))
        .end();
    assert!(!ended.stdout.contains("no command"), "{}", ended.stdout);
}
