//! Builds the presets of the model, players or a program, from the keys of the file.

use std::path::Path;

use super::{PresetContext, life, not_on_virtual_clock, players, program_arguments, ready, resources};
use crate::diagnostic::{Diagnostic, FilePlace, Severity};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawPreset, RawStop};
use crate::scenario::model::{
    CommandPreset, ExitRule, Isolation, PlayersPreset, Preset, PresetKind, PresetVariant, ScenarioText,
    StdinMode, StopPolicy,
};
use crate::scenario::schema::numbers::ByteSize;
use crate::scenario::schema::{DefaultedSlot, KeySlot, Located};

/// The longest piece of a line in the log, in bytes, whatever the file says. Each byte can become six in
/// the log, and a reader of logs needs a limit for the length of a line.
const MAX_LINE_PIECE: u64 = 8 << 20;

/// Builds a preset; `None` if a part of it is missing or wrong, which has been reported.
pub(super) fn build_preset(
    name: &str,
    place: FilePlace,
    raw: Located<RawPreset>,
    folder: &Path,
    around: &mut PresetContext<'_>,
    found: &mut Diagnostics,
) -> Option<Preset> {
    let mut raw = raw.value;
    let args = std::mem::take(&mut raw.args).into_value().unwrap_or_default().items;
    let args = args.into_iter().filter_map(|item| Some((item.name, item.value?.value.0))).collect();
    let of = std::mem::take(&mut raw.variant_of).into_value().map(|of| of.0);
    let kind = if raw.players.is_present() {
        PresetKind::Players(build_players(raw, around, found)?)
    } else {
        PresetKind::Command(Box::new(build_command(raw, folder, around, found)?))
    };
    // The first preset of the name is not known before all are.
    let variant = of.is_some().then(|| PresetVariant { key: name.to_owned(), first: usize::MAX });
    Some(Preset { name: of.unwrap_or_else(|| name.to_owned()), kind, args, variant, place })
}

fn build_players(
    raw: RawPreset,
    around: &mut PresetContext<'_>,
    found: &mut Diagnostics,
) -> Option<PlayersPreset> {
    let isolation = raw.isolation.or_default();
    if let Some(given) = raw.isolation.as_given()
        && around.is_virtual
        && isolation == Isolation::Process
    {
        found.add(not_on_virtual_clock(given.place, "players in a process of their own"));
    }
    let players = raw.players.into_given()?;
    if isolation == Isolation::Process {
        for steps in players.value.0.iter().filter_map(|row| row.value.steps.as_given()) {
            let message = "players with `steps` share cells of the runner, so they cannot play in a process of their own";
            found.add(Diagnostic::error(steps.place, message).with_help("remove `isolation`"));
        }
    }
    let groups = players::build_groups(players, around.has_world, around.step_names, found)?;
    Some(PlayersPreset { groups, isolation })
}

fn build_command(
    mut raw: RawPreset,
    folder: &Path,
    around: &mut PresetContext<'_>,
    found: &mut Diagnostics,
) -> Option<CommandPreset> {
    let life = life::build_life(&mut raw, found);
    let argv = raw.command.into_given()?;
    if around.is_virtual {
        found.add(not_on_virtual_clock(argv.place, "a program"));
    }
    let argv = program_arguments::build_argv(argv.value, folder, found)?;
    let ready = match raw.ready {
        KeySlot::Given(raw) => Some(ready::build_readiness(raw.value, folder, around.passwords, found)?),
        KeySlot::Absent => None,
        KeySlot::Invalid => return None,
    };
    let alive = match raw.alive {
        KeySlot::Given(raw) => Some(ready::build_liveness(raw.value, folder, around.passwords, found)?),
        KeySlot::Absent => None,
        KeySlot::Invalid => return None,
    };
    let stop = build_stop(raw.stop.into_value().unwrap_or_default(), folder, found)?;
    if let Some(stdin) = raw.stdin.as_given().filter(|stdin| stdin.value == StdinMode::World) {
        check_reads_world(stdin.place, around.has_world, raw.pty.or_default(), found);
    }
    let max_line = build_max_line(&raw.max_line, found);
    let background = raw.background.or_default();
    let env = raw.env.into_value().unwrap_or_default();
    let env = env.items.into_iter().filter_map(|item| Some((item.name, item.value?.value.0))).collect();
    let resources = resources::build_resources(raw.sample, raw.limits, (raw.user, raw.output), found)?;
    Some(CommandPreset {
        argv,
        dir: raw.dir.into_value().map(|dir| dir.0).or_else(|| default_dir(folder)),
        env,
        clear_env: raw.clear_env.or_default(),
        stdin: raw.stdin.or_default(),
        ready,
        alive,
        pty: raw.pty.or_default(),
        // A program in the background is expected to run until the end: unless the file says otherwise, any
        // earlier exit is wrong, even one with code 0.
        exits: match raw.exits.is_present() || !background {
            true => raw.exits.or_default(),
            false => ExitRule::Codes(Vec::new()),
        },
        background,
        stop,
        max_line,
        life,
        resources,
    })
}

/// Checks that a program can read the world.
fn check_reads_world(place: FilePlace, has_world: bool, pty: bool, found: &mut Diagnostics) {
    if !has_world {
        let fault = Diagnostic::error(place, "there is no world, so there are no states to read");
        found.add(fault.with_help("add it:\n\n[world]\nsize = [40, 20]"));
    }
    if pty {
        let message = "the states of a world need a pipe: a terminal does not take lines of every length";
        found.add(Diagnostic::error(place, message).with_help("remove `pty`"));
    }
}

fn build_max_line(max_line: &DefaultedSlot<ByteSize<1>>, found: &mut Diagnostics) -> u64 {
    let ByteSize(bytes) = max_line.or_default();
    if let Some(Located { place, .. }) = max_line.as_given()
        && bytes > MAX_LINE_PIECE
    {
        let message = "a line is logged in pieces of at most 8 MiB, also with a larger `max_line`; nothing of it is lost";
        let warning = Diagnostic { severity: Severity::Warning, ..Diagnostic::error(*place, message) };
        found.add(warning.with_help("write \"8MiB\""));
    }
    bytes.min(MAX_LINE_PIECE)
}

/// The folder of the file that defines a program, in which it runs.
fn default_dir(folder: &Path) -> Option<ScenarioText> {
    (!folder.as_os_str().is_empty()).then(|| ScenarioText::plain(folder.to_string_lossy()))
}

/// Builds how a program is stopped; `None` if its command is wrong, which has been reported.
fn build_stop(raw: RawStop, folder: &Path, found: &mut Diagnostics) -> Option<StopPolicy> {
    let (signal, grace) = (raw.signal.or_default(), raw.grace.or_default().0);
    let command = match raw.command {
        KeySlot::Given(argv) => program_arguments::build_argv(argv.value, folder, found)?,
        KeySlot::Absent => Vec::new(),
        KeySlot::Invalid => return None,
    };
    Some(StopPolicy { signal, grace, command })
}
