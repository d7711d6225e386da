//! A16: a path that is not a readable file is reported with its name, and nothing waits for it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::check::common::{load_path, said_of};

/// A folder for one test alone.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// The diagnostics of a path.
fn said(path: &Path) -> String {
    said_of(&load_path(&path.to_string_lossy()))
}

#[test]
fn what_is_no_file_is_named() {
    let folder = folder("a16");
    let at = |name: &str| folder.join(name);
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .expect("a FIFO can be made");
    let _listener = UnixListener::bind(at("socket"));
    symlink("loop", at("loop")).expect("a link can be made");
    symlink("gone", at("dangling")).expect("a link can be made");
    let wanted = [
        (folder.clone(), "Is a directory (os error 21)"),
        (at("fifo"), "it is a FIFO, not a regular file"),
        (at("socket"), "No such device or address (os error 6)"),
        (PathBuf::from("/dev/null"), "it is a device, not a regular file"),
        (at("loop"), "Too many levels of symbolic links (os error 40)"),
        (at("dangling"), "No such file or directory (os error 2)"),
        (at("nothing"), "No such file or directory (os error 2)"),
        (PathBuf::from("/proc/self/mem"), "os error"),
    ];
    for (path, words) in wanted {
        let said = said(&path);
        assert!(said.starts_with("error: cannot read `") && said.contains(words), "{said}");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        assert!(said.contains(&name), "{said}");
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let path = folder("a16_mode").join("secret.toml");
    fs::write(&path, "name = 1").expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its mode can be set");
    let said = said(&path);
    // Root may read it in spite of its mode.
    assert!(said.contains("Permission denied") || said.contains("expected a string"), "{said}");
}

#[test]
fn an_included_file_that_is_missing_is_named_where_it_is_included() {
    let folder = folder("a16_include");
    let path = folder.join("main.toml");
    fs::write(&path, "include = [\"sub/none.toml\"]\n[[timeline]]\nspawn = \"x\"\n")
        .expect("a file can be written");
    let said = said(&path);
    assert!(said.contains("sub/none.toml`: No such file or directory"), "{said}");
    assert!(said.contains("main.toml:1:12"), "{said}");
    // A name that the missing file might define is not reported.
    assert_eq!(said.matches("error").count(), 2, "{said}");
}

#[test]
fn includes_by_two_ways_are_read_once_and_rings_are_told() {
    let folder = folder("a12");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file can be written");
    fs::create_dir_all(folder.join("sub")).expect("a folder can be made");
    write("main.toml", "include = [\"sub/a.toml\", \"b.toml\"]\n[[timeline]]\nspawn = \"x\"\n");
    write("sub/a.toml", "include = [\"../b.toml\"]\n");
    write("b.toml", "[presets.x]\ncommand = [\"x\"]\n");
    assert_eq!(said(&folder.join("main.toml")), "");
    write("b.toml", "include = [\"sub/a.toml\"]\n[presets.x]\ncommand = [\"x\"]\n");
    let ring = said(&folder.join("main.toml"));
    let names: Vec<&str> = ring.lines().next().unwrap_or_default().split(" -> ").collect();
    assert_eq!(names.len(), 3, "{ring}");
    assert!(names[0].contains("includes itself") && names[1].contains("b.toml"), "{ring}");
    assert!(names[2].contains("sub/a.toml"), "{ring}");
}
