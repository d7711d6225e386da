//! The events of links in words, for the screen, the marks of the report and the live page.

use crate::report::format::format_span;
use crate::report::units::format_bytes;
use scenario_core::scenario::model::describe_faults;
use scenario_log::event::{Event, LinkEnd};

/// The faults that a change of a link leaves, in words; `all is well again` if there are none. `None` of any other
/// event.
pub(crate) fn change_words(event: &Event<'_>) -> Option<String> {
    let Event::LinkChanged { latency, bandwidth, cut, limit, slice, refuse, reset, undone, .. } = *event
    else {
        return None;
    };
    let words = describe_faults([latency, bandwidth, cut, limit, slice], (refuse, reset));
    Some(match (words.is_empty(), undone) {
        (true, _) => "all is well again".to_owned(),
        (false, true) => format!("still {words}"),
        (false, false) => words,
    })
}

/// A connection of a link that came or ended, in words; `None` of any other event.
#[expect(clippy::wildcard_enum_match_arm, reason = "these events alone are about connections")]
pub(crate) fn connection_words(event: &Event<'_>) -> Option<String> {
    match *event {
        Event::LinkOpened { connection, .. } => Some(format!("connection {connection}")),
        Event::LinkClosed { connection, why, bytes_to, bytes_from, took, error, .. } => {
            let how = match why {
                LinkEnd::Ended => "ended",
                LinkEnd::Reset => "was reset",
                LinkEnd::Unreachable => "could not be passed on",
                LinkEnd::Fault => "was reset by an entry",
                LinkEnd::Limit => "reached the limit",
            };
            let error = error.map(|error| format!(": {error}")).unwrap_or_default();
            let (to, from) = (format_bytes(bytes_to), format_bytes(bytes_from));
            let took = format_span(took);
            Some(format!("connection {connection} {how}{error}, {to} to, {from} from, in {took}"))
        }
        _ => None,
    }
}
