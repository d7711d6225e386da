//! `--only` and `--skip`.

use crate::common::Folder;

const STACK: &str = "seed = 1\n[presets.p]\nplayers = [{ name = 'j', moves = 1, every = '10ms' }]\n\
    [[timeline]]\nid = 'db'\nspawn = 'p'\n[[timeline]]\nid = 'api'\nafter = 'db.finished'\nmark = 'api'\n\
    [[timeline]]\nid = 'web'\nafter = 'api.started'\nmark = 'web'\n[[timeline]]\nid = 'deploy'\nfor_each = { r = ['eu', 'us'] }\nmark = 'deploy ${each.r}'\n\
    [[expect]]\nname = 'db moves'\nof = 'move'\nin = 'db'\nat_least = 1\n";

/// The marks and the warnings of a run with these options.
fn run(options: &[&str]) -> (Vec<String>, String) {
    let folder = Folder::new();
    let (ended, log) = folder.run(STACK, &[&["--clock", "virtual"], options].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let marks = log.of("mark").iter().map(|mark| mark["text"].as_str().unwrap().to_owned()).collect();
    (marks, ended.stderr)
}

#[test]
fn only_keeps_the_entries_and_what_they_wait_for() {
    let (marks, _) = run(&["--only", "web"]);
    assert_eq!(marks, ["api", "web"]);
    let (marks, stderr) = run(&["--only", "deploy"]);
    assert_eq!(marks, ["deploy eu", "deploy us"]);
    assert!(stderr.contains("the expectation `db moves` is left out: nothing of `db` is run"), "{stderr}");
    let (marks, _) = run(&["--only", "deploy-us,api"]);
    assert_eq!(marks, ["deploy us", "api"]);
}

#[test]
fn skip_drops_the_entries_and_what_waits_for_them() {
    let (marks, stderr) = run(&["--skip", "db,deploy-eu"]);
    assert_eq!(marks, ["deploy us"]);
    assert!(
        stderr.contains("the entry `api` is skipped too")
            && stderr.contains("the entry `web` is skipped too"),
        "{stderr}"
    );
    let (marks, stderr) = run(&["--skip", "web"]);
    assert_eq!(marks, ["deploy eu", "deploy us", "api"]);
    assert!(!stderr.contains("too"), "{stderr}");
}

#[test]
fn unknown_ids_are_told() {
    let folder = Folder::new();
    folder.file("s.toml", STACK);
    let ended = folder.scenario(&["run", "s.toml", "--only", "wep", "--skip", "nothing"]).end().expect(2);
    assert!(ended.stderr.contains("--only: there is no entry with the id `wep`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("did you mean `web`?"), "{}", ended.stderr);
    assert!(ended.stderr.contains("--skip: there is no entry with the id `nothing`"), "{}", ended.stderr);
}
