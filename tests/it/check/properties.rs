//! Properties of all documents: nothing panics, the program and its schema agree (A18), and a resolved
//! scenario reads back as itself.

use proptest::prelude::*;
use scenario_core::scenario::json_schema::scenario_schema;
use scenario_core::scenario::write::resolved::{preset_to_toml, to_json};
use serde_json::Value as Json;

use crate::check::common::{load_text, rendered, said_of};
use crate::common::{any_scenario, project};

/// Pieces of scenario files, and some pieces that are not part of one.
fn piece() -> impl Strategy<Value = String> {
    let known = [
        "[[timeline]]\n",
        "[presets.a]\n",
        "[fetches.b]\n",
        "[vars]\n",
        "name = ",
        "at = ",
        "spawn = ",
        "players = ",
        "command = ",
        "every = ",
        "times = ",
        "for = ",
        "after = ",
        "urls = ",
        "id = ",
        "stdin = ",
        "send = ",
        "a.b = ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "=",
        "\n",
        "\"",
        "'",
        "\"\"\"",
        "#",
        "\\",
        "${",
        "${env:TOKEN}",
        "$${",
        "\"a\"",
        "\"1s\"",
        "\"0s..1s\"",
        "1",
        "-1",
        "1.5",
        "true",
        "1979-05-27",
        "{ line = \"(\", of = \"a\" }",
        "[\"x\"]",
        "\"a.ready\"",
        "{ name = \"a\", moves = 1, every = \"1s\" }",
        "\u{feff}",
        "\u{202e}",
        "é",
        "\0",
        "\r",
        "\t",
        "\u{1b}",
    ];
    prop_oneof![8 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,3}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        any_scenario::check(&bytes);
    }

    #[test]
    fn no_pieces_panic(pieces in proptest::collection::vec(piece(), 0..30)) {
        any_scenario::check(pieces.concat().as_bytes());
    }

    #[test]
    fn no_edit_of_a_scenario_panics(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![piece(), Just(String::new())]), 1..4),
    ) {
        let seeds = seeds();
        let mut bytes = seeds[which.index(seeds.len())].clone();
        for (at, text) in edits {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + text.len().max(1));
            bytes.splice(at..end, text.into_bytes());
        }
        any_scenario::check(&bytes);
    }

    #[test]
    fn the_tree_is_that_of_the_toml_crate(pieces in proptest::collection::vec(toml_line(), 0..12)) {
        let text = pieces.concat();
        let ours = said_of(&load_text(&text));
        let syntax = !ours.contains("error") || !["defined twice", "nothing can be added", "is not a value", "missing",
            "unclosed", "never closed", "expected `"].iter().any(|words| ours.contains(words));
        // The crate allows a dotted key that adds to an array of tables, which TOML does not.
        if ours.contains("is an array: nothing can be added") {
            return Ok(());
        }
        // The loader gives no free table to compare, but both must agree on what is TOML.
        prop_assert_eq!(syntax, text.parse::<toml::Table>().is_ok(), "{}\n{}\n{:?}", text, ours, text.parse::<toml::Table>());
    }
}

/// The scenarios that the fuzzing begins with, and those that are shipped.
fn seeds() -> Vec<Vec<u8>> {
    let folders = ["fuzz/seeds/scenario_file", "scenarios"].map(|folder| project().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("the folder is there"));
    let mut files: Vec<_> = files.map(|entry| entry.expect("it can be read").path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("it can be read")).collect()
}

#[test]
fn the_seeds_of_the_fuzzing_hold() {
    seeds().iter().for_each(|bytes| any_scenario::check(bytes));
}

/// Lines that define tables in every possible way.
fn toml_line() -> impl Strategy<Value = String> {
    let key = || proptest::sample::select(vec!["a", "b", "c", "\"a\"", "a.b", "b.a", "a.b.c", "c.a"]);
    let value = proptest::sample::select(vec![
        "1",
        "{}",
        "[]",
        "[{}]",
        "{ a = 1 }",
        "{ a.b = 1 }",
        "{ a.b = 1, a.c = 2 }",
        "{ a = {}, a.b = 1 }",
    ]);
    prop_oneof![
        (key(), value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        key().prop_map(|key| format!("[{key}]\n")),
        key().prop_map(|key| format!("[[{key}]]\n")),
    ]
}

/// Legal documents, which are then changed at one place. Their names are used in such a way that no change
/// leaves a reference without its definition.
const BASES: [&str; 10] = [
    "[data.a]\nrows = [{ x = 'y', n = 1 }, { x = '', n = 2.5 }]\ntake = 'once'\n[data.b]\nrows = [{ x = true }]\n\
     [fetches.a]\nurls = ['http://h/${row.x}?n=${n}']\ndata = 'a'\nheaders = { A = '${draw:1..6}' }\nbody = { json = { a = '${row.n}' } }\n",
    "[presets.p]\nplayers = [{ name = 'j', moves = 3, every = '1s' }]\n[[timeline]]\nspawn = 'p'\nrate = '5/s'\narrivals = 'poisson'\ntimes = 3\n\
     [[timeline]]\nspawn = 'p'\nrate = [{ at = '0s', to = '1/s' }, { at = '1s', to = '10/s' }]\nfor = '2s'\n",
    "[vars]\nnum = 3\nb = true\nno = false\nt = 'x'\n[presets.p]\nplayers = [{ name = 'j', count = '${num}', moves = '${num}', every = '1s' }]\n\
     [presets.q]\ncommand = ['${num}']\nexits = ['${num}', 0]\nbackground = '${b}'\nclear_env = '${b}'\n\
     [fetches.f]\nurls = ['http://h/${num}']\nredirects = '${num}'\nstatus = 200\nmay_fail = '${num}'\nbody = { json = { a = '${num}', b = ['${b}', '${t}'] } }\n\
     [[timeline]]\nspawn = 'p'\ncount = '${num}'\nevery = '1s'\ntimes = '${num}'\n[[expect]]\nof = 'move'\nat_least = '${num}'\nabort = '${no}'\n\
     [[expect]]\nof = 'spawn.exited'\nwhere = { ok = '${b}', code = '${num}' }\nnever = '${b}'\n",
    "[world]\nsize = [40, 20]\nedges = 'stop'\nbroadcast = '1s'\n[presets.a]\nplayers = [{ name = 'j', moves = 3, every = '1s' }]\n",
    "[shared]\na = 1\nb = -3\n[presets.a]\nplayers = [{ name = 'j', count = 2, directions = ['N'], \
     steps = ['load a', 'store b', 'add 1', 'mul -2', 'lock m', 'unlock m', 'pause 1s..2s', 'move', 'say x'] }]\n\
     [[expect]]\nof = 'shared.a'\nstat = 'value'\nbelow = -1\n[[expect]]\nof = 'step'\nwhere = { register = -1 }\nat_least = 1\n",
    "name = 'x'\ndescription = 'y'\nseed = 3\ntick = '1s'\ntime_limit = '1h'\ntimeline = []\n[vars]\na = 1\nb = 'x'\nc = true\n",
    "[presets.a]\nplayers = [{ name = 'j{n}', count = 2, moves = 3, every = '0s..800ms', directions = ['N'] }]\nisolation = 'task'\n\
     [presets.b]\nplayers = [{ name = 'k', moves = 3, every = { exponential = '1s' } }, \
     { name = 'l', moves = 3, every = { normal = { mean = '1s', sd = '1s' } } }, { name = 'm', moves = 1, every = { choice = ['1s'] } }]\n\
     [presets.c]\ncommand = ['x', 'y']\ndir = 'd'\nenv = { A = 'b' }\nclear_env = true\nstdin = 'open'\npty = true\nready = { tcp = 'h:1', timeout = '1s', poll = '1s' }\nexits = 0\nbackground = true\n\
     stop = { signal = 'TERM', grace = '1s' }\nmax_line = '64KiB'\nsample = '1s'\nuser = 'nobody'\noutput = 'x'\n\
     limits = { memory = '64MiB', files = 9, processes = 9, file_size = '1MB', cpu = '9s' }\n\
     [presets.d]\ncommand = ['x']\nstdin = { text = 'x' }\nready = { line = 'x' }\nexits = [0, 1]\n[presets.e]\ncommand = ['x']\nstdin = { file = 'x' }\nready = { http = 'http://h' }\nexits = { signal = 'INT' }\n\
     [presets.f]\ncommand = ['x']\nready = { http = 'http://h', status = [200, '3xx'], headers = { A = 'b' }, try_timeout = '1s' }\nalive = { command = ['x', 'y'], every = '1s', failures = 2, try_timeout = '1s' }\nstop = { command = ['x'], grace = '1s' }\n\
     [presets.g]\ncommand = ['x']\nready = { command = ['x'], poll = '1s' }\nalive = { http = 'http://h', status = '2xx', headers = { A = 'b' } }\n\
     [presets.h]\ncommand = ['x']\nready = { line = 'x', times = 2 }\nalive = { tcp = 'h:1', every = '1s' }\n",
    "[fetches.a]\nurls = ['http://h/']\nmode = 'sequential'\nlines = true\nmethod = 'POST'\nheaders = { A = 'b' }\nbody = { text = 'x' }\n\
     timeout = '1s'\nredirects = 1\nretries = 1\nstatus = '2xx'\nmax_body = '1GiB'\nca = 'x'\ninsecure = true\nhttp2 = 'auto'\n\
     [fetches.b]\nurls = ['http://h/']\nmultipart = [{ name = 'a', text = 'b' }, { name = 'c', file = 'd', file_name = 'e', type = 'image/png' }]\nresolve = { 'a:1' = 'b:2' }\nserver_name = 'a'\nkeep_alive = false\nstatus = [200, '4xx', '500..502']\nmay_fail = '0.5%'\n\
     [fetches.c]\nurls = ['http://h']\nbody = { file = 'x' }\nstatus = 200\nmay_fail = 3\n\
     check = { text = 'x', absent = 'y', took = '1s', header = { A = 'x' }, json = { '/a' = { exists = true, length = 3, at_least = 1 }, '/b' = [1] } }\n",
    "[[timeline]]\nid = 'a'\nmark = 'x'\nat = '1s'\ncount = 2\n[[timeline]]\nmark = 'x'\nevery = '1s'\ntimes = 2\nfor = '1s'\n\
     [[timeline]]\nspawn = 'p'\n[[timeline]]\nafter = 'a.started'\nmark = 'x'\n[presets.p]\ncommand = ['x']\n",
    "[presets.a]\ncommand = ['x']\n[fetches.b]\nurls = ['http://h/']\n\
     [[expect]]\nname = 'x'\nof = 'line'\nin = 'a'\nwhere = { text = 'x', partial = true }\nstat = 'count'\nat_most = 5\nabort = true\n\
     [[expect]]\nof = 'fetch.took'\nstat = 'p95'\nbelow = '1s'\nnever = false\n[[expect]]\nof = 'fetch.bytes'\nwhere = { status = 200 }\nstat = 'sum'\nequals = '64KiB'\n\
     [[expect]]\nof = 'line'\nstat = 'rate'\nabove = '0.5/s'\n\
     [[expect]]\nof = 'fetch.finished'\nwhere = { ok = false }\nstat = 'share'\nbelow = 0.01\n[[expect]]\nof = 'line'\nwhere = { text = 'x' }\nstat = 'share'\nat_most = '1%'\n[[expect]]\nof = 'fetch.failed'\nnever = true\n[[expect]]\nof = 'run.took'\nat_least = '1s'\n\
     [[expect]]\nof = 'line'\nfollows = { of = 'spawn.started', in = 'a', where = { preset = 'a' } }\nwithin = '1s'\n",
];

/// Values of every type. No float is whole, since JSON does not distinguish such a float from an integer.
fn value() -> impl Strategy<Value = toml::Value> {
    let values = "v = [-1, 0, 1, 100, 255, 256, 999, 1000, 4294967295, 4294967296, 1000000001, 1.5, 0.25, true, [], ['x'], [1], [0, 3], \
        ['N', 'W'], ['1s'], ['http://h/'], {}, { x = 1 }, { text = 'x' }, { file = 'x' }, { signal = 'TERM' }, { exponential = '1s' }, \
        { exponential = '0s' }, { choice = [] }, { line = 'x', of = 'a' }, { to = 'a', text = 'x' }, '', 'x', 'a', 'x y', 'a.b', '{n}', '{n}{n}', \
        '1s', '0s', '5', '1s1s', '1M', '1 m 30s', '-1s', '0.5s', '1s..2s', '1s..', '64KiB', '0', '0B', '64 kB', '1.5GB', 'any', '2xx', '99x', '400..499', '499 .. 400', '200..', ['5xx', 404], ['any'], '1%', '0.25 %', '100.0%', '101%', '.5%', \
        'TERM', 'sigterm', '33', '31', 'POST', 'post', 'PoSt', 'N', 'null', 'open', 'task', 'process', 'auto', 'concurrent', 'http://h/', \
        'a.started', '.started', 'a.done', 'p95', 'p0', 'p99.99', 'max', '10/s', '0/s', '/s', 'line', 'fetch.took', 'run.finished', { of = 'line' }, { text = 'x', n = 1 }, 'load a', 'load  b ', 'load', 'add +1', 'add 1.5', 'add 99999999999999999999', 'lock m', 'unlock m', 'pause 1s', 'pause 1s .. 2s', 'pause 1s..', \
        'pause { exponential = \"1s\" }', 'move x', 'say', ' say  x', '${', '${nope}', '${num}', '${b}', '${t}', '${}', \"a\\u0000\"]";
    let list = values.parse::<toml::Table>().ok().and_then(|mut table| table.remove("v"));
    let Some(toml::Value::Array(list)) = list else { panic!("the values are TOML") };
    proptest::sample::select(list)
}

/// One change: the place, modulo the number of places, and the new value.
fn change(table: &mut toml::Table, place: usize, kind: u8, value: toml::Value) {
    let mut paths = Vec::new();
    collect(&toml::Value::Table(table.clone()), &mut Vec::new(), &mut paths);
    if paths.is_empty() {
        return;
    }
    let path = &paths[place % paths.len()];
    let mut at = toml::Value::Table(table.clone());
    if let Some((last, parents)) = path.split_last() {
        let mut node = &mut at;
        for step in parents {
            node = match (node, step) {
                (toml::Value::Table(table), Step::Key(key)) => &mut table[key.as_str()],
                (toml::Value::Array(list), Step::Index(index)) => &mut list[*index],
                _ => return,
            };
        }
        match (node, last) {
            (toml::Value::Table(table), Step::Key(key)) => match kind {
                0 => drop(table.remove(key)),
                1 => drop(table.insert("zzz".to_owned(), value)),
                2 => drop(table.insert("mark".to_owned(), value)),
                _ => drop(table.insert(key.clone(), value)),
            },
            (toml::Value::Array(list), Step::Index(index)) => list[*index] = value,
            _ => {}
        }
    }
    if let toml::Value::Table(changed) = at {
        *table = changed;
    }
}

#[derive(Clone)]
enum Step {
    Key(String),
    Index(usize),
}

fn collect(value: &toml::Value, path: &mut Vec<Step>, paths: &mut Vec<Vec<Step>>) {
    let mut go = |step: Step, value: &toml::Value| {
        path.push(step);
        paths.push(path.clone());
        collect(value, path, paths);
        path.pop();
    };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| go(Step::Key(key.clone()), value)),
        toml::Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| go(Step::Index(index), value))
        }
        _ => {}
    }
}

/// Messages about errors that a schema cannot express: they need the rest of the scenario, or more than a
/// grammar.
const BEYOND: [&str; 76] = [
    "is sampled every 10 ms at most",
    "is of whole seconds",
    "is neither a user nor",
    "(the value of `${",
    "these moments are nested",
    "an entry waits for at most",
    "does one thing at a time",
    "players have no exit",
    "so there is nothing to try again",
    "a load is not tried again",
    "happens at the end of the run",
    "an entry with `always`",
    "would be stopped as soon as",
    "the points of a rate must be in the order of time",
    "is no file of rows",
    "there is no table of rows",
    "this row has ",
    "the rows of `",
    "takes no rows",
    "is not a draw",
    "is known only when a request starts",
    "at this rate ",
    "this number is never reached",
    "starts within this time",
    "there is no preset",
    "there is no fetch",
    "there is no entry",
    "there is no variable",
    "`${` has no closing",
    "is not the name of a variable",
    "cannot be fetched",
    "cannot be connected to",
    "this is not a regular expression",
    "is empty: its end",
    "given twice",
    "are called",
    "never end",
    "spawns nothing that",
    "the program's name",
    "spawns no program",
    "starts nothing that",
    "waits for itself",
    "wait for each other",
    "is neither an event nor a measure",
    "comes only after all expectations",
    "there is no shared cell",
    "there is no cell",
    "does not have the lock",
    "a cell holds",
    "share cells",
    "is not a whole number",
    "is not an interval",
    "an interval ",
    "there are many",
    "events are counted",
    "a run has one duration",
    "this expectation has no limit",
    "JSON does not have",
    "JSON has no dates",
    "this is no address",
    "is not the name of a server",
    "looks at the lines of the answer",
    "has no other condition",
    "there are many values, and a share",
    "a share needs `where`",
    "this can never hold: no share",
    "this can never hold",
    "a limit of",
    "the event `",
    "the key `",
    "does not belong to one kind of event",
    "is not an event, so",
    "belongs to the whole run",
    "the name of an expectation",
    "is not a direction of the world",
    "a direction is one word of visible characters",
];

fn validator() -> &'static jsonschema::Validator {
    static VALIDATOR: std::sync::OnceLock<jsonschema::Validator> = std::sync::OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema: Json = serde_json::from_str(&scenario_schema()).expect("the schema is JSON");
        jsonschema::draft202012::new(&schema).expect("the schema is a schema")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn the_schema_and_the_program_agree(
        base in 0..BASES.len(), place in any::<usize>(), kind in 0..8_u8, value in value(),
        again in any::<Option<usize>>(), other in self::value(),
    ) {
        let mut table: toml::Table = BASES[base].parse().expect("the bases are TOML");
        change(&mut table, place, kind, value);
        if let Some(place) = again {
            change(&mut table, place, 9, other);
        }
        let text = toml::to_string(&table).expect("a table can be written");
        let json = serde_json::to_value(&table).expect("a table without dates is JSON");
        let valid = validator().is_valid(&json);
        let loaded = load_text(&text);
        let said = match &loaded {
            Ok(_) => String::new(),
            Err(failure) => rendered(&failure.sources, &failure.diagnostics),
        };
        if !valid {
            prop_assert!(loaded.is_err(), "the schema refuses what the program takes:\n{text}");
        } else if loaded.is_err() {
            let mut errors = said.split("\n\n").filter(|block| block.starts_with("error"));
            // The value of a variable is nothing that a schema knows.
            let is_beyond = |block: &str| {
                let line = block.lines().next().unwrap_or_default();
                block.contains("\"${") || BEYOND.iter().any(|words| line.contains(words))
            };
            let beyond = errors.all(is_beyond);
            prop_assert!(beyond, "the program refuses what the schema takes:\n{text}\n{said}");
        }
    }
}

#[test]
fn the_bases_of_a18_are_legal() {
    for base in BASES {
        assert_eq!(crate::check::common::said(base), "");
        let table: toml::Table = base.parse().expect("the bases are TOML");
        assert!(validator().is_valid(&serde_json::to_value(&table).expect("it is JSON")), "{base}");
    }
}

#[test]
fn a_preset_alone_reads_back() {
    let text = "[presets.a]\nplayers = [{ name = 'x', moves = 1, every = '1s' }]\n[presets.b]\ncommand = ['${env:TOKEN}']\n\
        [[timeline]]\nspawn = 'a'\n";
    let loaded = load_text(text).unwrap_or_else(|failure| panic!("{:?}", failure.diagnostics));
    let alone = load_text(&preset_to_toml(&loaded.scenario, 0))
        .unwrap_or_else(|failure| panic!("{:?}", failure.diagnostics));
    assert_eq!(alone.scenario.presets.len(), 1);
    assert_eq!(alone.scenario.presets[0].kind, loaded.scenario.presets[0].kind);
    assert!(!to_json(&loaded.scenario).contains("t0ken"));
}

/// All parts of a schema that have examples.
fn with_examples(part: &Json, found: &mut Vec<Json>) {
    match part {
        Json::Object(keys) => {
            if keys.get("examples").is_some_and(Json::is_array) {
                found.push(part.clone());
            }
            keys.values().for_each(|part| with_examples(part, found));
        }
        Json::Array(parts) => parts.iter().for_each(|part| with_examples(part, found)),
        _ => {}
    }
}

#[test]
fn the_examples_of_the_schema_are_what_it_takes() {
    let schema: Json = serde_json::from_str(&scenario_schema()).expect("the schema is JSON");
    let mut found = Vec::new();
    with_examples(&schema, &mut found);
    let of_tables = found.iter().filter(|part| part["type"] == "object").count();
    assert!(of_tables >= 20, "only {of_tables} tables have one");
    for part in &mut found {
        // A part refers to what the whole schema defines.
        part["$defs"] = schema["$defs"].clone();
        let validator = jsonschema::draft202012::new(part).expect("a part of the schema is a schema");
        for example in part["examples"].as_array().expect("a list") {
            assert!(validator.is_valid(example), "{example} in {part}");
        }
    }
    let urls = &schema["properties"]["fetches"]["additionalProperties"]["properties"]["urls"];
    assert_eq!(urls["examples"], serde_json::json!([["http://127.0.0.1:8080/a.pdf"]]));
}
