//! Section A of the faults, row by row.

use scenario_core::scenario::ScenarioOptions;
use scenario_core::scenario::model::{WorldEdges, WorldRules};
use scenario_log::event::ClockKind;
use scenario_log::time::Span;

use crate::check::common::{Memory, env, load_bytes, load_text, options, said, said_of};

/// The places of all errors, as `LINE:COLUMN`.
fn places(text: &str) -> Vec<String> {
    let said = said(text);
    let places = said.lines().filter_map(|line| line.trim().strip_prefix("--> s.toml:"));
    places.map(str::to_owned).collect()
}

#[test]
fn several_syntax_errors() {
    assert_eq!(places("a = \nb = [1\nc = 2\nd 3\n[e\nf = \"x"), ["1:5", "2:5", "3:1", "4:3", "5:3", "6:5"]);
}

#[test]
fn unknown_key_in_every_table() {
    let tables = [
        ("nmae = \"x\"", "name"),
        ("[presets.a]\ncommand = [\"x\"]\nexist = 0", "exits"),
        ("[presets.a]\ncommand = [\"x\"]\nstop = { grave = \"1s\" }", "grace"),
        ("[presets.a]\ncommand = [\"x\"]\nstdin = { fiel = \"1s\" }", "file"),
        ("[presets.a]\ncommand = [\"x\"]\nexits = { singal = \"TERM\" }", "signal"),
        ("[presets.a]\nplayers = [{ name = \"a\", moves = 1, evry = \"1s\" }]", "every"),
        (
            "[presets.a]\nplayers = [{ name = \"a\", moves = 1, every = { exponentail = \"1s\" } }]",
            "exponential",
        ),
        (
            "[presets.a]\nplayers = [{ name = \"a\", moves = 1, every = { normal = { maen = \"1s\" } } }]",
            "mean",
        ),
        ("[presets.a]\ncommand = [\"x\"]\nready = { lines = \"x\" }", "line"),
        ("[fetches.a]\nurls = [\"http://h\"]\nheader = {}", "headers"),
        ("[fetches.a]\nurls = [\"http://h\"]\nbody = { txt = \"\" }", "text"),
        ("[[timeline]]\nmark = \"a\"\naftr = \"x\"", "after"),
        ("[[timeline]]\nsend = { too = \"a\" }", "to"),
        ("[[timeline]]\nafter = { lin = \"a\" }", "line"),
        ("[world]\nsize = [1, 1]\nedgse = \"wrap\"", "edges"),
        ("[[expect]]\nof = \"line\"\nat_mots = 5", "at_most"),
        ("[[expect]]\nof = \"line\"\nfollows = { of = \"line\", inn = \"a\" }", "in"),
    ];
    for (text, meant) in tables {
        let said = said(text);
        assert!(said.contains("unknown key") && said.contains(&format!("did you mean `{meant}`?")), "{said}");
    }
    assert!(said("wrld = {}").contains("unknown key"));
}

#[test]
fn a_share_has_a_condition_and_a_limit_from_0_to_1() {
    let share = |of: &str, limit: &str| {
        let expect = format!("[[expect]]\nof = '{of}'\nstat = 'share'\n{limit}\n");
        said(&format!("[fetches.f]\nurls = ['http://h']\n[[timeline]]\nfetch = 'f'\n{expect}"))
    };
    let wrong = "where = { ok = false }\n";
    for right in ["below = '1%'", "at_most = 0.01", "above = 0", "equals = '12.5 %'", "at_least = 1"] {
        assert_eq!(share("fetch.finished", &format!("{wrong}{right}")), "", "{right}");
    }
    for (limit, place, words) in [
        ("below = '101%'", "9:9", "`101%` is more than 100%"),
        ("below = 5", "9:9", "a share, not 5"),
        ("below = '1s'", "9:9", "`1s` is not a share"),
        ("below = 1.5", "9:9", "expected a whole number, a duration, a size, a rate or a share"),
        ("below = 0", "9:9", "nothing is less than zero"),
        ("above = 1", "9:9", "no share is more than 100%"),
        ("at_most = '100%'", "9:11", "warning: this always holds"),
    ] {
        let said = share("fetch.finished", &format!("{wrong}{limit}"));
        assert!(said.contains(words) && said.contains(&format!("--> s.toml:{place}\n")), "{limit}: {said}");
    }
    assert!(share("fetch.finished", "below = '1%'").contains("a share needs `where`"));
    let measured = share("fetch.took", &format!("{wrong}below = '1%'"));
    assert!(measured.contains("a share is one of events"), "{measured}");
    let other = said("[[expect]]\nof = 'run.took'\nbelow = 0.5\n");
    assert!(other.contains("a number with decimals is a limit of stat = \"share\""), "{other}");
}

#[test]
fn a_secret_in_a_scheme_is_not_shown() {
    let said = said("[fetches.f]\nurls = [\"htt${env:TOKEN}://h/\"]\n");
    assert!(said.contains("cannot be fetched: its scheme is neither http"), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
}

/// A value of each type, by the name of the type in messages.
const TYPES: [(&str, &str); 7] = [
    ("string", "\"\\u0000 x\""),
    ("integer", "-7"),
    ("float", "1.5"),
    ("boolean", "true"),
    ("date", "2024-01-01"),
    ("array", "[[]]"),
    ("table", "{ zz = 1 }"),
];

#[test]
fn every_leaf_with_every_other_type() {
    let preset = "[presets.p]\ncommand = [\"x\"]\n";
    let player = "[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\", ";
    let fetch = "[fetches.f]\nurls = [\"http://h\"]\n";
    let entry = "[presets.p]\ncommand = [\"x\"]\n[[timeline]]\nspawn = \"p\"\n";
    let expect = "[presets.p]\ncommand = [\"x\"]\n[[expect]]\nof = \"line\"\n";
    // The text before the value, the text after it, and the types that may be right.
    let leaves: Vec<(String, &str, &[&str])> = vec![
        ("name = ".into(), "", &["string"]),
        ("description = ".into(), "", &["string"]),
        ("seed = ".into(), "", &[]),
        ("tick = ".into(), "", &[]),
        ("time_limit = ".into(), "", &[]),
        ("include = ".into(), "", &[]),
        ("presets = ".into(), "", &[]),
        ("fetches = ".into(), "", &[]),
        ("timeline = ".into(), "", &[]),
        ("world = ".into(), "", &[]),
        ("[world]\nsize = ".into(), "", &[]),
        ("[world]\nsize = [1, 1]\nedges = ".into(), "", &[]),
        ("[world]\nsize = [1, 1]\nbroadcast = ".into(), "", &[]),
        ("[vars]\na = ".into(), "", &["string", "integer", "boolean"]),
        ("[presets.p]\nplayers = ".into(), "", &[]),
        ("[presets.p]\nplayers = [{ moves = 1, every = \"1s\", name = ".into(), "}]", &[]),
        ("[presets.p]\nplayers = [{ name = \"a\", every = \"1s\", moves = ".into(), "}]", &[]),
        ("[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = ".into(), "}]", &[]),
        (format!("{player}count = "), "}]", &[]),
        (format!("{player}directions = "), "}]", &[]),
        (
            "[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\" }]\nisolation = ".into(),
            "",
            &[],
        ),
        ("[presets.p]\ncommand = ".into(), "", &[]),
        (format!("{preset}dir = "), "", &[]),
        (format!("{preset}env = "), "", &[]),
        (format!("{preset}clear_env = "), "", &["boolean"]),
        (format!("{preset}stdin = "), "", &[]),
        (format!("{preset}stdin = {{ text = "), "}", &["string"]),
        (format!("{preset}ready = "), "", &[]),
        (format!("{preset}ready = {{ tcp = \"h:1\", timeout = "), "}", &[]),
        (format!("{preset}ready = {{ tcp = \"h:1\", poll = "), "}", &[]),
        (format!("{preset}ready = {{ line = "), "}", &["string"]),
        (format!("{preset}ready = {{ tcp = "), "}", &[]),
        (format!("{preset}ready = {{ http = "), "}", &[]),
        (format!("{preset}pty = "), "", &["boolean"]),
        (format!("{preset}exits = "), "", &[]),
        (format!("{preset}background = "), "", &["boolean"]),
        (format!("{preset}stop = "), "", &[]),
        (format!("{preset}stop = {{ signal = "), "}", &[]),
        (format!("{preset}stop = {{ grace = "), "}", &[]),
        (format!("{preset}max_line = "), "", &[]),
        ("expect = ".into(), "", &[]),
        ("[[expect]]\nequals = 0\nof = ".into(), "", &[]),
        (format!("{expect}at_most = 9\nname = "), "", &["string"]),
        (format!("{expect}at_most = 9\nin = "), "", &[]),
        (format!("{expect}at_most = 9\nwhere = "), "", &[]),
        (format!("{expect}at_most = 9\nwhere = {{ text = "), "}", &["string"]),
        (format!("{expect}at_most = 9\nwhere = {{ partial = "), "}", &["boolean"]),
        (format!("{expect}at_most = 9\nstat = "), "", &[]),
        (format!("{expect}below = "), "", &[]),
        (format!("{expect}at_most = "), "", &[]),
        (format!("{expect}equals = "), "", &[]),
        (format!("{expect}at_least = "), "", &[]),
        (format!("{expect}above = "), "", &[]),
        (format!("{expect}follows = "), "", &[]),
        (format!("{expect}follows = {{ of = "), "}", &[]),
        (format!("{expect}follows = {{ of = \"line\", in = "), "}", &[]),
        (format!("{expect}follows = {{ of = \"line\", where = "), "}", &[]),
        (format!("{expect}follows = {{ of = \"line\" }}\nwithin = "), "", &[]),
        (format!("{expect}at_most = 9\nnever = "), "", &["boolean"]),
        (format!("{expect}at_most = 9\nabort = "), "", &["boolean"]),
        ("[fetches.f]\nurls = ".into(), "", &[]),
        (format!("{fetch}mode = "), "", &[]),
        (format!("{fetch}lines = "), "", &["boolean"]),
        (format!("{fetch}method = "), "", &[]),
        (format!("{fetch}headers = "), "", &[]),
        (format!("{fetch}headers = {{ A = "), "}", &[]),
        (format!("{fetch}body = "), "", &[]),
        (format!("{fetch}body = {{ form = "), "}", &["table"]),
        (format!("{fetch}auth = "), "", &[]),
        (format!("{fetch}auth = {{ basic = "), "}", &[]),
        (format!("{fetch}timeout = "), "", &[]),
        (format!("{fetch}redirects = "), "", &[]),
        (format!("{fetch}retries = "), "", &[]),
        (format!("{fetch}status = "), "", &[]),
        (format!("{fetch}max_body = "), "", &[]),
        (format!("{fetch}decode = "), "", &["boolean"]),
        (format!("{fetch}ca = "), "", &[]),
        (format!("{fetch}insecure = "), "", &["boolean"]),
        (format!("{fetch}key = \"k\"\ncert = "), "", &[]),
        (format!("{fetch}cert = \"c\"\nkey = "), "", &[]),
        (format!("{fetch}proxy = "), "", &[]),
        (format!("{fetch}http2 = "), "", &[]),
        (format!("{fetch}check = "), "", &[]),
        (format!("{fetch}check = {{ text = "), "}", &["string"]),
        (format!("{fetch}check = {{ json = "), "}", &[]),
        (format!("{fetch}check = {{ sha256 = "), "}", &[]),
        (format!("{fetch}capture = "), "", &[]),
        (format!("{fetch}capture = {{ a = "), "}", &[]),
        (format!("{fetch}capture = {{ a = {{ json = "), "}}", &[]),
        (format!("{fetch}capture = {{ a = {{ text = "), "}}", &[]),
        (format!("{fetch}capture = {{ a = {{ header = "), "}}", &[]),
        (format!("{fetch}capture = {{ a = {{ json = \"/a\", secret = "), "}}", &["boolean"]),
        (format!("{entry}id = "), "", &[]),
        (format!("{entry}at = "), "", &[]),
        (format!("{entry}after = "), "", &[]),
        (format!("{entry}count = "), "", &[]),
        (format!("{entry}times = 2\nevery = "), "", &[]),
        (format!("{entry}every = \"1s\"\ntimes = "), "", &[]),
        (format!("{entry}every = \"1s\"\nfor = "), "", &[]),
        ("[[timeline]]\nspawn = ".into(), "", &[]),
        ("[[timeline]]\nfetch = ".into(), "", &[]),
        ("[[timeline]]\nstop = ".into(), "", &[]),
        ("[[timeline]]\nsend = ".into(), "", &[]),
        ("[[timeline]]\nmark = ".into(), "", &["string"]),
    ];
    for (before, behind, right) in &leaves {
        for (kind, value) in TYPES {
            let text = format!("{before}{value}{behind}\n");
            let said = said(&text);
            if right.contains(&kind) {
                assert_eq!(said, "", "{text}");
                continue;
            }
            let line = before.matches('\n').count() + 1;
            let column = before.lines().last().unwrap_or_default().chars().count() + 1;
            let on_line = format!("--> s.toml:{line}:");
            let first = said.lines().find_map(|line| line.trim().strip_prefix(on_line.as_str()));
            let at: usize = first.and_then(|at| at.parse().ok()).unwrap_or_default();
            assert!(at >= column, "{text}{said}");
        }
    }
}

#[test]
fn a_wrong_kind_of_table_lists_the_kinds() {
    let said = said(
        "[presets.a]\ncommand = [\"x\"]\nstdin = \"opne\"\nexits = \"all\"\n[fetches.f]\nurls = [\"http://h\"]\nbody = { tex = \"a\" }\n",
    );
    assert!(said.contains("3:9") && said.contains("\"null\", \"open\", \"world\", { text"), "{said}");
    assert!(said.contains("4:9") && said.contains("{ signal = \"TERM\" }"), "{said}");
    assert!(said.contains("7:10") && said.contains("the keys are `text`, `file`, `form`, `json`"), "{said}");
}

#[test]
fn ready_is_one_of_three_and_each_is_looked_at() {
    let ready = |ready: &str| said(&format!("[presets.a]\ncommand = [\"x\"]\nready = {ready}\n"));
    assert_eq!(ready("{ line = '^up \\d+$', times = 2, timeout = \"1m\", poll = \"1s\" }"), "");
    assert_eq!(ready("{ command = [\"pg_isready\", \"-q\"], try_timeout = \"1s\" }"), "");
    assert_eq!(
        ready("{ tcp = \"[::1]:5432\" }") + &ready("{ http = \"https://localhost:8443/health\" }"),
        ""
    );
    for (wrong, place, words) in [
        ("{}", "3:9", "`ready` lacks one of `line`, `tcp`, `http`, `command`"),
        ("{ line = \"x\", tcp = \"h:1\" }", "3:23", "`line` and `tcp` exclude each other"),
        ("{ lin = \"x\" }", "3:11", "did you mean `line`?"),
        ("{ line = \"(\" }", "3:18", "this is not a regular expression"),
        ("{ line = \"${env:TOKEN}\" }", "3:19", "must not be logged"),
        ("{ tcp = \"5432\" }", "3:17", "`5432` cannot be connected to: it is not `host:port`"),
        ("{ tcp = \"::1:5432\" }", "3:17", "an IPv6 address must stand in brackets"),
        ("{ tcp = \"h:0\" }", "3:17", "nothing can listen on port 0"),
        ("{ http = \"localhost/health\" }", "3:18", "cannot be fetched: it is not a complete URL"),
        ("{ http = \"ftp://h\" }", "3:18", "is neither http nor https"),
        ("{ tcp = \"h:1\", timeout = \"0s\" }", "3:34", "more than zero"),
        ("{ tcp = \"h:1\", poll = \"0s\" }", "3:31", "more than zero"),
        ("\"up\"", "3:9", "expected a table (`ready`), found a string"),
        ("{ command = \"pg_isready -q\" }", "3:21", "write [\"pg_isready\", \"-q\"]"),
        ("{ command = [] }", "3:21", "this list is empty"),
        ("{ command = [\"\"] }", "3:22", "the program's name is empty"),
        ("{ command = [\"x\"], times = 2 }", "3:28", "`times` can be used only together with `line`"),
        ("{ line = \"x\", times = 0 }", "3:31", "from 1 to"),
        (
            "{ line = \"x\", try_timeout = \"1s\" }",
            "3:23",
            "`try_timeout` cannot be used together with `line`",
        ),
        ("{ tcp = \"h:1\", status = 200 }", "3:24", "`status` can be used only together with `http`"),
        ("{ tcp = \"h:1\", headers = {} }", "3:24", "`headers` can be used only together with `http`"),
        ("{ http = \"http://h\", status = \"20\" }", "3:39", "is not a status"),
        ("{ http = \"http://h\", headers = { Content-Length = \"3\" } }", "3:42", "cannot be given"),
        ("{ http = \"http://h\", headers = { A = \"${row.x}\" } }", "3:47", "row"),
    ] {
        let said = ready(wrong);
        assert!(said.contains(words) && said.contains(&format!("s.toml:{place}\n")), "{wrong}\n{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    let players =
        "[presets.a]\nplayers = [{ name = \"j\", moves = 1, every = \"1s\" }]\nready = { line = \"x\" }\n";
    let told = said(players);
    assert!(
        told.contains("s.toml:3:1\n") && told.contains("`ready` can be used only together with `command`"),
        "{told}"
    );
}

#[test]
fn probes_and_a_stop_command_are_looked_at() {
    let keys = |keys: &str| said(&format!("[presets.a]\ncommand = [\"x\"]\n{keys}\n"));
    assert_eq!(keys("alive = { tcp = \"h:1\" }") + &keys("alive = { command = [\"x\"], failures = 1 }"), "");
    assert_eq!(keys("alive = { http = \"http://h\", status = [200, \"3xx\"], headers = { A = \"b\" } }"), "");
    assert_eq!(keys("stop = { command = [\"x\", \"y\"], signal = \"INT\", grace = \"1s\" }"), "");
    for (wrong, place, words) in [
        ("alive = {}", "3:9", "`alive` lacks one of `tcp`, `http`, `command`"),
        ("alive = { tcp = \"h:1\", http = \"http://h\" }", "3:24", "`tcp` and `http` exclude each other"),
        ("alive = { tcp = \"h\" }", "3:17", "`h` cannot be connected to"),
        ("alive = { tcp = \"h:1\", failures = 0 }", "3:35", "from 1 to"),
        ("alive = { tcp = \"h:1\", every = \"0s\" }", "3:32", "more than zero"),
        ("alive = { tcp = \"h:1\", timeout = \"1s\" }", "3:24", "`try_timeout = "),
        ("alive = { line = \"x\" }", "3:11", "a line shows only that a program is ready"),
        ("stop = { command = \"redis-cli shutdown\" }", "3:20", "write [\"redis-cli\", \"shutdown\"]"),
        ("stop = { command = [\"\"] }", "3:21", "the program's name is empty"),
    ] {
        let said = keys(wrong);
        assert!(said.contains(words) && said.contains(&format!("s.toml:{place}\n")), "{wrong}\n{said}");
    }
    let players =
        "[presets.a]\nplayers = [{ name = \"j\", moves = 1, every = \"1s\" }]\nalive = { tcp = \"h:1\" }\n";
    assert!(said(players).contains("`alive` can be used only together with `command`"));
}

#[test]
fn a_missing_key_is_told_at_its_tables_header() {
    assert_eq!(
        places(
            "name = \"x\"\n[presets.a]\ndir = \"x\"\n\n[fetches.b]\nlines = true\n[[timeline]]\nat = \"1s\"\n"
        ),
        ["2:1", "5:1", "7:1"]
    );
    assert_eq!(places("presets.a.players = [\n  { name = \"x\", every = \"1s\" },\n]\n"), ["2:3"]);
}

#[test]
fn integers_at_their_ends() {
    let seed = |number: &str| said(&format!("seed = {number}"));
    for good in ["0", "9007199254740992"] {
        assert_eq!(seed(good), "", "{good}");
    }
    for large in ["9007199254740993", "9223372036854775807", "0x7fff_ffff_ffff_ffff"] {
        assert!(seed(large).starts_with("warning: the seed "), "{large}: {}", seed(large));
    }
    for bad in ["-1", "9223372036854775808", "1_000_000_000_000_000_000_000_000_000_000_000_000_000_0"] {
        assert!(seed(bad).contains("from 0 to 9223372036854775807"), "{bad}: {}", seed(bad));
    }
    let count = |number: &str| said(&format!("[[timeline]]\nmark = \"x\"\ncount = {number}"));
    for good in ["1", "1000000"] {
        assert_eq!(count(good), "", "{good}");
    }
    for bad in ["0", "1000001", "4294967296", "-1"] {
        assert!(count(bad).contains("from 1 to 1000000"), "{bad}");
    }
}

#[test]
fn floats_are_no_numbers_here() {
    for float in ["nan", "-inf", "-0.0", "1e999", "1.0"] {
        assert!(said(&format!("seed = {float}")).contains("found the float"), "{float}");
        assert!(said(&format!("tick = {float}")).contains("not a bare number"), "{float}");
    }
    let body = "[fetches.f]\nurls = [\"http://h\"]\nbody.json = ";
    assert!(said(&format!("{body}nan")).contains("JSON does not have this number"));
    assert_eq!(said(&format!("{body}-0.0")), "");
}

#[test]
fn durations() {
    for bad in ["-1s", "", "5", "1e3s", "18446744073709551615s", "1000y", "366d", " ", "1 0s", "0.5ns"] {
        assert_eq!(places(&format!("tick = \"{bad}\"")), ["1:8"], "{bad}");
    }
    assert!(said("tick = 5").contains("write \"5s\""));
    let month = said("tick = \"1M\"");
    assert!(month.starts_with("warning") && month.contains("is a month"), "{month}");
    let twice = said("tick = \"1s1s\"");
    assert!(twice.starts_with("warning") && twice.contains("means 2s"), "{twice}");
    assert!(load_text("tick = \"0s\"").is_ok_and(|loaded| loaded.scenario.tick.is_none()));
    assert_eq!(said("tick = \"1m 30s\"\ntime_limit = \"365days\""), "");
}

#[test]
fn sums_that_overflow_are_told_at_the_last_item() {
    let mut text = String::from("[[timeline]]\nid = \"e0\"\nmark = \"x\"\n");
    for n in 1..700 {
        text += &format!(
            "[[timeline]]\nid = \"e{n}\"\nat = \"365d\"\nafter = \"e{}.started\"\nmark = \"x\"\n",
            n - 1
        );
    }
    // The limit is 584 years; of entries 365 days after each other, the 585th is the first that is too late.
    let said = said(&text);
    let line = 3 + (585 - 1) * 5 + 3;
    assert!(said.contains(&format!("s.toml:{line}:6")) && said.matches("error").count() == 1, "{said}");
    let every = "[[timeline]]\nmark = \"x\"\nevery = \"1d\"\ntimes = 1_000_000_000\n";
    assert_eq!(places(every), ["3:9"]);
    let moves = "[presets.a]\nplayers = [{ name = \"a\", moves = 4294967295, every = \"365d\" }]\n";
    assert_eq!(places(moves), ["2:54"]);
}

#[test]
fn dangling_names() {
    let text = "[presets.wave-1]\ncommand = [\"x\"]\n[fetches.forms]\nurls = [\"http://h\"]\n\
        [[timeline]]\nid = \"first\"\nspawn = \"wave1\"\n[[timeline]]\nfetch = \"form\"\n\
        [[timeline]]\nstop = \"frist\"\n[[timeline]]\nafter = \"firts.finished\"\nmark = \"x\"\n";
    let said = said(text);
    for meant in ["wave-1", "forms", "first"] {
        assert!(said.contains(&format!("did you mean `{meant}`?")), "{said}");
    }
    assert_eq!(places(text), ["7:9", "9:9", "11:8", "13:9"]);
}

#[test]
fn a_name_given_twice_shows_both_places() {
    let files = Memory(
        [
            ("s.toml", "include = [\"i.toml\"]\n[presets.a]\ncommand = [\"x\"]\n[vars]\nv = 1\n"),
            ("i.toml", "[presets.a]\ncommand = [\"y\"]\n[vars]\nv = 2\n"),
        ]
        .map(|(name, text)| (name.into(), text.into()))
        .into(),
    );
    let said = said_of(&scenario_core::scenario::load_scenario("s.toml".as_ref(), &files, &options()));
    assert!(
        said.contains("the preset `a` is given twice") && said.contains("the variable `v` is given twice")
    );
    assert!(said.contains("--> i.toml:1:10") && said.contains("::: s.toml:2:10"), "{said}");
    let players = "[presets.a]\nplayers = [\n{ name = \"p\", count = 20, moves = 1, every = \"1s\" },\n\
        { name = \"p-1{n}\", count = 2, moves = 1, every = \"1s\" },\n]\n";
    assert!(crate::check::common::said(players).contains("two players of this preset are called `p-11`"));
}

#[test]
fn a_ring_is_told_in_its_order() {
    let text = "[[timeline]]\nid = \"a\"\nafter = \"c.started\"\nmark = \"\"\n\
        [[timeline]]\nid = \"b\"\nafter = \"a.finished\"\nmark = \"\"\n\
        [[timeline]]\nid = \"c\"\nafter = \"b.started\"\nmark = \"\"\n\
        [[timeline]]\nafter = \"a.started\"\nmark = \"\"\n";
    assert!(said(text).contains("`a` -> `c` -> `b` -> `a`"), "{}", said(text));
    let own = said("[[timeline]]\nid = \"a\"\nafter = \"a.started\"\nmark = \"\"\n");
    assert!(own.contains("waits for itself: `a` -> `a`"), "{own}");
    let vars = said("[vars]\na = \"${b}\"\nb = \"x${a}\"\n");
    assert!(vars.contains("`a` -> `b` -> `a`") && vars.matches("error").count() == 1, "{vars}");
}

#[test]
fn deep_nesting_is_refused_at_once() {
    let n = 20_000;
    let deep = [
        format!("a = {}{}", "[".repeat(n), "]".repeat(n)),
        format!("a = {}1{}", "{a=".repeat(n), "}".repeat(n)),
        format!("{} = 1", vec!["a"; n].join(".")),
        format!("[{}]", vec!["a"; n].join(" . ")),
        format!("a = {}", "[\n".repeat(n)),
    ];
    for text in deep {
        let said = said(&text);
        assert!(said.contains("deeper than 32") || said.contains("more than 32 parts"), "{said}");
    }
}

#[test]
fn limits_are_named() {
    let large = said_of(&load_bytes(vec![b'#'; (16 << 20) + 1], &options()));
    assert!(large.contains("at most 16777216"), "{large}");
    assert!(said(&"[[timeline]]\n".repeat(250_001)).contains("more than 250000 tables"));
    assert!(said(&format!("timeline = [{}]", "{},".repeat(250_001))).contains("more than 250000 tables"));
    let keys: String = (0..=100_000).map(|n| format!("v{n} = 1\n")).collect();
    assert!(said(&format!("[vars]\n{keys}")).contains("s.toml:100002:1"));
    let times = said("[[timeline]]\nmark = \"x\"\nevery = \"0s\"\ntimes = 1_000_000_000_000\n");
    assert!(times.contains("from 1 to 1000000000"), "{times}");
    let forever = said("[[timeline]]\nmark = \"x\"\nevery = \"1ns\"\nfor = \"365d\"\n");
    assert!(forever.contains("at most 1000000000 times"), "{forever}");
    let crowd = said(
        "[presets.a]\nplayers = [{ name = \"a\", count = 100_000_000, moves = 0, every = \"1s\" }, \
        { name = \"b\", moves = 0, every = \"1s\" }]",
    );
    assert!(crowd.contains("at most 100000000 players"), "{crowd}");
    let growth: String = (0..60).map(|n| format!("v{n} = \"${{v{}}}${{v{}}}\"\n", n + 1, n + 1)).collect();
    assert!(said(&format!("[vars]\n{growth}v60 = \"xxxxxxxx\"\n")).contains("have more than"));
}

#[test]
fn encodings_and_characters() {
    let bytes = |bytes: &[u8]| said_of(&load_bytes(bytes, &options()));
    assert!(bytes(b"name = \"\xff\"").contains("not UTF-8: byte 0xff"));
    assert!(bytes(b"\xff\xfea\0").contains("UTF-16"));
    assert!(bytes(&"name = 1".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()).contains("NUL"));
    assert_eq!(bytes("\u{feff}name = \"x\"".as_bytes()), "");
    assert!(bytes("\u{feff}nmae = \"x\"".as_bytes()).contains("s.toml:1:1"));
    assert!(bytes(b"name = \"a\0\"").contains("a NUL character"));
    assert!(bytes(b"name = \"a\"\rseed = 1").contains("carriage return without a newline"));
    assert_eq!(bytes(b"name = \"a\"\r\nseed = 1\r\n"), "");
    let place = bytes("\t#\n\tname\t=\t[\"日本\u{301}\", 5x]".as_bytes());
    assert!(place.contains("s.toml:2:17"), "{place}");
    let raw = bytes("name = \"\u{1b}[31m\"\n# \u{202e}\u{9b}31m\n\u{202e}x = \"\u{200f}\"".as_bytes());
    let hidden = |c: char| c != '\n' && scenario_log::sanitize::is_unsafe_char(c);
    assert!(!raw.contains(hidden), "{raw:?}");
    assert!(raw.contains("U+001B"), "{raw}");
    let shown = bytes("\"\u{9b}a\u{202e}\" = 1\nseed = \"\u{9b}\u{2066}\"".as_bytes());
    assert!(!shown.contains(hidden) && shown.contains("\\u{9b}"), "{shown:?}");
}

#[test]
fn an_empty_file_is_told_what_a_scenario_needs() {
    for empty in ["", "\n\n", "# nothing\n", "\u{feff}"] {
        let said = said(empty);
        assert!(said.contains("defines nothing") && said.contains("[presets.hello]"), "{said}");
    }
    let said = said("");
    let example: Vec<&str> = said.lines().skip_while(|line| !line.contains("[presets.hello]")).collect();
    let example: Vec<&str> =
        example.iter().map(|line| line.trim()).take_while(|line| !line.is_empty()).collect();
    assert_eq!(example.len(), 5, "{said}");
    assert_eq!(crate::check::common::said(&example.join("\n")), "");
    assert_eq!(crate::check::common::said("timeline = []"), "");
}

#[test]
fn secrets_are_never_said() {
    let text = "[vars]\nt = \"${env:TOKEN}\"\n[presets.a]\ncommand = [\"${t}\"]\nmax_line = \"${t}\"\n\
        stop = { grace = \"${t}\" }\n[fetches.f]\nurls = [\"${t}\", \"http://u:${t}@h:x/\"]\nstatus = \"${t}\"\n\
        [[timeline]]\nid = \"${t}\"\nspawn = \"a${t}\"\nevery = \"${t}..1s\"\ntimes = 1\n";
    let said = said(text);
    assert!(!said.contains("s3cr3t"), "{said}");
    assert_eq!(said.matches("must not be logged").count(), 2, "{said}");
    assert_eq!(crate::check::common::said("tick = \"${env:WAIT}\""), "");
    assert!(crate::check::common::said("tick = \"${env:NOPE}\"").contains("s.toml:1:9"));
}

#[test]
fn variables_of_the_command_line_go_before() {
    let vars = [("port".to_owned(), "99".to_owned()), ("prot".to_owned(), "${x}".to_owned())];
    let options = ScenarioOptions { vars: &vars, env: &env, clock: ClockKind::Real };
    let loaded = load_bytes("name = \"${port} ${also}\"\n[vars]\nport = 1\nalso = \"${port}\"\n", &options);
    let said = said_of(&loaded);
    assert!(said.starts_with("warning: --var `prot`") && said.contains("did you mean `port`?"), "{said}");
    assert!(loaded.is_ok_and(|loaded| loaded.scenario.name == "99 99"));
}

#[test]
fn the_virtual_clock_refuses_what_it_cannot_run() {
    let text = "[presets.a]\ncommand = [\"x\"]\n[presets.b]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\" }]\n\
        isolation = \"process\"\n[fetches.c]\nurls = [\"http://h\"]\n";
    let options = ScenarioOptions { vars: &[], env: &env, clock: ClockKind::Virtual };
    let said = said_of(&load_bytes(text, &options));
    for place in ["2:11", "5:13", "6:10"] {
        assert!(said.contains(&format!("s.toml:{place}")), "{said}");
    }
    assert_eq!(crate::check::common::said(text), "");
}

#[test]
fn diagnostics_for_programs_are_json_with_places_in_characters() {
    let Err(failure) = load_text("# é\n[presets.a]\ncommand = [\"日本 ${x}\"]\n[presets.a]\n") else {
        panic!("it is wrong")
    };
    let line = scenario::terminal::diagnostics::render_json("s.toml", &failure.sources, &failure.diagnostics);
    assert!(!line.contains('\n'));
    let json: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
    assert_eq!((&json["file"], &json["valid"]), (&"s.toml".into(), &false.into()));
    let first = &json["diagnostics"][0];
    assert_eq!(first["message"], "there is no variable `x`");
    let place = ["line", "column", "end_line", "end_column"].map(|key| first[key].as_u64().unwrap_or(0));
    assert_eq!(place, [3, 16, 3, 20]);
    let second = &json["diagnostics"][1];
    assert_eq!((&second["line"], &second["related"][0]["line"]), (&4.into(), &2.into()));
    let Ok(loaded) = load_text("tick = \"1M\"") else { panic!("it is right") };
    let line = scenario::terminal::diagnostics::render_json("s.toml", &loaded.sources, &loaded.warnings);
    assert!(
        line.starts_with("{\"file\":\"s.toml\",\"valid\":true,\"diagnostics\":[{\"severity\":\"warning\"")
    );
}

#[test]
fn a_world_has_two_sides_within_reason() {
    for (size, at) in [
        ("[]", "2:8"),
        ("[1]", "2:8"),
        ("[1, 2, 3]", "2:8"),
        ("[0, 5]", "2:9"),
        ("[5, 10001]", "2:12"),
        ("[5, -1]", "2:12"),
        ("[5, 1.5]", "2:12"),
        ("\"40x20\"", "2:8"),
    ] {
        assert_eq!(places(&format!("[world]\nsize = {size}")), [at], "{size}");
    }
    assert!(said("[world]").contains("add size = [40, 20]"));
    assert_eq!(places("[world]\nsize = [1, 1]\nedges = \"warp\""), ["3:9"]);
    assert!(said("[world]\nsize = [1, 1]\nedges = \"warp\"").contains("did you mean \"wrap\"?"));
    let world = |text: &str| load_text(text).unwrap_or_else(|failure| panic!("{failure:?}")).scenario.world;
    let wanted =
        WorldRules { size: [10_000, 1], edges: WorldEdges::Wrap, broadcast: Some(Span::from_secs(1)) };
    assert_eq!(world("[world]\nsize = [10_000, 1]"), Some(wanted));
    let wanted = WorldRules { size: [2, 3], edges: WorldEdges::Stop, broadcast: None };
    assert_eq!(world("[world]\nsize = [2, 3]\nedges = \"stop\"\nbroadcast = \"0s\""), Some(wanted));
    assert_eq!(world("tick = \"1s\""), None);
}

#[test]
fn a_world_holds_so_many_players_and_no_more() {
    let players = |count: u32| {
        format!(
            "[presets.p]\nplayers = [{{ name = \"a\", count = {count}, moves = 1, every = \"1s\" }}, {{ name = \"b\", moves = 0, every = \"1s\" }}]\n"
        )
    };
    let world = "[world]\nsize = [4, 4]\n";
    assert_eq!(said(&[&players(99_999), world].concat()), "");
    assert_eq!(said(&players(100_000)), "");
    let text = [&players(100_000), world].concat();
    assert_eq!(places(&text), ["1:10"]);
    assert!(said(&text).contains("at most 100000 players; this preset alone has 100001"), "{}", said(&text));
}

#[test]
fn what_never_comes_of_a_world_is_doubted() {
    let expect = "[[timeline]]\nmark = \"x\"\n[[expect]]\nof = \"world.state\"\nat_least = 1\n";
    assert!(said(expect).contains("never comes in this scenario"), "{}", said(expect));
    assert_eq!(said(&format!("{expect}[world]\nsize = [4, 4]")), "");
    // In a scenario with a world, any program may print moves.
    let moves = "[presets.p]\ncommand = [\"x\"]\n[[expect]]\nof = \"move\"\nin = \"p\"\nat_least = 1\n";
    assert!(said(moves).contains("never comes in this scenario"), "{}", said(moves));
    assert_eq!(said(&format!("{moves}[world]\nsize = [4, 4]")), "");
}

#[test]
fn who_reads_a_world_needs_one_and_a_pipe() {
    let reader = "[presets.p]\ncommand = [\"x\"]\nstdin = \"world\"\n";
    let world = "[world]\nsize = [4, 4]\n";
    assert_eq!(said(&[reader, world].concat()), "");
    assert_eq!(places(reader), ["3:9"]);
    assert!(said(reader).contains("[world]"), "{}", said(reader));
    let on_terminal = [reader, "pty = true\n", world].concat();
    assert_eq!(places(&on_terminal), ["3:9"]);
    assert!(said(&on_terminal).contains("remove `pty`"));
    // A world with errors counts as present.
    assert_eq!(places(&[reader, "[world]\nsize = 4\n"].concat()), ["5:8"]);
    let sent = [
        reader,
        world,
        "[[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nsend = { to = \"p\", text = \"x\" }\n",
    ];
    assert!(said(&sent.concat()).contains("stdin = \"open\""), "{}", said(&sent.concat()));
}

#[test]
fn a_name_that_several_entries_start_is_no_entry() {
    let preset = "[presets.p]\ncommand = [\"x\"]\nstdin = \"open\"\n";
    let text = |entries: &str| {
        said(&format!("{preset}{entries}[[timeline]]\nafter = \"p.finished\"\nmark = \"m\"\n"))
    };
    assert_eq!(text("[[timeline]]\nspawn = \"p\"\n[[timeline]]\nsend = { to = \"p\", text = \"x\" }\n"), "");
    let two = text("[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"p\"\n");
    assert!(two.contains("2 entries start `p`: give each an id"), "{two}");
    let named = text("[[timeline]]\nid = \"q\"\nspawn = \"p\"\n");
    assert!(named.contains("the entry that starts `p` has the id `q`"), "{named}");
    let none = text("");
    assert!(none.contains("there is no entry with the id `p`"), "{none}");
    let fetch = "[fetches.p]\nurls = [\"http://127.0.0.1:1\"]\n[[timeline]]\nfetch = \"p\"\n";
    let both = text(&format!("{fetch}[[timeline]]\nspawn = \"p\"\n"));
    assert!(both.contains("2 entries start `p`"), "{both}");
}

#[test]
fn keys_of_other_tools_have_a_hint_to_ours() {
    let preset = "[presets.a]\ncommand = [\"x\"]\n";
    for (text, hint) in [
        (format!("{preset}depends_on = [\"db\"]"), "after = \"db.ready\""),
        (format!("{preset}autorestart = \"always\""), "restart = \"failure\""),
        (format!("{preset}healthcheck = {{ test = \"x\" }}"), "ready = { http ="),
        (format!("{preset}uid = 1000"), "`user = "),
        (format!("{preset}mem_limit = \"1g\""), "`limits = "),
        (format!("{preset}stdout_logfile = \"x\""), "`output = "),
        (format!("{preset}working-dir = \"x\""), "`dir = "),
        (format!("{preset}ready = {{ cmd = \"x\" }}"), "`command = [\"pg_isready\"]`"),
        (format!("{preset}livenessProbe = {{ test = \"x\" }}"), "alive = { http ="),
        (format!("{preset}stop = {{ exec = \"x\" }}"), "`command = [\"redis-cli\""),
        (format!("{preset}alive = {{ tcp = \"h:1\", interval = \"1s\" }}"), "`every = "),
        (format!("{preset}stop = {{ timeout = \"1s\" }}"), "`grace = "),
        ("[services.a]\ncommand = \"x\"".to_owned(), "programs are presets"),
        ("[[timeline]]\nmark = \"a\"\ndepends_on = \"x\"".to_owned(), "\"ID.ready\""),
        ("[fetches.a]\nurls = [\"http://h\"]\nvus = 3".to_owned(), "`connections = 10`"),
    ] {
        let said = said(&text);
        assert!(said.contains("unknown key") && said.contains(hint), "{hint}: {said}");
    }
    let said = said(&format!("{preset}env = {{ PORT = 8080 }}"));
    assert!(said.contains("write \"8080\"") && !said.contains("--verbose"), "{said}");
}
