//! Why a typed line is refused. Reads no line.

use std::error::Error;
use std::fmt;

/// Why a line is not a command, or cannot be carried out; one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError(pub String);

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CommandError {}

/// The error for a name that is not known, with the nearest known name.
pub(super) fn unknown_name<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> CommandError {
    if name.is_empty() {
        return CommandError(format!("which {what}?"));
    }
    let nearest = known
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 3);
    CommandError(match nearest {
        Some((_, nearest)) => format!("no {what} `{name}`; did you mean `{nearest}`?"),
        None => format!("no {what} `{name}`"),
    })
}
