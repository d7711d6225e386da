//! Pages that outlive their run: with `--stay`, and with `--watch`.

use serde_json::Value;

use crate::common::{Folder, kill};
use crate::serve::asker::{TOKEN, served};
use rustix::process::Signal;

const SHORT: &str = "[[timeline]]\nmark = \"x\"\n";

#[test]
fn a_page_that_stays_shows_the_run_after_its_end() {
    let folder = Folder::new();
    folder.file("s.toml", SHORT);
    let mut served = served(&folder, &["run", "s.toml", "--log", "l.jsonl", "--stay"]);
    served.run.until("stays; Ctrl-C ends it");
    assert!(served.run.shown.last().unwrap().contains(&format!("127.0.0.1:{}/#{TOKEN}", served.port)));
    assert_eq!(crate::common::Log::read(&folder.path().join("l.jsonl")).last()["outcome"], "passed");
    let state = served.look().until("state", |_| true);
    assert_eq!(state["end"]["outcome"], "passed", "{state}");
    assert_eq!(served.ask("GET", "/", &[], "").status, 200);
    let late = served.post("/input", "mark late");
    assert_eq!((late.status, late.body.as_str()), (409, "it is over\n"));
    kill(&served.run.child, Signal::INT);
    assert_eq!(served.run.end().0, Some(0), "the exit code is that of the run");
}

#[test]
fn a_page_that_does_not_stay_says_so() {
    let folder = Folder::new();
    folder.file("s.toml", SHORT);
    let served = served(&folder, &["run", "s.toml", "--log", "l.jsonl"]);
    let (code, shown) = served.run.end();
    assert_eq!(code, Some(0));
    assert!(shown.iter().any(|line| line.contains("closed with the run; `--stay` keeps it")), "{shown:?}");
}

#[test]
fn a_page_and_its_token_outlive_the_runs_of_a_watch() {
    let folder = Folder::new();
    folder.file("s.toml", format!("name = \"first\"\n{SHORT}"));
    // Without a token of our own: the one that was drawn must stay.
    let arguments = ["run", "s.toml", "--log", "l.jsonl", "--force", "--watch", "--serve", "127.0.0.1:0"];
    let mut run = folder.scenario(&arguments).watch();
    run.until("page: http://127.0.0.1:");
    let link = run.shown.last().unwrap().trim().to_owned();
    run.until("waits for a change");
    let port = link.split(':').next_back().unwrap().split('/').next().unwrap().parse().unwrap();
    let mut served = crate::serve::asker::Served { port, run };
    let mut page = served.look();
    let name = |state: &Value| state["run"]["name"].as_str().map(ToOwned::to_owned);
    assert_eq!(name(&page.until("state", |_| true)).as_deref(), Some("first"));
    let long = "[[timeline]]\nat = \"600s\"\nmark = \"late\"\n";
    folder.file("s.toml", format!("name = \"second\"\n{SHORT}{long}"));
    assert_eq!(page.until("bye", |_| true)["why"], "again");
    served.run.until("page: http://127.0.0.1:");
    assert_eq!(served.run.shown.last().unwrap().trim(), link, "the port and the token are the same");
    let state = served.look().until("state", |_| true);
    assert_eq!(name(&state).as_deref(), Some("second"));
    let token = link.split_once('#').unwrap().1;
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(served.ask("POST", "/input", &[&bearer], "mark typed").status, 202);
    kill(&served.run.child, Signal::TERM);
    assert_eq!(served.run.end().0, Some(143));
}

#[test]
fn a_page_shows_the_errors_of_a_file_until_it_is_mended() {
    let folder = Folder::new();
    folder.file("s.toml", "name = \"torn\"\nx = 1\n");
    let arguments = ["run", "s.toml", "--log", "l.jsonl", "--force", "--watch"];
    let mut served = served(&folder, &arguments);
    served.run.until("waits for a change");
    let mut page = served.look();
    let state = page.until("state", |_| true);
    assert_eq!((&state["run"]["name"], &state["is_going"]), (&"s.toml".into(), &false.into()));
    assert_eq!(state["end"]["outcome"], "invalid");
    assert_eq!(state["end"]["reason"], "1 error in s.toml: no run has started");
    assert_eq!(state["lines"][0]["text"], "s.toml:2:1: a scenario has no key `x`");
    assert_eq!(served.post("/input", "mark early").status, 409);
    folder.file("s.toml", format!("name = \"mended\"\n{SHORT}"));
    assert_eq!(page.until("bye", |_| true)["why"], "again");
    served.run.until("mark    x");
    served.run.until("waits for a change");
    assert_eq!(served.look().until("state", |_| true)["run"]["name"], "mended");
    folder.file("s.toml", "name = \"torn again\"\nspawn = 1\n");
    served.run.until("waits for a change");
    assert_eq!(served.look().until("state", |_| true)["end"]["outcome"], "invalid");
    kill(&served.run.child, Signal::INT);
    assert_eq!(served.run.end().0, Some(130));
}

#[test]
fn a_signal_ends_a_watch_as_its_exit_code_says() {
    for scenario in [SHORT, "x = 1\n", "[presets.p]\ncommand = [\"false\"]\n[[timeline]]\nspawn = \"p\"\n"] {
        let folder = Folder::new();
        folder.file("s.toml", scenario);
        let mut served = served(&folder, &["run", "s.toml", "--log", "l.jsonl", "--force", "--watch"]);
        served.run.until("waits for a change");
        kill(&served.run.child, Signal::INT);
        assert_eq!(served.run.end().0, Some(130), "{scenario}");
    }
}
