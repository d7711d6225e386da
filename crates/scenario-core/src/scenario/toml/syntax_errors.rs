//! Turns the syntax errors of the parser into diagnostics, and keeps no more of them than can be read.

use toml_parser::{ErrorSink, Expected, ParseError, Span};

use super::ByteRange;
use crate::diagnostic::{Diagnostic, FilePlace, quoted};

/// The largest number of syntax errors that are reported for one file.
pub(super) const MAX_ERRORS: usize = 100;

/// Collects the errors of the parser, and no more of them than can be read.
pub(super) struct SyntaxErrorSink {
    errors: Vec<ParseError>,
}

impl ErrorSink for SyntaxErrorSink {
    fn report_error(&mut self, error: ParseError) {
        // An unclosed bracket is reported last, and explains the errors before it.
        let explains = error.description().starts_with("unclosed") && self.errors.len() < 2 * MAX_ERRORS;
        if self.errors.len() < MAX_ERRORS || explains {
            self.errors.push(error);
        }
    }
}

/// The errors of one pass over the source.
pub(super) struct ParsePass {
    /// The errors, at most one for each line.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The position before which a bracket that is never closed must have ended: everything after it was
    /// misread.
    pub(super) resume_at: Option<usize>,
}

impl SyntaxErrorSink {
    pub(super) fn new() -> SyntaxErrorSink {
        SyntaxErrorSink { errors: Vec::new() }
    }

    /// Ends the pass. Errors after a bracket that is never closed are caused by it, and are left out.
    pub(super) fn finish(mut self, source: &str, file: u32) -> ParsePass {
        let start_of = |error: &ParseError| error_range(error).start as usize;
        self.errors.sort_by_key(start_of);
        let line_start = |at: usize| source[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let open = self.errors.iter().filter(|error| is_unclosed(error)).filter_map(|error| {
            let at = error.context()?.start();
            matches!(source.as_bytes().get(at), Some(b'[' | b'{')).then_some(at)
        });
        let open = open
            .min()
            .filter(|at| source[..*at].rfind('\n').is_none_or(|line| !is_header(&source[line + 1..])));
        let mut faults = Vec::new();
        let mut last_line = None;
        if let Some((opening, fault)) =
            self.errors.iter().find_map(|error| unclosed_lines(error, source, file))
        {
            // It has swallowed the rest of the file, so whatever is open around it never closes either.
            let before = self.errors.iter().filter(|error| start_of(error) < opening && !is_unclosed(error));
            faults.extend(before.map(|error| to_diagnostic(error, source, file)));
            faults.push(fault);
            return ParsePass { diagnostics: faults, resume_at: None };
        }
        for error in &self.errors {
            let at = start_of(error).min(source.len());
            if open.is_some_and(|open| at > open) {
                continue;
            }
            if last_line.replace(line_start(at)) != Some(line_start(at)) {
                faults.push(to_diagnostic(error, source, file));
            }
        }
        let Some(open) = open else { return ParsePass { diagnostics: faults, resume_at: None } };
        let bracket = ByteRange::new(open, open + 1);
        let sign = quoted(bracket.slice(source));
        let place = FilePlace { file, start: bracket.start, end: bracket.end };
        let fault = Diagnostic::error(place, format!("this {sign} is never closed"));
        let after = self.errors.iter().map(start_of).find(|at| *at <= source.len() && line_start(*at) > open);
        let resume = after.map(line_start);
        faults.push(match resume {
            Some(at) => {
                let at = ByteRange::new(at, at);
                fault.with_related(
                    FilePlace { file, start: at.start, end: at.end },
                    "it must end before this line",
                )
            }
            None => fault,
        });
        ParsePass { diagnostics: faults, resume_at: resume }
    }
}

/// Whether an error says that a bracket is never closed.
fn is_unclosed(error: &ParseError) -> bool {
    error.description().starts_with("unclosed")
}

/// The opening and the diagnostic of a string of several lines that is never closed.
fn unclosed_lines(error: &ParseError, source: &str, file: u32) -> Option<(usize, Diagnostic)> {
    let fault = unclosed_string(error, source, file)?;
    let place = fault.place?;
    (place.end - place.start == 3).then_some((place.start as usize, fault))
}

/// Whether a line is the header of a table.
fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// The range of an error.
fn error_range(error: &ParseError) -> ByteRange {
    let span = error.unexpected().or(error.context()).unwrap_or(Span::new_unchecked(0, 0));
    ByteRange::new(span.start(), span.end())
}

/// An error of the parser as a diagnostic.
fn to_diagnostic(error: &ParseError, source: &str, file: u32) -> Diagnostic {
    let ByteRange { start, end } = error_range(error);
    let place = FilePlace { file, start, end };
    if error.description() == "string values must be quoted" {
        return match start == end {
            true => Diagnostic::error(place, "a value is missing here"),
            false => {
                Diagnostic::error(place, "this is not a value").with_help("a string stands in quotes: \"…\"")
            }
        };
    }
    if let Some(fault) = unclosed_string(error, source, file) {
        return fault;
    }
    if error.description() == "missing escaped value" {
        return Diagnostic::error(place, "this `\\` begins no escape")
            .with_help("for a backslash itself write `\\\\`, or put the text in '…', where it needs none");
    }
    let mut fault = Diagnostic::error(place, error.description().to_owned());
    if let Some(expected) = error.expected().filter(|expected| !expected.is_empty()) {
        fault = fault.with_label(format!("expected {}", format_expected(expected)));
    }
    match error.context().map(|context| ByteRange::new(context.start(), context.end())) {
        Some(context) if error.description() == "duplicate key" || context.end + 200 < start => {
            fault.with_related(FilePlace { file, start: context.start, end: context.end }, "it begins here")
        }
        _ => fault,
    }
}

/// The diagnostic of a string that is never closed, at its opening: the parser has its end, which may be far
/// away.
fn unclosed_string(error: &ParseError, source: &str, file: u32) -> Option<Diagnostic> {
    let [Expected::Literal(quote @ ("\"" | "'"))] = error.expected()? else { return None };
    let (string, end) = (error.context()?, error.unexpected()?.start());
    let opening = source.get(string.start()..)?;
    let length = if opening.starts_with(&quote.repeat(3)) { 3 } else { 1 };
    let sign = opening.get(..length).filter(|sign| sign.starts_with(quote))?;
    if end != string.end() {
        return None;
    }
    let place = ByteRange::new(string.start(), string.start() + length);
    let place = FilePlace { file, start: place.start, end: place.end };
    let fault = Diagnostic::error(place, format!("this {} is never closed", quoted(sign)));
    let line = "a string of more than one line stands in three quotes, and closes with them";
    Some(if length == 1 { fault.with_help(format!("close it in its line; {line}")) } else { fault })
}

fn format_expected(expected: &[Expected]) -> String {
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
