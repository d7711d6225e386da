//! A load for which the system has too few descriptors or ports waits for them, says so once, and loses no
//! request. The real program.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::{Folder, Log, answer, serve};

/// A command that runs its further arguments under limits that `sh` sets.
fn under(limits: &str) -> Vec<String> {
    ["sh", "-c", &format!("{limits} && exec \"$@\""), "sh"].map(str::to_owned).to_vec()
}

/// Runs a scenario by this command, and asserts that all requests of its load are answered and that one line
/// says this.
#[track_caller]
fn assert_all_answered((by, scenario): (&[String], &str), requests: usize, note: &str) {
    let folder = Folder::new();
    folder.file("s.toml", scenario);
    let run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).wrapped(|program| {
        let mut command = Command::new(&by[0]);
        command.args(&by[1..]).arg(program);
        command
    });
    let ended = run.end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!((log.of("fetch.finished").len(), log.of("fetch.failed").len()), (requests, 0));
    assert_eq!(ended.stderr.matches(note).count(), 1, "{}", ended.stderr);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_load_waits_for_descriptors() {
    // It answers fewer requests in a second than either load sends.
    let server = serve(|_, _| {
        std::thread::sleep(Duration::from_millis(2));
        answer("200 OK", "", "ok")
    });
    for load in ["connections = 200\nrequests = 400", "rate = \"2000/s\"\nrequests = 400"] {
        let scenario =
            format!("[fetches.f]\nurls = [\"http://{server}/\"]\n{load}\n[[timeline]]\nfetch = \"f\"\n");
        let note = "requests wait: no file descriptor is free for a new connection: the limit is 64.";
        assert_all_answered((&under("ulimit -n 64"), &scenario), 400, note);
    }
}

#[test]
fn a_load_waits_for_ports() {
    // A network of its own, in which 50 ports are for connections.
    let limit = "ip link set lo up && echo 40000 40049 > /proc/sys/net/ipv4/ip_local_port_range";
    let mut probe = Command::new("unshare");
    probe.args(["-n", "sh", "-c", limit]).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: a shortage of ports: only root can have a network of its own");
        return;
    }
    let server = "import http.server, time\n\
        class H(http.server.BaseHTTPRequestHandler):\n  protocol_version = \"HTTP/1.1\"\n  def do_GET(self):\n    \
        time.sleep(0.01); self.send_response(204); self.end_headers()\n  def log_message(self, *a): pass\n\
        class S(http.server.ThreadingHTTPServer):\n  request_queue_size = 200\n  daemon_threads = True\n\
        s = S((\"127.0.0.1\", 7000), H); print(\"up\", flush=True); s.serve_forever()";
    let scenario = format!(
        "[presets.server]\ncommand = [\"python3\", \"-c\", '''{server}''']\nbackground = true\n\
         ready = {{ line = \"up\" }}\n\
         [fetches.f]\nurls = [\"http://127.0.0.1:7000/\"]\nconnections = 80\nrequests = 400\nstatus = 204\n\
         [[timeline]]\nspawn = \"server\"\n[[timeline]]\nafter = \"server.ready\"\nfetch = \"f\"\n"
    );
    let by = [vec!["unshare".to_owned(), "-n".to_owned()], under(limit)].concat();
    let note = "requests wait: no local port is free for a new connection: ";
    assert_all_answered((&by, &scenario), 400, note);
}
