//! Starts that work, starts that fail, and starts that find no room.

use std::collections::BTreeMap;

use scenario_core::scenario::model::{CommandPreset, ScenarioText, StdinMode};
use scenario_log::event::{Source, SpawnExit};

use crate::processes::bench::{command, folder, is_prepared_process, open, sh, with, write_file};

fn path(path: &str) -> BTreeMap<String, ScenarioText> {
    BTreeMap::from([("PATH".to_owned(), ScenarioText::plain(path))])
}

#[test]
fn each_cause_of_a_failed_start_has_its_message() {
    write_file("no_line.sh", "echo hello\n", 0o755);
    write_file("not_executable.sh", "#!/bin/sh\n", 0o644);
    write_file("lost.sh", "#!/no/such/interpreter -x\n", 0o755);
    write_file("windows.sh", "#!/bin/sh\r\necho hello\r\n", 0o755);
    write_file("a_file", "", 0o644);
    let in_dir = |dir: &str| CommandPreset { dir: Some(ScenarioText::plain(dir)), ..sh("exit 0") };
    let reads = |file: &str| CommandPreset { stdin: StdinMode::File(file.into()), ..sh("exit 0") };
    let home = folder().display().to_string();
    let rows = [
        (command(&["no-such-program"]), "there is no program `no-such-program` in any folder of PATH"),
        (command(&["./no_such"]), "there is no program `./no_such`"),
        (in_dir("no/such"), "/no/such` does not exist"),
        (in_dir("a_file"), "/a_file` is not a folder"),
        (command(&["./no_line.sh"]), "neither a program for this machine nor a script with an interpreter"),
        (command(&["./not_executable.sh"]), "`./not_executable.sh` is not executable"),
        (command(&["./lost.sh"]), "the interpreter `/no/such/interpreter` of `./lost.sh` does not exist"),
        (command(&["./windows.sh"]), "carriage return"),
        (command(&["./"]), "`./` is a folder, not a program"),
        (command(&["/dev/null"]), "`/dev/null` is not a file"),
        (command(&["sh", "-c", &"x".repeat(200_000)]), "arguments and environment of `sh` are too long"),
        (command(&["sh", "a\0b"]), "NUL"),
        (command(&[""]), "there is no program ``"),
        (reads("no_such_file"), "no_such_file` cannot be read: No such file"),
        (reads("."), "cannot be read: Is a directory"),
        (
            CommandPreset { env: path("/no/such:/etc"), ..command(&["a_file"]) },
            "no program `a_file` in any folder of PATH (/no/such, /etc)",
        ),
        (CommandPreset { env: path(&home), ..command(&["a_file"]) }, "a_file` is not executable"),
    ];
    let commands: Vec<CommandPreset> = rows.iter().map(|(command, _)| command.clone()).collect();
    with(&commands, async |bench| {
        for (n, (_, words)) in rows.iter().enumerate() {
            let story = bench.story_of(n).await;
            let failure = story.failure.as_deref().unwrap_or_default();
            assert!(failure.contains(words), "{n}: wanted `{words}`, got {story:?}");
        }
    });
}

#[test]
fn a_program_is_found_along_its_path() {
    write_file("bin/hello", "#!/bin/sh\necho \"hello from $PWD\"\n", 0o755);
    let commands = [
        // Relative to the scenario's folder, whatever folder it works in.
        CommandPreset { dir: Some(ScenarioText::plain("bin")), ..command(&["bin/hello"]) },
        CommandPreset { env: path("bin"), ..command(&["hello"]) },
        CommandPreset { clear_env: true, ..command(&["env"]) },
        CommandPreset { clear_env: true, env: path("/usr/bin:/bin"), ..command(&["env"]) },
        sh("cut -d' ' -f 1,5 /proc/$$/stat"),
    ];
    with(&commands, async |bench| {
        let home = folder().display().to_string();
        assert_eq!(bench.story_of(0).await.text(), format!("hello from {home}/bin\n"));
        assert_eq!(bench.story_of(1).await.text(), format!("hello from {home}\n"));
        assert_eq!(bench.story_of(2).await.text(), "");
        assert_eq!(bench.story_of(3).await.text(), "PATH=/usr/bin:/bin\n");
        let story = bench.story_of(4).await;
        let pid = story.pid.expect("it started");
        assert_eq!(story.text(), format!("{pid} {pid}\n"), "it leads its own group");
    });
}

#[test]
fn without_descriptors_a_start_waits_for_another_to_end() {
    if !is_prepared_process(
        "processes::starts::without_descriptors_a_start_waits_for_another_to_end",
        "ulimit -n 30; exec",
    ) {
        return;
    }
    with(&[open("read line"), sh("exit 3")], async |bench| {
        let first: Vec<Source> = (0..40).map(|_| bench.start(0)).collect();
        let last = bench.start(1);
        bench.until(|all| all.len() >= 4).await;
        bench.processes.stop(last);
        bench.until(|all| all.contains_key(&last)).await;
        let failure = bench.story(last).failure.as_deref();
        assert_eq!(failure, Some("it was stopped before it could be started"));
        assert!(bench.stories.len() < 12, "{} at once with 30 descriptors", bench.stories.len());
        for source in first {
            bench.until(|all| all.get(&source).is_some_and(|story| story.pid.is_some())).await;
            bench.processes.send(source, b"go\n".to_vec());
        }
        bench.until_all_ended().await;
        let ended = bench.stories.values().filter(|story| story.exit == Some(SpawnExit::Code(0)));
        assert_eq!(ended.count(), 40);
        // And alone: no other process will make room.
        let held: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let story = bench.story_of(1).await;
        drop(held);
        let failure = story.failure.as_deref().unwrap_or_default();
        assert!(failure.contains("limit of 30 descriptors"), "{story:?}");
    });
}

#[test]
fn the_runner_raises_its_descriptor_limit_and_programs_get_the_original() {
    let test = "processes::starts::the_runner_raises_its_descriptor_limit_and_programs_get_the_original";
    if !is_prepared_process(test, "ulimit -Hn 200; ulimit -Sn 30; exec") {
        return;
    }
    with(&[open("read line; ulimit -Sn")], async |bench| {
        let sources: Vec<Source> = (0..30).map(|_| bench.start(0)).collect();
        bench.until(|all| all.len() == 30).await;
        for source in &sources {
            bench.processes.send(*source, b"go\n".to_vec());
        }
        bench.until_all_ended().await;
        assert!(sources.iter().all(|source| bench.story(*source).text() == "30\n"));
    });
}

#[test]
fn a_thousand_starts_at_once_leave_turns_to_the_loop() {
    with(&[open("read line")], async |bench| {
        let (mut turns, started) = (0, 1_000);
        for _ in 0..started {
            bench.start(0);
        }
        bench
            .until(|all| {
                turns += 1;
                all.len() == started
            })
            .await;
        assert!(turns > 100, "the loop turned {turns} times");
        for source in 1..=1_000 {
            bench.processes.send(Source::Spawn(source), b"go\n".to_vec());
        }
        bench.until_all_ended().await;
        assert!(bench.stories.values().all(|story| story.exit == Some(SpawnExit::Code(0))));
    });
}

#[test]
fn each_exit_within_a_millisecond_is_reported_once() {
    with(&[command(&["true"])], async |bench| {
        for _ in 0..20 {
            for _ in 0..100 {
                bench.start(0);
            }
            bench.until_all_ended().await;
        }
        assert_eq!(bench.stories.len(), 2_000);
        assert!(bench.stories.values().all(|story| story.exit == Some(SpawnExit::Code(0))));
    });
}

#[test]
fn exits_are_reported_if_sigchld_was_ignored_at_the_start() {
    let test = "processes::starts::exits_are_reported_if_sigchld_was_ignored_at_the_start";
    if is_prepared_process(test, "exec env --ignore-signal=CHLD") {
        let ignored = std::fs::read_to_string("/proc/self/status").expect("read");
        let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a line");
        assert_ne!(u64::from_str_radix(ignored, 16).expect("hexadecimal") & 1 << 16, 0, "it is prepared");
        with(&[sh("exit 9")], async |bench| {
            assert_eq!(bench.story_of(0).await.exit, Some(SpawnExit::Code(9)));
        });
    }
}

#[test]
fn players_run_in_a_process_of_this_program() {
    // The runner is the test binary here, which does not know the arguments and says so.
    with(&[], async |bench| {
        let story = bench.story_of(0).await;
        let complaint = String::from_utf8_lossy(&story.stderr);
        assert!(complaint.contains("Unrecognized option: 'seed'"), "{complaint}");
        assert_eq!(story.exit, Some(SpawnExit::Code(101)));
    });
}
