//! Collects what is wrong, and finds names that were meant. Keeps no more than can be read.

use crate::diagnostic::{Diagnostic, Severity, quoted};

/// The most diagnostics that are kept; the rest is counted.
const MOST: usize = 1_000;
/// How many comparisons of names are made in all to find one that was meant.
const MOST_COMPARISONS: usize = 200_000;
/// The least likeness (Jaro–Winkler, 0 to 1) of a name that may have been meant.
const ALIKE: f64 = 0.75;

/// What has been found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
    comparisons: usize,
}

impl Findings {
    /// Adds one.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        if self.list.len() < MOST {
            self.list.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    /// Counts an error that would not be kept; says whether it was one. Spares the making of it.
    pub(crate) fn only_counts(&mut self) -> bool {
        let full = self.list.len() >= MOST;
        if full {
            self.errors += 1;
            self.dropped += 1;
        }
        full
    }

    /// How many errors there are, the dropped ones included.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The one of `names` that was probably meant by `written`.
    pub(crate) fn nearest<'n>(
        &mut self,
        written: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        let written: String = written.chars().take(100).collect();
        let mut best: Option<(f64, &str)> = None;
        for name in names {
            if self.comparisons >= MOST_COMPARISONS {
                break;
            }
            self.comparisons += 1;
            let likeness = strsim::jaro_winkler(&written.to_lowercase(), &name.to_lowercase());
            if likeness >= ALIKE && best.is_none_or(|(most, _)| likeness > most) {
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
        let fault = match self.nearest(written, names.clone()) {
            Some(name) => fault.help(format!("did you mean {}?", quoted(name))),
            None => fault,
        };
        fault.help(there_is(names, kind))
    }

    /// All of it, sorted by place; errors before warnings at the same place, each said once.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|one| (one.place, one.severity));
        self.list.dedup();
        if self.dropped > 0 {
            let more = format!("{} more are not shown", self.dropped);
            self.list.push(Diagnostic::nowhere(Severity::Error, more));
        }
        self.list
    }
}

/// The names there are, in words.
fn there_is<'n>(names: impl IntoIterator<Item = &'n str>, kind: &str) -> String {
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
