//! `${instance}` in the texts of a program.

use super::{run, sh, spawns};
use crate::actions::assert_replays;
use crate::common::{Folder, Log, free_port};

/// The lines of a log, sorted.
fn lines(log: &Log) -> Vec<String> {
    let mut lines: Vec<String> =
        log.of("line").iter().filter_map(|line| line["text"].as_str()).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn each_spawn_has_its_number_in_arguments_environment_folder_and_input() {
    let folder = Folder::new();
    for number in 1..=3 {
        std::fs::create_dir(folder.path().join(format!("data-{number}"))).unwrap();
    }
    let text = "[presets.w]\ncommand = [\"sh\", \"-c\", 'echo $1 $PORT $(basename $PWD) $(cat)', \"sh\", \"a${instance}b\"]\n\
                env = { PORT = \"900${instance}\" }\ndir = \"data-${instance}\"\nstdin = { text = \"<${instance}>\" }\n\
                [presets.other]\ncommand = [\"true\"]\n\
                [[timeline]]\nspawn = \"other\"\n[[timeline]]\nspawn = \"w\"\ncount = 2\n\
                [[timeline]]\nat = \"10ms\"\nspawn = \"w\"\n";
    let (ended, log) = folder.run(text, &[]);
    ended.expect(0);
    assert_replays(&folder, "log.jsonl");
    assert_eq!(lines(&log), ["a1b 9001 data-1 <1>", "a2b 9002 data-2 <2>", "a3b 9003 data-3 <3>"]);
    let preset = &log.events[0]["scenario"]["presets"]["w"];
    assert_eq!(preset["env"]["PORT"], "900${instance}", "the log has it as it is written");
    assert_eq!(preset["dir"], "data-${instance}");
}

#[test]
fn a_spawn_that_takes_the_place_of_another_has_its_number() {
    let script = "echo $0; test $(grep -c $0 starts) -gt 1 && exit 0; exit 1";
    let script = format!("echo $0 >> starts; {script}");
    let text = format!(
        "[presets.w]\ncommand = [\"sh\", \"-c\", '{script}', \"w${{instance}}\"]\n\
         restart = {{ wait = \"5ms\" }}\n[[timeline]]\nspawn = \"w\"\ncount = 2\n\
         [[timeline]]\nat = \"200ms\"\nspawn = \"w\"\n"
    );
    let (_, log) = run(&text, 0);
    assert_eq!(lines(&log), ["w1", "w1", "w2", "w2", "w3", "w3"]);
}

#[test]
fn the_tries_of_an_entry_have_one_number() {
    let script = "echo $0; test -e there && exit 0; touch there; exit 1";
    let text = format!(
        "[presets.w]\ncommand = [\"sh\", \"-c\", '{script}', \"w${{instance}}\"]\n\
         [[timeline]]\nspawn = \"w\"\nuntil = {{ every = \"5ms\", timeout = \"10m\" }}\n"
    );
    let (_, log) = run(&text, 0);
    assert_eq!(lines(&log), ["w1", "w1"]);
}

#[test]
fn readiness_has_the_number_too() {
    let text = format!(
        "{}[[timeline]]\nid = \"w\"\nspawn = \"w\"\ncount = 2\n",
        sh(
            "w",
            "echo \"up 1\"; echo \"up 2\"; exec sleep 600",
            "background = true\nready = { line = \"^up ${instance}$\" }"
        )
    );
    let text = format!("{text}[[timeline]]\nafter = \"w.ready\"\nat = \"200ms\"\nmark = \"m\"\n");
    let (_, log) = run(&text, 0);
    for (source, line) in [("ps#1", "up 1"), ("ps#2", "up 2")] {
        let of = |event: &&serde_json::Value| event["source"] == source;
        let ready = log.events.iter().filter(of).position(|event| event["event"] == "spawn.ready").unwrap();
        let before = log.events.iter().filter(of).nth(ready - 1).unwrap();
        assert_eq!(before["text"], line, "{source}");
    }
}

/// A free port that ends with 1, so that the next one ends with 2.
fn port_with_1() -> u16 {
    (0..10_000).map(|_| free_port()).find(|port| port % 10 == 1).unwrap_or_else(|| {
        (20_001..60_000)
            .step_by(10)
            .find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .unwrap()
    })
}

#[test]
fn ports_and_urls_have_it() {
    let prefix = (port_with_1() / 10).to_string();
    let program = "import http.server, sys\n\
        class H(http.server.BaseHTTPRequestHandler):\n\
        \x20   def do_GET(self):\n        self.send_response(200 if self.path == sys.argv[2] else 404); self.end_headers()\n\
        \x20   def log_message(self, *a): pass\n\
        http.server.HTTPServer((\"127.0.0.1\", int(sys.argv[1])), H).serve_forever()";
    for ready in
        ["tcp = \"127.0.0.1:PORT${instance}\"", "http = \"http://127.0.0.1:PORT${instance}/h${instance}\""]
    {
        let ready = ready.replace("PORT", &prefix);
        let text = format!(
            "[presets.w]\ncommand = [\"python3\", \"-c\", '''{program}''', \"{prefix}${{instance}}\", \"/h${{instance}}\"]\n\
             background = true\nready = {{ {ready}, timeout = \"60s\" }}\n[[timeline]]\nid = \"w\"\nspawn = \"w\"\n\
             [[timeline]]\nafter = \"w.ready\"\nmark = \"up\"\n"
        );
        let (_, log) = run(&text, 0);
        assert_eq!(log.of("mark").len(), 1);
    }
}

#[test]
fn it_is_known_nowhere_else() {
    let folder = Folder::new();
    let preset = "[presets.p]\ncommand = [\"true\"]\n";
    for (text, wanted) in [
        (format!("{preset}[[timeline]]\nmark = \"m${{instance}}\"\n"), "known only when a program starts"),
        (format!("{preset}[vars]\nx = \"${{instance}}\"\n"), "known only when a program starts"),
        (format!("{preset}stdin = {{ file = \"f${{instance}}\" }}\n"), "known only when a program starts"),
        (format!("{preset}args = {{ x = \"${{instance}}\" }}\n"), "known only when a program starts"),
        (format!("{preset}env = {{ A = \"${{instanc}}\" }}\n"), "did you mean `${instance}`?"),
        (format!("{preset}ready = {{ tcp = \"h:x${{instance}}\" }}\n"), "cannot be connected to"),
        (format!("{preset}ready = {{ line = \"(${{instance}}\" }}\n"), "not a regular expression"),
        (format!("{preset}ready = {{ http = \"ftp://h:${{instance}}\" }}\n"), "cannot be fetched"),
        (format!("{preset}dir = \"\\u0000${{instance}}\"\n"), "NUL"),
    ] {
        folder.file("s.toml", &text);
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(wanted), "{text}\n{said}");
    }
    // A variable of this name goes before.
    let text = format!("[vars]\ninstance = \"x\"\n{}{}", sh("p", "echo ${instance}", ""), spawns(&["p"]));
    let (_, log) = run(&text, 0);
    assert_eq!(lines(&log), ["x"]);
}
