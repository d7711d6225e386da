//! No output contains a secret.

use std::io::Write as _;

use crate::common::{Folder, Log, answer, serve};

const CANARY: &str = "canary-5ba1f0e7";

/// Everything that can hold a secret holds one, and everything repeats it.
fn scenario(address: std::net::SocketAddr) -> String {
    format!(
        r#"
[vars]
who = "${{env:CANARY}}"
[presets.echoes]
command = ["sh", "-c", 'echo "$0 $KEY $OTHER"; echo "$0" >&2; cat; exit 3', "${{env:CANARY}}"]
env = {{ KEY = "${{env:CANARY}}", OTHER = "a${{who}}b" }}
stdin = {{ text = "in ${{env:CANARY}}\n" }}
[presets.missing]
command = ["${{env:CANARY}}"]
[presets.nowhere]
command = ["./no/${{env:CANARY}}"]
[presets.reads]
command = ["sh", "-c", 'read line; echo "$line"']
stdin = "open"
[fetches.get]
lines = true
headers = {{ X-Key = "${{env:CANARY}}", Authorization = "Bearer literal-5ba1f0e7", Cookie = "a=literal-5ba1f0e7" }}
urls = [
  "http://user:${{env:CANARY}}@{address}/echo?key=${{env:CANARY}}",
  "http://user:literal-5ba1f0e7@{address}/redirect",
  "http://{address}/${{env:CANARY}}/nothing",
]
[fetches.post]
lines = true
method = "POST"
body = {{ json = {{ key = "${{env:CANARY}}" }} }}
urls = ["http://{address}/echo"]
[fetches.basic]
lines = true
auth = {{ basic = {{ user = "user", password = "auth-literal-77" }} }}
body = {{ form = {{ key = "${{env:CANARY}}" }} }}
method = "POST"
urls = ["http://{address}/echo"]
[fetches.bearer]
lines = true
auth = {{ bearer = "bearer-literal-77" }}
urls = ["http://{address}/echo"]
[fetches.behind]
lines = true
proxy = "http://user:proxy-literal-77@{address}"
urls = ["http://nowhere.invalid/echo"]
[fetches.nowhere]
urls = ["http://user:literal-5ba1f0e7@127.0.0.1:1/${{env:CANARY}}"]
[[timeline]]
spawn = "echoes"
[[timeline]]
spawn = "missing"
[[timeline]]
spawn = "nowhere"
[[timeline]]
id = "reads"
spawn = "reads"
[[timeline]]
after = "reads.started"
send = {{ to = "reads", text = "send ${{env:CANARY}}" }}
[[timeline]]
mark = "mark ${{env:CANARY}}"
[[timeline]]
fetch = "get"
[[timeline]]
fetch = "post"
[[timeline]]
fetch = "behind"
[[timeline]]
fetch = "basic"
[[timeline]]
fetch = "bearer"
[[timeline]]
fetch = "nowhere"
"#
    )
}

#[test]
fn a_secret_is_in_no_output() {
    let address = serve(|path, request| {
        if path.starts_with("/redirect") {
            let location =
                format!("Location: /echo?from={CANARY}\r\nSet-Cookie: s={CANARY}\r\nX-Echo: {CANARY}\r\n");
            return answer("302 Found", &location, "");
        }
        let status = if path.ends_with("nothing") { "404 Not Found" } else { "200 OK" };
        answer(status, &format!("X-Echo: {CANARY}\r\n"), request)
    });
    let folder = Folder::new();
    folder.file("s.toml", scenario(address));
    for quiet in [&[][..], &["--quiet"]] {
        let arguments = [&["run", "s.toml", "--force", "--log", "l.jsonl"], quiet].concat();
        let ended = folder.scenario(&arguments).env("CANARY", CANARY).end().expect(1);
        let log = Log::read(&folder.path().join("l.jsonl"));
        let text = String::from_utf8_lossy(&log.bytes).into_owned();
        for secret in [
            CANARY,
            "literal-5ba1f0e7",
            &base64(&format!("user:{CANARY}")),
            &base64("user:literal-5ba1f0e7"),
            "auth-literal-77",
            &base64("user:auth-literal-77"),
            "bearer-literal-77",
            "proxy-literal-77",
            &base64("user:proxy-literal-77"),
        ] {
            for (name, output) in [("log", &text), ("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
                let line = output.lines().find(|line| line.contains(secret));
                assert!(line.is_none(), "{secret} is in the {name}: {line:?}");
            }
        }
        // Everything did happen.
        assert_eq!(log.of("fetch.finished").len(), 7, "{text}");
        assert_eq!(log.of("fetch.failed").len(), 1);
        assert_eq!(log.of("spawn.failed").len(), 2);
        assert!(text.matches("[redacted]").count() > 20);
        assert!(text.contains("\"text\":\"send [redacted]\"") && text.contains("\"text\":\"in [redacted]\""));
        assert!(text.contains("Authorization: [redacted]"), "a server that says a credential again: {text}");
    }
    for command in [&["plan", "s.toml"][..], &["plan", "--format", "json", "s.toml"], &["check", "s.toml"]] {
        let ended = folder.scenario(command).env("CANARY", CANARY).end().expect(0);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(CANARY));
    }
}

#[test]
fn a_secret_that_is_typed_is_in_no_output_but_reaches_the_program() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "name = \"x\"\n[presets.p]\ncommand = [\"sh\", \"-c\", 'read line; test \"$line\" = \"the $KEY\"']\nstdin = \"open\"\n\
         env = { KEY = \"${env:CANARY}\" }\n[presets.1]\nplayers = [{ name = \"john\", moves = 1, every = \"1ms\" }]\n\
         [[timeline]]\nid = \"p\"\nspawn = \"p\"\n",
    );
    let typed =
        format!("mark a {CANARY}\nsend p the {CANARY}\n{CANARY}\nstop {CANARY}\n mark {}\n", percent(CANARY));
    folder.file("typed", &typed);
    let arguments = ["run", "s.toml", "--log", "l.jsonl", "--input", "-"];
    let mut run = folder.scenario(&arguments).env("CANARY", CANARY).watch();
    run.until("started p");
    run.child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let (code, shown) = run.end();
    assert_eq!(code, Some(0), "{shown:?}");
    let log = text_of(&folder, "l.jsonl");
    for output in [&log, &shown.join("\n")] {
        assert!(!output.contains(CANARY) && !output.contains(&percent(CANARY)), "{output}");
    }
    assert!(
        log.contains("\"text\":\"send p the [redacted]\"") && log.contains("no id `[redacted]`"),
        "{log}"
    );
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let virtually = ["run", "v.toml", "--clock", "virtual", "--log", "v.jsonl", "--input", "typed"];
    folder.file("v.toml", "name = \"x\"\n[vars]\nkey = \"${env:CANARY}\"\n[[timeline]]\nmark = \"${key}\"\n");
    folder.scenario(&virtually).env("CANARY", CANARY).end().expect(0);
    assert!(!text_of(&folder, "v.jsonl").contains(CANARY));
}

fn text_of(folder: &Folder, log: &str) -> String {
    String::from_utf8(Log::read(&folder.path().join(log)).bytes).unwrap()
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn errors_about_a_secret_do_not_show_it() {
    let places = [
        "[[timeline]]\nat = \"${env:CANARY}\"\nmark = \"m\"\n",
        "tick = \"${env:CANARY}\"\n",
        "[presets.p]\nplayers = [{ name = \"p\", moves = 1, every = \"${env:CANARY}\" }]\n",
        "[presets.p]\ncommand = [\"x\"]\nmax_line = \"${env:CANARY}\"\n",
        "[presets.p]\ncommand = [\"x\"]\ndir = \"${env:CANARY}\"\n",
        "[presets.p]\ncommand = [\"x\"]\nstop = { signal = \"${env:CANARY}\" }\n",
        "[[timeline]]\nspawn = \"${env:CANARY}\"\n",
        "[[timeline]]\nid = \"${env:CANARY}\"\nmark = \"m\"\n",
        "[fetches.f]\nurls = [\"${env:CANARY}\"]\n",
        "[fetches.f]\nurls = [\"http://${env:CANARY}:port/\"]\n",
        "[fetches.f]\nurls = [\"http://h/\"]\nmethod = \"${env:CANARY} x\"\n",
        "[fetches.f]\nurls = [\"http://h/\"]\nheaders = { A = \"${env:CANARY}\\r\\n\" }\n",
        "name = \"${env:CANARY}\"\n[vars]\na = 1\nb = \"${env:CANARY}\"\n",
        "include = [\"${env:CANARY}\"]\n",
        "[fetches.f]\nurls = [\"http:u:${env:CANARY}@[/\"]\n",
        "[fetches.f]\nurls = [\"http://${env:CANARY}/${env:CANARY}/\"]\nproxy = \"http:u:${env:CANARY}@h/x\"\n",
        "[presets.p]\ncommand = [\"x\"]\nready = { tcp = \"${env:CANARY}\" }\n",
    ];
    let folder = Folder::new();
    for place in places {
        folder.file("s.toml", place);
        for command in
            [&["check", "s.toml"][..], &["check", "--format", "json", "s.toml"], &["plan", "s.toml"]]
        {
            let ended = folder.scenario(command).env("CANARY", CANARY).end();
            assert!(
                !format!("{}{}", ended.stdout, ended.stderr).contains(CANARY),
                "{place}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn a_password_of_a_url_is_hidden_however_the_url_is_written() {
    let folder = Folder::new();
    for url in [
        "http:u:pw-canary@127.0.0.1:1/",
        "http:\\\\\\\\u:pw-canary@127.0.0.1:1/",
        "http:/\\\\u:pw-canary@127.0.0.1:1\\\\x",
        "HTTP:///u:pw-canary@127.0.0.1:1/",
    ] {
        folder.file(
            "s.toml",
            format!("name = \"x\"\n[fetches.f]\nurls = [\"{url}\"]\n[[timeline]]\nfetch = \"f\"\n"),
        );
        for command in [&["run", "s.toml", "--force", "--log", "l.jsonl"][..], &["plan", "s.toml"]] {
            let ended = folder.scenario(command).end();
            let output = format!("{}{}{}", ended.stdout, ended.stderr, text_of(&folder, "l.jsonl"));
            assert!(
                !output.contains("pw-canary") && output.contains(":[redacted]@127.0.0.1:1"),
                "{url}: {output}"
            );
        }
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_move_is_one_as_it_was_said() {
    let folder = Folder::new();
    // `wanders` is a direction, and the value of a secret too; the world has a player whose name is one.
    let directions = "tick = \"0s\"\nseed = 1\n[presets.p]\nisolation = \"process\"\n\
        players = [{ name = \"john\", moves = 6, every = \"1ms\", directions = [\"gathers\", \"wanders\"] }]\n";
    let world = "tick = \"0s\"\nseed = 1\n[world]\nsize = [9, 9]\n[presets.p]\n\
        command = [\"printf\", '%s\\n', \"N wanders\", \"E john\"]\n";
    let other = "[presets.other]\ncommand = [\"true\"]\nenv = { KEY = \"${env:KEY}\" }\n\
        [[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nspawn = \"other\"\n";
    let awaits = |line: &str| {
        format!(
            "[[timeline]]\nafter = {{ line = '{line}', of = \"p\", timeout = \"9s\" }}\nmark = \"heard\"\n"
        )
    };
    let run = |text: String, key: &str| {
        folder.file("s.toml", text);
        let run = folder.scenario(&["run", "s.toml", "-q", "--log", "l.jsonl", "--force"]);
        run.env("KEY", key).end().expect(0);
        folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
        Log::read(&folder.path().join("l.jsonl"))
    };
    let log = run([directions, other].concat(), "wanders");
    assert_eq!(log.of("move").len(), 6);
    assert!(log.of("move").iter().any(|event| event["direction"] == "wanders" && event["player"] == "john"));
    // The whole of a move is a secret: the log has what it decided, and no name.
    let log = run([world, other, &awaits("^N wanders$")].concat(), "N wanders");
    let moves = log.of("move");
    assert_eq!((&moves[0]["direction"], &moves[0]["player"]), (&"N".into(), &"[redacted]".into()));
    assert_eq!((&moves[1]["direction"], &moves[1]["player"]), (&"E".into(), &"john".into()));
    assert_eq!(log.of("line").len(), 0);
    assert_eq!(log.of("line.matched").len(), 1);
}
