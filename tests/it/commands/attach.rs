//! A program that has the terminal for a while: `attach`.

use serde_json::Value;

use super::terminal::Terminal;
use crate::common::{Folder, Log};

const PROGRAMS: &str = r#"
tick = "0s"
hold = true
[presets.asks]
command = ["python3", "-c", """
import getpass
print('name is', input('name? '))
print('length', len(getpass.getpass('secret? ')))
"""]
stdin = "open"
pty = true
[presets.echo]
command = ["sh", "-c", "trap 'i=1; echo interrupted' INT; echo up; while :; do i=; if read -r line; then echo \"got $line\"; elif [ -z \"$i\" ]; then break; fi; done; echo bye"]
stdin = "open"
[presets.deaf]
command = ["sleep", "600"]
background = true
[[timeline]]
spawn = "asks"
[[timeline]]
spawn = "echo"
[[timeline]]
spawn = "deaf"
"#;

#[test]
fn a_program_gets_the_terminal_until_it_ends_or_gives_it_back() {
    let folder = Folder::new();
    folder.file("s.toml", PROGRAMS);
    let mut terminal = Terminal::run(&folder, "$S run s.toml --log l.jsonl", &[]);
    terminal.until("| up");
    terminal.until("name? ");
    let given = "Ctrl-] gives the terminal back";
    terminal.types_and_sees("attach asks\n", given);
    terminal.types_and_sees("ann\r", "name is ann");
    terminal.types_and_sees("", "secret? ");
    terminal.types_and_sees("hunter2\r", "length 7");
    terminal.types_and_sees("", "the terminal is the run's again");
    terminal.types_and_sees("attach echo\n", given);
    terminal.types_and_sees("one\n", "got one");
    terminal.types_and_sees("\x1d", "the terminal is the run's again");
    // The line editor of the runner has the keys again.
    terminal.types_and_sees("attach deaf\n", "it reads nothing");
    terminal.types_and_sees("attach echo\n", given);
    terminal.types_and_sees("two\n", "got two");
    terminal.types_and_sees("\x03", "interrupted");
    // The end of its input gives the terminal back.
    terminal.types_and_sees("\x04", "the terminal is the run's again");
    terminal.until("bye");
    terminal.types("quit\n");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    let sent: Vec<(&Value, &Value)> =
        log.of("sent").into_iter().map(|sent| (&sent["source"], &sent["text"])).collect();
    let texts: String = sent.iter().filter_map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts.replace('\r', "\n"), "ann\n[redacted]one\ntwo\n", "{sent:?}");
    assert_eq!(sent.last().unwrap().1, &Value::Null);
    assert!(!std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap().contains("hunter2"));
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    // Typed keys become entries of a scenario that checks.
    let extracted = folder.scenario(&["extract", "l.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("send = { to = \"ps#2\", text = \"one\" }"), "{extracted}");
    assert!(extracted.contains("send = { to = \"ps#2\", close = true }"), "{extracted}");
    folder.file("again.toml", extracted);
    folder.scenario(&["check", "again.toml"]).end().expect(0);
}

#[test]
fn attach_names_the_programs_to_choose_from_and_needs_a_terminal() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "tick = \"0s\"\nhold = true\n[presets.cat]\ncommand = [\"cat\"]\nstdin = \"open\"\n[[timeline]]\nspawn = \"cat\"\ncount = 2\n",
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]).watch();
    run.until("ps#2");
    let mut typed = run.child.stdin.take().unwrap();
    std::io::Write::write_all(&mut typed, b"attach cat\nattach ps#2\n").unwrap();
    run.until("2 programs of `cat` run: name one of ps#1, ps#2");
    run.until("there is no terminal to give to it");
    std::io::Write::write_all(&mut typed, b"quit\n").unwrap();
    assert_eq!(run.end().0, Some(0));
}
