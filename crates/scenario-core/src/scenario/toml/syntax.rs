//! The parser's syntax errors in our words, and no more of them than can be read.

use toml_parser::{ErrorSink, Expected, ParseError, Span};

use super::Range;
use crate::diagnostic::{Diagnostic, Place, quoted};

/// The most syntax errors of one file that are told.
pub(super) const MOST_ERRORS: usize = 100;

/// Takes the parser's errors, and no more of them than can be read.
pub(super) struct Sink {
    found: Vec<ParseError>,
}

impl ErrorSink for Sink {
    fn report_error(&mut self, error: ParseError) {
        // What is unclosed is told last, and explains what comes before it.
        let explains = error.description().starts_with("unclosed") && self.found.len() < 2 * MOST_ERRORS;
        if self.found.len() < MOST_ERRORS || explains {
            self.found.push(error);
        }
    }
}

/// What was wrong in one go over the source.
pub(super) struct Round {
    /// The errors, at most one a line.
    pub(super) faults: Vec<Diagnostic>,
    /// Where a bracket that is never closed must have ended: everything from here on was misread.
    pub(super) resume: Option<usize>,
}

impl Sink {
    pub(super) fn new() -> Sink {
        Sink { found: Vec::new() }
    }

    /// Sums up: errors behind a bracket that is never closed come from it, and are left out.
    pub(super) fn round(mut self, source: &str, file: u32) -> Round {
        let start_of = |error: &ParseError| range(error).start as usize;
        self.found.sort_by_key(start_of);
        let line_start = |at: usize| source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let open = self.found.iter().filter(|error| error.description().starts_with("unclosed")).filter_map(
            |error| {
                let at = error.context()?.start();
                matches!(source.as_bytes().get(at), Some(b'[' | b'{')).then_some(at)
            },
        );
        let open = open
            .min()
            .filter(|at| source[..*at].rfind('\n').is_none_or(|line| !is_header(&source[line + 1..])));
        let mut faults = Vec::new();
        let mut last_line = None;
        for error in &self.found {
            let at = start_of(error).min(source.len());
            if open.is_some_and(|open| at > open) {
                continue;
            }
            if last_line.replace(line_start(at)) != Some(line_start(at)) {
                faults.push(told(error, file));
            }
        }
        let Some(open) = open else { return Round { faults, resume: None } };
        let bracket = Range::new(open, open + 1);
        let sign = quoted(bracket.of(source));
        let place = Place { file, start: bracket.start, end: bracket.end };
        let fault = Diagnostic::error(place, format!("this {sign} is never closed"));
        let after = self.found.iter().map(start_of).find(|at| *at <= source.len() && line_start(*at) > open);
        let resume = after.map(line_start);
        faults.push(match resume {
            Some(at) => {
                let at = Range::new(at, at);
                fault.related(Place { file, start: at.start, end: at.end }, "it must end before this line")
            }
            None => fault,
        });
        Round { faults, resume }
    }
}

/// Whether a line is a table's header.
fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Where an error is.
fn range(error: &ParseError) -> Range {
    let span = error.unexpected().or(error.context()).unwrap_or(Span::new_unchecked(0, 0));
    Range::new(span.start(), span.end())
}

/// A parser's error as ours.
fn told(error: &ParseError, file: u32) -> Diagnostic {
    let Range { start, end } = range(error);
    let place = Place { file, start, end };
    if error.description() == "string values must be quoted" {
        return match start == end {
            true => Diagnostic::error(place, "here a value is missing"),
            false => Diagnostic::error(place, "this is no value").help("a string stands in quotes: \"…\""),
        };
    }
    let mut fault = Diagnostic::error(place, error.description().to_owned());
    if let Some(expected) = error.expected().filter(|expected| !expected.is_empty()) {
        fault = fault.label(format!("expected {}", expectations(expected)));
    }
    match error.context().map(|context| Range::new(context.start(), context.end())) {
        Some(context) if error.description() == "duplicate key" || context.end + 200 < start => {
            fault.related(Place { file, start: context.start, end: context.end }, "it begins here")
        }
        _ => fault,
    }
}

fn expectations(expected: &[Expected]) -> String {
    let names: Vec<String> = expected
        .iter()
        .map(|one| match one {
            Expected::Literal("\n") => "a newline".to_owned(),
            Expected::Literal(sign) => quoted(sign),
            Expected::Description(words) => (*words).to_owned(),
            _ => "something else".to_owned(),
        })
        .collect();
    names.join(" or ")
}
