//! Targets and signals that a file cannot have, and what is said instead.

use crate::common::Folder;

const PRESETS: &str = "[presets.program]\ncommand = [\"true\"]\n[presets.walkers]\nplayers = [{ name = \"ann\", moves = 1, every = \"1s\" }]\n\
                       [fetches.page]\nurls = [\"http://127.0.0.1:1/\"]\n[[timeline]]\nid = \"p\"\nspawn = \"program\"\n[[timeline]]\nid = \"w\"\nspawn = \"walkers\"\n\
                       [[timeline]]\nid = \"f\"\nfetch = \"page\"\n[[timeline]]\nid = \"m\"\nmark = \"x\"\n[[timeline]]\n";

#[test]
fn each_action_names_the_targets_that_it_can_have() {
    let folder = Folder::new();
    for (action, wanted) in [
        ("stop = \"progam\"", ["nothing that runs has the name `progam`", "did you mean `program`?"]),
        ("stop = \"ps#0\"", ["nothing that runs has the name `ps#0`", "such as \"ps#1\""]),
        (
            "stop = \"m\"",
            ["`m` starts nothing that could be stopped", "name the id of a `spawn` or a `fetch`"],
        ),
        ("kill = \"f\"", ["`f` is a fetch, which cannot be killed", "given up with `stop`"]),
        ("kill = \"get#1\"", ["`get#1` is a fetch", "given up with `stop`"]),
        ("restart = \"page\"", ["`page` is a fetch, which cannot be restarted", "made again with `fetch`"]),
        ("restart = \"m\"", ["`m` spawns nothing that could be restarted", "name the id of a `spawn`"]),
        (
            "signal = { to = \"w\", name = \"HUP\" }",
            ["`w` spawns players, which get no signals", "name an entry or a preset with a `command`"],
        ),
        (
            "signal = { to = \"f\", name = \"HUP\" }",
            ["`f` spawns no program that could get a signal", "with a `command`"],
        ),
        (
            "signal = { to = \"p\", name = \"USER1\" }",
            ["\"USER1\" is not a signal", "did you mean \"USR1\"?"],
        ),
        (
            "signal = { to = \"p\", name = \"40\" }",
            ["the signal 40 has no name", "for example name = \"HUP\""],
        ),
        (
            "signal = { to = \"p\", name = \"HUP\", for = \"2s\" }",
            ["HUP has no end, so `for` says nothing", "only `name = \"STOP\"` takes `for`"],
        ),
        ("signal = { to = \"p\" }", ["`signal` lacks", "add name = \"HUP\""]),
        ("signal = \"p\"", ["a table", "write { to = \"p\", name = \"HUP\" }"]),
        (
            "send = { to = \"program\", text = \"x\" }",
            ["the program of `program` has no open stdin", "add stdin = \"open\""],
        ),
        ("send = { to = \"walkers\", text = \"x\" }", ["`walkers` spawns players", "stdin = \"open\""]),
        ("send = { to = \"ps#1\" }", ["`send` lacks", "add text = \"…\""]),
        ("send = { to = \"ps#1\", close = false }", ["sends nothing", "or write close = true"]),
        ("send = { to = \"ps#1\", close = true, enter = false }", ["`enter`", "`text`"]),
        ("kill = \"p\"\nstop = \"p\"", ["exactly one", "kill"]),
    ] {
        folder.file("s.toml", format!("{PRESETS}{action}\n"));
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        for part in wanted {
            assert!(
                said.replace('"', "`").contains(&part.replace('"', "`")),
                "{action}: {part} is not in\n{said}"
            );
        }
        assert_eq!(said.matches("error").count(), 1, "{action}\n{said}");
    }
}

#[test]
fn presets_fetches_and_sources_are_targets() {
    let folder = Folder::new();
    for action in [
        "stop = \"program\"",
        "stop = \"page\"",
        "stop = \"ps#12\"",
        "stop = \"get#3\"",
        "kill = \"walkers\"",
        "restart = \"w\"",
        "signal = { to = \"ps#2\", name = \"usr1\" }",
        "signal = { to = \"program\", name = \"STOP\", for = \"1s\" }",
    ] {
        folder.file("s.toml", format!("{PRESETS}{action}\n"));
        folder.scenario(&["check", "s.toml"]).end().expect(0);
    }
}
