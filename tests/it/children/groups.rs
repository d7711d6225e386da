//! A program that is asked to stop has ended when its group has: a shell ends before the program that it
//! runs, and that one may still have to save something.

use rustix::process::{Pid, Signal, kill_process};

use crate::children::{NO_TICK, after_line, exit_of, program, replays, sh, spawns, text_of};
use crate::commands::guard::{assert_all_gone, marked, runner_of};
use crate::common::{Folder, Log, kill};

/// A server that needs half a second to save, behind a shell that ends at once.
const SAVES: &str = "(trap 'sleep 0.5; echo saved >>saved; echo said; exit 0' TERM; \
     echo up; echo up >up; while :; do sleep 0.01; done)";

/// The ways in which a shell has it: it waits for it, or it has gone on.
fn ways() -> [String; 4] {
    [
        format!("{SAVES}; true"),
        format!("{SAVES} >&- 2>&-; true"),
        format!("{SAVES} & wait"),
        format!("({SAVES} &) ; while ! test -e up; do sleep 0.01; done; sleep 600"),
    ]
}

/// What ends the run once the server is up: the keys of its preset, and the rest of the file.
fn endings() -> [(&'static str, String); 3] {
    let up = "[presets.up]\ncommand = [\"sh\", \"-c\", \"while ! test -e up; do sleep 0.01; done\"]\n\
              [[timeline]]\nid = \"up\"\nspawn = \"up\"\n";
    [
        ("", format!("{up}[[timeline]]\nafter = \"up.finished\"\nstop = \"p\"\n")),
        ("background = true", up.to_owned()),
        (
            "",
            format!(
                "{up}[[expect]]\nof = \"mark\"\nnever = true\nabort = true\n\
                      [[timeline]]\nafter = \"up.finished\"\nmark = \"abort\"\n"
            ),
        ),
    ]
}

#[test]
fn the_group_has_its_grace_and_its_output_is_read() {
    for (keys, rest) in endings() {
        for way in ways() {
            let folder = Folder::new();
            let text = [NO_TICK, &sh("p", &way, keys), &spawns("p", 1), &rest].concat();
            let (ended, log) = folder.run(&text, &[]);
            let is_failed = rest.contains("abort");
            let ended = ended.expect(i32::from(is_failed));
            let saved = std::fs::read_to_string(folder.path().join("saved"));
            assert_eq!(saved.unwrap_or_default(), "saved\n", "{way}\n{rest}\n{}", ended.stderr);
            let exit = exit_of(&log, "p");
            assert_eq!((&exit["ok"], exit.get("killed"), exit.get("held")), (&true.into(), None, None));
            if !way.contains(">&-") {
                assert_eq!(text_of(&log, "ps#1"), "up\nsaid\n", "{way}\n{rest}");
            }
            replays(&folder);
        }
    }
}

#[test]
fn on_a_terminal_too_what_ignores_a_hang_up_has_its_grace() {
    let folder = Folder::new();
    let way = format!("{}; true", SAVES.replacen('(', "(trap '' HUP; ", 1));
    let text = [
        NO_TICK,
        &sh("p", &way, "pty = true"),
        &sh("next", "cat saved", ""),
        &spawns("p", 1),
        &after_line("up", "p", "stop = \"p\""),
        "[[timeline]]\nafter = \"p.finished\"\nspawn = \"next\"\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(0);
    assert_eq!(text_of(&log, "ps#2"), "saved\n");
    assert_eq!((exit_of(&log, "p")["signal"].as_str(), exit_of(&log, "p").get("held")), (Some("TERM"), None));
    // A shell says on a terminal that the signal has ended its `sleep`.
    let said = text_of(&log, "ps#1");
    assert!(said.starts_with("up\n") && said.ends_with("said\n"), "{said}");
    replays(&folder);
}

#[test]
fn what_leaves_the_group_is_not_asked_and_is_ended_with_the_run() {
    for pty in [false, true] {
        let folder = Folder::new();
        let leaves = format!("setsid sh -c \"{SAVES}\" & while ! test -e up; do sleep 0.01; done; wait");
        let text = [
            NO_TICK,
            &sh("p", &leaves, &format!("pty = {pty}")),
            &program("next", &["sh", "-c", "test -e saved || echo unasked"], ""),
            &spawns("p", 1),
            &after_line("up", "p", "stop = \"p\""),
            "[[timeline]]\nafter = \"p.finished\"\nspawn = \"next\"\n",
        ];
        folder.file("s.toml", text.concat());
        let run = marked(&folder, &[]).watch();
        assert_eq!(run.end().0, Some(0));
        assert_all_gone(&folder);
        let log = Log::read(&folder.path().join("l.jsonl"));
        assert_eq!(exit_of(&log, "p")["held"], true, "its output is read for half a second more");
        assert_eq!(text_of(&log, "ps#2"), "unasked\n");
        replays_as(&folder, "l.jsonl");
    }
}

#[test]
fn finished_comes_when_the_group_is_empty() {
    let folder = Folder::new();
    let text = [
        NO_TICK,
        &sh("p", &format!("{SAVES}; true"), ""),
        &sh("next", "cat saved", ""),
        &spawns("p", 1),
        &after_line("up", "p", "stop = \"p\""),
        "[[timeline]]\nafter = \"p.finished\"\nspawn = \"next\"\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(0);
    assert_eq!(text_of(&log, "ps#2"), "saved\n");
    assert_eq!(exit_of(&log, "p")["signal"], "TERM");
    replays(&folder);
}

#[test]
fn a_second_signal_ends_a_group_that_has_lost_its_leader() {
    let folder = Folder::new();
    let deaf = "(trap 'echo asked' TERM; echo up; while :; do sleep 0.01; done); true";
    folder.file("s.toml", [NO_TICK, &sh("p", deaf, "stop = { grace = \"10m\" }"), &spawns("p", 1)].concat());
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    kill(&run.child, Signal::INT);
    run.until("| asked");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    assert_all_gone(&folder);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.exited")[0]["killed"], true);
    replays_as(&folder, "l.jsonl");
}

#[test]
fn a_runner_that_is_killed_leaves_no_group_that_has_its_grace() {
    let folder = Folder::new();
    let deaf = "(trap 'echo asked' TERM; echo up; while :; do sleep 0.01; done); true";
    let keys = "stop = { grace = \"10m\" }";
    let text = [NO_TICK, &sh("p", deaf, keys), &spawns("p", 1), &after_line("up", "p", "stop = \"p\"")];
    folder.file("s.toml", text.concat());
    let mut run = marked(&folder, &[]).watch();
    run.until("| asked");
    kill_process(runner_of(&run.child), Signal::KILL).unwrap();
    assert_eq!(run.end().0, Some(137));
    assert_all_gone(&folder);
}

#[test]
fn what_a_program_leaves_that_ends_by_itself_stays_to_the_end() {
    let folder = Folder::new();
    let leaves = "(trap 'echo asked >asked' TERM; echo $$ >left; while :; do sleep 0.01; done) >&- 2>&- & \
                  while ! test -s left; do sleep 0.01; done";
    let text = [
        NO_TICK,
        &sh("p", leaves, ""),
        &program("look", &["sh", "-c", "kill -0 $(cat left) 2>&1; echo looked"], ""),
        &spawns("p", 1),
        "[[timeline]]\nafter = \"p.finished\"\nspawn = \"look\"\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(0);
    assert_eq!(exit_of(&log, "p").get("killed"), None);
    assert!(!folder.path().join("asked").exists(), "it is sent KILL and no other signal");
    replays(&folder);
}

fn replays_as(folder: &Folder, log: &str) {
    folder.scenario(&["replay", log]).end().expect(0);
}

/// The children of all threads of a process.
fn children_of(process: Pid) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).unwrap().flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The children of a process that have ended and that nobody has waited for.
fn zombies_of(process: Pid) -> usize {
    let is_zombie = |child: &&String| {
        std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    };
    children_of(process).iter().filter(is_zombie).count()
}

/// Waits until a process has no zombie, or for the time after which the test runner gives up.
fn until_no_zombies(process: Pid) {
    while zombies_of(process) > 0 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn orphans_that_end_are_waited_for_while_the_run_goes_on() {
    let folder = Folder::new();
    // Also one that a signal without a name ends.
    let orphans = "for n in 1 2 3 4 5 6 7 8; do (setsid sh -c 'echo >>ended; exit 0' &); done; \
                   (setsid sh -c 'echo >>ended; kill -34 $$' &); \
                   while test $(grep -c ^ ended) -lt 9; do sleep 0.01; done; echo up; \
                   while ! test -e go; do sleep 0.01; done";
    folder.file("ended", "");
    folder.file("s.toml", [NO_TICK, &sh("p", orphans, ""), &spawns("p", 1)].concat());
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    until_no_zombies(runner_of(&run.child));
    folder.file("go", "");
    assert_eq!(run.end().0, Some(0));
    assert_all_gone(&folder);
}

#[test]
fn commands_that_start_nothing_wait_for_the_children_that_they_had_before() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nmark = \"up\"\n[[timeline]]\nat = \"1h\"\nmark = \"end\"\n");
    let virtual_run = ["run", "s.toml", "--clock", "virtual", "--log", "l.jsonl", "-q"];
    folder.scenario(&virtual_run).end().expect(0);
    folder.file("quick.toml", "[[timeline]]\nmark = \"up\"\n");
    let watch = ["run", "quick.toml", "--watch", "--log", "/dev/null", "--force"];
    for (arguments, shown) in [
        (&["play", "l.jsonl"][..], "mark    up"),
        (&["run", "s.toml", "--log", "m.jsonl"], "mark    up"),
        (&watch, "waits for a change"),
        (&["check", "--watch", "s.toml"], "waits for a change"),
    ] {
        let _ = std::fs::remove_file(folder.path().join("end"));
        let run = folder.scenario(arguments).wrapped(|program| {
            let mut shell = std::process::Command::new("sh");
            let child = "sh -c 'until test -e end; do sleep 0.01; done' >&- 2>&- &";
            shell.args(["-c", &format!("{child} exec \"$0\" \"$@\"")]).arg(program);
            shell
        });
        let mut run = run.watch();
        run.until(shown);
        let command = Pid::from_child(&run.child);
        folder.file("end", "");
        while !children_of(command).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        kill(&run.child, Signal::INT);
        assert_eq!(run.end().0, Some(130), "{arguments:?}");
    }
}

#[test]
fn a_guard_waits_for_the_children_that_it_had_before() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        [NO_TICK, &sh("p", "echo up; while ! test -e go; do sleep 0.01; done", ""), &spawns("p", 1)].concat(),
    );
    // The shell starts two children, and becomes the program: as the first process of a container often
    // does, which all orphans go to.
    let run = marked(&folder, &[]).wrapped(|program| {
        let mut shell = std::process::Command::new("sh");
        let script = "sh -c 'while ! test -e end; do sleep 0.01; done' >&- 2>&- & sleep 600 >&- 2>&- & echo $! >other; exec \"$0\" \"$@\"";
        shell.args(["-c", script]).arg(program);
        shell
    });
    let mut run = run.watch();
    run.until("| up");
    folder.file("end", "");
    let guard = Pid::from_child(&run.child);
    let children =
        || std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.child.id())).unwrap();
    // The runner and the one that goes on.
    while children().split_whitespace().count() > 2 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(zombies_of(guard), 0);
    folder.file("go", "");
    assert_eq!(run.end().0, Some(0));
    let other = std::fs::read_to_string(folder.path().join("other")).unwrap();
    let other = Pid::from_raw(other.trim().parse().unwrap()).unwrap();
    kill_process(other, Signal::KILL).expect("it was not the run's, and so it is still there");
}
