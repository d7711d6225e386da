//! Nothing that comes from outside is a command for a CI service: neither at the beginning of a line nor
//! within one, in any output of any command.

use crate::common::{Folder, Log};

const COMMANDS: [&str; 3] =
    ["::error file=x::owned", "##vso[task.setvariable variable=PATH]/x", "##[error]owned"];

#[track_caller]
fn assert_harmless(of: &str, output: &str) {
    for line in output.lines() {
        let begins =
            line.trim_start().strip_prefix("::").is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        assert!(!begins, "{of}: {line}");
        assert!(!line.contains("##vso[") && !line.contains("##["), "{of}: {line}");
        let raw = |c: char| c != '\t' && c.is_control() || "\u{9b}\u{202e}".contains(c);
        assert!(!line.contains(raw), "{of}: {line:?}");
    }
}

/// Runs a command without annotations of our own.
#[track_caller]
fn check_output(folder: &Folder, arguments: &[&str]) {
    let ended = folder.scenario(arguments).env("GITHUB_ACTIONS", "").end();
    assert!(!format!("{}{}", ended.stdout, ended.stderr).is_empty(), "{arguments:?}");
    assert_harmless(&arguments.join(" "), &ended.stdout);
    assert_harmless(&arguments.join(" "), &ended.stderr);
}

#[test]
fn names_of_files_and_variables_are_no_commands() {
    let folder = Folder::new();
    for command in COMMANDS {
        for (n, name) in
            [format!("a\n{command}\n.toml"), format!("{}.toml", command.replace('/', "-"))].iter().enumerate()
        {
            let name = name.replace('/', "-");
            for text in [
                "x = 1\n".to_owned(),
                format!("name = \"a{n}\"\n[[timeline]]\nmark = \"m\"\n"),
                format!("# {command}\n[[timeline]]\nspawn = \"no\" # {command}\n"),
            ] {
                folder.file(&name, &text);
                for arguments in [
                    &["check", &name][..],
                    &["check", "--format", "json", &name],
                    &["plan", &name],
                    &["run", "--force", "--log", "l.jsonl", &name],
                ] {
                    check_output(&folder, arguments);
                }
            }
        }
        let escaped = command.replace('\\', "\\\\");
        for text in [
            format!("name = \"x\"\n[[timeline]]\nmark = \"${{env:b\\n{escaped}}}\"\n"),
            format!("name = \"x\"\n[[timeline]]\nmark = \"${{b\\n{escaped}}}\"\n"),
            format!("name = \"x\"\n\"{escaped}\" = 1\n[presets.\"a\\n{escaped}\"]\ncommand = [\"x\"]\n"),
            format!("include = [\"a\\n{escaped}\"]\n"),
            format!("name = \"x\"\n[[timeline]]\nafter = \"a\\n{escaped}\"\nmark = \"m\"\n"),
            format!(
                "name = \"x\"\n[fetches.f]\nurls = [\"http://h/\"]\nmethod = \"{escaped}\"\ncapture.a = {{ text = \"{escaped}\" }}\n"
            ),
        ] {
            folder.file("s.toml", &text);
            for arguments in [&["check", "s.toml"][..], &["check", "--format", "json", "s.toml"]] {
                check_output(&folder, arguments);
            }
        }
        for arguments in [
            &["check", "s.toml", &format!("--x\n{command}")][..],
            &["check", &format!("no\n{command}")],
            &["run", "s.toml", "--var", &format!("a\n{command}")],
            &["replay", &format!("{command}.jsonl")],
        ] {
            check_output(&folder, arguments);
        }
    }
}

#[test]
fn texts_of_a_run_are_no_commands() {
    let folder = Folder::new();
    for command in COMMANDS {
        folder.file(
            "s.toml",
            format!(
                "name = \"{command}\\u009b31m\\u202e\"\ndescription = \"a\\n{command}\"\nseed = 1\n[presets.p]\n\
                 command = [\"sh\", \"-c\", 'printf \"$0\\n\"; exit 3', '{command}']\n[[timeline]]\nspawn = \"p\"\n\
                 [[timeline]]\nmark = \"{command}\"\n[[expect]]\nname = \"{command}\"\nof = \"move\"\nequals = 1\n"
            ),
        );
        folder.file("typed", format!("{command}\nmark {command}\n"));
        let run = ["run", "s.toml", "--force", "--log", "l.jsonl", "--input", "typed"];
        for arguments in [&run[..], &[&run[..], &["--quiet"]].concat()] {
            check_output(&folder, arguments);
        }
        assert_eq!(Log::read(&folder.path().join("l.jsonl")).of("mark").len(), 2);
        for arguments in [
            &["plan", "s.toml"][..],
            &["plan", "--format", "json", "s.toml"],
            &["report", "l.jsonl"],
            &["report", "--format", "json", "l.jsonl"],
            &["report", "--csv", "-", "l.jsonl"],
            &["report", "--junit", "-", "l.jsonl"],
            &["report", "--trace", "-", "l.jsonl"],
            &["replay", "l.jsonl"],
            &["replay", "--format", "json", "l.jsonl"],
            &["extract", "l.jsonl"],
            &["play", "l.jsonl", "--speed", "1000"],
            &["explore", "--seeds", "2", "s.toml"],
        ] {
            check_output(&folder, arguments);
        }
    }
}
