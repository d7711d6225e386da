//! Warns of captured values that are used as credentials but are not marked as secrets: the log would show
//! them.

use std::collections::BTreeSet;

use super::fetches::is_sensitive_header;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{FetchAuth, FetchJob, ScenarioText};

/// Warns of each such value once, at the first fetch that uses it as a credential.
pub(super) fn warn_of_shown_secrets(fetches: &[FetchJob], found: &mut Diagnostics) {
    let captures = || fetches.iter().flat_map(|job| &job.captures);
    let mut told = BTreeSet::new();
    for job in fetches {
        for (place, text) in credential_texts(job) {
            for name in text.capture_names() {
                let is_shown = captures().any(|capture| capture.name == name && !capture.secret);
                if is_shown && told.insert(name) {
                    let message =
                        format!("{place} of this fetch holds {}, which the log shows", quoted(name));
                    let doubt = Diagnostic::warning(job.place, message);
                    found.add(doubt.with_help("write `secret = true` where it is captured"));
                }
            }
        }
    }
}

/// The texts of a fetch that are credentials, each with the name of its place.
fn credential_texts(job: &FetchJob) -> Vec<(&'static str, &ScenarioText)> {
    let headers = job.headers.iter().filter(|(name, _)| is_sensitive_header(name));
    let mut credentials: Vec<_> = headers.map(|(_, value)| ("a header", value)).collect();
    match &job.auth {
        Some(FetchAuth::Basic { password, .. }) => credentials.push(("`auth`", password)),
        Some(FetchAuth::Bearer(token)) => credentials.push(("`auth`", token)),
        None => {}
    }
    credentials
}
