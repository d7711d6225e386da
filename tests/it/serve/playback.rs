//! A log that is served while it plays.

use crate::common::Folder;
use crate::serve::asker::served;

const WAVES: &str = "seed = 3\n[presets.1]\nplayers = [{ name = \"john\", moves = 4, every = \"1s\" }]\n\
     [[timeline]]\nspawn = \"1\"\n[[timeline]]\nat = \"10s\"\nspawn = \"1\"\n";

#[test]
fn a_playback_on_the_page_can_be_controlled() {
    let folder = Folder::new();
    folder.run(WAVES, &["--clock", "virtual"]);
    let played = served(&folder, &["play", "log.jsonl", "--speed", "max"]);
    let mut shown = played.look();
    let is_at_the_end = |data: &serde_json::Value| data["play"]["is_paused"] == true;
    let (name, state) = shown.next().unwrap();
    assert_eq!((&*name, &state["mode"]), ("state", &serde_json::json!("play")));
    assert_eq!(state["play"]["end"], 14.0);
    let end = if is_at_the_end(&state) { state } else { shown.until("change", is_at_the_end) };
    assert_eq!(end["end"]["outcome"], "passed", "it stays, to be looked at");
    assert_eq!(end["counts"]["moves"], 8);
    assert_eq!(played.post("/playback", "{\"to\":2.5}").status, 202);
    let back = shown.until("state", |_| true);
    assert_eq!((&back["t"], &back["end"]), (&serde_json::json!(2.5), &serde_json::Value::Null));
    assert_eq!(back["counts"]["moves"], 3);
    assert_eq!(back["is_going"], false);
    assert_eq!(played.post("/playback", "{\"to\":0}").status, 202);
    assert_eq!(shown.until("state", |_| true)["run"]["name"], "s", "what it is, is always known");
    assert_eq!(played.post("/playback", "{\"speed\":1000000,\"do\":\"go\"}").status, 202);
    shown.until("change", |change| !change["end"].is_null());
    for nonsense in
        ["", "{", "{\"to\":-1}", "{\"speed\":0}", "{\"speed\":1e999}", "{\"do\":\"fly\"}", "{\"by\":1}"]
    {
        assert_eq!(played.post("/playback", nonsense).status, 422, "{nonsense}");
    }
    assert_eq!(played.post("/input", "1").status, 404, "nothing runs");
    crate::common::kill(&played.run.child, rustix::process::Signal::INT);
    shown.until("bye", |_| true);
    assert_eq!(played.run.end().0, Some(130));
}

#[test]
fn a_playback_that_is_ended_stands_still_on_the_page() {
    let folder = Folder::new();
    folder.run(WAVES, &["--clock", "virtual"]);
    let played = served(&folder, &["play", "log.jsonl", "--speed", "0.01"]);
    let mut shown = played.look();
    let (_, state) = shown.next().unwrap();
    assert_eq!((&state["is_going"], &state["play"]["is_paused"]), (&true.into(), &false.into()));
    crate::common::kill(&played.run.child, rustix::process::Signal::INT);
    let last = shown.until("change", |change| change["play"]["is_paused"] == true);
    assert_eq!(last["is_going"], false);
    shown.until("bye", |_| true);
    assert_eq!(played.run.end().0, Some(130));
}
