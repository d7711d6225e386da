//! Files of a fetch that are not there: the message says where they were looked for. The real program.

use crate::common::{Folder, Log};

#[test]
fn a_file_of_an_included_fetch_is_told_with_its_place() {
    let folder = Folder::new();
    let fetches = [
        ("a", "urls = [\"https://127.0.0.1:1/\"]\nca = \"no.pem\"", "no.pem"),
        ("b", "urls = [\"https://127.0.0.1:1/\"]\ncert = \"no.crt\"\nkey = \"no.key\"", "no.crt"),
        ("c", "urls = [\"http://SERVER/\"]\nmethod = \"POST\"\nbody = { file = \"no.txt\" }", "no.txt"),
    ];
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = server.local_addr().unwrap().to_string();
    let mut included = String::new();
    let mut main = "include = [\"inner/f.toml\"]\n".to_owned();
    for (name, keys, _) in fetches {
        included.push_str(&format!("[fetches.{name}]\n{}\n", keys.replace("SERVER", &server)));
        main.push_str(&format!("[[timeline]]\nfetch = \"{name}\"\n"));
    }
    // Certificates are read once there is a connection.
    let included = included.replace("127.0.0.1:1", &server);
    folder.file("sub/main.toml", main);
    folder.file("sub/inner/f.toml", included);
    folder.scenario(&["run", "--log", "l.jsonl", "sub/main.toml"]).end().expect(1);
    let log = Log::read(&folder.path().join("l.jsonl"));
    let inner = folder.path().join("sub/inner");
    for ((name, _, file), failed) in fetches.iter().zip(sorted_by_source(&log)) {
        let place = format!("(looked for {})", inner.join(file).display());
        let error = failed["error"].as_str().unwrap();
        assert!(error.contains("No such file") && error.ends_with(&place), "{name}: {error}");
    }
}

/// The failed requests, in the order of their starts.
fn sorted_by_source(log: &Log) -> Vec<&serde_json::Value> {
    let mut failed = log.of("fetch.failed");
    failed.sort_by_key(|event| event["source"].as_str().unwrap().to_owned());
    failed
}
