//! Builds what a program may take of the machine from the keys of its preset.

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::RawLimits;
use crate::scenario::model::resources::{ProgramLimits, ProgramResources};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::strings::{PublicString, ScenarioPath};
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::time::Span;

/// The shortest period of samples. A look at a program takes up to a tenth of a millisecond.
const MIN_SAMPLE_PERIOD: Span = Span::from_millis(10);

const SECOND: u64 = 1_000_000_000;

/// Builds it; `None` if a part of it is wrong, which has been reported.
pub(super) fn build_resources(
    sample: KeySlot<DurationValue<true>>,
    limits: KeySlot<RawLimits>,
    (user, output): (KeySlot<PublicString>, KeySlot<ScenarioPath>),
    found: &mut Diagnostics,
) -> Option<ProgramResources> {
    let sample = match sample {
        KeySlot::Given(period) => Some(build_period(&period, found)?),
        KeySlot::Absent => None,
        KeySlot::Invalid => return None,
    };
    let user = match user {
        KeySlot::Given(user) => Some(build_user(user, found)?),
        KeySlot::Absent => None,
        KeySlot::Invalid => return None,
    };
    let limits = match limits {
        KeySlot::Given(limits) => build_limits(limits.value, found)?,
        KeySlot::Absent => ProgramLimits::default(),
        KeySlot::Invalid => return None,
    };
    let output = output.into_value().map(|output| output.0);
    Some(ProgramResources { sample, limits, user, output })
}

fn build_period(period: &Located<DurationValue<true>>, found: &mut Diagnostics) -> Option<Span> {
    let DurationValue(span) = period.value;
    if span < MIN_SAMPLE_PERIOD {
        let message = "a program is sampled every 10 ms at most";
        found.add(Diagnostic::error(period.place, message).with_help("for example \"1s\""));
        return None;
    }
    Some(span)
}

fn build_limits(raw: RawLimits, found: &mut Diagnostics) -> Option<ProgramLimits> {
    let cpu = match raw.cpu {
        KeySlot::Given(Located { value: DurationValue(span), place }) if span.0 % SECOND != 0 => {
            let message = "a limit of processor time is of whole seconds: the kernel counts no parts of them";
            let rounded = span.0 / SECOND + 1;
            found.add(Diagnostic::error(place, message).with_help(format!("write \"{rounded}s\"")));
            return None;
        }
        cpu => cpu.into_value().map(|cpu| cpu.0),
    };
    Some(ProgramLimits {
        memory: raw.memory.into_value().map(|size| size.0),
        files: raw.files.into_value().and_then(|number| u32::try_from(number.0).ok()),
        processes: raw.processes.into_value().and_then(|number| u32::try_from(number.0).ok()),
        file_size: raw.file_size.into_value().map(|size| size.0),
        cpu,
    })
}

/// A user of this form may not exist on the machine that runs the scenario, which its start tells.
fn build_user(user: Located<PublicString>, found: &mut Diagnostics) -> Option<String> {
    let text = user.value.0;
    let (name, group) = text.split_once(':').map_or((&*text, None), |(name, group)| (name, Some(group)));
    let is_word = |word: &str| {
        !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control() || c == ':')
    };
    if is_word(name) && group.is_none_or(is_word) {
        return Some(text);
    }
    let message = format!("{} is neither a user nor a user and a group", quoted(&text));
    let help = "for example \"nobody\", \"nobody:nogroup\" or \"1000:1000\"";
    found.add(Diagnostic::error(user.place, message).with_help(help));
    None
}
