//! Processes end in every way, and leave nothing behind.

use std::time::Duration;

use scenario_core::scenario::model::{CommandPreset, StopPolicy};
use scenario_log::event::{Source, SpawnExit};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

use crate::processes::bench::{folder, gone, is_prepared_process, sh, stat, with};

#[test]
fn every_exit_code_and_deadly_signal_is_reported() {
    let deadly = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 64];
    let codes = (0..=255).map(|code| sh(&format!("exit {code}")));
    let signals = deadly.iter().map(|signal| sh(&format!("ulimit -c 0; kill -{signal} $$")));
    let commands: Vec<CommandPreset> = codes.chain(signals).collect();
    with(&commands, async |bench| {
        let sources: Vec<Source> = (0..commands.len()).map(|n| bench.start(n)).collect();
        bench.until_all_ended().await;
        let exits: Vec<_> = sources.iter().filter_map(|source| bench.story(*source).exit).collect();
        let signal = |number: &i32| SpawnExit::Signal(Signal::from_number(*number).expect("a signal"));
        let wanted: Vec<_> = (0..=255).map(SpawnExit::Code).chain(deadly.iter().map(signal)).collect();
        assert_eq!(exits, wanted);
    });
}

#[test]
fn a_process_that_ignores_term_is_killed_after_the_grace() {
    let stop = StopPolicy { signal: Signal::TERM, grace: Span::from_millis(50), command: Vec::new() };
    let stubborn = sh("trap '' TERM; echo ready; while :; do sleep 60; done");
    let polite = sh("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1 & wait; done");
    with(&[CommandPreset { stop, ..stubborn }, polite], async |bench| {
        let [stubborn, polite] = [bench.start(0), bench.start(1)];
        bench.until_output(stubborn, "ready").await;
        bench.until_output(polite, "ready").await;
        for source in [stubborn, polite, stubborn, polite] {
            bench.processes.stop(source);
        }
        bench.until_all_ended().await;
        assert_eq!(bench.story(stubborn).exit, Some(SpawnExit::Signal(Signal::KILL)));
        assert_eq!(bench.story(polite).exit, Some(SpawnExit::Code(7)));
        assert_eq!(bench.story(polite).text(), "ready\nbye\n");
        // Later orders do nothing.
        bench.processes.stop(polite);
        bench.processes.kill(polite);
        bench.processes.kill_remaining().await;
        let mut more = Vec::new();
        bench.inbox.take_all(&mut more);
        assert!(more.is_empty(), "{more:?}");
    });
}

#[test]
fn a_member_that_outlives_its_leader_is_killed_after_the_grace() {
    let stop = StopPolicy { signal: Signal::TERM, grace: Span::from_millis(100), command: Vec::new() };
    let leader = sh("(trap '' TERM; echo here; while :; do sleep 600; done) & echo $!; wait");
    with(&[CommandPreset { stop, ..leader }], async |bench| {
        let source = bench.start(0);
        bench.until(|all| all.get(&source).is_some_and(|story| story.text().lines().count() == 2)).await;
        let text = bench.story(source).text();
        let member = text.lines().find(|line| *line != "here").expect("its number");
        bench.processes.stop(source);
        bench.until_all_ended().await;
        assert_eq!(bench.story(source).exit, Some(SpawnExit::Signal(Signal::TERM)));
        gone(member).await;
    });
}

#[test]
fn a_grandchild_that_holds_the_pipe_delays_the_end_only_a_little() {
    with(&[sh("echo before; sleep 600 & echo $!; exit 3")], async |bench| {
        let began = std::time::Instant::now();
        let source = bench.start(0);
        bench.until_all_ended().await;
        assert!(began.elapsed() >= Duration::from_millis(500), "it is read on for half a second");
        assert_eq!(bench.story(source).exit, Some(SpawnExit::Code(3)));
        let text = bench.story(source).text();
        let grandchild = text.strip_prefix("before\n").expect("what was written is there");
        assert!(stat(grandchild).is_some(), "it goes on until the end of the run");
        bench.processes.kill_remaining().await;
        assert!(stat(grandchild).is_none());
    });
}

#[test]
fn a_daemon_is_found_and_ended_with_the_run() {
    if !is_prepared_process("processes::ends::a_daemon_is_found_and_ended_with_the_run", "exec") {
        return;
    }
    // Two forks and a session of its own, and the pipes are closed.
    let daemon = "echo $$ >daemon.pid; exec sleep 600 <&- >&- 2>&-";
    let script = format!("(setsid sh -c '{daemon}; :' &) ; while ! test -s daemon.pid; do sleep 0.01; done");
    let _ = std::fs::remove_file(folder().join("daemon.pid"));
    with(&[sh(&script)], async |bench| {
        bench.processes.adopt_orphans();
        let story = bench.story_of(0).await;
        assert_eq!(story.exit, Some(SpawnExit::Code(0)));
        let daemon = std::fs::read_to_string(folder().join("daemon.pid")).expect("it wrote its number");
        assert!(stat(&daemon).is_some(), "it goes on until the end of the run");
        bench.processes.kill_remaining().await;
        assert!(stat(&daemon).is_none());
        assert!(!std::path::Path::new("/proc").join(daemon.trim()).exists(), "nor is it a zombie");
    });
}

#[test]
fn processes_that_go_on_forking_are_all_killed() {
    // It forks for longer than the test lasts, but not forever: a test that is aborted must not fill
    // the machine.
    let branch = "for n in $(seq 100); do sh -c 'sleep 60 & sleep 60 & wait' & sleep 0.01; done";
    let family = sh(&format!("({branch}) & ({branch}) & ({branch}) & echo $$; exit 0"));
    with(&[family], async |bench| {
        let source = bench.start(0);
        bench.until_all_ended().await;
        bench.processes.kill_remaining().await;
        let group = bench.story(source).text().trim().to_owned();
        let all = std::fs::read_dir("/proc").expect("listed").flatten();
        let members = all.filter_map(|process| stat(&process.file_name().to_string_lossy()));
        assert_eq!(members.filter(|fields| fields[2] == group).count(), 0);
    });
}

#[test]
fn a_suspended_process_can_be_stopped_and_killed() {
    with(&[sh("echo $$; kill -STOP $$")], async |bench| {
        for signal in [Signal::TERM, Signal::KILL] {
            let source = bench.start(0);
            bench.until_output(source, "\n").await;
            let pid = bench.story(source).text();
            while stat(&pid).is_some_and(|fields| fields[0] != "T") {
                tokio::task::yield_now().await;
            }
            match signal {
                Signal::TERM => bench.processes.stop(source),
                _ => bench.processes.kill(source),
            }
            bench.until_all_ended().await;
            assert_eq!(bench.story(source).exit, Some(SpawnExit::Signal(signal)));
        }
    });
}

#[test]
fn dropping_the_processes_kills_all_of_them() {
    let mut pids = String::new();
    with(&[sh("sleep 600 & echo $! $$; wait")], async |bench| {
        let source = bench.start(0);
        bench.until_output(source, "\n").await;
        pids = bench.story(source).text();
    });
    assert_eq!(pids.split_whitespace().count(), 2);
    for pid in pids.split_whitespace() {
        while stat(pid).is_some() {
            std::thread::yield_now();
        }
    }
}
