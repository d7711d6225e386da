//! `--github`: annotations at the place that a fault comes from.

use crate::common::logs::log;
use crate::common::{Ended, Folder};

const SCENARIO: &str = "\
[presets.three]
command = ['sh', '-c', 'exit 3']
[presets.missing]
command = ['./no-such-program']
[fetches.refused]
urls = ['http://127.0.0.1:9/']
[[timeline]]
spawn = 'three'
count = 3
[[timeline]]
at = '10ms'
spawn = 'missing'
[[timeline]]
fetch = 'refused'
[[expect]]
name = 'none, of: 100%'
of = 'spawn.exited'
never = true
[[expect]]
of = 'spawn.started'
equals = 3
";

/// One command, parsed as GitHub's runner parses it.
#[derive(Debug, PartialEq)]
struct Command {
    level: String,
    /// The properties, in their order.
    properties: Vec<(String, String)>,
    message: String,
}

impl Command {
    fn get(&self, key: &str) -> &str {
        self.properties.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// `FILE:LINE:COLUMN TITLE`.
    fn head(&self) -> String {
        let [file, line, column, title] = ["file", "line", "col", "title"].map(|key| self.get(key));
        format!("{file}:{line}:{column} {title}")
    }
}

/// The commands among lines, without lines that only look like commands.
#[track_caller]
fn commands(shown: &str) -> Vec<Command> {
    let is_command = |line: &&str| line.trim_start().starts_with("::");
    shown
        .lines()
        .filter(is_command)
        .map(|line| {
            let (head, message) = line[2..].split_once("::").unwrap();
            let (level, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning"].contains(&level), "{line}");
            let decoded = |text: &str| {
                let text = text.replace("%3A", ":").replace("%2C", ",");
                text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            };
            let property = |text: &str| {
                let (key, value) = text.split_once('=').unwrap();
                assert!(["file", "line", "col", "title"].contains(&key), "{line}");
                (key.to_owned(), decoded(value))
            };
            let properties = properties.split(',').map(property).collect();
            Command { level: level.to_owned(), properties, message: decoded(message) }
        })
        .collect()
}

fn on_github(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.scenario(arguments).env("GITHUB_ACTIONS", "true").end()
}

#[test]
fn faults_of_a_run_are_annotated_at_their_places() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    let run = ["run", "s.toml", "--quiet", "--log", "log.jsonl", "--force"];
    let ended = on_github(&folder, &[&run[..], &["--github"]].concat()).expect(1);
    let annotations = commands(&ended.stderr);
    // Of three that end at the same time, any may be the first.
    let unnumbered =
        |head: String| head.replace("ps#2 (three)", "ps#1 (three)").replace("ps#3 (three)", "ps#1 (three)");
    let heads: Vec<String> = annotations.iter().map(|one| unnumbered(one.head())).collect();
    assert_eq!(
        heads,
        [
            "s.toml:15:1 expectation missed",
            "s.toml:7:1 ps#1 (three)",
            "s.toml:10:1 ps#4 (missing)",
            "s.toml:13:1 get#1 (refused)"
        ]
    );
    assert!(annotations.iter().all(|one| one.level == "error"));
    assert_eq!(
        annotations[0].message,
        "none, of: 100%: wanted never, got 3 (seq 3)".replace("seq 3", &seq(&annotations[0]))
    );
    assert!(annotations[1].message.starts_with("ended with code 3, at 0."), "{annotations:?}");
    assert!(annotations[1].message.ends_with(" s\nand 2 more like it"), "{annotations:?}");
    assert!(annotations[2].message.contains("there is no program `./no-such-program`"), "{annotations:?}");
    assert!(annotations[3].message.starts_with("failed (connect): "), "{annotations:?}");
    assert!(ended.stdout.is_empty());
    // Only if it is asked for, and only where GitHub's runner reads the output.
    assert_eq!(commands(&on_github(&folder, &run).expect(1).stderr), []);
    let asked = [&run[..], &["--github"]].concat();
    for value in ["", "false"] {
        let ended = folder.scenario(&asked).env("GITHUB_ACTIONS", value).end().expect(1);
        assert_eq!(commands(&ended.stderr), []);
    }
    let mut alone = folder.scenario(&asked);
    alone.command.env_remove("GITHUB_ACTIONS");
    assert_eq!(commands(&alone.end().expect(1).stderr), []);
}

/// The event that a message points to.
fn seq(command: &Command) -> String {
    let at = command.message.find("seq ").unwrap();
    command.message[at..].trim_end_matches(')').to_owned()
}

#[test]
fn a_failure_without_another_cause_is_annotated_at_its_file() {
    let folder = Folder::new();
    folder.file("s.toml", "time_limit = '1s'\ntick = '0s'\n[presets.p]\nplayers = [{ name = 'x', moves = 9, every = '1s' }]\n[[timeline]]\nspawn = 'p'\n");
    let run = ["run", "s.toml", "--clock", "virtual", "--log", "log.jsonl", "--github"];
    let annotations = commands(&on_github(&folder, &run).expect(1).stderr);
    assert_eq!(annotations.len(), 1, "{annotations:?}");
    assert_eq!(annotations[0].head(), "s.toml:1:1 the run");
    assert!(annotations[0].message.contains("time limit"), "{annotations:?}");
    let passed = ["run", "s.toml", "--clock", "virtual", "--log", "other.jsonl", "--github"];
    folder.file("s.toml", "[[timeline]]\nmark = '::error::x'\n");
    assert_eq!(commands(&on_github(&folder, &passed).expect(0).stderr), []);
}

#[test]
fn errors_in_files_are_annotated_there() {
    let folder = Folder::new();
    folder.file("a/s.toml", "include = ['other.toml']\n[[timeline]]\nspwn = 'x'\n");
    folder.file("a/other.toml", "[presets.p]\ncommand = ['true']\nx = \"\\n::error::owned\"\n");
    for arguments in [
        &["check", "--github", "a/s.toml"][..],
        &["check", "--github", "--format", "json", "a/s.toml"],
        &["run", "--github", "a/s.toml"],
    ] {
        let annotations = commands(&on_github(&folder, arguments).expect(2).stderr);
        let mut heads: Vec<String> = annotations.iter().map(Command::head).collect();
        heads.sort();
        assert_eq!(heads, ["a/other.toml:3:1 invalid scenario", "a/s.toml:3:1 invalid scenario"]);
        let mine = annotations.iter().find(|one| one.get("file") == "a/s.toml").unwrap();
        let wanted = "a timeline entry has no key `spwn` (unknown key)\nhelp: did you mean `spawn`?\n";
        assert!(mine.message.starts_with(wanted), "{mine:?}");
    }
    // Paths are those of the repository, wherever the step runs.
    let mut run = folder.scenario(&["check", "--github", "s.toml"]).env("GITHUB_ACTIONS", "true");
    run.command.current_dir(folder.path().join("a")).env("GITHUB_WORKSPACE", folder.path());
    let annotations = commands(&run.end().expect(2).stderr);
    assert!(annotations.iter().any(|one| one.get("file") == "a/s.toml"), "{annotations:?}");
    let ended = folder.scenario(&["check", "--github", "-"]).stdin("x = 1").env("GITHUB_ACTIONS", "1").end();
    let annotations = commands(&ended.expect(2).stderr);
    assert!(annotations.len() == 1 && annotations[0].get("file").is_empty(), "{annotations:?}");
    folder.file("odd.toml", "tick = '1M'\n[[timeline]]\nmark = 'x'\n");
    let annotations = commands(&on_github(&folder, &["check", "--github", "odd.toml"]).expect(0).stderr);
    assert_eq!(
        (annotations.len(), &*annotations[0].level, &*annotations[0].head()),
        (1, "warning", "odd.toml:1:8 possibly unintended")
    );
}

#[test]
fn findings_of_a_replay_are_annotated_at_their_causes() {
    let folder = Folder::new();
    folder.file("log.jsonl", log("exits"));
    let annotations = |more: &[&str], code| {
        let arguments = [&["replay", "--github", "log.jsonl"], more].concat();
        let annotations = commands(&on_github(&folder, &arguments).expect(code).stderr);
        annotations.iter().map(|one| (one.head(), one.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(annotations(&[], 0), []);
    folder.file("wishes.toml", "\n[[expect]]\nof = 'spawn.exited'\nwhere = { ok = false }\nnever = true\n");
    let missed = annotations(&["--expect", "wishes.toml"], 1);
    assert_eq!((missed.len(), &*missed[0].0), (1, "wishes.toml:2:1 expectation missed"), "{missed:?}");
    // The second entry has another preset.
    let again = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    folder.file("again.toml", &again);
    folder.file(
        "log.jsonl",
        String::from_utf8(log("exits")).unwrap().replacen("\"ok\":true", "\"ok\":false", 1),
    );
    let different = annotations(&[], 3);
    assert_eq!((different.len(), &*different[0].0), (1, "log.jsonl:3:1 replay"), "{different:?}");
    let different = annotations(&["--against", "again.toml"], 3);
    let entry = 1 + again.lines().position(|line| line == "[[timeline]]").unwrap();
    assert_eq!(
        (different.len(), &different[0].0),
        (1, &format!("again.toml:{entry}:1 replay")),
        "{different:?}"
    );
    folder.file("log.jsonl", &log("exits")[..2000]);
    let cut = annotations(&[], 5);
    assert!(cut.len() == 1 && cut[0].1.contains("cut short"), "{cut:?}");
    assert_eq!(annotations(&["--allow-incomplete"], 0), []);
    folder.file("log.jsonl", "\u{1b}]52;\n::error::owned\n");
    let damaged = annotations(&[], 5);
    assert_eq!((damaged.len(), &*damaged[0].0), (1, "log.jsonl:1:1 replay"), "{damaged:?}");
}

#[test]
fn no_text_of_others_is_a_command() {
    let folder = Folder::new();
    let says =
        "printf '::error::owned\\n\\r::error::owned\\n  ::set-output name=a::b\\n' | tee /dev/stderr; exit 3";
    folder.file(
        "s.toml",
        format!(
            "name = \"\\n::error::owned\"\n[presets.p]\ncommand = [\"sh\", \"-c\", {says:?}]\n\
             [presets.q]\ncommand = [\"\\n::error::owned\"]\n[presets.r]\ncommand = [\"sh\", \"-c\", {says:?}]\nready = {{ line = 'x' }}\n\
             [[timeline]]\nspawn = 'p'\n[[timeline]]\nspawn = 'q'\n[[timeline]]\nspawn = 'r'\n[[timeline]]\nmark = \"\\n::error::owned\"\n\
             [[expect]]\nname = \"\\r\\n::error::owned\"\nof = 'mark'\nwhere = {{ text = \"::error\" }}\nnever = true\n"
        ),
    );
    folder.file("typed", "::error::owned\n");
    let run = ["run", "--github", "--input", "typed", "s.toml", "--log", "log.jsonl", "--junit", "j.xml"];
    let shown = on_github(&folder, &run).expect(1).stderr;
    let annotations = commands(&shown);
    assert_eq!(annotations.len(), 4, "{shown}");
    assert!(
        annotations.iter().all(|one| one.get("file") == "s.toml" && !one.message.contains("\n::")),
        "{shown}"
    );
    folder.file("e.toml", "[[expect]]\nname = \"\\r\\n::error::owned\"\nof = 'mark'\nnever = true\n");
    let shown =
        on_github(&folder, &["replay", "--github", "log.jsonl", "--expect", "e.toml"]).expect(1).stderr;
    assert_eq!(commands(&shown).len(), 1, "{shown}");
}
