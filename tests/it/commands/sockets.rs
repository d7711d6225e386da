//! Unix sockets in runs of the program: in `ready` and in fetches, relative to the scenario's folder.

use crate::common::{Folder, Log};

const SERVER: &str = r#"
import http.server, socketserver, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello " + self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

socketserver.ThreadingUnixStreamServer(sys.argv[1], Handler).serve_forever()
"#;

#[test]
fn a_socket_is_probed_and_fetched_in_the_scenarios_folder() {
    let folder = Folder::new();
    folder.file("in/server.py", SERVER);
    folder.file(
        "in/s.toml",
        "[presets.server]\ncommand = [\"python3\", \"server.py\", \"a.sock\"]\nbackground = true\n\
         ready = { http = \"http+unix://a.sock/health\" }\n\
         [fetches.f]\nurls = [\"http+unix://a.sock/x\"]\nlines = true\n\
         [[timeline]]\nid = \"server\"\nspawn = \"server\"\n[[timeline]]\nafter = \"server.ready\"\nfetch = \"f\"\n",
    );
    folder.scenario(&["run", "in/s.toml", "--log", "l.jsonl"]).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("fetch.line")[0]["text"], "hello localhost");
    assert_eq!(log.of("fetch.started")[0]["url"], "http+unix://a.sock/x");
}
