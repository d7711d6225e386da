//! JUnit reports by the rules of Jenkins: those of the schema `junit-10.xsd` of its xUnit plugin, as a
//! table.

use roxmltree::{Document, Node};
use scenario_log::sanitize::is_unsafe_char;

use crate::common::Folder;
use crate::common::logs::{log, logs};

/// What an element may contain. Its children may come in any order and number; that is so for all elements
/// of our reports.
struct Rule {
    element: &'static str,
    children: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
    has_text: bool,
}

const fn leaf(element: &'static str, optional: &'static [&'static str]) -> Rule {
    Rule { element, children: &[], required: &[], optional, has_text: true }
}

const RULES: &[Rule] = &[
    Rule {
        element: "testsuites",
        children: &["testsuite"],
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        has_text: false,
    },
    Rule {
        element: "testsuite",
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        has_text: false,
    },
    Rule {
        element: "testcase",
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        required: &["name"],
        optional: &["time", "classname", "group"],
        has_text: false,
    },
    leaf("failure", &["type", "message"]),
    leaf("error", &["type", "message"]),
    leaf("skipped", &["type", "message"]),
    leaf("system-out", &[]),
    leaf("system-err", &[]),
];

/// The first rule that a report breaks, if any.
fn fault(xml: &str) -> Option<String> {
    let document = match Document::parse(xml) {
        Ok(document) => document,
        Err(error) => return Some(error.to_string()),
    };
    let root = document.root_element();
    if root.tag_name().name() != "testsuites" {
        return Some(format!("a report is no {root:?}"));
    }
    root.descendants().find_map(|node| if node.is_element() { fault_of(node) } else { None })
}

fn fault_of(element: Node<'_, '_>) -> Option<String> {
    let name = element.tag_name().name();
    let Some(rule) = RULES.iter().find(|rule| rule.element == name) else {
        return Some(format!("there is no `{name}`"));
    };
    let has = |key: &&&str| element.attribute(**key).is_some();
    if let Some(key) = rule.required.iter().find(|key| !has(key)) {
        return Some(format!("`{name}` wants `{key}`"));
    }
    for attribute in element.attributes() {
        let (key, value) = (attribute.name(), attribute.value());
        if !rule.required.contains(&key) && !rule.optional.contains(&key) {
            return Some(format!("`{name}` has no `{key}`"));
        }
        let is_number = |value: &str| value.parse::<f64>().is_ok_and(|number| number >= 0.0);
        if ["time", "tests", "failures", "errors", "skipped"].contains(&key) && !is_number(value) {
            return Some(format!("`{key}` of `{name}` is no number: {value}"));
        }
    }
    element.children().find_map(|child| {
        let text = child.text().unwrap_or_default();
        if child.is_element() && !rule.children.contains(&child.tag_name().name()) {
            return Some(format!("`{name}` has no `{}`", child.tag_name().name()));
        }
        (child.is_text() && !rule.has_text && !text.trim().is_empty())
            .then(|| format!("`{name}` has text: {text}"))
    })
}

/// The number of elements with a name.
fn count(document: &Document<'_>, name: &str) -> usize {
    document.descendants().filter(|node| node.has_tag_name(name)).count()
}

/// Asserts that a report is valid, that its counts are right, and that nothing in it acts.
#[track_caller]
fn assert_valid(xml: &str) {
    assert_eq!(fault(xml), None, "{xml}");
    let document = Document::parse(xml).unwrap();
    let root = document.root_element();
    let suites = root.children().filter(|node| node.has_tag_name("testsuite"));
    for element in suites.chain([root]) {
        let of = |name: &str| element.descendants().filter(|node| node.has_tag_name(name)).count();
        for (key, child) in
            [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            let count = element.attribute(key);
            assert!(count.is_none_or(|count| count == of(child).to_string()), "{key}: {xml}");
        }
    }
    for node in document.descendants() {
        let values = node.attributes().map(|attribute| attribute.value());
        for text in values.chain(node.text().filter(|_| node.is_text())) {
            let acting = |c: char| c != '\n' && is_unsafe_char(c);
            assert!(!text.contains(acting), "{text:?}");
            assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text:?}");
        }
    }
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    let report = |name| {
        let folder = crate::report::folder(&log(name));
        folder.scenario(&["report", "--allow-incomplete", "--junit", "-", "log.jsonl"]).end().expect(0).stdout
    };
    let (exits, cut) = (report("exits"), report("cut_short"));
    for (xml, from, to) in [
        (&exits, "<testsuites ", "<testsuites skipped=\"0\" "),
        (&exits, "<testsuites ", "<testsuites xmlns:x=\"y\" x:uuid=\"1\" "),
        (&exits, "<testcase name=\"run\"", "<testcase"),
        (&exits, "tests=\"1\"", "tests=\"one\""),
        (&exits, "failures=\"1\" ", ""),
        (&exits, "time=\"0.0", "time=\"-0.0"),
        (&exits, "<failure message", "<failure system=\"1\" message"),
        (&exits, "<testcase ", "text <testcase "),
        (&exits, "</testsuites>", "<properties/></testsuites>"),
        (&exits, "</failure>", "<b/></failure>"),
        (&exits, "</failure>", "\u{1}</failure>"),
        (&exits, "</failure>", "]]></failure>"),
        (&exits, "</testsuites>", ""),
        (&cut, "<skipped", "<disabled"),
    ] {
        assert_eq!(fault(xml), None);
        assert!(xml.contains(from), "{from}: {xml}");
        assert!(fault(&xml.replacen(from, to, 1)).is_some(), "{from} → {to}");
    }
}

#[test]
fn reports_of_every_log_are_valid() {
    for (name, bytes) in logs() {
        let folder = crate::report::folder(&bytes);
        for command in ["report", "replay"] {
            let arguments = [command, "--allow-incomplete", "--junit", "j.xml", "log.jsonl"];
            folder.scenario(&arguments).end().expect(0);
            let xml = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
            assert_valid(&xml);
            let document = Document::parse(&xml).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            let events = |event: &str| text.matches(&format!("\"event\":\"{event}\"")).count();
            let (cases, expected) = (count(&document, "testcase"), events("expect"));
            assert!(cases > expected, "{name}: {xml}");
            // None that started is left out, except that many of one entry share a case.
            let started = events("spawn.started");
            assert!(started > 50 || cases > started + expected, "{name}: {xml}");
        }
    }
}

/// Puts everything that could break a report wherever a scenario can have text.
const HOSTILE: &str = r##"
name = "a\u0000]]><&\"'\u001b]52;c;aGk=\u0007\uFFFE\u202e\n::error::x"
[presets.says]
command = ["sh", "-c", "printf '\\355\\240\\200 \\000 ]]></failure> \\033]52;c;aGk=\\007\\n::error::owned\\n' >&2; exit 3"]
[presets.missing]
command = ["no\u001b]52;c;aGk=\u0007]]>&<such\u202e"]
[presets.unready]
command = ["sh", "-c", "printf '\\355\\240\\200 \\000 ]]></failure>\\n::error::owned\\n' >&2; exit 3"]
ready = { line = "]]>" }
[fetches.refused]
urls = ["http://127.0.0.1:9/]]>&'"]
[[timeline]]
spawn = "says"
count = 2
[[timeline]]
spawn = "missing"
[[timeline]]
spawn = "unready"
[[timeline]]
fetch = "refused"
[[timeline]]
mark = "]]>\u0000"
[[expect]]
name = "]]><![CDATA[\u0000&<>\"'\uFFFE\u001b]52;c;aGk=\u0007\n::error::owned"
of = "mark"
never = true
where = { text = "]]>" }
[[expect]]
of = "spawn.started"
at_least = 3
"##;

#[test]
fn reports_are_valid_whatever_the_texts_contain() {
    let folder = Folder::new();
    folder.file("s.toml", HOSTILE);
    folder
        .file("]]>&'\u{202e}.toml", "[[expect]]\nname = \"\\u0000\\uFFFE]]>\"\nof = 'mark'\nnever = true\n");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let log = "\u{1b}]]>.jsonl";
    folder.scenario(&["run", "s.toml", "--log", log, "--junit", "run.xml"]).end().expect(1);
    folder.scenario(&["report", log, "--junit", "report.xml"]).end().expect(0);
    folder.scenario(&["replay", log, "--junit", "replay.xml"]).end().expect(0);
    let expecting = ["replay", log, "--junit", "expect.xml", "--expect", "]]>&'\u{202e}.toml"];
    folder.scenario(&expecting).end().expect(1);
    let short = folder.scenario(&[&expecting[..2], &expecting[4..], &["--format", "junit"]].concat()).end();
    assert_valid(&short.expect(1).stdout);
    for name in ["run.xml", "report.xml", "replay.xml", "expect.xml"] {
        assert_valid(&read(name));
    }
    assert_eq!(read("run.xml"), read("report.xml"));
    // The run, two expectations, four spawns and a fetch; then the replay; then its expectations.
    for (name, cases) in [("run.xml", 8), ("replay.xml", 9), ("expect.xml", 10)] {
        assert_eq!(count(&Document::parse(&read(name)).unwrap(), "testcase"), cases, "{}", read(name));
    }
}

#[test]
fn a_replay_reports_the_runs_that_it_replays() {
    let folder = Folder::new();
    for name in ["killed", "expected", "empty"] {
        folder.file(&format!("{name}.jsonl"), log(name));
    }
    let replay = |more: &[&str]| {
        let arguments = [&["replay", "killed.jsonl", "expected.jsonl", "--junit", "-"], more].concat();
        folder.scenario(&arguments).end()
    };
    let xml = replay(&[]).expect(0).stdout;
    assert_valid(&xml);
    // All that the reports of the logs have, each after its log.
    let (document, mut cases) = (Document::parse(&xml).unwrap(), 2);
    for name in ["killed", "expected"] {
        let log = format!("{name}.jsonl");
        let of_log = folder.scenario(&["report", &log, "--junit", "-"]).end().expect(0).stdout;
        let of_log = Document::parse(&of_log).unwrap();
        for suite in of_log.descendants().filter(|node| node.has_tag_name("testsuite")) {
            let wanted = format!("{log}: {}", suite.attribute("name").unwrap());
            let mut suites = document.descendants().filter(|node| node.attribute("name") == Some(&wanted));
            let found = suites.next().unwrap_or_else(|| panic!("no {wanted}: {xml}"));
            let suite_text = |suite: Node<'_, '_>| {
                let cases = suite.descendants().filter(|node| node.has_tag_name("testcase"));
                let case_text = |case: Node<'_, '_>| {
                    let message = case.descendants().find_map(|node| node.attribute("message"));
                    (case.attribute("name").map(str::to_owned), message.map(str::to_owned))
                };
                cases.map(case_text).collect::<Vec<_>>()
            };
            assert_eq!(suite_text(suite), suite_text(found));
            cases += suite_text(found).len();
        }
    }
    assert_eq!(count(&document, "testcase"), cases);
    // A run that happens differently now has no cases.
    folder.file("other.toml", "tick = '7ms'\n");
    let xml = replay(&["--against", "other.toml"]).expect(3).stdout;
    assert_valid(&xml);
    assert_eq!(count(&Document::parse(&xml).unwrap(), "testcase"), 2, "{xml}");
    let json = replay(&["--format", "json"]).expect(2).stderr;
    assert!(json.contains("standard output cannot be the `--format` and the `--junit`"), "{json}");
    let over = folder.scenario(&["replay", "killed.jsonl", "--junit", "killed.jsonl"]).end().expect(4).stderr;
    assert!(over.contains("killed.jsonl is a log; name another file with `--junit FILE`"), "{over}");
    assert_eq!(std::fs::read(folder.path().join("killed.jsonl")).unwrap(), log("killed"));
}
