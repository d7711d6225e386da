//! Diagnostics for people, in rustc's own look, and for programs, as JSON.
//!
//! Nothing raw reaches the terminal: control characters and bidirectional marks of the file are shown
//! as what they are. Only the lines around a place are looked at, however large the file is.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use scenario_core::diagnostic::{Diagnostic, Place, Position, Severity, SourceFile, Sources};
use scenario_log::sanitize::{acts, visible_lines};

/// The most diagnostics that are rendered for people.
const MOST: usize = 100;
/// A line up to this many characters is shown whole.
const LONGEST_LINE: usize = 400;
/// Of a longer line, so many characters around the place.
const AROUND: usize = 60;

/// Diagnostics as text for a terminal; ends with a newline if there are any.
#[must_use]
pub fn human(sources: &Sources, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MOST) {
        out.push_str(&renderer.render(&report(sources, diagnostic)));
        out.push_str("\n\n");
    }
    if let Some(more) = diagnostics.len().checked_sub(MOST).filter(|more| *more > 0) {
        let title = Level::ERROR.primary_title(format!("{more} more are not shown"));
        out.push_str(&renderer.render(&[Group::with_title(title)]));
        out.push_str("\n\n");
    }
    out
}

/// One diagnostic with its snippets and its helps.
fn report<'a>(sources: &'a Sources, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(visible_lines(&diagnostic.message)));
    for element in snippets(sources, diagnostic) {
        group = group.element(element);
    }
    let mut groups = vec![group];
    for help in &diagnostic.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(visible_lines(help))));
    }
    groups
}

/// The lines of a diagnostic's places, the primary one first.
fn snippets<'a>(sources: &'a Sources, diagnostic: &'a Diagnostic) -> Vec<Element<'a>> {
    let primary = diagnostic.place.map(|place| (place, AnnotationKind::Primary, diagnostic.label.as_deref()));
    let related = diagnostic
        .related
        .iter()
        .map(|related| (related.place, AnnotationKind::Context, Some(related.message.as_str())));
    let mut windows: Vec<Window<'a>> = Vec::new();
    for (place, kind, label) in primary.into_iter().chain(related) {
        let Some(file) = sources.get(place.file) else { continue };
        let mark = Mark::new(file, place, kind, label);
        match windows.iter_mut().find(|window| window.takes(place.file, &mark)) {
            Some(window) => window.add(mark),
            None => windows.push(Window {
                file,
                index: place.file,
                first: mark.line,
                last: mark.line,
                marks: vec![mark],
            }),
        }
    }
    windows.iter().flat_map(Window::elements).collect()
}

/// A place, on its first line.
struct Mark<'a> {
    line: usize,
    range: Range<usize>,
    kind: AnnotationKind,
    label: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn new(file: &SourceFile, place: Place, kind: AnnotationKind, label: Option<&'a str>) -> Mark<'a> {
        let start = file.floor(place.start as usize);
        let line = file.position(place.start).line - 1;
        let end = file.floor(place.end as usize).min(file.line_end(line)).max(start);
        Mark { line, range: start..end, kind, label }
    }
}

/// Neighbouring lines of a file, with the places on them.
struct Window<'a> {
    file: &'a SourceFile,
    index: u32,
    first: usize,
    last: usize,
    marks: Vec<Mark<'a>>,
}

impl<'a> Window<'a> {
    /// How many lines may lie between two places of one window.
    const NEAR: usize = 30;

    fn takes(&self, file: u32, mark: &Mark<'_>) -> bool {
        let near = mark.line + Self::NEAR >= self.first && mark.line <= self.last + Self::NEAR;
        self.index == file && near && !self.is_wide(mark.line.min(self.first), mark.line.max(self.last))
    }

    /// Whether the lines are too long to be shown whole.
    fn is_wide(&self, first: usize, last: usize) -> bool {
        (first..=last).any(|line| self.file.line_end(line) - self.file.line_start(line) > LONGEST_LINE)
    }

    fn add(&mut self, mark: Mark<'a>) {
        self.first = self.first.min(mark.line);
        self.last = self.last.max(mark.line);
        self.marks.push(mark);
    }

    fn elements(&self) -> Vec<Element<'a>> {
        let Some(main) = self.marks.first() else { return Vec::new() };
        let wide = self.is_wide(self.first, self.last);
        let (from, to) = if wide {
            self.part(&main.range)
        } else {
            (self.file.line_start(self.first), self.file.line_end(self.last))
        };
        let shown = Shown::new(&self.file.text[from..to]);
        let name = visible_lines(&self.file.name);
        let mut snippet = Snippet::source(shown.text.clone()).line_start(self.first + 1).fold(true);
        for mark in &self.marks {
            let clip = |at: usize| shown.offset(at.clamp(from, to) - from);
            let annotation = mark.kind.span(clip(mark.range.start)..clip(mark.range.end));
            snippet = snippet.annotation(match mark.label {
                Some(label) => annotation.label(visible_lines(label)),
                None => annotation,
            });
        }
        if !wide {
            return vec![snippet.path(name).into()];
        }
        let start = u32::try_from(main.range.start).unwrap_or(u32::MAX);
        let Position { line, column } = self.file.position(start);
        vec![Origin::path(name).line(line).char_column(column).into(), snippet.into()]
    }

    /// The part of a long line around a place.
    fn part(&self, range: &Range<usize>) -> (usize, usize) {
        let line_start = self.file.line_start(self.first);
        let line_end = self.file.line_end(self.first);
        let from = self.file.floor(range.start.saturating_sub(AROUND)).max(line_start);
        let to = range.end.min(range.start + AROUND) + AROUND;
        (from, self.file.floor(to).min(line_end).max(from))
    }
}

/// Source text as it may be shown: one visible character for each hidden one.
struct Shown {
    text: String,
    /// Where offsets shift: the offset in the source behind a replaced character, and in the text.
    shifts: Vec<(usize, usize)>,
}

impl Shown {
    fn new(source: &str) -> Shown {
        let mut shown = Shown { text: String::with_capacity(source.len()), shifts: Vec::new() };
        for (at, c) in source.char_indices() {
            if c == '\t' || c == '\n' || !acts(c) {
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
/// Lines and columns count from 1, columns in characters, the end is excluded. A diagnostic without
/// a place has no `file` to `end_column`; `label` is left out where there is none. `file` is the
/// scenario's path as it was given; a diagnostic may be in a file that it includes.
#[must_use]
pub fn json(file: &str, sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let valid = diagnostics.iter().all(|one| one.severity == Severity::Warning);
    let all: Vec<String> = diagnostics.iter().map(|one| json_one(sources, one)).collect();
    format!("{{\"file\":{},\"valid\":{valid},\"diagnostics\":[{}]}}", text(file), all.join(","))
}

fn json_one(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("{{\"severity\":\"{severity}\",\"message\":{}", text(&diagnostic.message));
    if let Some(label) = &diagnostic.label {
        out.push_str(&format!(",\"label\":{}", text(label)));
    }
    if let Some(place) = diagnostic.place {
        out.push_str(&json_place(sources, place));
    }
    let related = diagnostic.related.iter().map(|related| {
        format!("{{\"message\":{}{}}}", text(&related.message), json_place(sources, related.place))
    });
    let help = diagnostic.help.iter().map(|help| text(help));
    out.push_str(&format!(
        ",\"related\":[{}],\"help\":[{}]}}",
        related.collect::<Vec<_>>().join(","),
        help.collect::<Vec<_>>().join(",")
    ));
    out
}

fn json_place(sources: &Sources, place: Place) -> String {
    let Some(file) = sources.get(place.file) else { return String::new() };
    let (start, end) = (file.position(place.start), file.position(place.end.max(place.start)));
    format!(
        ",\"file\":{},\"line\":{},\"column\":{},\"end_line\":{},\"end_column\":{}",
        text(&file.name),
        start.line,
        start.column,
        end.line,
        end.column
    )
}

/// A text in JSON's quotes; what a terminal would act on is escaped as well.
fn text(text: &str) -> String {
    serde_json::Value::from(&*visible_lines(text)).to_string()
}
