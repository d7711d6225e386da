//! What programs take, on the real binary: measures, samples, limits, users and files of their output.

use crate::common::{Folder, Log, skip};
use serde_json::Value;

const PYTHON: &str = "command = [\"python3\", \"-c\", '''\n";

/// Runs it, asserts the exit code, and that the log replays.
#[track_caller]
fn run(text: &str, code: i32) -> Log {
    let folder = Folder::new();
    run_in(&folder, text, code)
}

#[track_caller]
fn run_in(folder: &Folder, text: &str, code: i32) -> Log {
    let (ended, log) = folder.run(&format!("tick = \"0s\"\n{text}"), &[]);
    ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    log
}

/// The one end of a spawn of a preset.
fn end<'l>(log: &'l Log, preset: &str) -> &'l Value {
    let started = log.of("spawn.started");
    let source = &started.iter().find(|event| event["preset"] == preset).unwrap()["source"];
    log.of("spawn.exited").into_iter().find(|event| event["source"] == *source).unwrap()
}

fn lines(log: &Log) -> Vec<&str> {
    log.of("line").iter().map(|line| line["text"].as_str().unwrap()).collect()
}

/// What it wrote to its standard output.
fn printed(log: &Log) -> Vec<&str> {
    let lines = log.of("line");
    let printed = lines.iter().filter(|line| line["stream"] == "stdout");
    printed.map(|line| line["text"].as_str().unwrap()).collect()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn an_end_says_what_the_program_and_its_children_took() {
    let log = run(
        &format!(
            "[presets.busy]\n{PYTHON}import time\nkept = bytearray(b\"x\") * 60_000_000\n\
             while time.process_time() < 0.3: pass\n''']\n\
             [presets.parent]\ncommand = [\"sh\", \"-c\", \"python3 -c 'kept = bytearray(1) * 1; kept = b\\\"x\\\" * 60_000_000'; true\"]\n\
             [[timeline]]\nspawn = \"busy\"\n[[timeline]]\nspawn = \"parent\"\n\
             [[expect]]\nof = \"spawn.peak_memory\"\nin = \"busy\"\nstat = \"max\"\nabove = \"60MB\"\n\
             [[expect]]\nof = \"spawn.peak_memory\"\nby = \"preset\"\nstat = \"max\"\nbelow = \"1GB\"\n\
             [[expect]]\nof = \"spawn.cpu\"\nin = \"busy\"\nstat = \"sum\"\nat_least = \"300ms\"\n"
        ),
        0,
    );
    for preset in ["busy", "parent"] {
        let peak = end(&log, preset)["peak_memory"].as_u64().unwrap();
        assert!((60_000_000..300_000_000).contains(&peak), "{preset}: {peak}");
    }
    assert!(end(&log, "busy")["cpu"].as_f64().unwrap() >= 0.3);
}

#[test]
fn a_large_runner_does_not_make_a_small_program_large() {
    let folder = Folder::new();
    let row = |n: u32| format!("u{n},{}\n", "x".repeat(300));
    folder.file(
        "rows.csv",
        std::iter::once("user,text\n".to_owned()).chain((0..150_000).map(row)).collect::<String>(),
    );
    let log = run_in(
        &folder,
        "[data.rows]\nfile = \"rows.csv\"\n[fetches.f]\nurls = [\"http://127.0.0.1:9/${row.user}/${row.text}\"]\ndata = \"rows\"\n\
         [presets.small]\ncommand = [\"sh\", \"-c\", \"grep VmHWM /proc/$PPID/status; exec cat\"]\nstdin = \"open\"\nbackground = true\nready = { line = \"VmHWM\" }\n\
         [[timeline]]\nid = \"small\"\nspawn = \"small\"\n[[timeline]]\nafter = \"small.ready\"\nmark = \"ready\"\n",
        0,
    );
    let own: u64 = lines(&log)[0].split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(own > 60_000, "the runner is large: {own} kB");
    // It was looked at before it was stopped, if not earlier.
    let peak = end(&log, "small")["peak_memory"].as_u64().unwrap();
    assert!((100_000..20_000_000).contains(&peak), "{peak}");
}

#[test]
fn samples_agree_with_what_proc_says() {
    let log = run(
        &format!(
            "[presets.tree]\n{PYTHON}import os, subprocess, threading, time\n\
             kept = bytearray(b\"x\") * 50_000_000\n\
             files = [open(\"/dev/null\") for _ in range(20)]\n\
             threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n\
             children = [subprocess.Popen([\"sleep\", \"600\"], start_new_session=n == 1) for n in range(2)]\n\
             time.sleep(0.3)\n\
             pids = [os.getpid()] + [child.pid for child in children]\n\
             pages = sum(int(open(f\"/proc/{{pid}}/statm\").read().split()[1]) for pid in pids)\n\
             opened = sum(len(os.listdir(f\"/proc/{{pid}}/fd\")) for pid in pids)\n\
             print(pages * os.sysconf(\"SC_PAGE_SIZE\"), opened - 1, flush=True)\n\
             time.sleep(600)\n''']\n\
             background = true\nsample = \"50ms\"\nready = {{ line = \"\\\\d\" }}\n\
             [presets.waits]\ncommand = [\"sleep\", \"0.5\"]\n\
             [[timeline]]\nid = \"tree\"\nspawn = \"tree\"\n[[timeline]]\nafter = \"tree.ready\"\nspawn = \"waits\"\n\
             [[expect]]\nof = \"spawn.memory\"\nin = \"tree\"\nstat = \"max\"\nabove = \"50MB\"\n\
             [[expect]]\nof = \"spawn.sample\"\nwhere = {{ processes = 3 }}\nat_least = 1\n"
        ),
        0,
    );
    let said: Vec<f64> = lines(&log)[0].split_whitespace().map(|word| word.parse().unwrap()).collect();
    // When the first of them has ended, those that it left may still be seen.
    let samples = log.of("spawn.sample");
    let sample = samples.iter().rfind(|sample| sample["processes"] == 3).unwrap();
    let memory = sample["memory"].as_f64().unwrap();
    assert!((memory / said[0] - 1.0).abs() < 0.1, "{memory} instead of {}", said[0]);
    assert_eq!(sample["descriptors"].as_f64().unwrap(), said[1]);
    assert_eq!(sample["threads"], 4);
    let cpu: Vec<f64> = log.of("spawn.sample").iter().map(|one| one["cpu"].as_f64().unwrap()).collect();
    assert!(cpu.windows(2).all(|pair| pair[0] <= pair[1]), "{cpu:?}");
}

#[test]
fn a_hundred_programs_are_sampled_at_once() {
    let log = run(
        "[presets.p]\ncommand = [\"sleep\", \"1.5\"]\nsample = \"500ms\"\n[[timeline]]\nspawn = \"p\"\ncount = 100\n",
        0,
    );
    for n in 1..=100 {
        let source = format!("ps#{n}");
        assert!(log.of("spawn.sample").iter().any(|sample| sample["source"] == *source), "{source}");
    }
    let sample = log.of("spawn.sample")[0];
    assert_eq!((&sample["processes"], &sample["threads"]), (&1.into(), &1.into()), "not those of the others");
}

#[test]
fn limits_hold_from_the_first_instruction() {
    let log = run(
        "[presets.files]\ncommand = [\"sh\", \"-c\", \"ulimit -n; ulimit -t; ulimit -f; echo told >&2; tty\"]\nexits = 1\n\
         limits = { files = 37, cpu = \"7s\", file_size = \"1MiB\" }\n\
         [presets.screen]\npty = true\ncommand = [\"sh\", \"-c\", \"ulimit -n; tty\"]\nlimits = { files = 38 }\n\
         [[timeline]]\nid = \"files\"\nspawn = \"files\"\n[[timeline]]\nafter = \"files.finished\"\nspawn = \"screen\"\n",
        0,
    );
    let said = lines(&log);
    let on = |stream: &str| log.of("line").iter().filter(|line| line["stream"] == stream).count();
    assert_eq!(
        said.iter().filter(|line| **line != "told").take(4).collect::<Vec<_>>(),
        [&"37", &"7", &"2048", &"not a tty"]
    );
    assert!(said.contains(&"38") && said.iter().any(|line| line.starts_with("/dev/")), "{said:?}");
    assert_eq!(on("stderr"), 1, "its standard error is its own");
}

#[test]
fn a_limit_that_ends_a_program_is_told_in_words() {
    let folder = Folder::new();
    let text = "[presets.counts]\ncommand = [\"sh\", \"-c\", \"while :; do :; done\"]\nlimits = { cpu = \"1s\" }\n\
         [presets.writes]\ncommand = [\"sh\", \"-c\", \"exec head -c 3000000 /dev/zero > zeros\"]\nlimits = { file_size = \"1MB\" }\n\
         exits = { signal = \"XFSZ\" }\n\
         [[timeline]]\nspawn = \"counts\"\n[[timeline]]\nspawn = \"writes\"\n";
    let log = run_in(&folder, text, 1);
    let counts = end(&log, "counts");
    assert_eq!((&counts["signal"], &counts["exceeded"]), (&"XCPU".into(), &"cpu".into()));
    let writes = end(&log, "writes");
    assert_eq!((&writes["exceeded"], &writes["ok"]), (&"file_size".into(), &true.into()));
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(
        reason.ends_with("ended with signal XCPU: it took more processor time than its limit of 1s"),
        "{reason}"
    );
    assert_eq!(std::fs::metadata(folder.path().join("zeros")).unwrap().len(), 1_000_000);
    let (ended, _) = folder.run(text, &[]);
    assert!(
        ended.stderr.contains("with signal XFSZ: it wrote a larger file than its limit"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_program_that_takes_too_much_memory_dies() {
    let folder = Folder::new();
    let text = format!(
        "[presets.greedy]\n{PYTHON}kept = []\nfor _ in range(100): kept.append(bytearray(b\"x\") * 10_000_000)\nprint(\"all\")\n''']\n\
         limits = {{ memory = \"96MiB\" }}\n[[timeline]]\nspawn = \"greedy\"\n"
    );
    let log = run_in(&folder, &text, 1);
    assert!(!lines(&log).contains(&"all"));
    let reason = log.last()["reason"].as_str().unwrap();
    if end(&log, "greedy")["exceeded"] == "memory" {
        assert!(
            reason.ends_with("ended with signal KILL: it took more memory than its limit of 96MiB"),
            "{reason}"
        );
    } else {
        let (ended, _) = folder.run(&text, &[]);
        assert!(ended.stderr.contains("warning: no control group can be made here"), "{}", ended.stderr);
        assert!(reason.contains("(its memory is limited to 96MiB)"), "{reason}");
    }
}

#[test]
fn a_program_starts_no_more_processes_than_its_limit() {
    let folder = Folder::new();
    let text = "[presets.forks]\ncommand = [\"sh\", \"-c\", \"for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait; echo all\"]\n\
                limits = { processes = 5 }\n[[timeline]]\nspawn = \"forks\"\n";
    let (ended, log) = folder.run(text, &[]);
    if ended.stderr.contains("warning: no control group") {
        return skip("a limit of processes", "no control group can be made here");
    }
    ended.expect(1);
    assert!(!lines(&log).contains(&"all"));
}

#[test]
fn a_program_runs_as_its_user() {
    let keys = "[presets.who]\ncommand = [\"sh\", \"-c\", \"id -u; id -G; echo $USER $HOME; echo again > /dev/stderr\"]\ndir = \"/\"\nuser = \"nobody\"\n[[timeline]]\nspawn = \"who\"\n";
    if !is_root() {
        let log = run(keys, 1);
        let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
        assert!(error.contains("only root can run a program as the user `nobody`"), "{error}");
        return;
    }
    let log = run(keys, 0);
    let said = lines(&log);
    assert!(said.contains(&"again"), "it can open its outputs again");
    let said = printed(&log);
    assert_ne!(said[0], "0");
    assert_eq!(said[1].split(' ').count(), 1, "without the groups of root");
    assert!(said[2].starts_with("nobody /"), "{said:?}");
    let on_terminal = run(&keys.replace("[[timeline]]", "pty = true\n[[timeline]]"), 0);
    assert!(lines(&on_terminal).contains(&"again"));
    let log = run(&keys.replace("\"nobody\"", "\"4711:4712\""), 0);
    assert_eq!(printed(&log)[..2], ["4711", "4712"]);
    let folder = Folder::new();
    folder.file("closed/x", "");
    let closed = folder.path().join("closed");
    std::fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let log = run_in(&folder, &keys.replace("dir = \"/\"", "dir = \"closed\""), 1);
    let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
    assert!(error.contains("its `user` may not enter its working folder"), "{error}");
}

#[test]
fn a_start_that_fails_behind_a_user_or_a_limit_says_why() {
    for (keys, words) in [
        ("command = [\"id\"]\nuser = \"no-such-user\"", "there is no user `no-such-user` on this machine"),
        (
            "command = [\"id\"]\nuser = \"0:no-such-group\"",
            "there is no group `no-such-group` on this machine",
        ),
        (
            "command = [\"./text\"]\nlimits = { files = 20 }",
            "neither a program for this machine nor a script",
        ),
        ("command = [\"./gone\"]\nlimits = { files = 20 }", "there is no program `./gone`"),
        ("command = [\"id\"]\noutput = \"text/x\"", "its `output` text/x cannot be written"),
        ("command = [\"id\"]\noutput = \"/dev/full\"", "cannot be written: it is not a file"),
    ] {
        let folder = Folder::new();
        let text = folder.file("text", "no program\n");
        std::fs::set_permissions(&text, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let log = run_in(&folder, &format!("[presets.p]\n{keys}\n[[timeline]]\nspawn = \"p\"\n"), 1);
        let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn a_file_gets_the_output_too() {
    let folder = Folder::new();
    let text = "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo one; echo $KEY; printf '\\\\377\\\\n'; head -c 100 /dev/zero | tr '\\\\0' x; echo; printf end\"]\n\
                max_line = \"16B\"\noutput = \"logs/deep/p.log\"\nenv = { KEY = \"${env:MY_KEY}\" }\n[[timeline]]\nspawn = \"p\"\n";
    for _ in 0..2 {
        folder.file("s.toml", text);
        let run =
            folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--force"]).env("MY_KEY", "hush-hush");
        run.end().expect(0);
    }
    let once = [b"one\n[redacted]\n\xff\n".to_vec(), vec![b'x'; 100], b"\nend".to_vec()].concat();
    let written = std::fs::read(folder.path().join("logs/deep/p.log")).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(&once.repeat(2)),
        "it is not overwritten"
    );
}

#[test]
fn an_output_overwrites_nothing_and_is_not_overwritten() {
    let folder = Folder::new();
    let text = |output: &str| {
        format!(
            "[presets.p]\ncommand = [\"echo\", \"x\"]\noutput = \"{output}\"\n[[timeline]]\nspawn = \"p\"\n"
        )
    };
    folder.file("s.toml", text("s.toml"));
    let ended = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).end().expect(4);
    assert!(ended.stderr.contains("s.toml is the scenario"), "{}", ended.stderr);
    folder.file("s.toml", text("same.jsonl"));
    let ended = folder.scenario(&["run", "s.toml", "--log", "same.jsonl", "--force"]).end().expect(4);
    assert!(ended.stderr.contains("same.jsonl is the `output` of a preset"), "{}", ended.stderr);
    assert!(!folder.path().join("same.jsonl").exists());
}

#[test]
fn keys_that_make_no_sense_are_refused_at_their_place() {
    for (keys, words) in [
        ("sample = \"1ms\"", "a program is sampled every 10 ms at most"),
        ("limits = {}", "lacks one of `memory`"),
        ("limits = { cpu = \"1500ms\" }", "write \"2s\""),
        ("limits = { memory = 5 }", "a size is a string with a unit"),
        ("limits = { files = 0 }", "from 1 to"),
        ("limits = { mem = \"1MB\" }", "unknown key"),
        ("user = \"a b\"", "is neither a user nor a user and a group"),
        ("user = \"\"", "is neither a user nor a user and a group"),
        ("output = \"\"", "a path must not be empty"),
    ] {
        let folder = Folder::new();
        folder.file(
            "s.toml",
            format!("[presets.p]\ncommand = [\"id\"]\n{keys}\n[[timeline]]\nspawn = \"p\"\n"),
        );
        let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
        assert!(
            ended.stdout.contains(words) || ended.stderr.contains(words),
            "{words}: {}{}",
            ended.stdout,
            ended.stderr
        );
        assert!(ended.stdout.contains("s.toml:3:") || ended.stderr.contains("s.toml:3:"), "{keys}");
    }
}

#[test]
fn reports_show_what_programs_used() {
    let folder = Folder::new();
    run_in(
        &folder,
        &format!(
            "[presets.p]\n{PYTHON}import time\nkept = bytearray(b\"x\") * 40_000_000\ntime.sleep(0.5)\n''']\nsample = \"50ms\"\n[[timeline]]\nspawn = \"p\"\n"
        ),
        0,
    );
    let text = folder.scenario(&["report", "log.jsonl", "-o", "report.html"]).end().expect(0);
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(html.contains("memory of p over time: up to") && html.contains("processors of p over time"));
    let text = text.stdout + &folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    assert!(text.contains("peak memory") && text.contains("MB"), "{text}");
    folder.scenario(&["report", "log.jsonl", "--trace", "trace.json"]).end().expect(0);
    let trace = std::fs::read_to_string(folder.path().join("trace.json")).unwrap();
    assert!(trace.contains("bytes of memory of ps#1") && trace.contains("\"peak_memory\""));
    // What a program uses is a matter of time.
    folder.scenario(&["diff", "log.jsonl", "log.jsonl", "--level", "exact"]).end().expect(0);
}
