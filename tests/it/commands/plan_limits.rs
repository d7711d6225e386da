//! Plans of more than a plan holds: each ends at a limit that it names, and takes little memory.

use std::process::Command;

use crate::common::Folder;

#[test]
fn a_plan_of_too_much_names_its_limit() {
    let one = |count: &str| {
        format!(
            "[presets.w]\nplayers = [{{ name = \"p-{{n}}\", count = {count}, moves = 1, every = \"1s\" }}]\n"
        )
    };
    let program = "[presets.w]\ncommand = [\"true\"]\n";
    let spawn = "[[timeline]]\nspawn = \"w\"\n";
    let job = "[fetches.f]\nurls = [\"http://127.0.0.1:1/\"]\n";
    let fetch = "[[timeline]]\nfetch = \"f\"\n";
    let cases = [
        (format!("{}{spawn}", one("100000000")), "1000000 players at once"),
        (format!("{job}{fetch}count = 1000000\n"), "100000 spawns and requests at once"),
        // Programs are the slowest to plan. With as many requests they are too many.
        (
            format!("{program}{job}{spawn}count = 30000\n{fetch}count = 70001\n"),
            "100000 spawns and requests at once",
        ),
    ];
    let folder = Folder::new();
    for (scenario, limit) in cases {
        folder.file("s.toml", &scenario);
        // With less memory than the players would take.
        let limited = |program: &std::ffi::OsStr| {
            let mut command = Command::new("prlimit");
            command.args(["--as=1500000000"]).arg(program);
            command
        };
        let json = folder.scenario(&["plan", "s.toml", "--format", "json"]).wrapped(limited).end().expect(0);
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((&json["limit"], &json["processes"]), (&limit.into(), &serde_json::Value::Null));
    }
    folder.file("s.toml", format!("{}{spawn}", one("100000000")));
    let human = folder.scenario(&["plan", "s.toml"]).end().expect(0).stdout;
    assert!(human.contains("the plan ends here: it holds at most 1000000 players at once\n"), "{human}");
    assert!(human.contains("likely   open: the plan ends before the run\n"), "{human}");
    folder.file("s.toml", format!("{}{spawn}", one("1000")));
    let whole = folder.scenario(&["plan", "s.toml", "--format", "json"]).end().expect(0);
    assert!(!whole.stdout.contains("\"limit\""), "a plan that holds everything has no limit");
}
