//! Diagnostics: the errors and warnings about a scenario's files, with their places. Nothing is printed
//! here.

use std::rc::Rc;

use scenario_log::sanitize::{push_sanitized_char, sanitize};

/// A range in one of the scenario's files, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilePlace {
    /// The index of the file among those that were read; 0 is the scenario itself.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Whether a diagnostic prevents a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario can be run, but may have a mistake.
    Warning,
}

/// Another place that belongs to a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedPlace {
    /// The place.
    pub place: FilePlace,
    /// The text beside the place.
    pub message: String,
}

/// One error or warning, with everything that a person needs to correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether a diagnostic prevents a run.
    pub severity: Severity,
    /// The message, in one line.
    pub message: String,
    /// The place; `None` if it has no place in a file (a file that cannot be read, a `--var`).
    pub place: Option<FilePlace>,
    /// The text beside the underlined place.
    pub label: Option<String>,
    /// Other places, in the order in which they are shown.
    pub related: Vec<RelatedPlace>,
    /// Ways to correct it: each one is a `help:`, which may have several lines.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(place: FilePlace, message: impl Into<String>) -> Diagnostic {
        Diagnostic { place: Some(place), ..Diagnostic::without_place(Severity::Error, message) }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(place: FilePlace, message: impl Into<String>) -> Diagnostic {
        Diagnostic { place: Some(place), ..Diagnostic::without_place(Severity::Warning, message) }
    }

    /// A diagnostic without a place in a file.
    #[must_use]
    pub fn without_place(severity: Severity, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Sets the text beside the underlined place.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn with_related(mut self, place: FilePlace, message: impl Into<String>) -> Diagnostic {
        self.related.push(RelatedPlace { place, message: message.into() });
        self
    }

    /// Adds a way to correct it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }
}

/// A file that was read, as messages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as it is written.
    pub name: String,
    /// The whole text, without a byte order mark; bytes that are not UTF-8 are replaced.
    pub text: Rc<str>,
    /// The start of each line but the first.
    line_starts: Vec<u32>,
}

/// A position for people: both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl SourceFile {
    /// A file with this name and text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<Rc<str>>) -> SourceFile {
        let text = text.into();
        let line_starts = memchr::memchr_iter(b'\n', text.as_bytes())
            .map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX))
            .collect();
        SourceFile { name: name.into(), text, line_starts }
    }

    /// The position of a byte; one inside a character counts as that character.
    #[must_use]
    pub fn line_column(&self, byte: u32) -> LineColumn {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_start(line);
        let end = self.floor_char_boundary(byte as usize).max(start);
        LineColumn { line: line + 1, column: self.text[start..end].chars().count() + 1 }
    }

    /// The first byte of a line, counted from 0.
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        let start = line.checked_sub(1).and_then(|before| self.line_starts.get(before));
        start.map_or(0, |start| *start as usize).min(self.text.len())
    }

    /// One past the last byte of a line, counted from 0, without its line break.
    #[must_use]
    pub fn line_end(&self, line: usize) -> usize {
        match self.line_starts.get(line) {
            Some(next) => {
                let end = *next as usize - 1;
                let crlf = end > self.line_start(line) && self.text.as_bytes()[end - 1] == b'\r';
                end - usize::from(crlf)
            }
            None => self.text.len(),
        }
    }

    /// The number of lines; an empty file has one.
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.line_starts.len() + 1
    }

    /// The nearest character boundary at or before a byte.
    #[must_use]
    pub fn floor_char_boundary(&self, byte: usize) -> usize {
        let mut at = byte.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// The files that were read; [`FilePlace::file`] is an index into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFiles {
    files: Vec<SourceFile>,
}

impl SourceFiles {
    /// Adds a file, and returns its index.
    pub fn add(&mut self, file: SourceFile) -> u32 {
        self.files.push(file);
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file of this index.
    #[must_use]
    pub fn get(&self, file: u32) -> Option<&SourceFile> {
        self.files.get(file as usize)
    }

    /// All files; the first is the scenario itself.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// A place as `FILE:LINE:COLUMN`; the empty text if the file is not among these.
    #[must_use]
    pub fn locate(&self, place: FilePlace) -> String {
        self.get(place.file).map_or_else(String::new, |file| {
            let LineColumn { line, column } = file.line_column(place.start);
            format!("{}:{line}:{column}", sanitize(&file.name))
        })
    }
}

/// The largest number of characters of a foreign text in a message.
const MAX_QUOTE_CHARS: usize = 60;

/// A foreign text for a message: in backquotes, in one line, cut if it is long, with control characters
/// escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quote = String::from("`");
    for (index, c) in text.chars().enumerate() {
        if index == MAX_QUOTE_CHARS {
            quote.push('…');
            break;
        }
        push_sanitized_char(&mut quote, c);
    }
    quote.push('`');
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let file = SourceFile::new("a", "é\tx\r\n日本x\n");
        assert_eq!(file.line_column(3), LineColumn { line: 1, column: 3 });
        assert_eq!(file.line_column(12), LineColumn { line: 2, column: 3 });
        assert_eq!(file.line_column(99), LineColumn { line: 3, column: 1 });
        assert_eq!(&file.text[file.line_start(0)..file.line_end(0)], "é\tx");
        assert_eq!(&file.text[file.line_start(1)..file.line_end(1)], "日本x");
    }

    #[test]
    fn nothing_raw_is_shown() {
        assert_eq!(quoted("a\u{1b}[31m\n"), "`a\\x1b[31m\\n`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), MAX_QUOTE_CHARS + 3);
    }
}
