//! Starts that fail.

use std::os::unix::fs::PermissionsExt;

use crate::children::{NO_TICK, each_once, program, replays, text_of};
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
    let looked_for = format!("(looked for {}/no/such)", folder.path().canonicalize().unwrap().display());
    let long = "x".repeat(200_000);
    let rows: [(&[&str], &str, &str); 8] = [
        (&["no-such-program"], "", "there is no program `no-such-program` in any folder of PATH"),
        (&["./no/such"], "", &looked_for),
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

#[test]
fn a_program_is_looked_for_beside_the_file_that_names_it() {
    let folder = Folder::new();
    let script = |name: &str, word: &str| {
        let file = folder.file(name, format!("#!/bin/sh\necho {word}\n"));
        std::fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    };
    script("run.sh", "main");
    script("tools/run.sh", "tools");
    script("tools/deep/run.sh", "deep");
    folder
        .file("tools/a.toml", [program("a", &["./run.sh"], ""), program("up", &["../run.sh"], "")].concat());
    folder.file(
        "tools/deep/b.toml",
        [program("b", &["./run.sh"], ""), program("no", &["./no.sh"], "")].concat(),
    );
    folder.file("tools/include.toml", "include = [\"a.toml\", \"deep/b.toml\"]\n");
    let names = ["m", "a", "up", "b", "no"].map(str::to_owned);
    let text = [
        "include = [\"tools/include.toml\"]\n",
        NO_TICK,
        &program("m", &["./run.sh"], ""),
        &each_once(names),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    let ended = ended.expect(1);
    let said = |source| text_of(&log, source);
    assert_eq!(["ps#1", "ps#2", "ps#3", "ps#4"].map(said), ["main\n", "tools\n", "main\n", "deep\n"]);
    let wanted = format!("{}/tools/deep/no.sh", folder.path().canonicalize().unwrap().display());
    assert!(ended.stderr.contains(&wanted), "wanted {wanted}, got {}", ended.stderr);
    replays(&folder);
}
