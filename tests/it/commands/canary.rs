//! One canary through every message and every output: a secret with all characters that some text escapes
//! is said again by servers and programs, in every spelling and in every place of an answer, and is cut,
//! quoted and encoded on its way. No output shows a piece of it.

use std::net::SocketAddr;

use crate::common::{Folder, answer, serve};

/// Its two ends show where a piece of it has come through.
const CANARY: &str = "ZQX1\"a\\b/c?d#e%41 ä&<QZX7";

/// What no output may have: the ends of the canary, as they are and in base64.
const PIECES: [&str; 5] = ["ZQX1", "QZX7", "WlFYM", "pRWD", "aUVgx"];

/// The canary in many spellings.
fn spellings() -> Vec<String> {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let json = serde_json::to_string(CANARY).unwrap();
    let escaped: String = CANARY.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let percent: String = CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    vec![
        CANARY.to_owned(),
        json.clone(),
        json.replace('/', "\\/"),
        serde_json::to_string(&json).unwrap(),
        escaped,
        percent.clone(),
        percent.replace("%20", "+").to_lowercase().replace("%5a", "Z"),
        CANARY.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;"),
        engine.encode(CANARY),
        engine.encode(format!("u:{CANARY}")),
        engine.encode(format!("us:{CANARY}!")),
        format!("{CANARY:?}"),
    ]
}

/// The answers by path. Those with a number have one of the spellings.
fn respond(path: &str, request: &str) -> Vec<u8> {
    let spellings = spellings();
    let all = spellings.join(" ");
    let mut parts = path.trim_start_matches('/').split(['/', '?']);
    let (what, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let one = number.parse::<usize>().ok().and_then(|number| spellings.get(number)).unwrap_or(&spellings[0]);
    let ok = |headers: &str, body: &str| answer("200 OK", headers, body);
    match what {
        "say" => ok(
            &format!("X-Say: {one}\r\nX-Say: {all}\r\nLocation: http:u:{one}@h/\r\n"),
            &format!("{one}\n{all}\n{request}"),
        ),
        // The excerpt is cut after 200 characters.
        "long" => ok("", &format!("{}{one}{all}", "x".repeat(number.len() + 190))),
        "json" => ok("", &format!("{{\"v\":{},\"w\":[{}]}}", spellings[1], spellings[3])),
        "location" => answer("302 Found", &format!("Location: http://{one}:99999/\r\n"), &all),
        "user" => answer("302 Found", &format!("Location: http:\\\\u:{one}@127.0.0.1:1/{one}\r\n"), &all),
        "circle" => answer("302 Found", &format!("Location: /circle?{}\r\n", spellings[5]), &all),
        "status" => format!("HTTP/1.1 2000 {one}\r\n\r\n").into_bytes(),
        "line" => format!("{one} {all}\r\n\r\n").into_bytes(),
        "header" => format!("HTTP/1.1 200 OK\r\n{one}\r\n\r\n").into_bytes(),
        "length" => format!("HTTP/1.1 200 OK\r\nContent-Length: {one}\r\n\r\n").into_bytes(),
        "chunk" => format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{one}\r\n").into_bytes(),
        "coding" => ok(&format!("Content-Encoding: {one}\r\n"), &all),
        "short" => format!("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{all}").into_bytes(),
        _ => answer(&format!("404 {one}"), "", &all),
    }
}

fn scenario(address: SocketAddr) -> String {
    let said: Vec<String> = (0..spellings().len())
        .map(|number| format!("\"http://u:${{env:CANARY}}@{address}/say/{number}\""))
        .collect();
    let mut text = format!(
        r#"name = "canary"
seed = 1
[vars]
who = "<${{env:CANARY}}>"
[presets.echo]
command = ["sh", "-c", 'printf "%s\n" "$0" "$@"; printf "%s" "$K"', "${{env:CANARY}}", "${{who}}"]
max_line = "16"
env = {{ K = "${{env:CANARY}}${{env:CANARY}}" }}
[presets.none]
command = ["${{env:CANARY}}"]
[presets.folder]
command = ["./x/${{env:CANARY}}"]
[fetches.said]
lines = true
headers = {{ X-Key = "${{env:CANARY}}", Cookie = "a=${{env:CANARY}}" }}
urls = [{}]
[[timeline]]
fetch = "said"
[[timeline]]
spawn = "echo"
[[timeline]]
spawn = "none"
[[timeline]]
spawn = "folder"
[[timeline]]
mark = "${{who}}"
"#,
        said.join(", ")
    );
    let checks = ["text = '^nothing$'", "json = { \"/v\" = 1, \"/w\" = \"${who}\" }"];
    let captures = [
        "json = \"/w\"",
        "text = '(nothing)'",
        "header = \"X-Say\", text = '(nothing)'",
        "header = \"X-None\"",
    ];
    for (n, what) in [
        "long/1", "long/12", "long/123", "json", "location", "user", "circle", "status", "line", "header",
        "length", "chunk", "coding", "short", "other/0", "other/1",
    ]
    .iter()
    .enumerate()
    {
        for (m, more) in checks
            .iter()
            .map(|check| format!("check = {{ {check} }}"))
            .chain(captures.iter().map(|capture| format!("capture.c{n} = {{ {capture} }}")))
            .enumerate()
        {
            text += &format!(
                "[fetches.f{n}-{m}]\nurls = [\"http://{address}/{what}?${{env:CANARY}}\"]\ndecode = true\ntimeout = \"5s\"\n\
                 {more}\n[[timeline]]\nfetch = \"f{n}-{m}\"\n"
            );
        }
    }
    text
}

#[track_caller]
fn assert_hidden(name: &str, output: &str) {
    for piece in PIECES {
        let line = output.lines().find(|line| line.contains(piece));
        assert!(line.is_none(), "{piece} is in the {name}: {}", line.unwrap_or_default());
    }
}

#[test]
fn no_piece_of_a_secret_is_in_any_output() {
    let folder = Folder::new();
    folder.file("s.toml", scenario(serve(respond)));
    let run = ["run", "s.toml", "--log", "l.jsonl", "--junit", "j.xml", "--github"];
    let ended = folder.scenario(&run).env("CANARY", CANARY).end().expect(1);
    let read =
        |name: &str| String::from_utf8_lossy(&std::fs::read(folder.path().join(name)).unwrap()).into_owned();
    let log = read("l.jsonl");
    for (name, output) in [("log", &log), ("stderr", &ended.stderr), ("junit", &read("j.xml"))] {
        assert_hidden(name, output);
    }
    // All of it was said.
    assert!(log.matches("[redacted]").count() > 300, "{}", log.matches("[redacted]").count());
    let count = |event: &str| log.matches(&format!("\"event\":\"{event}\"")).count();
    assert_eq!(count("fetch.finished") + count("fetch.failed"), spellings().len() + 16 * 6);
    assert_eq!(count("spawn.failed"), 2);
    for command in [
        &["check", "s.toml"][..],
        &["check", "--format", "json", "s.toml"],
        &["plan", "s.toml"],
        &["plan", "--format", "json", "s.toml"],
        &["report", "l.jsonl"],
        &["report", "--format", "json", "l.jsonl"],
        &["report", "--csv", "-", "l.jsonl"],
        &["report", "--junit", "-", "l.jsonl"],
        &["report", "--trace", "-", "l.jsonl"],
        &["report", "-o", "-", "l.jsonl"],
        &["replay", "l.jsonl"],
        &["extract", "l.jsonl"],
        &["diff", "l.jsonl", "l.jsonl"],
        &["play", "l.jsonl", "--speed", "1000"],
    ] {
        let ended = folder.scenario(command).env("CANARY", CANARY).end();
        assert_hidden(&command.join(" "), &format!("{}{}", ended.stdout, ended.stderr));
    }
}

/// A fetch of which a secret is captured.
#[test]
fn no_piece_of_a_captured_secret_is_in_any_output() {
    let folder = Folder::new();
    let address = serve(respond);
    for (n, (path, more)) in [
        ("json", "capture.c = { json = \"/v\", secret = true }\ncheck = { text = 'nothing' }"),
        ("json", "capture.c = { json = \"/v\", secret = true }\nstatus = 201"),
        (
            "json",
            "capture.c = { text = '\"v\":\"(.*?)\",\"w', secret = true }\ncheck = { json = { \"/v\" = 1 } }",
        ),
        ("json", "capture.c = { json = \"\", secret = true }"),
        (
            "say/0",
            "capture.c = { json = \"/v\", secret = true }\ncheck = { text = 'nothing' }\nlines = false",
        ),
        (
            "say/0",
            "capture.c = { header = \"X-Say\", secret = true }\ncheck = { text = '^nothing' }\nlines = true",
        ),
    ]
    .iter()
    .enumerate()
    {
        let lines = if more.contains("lines") { "" } else { "lines = true\n" };
        folder.file(
            "s.toml",
            format!(
                "name = \"x\"\n[fetches.f]\nurls = [\"http://{address}/{path}\"]\n{lines}{more}\n[fetches.g]\nlines = true\n\
                 urls = [\"http://{address}/say/0\"]\n[[timeline]]\nid = \"f\"\nfetch = \"f\"\n[[timeline]]\nafter = \"f.finished\"\nfetch = \"g\"\n"
            ),
        );
        let ended = folder.scenario(&["run", "s.toml", "--force", "--log", "l.jsonl"]).end().expect(1);
        let log =
            String::from_utf8_lossy(&std::fs::read(folder.path().join("l.jsonl")).unwrap()).into_owned();
        // Where nobody knows where the secret is, only the messages can be without it.
        let known = n != 4;
        let log: String =
            if known { log } else { log.lines().filter(|line| line.contains("\"check\"")).collect() };
        assert_hidden(&format!("log of {more}"), &log);
        if known {
            assert_hidden(&format!("screen of {more}"), &ended.stderr);
        }
    }
}
