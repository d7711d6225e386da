//! A `${var}` alone in a string keeps the kind of its value.

use scenario_core::scenario::ScenarioOptions;
use scenario_core::scenario::write::resolved::to_json;

use crate::check::common::{load_bytes, options, said_of};

const FILE: &str = "[vars]\nusers = 50\nbackground = true\nword = 'many'\nnumber = '5'\n\
    [presets.p]\nplayers = [{ name = 'j', count = '${users}', moves = '${users}', every = '1s' }]\n\
    [presets.c]\ncommand = ['x', '${users}']\nbackground = '${background}'\nexits = ['${users}', 0]\n\
    [fetches.f]\nurls = ['http://h/${users}']\nbody = { json = { a = '${users}', b = ['${background}', '${word}', 'x${users}'] } }\n\
    [[timeline]]\nspawn = 'p'\ncount = '${users}'\n[[expect]]\nof = 'spawn.exited'\nwhere = { code = '${users}' }\nat_most = '${users}'\n";

fn resolved(file: &str, vars: &[(&str, &str)]) -> String {
    let vars: Vec<(String, String)> = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    match load_bytes(file, &ScenarioOptions { vars: &vars, ..options() }) {
        Ok(loaded) => to_json(&loaded.scenario),
        failed => panic!("{}", said_of(&failed)),
    }
}

fn said(file: &str, vars: &[(&str, &str)]) -> String {
    let vars: Vec<(String, String)> = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    said_of(&load_bytes(file, &ScenarioOptions { vars: &vars, ..options() }))
}

#[test]
fn a_variable_alone_is_a_number_or_a_boolean() {
    let json = resolved(FILE, &[]);
    for part in [
        r#""count":50,"moves":50"#,
        r#""command":["x","50"]"#,
        r#""background":true"#,
        r#""exits":[50,0]"#,
        r#""urls":["http://h/50"]"#,
        r#"{"a":50,"b":[true,"many","x50"]}"#,
        r#""where":{"code":50}"#,
        r#""at_most":50"#,
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
}

#[test]
fn a_var_of_the_command_line_is_read_as_what_is_wanted() {
    let json = resolved(FILE, &[("users", "7"), ("background", "false")]);
    for part in
        [r#""vars":{"background":false,"number":"5","users":7,"#, r#""count":7"#, r#"{"a":7,"b":[false"#]
    {
        assert!(json.contains(part), "{part} in {json}");
    }
    // Undeclared, it has no kind but the one that is wanted.
    let file = "[presets.c]\ncommand = ['${n}']\nbackground = '${b}'\n[[timeline]]\nspawn = 'c'\ncount = '${n}'\n\
                [[timeline]]\nat = '1s'\nmark = 'x'\n";
    let json = resolved(file, &[("n", "3"), ("b", "true")]);
    assert!(json.contains(r#""command":["3"]"#) && json.contains(r#""count":3"#), "{json}");
    // Another variable passes it on.
    let json = resolved(
        &format!("[vars]\nm = '${{n}}'\n{}", file.replace("count = '${n}'", "count = '${m}'")),
        &[("n", "4"), ("b", "false")],
    );
    assert!(json.contains(r#""count":4"#), "{json}");
}

#[test]
fn a_wrong_kind_or_range_names_the_variable() {
    let timeline = |count: &str| {
        format!(
            "[vars]\nbig = 2_000_000\nyes = true\nword = 'many'\nnumber = '5'\n[[timeline]]\nmark = 'x'\ncount = '{count}'\n"
        )
    };
    for (count, message) in [
        (
            "${big}",
            "`2000000` (the value of `${big}`) is out of range: it must be an integer from 1 to 1000000",
        ),
        ("${yes}", "expected an integer from 1 to 1000000, found the boolean `true` (the value of `${yes}`)"),
        ("${word}", "found the string `many` (the value of `${word}`)"),
        ("${number}", "found the string `5` (the value of `${number}`)"),
        ("1${big}", "expected an integer from 1 to 1000000, found a string"),
        ("${bgi}", "there is no variable `bgi`"),
        ("${env:TOKEN}", "must not be logged"),
        ("${env:NOT_SET}", "the environment has no variable `NOT_SET`"),
    ] {
        let said = said(&timeline(count), &[]);
        assert!(said.contains(message) && said.contains("--> s.toml:8:"), "{count}: {said}");
    }
    let said = said(&timeline("${big}"), &[("big", "lots")]);
    assert!(said.contains("found the string `lots` (the value of `${big}`)"), "{said}");
}
