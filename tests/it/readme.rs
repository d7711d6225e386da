//! The README and the book, held to the program: what they show is what is printed, and what they name exists.
//!
//! Every block of every page has a comment above it that says what the block is:
//!
//! - `file: NAME`: a file of this name, written for the blocks after it; a scenario (`.toml`) passes `check`
//!   unless its name begins with `wrong`
//! - `change: NAME`: a change of such a file, as in a diff: lines with `-` go, lines with `+` come, and the
//!   other lines are there before and after; lines with `+` alone come at the end of the file
//! - `run: ARGUMENTS`: what the program prints, in a folder with these files and with `scenarios/`;
//!   a line `…` stands for any number of lines. `NAME=VALUE` before the arguments sets a variable of the
//!   environment
//! - `console`: commands, each on a line that begins with `$ `, and below each of them what it prints, in the
//!   same manner; all but the last exit with 0
//! - `sh: COMMAND`: the same for a command of the shell, which finds `scenario`
//! - `before: ARGUMENTS`: the program is run, and nothing is shown; no block follows
//! - `lines of: NAME`: lines of a file that a run has left, in the same manner
//! - `shell`: commands to copy; all of them are run, and succeed
//! - `text`: a block that is only shown, such as a file of a CI service
//!
//! `(exit 1)` after the kind is the exit code that is expected. `(about)` takes any number for any other, as
//! a run in real time needs it. `(any order)` takes the lines in any order, as programs that run side by side
//! need it. Several stand in one pair of brackets: `run (about, exit 1): ARGUMENTS`.
//!
//! A page is a folder of its own, and pages run side by side; those that have a port in common take turns.
//! `UPDATE=1` writes the blocks anew that have no `…`. `PAGE=docs/start.md` holds this page alone.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::book::blocks::{about, blocks, changed, is_among, is_shown_by};
use crate::book::tables::{Table, tables};
use crate::book::{pages, prose, quoted, read};
use crate::common::{Folder, project};
use scenario_core::scenario::model::expect::MeasuredQuantity;
use serde_json::Value;

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

#[test]
fn about_the_same_is_the_same_but_for_figures() {
    for (one, other, wanted) in [
        ("   0.501  ps#1  started db", "   12.7  ps#1  started db", true),
        ("   0.501  ps#1  started db", "   0.501  ps#2  started db", false),
        ("took 1.51 s", "took 374 µs", true),
        ("took 1.51 s", "was 1.51 s", false),
        ("3 of 1,000", "1 of 12", true),
        ("p50", "p99", false),
        ("{\"crc32c\":\"268877f2\"}", "{\"crc32c\":\"00000000\"}", true),
        ("  █ █   up", "█   up", true),
        ("[29/Nov/2026 13:38:00] code 503", "[01/Dec/2026 13:38:00] code 500", true),
        ("ended api; 1 still runs", "ended api; nothing runs", true),
    ] {
        assert_eq!(about(one) == about(other), wanted, "{one:?} and {other:?}");
    }
}

#[test]
fn lines_in_any_order_are_all_there() {
    for (shown, whole, wanted) in [
        ("b\na", "a\nb", true),
        ("a", "a\nb", false),
        ("…\nb", "a\nb", true),
        ("a\na\n…", "a\nb", false),
        ("a\nc", "a\nb", false),
    ] {
        assert_eq!(is_among(shown, whole), wanted, "{shown:?} of {whole:?}");
    }
}

#[test]
fn a_change_is_applied_where_it_fits_once() {
    assert_eq!(changed("a\nb\nc\n", " a\n-b\n+d\n").unwrap(), "a\nd\nc\n");
    assert_eq!(changed("a\n", "+b\n").unwrap(), "a\n\nb\n");
    assert!(changed("a\na\n", "-a\n").is_err());
    assert!(changed("a\n", "-b\n").is_err());
}

#[test]
fn a_block_has_a_comment_and_a_comment_a_block() {
    assert_eq!(blocks("<!-- text -->\n```\na\n```\n").unwrap()[0].text, "a\n");
    assert_eq!(
        blocks("1. x\n\n   <!-- text -->\n   ```sh\n   a\n     b\n   ```\n").unwrap()[0].text,
        "a\n  b\n"
    );
    assert!(blocks("```\na\n```\n").is_err());
    assert!(blocks("<!-- text -->\nno block\n").is_err());
}

#[test]
fn a_port_is_a_number_after_its_colon_or_its_name() {
    let ports = |text: &str| crate::book::ports::ports(text).into_iter().collect::<Vec<u16>>();
    assert_eq!(ports("http://127.0.0.1:7452/ from \"0.0.0.0:7451\""), [7451, 7452]);
    assert_eq!(ports("port = 8731\n--var port=9000"), [8731, 9000]);
    assert_eq!(ports("after 7452 ms, at 2026:70000, in line:12"), [] as [u16; 0]);
    assert!(ports("scenario run scenarios/four_pages.toml").contains(&8731));
}

#[test]
fn what_is_shown_is_what_is_printed() {
    let only = std::env::var("PAGE").ok();
    let mut pages = pages();
    pages.retain(|page| only.as_ref().is_none_or(|only| page == only));
    let (pages, wrong) = (Mutex::new(pages), Mutex::new(Vec::new()));
    // The tutorials come last and take longest, so the last page is the first to be taken.
    let next = || pages.lock().unwrap().pop();
    // Pages mostly wait, for what they run on the real clock.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(page) = next() {
                    let _turns = crate::book::ports::take_turns(&read(&page));
                    let started = std::time::Instant::now();
                    let (kinds, of_page) = crate::book::hold::hold(&page);
                    let took = started.elapsed().as_secs_f64();
                    eprintln!("{page}: {kinds:?} in {took:.1} s, {} wrong", of_page.len());
                    wrong.lock().unwrap().extend(of_page);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_readme_has_at_most_200_lines() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 200, "{lines}");
}

#[test]
fn every_link_leads_somewhere() {
    let broken: Vec<String> = pages().iter().flat_map(|page| crate::book::links::broken(page)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_summary_lists_every_page_once() {
    let mut listed = crate::book::links::targets(&read("docs/SUMMARY.md"));
    listed.sort();
    let pages = pages().into_iter().filter_map(|page| page.strip_prefix("docs/").map(str::to_owned));
    let pages: Vec<String> = pages.filter(|page| page != "SUMMARY.md").collect();
    let missing: Vec<&String> = listed.iter().filter(|page| !pages.contains(page)).collect();
    let unlisted: Vec<&String> = pages.iter().filter(|page| !listed.contains(page)).collect();
    assert!(missing.is_empty() && unlisted.is_empty(), "not there: {missing:?}\nnot listed: {unlisted:?}");
    assert_eq!(listed, pages, "listed twice");
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(project().join("schema").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The tables of the pages of reference, the pages' names with them.
fn reference() -> Vec<(String, Table)> {
    let pages =
        pages().into_iter().filter(|page| page.starts_with("docs/reference/") || page == "docs/format.md");
    pages.flat_map(|page| tables(&read(&page)).into_iter().map(move |table| (page.clone(), table))).collect()
}

#[test]
fn the_tables_of_keys_are_those_of_the_schema() {
    let schema = schema("scenario.schema.json");
    let tables = reference();
    for (what, pointer) in [
        ("at the top", "/properties"),
        ("a preset", "/properties/presets/additionalProperties/properties"),
        ("a fetch", "/properties/fetches/additionalProperties/properties"),
        ("an entry of the timeline", "/properties/timeline/items/properties"),
        ("an expectation", "/properties/expect/items/properties"),
        ("the world", "/properties/world/properties"),
    ] {
        let keys: BTreeSet<String> =
            schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        // The actions of an entry may stand above the table.
        let mut others = keys.clone();
        others.retain(|key| !["spawn", "fetch", "stop", "send", "mark"].contains(&key.as_str()));
        let nearest = tables
            .iter()
            .filter(|(_, table)| table.heading[0] == "key")
            .min_by_key(|(_, table)| table.names().symmetric_difference(&keys).count());
        let (page, table) = nearest.unwrap_or_else(|| panic!("no page has a table of the keys of {what}"));
        let named = table.names();
        assert!(named == keys || named == others, "{what}, in {page}: {named:?} instead of {keys:?}");
    }
}

/// The options that a command's help names, but for `--help` itself.
fn options(help: &str) -> BTreeSet<String> {
    let words = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = words.flat_map(|line| line.split([' ', ','])).filter(|word| word.starts_with('-'));
    words.filter(|word| !["-h", "--help", "-"].contains(word)).map(str::to_owned).collect()
}

/// The options that a text names in backquotes.
fn named_options<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let quoted: Vec<String> = texts.flat_map(quoted).collect();
    let words = quoted.iter().flat_map(|text| text.split([' ', '[', ']', ',', '=']));
    words.filter(|word| word.starts_with('-') && word.len() > 1).map(str::to_owned).collect()
}

/// The part of a page from a heading that names a command to the next heading like it.
fn section<'a>(page: &'a str, command: &str) -> Option<&'a str> {
    let is_heading = |line: &str| line.starts_with("## ");
    let name = format!("scenario {command}");
    let start = page.match_indices("\n## ").map(|(at, _)| at + 1).find(|at| {
        let heading = page[*at..].lines().next().unwrap();
        quoted(heading).iter().any(|word| *word == name || word.starts_with(&format!("{name} ")))
    })?;
    let rest = &page[start..];
    let end = rest.match_indices('\n').map(|(at, _)| at + 1).find(|at| is_heading(&rest[*at..]));
    Some(&rest[..end.unwrap_or(rest.len())])
}

#[test]
fn the_commands_and_their_options_are_those_of_the_help() {
    let folder = Folder::new();
    let help = |arguments: &[&str]| folder.scenario(arguments).end().expect(0).stdout;
    let listed: BTreeSet<String> = help(&["--help"])
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect();
    let text = read("docs/reference/commands.md");
    let tables = tables(&text);
    let mut rows: Vec<&Vec<String>> = tables.iter().flat_map(|table| &table.rows).collect();
    rows.retain(|row| row[0].starts_with("`scenario "));
    let mut documented = BTreeSet::new();
    for name in &listed {
        // A row of the table of commands, or a part of the page of its own.
        let own = rows.iter().filter(|row| {
            quoted(&row[0]).iter().any(|command| command.split(' ').nth(1) == Some(name.as_str()))
        });
        let cells: Vec<&str> = own.flat_map(|row| row.iter().map(String::as_str)).collect();
        let part = section(&text, name);
        if cells.is_empty() && part.is_none() {
            continue;
        }
        documented.insert(name.clone());
        let known = options(&help(&[name, "--help"]));
        let named = match part {
            Some(part) => named_options(std::iter::once(prose(part).as_str())),
            None => named_options(cells.into_iter()),
        };
        for option in known.iter().filter(|option| option.starts_with("--")) {
            assert!(named.contains(option), "{name} has the option {option}");
        }
        if part.is_none() {
            assert!(named.is_subset(&known), "{name}: {named:?} instead of {known:?}");
        }
    }
    assert_eq!(documented, listed);
}

#[test]
fn no_page_names_an_option_that_there_is_not() {
    let folder = Folder::new();
    let help = |arguments: &[&str]| folder.scenario(arguments).end().expect(0).stdout;
    let commands =
        ["run", "check", "plan", "replay", "play", "diff", "extract", "explore", "report", "fetch"];
    for page in pages() {
        for command in quoted(&prose(&read(&page))).iter().filter(|text| text.starts_with("scenario ")) {
            let mut words = command.split(' ').skip(1);
            let Some(name) = words.next().filter(|name| commands.contains(name)) else { continue };
            let known = options(&help(&[name, "--help"]));
            for option in words.filter(|word| word.starts_with('-') && !["-", "--help"].contains(word)) {
                let option = option.split('=').next().unwrap();
                assert!(known.contains(option), "{page}: `{command}`");
            }
        }
    }
}

#[test]
fn every_exit_code_is_named_and_no_other() {
    let numbers = |text: &str| -> BTreeSet<u32> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
    };
    let codes = BTreeSet::from([0, 1, 2, 3, 4, 5, 129, 130, 143]);
    let help = Folder::new().scenario(&["--help"]).end().expect(0).stdout;
    let help = help.split("Exit codes:").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(numbers(help), codes);
    let page = tables(&read("docs/reference/exit-codes.md"));
    let named: BTreeSet<u32> =
        page.iter().flat_map(|table| &table.rows).flat_map(|row| numbers(&row[0])).collect();
    assert!(named.is_superset(&codes), "{named:?}");
    // A fault of the runner's own, and a runner or guard that was killed.
    let others: Vec<&u32> = named.difference(&codes).filter(|code| ![101, 137].contains(code)).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn every_event_and_measure_is_named_and_no_other() {
    let schema = schema("event.schema.json");
    let events = schema["oneOf"].as_array().unwrap().iter();
    let events: BTreeSet<String> = events.map(|event| event["title"].as_str().unwrap().to_owned()).collect();
    let format = tables(&read("docs/format.md"));
    let table = format.iter().find(|table| table.heading[0] == "event").expect("a table of events");
    assert_eq!(table.names(), events, "docs/format.md");

    let measures = MeasuredQuantity::ALL.map(MeasuredQuantity::name);
    let dotted = |word: &str| {
        let (before, after) = word.split_once('.')?;
        let is_name = after.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let is_file = ["toml", "jsonl", "json", "py", "md", "xml", "html", "sh", "csv"].contains(&after);
        (["run", "clock", "spawn", "fetch"].contains(&before) && is_name && !is_file).then_some(())
    };
    for page in pages() {
        for word in quoted(&prose(&read(&page))).iter().filter(|word| dotted(word).is_some()) {
            assert!(events.contains(word) || measures.contains(&word.as_str()), "{page}: {word}");
        }
    }
    let expectations = read("docs/reference/expectations.md");
    for measure in measures {
        assert!(expectations.contains(&format!("`{measure}`")), "{measure}");
    }
}

#[test]
fn what_can_be_typed_is_named() {
    let commands = ["spawn", "fetch", "mark", "stop", "send", "status", "quit"];
    let words = quoted(&prose(&read("docs/reference/commands.md")));
    for command in commands {
        assert!(words.iter().any(|word| word.split(' ').next() == Some(command)), "{command}");
    }
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"j\", moves = 1, every = \"1s\" }]\n[[timeline]]\nid = \"w\"\nspawn = \"p\"\n",
    );
    let ended = folder
        .scenario(&["run", "--clock", "virtual", "--log", "-", "--input", "-", "s.toml"])
        .stdin(commands.join("\n"))
        .end();
    assert!(!ended.stdout.contains("no command"), "{}", ended.stdout);
}
