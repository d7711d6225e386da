//! Renders diagnostics: for people, in the style of rustc, and for programs, as JSON.
//!
//! No raw text reaches the terminal: control characters and bidirectional marks of the file are shown by
//! visible substitutes. Only the lines around a place are read, however large the file is.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use scenario_core::diagnostic::{Diagnostic, FilePlace, LineColumn, Severity, SourceFile, SourceFiles};
use scenario_log::sanitize::{ends_like_ci_command, is_unsafe_char, sanitize, sanitize_json, sanitize_lines};

/// The most diagnostics that are rendered for people.
const MAX_SHOWN: usize = 100;
/// A line up to this many characters is shown whole.
const MAX_LINE_CHARS: usize = 400;
/// Of a longer line, this many characters before and after the place are shown.
const CONTEXT_CHARS: usize = 60;

/// Diagnostics as text for a terminal; ends with a newline if there are any.
#[must_use]
pub fn render_text(sources: &SourceFiles, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        out.push_str(&renderer.render(&build_groups(sources, diagnostic)));
        out.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        let title = Level::ERROR.primary_title(format!("{more} more are not shown"));
        out.push_str(&renderer.render(&[Group::with_title(title)]));
        out.push_str("\n\n");
    }
    out
}

/// One diagnostic with its snippets and its help texts.
fn build_groups<'a>(sources: &'a SourceFiles, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(sanitize_lines(&diagnostic.message)));
    for element in build_snippets(sources, diagnostic) {
        group = group.element(element);
    }
    let mut groups = vec![group];
    for help in &diagnostic.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(sanitize_lines(help))));
    }
    groups
}

/// The source lines of a diagnostic's places, the primary place first.
fn build_snippets<'a>(sources: &'a SourceFiles, diagnostic: &'a Diagnostic) -> Vec<Element<'a>> {
    let primary = diagnostic.place.map(|place| (place, AnnotationKind::Primary, diagnostic.label.as_deref()));
    let related = diagnostic
        .related
        .iter()
        .map(|related| (related.place, AnnotationKind::Context, Some(related.message.as_str())));
    let mut windows: Vec<SnippetWindow<'a>> = Vec::new();
    for (place, kind, label) in primary.into_iter().chain(related) {
        let Some(file) = sources.get(place.file) else { continue };
        let mark = SnippetMark::new(file, place, kind, label);
        match windows.iter_mut().find(|window| window.can_hold(place.file, &mark)) {
            Some(window) => window.add(mark),
            None => windows.push(SnippetWindow {
                file,
                index: place.file,
                first: mark.line,
                last: mark.line,
                marks: vec![mark],
            }),
        }
    }
    windows.iter().flat_map(SnippetWindow::elements).collect()
}

/// A place, as far as it is on its first line.
struct SnippetMark<'a> {
    line: usize,
    range: Range<usize>,
    kind: AnnotationKind,
    label: Option<&'a str>,
}

impl<'a> SnippetMark<'a> {
    fn new(
        file: &SourceFile,
        place: FilePlace,
        kind: AnnotationKind,
        label: Option<&'a str>,
    ) -> SnippetMark<'a> {
        let start = file.floor_char_boundary(place.start as usize);
        let line = file.line_column(place.start).line - 1;
        let end = file.floor_char_boundary(place.end as usize).min(file.line_end(line)).max(start);
        SnippetMark { line, range: start..end, kind, label }
    }
}

/// Neighbouring lines of a file, with the places on them.
struct SnippetWindow<'a> {
    file: &'a SourceFile,
    index: u32,
    first: usize,
    last: usize,
    marks: Vec<SnippetMark<'a>>,
}

impl<'a> SnippetWindow<'a> {
    /// How many lines may be between two places of one window.
    const MAX_GAP_LINES: usize = 30;

    fn can_hold(&self, file: u32, mark: &SnippetMark<'_>) -> bool {
        let near =
            mark.line + Self::MAX_GAP_LINES >= self.first && mark.line <= self.last + Self::MAX_GAP_LINES;
        self.index == file && near && !self.is_wide(mark.line.min(self.first), mark.line.max(self.last))
    }

    /// Whether a line is too long to be shown whole.
    fn is_wide(&self, first: usize, last: usize) -> bool {
        (first..=last).any(|line| self.file.line_end(line) - self.file.line_start(line) > MAX_LINE_CHARS)
    }

    fn add(&mut self, mark: SnippetMark<'a>) {
        self.first = self.first.min(mark.line);
        self.last = self.last.max(mark.line);
        self.marks.push(mark);
    }

    fn elements(&self) -> Vec<Element<'a>> {
        let Some(main) = self.marks.first() else { return Vec::new() };
        let wide = self.is_wide(self.first, self.last);
        let (from, to) = if wide {
            self.clip_around(&main.range)
        } else {
            (self.file.line_start(self.first), self.file.line_end(self.last))
        };
        let shown = SanitizedSource::new(&self.file.text[from..to]);
        let name = sanitize(&self.file.name);
        let mut snippet = Snippet::source(shown.text.clone()).line_start(self.first + 1).fold(true);
        for mark in &self.marks {
            let clip = |at: usize| shown.offset(at.clamp(from, to) - from);
            let annotation = mark.kind.span(clip(mark.range.start)..clip(mark.range.end));
            snippet = snippet.annotation(match mark.label {
                Some(label) => annotation.label(sanitize_lines(label)),
                None => annotation,
            });
        }
        if !wide {
            return vec![snippet.path(name).into()];
        }
        let start = u32::try_from(main.range.start).unwrap_or(u32::MAX);
        let LineColumn { line, column } = self.file.line_column(start);
        vec![Origin::path(name).line(line).char_column(column).into(), snippet.into()]
    }

    /// The part of a long line around a place.
    fn clip_around(&self, range: &Range<usize>) -> (usize, usize) {
        let line_start = self.file.line_start(self.first);
        let line_end = self.file.line_end(self.first);
        let from = self.file.floor_char_boundary(range.start.saturating_sub(CONTEXT_CHARS)).max(line_start);
        let to = range.end.min(range.start + CONTEXT_CHARS) + CONTEXT_CHARS;
        (from, self.file.floor_char_boundary(to).min(line_end).max(from))
    }
}

/// Source text as it may be shown: one visible character for each hidden one.
struct SanitizedSource {
    text: String,
    /// Where offsets shift: the offset in the source after a replaced character, and that in the text.
    shifts: Vec<(usize, usize)>,
}

impl SanitizedSource {
    fn new(source: &str) -> SanitizedSource {
        let mut shown = SanitizedSource { text: String::with_capacity(source.len()), shifts: Vec::new() };
        for (at, c) in source.char_indices() {
            let is_command = c == '[' && ends_like_ci_command(&shown.text);
            if c == '\t' || c == '\n' || !is_unsafe_char(c) && !is_command {
                shown.text.push(c);
                continue;
            }
            shown.text.push(match u32::from(c) {
                code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
                0x7f => '\u{2421}',
                _ => '\u{fffd}',
            });
            shown.shifts.push((at + c.len_utf8(), shown.text.len()));
        }
        shown
    }

    fn offset(&self, source: usize) -> usize {
        let before = self.shifts.partition_point(|(at, _)| *at <= source);
        match before.checked_sub(1).and_then(|index| self.shifts.get(index)) {
            Some((at, offset)) => offset + (source - at),
            None => source,
        }
    }
}

/// Diagnostics as one line of JSON about one scenario file:
///
/// ```json
/// {"file":"a.toml","valid":false,"diagnostics":[{"severity":"error","message":"…","label":"…",
///  "file":"a.toml","line":3,"column":1,"end_line":3,"end_column":6,
///  "related":[{"message":"…","file":"…","line":1,"column":1,"end_line":1,"end_column":2}],"help":["…"]}]}
/// ```
///
/// Lines and columns count from 1, columns in characters; the end is exclusive. A diagnostic without a
/// place has none of the keys from `file` to `end_column`; `label` is left out if there is none. `file` is
/// the scenario's path as it was given; a diagnostic may be in a file that the scenario includes.
#[must_use]
pub fn render_json(file: &str, sources: &SourceFiles, diagnostics: &[Diagnostic]) -> String {
    let valid = diagnostics.iter().all(|one| one.severity == Severity::Warning);
    let all: Vec<String> = diagnostics.iter().map(|one| diagnostic_json(sources, one)).collect();
    let diagnostics = all.join(",");
    sanitize_json(&format!(
        "{{\"file\":{},\"valid\":{valid},\"diagnostics\":[{diagnostics}]}}",
        json_string(&sanitize(file))
    ))
}

fn diagnostic_json(sources: &SourceFiles, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("{{\"severity\":\"{severity}\",\"message\":{}", json_string(&diagnostic.message));
    if let Some(label) = &diagnostic.label {
        out.push_str(&format!(",\"label\":{}", json_string(label)));
    }
    if let Some(place) = diagnostic.place {
        out.push_str(&place_json(sources, place));
    }
    let related = diagnostic.related.iter().map(|related| {
        format!("{{\"message\":{}{}}}", json_string(&related.message), place_json(sources, related.place))
    });
    let help = diagnostic.help.iter().map(|help| json_string(help));
    out.push_str(&format!(
        ",\"related\":[{}],\"help\":[{}]}}",
        related.collect::<Vec<_>>().join(","),
        help.collect::<Vec<_>>().join(",")
    ));
    out
}

fn place_json(sources: &SourceFiles, place: FilePlace) -> String {
    let Some(file) = sources.get(place.file) else { return String::new() };
    let (start, end) = (file.line_column(place.start), file.line_column(place.end.max(place.start)));
    format!(
        ",\"file\":{},\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}",
        json_string(&sanitize(&file.name)),
        start.line,
        start.column,
        end.line,
        end.column
    )
}

/// A text in JSON's quotes. Characters that act on a terminal are escaped as well.
fn json_string(text: &str) -> String {
    serde_json::Value::from(&*sanitize_lines(text)).to_string()
}
