//! What a command line may leave out, and what it may name in short: the scenario of a folder, the newest
//! logs, templates, values of the environment.

use crate::common::{Folder, Log};

const QUICK: &str = "[vars]\nn = 1\n[presets.p]\nplayers = [{ name = \"a\", moves = 2, every = \"1ms\" }]\n[[timeline]]\nspawn = \"p\"\n\
     [[timeline]]\nmark = \"n is ${n}\"\n";

/// A folder with this scenario, and a run of it with these options and variables of the environment.
fn run_with(folder: &Folder, options: &[&str], variables: &[(&str, &str)]) -> crate::common::Ended {
    let mut run = folder.scenario(&[&["run", "-q", "--clock", "virtual"], options].concat());
    for (name, value) in variables {
        run = run.env(name, value);
    }
    run.end()
}

#[test]
fn the_scenario_of_a_folder_needs_no_name() {
    let folder = Folder::new();
    let none = run_with(&folder, &[], &[]).expect(2);
    assert!(none.stderr.contains("`scenario init` writes a first one"), "{}", none.stderr);
    folder.file("other.toml", QUICK);
    folder.file(".hidden.toml", QUICK);
    let listed = run_with(&folder, &[], &[]).expect(2).stderr;
    assert!(listed.contains("TOML files here: other.toml; try `scenario run other.toml`"), "{listed}");
    folder.file("scenario.toml", QUICK);
    run_with(&folder, &[], &[]).expect(0);
    folder.scenario(&["plan"]).end().expect(0);
}

#[test]
fn the_newest_logs_have_short_names() {
    let folder = Folder::new();
    folder.file("s.toml", QUICK);
    let none = folder.scenario(&["report"]).end().expect(2);
    assert!(none.stderr.contains("which log? There is none in runs/"), "{}", none.stderr);
    for (n, seed) in ["11", "22", "33"].into_iter().enumerate() {
        let log = format!("runs/{n}.jsonl");
        std::fs::create_dir_all(folder.path().join("runs")).unwrap();
        run_with(&folder, &["--seed", seed, "--log", &log, "s.toml"], &[]).expect(0);
        // Files of one moment have no order.
        let file = std::fs::File::options().append(true).open(folder.path().join(&log)).unwrap();
        let second = std::time::Duration::from_secs(1_000 + n as u64);
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + second).unwrap();
    }
    for (arguments, seed) in [
        (&["report"][..], 33),
        (&["report", "@last"], 33),
        (&["report", "@2"], 22),
        (&["report", "@3"], 11),
        (&["report", "runs"], 33),
        (&["report", "runs/0.jsonl"], 11),
    ] {
        let ended = folder.scenario(arguments).end().expect(0);
        assert!(ended.stdout.contains(&format!("seed {seed} ")), "{arguments:?}: {}", ended.stdout);
    }
    let said = folder.scenario(&["replay"]).end().expect(0).stderr;
    assert!(said.starts_with("log: runs/2.jsonl\n"), "{said}");
    folder.scenario(&["play", "--speed", "max"]).end().expect(0);
    folder.scenario(&["extract", "@2"]).end().expect(0);
    folder.scenario(&["diff", "@2", "@last", "--level", "summary"]).end().expect(0);
    let wrong = folder.scenario(&["report", "@4"]).end().expect(2);
    assert!(wrong.stderr.contains("there is no @4: runs/ has 3 logs"), "{}", wrong.stderr);

    let listed = folder.scenario(&["runs"]).end().expect(0).stdout;
    let rows: Vec<&str> = listed.lines().collect();
    assert!(rows.len() == 3 && rows[0].starts_with("@1 ") && rows[0].contains("passed"), "{listed}");
    folder.file("runs/notes.jsonl", "not a log\n");
    folder.scenario(&["runs", "prune", "--keep", "1"]).end().expect(0);
    let left = |name: &str| folder.path().join("runs").join(name).exists();
    assert_eq!(["0.jsonl", "1.jsonl"].map(left), [false, false]);
    assert!(left("notes.jsonl"), "what is no log stays");
}

#[test]
fn a_new_folder_of_logs_is_kept_out_of_git() {
    let folder = Folder::new();
    folder.file("s.toml", QUICK);
    run_with(&folder, &["s.toml"], &[]).expect(0);
    let ignored = std::fs::read_to_string(folder.path().join("runs/.gitignore")).unwrap();
    assert_eq!(ignored, "*\n");
    // A folder that was there belongs to somebody.
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    run_with(&folder, &["s.toml"], &[("SCENARIO_LOG_DIR", "mine")]).expect(0);
    assert!(!folder.path().join("mine/.gitignore").exists());
    let count = std::fs::read_dir(folder.path().join("mine")).unwrap().count();
    assert_eq!(count, 1);
}

#[test]
fn the_environment_gives_what_the_command_line_does_not() {
    let folder = Folder::new();
    folder.file("s.toml", QUICK);
    let variables = [("SCENARIO_SEED", "77"), ("SCENARIO_VAR_n", "5")];
    let first_of = |options: &[&str]| {
        run_with(&folder, &[&["--force", "--log", "l.jsonl", "s.toml"], options].concat(), &variables)
            .expect(0);
        let log = Log::read(&folder.path().join("l.jsonl"));
        (log.of("run.started")[0]["seed"].clone(), log.of("mark")[0]["text"].clone())
    };
    assert_eq!(first_of(&[]), (77.into(), "n is 5".into()));
    assert_eq!(first_of(&["--seed", "3", "--var", "n=6"]), (3.into(), "n is 6".into()));
    let wrong = run_with(&folder, &["s.toml"], &[("SCENARIO_SEED", "x")]).expect(2);
    assert!(wrong.stderr.contains("SCENARIO_SEED is `x`"), "{}", wrong.stderr);
}

#[test]
fn a_folder_is_checked_whole() {
    let folder = Folder::new();
    folder.file("a.toml", QUICK);
    folder.file("b.toml", "[[timeline]]\nspawn = \"nobody\"\n");
    folder.file("Cargo.toml", "[package]\nname = \"x\"\n");
    let checked = folder.scenario(&["check", "."]).end().expect(2);
    assert!(
        checked.stderr.contains("a.toml: valid") && checked.stderr.contains("b.toml:2:9"),
        "{}",
        checked.stderr
    );
    assert!(checked.stderr.contains("Cargo.toml: skipped"), "{}", checked.stderr);
    assert_eq!(folder.scenario(&["check"]).end().expect(2).stderr, checked.stderr);
    std::fs::remove_file(folder.path().join("b.toml")).unwrap();
    folder.scenario(&["check"]).end().expect(0);
}

#[test]
fn every_template_is_valid_and_those_without_a_server_pass() {
    let folder = Folder::new();
    let list = folder.scenario(&["init", "--list"]).end().expect(0).stdout;
    let names: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["first", "stack", "load", "fetch", "lock", "world"]);
    for name in &names {
        folder.scenario(&["init", name]).end().expect(0);
        let checked = folder.scenario(&["check", &format!("{name}.toml")]).end().expect(0);
        assert_eq!(checked.stderr, format!("{name}.toml: valid\n"));
    }
    for name in ["first", "lock", "world"] {
        run_with(&folder, &[&format!("{name}.toml")], &[]).expect(0);
    }
    folder.scenario(&["run", "-q", "stack.toml"]).end().expect(0);
    folder.scenario(&["init", "mine", "--template", "lock"]).end().expect(0);
    assert!(std::fs::read_to_string(folder.path().join("mine.toml")).unwrap().contains("name = \"mine\""));
    let wrong = folder.scenario(&["init", "x", "--template", "nope"]).end().expect(2);
    assert!(wrong.stderr.contains("there are: first, stack"), "{}", wrong.stderr);
    let spaced = folder.scenario(&["init", "My lesson"]).end().expect(2);
    assert!(
        spaced.stderr.contains("a space is none of these; try `scenario init my-lesson`"),
        "{}",
        spaced.stderr
    );
}

#[test]
fn without_a_mode_explore_takes_what_fits() {
    let folder = Folder::new();
    folder.file("moves.toml", QUICK);
    folder.scenario(&["init", "lock"]).end().expect(0);
    let orders = folder.scenario(&["explore", "lock.toml"]).end().expect(0);
    assert!(
        orders.stdout.contains("2 interleavings") && orders.stderr.contains("every order"),
        "{}",
        orders.stderr
    );
    let seeds = folder.scenario(&["explore", "moves.toml"]).end().expect(0);
    assert!(
        seeds.stdout.contains("1,000 seeds") && seeds.stderr.contains("`--seeds 1000`"),
        "{}",
        seeds.stderr
    );
    let few = folder.scenario(&["explore", "--max-states", "2", "lock.toml"]).end().expect(0);
    assert!(few.stderr.contains("too many orders"), "{}", few.stderr);
}

#[test]
fn a_run_writes_its_report() {
    let folder = Folder::new();
    folder.file("s.toml", QUICK);
    run_with(&folder, &["--log", "l.jsonl", "-o", "r.html", "s.toml"], &[]).expect(0);
    let own = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    folder.scenario(&["report", "l.jsonl", "-o", "later.html"]).end().expect(0);
    assert_eq!(own, std::fs::read_to_string(folder.path().join("later.html")).unwrap());
    for (options, why) in [
        (["--log", "-", "--report", "x.html"], "`--log` must name a file"),
        (["--log", "x.jsonl", "--report", "x.jsonl"], "x.jsonl is the log"),
        (["--log", "x.jsonl", "--report", "s.toml"], "s.toml is the scenario"),
    ] {
        let refused = run_with(&folder, &[&options[..], &["s.toml"]].concat(), &[]);
        assert!(refused.stderr.contains(why) && refused.code != Some(0), "{options:?}: {}", refused.stderr);
    }
}

#[test]
fn colours_can_be_chosen() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nspawn = \"x\"\n");
    let said = |arguments: &[&str]| folder.scenario(arguments).end().expect(2).stderr;
    let has_colours = |text: &str| text.contains('\u{1b}');
    assert!(!has_colours(&said(&["check", "s.toml"])));
    assert!(has_colours(&said(&["check", "--color", "always", "s.toml"])));
    assert!(!has_colours(&said(&["--color", "never", "check", "s.toml"])));
    assert!(!has_colours(&said(&["--no-color", "check", "s.toml"])));
}
