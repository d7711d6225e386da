//! Files that bring entries and expectations.

use serde_json::json;

use super::{load, resolved_files};
use crate::check::common::said_of;

#[test]
fn entries_of_included_files_come_first_in_the_order_of_the_includes() {
    let json = resolved_files(&[
        (
            "s.toml",
            "include = ['b/b.toml', 'c.toml', 'b/d.toml']\n[[timeline]]\nmark = 's'\n[[timeline]]\nafter = 'b.started'\nmark = 'after b'\n[[expect]]\nof = 'mark'\nat_least = 1\n",
        ),
        (
            "b/b.toml",
            "include = ['d.toml']\n[presets.p]\ncommand = ['./run', 'x']\n[[timeline]]\nid = 'b'\nspawn = 'p'\n[[expect]]\nof = 'mark'\nat_most = 9\n",
        ),
        ("c.toml", "[[timeline]]\nmark = 'c'\n"),
        ("b/d.toml", "[[timeline]]\nmark = 'd'\n"),
    ]);
    let entries = json["timeline"].as_array().unwrap();
    let all: Vec<_> = entries.iter().map(|entry| entry.get("mark").unwrap_or(&entry["spawn"])).collect();
    assert_eq!(json!(all), json!(["d", "p", "c", "s", "after b"]));
    assert_eq!(json["presets"]["p"]["command"][0], "b/./run");
    let limits: Vec<_> =
        json["expect"].as_array().unwrap().iter().map(|one| one.get("at_most").is_some()).collect();
    assert_eq!(limits, [true, false]);
}

#[test]
fn ids_that_clash_are_told_with_both_places() {
    let said = said_of(&load(&[
        ("s.toml", "include = ['b.toml']\n[[timeline]]\nid = 'x'\nmark = 's'\n"),
        ("b.toml", "[[timeline]]\nid = 'x'\nmark = 'b'\n"),
    ]));
    assert!(
        said.contains("the id `x` is given twice")
            && said.contains("--> s.toml:3:6")
            && said.contains("b.toml:2:6"),
        "{said}"
    );
}

#[test]
fn a_scenario_may_be_nothing_but_its_includes() {
    let json =
        resolved_files(&[("s.toml", "include = ['b.toml']\n"), ("b.toml", "[[timeline]]\nmark = 'b'\n")]);
    assert_eq!(json["timeline"][0]["mark"], "b");
}
