//! Files of the environment, defaults, and inherited secrets.

use super::{load, said};
use crate::check::common::said_of;
use crate::common::Folder;

const PRINT: &str = "['sh', '-c', 'echo $A,$B,$C,$NODE_ENV,$KEY']";

#[test]
fn files_serve_programs_and_their_values_are_secret() {
    let folder = Folder::new();
    folder.file(".env", "# all\nexport A=from-the-top\nB='from the top'\nNODE_ENV=test\nKEY=top-key-123\n");
    folder.file("own.env", "B=\"from its own\"\nC=from-its-own\n");
    let text = format!(
        "env_file = '.env'\n[presets.p]\ncommand = {PRINT}\nenv_file = ['own.env']\nenv = {{ C = 'from env' }}\n\
         [presets.q]\ncommand = {PRINT}\n[presets.r]\ncommand = ['sh', '-c', 'echo [$A] $D']\nclear_env = true\nenv = {{ D = '${{env:KEY}}' }}\n\
         [[timeline]]\nid = 'p'\nspawn = 'p'\n[[timeline]]\nid = 'q'\nafter = 'p.finished'\nspawn = 'q'\n[[timeline]]\nafter = 'q.finished'\nspawn = 'r'\n\
         [[expect]]\nof = 'line'\nwhere = {{ text = '^from.the.top,from.its.own,from env,test,shell.key.123$' }}\nequals = 1\n\
         [[expect]]\nof = 'line'\nwhere = {{ text = '^from.the.top,from.the.top,,test,shell.key.123$' }}\nequals = 1\n\
         [[expect]]\nof = 'line'\nwhere = {{ text = '^.. shell.key.123$' }}\nequals = 1\n"
    );
    folder.file("s.toml", text);
    let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]);
    let ended = run.env("KEY", "shell-key-123").end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    for secret in ["from-the-top", "from the top", "from its own", "from-its-own", "key-123"] {
        assert!(!log.contains(secret) && !ended.stderr.contains(secret), "{secret}: {log}");
    }
    assert!(log.contains("[redacted],[redacted],from env,test,[redacted]"), "{log}");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn inherited_variables_can_be_secret() {
    let folder = Folder::new();
    folder.file("s.toml", "secrets = ['API_KEY']\n[presets.p]\ncommand = ['sh', '-c', 'echo key $API_KEY']\n[[timeline]]\nspawn = 'p'\n");
    let ended = folder
        .scenario(&["run", "s.toml", "--log", "log.jsonl"])
        .env("API_KEY", "canary-4711")
        .end()
        .expect(0);
    let log = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    assert!(
        log.contains("key [redacted]") && !log.contains("canary") && !ended.stderr.contains("canary"),
        "{log}"
    );
}

#[test]
fn errors_of_a_file_stand_at_their_line() {
    let said_with = |text: &str| {
        said_of(&load(&[
            ("s.toml", "include = ['lib/p.toml']\n"),
            ("lib/p.toml", "env_file = '.env'\n[[timeline]]\nmark = 'x'\n"),
            ("lib/.env", text),
        ]))
    };
    assert_eq!(said_with("A=1\n"), "");
    let said = said_with("A=1\nB\n2C=3\nD='open\n");
    for place in ["--> lib/.env:2:1", "--> lib/.env:3:1", "--> lib/.env:4:3"] {
        assert!(said.contains(place), "{place}: {said}");
    }
    let missing = said_of(&load(&[("s.toml", "[presets.p]\ncommand = ['x']\nenv_file = ['none.env']\n")]));
    assert!(
        missing.contains("cannot read `none.env`: No such file") && missing.contains("--> s.toml:3:13"),
        "{missing}"
    );
}

#[test]
fn a_variable_of_the_environment_has_a_default() {
    let text = |value: &str| format!("[[timeline]]\nmark = 'x'\ncount = '{value}'\n");
    assert_eq!(said(&text("${env:NOT_SET:-7}")), "");
    let unset = said(&text("${env:NOT_SET}"));
    assert!(unset.contains("the environment has no variable `NOT_SET`"), "{unset}");
    let wrong = said(&text("${env:NOT_SET:-x}"));
    assert!(wrong.contains("found the string `x`"), "{wrong}");
}
