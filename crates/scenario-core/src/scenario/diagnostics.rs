//! Collects diagnostics, and finds the names that misspelled names are close to. Keeps no more of them than
//! can be read.

use crate::diagnostic::{Diagnostic, Severity, quoted};

/// The largest number of diagnostics that are kept; the rest are counted.
const MAX_KEPT: usize = 1_000;
/// The largest number of comparisons of names in all, to find close names.
const MAX_COMPARISONS: usize = 200_000;
/// The smallest similarity (Jaro–Winkler, 0 to 1) of a name that is suggested.
const MIN_SIMILARITY: f64 = 0.75;

/// The diagnostics that have been found so far.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    error_count: usize,
    dropped_count: usize,
    comparison_count: usize,
}

impl Diagnostics {
    /// Adds a diagnostic.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        self.error_count += usize::from(diagnostic.severity == Severity::Error);
        if self.list.len() < MAX_KEPT {
            self.list.push(diagnostic);
        } else {
            self.dropped_count += 1;
        }
    }

    /// Counts an error if no more can be kept, and returns whether it did. The caller need not build the
    /// error then.
    pub(crate) fn count_if_full(&mut self) -> bool {
        let full = self.list.len() >= MAX_KEPT;
        if full {
            self.error_count += 1;
            self.dropped_count += 1;
        }
        full
    }

    /// The number of errors, the dropped ones included.
    pub(crate) fn error_count(&self) -> usize {
        self.error_count
    }

    /// The one of `names` that `written` is probably a misspelling of.
    pub(crate) fn closest_name<'n>(
        &mut self,
        written: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        let written: String = written.chars().take(100).collect();
        let mut best: Option<(f64, &str)> = None;
        for name in names {
            if self.comparison_count >= MAX_COMPARISONS {
                break;
            }
            self.comparison_count += 1;
            let likeness = strsim::jaro_winkler(&written.to_lowercase(), &name.to_lowercase());
            if likeness >= MIN_SIMILARITY && best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, name));
            }
        }
        best.map(|(_, name)| name)
    }

    /// Adds the help for an unknown name: the closest name, and all names that exist.
    pub(crate) fn did_you_mean<'n>(
        &mut self,
        fault: Diagnostic,
        written: &str,
        names: impl IntoIterator<Item = &'n str> + Clone,
        kind: &str,
    ) -> Diagnostic {
        let fault = match self.closest_name(written, names.clone()) {
            Some(name) => fault.with_help(format!("did you mean {}?", quoted(name))),
            None => fault,
        };
        fault.with_help(format_known_names(names, kind))
    }

    /// The diagnostics, sorted by place, errors before warnings at the same place, without duplicates.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|one| (one.place, one.severity));
        self.list.dedup();
        if self.dropped_count > 0 {
            let more = format!("{} more are not shown", self.dropped_count);
            self.list.push(Diagnostic::without_place(Severity::Error, more));
        }
        self.list
    }
}

/// The list of the names that exist, for a help.
fn format_known_names<'n>(names: impl IntoIterator<Item = &'n str>, kind: &str) -> String {
    // This is more than the number of events and measures.
    const SHOWN: usize = 60;
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(SHOWN).map(quoted).collect();
    let more = names.count();
    match (shown.len(), more) {
        (0, _) => format!("there are no {kind}"),
        (_, 0) => format!("the {kind} are {}", shown.join(", ")),
        (_, more) => format!("the {kind} are {} and {more} more", shown.join(", ")),
    }
}
