//! Collects what is wrong, and finds names that were meant. Keeps no more than can be read.

use crate::diagnostic::{Diagnostic, Severity, quoted};

/// The most diagnostics that are kept; the rest is counted.
const MAX_KEPT: usize = 1_000;
/// How many comparisons of names are made in all to find one that was meant.
const MAX_COMPARISONS: usize = 200_000;
/// The least likeness (Jaro–Winkler, 0 to 1) of a name that may have been meant.
const MIN_SIMILARITY: f64 = 0.75;

/// What has been found so far.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    error_count: usize,
    dropped_count: usize,
    comparison_count: usize,
}

impl Diagnostics {
    /// Adds one.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        self.error_count += usize::from(diagnostic.severity == Severity::Error);
        if self.list.len() < MAX_KEPT {
            self.list.push(diagnostic);
        } else {
            self.dropped_count += 1;
        }
    }

    /// Counts an error that would not be kept; says whether it was one. Spares the making of it.
    pub(crate) fn count_if_full(&mut self) -> bool {
        let full = self.list.len() >= MAX_KEPT;
        if full {
            self.error_count += 1;
            self.dropped_count += 1;
        }
        full
    }

    /// How many errors there are, the dropped ones included.
    pub(crate) fn error_count(&self) -> usize {
        self.error_count
    }

    /// The one of `names` that was probably meant by `written`.
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

    /// The help for a name that is not there: the one that was meant, and what there is.
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

    /// All of it, sorted by place; errors before warnings at the same place, each said once.
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

/// The names there are, in words.
fn format_known_names<'n>(names: impl IntoIterator<Item = &'n str>, kind: &str) -> String {
    // More than there are events and measures.
    const SHOWN: usize = 40;
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(SHOWN).map(quoted).collect();
    let more = names.count();
    match (shown.len(), more) {
        (0, _) => format!("there are no {kind}"),
        (_, 0) => format!("the {kind} are {}", shown.join(", ")),
        (_, more) => format!("the {kind} are {} and {more} more", shown.join(", ")),
    }
}
