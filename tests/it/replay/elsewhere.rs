//! A log is all that a replay takes: no folder, no user, no network, no environment of the run. And
//! what it names is data.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::common::logs::{log, logs};
use crate::common::{Ended, Folder, Run, SCENARIO, project, skip, works};

/// The same arguments for the program, by way of another program.
fn by(tool: &str, options: &[&str], run: Run) -> Run {
    run.wrapped(|program| {
        let mut command = Command::new(tool);
        command.args(options).arg(program);
        command
    })
}

/// A folder with nothing but a log of requests, programs and secrets.
fn alone() -> Folder {
    let folder = Folder::new();
    folder.file("secrets.jsonl", log("secrets"));
    folder
}

const REPLAY: [&str; 2] = ["replay", "secrets.jsonl"];

#[test]
fn in_an_empty_folder_without_an_environment() {
    let folder = alone();
    let mut run = folder.scenario(&REPLAY);
    run.command.env_clear();
    run.end().expect(0);
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["secrets.jsonl"], "and nothing is written");
}

#[test]
fn as_another_user() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        return skip("another user", "only root can become one");
    }
    let mut probe = Command::new(SCENARIO);
    probe.arg("--version").uid(NOBODY).gid(NOBODY).stdout(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        return skip("another user", "nobody else can come to the program's folder");
    }
    let folder = alone();
    let mut run = folder.scenario(&REPLAY);
    run.command.uid(NOBODY).gid(NOBODY).env_clear();
    run.end().expect(0);
}

#[test]
fn without_a_network() {
    let Some(options) = [&["-n"][..], &["-rn"]]
        .into_iter()
        .find(|options| works("unshare", &[options, &["true"][..]].concat()))
    else {
        return skip("no network", "`unshare` is missing, or not permitted here");
    };
    let folder = alone();
    by("unshare", options, folder.scenario(&REPLAY)).end().expect(0);
}

/// The log of a run that removes a folder, which is there again.
fn dangerous() -> Folder {
    let folder = Folder::new();
    folder.file("victim/file", "");
    let text = "[presets.p]\ncommand = [\"sh\", \"-c\", \"touch ran; rm -rf victim\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, _) = folder.run(text, &[]);
    ended.expect(0);
    assert!(!folder.path().join("victim").exists());
    std::fs::remove_file(folder.path().join("ran")).unwrap();
    folder.file("victim/file", "");
    folder
}

#[test]
fn what_a_log_names_is_not_done() {
    let folder = dangerous();
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    assert!(folder.path().join("victim/file").exists() && !folder.path().join("ran").exists());
}

#[test]
fn no_process_and_no_socket() {
    if !works("strace", &["-o", "/dev/null", "true"]) {
        return skip("no process and no socket", "`strace` is missing, or not permitted here");
    }
    let folder = dangerous();
    let golden = project().join("tests/logs");
    let paths: Vec<String> =
        logs().iter().map(|(name, _)| golden.join(format!("{name}.jsonl")).display().to_string()).collect();
    let mut arguments = vec!["replay", "--allow-incomplete", "log.jsonl"];
    arguments.extend(paths.iter().map(String::as_str));
    let calls =
        "trace=execve,execveat,fork,vfork,clone,clone3,socket,socketpair,connect,bind,kill,unlink,unlinkat";
    let options = ["-f", "-qq", "-e", calls, "-o", "trace"];
    by("strace", &options, folder.scenario(&arguments)).end().expect(0);
    let trace = std::fs::read_to_string(folder.path().join("trace")).unwrap();
    let calls: Vec<&str> = trace.lines().filter(|line| !line.contains("+++")).collect();
    assert!(calls.len() == 1 && calls[0].contains("execve("), "{trace}");
}

#[test]
fn the_same_bytes_anywhere() {
    let folder = Folder::new();
    let text = String::from_utf8(log("names")).unwrap();
    folder.file("same.jsonl", &text);
    folder.file("different.jsonl", text.replacen("\"entry\":\"#3\"", "\"entry\":\"#4\"", 1));
    folder.file("damaged.jsonl", text.replacen("\"seq\":3", "\"seq\":9", 1));
    folder.file("cut.jsonl", &text[..text.len() - 100]);
    let logs = ["same.jsonl", "different.jsonl", "damaged.jsonl", "cut.jsonl"];
    let told = |ended: Ended| (ended.code, ended.stdout, ended.stderr);
    for format in ["human", "json"] {
        let run = || folder.scenario(&[&["replay", "--format", format], &logs[..]].concat());
        let here = told(run().end());
        assert_eq!(here.0, Some(5));
        for (name, value) in [
            ("TZ", "Asia/Kathmandu"),
            ("LANG", "de_DE.UTF-8"),
            ("LC_ALL", "C"),
            ("COLUMNS", "20"),
            ("TERM", "dumb"),
            ("NO_COLOR", "1"),
            ("HOME", "/nonexistent"),
        ] {
            assert_eq!(told(run().env(name, value).end()), here, "{name}");
        }
        if works("taskset", &["-c", "0", "true"]) {
            assert_eq!(told(by("taskset", &["-c", "0"], run()).end()), here);
        } else {
            skip("one core", "`taskset` is missing, or not permitted here");
        }
    }
}

#[test]
fn what_runs_in_real_time_is_replayed() {
    let folder = Folder::new();
    let text = "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"echo a; exit 1\"]\n[[timeline]]\nspawn = \"p\"\n\
                [[timeline]]\nafter = { line = \"a\", of = \"p\" }\nmark = \"m\"\n";
    let text = text.replacen("[[timeline]]\n", "[[timeline]]\nid = \"p\"\n", 1);
    folder.file("typed", "spawn p\nmark first\n");
    for options in [&[][..], &["--input", "typed"], &["--speed", "7"]] {
        let (ended, log) = folder.run(&text, options);
        ended.expect(1);
        assert_eq!(log.of("mark").last().unwrap()["text"], "m");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}
