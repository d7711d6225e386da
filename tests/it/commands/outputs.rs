//! Standard output and standard error that are closed, full, or no longer read.

use std::process::Command;

use crate::common::{Folder, Log, SCENARIO, answer, serve};

const SCRIPTED: &str = "[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"10ms\" }]\n\
     [presets.p]\ncommand = [\"sh\", \"-c\", \"yes | head -n 20000\"]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"1\"\n";

/// Runs a line of shell with `$S` as the program; gives the exit code and the shell's own errors.
#[track_caller]
fn shell(folder: &Folder, line: &str) -> (i32, String) {
    let output = Command::new("bash")
        .current_dir(folder.path())
        .env("S", SCENARIO)
        .args(["-c", line])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{line}: {stderr}");
    (output.status.code().unwrap_or_else(|| panic!("{line}: ended by a signal")), stderr)
}

#[test]
fn closed_and_full_outputs_break_no_command() {
    let address = serve(|_, _| answer("200 OK", "", "line\n".repeat(20_000)));
    let folder = Folder::new();
    folder.file("s.toml", SCRIPTED);
    folder.file("v.toml", "[presets.1]\nplayers = [{ name = \"p{n}\", count = 2000, moves = 5, every = \"10ms\" }]\n[[timeline]]\nspawn = \"1\"\n");
    let fetch = format!("fetch -d http://{address}/");
    // Each command, with its exit code when the standard output is full.
    folder.scenario(&["run", "--clock", "virtual", "-q", "v.toml", "--log", "v.jsonl"]).end().expect(0);
    let commands: [(&str, i32); 16] = [
        ("--help", 4),
        ("--version", 4),
        ("schema event", 4),
        ("man", 4),
        ("completions zsh", 4),
        ("plan --format json s.toml", 4),
        ("check --format json s.toml", 4),
        ("players v.toml 1", 4),
        (&fetch, 4),
        ("run s.toml", 0),
        ("run --clock virtual v.toml", 0),
        ("run --clock virtual --log - v.toml", 4),
        ("replay v.jsonl", 0),
        ("replay --format json v.jsonl", 4),
        ("diff v.jsonl v.jsonl", 0),
        ("extract v.jsonl", 4),
    ];
    for (command, full) in commands {
        let (code, said) = shell(&folder, &format!("$S {command} > /dev/full"));
        assert_eq!(code, full, "{command} > /dev/full: {said}");
        assert!(full == 0 || said.contains("No space left on device"), "{command}: {said}");
        // Nobody would have the log.
        let closed = if command.contains("--log -") { 4 } else { 0 };
        assert_eq!(shell(&folder, &format!("$S {command} >&-")).0, closed, "{command} >&-");
        assert_eq!(shell(&folder, &format!("$S {command} > /dev/null 2>&-")).0, 0, "{command} 2>&-");
        assert_eq!(
            shell(&folder, &format!("$S {command} > /dev/null 2> /dev/full")).0,
            0,
            "{command} 2> full"
        );
        assert_eq!(shell(&folder, &format!("$S {command} >&- 2>&- <&-")).0, closed, "{command} all closed");
        // A log that is not read any more does not hold up the run, which goes on without it.
        let head = format!("$S {command} 2> said | head -n 1 > /dev/null; exit ${{PIPESTATUS[0]}}");
        assert_eq!(shell(&folder, &head).0, 0, "{command} | head");
        let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_run_goes_on_without_a_reader_of_its_screen() {
    let folder = Folder::new();
    folder.file("s.toml", SCRIPTED);
    let line = "$S run s.toml --log l.jsonl 2>&1 | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}";
    assert_eq!(shell(&folder, line).0, 0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("line").len(), 20_000);
    assert_eq!(log.last()["outcome"], "passed");
}

#[test]
fn errors_give_an_exit_code_even_without_an_output() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nspawn = \"q\"\n");
    for (command, code) in
        [("nonsense", 2), ("run s.toml", 2), ("check s.toml", 2), ("run no-such.toml", 2), ("fetch x:", 2)]
    {
        assert_eq!(shell(&folder, &format!("$S {command} 2>&-")).0, code, "{command}");
        assert_eq!(shell(&folder, &format!("$S {command} 2> /dev/full")).0, code, "{command}");
    }
}

/// Each line of shell would write over a file that the command reads; what it says, and the exit code is 4.
#[test]
fn no_output_overwrites_a_file_that_the_command_reads() {
    let folder = Folder::new();
    let scenario = "include = [\"part.toml\"]\n[presets.p]\ncommand = [\"cat\"]\nstdin = { file = \"in.txt\" }\n\
         [fetches.f]\nurls = [\"http://127.0.0.1:1/\"]\nmethod = \"POST\"\nbody = { file = \"body.txt\" }\n\
         [[timeline]]\nmark = \"x\"\n";
    let files = [
        ("s.toml", scenario),
        ("part.toml", "include = [\"deep/er.toml\"]\n"),
        ("deep/er.toml", "[vars]\nx = 1\n"),
        ("in.txt", "in"),
        ("body.txt", "body"),
        ("typed.txt", "mark hi"),
        (
            "cells.toml",
            "[shared]\na = 1\n[presets.1]\nplayers = [{ name = \"x\", steps = [\"load a\"] }]\n[[timeline]]\nspawn = \"1\"\n",
        ),
        ("e.toml", "include = [\"expect.toml\"]\n"),
        ("expect.toml", "[[expect]]\nof = \"mark\"\nat_least = 1\n"),
    ];
    for (name, text) in files {
        folder.file(name, text);
    }
    let links = "ln s.toml hard && ln -s s.toml soft && ln -s ../s.toml deep/soft && ln deep/er.toml hard-er";
    shell(&folder, links);
    assert_eq!(shell(&folder, "$S run -q --log l.jsonl s.toml").0, 0);
    let log = std::fs::read(folder.path().join("l.jsonl")).unwrap();
    let run = "$S run -q --force";
    for (line, role) in [
        (format!("{run} --log s.toml s.toml"), "s.toml is the scenario; name another file with `--log PATH`"),
        ("$S run -q --log s.toml s.toml".to_owned(), "s.toml is the scenario"),
        (format!("{run} --log hard s.toml"), "hard is the scenario"),
        (format!("{run} --log deep/soft s.toml"), "deep/soft is the scenario"),
        (format!("{run} --log ./deep/../s.toml soft"), "is the scenario"),
        (format!("{run} --log part.toml s.toml"), "part.toml is a file that the scenario includes"),
        (format!("{run} --log hard-er s.toml"), "hard-er is a file that the scenario includes"),
        (format!("{run} --log in.txt s.toml"), "in.txt is a file that the scenario reads"),
        (format!("{run} --log body.txt s.toml"), "body.txt is a file that the scenario reads"),
        (format!("{run} --log typed.txt --input typed.txt s.toml"), "typed.txt is the `--input`"),
        (format!("{run} --log typed.txt --input - s.toml < typed.txt"), "typed.txt is the `--input`"),
        (format!("{run} --log s.toml - < s.toml"), "s.toml is the scenario"),
        (format!("{run} --log - s.toml >> s.toml"), "standard output is the scenario"),
        (format!("{run} --log /dev/stdout s.toml 1<> s.toml"), "is the scenario"),
        (
            format!("{run} --log new.jsonl --junit part.toml s.toml"),
            "part.toml is a file that the scenario includes",
        ),
        (format!("{run} --log new.jsonl --junit deep/../new.jsonl s.toml"), "is the log"),
        ("$S explore --seeds 1 --force --log cells.toml cells.toml".to_owned(), "cells.toml is the scenario"),
        ("$S explore --seeds 1 --junit cells.toml cells.toml".to_owned(), "cells.toml is the scenario"),
        (
            "$S replay l.jsonl --against s.toml --junit hard-er".to_owned(),
            "hard-er is a file that the scenario includes",
        ),
        ("$S replay l.jsonl --expect e.toml --junit expect.toml".to_owned(), "expect.toml is the `--expect`"),
        ("$S replay l.jsonl --junit l.jsonl".to_owned(), "l.jsonl is a log"),
        ("$S report --csv l.jsonl - < l.jsonl".to_owned(), "l.jsonl is the log"),
        ("$S report l.jsonl -o x --csv ./x".to_owned(), "./x is --output"),
    ] {
        let (code, said) = shell(&folder, &line);
        assert!(said.contains(role), "{line}: {said}");
        assert_eq!(code, 4, "{line}: {said}");
    }
    for (name, text) in files {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), text, "{name}");
    }
    assert_eq!(std::fs::read(folder.path().join("l.jsonl")).unwrap(), log);
    assert_eq!(shell(&folder, &format!("{run} --log l.jsonl s.toml")).0, 0, "a log is written over");
}
