//! The pages of `docs/reference`, made from the program: the tables come from the JSON Schemas, from
//! the command line's own definition, and from what `check` accepts, so that they cannot drift.
//!
//! A page is prose that people write, and tables between `<!--made: NAME-->` and `<!--end-->` that are made
//! here. The prose below the table of NAME stays where it is; prose of something that is no longer there
//! fails the test. What the schema does not say of a key of an event, and what a measure is, comes
//! from `docs/reference/parts`.
//!
//! `UPDATE=1` writes the pages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use crate::common::{Folder, project};
use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The definition of the command line.
fn command_line() -> clap::Command {
    <scenario::cli::args::Cli as clap::CommandFactory>::command()
}

/// JSON whose objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Leaf(Value),
    List(Vec<Tree>),
    Table(Vec<(String, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Tree, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Tree;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Leaf(Value::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Leaf(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Leaf(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Leaf(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Leaf(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
                Ok(Tree::Leaf(value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Tree::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
                let mut table = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    table.push(entry);
                }
                Ok(Tree::Table(table))
            }
        }
        input.deserialize_any(Reader)
    }
}

impl Tree {
    fn get(&self, key: &str) -> Option<&Tree> {
        let Tree::Table(table) = self else { return None };
        table.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn table(&self, key: &str) -> &[(String, Tree)] {
        match self.get(key) {
            Some(Tree::Table(table)) => table,
            _ => &[],
        }
    }

    fn list(&self, key: &str) -> &[Tree] {
        match self.get(key) {
            Some(Tree::List(list)) => list,
            _ => &[],
        }
    }

    fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Tree::Leaf(Value::String(text))) => text,
            _ => "",
        }
    }

    fn integer(&self, key: &str) -> Option<i128> {
        let Some(Tree::Leaf(value)) = self.get(key) else { return None };
        value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
    }

    fn as_text(&self) -> Option<&str> {
        if let Tree::Leaf(Value::String(text)) = self { Some(text) } else { None }
    }

    /// The keys that must be there, if it says so of nothing else.
    fn required(&self) -> Vec<&str> {
        self.list("required").iter().filter_map(Tree::as_text).collect()
    }

    /// As a scenario file has it.
    fn written(&self) -> String {
        match self {
            Tree::Leaf(value) => value.to_string(),
            Tree::List(list) => {
                format!("[{}]", list.iter().map(Tree::written).collect::<Vec<_>>().join(", "))
            }
            Tree::Table(table) => {
                let pairs = table.iter().map(|(key, value)| format!("{key} = {}", value.written()));
                format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Only a variable, `${name}`, which may stand in any string.
    fn is_variable(&self) -> bool {
        matches!(self.text("pattern"), r"\$\{" | r"^\$\{([^$}][^}]*|\$[^}]+)?\}$")
    }

    /// A table that may take keys of another one by a key: as it is without that key, and the key.
    fn alone(&self) -> (Tree, Option<String>) {
        let Tree::Table(keys) = self else { return (self.clone(), None) };
        let own = |condition: &Tree| match condition.list("anyOf") {
            [by, complete] => match (&by.required()[..], complete) {
                ([by @ "extends"], Tree::Table(rules)) => Some(((*by).to_owned(), rules.clone())),
                _ => None,
            },
            _ => None,
        };
        let Some((by, rules)) = self.list("allOf").iter().find_map(own) else { return (self.clone(), None) };
        let kept: Vec<Tree> = self.list("allOf").iter().filter(|one| own(one).is_none()).cloned().collect();
        let mut all: Vec<Tree> = match rules.iter().find(|(key, _)| key == "allOf") {
            Some((_, Tree::List(all))) => all.clone(),
            _ => Vec::new(),
        };
        // An exclusion is said once, by the choice that it belongs to.
        let is_choice = |one: &Tree| {
            all.iter().any(|other| {
                other.list("oneOf").iter().all(|alternative| {
                    one.get("not")
                        .map(Tree::required)
                        .unwrap_or_default()
                        .contains(alternative.required().first().unwrap_or(&""))
                }) && !other.list("oneOf").is_empty()
            })
        };
        let kept: Vec<Tree> = kept.iter().filter(|one| !is_choice(one)).cloned().collect();
        all.extend(kept);
        let others = keys.iter().filter(|(key, _)| key != "allOf").cloned();
        let others = others.chain(rules.into_iter().filter(|(key, _)| key != "allOf"));
        (Tree::Table(others.chain([("allOf".to_owned(), Tree::List(all))]).collect()), Some(by))
    }
}

fn schema(of: &str) -> Tree {
    let printed = Folder::new().scenario(&["schema", of]).end().expect(0).stdout;
    serde_json::from_str(&printed).unwrap()
}

/// `a`, `b` or `c`.
fn listed(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} {word} {last}", start.join(", ")),
    }
}

fn quoted(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| format!("`{item}`")).collect()
}

/// What a string is that has this pattern.
fn of_pattern(pattern: &str) -> String {
    let pattern = pattern.strip_suffix(r"|\$\{").unwrap_or(pattern);
    let words = Regex::new(r"^\^\(?([A-Za-z0-9]+(\|[A-Za-z0-9]+)*)\)?\$$").unwrap();
    let has = |part: &str| pattern.contains(part);
    if let Some(found) = words.captures(pattern) {
        let words: Vec<String> = found[1].split('|').map(|word| format!("`\"{word}\"`")).collect();
        return listed(&words, "or");
    }
    let (time, size, rate) = (has("nanos"), has("KiB"), has("/[smh]") || has("/(s|m|h)"));
    let kind = match (time, size, rate) {
        _ if has("(load|") => "step",
        (true, true, _) => "duration, size, rate or share",
        _ if has(" ?%") => "share",
        (true, ..) if has(r"\.\.") => "duration or a span of two, `\"0s..800ms\"`",
        (true, ..) => "duration",
        (_, true, _) => "size",
        (.., true) => "rate",
        _ if has("[Hh][Uu][Pp]") => "name of a signal",
        _ if has("[1-9]xx") && has("|any") => "class or range of statuses, like `\"2xx\"`, or `\"any\"`",
        _ if has("[1-9]xx") => "class or range",
        _ if has("started|ready|finished") => "a moment like `\"ID.ready\"`",
        _ if has("count|rate|sum") => "name of a statistic",
        _ if has("#[1-9]") => "source",
        _ => "string",
    };
    kind.to_owned()
}

fn of_integer(node: &Tree) -> String {
    let far = |bound: i128| bound.unsigned_abs() >= (1 << 63) - 1;
    let least = node.integer("minimum").filter(|bound| !far(*bound));
    let most = node.integer("maximum").filter(|bound| !far(*bound));
    let grouped = |number: i128| {
        let digits = number.to_string();
        let parts: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
        parts.join(",")
    };
    match (least, most) {
        (Some(least), Some(most)) => format!("integer from {least} to {}", grouped(most)),
        (Some(least), None) => format!("integer from {least}"),
        _ => "integer".to_owned(),
    }
}

/// The type of a value, in words. `path` is that of the value, for what has a section of its own.
fn kind(node: &Tree, path: &str, names: &BTreeMap<String, String>) -> String {
    let either = |alternatives: &[Tree]| {
        let mut kinds: Vec<String> = Vec::new();
        // Words that editors offer, beside the pattern that takes all of them.
        let has_pattern =
            alternatives.iter().any(|one| !one.is_variable() && !one.text("pattern").is_empty());
        let is_offer = |one: &Tree| has_pattern && !one.list("enum").is_empty();
        for one in alternatives.iter().filter(|one| !one.is_variable() && !is_offer(one)) {
            let one = kind(one, path, names);
            if !kinds.contains(&one) {
                kinds.push(one);
            }
        }
        kinds.join(", or ")
    };
    if let Some(value) = node.get("const") {
        return format!("`{}`", value.written());
    }
    if !node.list("enum").is_empty() {
        let words: Vec<String> =
            node.list("enum").iter().map(|word| format!("`{}`", word.written())).collect();
        return listed(&words, "or");
    }
    if !node.table("properties").is_empty() {
        return names.get(path).map_or_else(|| "table".to_owned(), |name| table_link(name));
    }
    if !node.list("anyOf").is_empty() && node.get("type").is_none() {
        return either(node.list("anyOf"));
    }
    if !node.list("allOf").is_empty() && node.get("type").is_none() {
        let above_zero = node.list("allOf").iter().any(|one| one.text("pattern").starts_with("[1-9]"));
        let first = kind(&node.list("allOf")[0], path, names);
        return if above_zero { format!("{first} above 0") } else { first };
    }
    match node.get("type") {
        Some(Tree::List(kinds)) => {
            listed(&kinds.iter().filter_map(Tree::as_text).map(str::to_owned).collect::<Vec<_>>(), "or")
        }
        Some(Tree::Leaf(Value::String(kind_of))) => match kind_of.as_str() {
            "boolean" => "`true` or `false`".to_owned(),
            "integer" => of_integer(node),
            "string" => of_pattern(node.text("pattern")),
            "array" => {
                let of = node.get("items").map(|items| kind(items, &format!("{path}[]"), names));
                let of = of.unwrap_or_else(|| "values".to_owned());
                match node.integer("maxItems") {
                    Some(2) => format!("list of two ({of})"),
                    _ => format!("list of: {of}"),
                }
            }
            "object" => match node.get("additionalProperties") {
                Some(items @ Tree::Table(_)) => {
                    let of = kind(items, &format!("{path}.NAME"), names);
                    format!("table, by name: {of}")
                }
                _ => "table".to_owned(),
            },
            other => other.to_owned(),
        },
        _ if node.text("$ref").ends_with("/after") => "a form of `after`".to_owned(),
        _ if node.get("$ref").is_some() => "step".to_owned(),
        _ => "any value".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().to_string() + rest.as_str()).unwrap_or_default()
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn table_link(name: &str) -> String {
    let page = if name.starts_with("expect[]") { "expectations.md" } else { "" };
    format!("table, see [`{name}`]({page}#{})", anchor(name))
}

/// A table of keys: where it stands in a file, and what the schema says of it.
struct Section {
    path: String,
    node: Tree,
}

/// All tables below a node, in the order of the schema; one that was there before is left out, and
/// `names` says where it is.
fn sections(path: &str, node: &Tree, found: &mut Vec<Section>, names: &mut BTreeMap<String, String>) {
    if !node.table("properties").is_empty() {
        if let Some(before) = found.iter().find(|section| section.node == *node) {
            names.insert(path.to_owned(), before.path.clone());
            return;
        }
        names.insert(path.to_owned(), path.to_owned());
        found.push(Section { path: path.to_owned(), node: node.clone() });
    }
    for (key, value) in node.table("properties") {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        sections(&below, value, found, names);
    }
    for one in node.list("anyOf") {
        sections(path, one, found, names);
    }
    for (key, suffix) in [("items", "[]"), ("additionalProperties", ".NAME")] {
        if let Some(below) = node.get(key) {
            sections(&format!("{path}{suffix}"), below, found, names);
        }
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ").trim().to_owned()
}

/// Which keys go together and which do not, in words.
fn rules(node: &Tree) -> Vec<String> {
    let mut rules = Vec::new();
    let names =
        |list: &[Tree]| -> Vec<String> { quoted(&list.iter().flat_map(Tree::required).collect::<Vec<_>>()) };
    let mut conditions: Vec<&Tree> = node.list("allOf").iter().collect();
    conditions.push(node);
    for condition in &conditions {
        if !condition.list("oneOf").is_empty() {
            rules
                .push(format!("Exactly one of {} is given.", listed(&names(condition.list("oneOf")), "and")));
        }
        let is_choice = condition.list("anyOf").iter().all(|one| !one.required().is_empty());
        if is_choice && !condition.list("anyOf").is_empty() {
            rules.push(format!("{} is given.", listed(&names(condition.list("anyOf")), "or")));
        }
        if let (Some(asked), Some(then)) = (condition.get("if"), condition.get("then")) {
            rules.push(format!(
                "{} needs {}.",
                listed(&quoted(&asked.required()), "and"),
                listed(&names(then.list("anyOf")), "or")
            ));
        }
        if let Some(both) = condition.get("not").map(Tree::required).filter(|both| both.len() == 2) {
            rules.push(format!("`{}` and `{}` do not go together.", both[0], both[1]));
        }
    }
    let mut needed: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for (key, needs) in node.table("dependentRequired") {
        let Tree::List(needs) = needs else { continue };
        let needs = quoted(&needs.iter().filter_map(Tree::as_text).collect::<Vec<_>>());
        match needed.iter_mut().find(|(other, _)| *other == needs) {
            Some((_, keys)) => keys.push(key),
            None => needed.push((needs, vec![key])),
        }
    }
    for (needs, keys) in needed {
        let verb = if keys.len() == 1 { "needs" } else { "need" };
        rules.push(format!("{} {verb} {}.", listed(&quoted(&keys), "and"), listed(&needs, "and")));
    }
    rules
}

/// The table of a section's keys, with the rules above it.
fn keys(section: &Section, names: &BTreeMap<String, String>) -> String {
    let (node, inherits) = section.node.alone();
    let node = &node;
    let mut out = String::new();
    let mut rules = rules(node);
    if let Some(by) = inherits {
        rules.push(format!("With `{by}` that holds together with the keys of the other one."));
    }
    if !rules.is_empty() {
        for rule in rules {
            writeln!(out, "- {rule}").unwrap();
        }
        out.push('\n');
    }
    out.push_str("| key | default | meaning |\n| --- | --- | --- |\n");
    let said = Regex::new(r" ?Default: ([^.]*(?:\.[^ .][^.]*)*)\.( |$)").unwrap();
    for (key, value) in node.table("properties") {
        let path = if section.path.is_empty() { key.clone() } else { format!("{}.{key}", section.path) };
        let meaning = value.text("description");
        let default = match value.get("default") {
            Some(default) => format!("`{}`", default.written()),
            None if node.required().contains(&key.as_str()) => "required".to_owned(),
            None => said.captures(meaning).map_or_else(|| "none".to_owned(), |found| found[1].to_owned()),
        };
        let meaning = said.replace(meaning, "$2");
        let kind = capital(&kind(value, &path, names));
        writeln!(out, "| `{key}` | {} | {}. {} |", cell(&default), cell(&kind), cell(&meaning)).unwrap();
    }
    out
}

/// A page: the prose that it has, by the table above it, and the text that is made now.
struct Page {
    file: PathBuf,
    prose: BTreeMap<String, String>,
    text: String,
}

impl Page {
    fn read(name: &str) -> Page {
        let file = project().join("docs/reference").join(name);
        let kept = std::fs::read_to_string(&file).unwrap();
        let (mut opening, mut prose) = (String::new(), BTreeMap::new());
        let mut current: Option<String> = None;
        let mut is_made = false;
        for line in kept.lines() {
            if let Some(name) = line.strip_prefix("<!--made: ").and_then(|rest| rest.strip_suffix("-->")) {
                let before = prose.insert(name.to_owned(), String::new());
                assert_eq!(before, None, "{}: {name} is there twice", file.display());
                (current, is_made) = (Some(name.to_owned()), true);
            } else if line == "<!--end-->" {
                is_made = false;
            } else if !is_made {
                let text = current.as_ref().map_or(&mut opening, |name| prose.get_mut(name).unwrap());
                text.push_str(line);
                text.push('\n');
            }
        }
        Page { file, prose, text: opening.trim().to_owned() + "\n" }
    }

    /// Adds what is made, and the prose below it.
    fn add(&mut self, name: &str, made: &str) {
        let made = made.trim();
        let gap = if made.is_empty() { "" } else { "\n" };
        write!(self.text, "\n<!--made: {name}-->\n{gap}{made}\n{gap}<!--end-->\n").unwrap();
        let prose = self.prose.remove(name).unwrap_or_default();
        if !prose.trim().is_empty() {
            write!(self.text, "\n{}\n", prose.trim()).unwrap();
        }
    }

    /// Compares the page with its file, or writes it.
    fn hold(mut self) {
        let closing = self.prose.remove("end").unwrap_or_default();
        if !closing.trim().is_empty() {
            write!(self.text, "\n<!--made: end-->\n<!--end-->\n\n{}\n", closing.trim()).unwrap();
        }
        self.prose.retain(|_, text| !text.trim().is_empty());
        let orphans: Vec<&String> = self.prose.keys().collect();
        assert!(orphans.is_empty(), "{}: prose of what is not there: {orphans:?}", self.file.display());
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&self.file, &self.text).unwrap();
        }
        let kept = std::fs::read_to_string(&self.file).unwrap();
        let differs = kept.lines().zip(self.text.lines()).position(|(kept, made)| kept != made);
        let line = differs.unwrap_or_else(|| kept.lines().count().min(self.text.lines().count()));
        assert!(
            kept == self.text,
            "{} is not what is made now; UPDATE=1 writes it\nline {}\n  has {}\n  now {}",
            self.file.display(),
            line + 1,
            kept.lines().nth(line).unwrap_or("nothing"),
            self.text.lines().nth(line).unwrap_or("nothing"),
        );
    }
}

/// The meanings in a file of `docs/reference/parts`: lines ``- `name`: meaning`` below lines `## name`.
struct Meanings {
    file: PathBuf,
    of: BTreeMap<String, Vec<(String, String)>>,
}

impl Meanings {
    fn read(name: &str) -> Meanings {
        let file = project().join("docs/reference/parts").join(name);
        let (mut of, mut heading) = (BTreeMap::<String, Vec<_>>::new(), String::new());
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            if let Some(name) = line.strip_prefix("## ") {
                name.clone_into(&mut heading);
            } else if let Some((name, meaning)) =
                line.strip_prefix("- `").and_then(|rest| rest.split_once("`: "))
            {
                of.entry(heading.clone()).or_default().push((name.to_owned(), meaning.to_owned()));
            }
        }
        Meanings { file, of }
    }

    /// What is said below a heading; it must be of these names, all of them.
    fn take(&mut self, heading: &str, mut names: Vec<&str>) -> Vec<(String, String)> {
        let said = self.of.remove(heading).unwrap_or_default();
        let mut there: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
        there.sort_unstable();
        names.sort_unstable();
        assert_eq!(there, names, "{}: {heading}", self.file.display());
        said
    }
}

/// Adds sections with their tables and prose.
fn add<'a>(page: &mut Page, sections: impl Iterator<Item = &'a Section>, names: &BTreeMap<String, String>) {
    for section in sections {
        let is_top = section.path.is_empty();
        let heading = if is_top { "At the top".to_owned() } else { format!("`{}`", section.path) };
        let about = section.node.text("description");
        let made = format!("## {heading}\n\n{about}\n\n{}", keys(section, names));
        page.add(if is_top { "top" } else { &section.path }, &made);
    }
}

#[test]
fn the_page_of_the_scenario_file_is_that_of_the_schema() {
    let (mut found, mut names) = (Vec::new(), BTreeMap::new());
    sections("", &schema("scenario"), &mut found, &mut names);
    let mut page = Page::read("scenario.md");
    add(&mut page, found.iter().filter(|section| !section.path.starts_with("expect")), &names);
    page.hold();
}

/// What `check` says of a scenario: the lines of its errors, and its help.
fn checked(text: &str) -> (BTreeSet<u64>, Vec<String>) {
    let folder = Folder::new();
    folder.file("s.toml", text);
    let ended = folder.scenario(&["check", "--format", "json", "s.toml"]).end();
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    let errors = said["diagnostics"].as_array().unwrap().iter().filter(|one| one["severity"] == "error");
    let (mut lines, mut help) = (BTreeSet::new(), Vec::new());
    for error in errors {
        lines.insert(error["line"].as_u64().unwrap());
        help.extend(error["help"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()));
    }
    (lines, help)
}

/// The names in a sentence of help that begins so.
fn named(help: &[String], start: &str, mark: char) -> Vec<String> {
    let sentence = help.iter().find_map(|one| one.strip_prefix(start)).unwrap();
    sentence.split(mark).skip(1).step_by(2).map(str::to_owned).collect()
}

/// What can be measured with which statistic and limit, as `check` accepts it.
fn measures() -> String {
    let (_, help) = checked("[[expect]]\nof = \"nothing\"\nat_most = 1\n");
    let known = named(&help, "the events and measures are ", '`');
    let events: BTreeSet<String> =
        schema("event").list("oneOf").iter().map(|e| e.text("title").to_owned()).collect();
    let (_, help) = checked("[[expect]]\nof = \"fetch.took\"\nstat = \"nothing\"\nbelow = \"1s\"\n");
    let mut stats = named(&help, "the statistics are ", '"');
    stats.retain(|stat| stat != "p99.9");
    let mut rows: Vec<(String, String)> = vec![("the name of an event".to_owned(), "move".to_owned())];
    rows.extend(
        known.iter().filter(|name| !events.contains(*name)).map(|name| (format!("`{name}`"), name.clone())),
    );
    rows.push(("`shared.CELL`".to_owned(), "shared.cell".to_owned()));

    let mut text =
        "| `of` | meaning | without `stat` | `stat`, with its limit |\n| --- | --- | --- | --- |\n"
            .to_owned();
    let all = rows.iter().map(|(_, of)| of.as_str()).collect();
    let meanings = Meanings::read("measures.markdown").take("measures", all);
    for (shown, of) in &rows {
        let fits = fitting(of, &stats);
        let mut by_limit: Vec<(&[&str], Vec<String>)> = Vec::new();
        for (stat, limits) in stats.iter().zip(&fits[1..]).filter(|(_, limits)| !limits.is_empty()) {
            let stat = if stat == "p95" { "`p1` … `p99.999`".to_owned() } else { format!("`{stat}`") };
            match by_limit.iter_mut().find(|(other, _)| other == limits) {
                Some((_, stats)) => stats.push(stat),
                None => by_limit.push((limits, vec![stat])),
            }
        }
        let words =
            |limits: &[&str]| listed(&limits.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(), "or");
        let alone = match &fits[0][..] {
            // A number that a run has at every moment has no statistic.
            [] if fits.iter().all(Vec::is_empty) => "`always`, with numbers".to_owned(),
            [] => "`stat` is required".to_owned(),
            limits => words(limits),
        };
        let stats: Vec<String> = by_limit
            .iter()
            .map(|(limits, stats)| format!("{}: {}", stats.join(", "), words(limits)))
            .collect();
        let (_, meaning) = meanings.iter().find(|(name, _)| name == of).unwrap();
        writeln!(text, "| {shown} | {} | {alone} | {} |", cell(meaning), stats.join("; ")).unwrap();
    }
    text
}

/// The kinds of limits that `check` accepts for a measure, without a statistic and with each.
fn fitting(of: &str, stats: &[String]) -> Vec<Vec<&'static str>> {
    let limits = [
        ("number", "5"),
        ("duration", "\"5s\""),
        ("size", "\"5KiB\""),
        ("rate", "\"5/s\""),
        ("share", "\"5%\""),
    ];
    let mut text = "[shared]\ncell = 1\n[presets.p]\nplayers = [{ name = \"j\", steps = [\"load cell\"] }]\n\
                    [[timeline]]\nspawn = \"p\"\n"
        .to_owned();
    let start = text.lines().count() as u64;
    let all: Vec<&str> = std::iter::once("").chain(stats.iter().map(String::as_str)).collect();
    for (number, (stat, (_, value))) in
        all.iter().flat_map(|stat| limits.map(|limit| (stat, limit))).enumerate()
    {
        let condition = if *stat == "share" { "where = { source = 'x' }" } else { "#" };
        let stat = if stat.is_empty() { "#".to_owned() } else { format!("stat = \"{stat}\"") };
        let limit = format!("{stat}\n{condition}\nabove = {value}");
        writeln!(text, "[[expect]]\nname = \"{number}\"\nof = \"{of}\"\n{limit}").unwrap();
    }
    let (wrong, _) = checked(&text);
    // Each expectation is six lines, and the lines that `check` names are those of what does not go.
    let goes = |number: u64| !wrong.iter().any(|line| (line - 1 - start) / 6 == number);
    let kinds = |stat: usize| {
        let kinds = limits.iter().enumerate().filter(|(limit, _)| goes((stat * limits.len() + limit) as u64));
        kinds.map(|(_, (kind, _))| *kind).collect()
    };
    (0..all.len()).map(kinds).collect()
}

#[test]
fn the_page_of_expectations_is_that_of_the_schema_and_of_check() {
    let (mut found, mut names) = (Vec::new(), BTreeMap::new());
    sections("", &schema("scenario"), &mut found, &mut names);
    let mut page = Page::read("expectations.md");
    add(&mut page, found.iter().filter(|section| section.path.starts_with("expect")), &names);
    page.add("measures", &format!("## Measures, statistics and limits\n\n{}", measures()));
    page.hold();
}

/// One line of what clap says, with a full stop.
fn sentence(help: &str) -> String {
    let help = cell(help);
    if help.is_empty() || help.ends_with(['.', ':']) { help } else { help + "." }
}

fn row_of_argument(argument: &clap::Arg) -> String {
    let values: Vec<String> =
        argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    let takes = argument.get_num_args().is_some_and(|count| count.takes_values());
    let mut shown = Vec::new();
    if let Some(short) = argument.get_short() {
        shown.push(format!("`-{short}`"));
    }
    if let Some(long) = argument.get_long() {
        let value = if takes { format!(" {}", values.join(" ")) } else { String::new() };
        shown.push(format!("`--{long}{value}`"));
    }
    if argument.is_positional() {
        let many = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
        shown.push(format!("`{}{}`", values.join(" "), if many { "…" } else { "" }));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let said = Regex::new(r" ?\[default: ([^\]]*)\]").unwrap();
    let default = if !defaults.is_empty() && takes {
        defaults.join(" ")
    } else if argument.is_required_set() {
        "required".to_owned()
    } else if let Some(found) = said.captures(&help) {
        format!("`{}`", &found[1])
    } else if takes {
        "none".to_owned()
    } else {
        "off".to_owned()
    };
    let mut meaning = sentence(&said.replace(&help, ""));
    let possible = argument.get_possible_values();
    if takes && !possible.is_empty() {
        let values: Vec<String> = possible
            .iter()
            .map(|value| {
                let help = value
                    .get_help()
                    .map(|help| format!(" ({})", cell(&help.to_string())))
                    .unwrap_or_default();
                format!("`{}`{help}", value.get_name())
            })
            .collect();
        write!(meaning, " Values: {}.", values.join(", ")).unwrap();
    }
    let is_said = ["times", "more than once"].iter().any(|said| meaning.contains(said));
    if matches!(argument.get_action(), clap::ArgAction::Append) && !argument.is_positional() && !is_said {
        meaning.push_str(" Can be given several times.");
    }
    format!("| {} | {} | {} |\n", cell(&shown.join(", ")), cell(&default), cell(&meaning))
}

#[test]
fn the_page_of_commands_is_that_of_the_command_line() {
    let mut program = command_line();
    program.build();
    let mut page = Page::read("commands.md");
    let commands = || program.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help");
    let about = |command: &clap::Command| sentence(&command.get_about().unwrap().to_string());
    let mut overview = "| command | meaning |\n| --- | --- |\n".to_owned();
    for command in commands() {
        let heading = format!("scenario {}", command.get_name());
        writeln!(overview, "| [`{heading}`](#{}) | {} |", anchor(&heading), about(command)).unwrap();
    }
    page.add("overview", &overview);
    for command in commands() {
        let name = command.get_name();
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let mut made = format!("## `scenario {name}`\n\n{}\n\nUsage: `{usage}`\n", about(command));
        let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
        let arguments = arguments.filter(|one| !["help", "version"].contains(&one.get_id().as_str()));
        let (given, options): (Vec<_>, Vec<_>) = arguments.partition(|one| one.is_positional());
        for (title, rows) in [("argument", given), ("option", options)] {
            if !rows.is_empty() {
                write!(made, "\n| {title} | default | meaning |\n| --- | --- | --- |\n").unwrap();
                rows.iter().for_each(|argument| made.push_str(&row_of_argument(argument)));
            }
        }
        page.add(name, &made);
    }
    page.hold();
}

#[test]
fn the_page_of_exit_codes_is_that_of_the_help() {
    let help = command_line().get_after_help().unwrap().to_string().replace('\n', " ");
    let codes = help.split("Exit codes: ").nth(1).unwrap().split(". ").next().unwrap();
    let mut page = Page::read("exit-codes.md");
    let mut overview = "| code | meaning |\n| --- | --- |\n".to_owned();
    let one = Regex::new(r"(\d+(?:(?:, | and )\d+)*) ([^0-9]+)").unwrap();
    let mut rows = Vec::new();
    for found in one.captures_iter(codes) {
        let meaning = sentence(found[2].trim().trim_end_matches(','));
        let meaning = capital(&meaning);
        writeln!(overview, "| {} | {meaning} |", &found[1]).unwrap();
        rows.push((found[1].to_owned(), meaning));
    }
    page.add("overview", &overview);
    for (code, meaning) in rows {
        let many = if code.contains(' ') { "s" } else { "" };
        page.add(&code, &format!("## Exit code{many} {code}\n\n{meaning}"));
    }
    page.hold();
}

#[test]
fn the_page_of_events_is_that_of_the_schema() {
    let mut page = Page::read("log-subjects.md");
    let mut meanings = Meanings::read("events.markdown");
    let schema = schema("event");
    let events = schema.list("oneOf");
    let mut overview = "| event | meaning |\n| --- | --- |\n".to_owned();
    for event in events {
        let name = event.text("title");
        writeln!(overview, "| [`{name}`](#{}) | {} |", anchor(name), cell(event.text("description")))
            .unwrap();
    }
    page.add("overview", &overview);
    for event in events {
        let name = event.text("title");
        let mut made = format!("## `{name}`\n\n{}\n", event.text("description"));
        let is_own = |key: &str| !["seq", "t", "event"].contains(&key);
        let own: Vec<&(String, Tree)> =
            event.table("properties").iter().filter(|(key, _)| is_own(key)).collect();
        let said = meanings.take(name, own.iter().map(|(key, _)| key.as_str()).collect());
        if !said.is_empty() {
            made.push_str("\n| key | there | meaning |\n| --- | --- | --- |\n");
        }
        for (key, meaning) in &said {
            let (_, node) = own.iter().find(|(name, _)| name == key).unwrap();
            let there = if event.required().contains(&key.as_str()) { "always" } else { "if it applies" };
            let kind = match node.text("type") {
                "number" => "seconds".to_owned(),
                "string" if !node.list("examples").is_empty() => "name of a signal".to_owned(),
                "object" => "object".to_owned(),
                _ => kind(node, key, &BTreeMap::new()),
            };
            let told = node.text("description");
            let meaning = if told.is_empty() { meaning } else { told };
            writeln!(made, "| `{key}` | {there} | {}. {} |", cell(&capital(&kind)), cell(meaning)).unwrap();
        }
        page.add(name, &made);
    }
    assert!(meanings.of.is_empty(), "{}: no event {:?}", meanings.file.display(), meanings.of.keys());
    page.hold();
}

/// Every name of a key in a schema.
fn all_keys(node: &Tree, found: &mut BTreeSet<String>) {
    match node {
        Tree::Leaf(_) => {}
        Tree::List(list) => list.iter().for_each(|one| all_keys(one, found)),
        Tree::Table(table) => {
            found.extend(node.table("properties").iter().map(|(key, _)| key.clone()));
            table.iter().for_each(|(_, value)| all_keys(value, found));
        }
    }
}

#[test]
fn the_glossary_has_every_key_of_the_file_in_alphabetical_order() {
    let text = std::fs::read_to_string(project().join("docs/GLOSSARY.md")).unwrap();
    let terms: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("- **")?.split_once("**"))
        .map(|(term, _)| term.replace('`', ""))
        .collect();
    let sorted = |term: &String| term.to_lowercase();
    assert!(
        terms.is_sorted_by_key(sorted),
        "{:?}",
        terms.windows(2).find(|pair| sorted(&pair[0]) > sorted(&pair[1]))
    );
    let mut keys = BTreeSet::new();
    all_keys(&schema("scenario"), &mut keys);
    let named: BTreeSet<String> = terms.iter().flat_map(|term| term.split(", ")).map(str::to_owned).collect();
    let missing: Vec<&String> = keys.iter().filter(|key| !named.contains(*key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
