//! An empty environment, and a folder where nothing may be written.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use crate::common::{Folder, Log};

#[test]
fn an_empty_environment_is_enough() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up\"]\n[presets.i]\nisolation = \"process\"\n\
         players = [{ name = \"ann\", moves = 1, every = \"1ms\" }]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"i\"\n",
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]);
    run.command.env_clear();
    run.end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("line")[0]["text"], "up");
    assert_eq!(log.of("move").len(), 1);
    for command in [&["--help"][..], &["plan", "s.toml"], &["check", "s.toml"], &["man"], &["init"]] {
        let mut run = folder.scenario(command);
        run.command.env_clear();
        run.end().expect(0);
    }
}

#[test]
fn a_read_only_folder_is_named() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nmark = \"x\"\n");
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    let run = |arguments: &[&str]| {
        let mut run = folder.scenario(arguments);
        run.command.current_dir(&locked);
        if rustix::process::getuid().is_root() {
            run.command.uid(65_534).gid(65_534);
        }
        run.end()
    };
    assert_eq!(
        run(&["init"]).expect(4).stderr,
        "error: cannot write first.toml: Permission denied (os error 13)\n"
    );
    assert!(run(&["run", "../s.toml"]).expect(4).stderr.contains("choose another place with `--log PATH`"));
    run(&["run", "--log", "-", "../s.toml"]).expect(0);
    run(&["plan", "../s.toml"]).expect(0);
}
