//! Annotations as commands for GitHub's runner: lines that begin with `::`, from which GitHub makes notes
//! at places of files. Makes text, and prints none itself.
//!
//! The form is that of "Workflow commands for GitHub Actions": `%`, CR and LF are percent-encoded
//! everywhere, `:` and `,` also in the properties before the message.

use std::fmt::Write;

use scenario_core::diagnostic::{Diagnostic, FilePlace, LineColumn, Severity, SourceFiles};
use scenario_log::sanitize::sanitize_lines;

/// GitHub shows this many errors and this many warnings of one step.
const MAX_SHOWN: usize = 10;

/// An annotation at a place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubAnnotation {
    /// Error or warning.
    pub severity: Severity,
    /// The place; none if it belongs to no file.
    pub place: Option<FilePlace>,
    /// A few words.
    pub title: String,
    /// The message.
    pub message: String,
}

impl GitHubAnnotation {
    /// An error at a place.
    #[must_use]
    pub fn error(place: FilePlace, title: &str, message: impl Into<String>) -> GitHubAnnotation {
        let (title, message) = (title.to_owned(), message.into());
        GitHubAnnotation { severity: Severity::Error, place: Some(place), title, message }
    }

    /// The annotation for a diagnostic.
    #[must_use]
    pub fn from_diagnostic(diagnostic: &Diagnostic) -> GitHubAnnotation {
        let title = match diagnostic.severity {
            Severity::Error => "invalid scenario",
            Severity::Warning => "possibly unintended",
        };
        let mut message = diagnostic.message.clone();
        if let Some(label) = &diagnostic.label {
            message = format!("{message} ({label})");
        }
        for help in &diagnostic.help {
            message = format!("{message}\nhelp: {help}");
        }
        let Diagnostic { severity, place, .. } = *diagnostic;
        GitHubAnnotation { severity, place, title: title.to_owned(), message }
    }
}

/// The commands for these annotations. `path` maps a file to its path in the repository; none if it is not
/// in the repository. If there are more than GitHub shows, the last one gives the number of the others.
#[must_use]
pub fn render_commands(
    annotations: &[GitHubAnnotation],
    sources: &SourceFiles,
    path: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut out = String::new();
    for severity in [Severity::Error, Severity::Warning] {
        let all: Vec<_> = annotations.iter().filter(|one| one.severity == severity).collect();
        let shown = if all.len() > MAX_SHOWN { MAX_SHOWN - 1 } else { all.len() };
        for annotation in &all[..shown] {
            let file = annotation.place.and_then(|place| Some((sources.get(place.file)?, place)));
            let at = file.and_then(|(file, place)| Some((path(&file.name)?, file.line_column(place.start))));
            push_command(&mut out, severity, at, &annotation.title, &annotation.message);
        }
        if shown < all.len() {
            let more = format!("{} more are in the output of this step", all.len() - shown);
            push_command(&mut out, severity, None, "and more", &more);
        }
    }
    out
}

/// Appends one command. Characters that act on a terminal are sanitized.
pub fn push_command(
    out: &mut String,
    severity: Severity,
    at: Option<(String, LineColumn)>,
    title: &str,
    message: &str,
) {
    out.push_str(match severity {
        Severity::Error => "::error ",
        Severity::Warning => "::warning ",
    });
    if let Some((file, LineColumn { line, column })) = at {
        out.push_str("file=");
        push_encoded(out, &file, true);
        let written = write!(out, ",line={line},col={column},");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    out.push_str("title=");
    push_encoded(out, title, true);
    out.push_str("::");
    push_encoded(out, message, false);
    out.push('\n');
}

fn push_encoded(out: &mut String, text: &str, is_property: bool) {
    for c in sanitize_lines(text).chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            ':' if is_property => out.push_str("%3A"),
            ',' if is_property => out.push_str("%2C"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::diagnostic::SourceFile;

    fn error(place: Option<FilePlace>, title: &str, message: &str) -> GitHubAnnotation {
        GitHubAnnotation {
            severity: Severity::Error,
            place,
            title: title.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn no_text_ends_its_command_or_begins_another() {
        let mut sources = SourceFiles::default();
        sources.add(SourceFile::new("a,b:c%.toml", "x\n  é y"));
        let place = Some(FilePlace { file: 0, start: 6, end: 7 });
        let message = "100%\r\n::error::owned, :\u{1b}]52;";
        let shown =
            render_commands(&[error(place, "a::b,\nc", message)], &sources, &|name| Some(name.to_owned()));
        assert_eq!(
            shown,
            "::error file=a%2Cb%3Ac%25.toml,line=2,col=4,title=a%3A%3Ab%2C%0Ac::100%25\\r%0A\\x3a:error::owned, :\\x1b]52;\n"
        );
        let nowhere = render_commands(&[error(place, "a", "b")], &sources, &|_| None);
        assert_eq!(nowhere, "::error title=a::b\n");
    }

    #[test]
    fn of_more_than_are_shown_the_last_says_how_many() {
        let all = |count: usize| vec![error(None, "a", "b"); count];
        let count = |count| render_commands(&all(count), &SourceFiles::default(), &|_| None).lines().count();
        assert_eq!([0, 1, 10, 11, 500].map(count), [0, 1, 10, 10, 10]);
        let last = render_commands(&all(12), &SourceFiles::default(), &|_| None);
        assert!(last.ends_with("::error title=and more::3 more are in the output of this step\n"));
    }
}
