//! Presets with arguments.

use serde_json::json;

use super::{resolved, resolved_files, said};
use crate::common::Folder;

const SERVER: &str = "[presets.server]\ncommand = ['serve', '--mode=${args.mode}', '${args.port}']\n\
    env = { MODE = '${args.mode}' }\nargs = { mode = 'fast', port = 8080 }\n";

#[test]
fn each_set_of_arguments_is_a_preset_of_its_own() {
    let json = resolved(&format!(
        "{SERVER}[[timeline]]\nspawn = 'server'\n\
         [[timeline]]\nspawn = {{ preset = 'server', args = {{ mode = 'slow' }} }}\n\
         [[timeline]]\nspawn = {{ preset = 'server', args = {{ port = 8080, mode = 'slow' }} }}\n\
         [[timeline]]\nspawn = {{ preset = 'server', args = {{ port = 8080, mode = 'fast' }} }}\n\
         [[timeline]]\nspawn = {{ preset = 'server' }}\n"
    ));
    let presets = &json["presets"];
    assert_eq!(presets.as_object().unwrap().keys().collect::<Vec<_>>(), ["server", "server-slow"]);
    assert_eq!(presets["server"]["command"], json!(["serve", "--mode=fast", "8080"]));
    assert_eq!(presets["server"]["args"], json!({ "mode": "fast", "port": 8080 }));
    assert_eq!(presets["server-slow"]["command"], json!(["serve", "--mode=slow", "8080"]));
    assert_eq!(presets["server-slow"]["env"], json!({ "MODE": "slow" }));
    assert_eq!(presets["server-slow"]["args"], json!({ "mode": "slow", "port": 8080 }));
    assert_eq!(presets["server-slow"]["variant_of"], "server");
    let spawned: Vec<_> = json["timeline"].as_array().unwrap().iter().map(|entry| &entry["spawn"]).collect();
    assert_eq!(spawned, ["server", "server-slow", "server-slow", "server", "server"]);
}

#[test]
fn an_argument_alone_keeps_its_kind() {
    let json = resolved(
        "[vars]\nmany = 4\n[presets.p]\nplayers = [{ name = 'j', count = '${args.n}', moves = '${args.n}', every = '1s' }]\n\
         [[timeline]]\nspawn = { preset = 'p', args = { n = 3 } }\n[[timeline]]\nspawn = { preset = 'p', args = { n = '${many}' } }\n",
    );
    assert_eq!(json["presets"]["p-3"]["players"][0]["count"], 3);
    assert_eq!(json["presets"]["p-4"]["players"][0]["moves"], 4);
    assert_eq!(json["presets"]["p-4"]["args"], json!({ "n": 4 }));
    assert!(json["presets"]["p"].is_null(), "it cannot be spawned without an argument");
    let said = said(
        "[presets.p]\nplayers = [{ name = 'j', count = '${args.n}', moves = 1, every = '1s' }]\n\
         [[timeline]]\nspawn = { preset = 'p', args = { n = 'x' } }\n",
    );
    assert!(said.contains("found the string `x` (the value of `${args.n}`)"), "{said}");
}

#[test]
fn wrong_arguments_are_told() {
    for (spawn, message, help) in [
        (
            "{ preset = 'server', args = { mdoe = 'slow' } }",
            "the preset `server` has no argument `mdoe`",
            "did you mean `mode`?",
        ),
        (
            "{ preset = 'sever', args = { mode = 'slow' } }",
            "there is no preset `sever`",
            "did you mean `server`?",
        ),
        (
            "{ preset = 'server', arg = { mode = 'slow' } }",
            "`spawn` has no key `arg`",
            "did you mean `args`?",
        ),
        ("{ args = { mode = 'slow' } }", "`spawn` lacks `preset`", "add preset = "),
        (
            "{ preset = 'server', args = { mode = ['slow'] } }",
            "expected a string, an integer or a boolean, found an array",
            "",
        ),
        ("{ preset = 'server', args = { mode = '${nope}' } }", "there is no variable `nope`", ""),
        (
            "{ preset = 'plain', args = { mode = 'x' } }",
            "the preset `plain` has no argument `mode`",
            "there are no arguments",
        ),
        ("5", "expected the name of a preset", ""),
    ] {
        let said =
            said(&format!("{SERVER}[presets.plain]\ncommand = ['x']\n[[timeline]]\nspawn = {spawn}\n"));
        assert!(said.contains(message) && said.contains(help), "{spawn}: {said}");
        assert_eq!(said.matches("error").count(), 1, "{said}");
    }
    let said = said(
        "[presets.server]\ncommand = ['x', '${args.port}', '${args.mdoe}']\nargs = { mode = 'fast' }\n[[timeline]]\nspawn = 'server'\n",
    );
    assert!(said.contains("the preset `server` needs the argument `mdoe` and `port`"), "{said}");
    assert!(said.contains("did you mean `${args.mode}` there?"), "{said}");
    assert!(said.contains("write spawn = { preset = \"server\", args = { mdoe = "), "{said}");
}

#[test]
fn a_preset_of_a_library_that_nobody_spawns_needs_no_arguments() {
    let json = resolved("[presets.a]\ncommand = ['x', '${args.port}']\n[[timeline]]\nmark = 'x'\n");
    assert_eq!(json["presets"], json!({}));
}

#[test]
fn arguments_come_from_another_file() {
    let json = resolved_files(&[
        (
            "s.toml",
            "include = ['lib/p.toml']\n[vars]\nm = 'slow'\n[[timeline]]\nspawn = { preset = 'server', args = { mode = '${m}' } }\n",
        ),
        ("lib/p.toml", SERVER),
    ]);
    assert_eq!(json["presets"]["server-slow"]["command"], json!(["serve", "--mode=slow", "8080"]));
    assert_eq!(json["presets"]["server-slow"]["dir"], "lib");
}

#[test]
fn a_secret_argument_is_redacted_and_in_no_name() {
    let json = resolved(&format!(
        "{SERVER}[[timeline]]\nspawn = {{ preset = 'server', args = {{ mode = '${{env:TOKEN}}' }} }}\n"
    ));
    let text = json.to_string();
    assert!(!text.contains("s3cr3t"), "{text}");
    assert_eq!(json["presets"]["server-mode"]["args"]["mode"], "[redacted]");
}

#[test]
fn events_know_a_variant_by_the_name_of_the_preset() {
    let folder = Folder::new();
    let text = "seed = 1\n[presets.say]\ncommand = ['echo', '${args.word}']\nargs = { word = 'one' }\n\
        [[timeline]]\nid = 'first'\nspawn = 'say'\n\
        [[timeline]]\nafter = 'first.finished'\nspawn = { preset = 'say', args = { word = 'two' } }\n\
        [[expect]]\nof = 'line'\nin = 'say'\nequals = 2\n\
        [[expect]]\nof = 'spawn.started'\nwhere = { preset = '^say$' }\nequals = 2\n";
    let (ended, log) = folder.run(text, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let texts: Vec<_> = log.of("line").iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(log.of("spawn.started").iter().all(|started| started["preset"] == "say"));
    let replayed = folder.scenario(&["replay", "log.jsonl"]).end();
    assert_eq!(replayed.code, Some(0), "{}", replayed.stderr);
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end();
    folder.file("x.toml", &extracted.stdout);
    let again = folder.scenario(&["run", "x.toml", "--log", "again.jsonl"]).end();
    assert_eq!(again.code, Some(0), "{}\n{}", extracted.stdout, again.stderr);
}

#[test]
fn variants_of_players_draw_as_spawns_of_one_preset() {
    let folder = Folder::new();
    let moves = |log: &crate::common::Log| -> Vec<String> {
        log.of("move")
            .iter()
            .map(|one| format!("{} {} {}", one["source"], one["player"], one["direction"]))
            .collect()
    };
    let text = |args: &str| {
        format!(
            "seed = 7\n[presets.p]\nplayers = [{{ name = 'j', moves = '${{args.n}}', every = '0s..10ms' }}]\nargs = {{ n = 3 }}\n\
             [[timeline]]\nspawn = 'p'\n[[timeline]]\nat = '100ms'\nspawn = {{ preset = 'p'{args} }}\n"
        )
    };
    let (_, same) = folder.run(&text(""), &["--clock", "virtual"]);
    let (ended, other) = folder.run(&text(", args = { n = 5 }"), &["--clock", "virtual"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (same, other) = (moves(&same), moves(&other));
    assert_eq!(other.len(), 8);
    assert_eq!(same[..], other[..6]);
    let typed = folder.file("typed", "p\n");
    let (ended, log) = folder.run(&text(", args = { n = 5 }"), &["--input", typed.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(log.of("move").len(), 11);
}
