//! Starts that fail.

use std::os::unix::fs::PermissionsExt;

use crate::children::{NO_TICK, each_once, program, replays};
use crate::common::Folder;

#[test]
fn each_cause_of_a_failed_start_has_its_message() {
    let folder = Folder::new();
    for (name, text, mode) in [
        ("no_line.sh", "echo hello\n", 0o755),
        ("not_executable.sh", "#!/bin/sh\n", 0o644),
        ("lost.sh", "#!/no/such/interpreter -x\n", 0o755),
    ] {
        std::fs::set_permissions(folder.file(name, text), PermissionsExt::from_mode(mode)).unwrap();
    }
    let long = "x".repeat(200_000);
    let rows: [(&[&str], &str, &str); 7] = [
        (&["no-such-program"], "", "there is no program `no-such-program` in any folder of PATH"),
        (&["sh", "-c", "exit 0"], "dir = \"nowhere\"", "the working folder `"),
        (&["./no_line.sh"], "", "neither a program for this machine nor a script with an interpreter line"),
        (&["./lost.sh"], "", "the interpreter `/no/such/interpreter` of `./lost.sh` does not exist"),
        (&["./not_executable.sh"], "", "`./not_executable.sh` is not executable (`chmod +x` makes it so)"),
        (&["./"], "", "`./` is a folder, not a program"),
        (&["sh", "-c", &long], "", "the arguments and environment of `sh` are too long"),
    ];
    let presets = rows.iter().enumerate().map(|(n, (argv, keys, _))| program(&format!("p{n}"), argv, keys));
    let entries = each_once((0..rows.len()).map(|n| format!("p{n}")));
    let (ended, log) = folder.run(&[NO_TICK, &presets.collect::<String>(), &entries].concat(), &[]);
    let ended = ended.expect(1);
    let failed = log.of("spawn.failed");
    assert_eq!((failed.len(), log.of("spawn.started").len()), (rows.len(), 0));
    for (event, (_, _, words)) in failed.iter().zip(rows) {
        assert!(event["error"].as_str().unwrap().contains(words), "wanted `{words}`, got {event}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    replays(&folder);
}
