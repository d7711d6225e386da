//! The terminal's lines of links: connections that come and end, and faults that come and go.

use crate::report::link_words::{change_words, connection_words};
use crate::terminal::event_lines::{BAD, DIM, GOOD, LineRenderer, WARN};
use scenario_log::event::{Event, LinkEnd};
use scenario_log::sanitize::push_sanitized;
use scenario_log::time::Moment;

impl LineRenderer {
    /// Appends the line of a connection that comes or ends, or of a change.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller passes these events alone")]
    pub(super) fn push_link_event(&self, out: &mut String, t: Moment, event: &Event<'_>) {
        let (link, who, style) = match *event {
            Event::LinkClosed { link, why, .. } if why != LinkEnd::Ended => (link, WARN, None),
            Event::LinkOpened { link, .. } | Event::LinkClosed { link, .. } => (link, DIM, None),
            Event::LinkChanged { link, latency, bandwidth, cut, limit, slice, refuse, reset, .. } => {
                let has_text = [latency, bandwidth, cut, limit, slice].iter().any(Option::is_some);
                let style = if has_text || refuse || reset { BAD } else { GOOD };
                (link, WARN, Some(style))
            }
            _ => return,
        };
        let words = change_words(event).or_else(|| connection_words(event)).unwrap_or_default();
        self.push_line(out, t, "link", who, |out| {
            push_sanitized(out, link);
            out.push_str(": ");
            match style {
                Some(style) => self.push_styled(out, style, |out| push_sanitized(out, &words)),
                None => push_sanitized(out, &words),
            }
        });
    }
}
