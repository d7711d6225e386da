//! `for_each` of entries.

use serde_json::json;

use super::{resolved, said};
use crate::common::Folder;

#[test]
fn an_entry_is_copied_for_each_value_in_written_order() {
    let json = resolved(
        "[presets.deploy]\ncommand = ['deploy', '${args.region}']\n\
         [[timeline]]\nid = 'deploy'\nspawn = { preset = 'deploy', args = { region = '${each.region}' } }\nfor_each = { region = ['eu', 'us'] }\n\
         [[timeline]]\nid = 'test-${each.region}'\nafter = 'deploy-${each.region}.finished'\nmark = 'test ${each.region}'\nfor_each = { region = ['eu', 'us'] }\n",
    );
    let entries = json["timeline"].as_array().unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["deploy-eu", "deploy-us", "test-eu", "test-us"]);
    assert_eq!((&entries[0]["spawn"], &entries[1]["spawn"]), (&json!("deploy-eu"), &json!("deploy-us")));
    assert_eq!(entries[3]["after"], "deploy-us.finished");
    assert_eq!(entries[3]["mark"], "test us");
    assert_eq!(json["presets"]["deploy-us"]["command"], json!(["deploy", "us"]));
}

#[test]
fn several_names_give_all_combinations_and_numbers_stay_numbers() {
    let json = resolved(
        "[vars]\nb = 2\n[[timeline]]\nid = 'e-${each.n}'\nmark = '${each.n} ${each.word}'\ncount = '${each.n}'\nat = '${each.n}s'\n\
         for_each = { n = [1, '${b}'], word = ['x', 'y z'] }\n",
    );
    let entries = json["timeline"].as_array().unwrap();
    let all: Vec<_> = entries.iter().map(|entry| (&entry["id"], &entry["mark"], &entry["count"])).collect();
    assert_eq!(
        json!(all),
        json!([["e-1-x", "1 x", 1], ["e-1-y-z", "1 y z", 1], ["e-2-x", "2 x", 2], ["e-2-y-z", "2 y z", 2]])
    );
}

#[test]
fn wrong_lists_are_told() {
    for (key, message) in [
        ("for_each = { region = [] }", "this list is empty"),
        ("for_each = { }", "this `for_each` names nothing"),
        ("for_each = { region = 'eu' }", "expected a list"),
        ("for_each = { region = [['eu']] }", "expected a string, an integer or a boolean"),
        ("for_each = ['eu']", "expected a table of names"),
        ("for_each = { 'a b' = ['eu'] }", "cannot be a name here"),
        ("for_each = { region = ['eu', '${nope}'] }", "there is no variable `nope`"),
        ("for_each = { region = ['eu', 'us', 'eu'] }", "has this value twice"),
        (
            "for_each = { region = ['eu', 'us'] }\ncount = '${each.region}'",
            "found the string `eu` (the value of `${each.region}`)",
        ),
    ] {
        let said = said(&format!("[[timeline]]\nid = 'x'\nmark = '${{each.region}}'\n{key}\n"));
        assert!(said.contains(message), "{key}: {said}");
    }
    let unknown = said("[[timeline]]\nmark = '${each.regoin}'\nfor_each = { region = ['eu'] }\n");
    assert!(
        unknown.contains("there is no variable `each.regoin`")
            && unknown.contains("did you mean `${each.region}`?"),
        "{unknown}"
    );
    let outside = said("[[timeline]]\nmark = '${each.region}'\n");
    assert!(outside.contains("stands in an entry that has for_each"), "{outside}");
    let twice = said(
        "[[timeline]]\nid = 'x-a'\nmark = 'm'\n[[timeline]]\nid = 'x'\nmark = 'm'\nfor_each = { v = ['a'] }\n",
    );
    assert!(twice.contains("the id `x-a` is given twice"), "{twice}");
}

#[test]
fn too_many_copies_are_refused_before_any_is_made() {
    let list = format!("[{}]", (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
    let lists = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name} = {list}")).join(", ");
    let said = said(&format!(
        "[[timeline]]\nid = '${{each.a}}'\nmark = 'm ${{each.b}}'\nfor_each = {{ {lists} }}\n"
    ));
    assert!(said.contains("has more than 100000 copies of entries"), "{said}");
    assert_eq!(said.matches("error").count(), 1, "{said}");
}

#[test]
fn an_id_of_a_group_tells_the_ids_that_there_are() {
    let said = said(
        "[[timeline]]\nid = 'deploy'\nmark = 'x'\nfor_each = { region = ['eu', 'us'] }\n[[timeline]]\nafter = 'deploi.finished'\nmark = 'done'\n",
    );
    assert!(said.contains("deploy-eu") && said.contains("deploy-us"), "{said}");
}

#[test]
fn an_id_of_a_group_in_after_means_all_its_entries() {
    let folder = Folder::new();
    let text = "[presets.p]\nplayers = [{ name = '${args.name}', moves = 1, every = '${args.wait}' }]\n\
        [[timeline]]\nid = 'deploy'\nfor_each = { wait = ['100ms', '300ms'] }\n\
        spawn = { preset = 'p', args = { name = 'x', wait = '${each.wait}' } }\n\
        [[timeline]]\nid = 'all'\nafter = 'deploy.passed'\nmark = 'all passed'\n\
        [[timeline]]\nid = 'one'\nafter = { any = ['deploy.failed', 'all.started'] }\nmark = 'over'\n\
        [[timeline]]\nid = 'never'\nafter = 'deploy.failed'\nmark = 'one failed'\n";
    let (ended, log) = folder.run(text, &["--clock", "virtual"]);
    ended.expect(0);
    let marks: Vec<_> =
        log.of("mark").iter().map(|mark| (mark["entry"].clone(), mark["t"].to_string())).collect();
    let at = "0.3".to_owned();
    assert_eq!(marks, [("all".into(), at.clone()), ("one".into(), at)]);
    let skipped: Vec<_> = log.of("entry.skipped").iter().map(|event| event["entry"].clone()).collect();
    assert_eq!(skipped, ["never"]);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}
