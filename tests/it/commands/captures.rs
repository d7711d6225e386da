//! Values that one fetch captures and others use, in runs of the program.

use crate::common::{Folder, Log, answer, serve};

const TOKEN: &str = "canary/token+5f7&x";

/// A server that gives a token and repeats every request, also in the form of a URL.
fn server() -> std::net::SocketAddr {
    serve(|path, request| {
        if path.starts_with("/login") {
            let headers = format!("X-Also: {TOKEN}\r\nX-Region: north\r\n");
            return answer("200 OK", &headers, format!("{{\"token\":\"{TOKEN}\",\"user\":17}}\n"));
        }
        if path.starts_with("/move") {
            return answer("302 Found", "Location: /echo?canary%2Ftoken%2B5f7%26x\r\n", "");
        }
        let headers = format!("X-Echo: {TOKEN}\r\n");
        answer(if path.contains("fail") { "404 Not Found" } else { "200 OK" }, &headers, request)
    })
}

fn scenario(address: std::net::SocketAddr) -> String {
    format!(
        r#"
[presets.says]
command = ["sh", "-c", 'read line; echo "$line"; echo "$line" >&2']
stdin = "open"
[fetches.login]
urls = ["http://{address}/login"]
lines = true
capture.token = {{ json = "/token", secret = true }}
capture.user = {{ json = "/user" }}
[fetches.uses]
urls = ["http://{address}/echo/${{token}}", "http://{address}/fail?${{token}}", "http://{address}/move?${{token}}"]
auth = {{ bearer = "${{token}}" }}
headers = {{ X-Token = "${{token}}", X-User = "${{user}}" }}
method = "POST"
body = {{ json = {{ token = "a ${{token}}" }} }}
lines = true
check = {{ json = {{ "/token" = "other" }} }}
[fetches.nowhere]
urls = ["http://127.0.0.1:1/${{token}}"]
[[timeline]]
id = "says"
spawn = "says"
[[timeline]]
id = "login"
fetch = "login"
[[timeline]]
after = "login.finished"
fetch = "uses"
[[timeline]]
after = "login.finished"
fetch = "nowhere"
[[timeline]]
after = "login.finished"
send = {{ to = "says", text = "send ${{token}}" }}
[[timeline]]
after = "login.finished"
mark = "user ${{user}} has ${{token}}"
"#
    )
}

#[test]
fn a_captured_secret_is_in_no_output() {
    let folder = Folder::new();
    folder.file("s.toml", scenario(server()));
    let ended = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).end().expect(1);
    let log = Log::read(&folder.path().join("l.jsonl"));
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    for secret in [TOKEN, "canary%2Ftoken%2B5f7%26x", "canary"] {
        for (name, output) in [("log", &text), ("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            let line = output.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is in the {name}: {line:?}");
        }
    }
    // Everything did happen, with the value in its place.
    assert!(text.contains("\"captured\":{\"token\":\"[redacted]\",\"user\":\"17\"}"), "{text}");
    assert!(text.contains("\"text\":\"user 17 has [redacted]\""), "{text}");
    assert!(text.contains("/echo/[redacted]\""), "{text}");
    assert!(text.contains("\"text\":\"Authorization: Bearer [redacted]\\r\""), "{text}");
    assert!(text.contains("{\\\"token\\\":\\\"a [redacted]\\\"}"), "{text}");
    assert_eq!(log.of("line").len(), 2);
    for report in
        [&["replay", "l.jsonl"][..], &["play", "--speed", "max", "l.jsonl"], &["extract", "l.jsonl"]]
    {
        let ended = folder.scenario(report).end().expect(0);
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("canary"));
    }
}

#[test]
fn a_use_before_the_capture_fails_that_request_with_a_message() {
    let folder = Folder::new();
    let address = server();
    let text = format!(
        "[fetches.login]\nurls = [\"http://{address}/login\"]\ncapture.user = {{ json = \"/user\" }}\n\
         [fetches.uses]\nurls = [\"http://{address}/echo/${{user}}\"]\n\
         [[timeline]]\nid = \"early\"\nfetch = \"uses\"\n[[timeline]]\nid = \"login\"\nafter = \"early.finished\"\nfetch = \"login\"\n\
         [[timeline]]\nafter = \"login.finished\"\nfetch = \"uses\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    let failed = log.of("fetch.failed");
    assert_eq!((failed.len(), failed[0]["kind"].as_str()), (1, Some("capture")));
    assert!(failed[0]["error"].as_str().unwrap().contains("`user` has not been captured"));
    let urls: Vec<String> =
        log.of("fetch.started").iter().map(|event| event["url"].as_str().unwrap().to_owned()).collect();
    assert!(urls[0].ends_with("/echo/${user}") && urls[2].ends_with("/echo/17"), "{urls:?}");
    assert_eq!(log.of("fetch.finished").len(), 2, "the rest goes on");
}

#[test]
fn an_edited_captured_value_is_found() {
    let folder = Folder::new();
    let address = server();
    let text = format!(
        "[fetches.login]\nurls = [\"http://{address}/login\"]\ncapture.user = {{ json = \"/user\" }}\n\
         check = {{ json = {{ \"/user\" = 17 }} }}\n[fetches.uses]\nurls = [\"http://{address}/echo/${{user}}\"]\n\
         [[timeline]]\nid = \"login\"\nfetch = \"login\"\n[[timeline]]\nafter = \"login.finished\"\nfetch = \"uses\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let logged = String::from_utf8(log.bytes).unwrap();
    for (from, to, differs) in [
        ("{\"user\":\"17\"}", "{\"user\":\"18\"}", "differs: url"),
        (",\"captured\":{\"user\":\"17\"}", "", "differs: url"),
        (",\"captured\":", ",\"check\":\"/user is 1 and not 17\",\"captured\":", "differs: ok"),
    ] {
        assert_eq!(logged.matches(from).count(), 1);
        folder.file("edited.jsonl", logged.replace(from, to));
        let ended = folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
        assert!(ended.stderr.contains(differs), "{}", ended.stderr);
    }
}
