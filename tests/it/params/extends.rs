//! Presets and fetches that extend others.

use serde_json::json;

use super::{resolved, resolved_files, said};

#[test]
fn a_preset_takes_the_keys_of_another_one() {
    let json = resolved(
        "[presets.base]\ncommand = ['serve', '${args.mode}']\nenv = { A = '1', B = '2' }\nbackground = true\nargs = { mode = 'fast' }\n\
         ready = { line = 'up' }\nstop = { signal = 'INT' }\n\
         [presets.slow]\nextends = 'base'\nargs = { mode = 'slow' }\nenv = { B = '3', C = '4' }\nready = { line = 'on' }\n\
         [presets.slower]\nextends = 'slow'\nenv = { C = '5' }\nbackground = false\n",
    );
    let presets = &json["presets"];
    assert_eq!(presets["slow"]["command"], json!(["serve", "slow"]));
    assert_eq!(presets["slow"]["env"], json!({ "A": "1", "B": "3", "C": "4" }));
    assert_eq!(presets["slow"]["ready"]["line"], "on");
    assert_eq!(presets["slow"]["background"], true);
    assert_eq!(presets["slower"]["env"], json!({ "A": "1", "B": "3", "C": "5" }));
    assert_eq!(
        (&presets["slower"]["stop"]["signal"], &presets["slower"]["background"]),
        (&json!("INT"), &json!(false))
    );
    assert_eq!(presets["base"]["command"], json!(["serve", "fast"]));
}

#[test]
fn a_fetch_takes_the_keys_of_another_one_in_another_file() {
    let json = resolved_files(&[
        (
            "s.toml",
            "include = ['lib/f.toml']\n[fetches.mine]\nextends = 'base'\nheaders = { B = '3' }\nstatus = 404\n[fetches.base2]\nextends = 'mine'\nmethod = 'PUT'\n",
        ),
        (
            "lib/f.toml",
            "[fetches.base]\nurls = ['http://h/']\nheaders = { A = '1', B = '2' }\nca = 'ca.pem'\nbody = { json = { a = ['x', 'y'] } }\n",
        ),
    ]);
    let mine = &json["fetches"]["mine"];
    assert_eq!(mine["headers"], json!({ "A": "1", "B": "3" }));
    assert_eq!(
        (&mine["urls"], &mine["status"], &mine["ca"]),
        (&json!(["http://h/"]), &json!(404), &json!("lib/ca.pem"))
    );
    assert_eq!(mine["body"]["json"], json!({ "a": ["x", "y"] }));
    assert_eq!(json["fetches"]["base2"]["method"], "PUT");
    assert_eq!(json["fetches"]["base2"]["ca"], "lib/ca.pem");
}

#[test]
fn errors_of_what_is_taken_stand_where_it_is_written() {
    let loaded = super::load(&[
        ("s.toml", "include = ['lib/p.toml']\n[presets.mine]\nextends = 'base'\n"),
        ("lib/p.toml", "[presets.base]\ncommand = ['x']\nbackground = 5\n"),
    ]);
    let said = crate::check::common::said_of(&loaded);
    assert!(said.contains("--> lib/p.toml:3:14"), "{said}");
    assert!(!said.contains("--> s.toml"), "{said}");
}

#[test]
fn wrong_bases_are_told() {
    let base = "[presets.base]\ncommand = ['x']\n";
    for (file, message, help) in [
        ("[presets.a]\nextends = 'bsae'\n", "there is no preset `bsae`", "did you mean `base`?"),
        ("[presets.a]\nextends = 5\n", "expected a string", ""),
        (
            "[presets.a]\nextends = 'b'\n[presets.b]\nextends = 'c'\n[presets.c]\nextends = 'a'\n[presets.d]\nextends = 'a'\n",
            "this preset extends itself: `a` -> `b` -> `c` -> `a`",
            "remove one `extends`",
        ),
        ("[presets.a]\nextends = 'a'\n", "this preset extends itself: `a` -> `a`", ""),
        (
            "[presets.a]\nextends = 'base'\nplayers = [{ name = 'j', moves = 1, every = '1s' }]\n",
            "`a` has `players`, but `base`, which it extends, has `command`",
            "one of its own kind",
        ),
        (
            "[presets.a]\nextends = 'base'\nisolation = 'task'\n",
            "`isolation` can be used only together with `players`",
            "",
        ),
        (
            "[presets.a]\nextend = 'base'\ncommand = ['x']\n",
            "a preset has no key `extend`",
            "did you mean `extends`?",
        ),
    ] {
        let said = said(&format!("{base}{file}"));
        assert!(said.contains(message) && said.contains(help), "{file}: {said}");
        assert_eq!(said.matches("error").count(), 1, "{said}");
    }
}
