//! Warns of captured values that are used like secrets and are none: the log would show them.

use std::collections::BTreeSet;

use super::fetches::is_sensitive;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::{Auth, FetchJob, Text};

/// Warns of each such value once, at the first fetch that uses it so.
pub(super) fn warn(fetches: &[FetchJob], found: &mut Findings) {
    let captures = || fetches.iter().flat_map(|job| &job.capture);
    let mut told = BTreeSet::new();
    for job in fetches {
        for (place, text) in credentials(job) {
            for name in text.wanted() {
                let is_shown = captures().any(|capture| capture.name == name && !capture.secret);
                if is_shown && told.insert(name) {
                    let message =
                        format!("{place} of this fetch holds {}, which the log shows", quoted(name));
                    let doubt = Diagnostic::warning(job.place, message);
                    found.add(doubt.help("write `secret = true` where it is captured"));
                }
            }
        }
    }
}

/// The texts that say who asks.
fn credentials(job: &FetchJob) -> Vec<(&'static str, &Text)> {
    let headers = job.headers.iter().filter(|(name, _)| is_sensitive(name));
    let mut credentials: Vec<_> = headers.map(|(_, value)| ("a header", value)).collect();
    match &job.auth {
        Some(Auth::Basic { password, .. }) => credentials.push(("`auth`", password)),
        Some(Auth::Bearer(token)) => credentials.push(("`auth`", token)),
        None => {}
    }
    credentials
}
