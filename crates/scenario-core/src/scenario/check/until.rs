//! Checks that an entry with `until` does something that can be tried again.

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::until::RawUntil;
use crate::scenario::model::{EntryAction, EntryUntil, FetchJob, Preset, PresetKind};
use crate::scenario::schema::Located;

/// Builds an `until`, and reports an action that cannot be tried again. A preset or fetch that is wrong is
/// `None`.
pub(super) fn build_until(
    raw: Located<RawUntil>,
    (action, count): (&EntryAction, u32),
    (preset, fetch): (Option<&Preset>, Option<&FetchJob>),
    found: &mut Diagnostics,
) -> Option<EntryUntil> {
    let Located { value: raw, place } = raw;
    let fault = match action {
        _ if count > 1 => Some(("an entry with `until` does one thing at a time", "remove `count`")),
        EntryAction::Spawn(_) => match preset.map(|preset| &preset.kind) {
            Some(PresetKind::Players(_)) => {
                Some(("players have no exit that could be other than expected", "spawn a `command` preset"))
            }
            Some(PresetKind::Command(command)) if command.background => Some((
                "a background program runs until the end, so there is nothing to try again",
                "remove `background = true` from its preset",
            )),
            Some(PresetKind::Command(command)) if command.life.restart.is_some() => Some((
                "`until` starts a program again that is not as expected, and so does the `restart` of its preset",
                "remove one of them",
            )),
            _ => None,
        },
        EntryAction::Fetch(_) if fetch.is_some_and(|fetch| fetch.load.is_some()) => {
            Some(("a load is not tried again", "use a fetch without `rate` and `connections`"))
        }
        _ => None,
    };
    if let Some((message, help)) = fault {
        report(place, message, help, found);
        return None;
    }
    Some(EntryUntil { every: raw.every.into_value()?, timeout: raw.timeout.into_value()?.0 })
}

fn report(place: FilePlace, message: &str, help: &str, found: &mut Diagnostics) {
    found.add(Diagnostic::error(place, message).with_help(help));
}
