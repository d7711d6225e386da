//! A port that is taken before a program starts is no readiness.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use super::{mark_when_ready, run, run_in, sh, spawn};
use crate::common::{Folder, free_port};

/// A server of a port, as a preset.
fn server(name: &str, port: u16, keys: &str) -> String {
    let program = format!(
        "import socket, time; s = socket.create_server((\"127.0.0.1\", {port})); print(\"up\", flush=True); print(\"up\", file=open(\"starts\", \"a\"), flush=True); time.sleep(600)"
    );
    format!("[presets.{name}]\ncommand = [\"python3\", \"-c\", '{program}']\n{keys}\n")
}

#[test]
fn a_taken_port_fails_the_program_before_it_starts() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let me = std::process::id();
    for (ready, shown) in [
        (format!("tcp = \"{address}\""), format!("{address}")),
        (
            format!("tcp = \"localhost:{}\"", address.port()),
            format!("localhost:{} ({address})", address.port()),
        ),
        (format!("http = \"http://{address}/health\""), format!("http://{address}/health ({address})")),
    ] {
        let keys = format!("background = true\nready = {{ {ready} }}");
        let text = format!(
            "{}{}{}",
            sh("p", "echo started; exec sleep 600", &keys),
            spawn("p"),
            mark_when_ready("p")
        );
        let (ended, log) = run(&text, 1);
        let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
        let wanted =
            format!("its `ready` is met before it has started, since {shown} takes connections already: `");
        assert!(error.starts_with(&wanted), "{error}");
        assert!(error.ends_with(&format!("` (process {me}) listens there")), "{error}");
        assert!(log.of("spawn.started").is_empty() && log.of("mark").is_empty());
        assert_eq!(log.last()["reason"], format!("ps#1 (p) could not start: {error}"));
        assert!(ended.stderr.contains("could not start p: its `ready` is met"), "{}", ended.stderr);
    }
}

#[test]
fn a_socket_that_is_served_is_taken_and_a_stale_one_is_not() {
    let folder = Folder::new();
    let served = UnixListener::bind(folder.path().join("served.sock")).unwrap();
    drop(UnixListener::bind(folder.path().join("stale.sock")).unwrap());
    let text = |socket: &str| {
        let keys = format!("ready = {{ http = \"http+unix://{socket}/\", timeout = \"300ms\" }}");
        format!("{}{}", sh("p", "exec sleep 600", &keys), spawn("p"))
    };
    let (_, log) = run_in(&folder, &text("served.sock"), 1);
    let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
    assert!(error.contains("http+unix://served.sock/ takes connections already: `"), "{error}");
    let (_, log) = run_in(&folder, &text("stale.sock"), 1);
    let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
    assert!(error.starts_with("never became ready: ") && log.of("spawn.started").len() == 1, "{error}");
    drop(served);
}

#[test]
fn a_program_of_the_run_that_holds_the_port_is_named() {
    let port = free_port();
    let ready = format!("ready = {{ tcp = \"127.0.0.1:{port}\", timeout = \"5m\" }}");
    let text = format!(
        "{}{}{}[[timeline]]\nid = \"b\"\nafter = \"a.ready\"\nspawn = \"b\"\n",
        server("a", port, &format!("background = true\n{ready}")),
        sh("b", "exec sleep 600", &ready),
        spawn("a"),
    );
    let (_, log) = run(&text, 1);
    let failed = log.of("spawn.failed")[0];
    assert_eq!(failed["source"], "ps#2");
    assert!(failed["error"].as_str().unwrap().ends_with(") of ps#1 listens there"), "{failed}");
}

#[test]
fn spawns_of_one_preset_may_share_a_port() {
    // Each listens with the others, and the second starts while the first one does.
    let port = free_port();
    let program = format!(
        "import socket, time; s = socket.create_server((\"127.0.0.1\", {port}), reuse_port=True); time.sleep(600)"
    );
    let text = format!(
        "[presets.a]\ncommand = [\"python3\", \"-c\", '{program}']\nbackground = true\n\
         ready = {{ tcp = \"127.0.0.1:{port}\", timeout = \"5m\" }}\n{}[[timeline]]\nafter = \"a.ready\"\nid = \"second\"\nspawn = \"a\"\n{}",
        spawn("a"),
        mark_when_ready("second"),
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("spawn.ready").len(), 2);
}

#[test]
fn a_restart_finds_its_port_free() {
    let port = free_port();
    let ready = format!("background = true\nready = {{ tcp = \"127.0.0.1:{port}\", timeout = \"5m\" }}");
    let text = format!(
        "{}{}{}{}[[timeline]]\nafter = \"a.ready\"\nrestart = \"a\"\n",
        server("a", port, &ready),
        sh("wait", "until test -e starts && [ $(wc -l < starts) = 2 ]; do sleep 0.05; done", ""),
        spawn("a"),
        spawn("wait"),
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("spawn.restarted").len(), 1);
    assert_eq!(log.of("spawn.started").len(), 3, "the wait is one, too");
    assert!(log.of("spawn.failed").is_empty());
}

#[test]
fn tries_of_an_until_go_on_until_the_port_is_free() {
    let folder = Folder::new();
    let port = free_port();
    // Another program holds the port until the first try has failed.
    let holder = server("holder", port, "exits = \"any\"");
    let ready = format!("ready = {{ tcp = \"127.0.0.1:{port}\", timeout = \"5m\" }}");
    let once = format!("import socket; s = socket.create_server((\"127.0.0.1\", {port})); s.accept()");
    let text = format!(
        "{holder}[presets.p]\ncommand = [\"python3\", \"-c\", '{once}']\n{ready}\n{}\
         [[timeline]]\nid = \"p\"\nafter = {{ line = \"up\", of = \"holder\", timeout = \"5m\" }}\nspawn = \"p\"\n\
         until = {{ every = \"10ms\", timeout = \"5m\" }}\n\
         [[timeline]]\nafter = {{ line = \"up\", of = \"holder\", timeout = \"5m\" }}\nat = \"2s\"\nstop = \"holder\"\n",
        spawn("holder"),
    );
    let (_, log) = run_in(&folder, &text, 0);
    assert!(log.of("spawn.failed").iter().all(|failed| failed["again"] == true));
    assert_eq!(log.of("entry.retried").len(), log.of("spawn.failed").len());
    assert_eq!(log.of("spawn.ready").len(), 1);
}

#[test]
fn a_stop_before_the_check_is_over_is_no_failure() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let keys = format!("ready = {{ tcp = \"{}\" }}", holder.local_addr().unwrap());
    let text = format!(
        "{}{}[[timeline]]\nat = \"20ms\"\nstop = \"p\"\n",
        sh("p", "exec sleep 600", &keys),
        spawn("p")
    );
    let (_, log) = run(&text, 0);
    assert!(log.of("spawn.started").is_empty());
    assert_eq!(log.of("spawn.failed")[0]["error"], "it was stopped before it could be started");
}
