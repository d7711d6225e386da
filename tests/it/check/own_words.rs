//! Messages whose help is the line to write, made of the words of the file; names of players and directions
//! of any text; and the corners of TOML.

use crate::check::common::{load_bytes, options, said, said_of};

const PLAYERS: &str = "[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\" }]\n";

#[test]
fn the_help_is_the_line_to_write() {
    let entry = format!("{PLAYERS}[[timeline]]\nspawn = \"p\"\n");
    let redis =
        "[presets.redis]\ncommand = [\"redis-server\"]\nbackground = true\nready = { line = \"x\" }\n";
    let twice = "[[timeline]]\nid = \"redis\"\nspawn = \"redis\"\n[[timeline]]\nspawn = \"redis\"\n";
    for (text, help) in [
        (format!("{entry}at = \"0:09\""), r#"write "9s" if these are minutes and seconds"#),
        (format!("{entry}at = 00:01:30"), r#"write "1m 30s""#),
        (format!("{entry}at = \"1,5s\""), r#"write "1.5s""#),
        (format!("{entry}count = \"3\""), "write 3"),
        (format!("{entry}count = 3.0"), "write 3"),
        (format!("{entry}every = \"0-800ms\"\ntimes = 2"), r#"write "0ms..800ms""#),
        (
            "[presets.a]\ncommand = \"redis-server --port 1\"".into(),
            r#"write ["redis-server", "--port", "1"]"#,
        ),
        ("[presets.a]\ncommand = \"a | b\"".into(), r#"write ["sh", "-c", "a | b"]"#),
        ("[presets.a]\ncommand = [\"redis-server --port 1\"]".into(), r#"write command = ["redis-server", "#),
        ("[presets.a]\ncommand = [\"x\", 1]".into(), r#"write "1""#),
        ("[presets.a]\ncommand = [\"x\"]\nenv = { A = 8080 }".into(), r#"write "8080""#),
        ("[presets.a]\ncommand = [\"x\"]\nenv = [\"A=b\"]".into(), r#"write { A = "b" }"#),
        ("[presets.a]\ncommand = [\"x\"]\nbackground = \"yes\"".into(), "write true"),
        ("[presets.a]\ncommand = [\"x\"]\nready = \"on port\"".into(), r#"write { line = "on port" }"#),
        ("[presets.a]\ncommand = [\"x\"]\nstop = \"INT\"".into(), r#"write { signal = "INT" }"#),
        ("[presets.a]\ncommand = [\"x\"]\nexits = \"3\"".into(), "write 3"),
        ("[presets.a]\ncommand = [\"x\"]\nmax_line = \"64k\"".into(), r#"write "64KiB""#),
        ("[fetches.a]\nurls = \"http://h/\"".into(), r#"write ["http://h/"]"#),
        ("[fetches.a]\nurls = [\"localhost:80/a\"]".into(), r#"write "http://localhost:80/a""#),
        ("[fetches.a]\nurls = [\"http://h/\"]\nbody = \"x\"".into(), r#"write { text = "x" }"#),
        ("[fetches.a]\nurls = [\"http://h/\"]\nstatus = \"200\"".into(), "write 200"),
        ("[fetches.a]\nurls = [\"http://h/\"]\nrate = \"5 rps\"\nfor = \"1s\"".into(), r#"write "5/s""#),
        (format!("{PLAYERS}[timeline]\nspawn = \"p\""), "write [[timeline]]"),
        (format!("{redis}{twice}after = \"redis\""), r#"write "redis.ready""#),
        (format!("{redis}{twice}after = \"redi\""), r#"did you mean "redis.ready"?"#),
        (format!("{redis}{twice}after = \"redis.healthy\""), r#"did you mean "redis.ready"?"#),
        (format!("{redis}{twice}after = \"redis.exited\""), r#"did you mean "redis.finished"?"#),
        (
            format!(
                "{redis}[[timeline]]\nspawn = \"redis\"\n[[timeline]]\nspawn = \"redis\"\nafter = \"redis\""
            ),
            "an id, `id = \"redis\"`",
        ),
    ] {
        let said = said(&text);
        assert!(said.contains(&format!("help: {help}")) || said.contains(help), "{text}\n{said}");
    }
}

#[test]
fn players_have_any_names_and_without_a_world_any_directions() {
    let players = |row: &str| format!("[presets.p]\nplayers = [{{ moves = 1, every = \"1s\", {row} }}]\n");
    let longest = format!("name = \"{}\"", "é".repeat(64));
    for row in
        [r#"name = "Čeda""#, r#"name = "Miss Emma {n}", count = 3"#, r#"name = 'a "b" \'"#, longest.as_str()]
    {
        assert_eq!(said(&players(row)), "", "{row}");
    }
    for (row, fault) in [
        (r#"name = """#, "at least one character"),
        (r#"name = "a\tb""#, "no control characters; this one has U+0009"),
        (r#"name = "{n}{n}", count = 2"#, "`{n}` twice"),
        (r#"name = "é{n}", count = 3, directions = ["a b"]"#, "this one has a space"),
    ] {
        assert!(said(&players(row)).contains(fault), "{row}\n{}", said(&players(row)));
    }
    assert!(said(&players(&longest.replace("é\"", "éé\""))).contains("has 65"));
    let too_long = players(&longest.replace("é\"", "é{n}\""));
    assert!(said(&too_long).contains("has 65"), "{}", said(&too_long));

    let tennis = players(r#"name = "a", directions = ["serve", "rest", "↑"]"#);
    assert_eq!(said(&tennis), "");
    let in_a_world = said(&format!("{tennis}[world]\nsize = [9, 9]\n"));
    assert!(in_a_world.contains("`serve` is not a direction of the world"), "{in_a_world}");
    let north = players(r#"name = "a", directions = ["north"]"#);
    assert!(said(&format!("{north}[world]\nsize = [9, 9]\n")).contains("write \"N\""));
}

#[test]
fn a_wrong_value_is_told_once() {
    for (value, fault) in [
        ("0x", "no digits"),
        ("0b", "no digits"),
        ("0o", "no digits"),
        ("01", "leading zero"),
        ("+01", "leading zero"),
        ("1__0", "between digits"),
        ("1.", "fraction"),
    ] {
        // Both an integer and a duration: neither is told to be of a wrong type too.
        for key in ["seed", "tick"] {
            let said = said(&format!("{key} = {value}\n{PLAYERS}"));
            assert!(said.contains(fault), "{value}: {said}");
            assert_eq!(said.matches("error: ").count(), 1, "{said}");
        }
    }
}

#[test]
fn a_string_that_is_never_closed_is_told_at_its_opening() {
    for (text, place, sign) in [
        ("name = \"\"\"abc\n\n[presets.a]\n", "1:8", "\"\"\""),
        ("seed = 1\nname = '''abc\n\n[presets.a]\n", "2:8", "'''"),
        ("name = \"abc\nseed = 1\n", "1:8", "\""),
        ("name = 'abc\n", "1:8", "'"),
        ("[presets.a]\ncommand = [\"x\", \"\"\"y\n]\n", "2:17", "\"\"\""),
    ] {
        let said = said(text);
        assert!(said.contains(&format!("this `{sign}` is never closed")), "{said}");
        assert!(said.contains(&format!("s.toml:{place}\n")), "{said}");
    }
}

#[test]
fn toml_1_1_is_read_and_a_second_byte_order_mark_is_not() {
    let text = "name = \"\\e \\x41\"\n[presets.p]\nplayers = [{\n  name = \"a\", # one\n  moves = 1,\n  every = \"1s\",\n}]\n";
    assert_eq!(said(text), "");
    assert_eq!(said(&format!("\u{feff}{PLAYERS}")), "");
    let twice = said_of(&load_bytes(format!("\u{feff}\u{feff}{PLAYERS}"), &options()));
    assert!(twice.contains("a second byte order mark"), "{twice}");
    assert!(said("name = \"a\\qb\"").contains("begins no escape"));
}
