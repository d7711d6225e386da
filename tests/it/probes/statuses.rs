//! Statuses and headers of the requests that probe.

use std::sync::mpsc;

use super::{mark_when_ready, run_in, sh, spawn};
use crate::common::{Folder, answer, serve_from};

#[test]
fn the_wanted_statuses_make_ready() {
    let folder = Folder::new();
    let (sender, requests) = mpsc::channel();
    let mut statuses = ["200 OK", "302 Found", "503 Not yet", "404 Not Found"].into_iter();
    let next = std::sync::Mutex::new(move || statuses.next());
    let address = serve_from(folder.path().join("runs"), move |path, request| {
        sender.send((path.to_owned(), request.to_ascii_lowercase())).unwrap();
        answer(next.lock().unwrap()().unwrap_or("404 Not Found"), "", "")
    });
    let keys = format!(
        "background = true\nready = {{ http = \"http://{address}/a?b=c\", status = [404, \"41x\", \"500..502\"], \
         headers = {{ Authorization = \"Bearer swordfish-1\", X-Probe = \"yes\" }}, poll = \"5ms\", try_timeout = \"1m\" }}"
    )
    .replace("\"41x\"", "\"410..419\"");
    let text =
        format!("{}{}{}", sh("p", "touch runs; exec sleep 600", &keys), spawn("p"), mark_when_ready("p"));
    let (_, log) = run_in(&folder, &text, 0);
    let requests: Vec<_> = requests.try_iter().collect();
    assert_eq!(requests.len(), 4);
    for (path, request) in requests {
        assert_eq!(path, "/a?b=c");
        assert!(
            request.contains("x-probe: yes\r\n") && request.contains("bearer swordfish-1\r\n"),
            "{request}"
        );
    }
    assert!(!String::from_utf8_lossy(&log.bytes).contains("swordfish"));
    let ready = &log.events[0]["scenario"]["presets"]["p"]["ready"];
    assert_eq!(ready["headers"]["Authorization"], "[redacted]");
    assert_eq!(ready["status"], serde_json::json!([404, "410..419", "500..502"]));
}

#[test]
fn the_failure_names_the_statuses() {
    for (status, words) in
        [("\"any\"", "gave no answer within 1s"), ("[201, \"5xx\"]", "gave no answer 201 or 5xx within 1s")]
    {
        let folder = Folder::new();
        let port = crate::common::free_port();
        let url = format!("http://127.0.0.1:{port}/");
        let keys = format!("ready = {{ http = \"{url}\", status = {status}, timeout = \"1s\" }}");
        let (_, log) = run_in(&folder, &format!("{}{}", sh("p", "exec sleep 600", &keys), spawn("p")), 1);
        let failed = log.of("spawn.failed")[0];
        let error = failed["error"].as_str().unwrap();
        assert!(error.starts_with(&format!("never became ready: {url} {words}")), "{error}");
        assert!(failed["last_try"].as_str().unwrap().contains("Connection refused"), "{failed}");
    }
}
