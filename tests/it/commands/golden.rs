//! The exact output of commands.

use std::fmt::Write;

use crate::common::{Folder, project};

/// Runs each command line in a folder with the project's `scenarios` and `tests` and with two TOML files that are no
/// scenarios, and compares all output with `NAME.txt` in this folder.
#[track_caller]
fn compare(name: &str, commands: &[&[&str]]) {
    let folder = Folder::new();
    for name in ["scenarios", "tests"] {
        std::os::unix::fs::symlink(project().join(name), folder.path().join(name)).unwrap();
    }
    folder.file("Cargo.toml", "[package]\nname = \"p\"\n");
    folder.file("clippy.toml", "msrv = \"1.95\"\n");
    let mut now = String::new();
    for arguments in commands {
        let mut run = folder.scenario(arguments);
        run.command.env_remove("COLUMNS");
        let ended = run.end();
        let words: Vec<String> =
            arguments
                .iter()
                .map(|word| {
                    if word.is_empty() || word.contains(' ') {
                        format!("'{word}'")
                    } else {
                        (*word).to_owned()
                    }
                })
                .collect();
        let _ = writeln!(now, "$ {}", [&["scenario".to_owned()], &words[..]].concat().join(" "));
        now += &ended.stdout;
        if !ended.stderr.is_empty() {
            let _ = write!(now, "-- stderr\n{}", ended.stderr);
        }
        let _ = writeln!(now, "-- exit {}\n", ended.code.unwrap());
    }
    let path = project().join(format!("tests/it/commands/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(&path, now).unwrap();
    }
    let then = std::fs::read_to_string(&path).unwrap_or_default();
    if then != now {
        let at = then.lines().zip(now.lines()).take_while(|(then, now)| then == now).count();
        let around =
            |text: &str| text.lines().skip(at.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
        panic!(
            "{name}.txt, line {}\n== then:\n{}\n== now:\n{}\nUPDATE=1 writes it anew",
            at + 1,
            around(&then),
            around(&now)
        );
    }
}

#[test]
fn help() {
    compare(
        "help",
        &[
            &["--help"],
            &["--version"],
            &["run", "-h"],
            &["run", "--help"],
            &["check", "--help"],
            &["plan", "--help"],
            &["replay", "--help"],
            &["play", "--help"],
            &["diff", "--help"],
            &["extract", "--help"],
            &["report", "--help"],
            &["schema", "--help"],
            &["players", "--help"],
            &["fetch", "--help"],
            &["init", "--help"],
            &["completions", "--help"],
            &["man", "--help"],
            &["runs", "--help"],
            &["explore", "--help"],
        ],
    );
}

#[test]
fn usage() {
    compare(
        "usage",
        &[
            &[],
            &["rnu"],
            &["run"],
            &["run", "a.toml", "b.toml"],
            &["run", "--sed", "1", "a.toml"],
            &["run", "--seed", "-1", "a.toml"],
            &["run", "--seed", "9223372036854775808", "a.toml"],
            &["run", "--speed", "0", "a.toml"],
            &["run", "--speed", "nan", "a.toml"],
            &["run", "--clock", "sun", "a.toml"],
            &["run", "--var", "port", "a.toml"],
            &["run", "--var", "a b=1", "a.toml"],
            &["run", "--clock", "virtual", "--speed", "2", "scenarios/crowd.toml"],
            &["run", "--clock", "virtual", "--precise", "scenarios/crowd.toml"],
            &["run", "--input", "-", "-"],
            &["run", "no-such.toml"],
            &["run", "scenarios"],
            &["run", "--clock", "virtual", "scenarios/four_pages.toml"],
            &["check"],
            &["check", "--format", "xml", "scenarios/crowd.toml"],
            &["plan"],
            &["plan", "no-such.toml"],
            &["diff"],
            &["diff", "-", "-"],
            &["diff", "no-such.jsonl", "-"],
            &["diff", "scenarios", "-"],
            &["diff", "scenarios/crowd.toml", "scenarios/crowd.toml"],
            &["play"],
            &["play", "--speed", "0", "a.jsonl"],
            &["play", "--speed", "most", "a.jsonl"],
            &["play", "--idle-limit", "5", "a.jsonl"],
            &["play", "no-such.jsonl"],
            &["play", "scenarios"],
            &["play", "scenarios/crowd.toml"],
            &["report"],
            &["report", "--format", "xml", "a.jsonl"],
            &["report", "no-such.jsonl"],
            &["report", "scenarios"],
            &["report", "scenarios/crowd.toml"],
            &["schema", "log"],
            &["players", "scenarios/crowd.toml"],
            &["players", "scenarios/crowd.toml", "crwd"],
            &["players", "scenarios/server_and_clients.toml", "client"],
            &["fetch"],
            &["fetch", "ftp://localhost/", "http://user:password@bad host/", "nothing"],
            &["fetch", "-x", "http://localhost/"],
            &["init", "../outside"],
            &["init", ""],
            &["init", "two words"],
            &["completions", "cmd"],
        ],
    );
}

#[test]
fn plan() {
    compare(
        "plan",
        &[
            &["plan", "scenarios/three_waves.toml"],
            &["plan", "--seed", "5", "scenarios/three_waves.toml"],
            &["plan", "--seed", "5", "--format", "json", "scenarios/three_waves.toml"],
            &["plan", "scenarios/crowd.toml"],
            &["plan", "scenarios/four_pages.toml"],
            &["plan", "--var", "port=1", "--format", "json", "scenarios/four_pages.toml"],
            &["plan", "scenarios/server_and_clients.toml"],
            &["plan", "--format", "json", "scenarios/server_and_clients.toml"],
        ],
    );
}

#[test]
fn players() {
    let players = ["players", "--speed", "1000"];
    let with = |more: &[&'static str]| -> Vec<&'static str> { players.iter().chain(more).copied().collect() };
    compare(
        "players",
        &[
            &with(&["scenarios/three_waves.toml", "3"]),
            &with(&["--seed", "2018", "scenarios/presets/course.toml", "3"]),
            &with(&["--seed", "2018", "--nth", "1", "scenarios/presets/course.toml", "3"]),
        ],
    );
}

#[test]
fn check() {
    compare(
        "check",
        &[
            &["check", "scenarios/three_waves.toml", "scenarios/crowd.toml"],
            &["check", "--format", "json", "scenarios/three_waves.toml", "tests/it/commands/wrong.toml"],
            &["check", "tests/it/commands/wrong.toml", "scenarios/crowd.toml", "no-such.toml"],
            &["check", "--var", "who=1", "--var", "nobody=1", "tests/it/commands/wrong.toml"],
        ],
    );
}

#[test]
fn the_same_players_come_from_the_same_seed() {
    let folder = Folder::new();
    let lines = |seed: &str| {
        let file = project().join("scenarios/presets/course.toml");
        let run =
            folder.scenario(&["players", "--speed", "1000", "--seed", seed, file.to_str().unwrap(), "4"]);
        run.end().expect(0).stdout
    };
    let one = lines("1");
    assert_eq!(one.lines().count(), 20);
    assert_eq!(one, lines("1"));
    assert_ne!(one, lines("2"));
}

#[test]
fn completions_and_the_manual_contain_every_option() {
    let folder = Folder::new();
    let mut scripts =
        ["bash", "zsh", "fish"].map(|shell| folder.scenario(&["completions", shell]).end().expect(0).stdout);
    let page = folder.scenario(&["man"]).end().expect(0).stdout;
    assert!(page.contains(".TH scenario 1"));
    let page = page.replace("\\-", "-");
    for script in scripts.iter_mut().chain([&mut page.clone()]) {
        assert!(!script.contains("on-terminal"), "it is not for users");
        for word in [
            "run",
            "check",
            "plan",
            "replay",
            "play",
            "diff",
            "extract",
            "schema",
            "players",
            "fetch",
            "init",
            "completions",
            "man",
        ] {
            assert!(script.to_lowercase().contains(word), "{word}");
        }
        for option in [
            "log",
            "force",
            "seed",
            "clock",
            "speed",
            "var",
            "input",
            "precise",
            "quiet",
            "format",
            "nth",
            "allow-incomplete",
        ] {
            assert!(script.contains(option), "{option}");
        }
    }
    let file = folder.file("completions.bash", &scripts[0]);
    let ended = std::process::Command::new("bash").arg("-n").arg(file).status().unwrap();
    assert!(ended.success(), "bash reads its script");
}
