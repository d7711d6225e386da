//! Keys of the lives of programs that a file cannot have so, and what is said instead.

use crate::common::Folder;

#[test]
fn each_wrong_key_has_its_place_and_a_cure() {
    let folder = Folder::new();
    for (keys, wanted) in [
        ("exits = []", &["this list is empty"][..]),
        ("exits = [0, 300]", &["from 0 to 255"]),
        ("exits = [0, \"TERM\"]", &["an integer from 0 to 255, or a signal", "{ signal = \"TERM\" }"]),
        ("exits = [{ signal = \"TREM\" }]", &["is not a signal", "did you mean \"TERM\"?"]),
        ("on_exit = \"stpo\"", &["did you mean \"stop\"?"]),
        ("lives = 3", &["\"3s\""]),
        ("timeout = \"0s\"", &["more than"]),
        ("lives = \"5s\"\ntimeout = \"5s\"", &["stopped before it has lived", "`lives` is here", "\"10s\""]),
        ("restart = \"unless-stopped\"", &["is not a kind of restart", "write \"always\""]),
        ("restart = \"on-failure\"", &["write \"failure\""]),
        ("restart = \"on-failure:3\"", &["write { on = \"failure\", times = 3 }"]),
        ("restart = \"no\"", &["remove it: without `restart`"]),
        ("restart = \"alwys\"", &["did you mean \"always\"?"]),
        ("restart = true", &["says after which ends, not whether", "\"failure\""]),
        ("restart = 5", &["\"failure\", \"always\" or {"]),
        ("restart = { times = 0 }", &["from 1 to"]),
        ("restart = { attempts = 3 }", &["how often is `times = 5`"]),
        ("restart = { on = \"failure\", delay = \"1s\" }", &["`wait = \"1s\"`"]),
        (
            "restart = \"always\"\non_exit = \"stop\"",
            &["a program that is always started again never ends the run", "`restart` is here"],
        ),
    ] {
        let text = format!("[presets.p]\ncommand = [\"true\"]\n{keys}\n[[timeline]]\nspawn = \"p\"\n");
        folder.file("s.toml", text);
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        for part in wanted {
            assert!(said.contains(part), "{keys}: {part} is not in\n{said}");
        }
        assert_eq!(said.matches("error: ").count(), 1, "{keys}\n{said}");
    }
}

#[test]
fn until_and_restart_exclude_each_other() {
    let folder = Folder::new();
    let text = "[presets.p]\ncommand = [\"true\"]\nrestart = \"failure\"\n[[timeline]]\nspawn = \"p\"\n\
                until = { every = \"1s\", timeout = \"1m\" }\n";
    folder.file("s.toml", text);
    let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
    assert!(said.contains("and so does the `restart` of its preset") && said.contains("s.toml:6:"), "{said}");
    assert!(said.contains("remove one of them"), "{said}");
}

#[test]
fn players_have_none_of_these_keys() {
    let folder = Folder::new();
    for key in ["on_exit = \"stop\"", "lives = \"1s\"", "timeout = \"1s\"", "restart = \"always\""] {
        let text = format!("[presets.p]\nplayers = [{{ name = \"a\", moves = 1, every = \"1s\" }}]\n{key}\n");
        folder.file("s.toml", text);
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains("can be used only together with `command`"), "{key}\n{said}");
    }
}

#[test]
fn keys_of_other_tools_are_told_what_they_are_called_here() {
    let folder = Folder::new();
    for (key, ours) in [
        ("depends_on = [\"db\"]", "after = \\\"db.ready\\\""),
        ("autorestart = true", "`restart = \"failure\"`"),
        ("restart_policy = \"x\"", "`restart = \"failure\"`"),
        ("max_restarts = 3", "`restart = { times = 3"),
        ("startretries = 3", "`restart = { times = 3"),
        ("availability = 1", "`restart = \"failure\"`"),
        ("exit_on_failure = true", "`on_exit = \"stop\"`"),
        ("startsecs = 3", "`lives = \"1s\"`"),
        ("min_uptime = 3", "`lives = \"1s\"`"),
        ("max_runtime = 3", "`timeout = \"10s\"`"),
        ("stopsignal = \"INT\"", "`stop = { signal = \"INT\""),
        ("stopwaitsecs = 3", "`stop = { grace = \"10s\" }`"),
        ("numprocs = 3", "`${instance}`"),
        ("healthcheck = 1", "`ready = "),
        ("is_daemon = true", "`background = true`"),
        ("shutdown = 1", "`stop = {"),
        ("ports = [1]", "containers"),
        ("ExecStart = \"x\"", "`command = ["),
        ("stopasgroup = true", "whole process group"),
        ("redirect_stderr = true", "both outputs"),
        ("cron_restart = \"x\"", "restart = \"ID\""),
        ("start_timeout = \"1s\"", "`ready = { …, timeout"),
    ] {
        folder.file("s.toml", format!("[presets.p]\ncommand = [\"true\"]\n{key}\n"));
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(&ours.replace("\\\"", "\"")), "{key}: {ours} is not in\n{said}");
    }
}

#[test]
fn an_entry_is_told_that_these_keys_stand_in_its_preset() {
    let folder = Folder::new();
    let preset = "[presets.p]\ncommand = [\"true\"]\n[[timeline]]\n";
    for (entry, wanted) in [
        ("restart = \"always\"", "stands in its preset: restart = \"failure\""),
        ("restart = \"on-failure\"", "stands in its preset: restart = \"failure\""),
        ("spawn = \"p\"\ntimeout = \"1s\"", "stands in its preset"),
        ("spawn = \"p\"\non_exit = \"stop\"", "stands in its preset"),
    ] {
        folder.file("s.toml", format!("{preset}{entry}\n"));
        let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
        assert!(said.contains(wanted), "{entry}\n{said}");
    }
}
