//! What reports say of a program that failed: its name, and its last lines.

use roxmltree::Document;

use crate::common::Folder;
use crate::common::logs::{lines, log, with_sum};
use crate::report::folder;

/// A program that writes more than ten lines, some with controls, and fails.
const SCENARIO: &str = r#"
name = "shop"
[presets.server]
command = ["sh", "-c", '''
exec >&2
i=0; while [ $i -lt 12 ]; do i=$((i + 1)); echo "line $i"; done
printf '::error::owned \033[31mred\a\n'
exit 3''']
[presets.gone]
command = ["no-such-program"]
[[timeline]]
id = "boot"
spawn = "server"
[[timeline]]
id = "worker"
after = "boot.finished"
spawn = "gone"
count = 2
"#;

/// The first and the last two of the lines that are shown.
const SHOWN: [&str; 3] = ["! line 4", "! line 12", "! \\x3a:error::owned \\x1b[31mred\\x07"];

#[test]
fn the_last_lines_of_a_failed_program_are_in_every_report() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    let run = ["run", "--quiet", "--log", "l.jsonl", "--junit", "j.xml", "--github", "s.toml"];
    let ended = folder.scenario(&run).env("GITHUB_ACTIONS", "true").end().expect(1);
    let xml = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    let document = Document::parse(&xml).unwrap();
    let boot = document.descendants().find(|node| node.attribute("name") == Some("boot")).unwrap();
    let error = boot.children().find(|node| node.has_tag_name("system-err")).unwrap().text().unwrap();
    assert_eq!(error.lines().count(), 10, "{error}");
    let text = folder.scenario(&["report", "l.jsonl"]).end().expect(0).stdout;
    let json = folder.scenario(&["report", "--format", "json", "l.jsonl"]).end().expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let output: Vec<&str> = json["wrong"]["first"][0]["output"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line.as_str())
        .collect();
    folder.scenario(&["report", "-o", "page.html", "l.jsonl"]).end().expect(0);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let annotation = ended.stderr.lines().find(|line| line.starts_with("::error")).unwrap();
    for line in &SHOWN {
        assert!(error.lines().any(|own| own == *line), "{line} in {error}");
        assert!(text.lines().any(|own| own.trim_start() == *line && own != *line), "{line} in {text}");
        assert!(ended.stderr.lines().any(|own| own == format!("  {line}")), "{line} in {}", ended.stderr);
        assert!(output.contains(line), "{line} in {output:?}");
        assert!(annotation.contains(&format!("%0A{line}")), "{line} in {annotation}");
        assert!(page.contains(line), "{line}");
    }
    for shown in [error, &text, &ended.stderr] {
        assert!(!shown.contains("line 3\n") && !shown.contains('\u{1b}'), "{shown}");
    }
    assert!(ended.stderr.starts_with("error: the run did not pass: ps#1 (server) ended with code 3\n  "));
}

#[test]
fn a_program_that_could_not_start_has_the_name_of_its_entry() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    let run = ["run", "--quiet", "--log", "l.jsonl", "--junit", "j.xml", "s.toml"];
    folder.scenario(&run).end().expect(1);
    let log = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
    let failed: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.contains("\"spawn.failed\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(failed.len(), 2, "{log}");
    assert!(failed.iter().all(|line| line["preset"] == "gone" && line["entry"] == "worker"), "{failed:?}");
    let xml = std::fs::read_to_string(folder.path().join("j.xml")).unwrap();
    let document = Document::parse(&xml).unwrap();
    let cases: Vec<_> = document
        .descendants()
        .filter(|node| node.attribute("classname") == Some("shop: preset gone"))
        .map(|node| node.attribute("name").unwrap())
        .collect();
    assert_eq!(cases, ["worker", "worker (2)"], "{xml}");
    for (option, wanted) in [("--junit", "ps#2 failed: "), ("--trace", "\"preset\":\"gone\"")] {
        let shown = folder.scenario(&["report", option, "-", "l.jsonl"]).end().expect(0).stdout;
        assert!(shown.contains(wanted), "{option}: {shown}");
    }
    let text = folder.scenario(&["report", "l.jsonl"]).end().expect(0).stdout;
    assert!(text.contains("ps#2 (gone) failed: there is no program"), "{text}");
    assert!(text.contains("not started × 2") && !text.contains("(not started)"), "{text}");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    // The names identify a source in two runs of the scenario.
    let again = ["run", "--quiet", "--log", "m.jsonl", "s.toml"];
    folder.scenario(&again).end().expect(1);
    folder.scenario(&["diff", "l.jsonl", "m.jsonl"]).end().expect(0);
}

/// The preset and the entry follow from the lines before, so a wrong one is found; a missing one is that of
/// an older log.
#[test]
fn an_older_log_without_the_names_replays() {
    let bytes = log("exits");
    let text = String::from_utf8(bytes.clone()).unwrap();
    let at = text.find("\"event\":\"spawn.failed\"").unwrap();
    let source = at + text[at..].find(",\"error\"").unwrap();
    assert!(!text[at..source].contains("preset"), "{}", &text[at..source]);
    folder(&bytes).scenario(&["replay", "log.jsonl"]).end().expect(0);
    let wrong = format!("{},\"preset\":\"other\"{}", &text[..source], &text[source..]);
    folder(&with_sum(&lines(wrong.as_bytes()))).scenario(&["replay", "log.jsonl"]).end().expect(3);
}

const CLASHES: &str = r#"
name = "t"
[presets.p]
players = [{ name = "p", moves = 1, every = "1ms" }]
[[timeline]]
id = "typed"
spawn = "p"
count = 2
[[expect]]
name = "run"
of = "move"
at_least = 1
[[expect]]
name = "expectation run"
of = "move"
at_least = 1
[[expect]]
name = "every seed passes"
of = "move"
at_least = 1
[[expect]]
name = "a\u0007"
of = "move"
at_least = 1
[[expect]]
name = 'a\x07'
of = "move"
at_least = 1
"#;

#[test]
fn no_two_test_cases_have_the_same_class_and_name() {
    let folder = Folder::new();
    folder.file("s.toml", CLASHES);
    folder.file("typed", "p\np\n");
    let run = ["run", "--clock", "virtual", "--input", "typed", "--quiet", "--log", "l.jsonl", "s.toml"];
    folder.scenario(&run).end().expect(0);
    let names = |arguments: &[&str]| {
        let xml = folder.scenario(arguments).end().expect(0).stdout;
        let document = Document::parse(&xml).unwrap();
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        let mut names: Vec<_> = cases
            .map(|case| ["classname", "name"].map(|key| case.attribute(key).unwrap_or_default().to_owned()))
            .collect();
        let count = names.len();
        let all = names.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{xml}");
        all
    };
    let of_run = names(&["report", "--junit", "-", "l.jsonl"]);
    let own: Vec<&str> = of_run.iter().map(|[_, name]| name.as_str()).collect();
    let wanted = [
        "run",
        "expectation run",
        "expectation run (2)",
        "every seed passes",
        "a\\x07",
        "a\\x07 (2)",
        "entry typed",
        "entry typed (2)",
        "typed",
        "typed (2)",
    ];
    assert_eq!(own, wanted);
    names(&["replay", "--junit", "-", "l.jsonl", "l.jsonl"]);
    names(&["replay", "--format", "junit", "--expect", "s.toml", "l.jsonl", "l.jsonl"]);
    let explored = names(&["explore", "--seeds", "3", "--junit", "-", "s.toml"]);
    assert_eq!(explored[0][1], "every seed passes");
    assert!(explored.iter().any(|[_, name]| name == "expectation every seed passes"), "{explored:?}");
}

#[test]
fn a_program_that_ended_too_early_in_the_background_reads_so_everywhere() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "tick = \"0s\"\n[presets.init]\ncommand = [\"true\"]\nbackground = true\n\
         [presets.job]\ncommand = [\"sleep\", \"0.1\"]\n[[timeline]]\nid = \"init\"\nspawn = \"init\"\n\
         [[timeline]]\nafter = \"init.finished\"\nspawn = \"job\"\n",
    );
    let wanted = "ps#1 (init) ended by itself with code 0, while the run still needed it";
    let run = ["run", "s.toml", "--log", "l.jsonl", "--force"];
    let shown = folder.scenario(&run).end().expect(1).stderr;
    assert!(shown.contains(&format!("FAILED: {wanted}")), "{shown}");
    let quiet = folder.scenario(&[&run[..], &["-q", "--junit", "-"]].concat()).end().expect(1);
    assert!(quiet.stderr.starts_with(&format!("error: the run did not pass: {wanted}")), "{}", quiet.stderr);
    assert!(quiet.stdout.contains(&format!("<failure message=\"{wanted}")), "{}", quiet.stdout);
    let report = folder.scenario(&["report", "l.jsonl"]).end().expect(0).stdout;
    assert_eq!(report.matches(wanted).count(), 2, "{report}");
    let replayed = folder.scenario(&["replay", "l.jsonl"]).end().expect(0).stderr;
    assert!(replayed.contains(&format!("({wanted}")), "{replayed}");
    // The log is as it always was.
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["reason"], "ps#1 (init) ended with code 0");
}
