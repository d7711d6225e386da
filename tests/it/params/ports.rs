//! Free ports by name.

use std::collections::BTreeSet;

use serde_json::json;

use super::{resolved, said};
use crate::common::Folder;

#[test]
fn a_name_is_one_port_and_alone_a_number() {
    let json = resolved(
        "[presets.a]\ncommand = ['x', '${port:db}', 'h:${port:db}', '${port:web}']\n\
         [[timeline]]\nspawn = 'a'\ncount = '${port:db}'\n[ports]\nweb = 8080\n",
    );
    assert_eq!(json["presets"]["a"]["command"], json!(["x", "49152", "h:49152", "8080"]));
    assert_eq!(json["timeline"][0]["count"], 49152);
    assert_eq!(json["ports"], json!({ "db": 49152, "web": 8080 }));
    for (port, message) in
        [("${port:}", "is not the name of a variable"), ("${port:a b}", "is not the name of a variable")]
    {
        let said = said(&format!("[[timeline]]\nmark = '{port}'\n"));
        assert!(said.contains(message), "{port}: {said}");
    }
    let said = said("[ports]\ndb = 70000\n[[timeline]]\nmark = 'x'\n");
    assert!(said.contains("out of range: it must be an integer from 1 to 65535"), "{said}");
}

#[test]
fn a_run_draws_free_ports_and_its_log_has_them() {
    let folder = Folder::new();
    let text = "seed = 1\n[presets.s]\ncommand = ['python3', '-c', '''\nimport socket, sys\ns = socket.create_server((\"127.0.0.1\", int(sys.argv[1])))\nprint(sys.argv[1], flush=True)\n''', '${port:a}']\n\
        [[timeline]]\nspawn = 's'\n[[timeline]]\nmark = '${port:a} ${port:b}'\n";
    let (ended, log) = folder.run(text, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ports = &log.events[0]["scenario"]["ports"];
    let (a, b) = (ports["a"].as_u64().unwrap(), ports["b"].as_u64().unwrap());
    assert!(a != b && a >= 1024, "{ports}");
    assert_eq!(log.of("mark")[0]["text"], format!("{a} {b}"));
    assert_eq!(log.of("line")[0]["text"], a.to_string());
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    // On the virtual clock nobody is asked.
    let virtual_text = "[[timeline]]\nmark = '${port:a} ${port:b}'\n";
    let runs: BTreeSet<String> = (0..2)
        .map(|_| {
            folder.run(virtual_text, &["--clock", "virtual", "--seed", "1"]).1.of("mark")[0]["text"]
                .to_string()
        })
        .collect();
    assert_eq!(runs, BTreeSet::from(["\"49152 49153\"".to_owned()]));
}

#[test]
fn a_replay_against_a_file_takes_the_ports_of_the_log() {
    let folder = Folder::new();
    let text = "tick = \"0s\"\n[presets.p]\ncommand = [\"echo\", \"${port:web}\"]\n[fetches.f]\n\
                urls = [\"http://127.0.0.1:${port:web}/\"]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nfetch = \"f\"\n";
    // Nobody listens there.
    let (ended, _) = folder.run(text, &[]);
    ended.expect(1);
    folder.file("today.toml", text);
    folder.scenario(&["replay", "log.jsonl", "--against", "today.toml"]).end().expect(0);
    folder.file("today.toml", text.replace("/\"]", "/other\"]"));
    folder.scenario(&["replay", "log.jsonl", "--against", "today.toml"]).end().expect(3);
}
