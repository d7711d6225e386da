//! Presets: from the keys of the file to players or a program.

use std::path::{Path, PathBuf};

use super::{Around, not_virtual, players, ready};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::scenario::file::{RawPreset, RawStop};
use crate::scenario::findings::Findings;
use crate::scenario::model::{Command, Exits, Isolation, Players, Preset, PresetKind, Stdin, Stop};
use crate::scenario::schema::numbers::Size;
use crate::scenario::schema::{Slot, Sp};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// Bytes of a line that are logged in one piece, if the file does not say.
const MAX_LINE: u64 = 64 << 10;

/// The most of a line that is logged in one piece, whatever the file says: each byte can become six
/// in the log, and a reader of logs must have an end to what it takes for a line.
const LONGEST_PIECE: u64 = 8 << 20;

/// A preset; `None` if it lacks what has been asked for already. `around` gets what it adds to the rest.
pub(super) fn preset(
    name: &str,
    place: Place,
    raw: Sp<RawPreset>,
    folder: &Path,
    around: &mut Around<'_>,
    found: &mut Findings,
) -> Option<Preset> {
    let raw = raw.value;
    let kind = if raw.players.is_present() {
        PresetKind::Players(as_players(raw, around, found)?)
    } else {
        PresetKind::Command(Box::new(command(raw, folder, around, found)?))
    };
    Some(Preset { name: name.to_owned(), kind, place })
}

fn as_players(raw: RawPreset, around: &mut Around<'_>, found: &mut Findings) -> Option<Players> {
    let isolation = match raw.isolation {
        Slot::Given(isolation) => {
            if around.is_virtual && isolation.value == Isolation::Process {
                found.add(not_virtual(isolation.place, "players in a process of their own"));
            }
            isolation.value
        }
        _ => Isolation::Task,
    };
    let players = raw.players.given()?;
    if isolation == Isolation::Process {
        for steps in players.value.0.iter().filter_map(|row| row.value.steps.as_given()) {
            let message = "players with `steps` share cells, which are the runner's: no process of their own";
            found.add(Diagnostic::error(steps.place, message).help("take `isolation` out"));
        }
    }
    let groups = players::groups(players, around.shared, found)?;
    Some(Players { groups, isolation })
}

fn command(raw: RawPreset, folder: &Path, around: &mut Around<'_>, found: &mut Findings) -> Option<Command> {
    let argv = raw.command.given()?;
    if around.is_virtual {
        found.add(not_virtual(argv.place, "a program"));
    }
    let program = argv.value.0.first()?;
    if program.value.0.reveal().is_empty() {
        found.add(
            Diagnostic::error(program.place, "the program's name is empty")
                .help("the first item is the program, for example [\"echo\", \"hello\"]"),
        );
        return None;
    }
    let ready = match raw.ready {
        Slot::Given(raw) => Some(ready::ready(raw.value, around.passwords, found)?),
        Slot::Absent => None,
        Slot::Broken => return None,
    };
    if let Some(stdin) = raw.stdin.as_given().filter(|stdin| stdin.value == Stdin::World) {
        let pty = raw.pty.as_given().is_some_and(|pty| pty.value);
        reads_world(stdin.place, around.has_world, pty, found);
    }
    let max_line = max_line(raw.max_line.given(), found);
    let background = raw.background.value().unwrap_or(false);
    let env = raw.env.value().unwrap_or_default();
    let env = env.items.into_iter().filter_map(|item| Some((item.name, item.value?.value.0))).collect();
    Some(Command {
        argv: argv.value.0.into_iter().map(|argument| argument.value.0).collect(),
        dir: raw.dir.value().map(|dir| dir.0).or_else(|| default_dir(folder)),
        env,
        clear_env: raw.clear_env.value().unwrap_or(false),
        stdin: raw.stdin.value().unwrap_or(Stdin::Null),
        ready,
        pty: raw.pty.value().unwrap_or(false),
        // What is in the background is there until the end: unless the file says otherwise, no exit
        // before that is expected, not even a good one.
        exits: raw.exits.value().unwrap_or_else(|| Exits::Codes(if background { vec![] } else { vec![0] })),
        background,
        stop: stop(raw.stop.value()),
        max_line,
    })
}

/// Whether a program can read the world.
fn reads_world(place: Place, has_world: bool, pty: bool, found: &mut Findings) {
    if !has_world {
        let fault = Diagnostic::error(place, "there is no world whose states it could read");
        found.add(fault.help("add it:\n\n[world]\nsize = [40, 20]"));
    }
    if pty {
        let message = "the states of a world go through a pipe: no terminal takes lines of any length";
        found.add(Diagnostic::error(place, message).help("take `pty` out"));
    }
}

fn max_line(given: Option<Sp<Size<1>>>, found: &mut Findings) -> u64 {
    let Some(Sp { place, value: Size(bytes) }) = given else { return MAX_LINE };
    if bytes > LONGEST_PIECE {
        let message = "a line is logged in pieces of at most 8 MiB, this one too; nothing of it is lost";
        let warning = Diagnostic { severity: Severity::Warning, ..Diagnostic::error(place, message) };
        found.add(warning.help("write \"8MiB\""));
    }
    bytes.min(LONGEST_PIECE)
}

/// A program runs in the folder of the file that names it.
fn default_dir(folder: &Path) -> Option<PathBuf> {
    (!folder.as_os_str().is_empty()).then(|| folder.to_owned())
}

fn stop(raw: Option<RawStop>) -> Stop {
    let RawStop { signal, grace, .. } = raw.unwrap_or_default();
    Stop {
        signal: signal.value().unwrap_or(Signal::TERM),
        grace: grace.value().map_or(Span::from_secs(5), |grace| grace.0),
    }
}
