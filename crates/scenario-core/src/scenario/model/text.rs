//! The texts of a scenario: as programs and servers get them, as they may be shown, and with gaps where
//! a value goes that is captured in the run.

use std::borrow::Cow;

use crate::scenario::vars::template;
use crate::scenario::vars::template::{Part, escaped, escaped_before_variable};
use scenario_log::captured::Captures;
use scenario_log::event::REDACTED;

/// A string value with variables put in: as programs and servers get it, and as it may be shown.
///
/// Where a `${name}` stands for a value that is captured in the run, both forms have a gap, until it is
/// [filled](Text::filled). Only the texts of fetches, `send` and `mark` have any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    plain: String,
    shown: Option<String>,
    gaps: Vec<Gap>,
}

/// Where a captured value goes, in bytes of the two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gap {
    plain: usize,
    shown: usize,
    name: String,
}

impl Text {
    /// A text without secrets.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Text {
        Text { plain: text.into(), ..Text::default() }
    }

    /// A text that may be shown only as `shown`.
    #[must_use]
    pub fn secret(plain: impl Into<String>, shown: impl Into<String>) -> Text {
        Text { plain: plain.into(), shown: Some(shown.into()), gaps: Vec::new() }
    }

    /// Nothing but the captured value of this name.
    #[must_use]
    pub fn captured(name: &str) -> Text {
        Text { gaps: vec![Gap { plain: 0, shown: 0, name: name.to_owned() }], ..Text::default() }
    }

    /// What programs and servers get. Never log or show it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.plain
    }

    /// What may be logged and shown.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.plain)
    }

    /// Whether the two differ.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.shown.is_some()
    }

    /// The names of the captured values that go into it.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.gaps.iter().map(|gap| &*gap.name)
    }

    /// Where those go, in bytes of what programs and servers get.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = usize> {
        self.gaps.iter().map(|gap| gap.plain)
    }

    /// Goes on with another text.
    pub fn push(&mut self, other: &Text) {
        let (plain, shown) = (self.plain.len(), self.shown().len());
        if other.is_secret() && self.shown.is_none() {
            self.shown = Some(self.plain.clone());
        }
        if let Some(own) = &mut self.shown {
            own.push_str(other.shown());
        }
        self.plain.push_str(&other.plain);
        self.gaps.extend(other.gaps.iter().map(|gap| Gap {
            plain: gap.plain + plain,
            shown: gap.shown + shown,
            name: gap.name.clone(),
        }));
    }

    /// Goes on with a part that is no secret.
    pub(crate) fn push_str(&mut self, part: &str) {
        if let Some(shown) = &mut self.shown {
            shown.push_str(part);
        }
        self.plain.push_str(part);
    }

    /// The same with the captured values in it, each as `encode` makes it. What has not been captured
    /// stays a gap.
    #[must_use]
    pub fn filled(&self, captures: &Captures, encode: impl Fn(&str) -> String) -> Text {
        let mut filled = Text::default();
        for (plain, shown, gap) in self.segments() {
            filled.push(&segment(plain, shown));
            match gap.map(|name| (name, captures.get(name))) {
                Some((_, Some(captured))) if captured.secret => {
                    filled.push(&Text::secret(encode(&captured.value), captured.shown()));
                }
                Some((_, Some(captured))) => filled.push_str(&encode(&captured.value)),
                Some((name, None)) => filled.push(&Text::captured(name)),
                None => {}
            }
        }
        filled
    }

    /// What may be shown, with `${name}` in the gaps.
    #[must_use]
    pub fn written(&self) -> Cow<'_, str> {
        if self.gaps.is_empty() {
            return Cow::Borrowed(self.shown());
        }
        let parts = self.segments().map(|(_, shown, gap)| match gap {
            Some(name) => format!("{shown}${{{name}}}"),
            None => shown.to_owned(),
        });
        Cow::Owned(parts.collect())
    }

    /// What may be shown, as a template that reads back as this text.
    pub(crate) fn template(&self) -> String {
        self.as_template(|(_, shown, gap)| (shown, gap))
    }

    /// What programs and servers get, as such a template.
    pub(crate) fn plain_template(&self) -> String {
        self.as_template(|(plain, _, gap)| (plain, gap))
    }

    fn as_template<'t>(&'t self, form: impl Fn(Segment<'t>) -> (&'t str, Option<&'t str>)) -> String {
        let parts = self.segments().map(form).map(|(text, gap)| match gap {
            Some(name) => format!("{}${{{name}}}", escaped_before_variable(text)),
            None => escaped(text),
        });
        parts.collect()
    }

    /// The text of two templates, as they are and as they are shown, whose variables are captured values.
    pub(crate) fn of_templates(plain: &str, shown: &str) -> Text {
        let read = |template: &str| {
            let mut text = Text::default();
            for part in template::parts(template) {
                match part {
                    Part::Literal(literal) => text.push_str(literal),
                    Part::Variable { name, .. } => text.push(&Text::captured(name)),
                    Part::Unclosed(at) => text.push_str(&template[at]),
                }
            }
            text
        };
        let (text, seen) = (read(plain), read(shown));
        if text == seen {
            return text;
        }
        let gaps = text.gaps.into_iter().zip(&seen.gaps);
        let gaps = gaps.map(|(gap, seen)| Gap { shown: seen.plain, ..gap }).collect();
        Text { plain: text.plain, shown: Some(seen.plain), gaps }
    }

    /// The same, of which nothing may be shown but what is captured.
    #[must_use]
    pub fn redacted(&self) -> Text {
        if self.gaps.is_empty() {
            return Text::secret(&*self.plain, REDACTED);
        }
        let mut redacted = Text::default();
        for (plain, _, gap) in self.segments() {
            if !plain.is_empty() {
                redacted.push(&Text::secret(plain, REDACTED));
            }
            gap.iter().for_each(|name| redacted.push(&Text::captured(name)));
        }
        redacted
    }

    /// The same with `[redacted]` in the place of some bytes of what is shown, which hold no gap.
    pub(crate) fn hiding(mut self, hidden: std::ops::Range<usize>) -> Text {
        let mut shown = self.shown().to_owned();
        shown.replace_range(hidden.clone(), REDACTED);
        for gap in self.gaps.iter_mut().filter(|gap| gap.shown >= hidden.end) {
            gap.shown = gap.shown + REDACTED.len() - hidden.len();
        }
        Text { shown: Some(shown), ..self }
    }

    /// The parts between the gaps, in both forms, and the name of the gap behind each.
    fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let end = Gap { plain: self.plain.len(), shown: self.shown().len(), name: String::new() };
        let starts = std::iter::once((0, 0)).chain(self.gaps.iter().map(|gap| (gap.plain, gap.shown)));
        let ends = self.gaps.iter().map(|gap| (gap.plain, gap.shown, Some(&*gap.name)));
        let ends = ends.chain(std::iter::once((end.plain, end.shown, None)));
        starts.zip(ends).map(|(from, to)| (&self.plain[from.0..to.0], &self.shown()[from.1..to.1], to.2))
    }
}

/// A part of a text as it is and as it is shown, and the name of the gap behind it.
type Segment<'t> = (&'t str, &'t str, Option<&'t str>);

fn segment(plain: &str, shown: &str) -> Text {
    if plain == shown { Text::plain(plain) } else { Text::secret(plain, shown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::captured::Captured;

    fn captures(values: &[(&str, &str, bool)]) -> Captures {
        let captured = |(name, value, secret): &(&str, &str, bool)| {
            let captured = Captured { name: (*name).to_owned(), value: (*value).to_owned(), secret: *secret };
            ((*name).to_owned(), captured)
        };
        values.iter().map(captured).collect()
    }

    /// `a${x}SECRET$${y}${y}`
    fn text() -> Text {
        let mut text = Text::plain("a");
        text.push(&Text::captured("x"));
        text.push(&Text::secret("SECRET", REDACTED));
        text.push_str("${y}");
        text.push(&Text::captured("y"));
        text
    }

    #[test]
    fn gaps_are_filled_and_shown() {
        let text = text();
        assert_eq!(text.wanted().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(text.written(), "a${x}[redacted]${y}${y}");
        assert_eq!(text.template(), "a${x}[redacted]$${y}${y}");
        assert_eq!(Text::of_templates(&text.plain_template(), &text.template()), text);
        let filled = text.filled(&captures(&[("x", "1 2", false), ("y", "hidden", true)]), |value| {
            value.replace(' ', "+")
        });
        assert_eq!(filled, Text::secret("a1+2SECRET${y}hidden", "a1+2[redacted]${y}[redacted]"));
        let half = text.filled(&captures(&[("y", "${x}", false)]), str::to_owned);
        assert_eq!(half.written(), "a${x}[redacted]${y}${x}");
        assert_eq!(half.wanted().collect::<Vec<_>>(), ["x"], "a value is no template");
    }

    #[test]
    fn a_dollar_before_a_gap_stays_one() {
        let mut text = Text::plain("costs $$");
        text.push(&Text::captured("x"));
        assert_eq!(text.template(), "costs ${$}${$}${x}");
        assert_eq!(Text::of_templates(&text.plain_template(), &text.template()), text);
    }

    #[test]
    fn what_is_hidden_keeps_its_gaps() {
        assert_eq!(text().redacted().template(), "[redacted]${x}[redacted]${y}");
        assert_eq!(Text::captured("x").redacted(), Text::captured("x"));
        assert_eq!(Text::plain("").redacted(), Text::secret("", REDACTED));
        let mut url = Text::plain("u:p@h/");
        url.push(&Text::captured("x"));
        let hidden = url.hiding(2..3);
        assert_eq!((hidden.written().as_ref(), hidden.reveal()), ("u:[redacted]@h/${x}", "u:p@h/"));
    }
}
