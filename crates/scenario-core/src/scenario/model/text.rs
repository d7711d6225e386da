//! The texts of a scenario. Each has a real form, for programs and servers, a form that may be shown, and
//! gaps for values that are captured during the run.

use std::borrow::Cow;

use crate::diagnostic::FilePlace;
use crate::scenario::vars::template;
use crate::scenario::vars::template::{TemplatePart, escape, escape_before_variable};
use scenario_log::captured_value::CapturedValues;
use scenario_log::event::REDACTED;

/// A string with its variables replaced: its real form, for programs and servers, and the form that may be
/// shown.
///
/// Where a `${name}` stands for a value that is captured during the run, both forms have a gap until it is
/// [filled](ScenarioText::with_captures). Only the texts of fetches, `send` and `mark` have gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScenarioText {
    plain: String,
    display: Option<String>,
    gaps: Vec<TextGap>,
}

/// The position of a captured value, in bytes of the two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TextGap {
    plain_at: usize,
    display_at: usize,
    name: String,
    place: GapPlace,
}

/// The place of a `${…}` in its file, for messages: no text differs from another by it.
#[derive(Clone, Copy, Debug, Default)]
struct GapPlace(Option<FilePlace>);

impl PartialEq for GapPlace {
    fn eq(&self, _: &GapPlace) -> bool {
        true
    }
}

impl Eq for GapPlace {}

impl ScenarioText {
    /// A text without secrets.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> ScenarioText {
        ScenarioText { plain: text.into(), ..ScenarioText::default() }
    }

    /// A text that may be shown only as `shown`.
    #[must_use]
    pub fn secret(plain: impl Into<String>, shown: impl Into<String>) -> ScenarioText {
        ScenarioText { plain: plain.into(), display: Some(shown.into()), gaps: Vec::new() }
    }

    /// A text that is nothing but the captured value of this name, or a value that a request gets when it
    /// starts.
    #[must_use]
    pub fn capture_gap(name: &str) -> ScenarioText {
        ScenarioText {
            gaps: vec![TextGap { plain_at: 0, display_at: 0, name: name.to_owned(), place: GapPlace(None) }],
            ..ScenarioText::default()
        }
    }

    /// The names in the gaps, each with its place in a file, if that is known.
    pub(crate) fn gap_places(&self) -> impl Iterator<Item = (&str, Option<FilePlace>)> {
        self.gaps.iter().map(|gap| (&*gap.name, gap.place.0))
    }

    /// Sets the places of the gaps, in order.
    pub(crate) fn set_gap_places(&mut self, places: &[FilePlace]) {
        self.gaps.iter_mut().zip(places).for_each(|(gap, place)| gap.place = GapPlace(Some(*place)));
    }

    /// Notes the bytes of a template that the gaps stand for, until their file is [known](Self::locate_gaps).
    pub(crate) fn set_gap_place(&mut self, template: std::ops::Range<usize>) {
        let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let place = FilePlace { file: 0, start: byte(template.start), end: byte(template.end) };
        self.gaps.iter_mut().for_each(|gap| gap.place = GapPlace(Some(place)));
    }

    /// Turns the bytes of a template into places of its file.
    pub(crate) fn locate_gaps(&mut self, place: impl Fn(std::ops::Range<usize>) -> FilePlace) {
        for gap in &mut self.gaps {
            gap.place = GapPlace(gap.place.0.map(|at| place(at.start as usize..at.end as usize)));
        }
    }

    /// The real form, for programs and servers. It must never be logged or shown.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.plain
    }

    /// The form that may be logged and shown.
    #[must_use]
    pub fn display_text(&self) -> &str {
        self.display.as_deref().unwrap_or(&self.plain)
    }

    /// Whether the two forms differ.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.display.is_some()
    }

    /// The names of the captured values in its gaps.
    pub fn capture_names(&self) -> impl Iterator<Item = &str> {
        self.gaps.iter().map(|gap| &*gap.name)
    }

    /// The positions of the gaps, in bytes of the real form.
    pub(crate) fn gap_positions(&self) -> impl Iterator<Item = usize> {
        self.gaps.iter().map(|gap| gap.plain_at)
    }

    /// Appends another text.
    pub fn push(&mut self, other: &ScenarioText) {
        let (plain, shown) = (self.plain.len(), self.display_text().len());
        if other.is_secret() && self.display.is_none() {
            self.display = Some(self.plain.clone());
        }
        if let Some(own) = &mut self.display {
            own.push_str(other.display_text());
        }
        self.plain.push_str(&other.plain);
        self.gaps.extend(other.gaps.iter().map(|gap| TextGap {
            plain_at: gap.plain_at + plain,
            display_at: gap.display_at + shown,
            ..gap.clone()
        }));
    }

    /// The text with a public part before the byte `at` of both forms, which are the same up to there.
    pub(crate) fn with_inserted(mut self, at: usize, part: &str) -> ScenarioText {
        self.plain.insert_str(at, part);
        if let Some(shown) = &mut self.display {
            shown.insert_str(at, part);
        }
        for gap in self.gaps.iter_mut().filter(|gap| gap.plain_at >= at) {
            gap.plain_at += part.len();
            gap.display_at += part.len();
        }
        self
    }

    /// Appends a part that is not a secret.
    pub(crate) fn push_str(&mut self, part: &str) {
        if let Some(shown) = &mut self.display {
            shown.push_str(part);
        }
        self.plain.push_str(part);
    }

    /// The text with the captured values in its gaps, each encoded by `encode`. A value that has not been
    /// captured stays a gap.
    #[must_use]
    pub fn with_captures(&self, captures: &CapturedValues, encode: impl Fn(&str) -> String) -> ScenarioText {
        let mut filled = ScenarioText::default();
        for (plain, shown, gap) in self.segments() {
            filled.push(&plain_or_secret(plain, shown));
            match gap.map(|name| (name, captures.get(name))) {
                Some((_, Some(captured))) if captured.secret => {
                    filled.push(&ScenarioText::secret(encode(&captured.value), captured.display_value()));
                }
                Some((_, Some(captured))) => filled.push_str(&encode(&captured.value)),
                Some((name, None)) => filled.push(&ScenarioText::capture_gap(name)),
                None => {}
            }
        }
        filled
    }

    /// The form that may be shown, with `${name}` in the gaps.
    #[must_use]
    pub fn display_with_gaps(&self) -> Cow<'_, str> {
        if self.gaps.is_empty() {
            return Cow::Borrowed(self.display_text());
        }
        let parts = self.segments().map(|(_, shown, gap)| match gap {
            Some(name) => format!("{shown}${{{name}}}"),
            None => shown.to_owned(),
        });
        Cow::Owned(parts.collect())
    }

    /// The form that may be shown, as a template that reads back as this text.
    pub(crate) fn to_display_template(&self) -> String {
        self.render_template(|(_, shown, gap)| (shown, gap))
    }

    /// The real form, as a template that reads back as this text.
    pub(crate) fn to_plain_template(&self) -> String {
        self.render_template(|(plain, _, gap)| (plain, gap))
    }

    fn render_template<'t>(&'t self, form: impl Fn(TextSegment<'t>) -> (&'t str, Option<&'t str>)) -> String {
        let parts = self.segments().map(form).map(|(text, gap)| match gap {
            Some(name) => format!("{}${{{name}}}", escape_before_variable(text)),
            None => escape(text),
        });
        parts.collect()
    }

    /// The text of two templates, one for each form, whose variables are captured values.
    pub(crate) fn from_templates(plain: &str, shown: &str) -> ScenarioText {
        let read = |template: &str| {
            let mut text = ScenarioText::default();
            for part in template::parse_template(template) {
                match part {
                    TemplatePart::Literal(literal) => text.push_str(literal),
                    TemplatePart::Variable { name, .. } => text.push(&ScenarioText::capture_gap(name)),
                    TemplatePart::Unclosed(at) => text.push_str(&template[at]),
                }
            }
            text
        };
        let (text, seen) = (read(plain), read(shown));
        if text == seen {
            return text;
        }
        let gaps = text.gaps.into_iter().zip(&seen.gaps);
        let gaps = gaps.map(|(gap, seen)| TextGap { display_at: seen.plain_at, ..gap }).collect();
        ScenarioText { plain: text.plain, display: Some(seen.plain), gaps }
    }

    /// The text as a secret: nothing of it may be shown but its captured values.
    #[must_use]
    pub fn redacted(&self) -> ScenarioText {
        if self.gaps.is_empty() {
            return ScenarioText::secret(&*self.plain, REDACTED);
        }
        let mut redacted = ScenarioText::default();
        for (plain, _, gap) in self.segments() {
            if !plain.is_empty() {
                redacted.push(&ScenarioText::secret(plain, REDACTED));
            }
            gap.iter().for_each(|name| redacted.push(&ScenarioText::capture_gap(name)));
        }
        redacted.gaps.iter_mut().zip(&self.gaps).for_each(|(gap, own)| gap.place = own.place);
        redacted
    }

    /// The text with `[redacted]` instead of these bytes of the form that may be shown. They must not hold
    /// a gap.
    pub(crate) fn with_redacted(mut self, hidden: std::ops::Range<usize>) -> ScenarioText {
        let mut shown = self.display_text().to_owned();
        shown.replace_range(hidden.clone(), REDACTED);
        for gap in self.gaps.iter_mut().filter(|gap| gap.display_at >= hidden.end) {
            gap.display_at = gap.display_at + REDACTED.len() - hidden.len();
        }
        ScenarioText { display: Some(shown), ..self }
    }

    /// The parts between the gaps in both forms, each with the name of the gap after it.
    fn segments(&self) -> impl Iterator<Item = TextSegment<'_>> {
        let end = TextGap {
            plain_at: self.plain.len(),
            display_at: self.display_text().len(),
            name: String::new(),
            place: GapPlace(None),
        };
        let starts =
            std::iter::once((0, 0)).chain(self.gaps.iter().map(|gap| (gap.plain_at, gap.display_at)));
        let ends = self.gaps.iter().map(|gap| (gap.plain_at, gap.display_at, Some(&*gap.name)));
        let ends = ends.chain(std::iter::once((end.plain_at, end.display_at, None)));
        starts
            .zip(ends)
            .map(|(from, to)| (&self.plain[from.0..to.0], &self.display_text()[from.1..to.1], to.2))
    }
}

/// A part of a text: its real form, its shown form, and the name of the gap after it.
type TextSegment<'t> = (&'t str, &'t str, Option<&'t str>);

fn plain_or_secret(plain: &str, shown: &str) -> ScenarioText {
    if plain == shown { ScenarioText::plain(plain) } else { ScenarioText::secret(plain, shown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::captured_value::CapturedValue;

    fn captures(values: &[(&str, &str, bool)]) -> CapturedValues {
        let captured = |(name, value, secret): &(&str, &str, bool)| {
            let captured =
                CapturedValue { name: (*name).to_owned(), value: (*value).to_owned(), secret: *secret };
            ((*name).to_owned(), captured)
        };
        values.iter().map(captured).collect()
    }

    /// `a${x}SECRET$${y}${y}`
    fn text() -> ScenarioText {
        let mut text = ScenarioText::plain("a");
        text.push(&ScenarioText::capture_gap("x"));
        text.push(&ScenarioText::secret("SECRET", REDACTED));
        text.push_str("${y}");
        text.push(&ScenarioText::capture_gap("y"));
        text
    }

    #[test]
    fn gaps_are_filled_and_shown() {
        let text = text();
        assert_eq!(text.capture_names().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(text.display_with_gaps(), "a${x}[redacted]${y}${y}");
        assert_eq!(text.to_display_template(), "a${x}[redacted]$${y}${y}");
        assert_eq!(
            ScenarioText::from_templates(&text.to_plain_template(), &text.to_display_template()),
            text
        );
        let filled = text.with_captures(&captures(&[("x", "1 2", false), ("y", "hidden", true)]), |value| {
            value.replace(' ', "+")
        });
        assert_eq!(filled, ScenarioText::secret("a1+2SECRET${y}hidden", "a1+2[redacted]${y}[redacted]"));
        let half = text.with_captures(&captures(&[("y", "${x}", false)]), str::to_owned);
        assert_eq!(half.display_with_gaps(), "a${x}[redacted]${y}${x}");
        assert_eq!(half.capture_names().collect::<Vec<_>>(), ["x"], "a value is no template");
    }

    #[test]
    fn a_dollar_before_a_gap_stays_one() {
        let mut text = ScenarioText::plain("costs $$");
        text.push(&ScenarioText::capture_gap("x"));
        assert_eq!(text.to_display_template(), "costs ${$}${$}${x}");
        assert_eq!(
            ScenarioText::from_templates(&text.to_plain_template(), &text.to_display_template()),
            text
        );
    }

    #[test]
    fn what_is_hidden_keeps_its_gaps() {
        assert_eq!(text().redacted().to_display_template(), "[redacted]${x}[redacted]${y}");
        assert_eq!(ScenarioText::capture_gap("x").redacted(), ScenarioText::capture_gap("x"));
        assert_eq!(ScenarioText::plain("").redacted(), ScenarioText::secret("", REDACTED));
        let mut url = ScenarioText::plain("u:p@h/");
        url.push(&ScenarioText::capture_gap("x"));
        let hidden = url.with_redacted(2..3);
        assert_eq!((hidden.display_with_gaps().as_ref(), hidden.reveal()), ("u:[redacted]@h/${x}", "u:p@h/"));
    }
}
