//! How a connection of a link ended.

use crate::time::Span;

/// Why a connection of a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkEnd {
    /// Both sides have closed it.
    Ended,
    /// A side reset it.
    Reset,
    /// No connection to `to` could be made.
    Unreachable,
    /// An entry reset it.
    Fault,
    /// As many bytes have passed as the `limit` of the link.
    Limit,
}

impl LinkEnd {
    /// All of them, in the order of the schema.
    pub const ALL: [LinkEnd; 5] =
        [LinkEnd::Ended, LinkEnd::Reset, LinkEnd::Unreachable, LinkEnd::Fault, LinkEnd::Limit];

    /// The name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LinkEnd::Ended => "ended",
            LinkEnd::Reset => "reset",
            LinkEnd::Unreachable => "unreachable",
            LinkEnd::Fault => "fault",
            LinkEnd::Limit => "limit",
        }
    }

    /// The end with this name in the log; `None` if there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<LinkEnd> {
        LinkEnd::ALL.into_iter().find(|end| end.name() == name)
    }
}

/// The end of a connection of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkClosing {
    /// Why it ended.
    pub why: LinkEnd,
    /// The bytes that were passed on towards `to`.
    pub bytes_to: u64,
    /// The bytes that were passed back from `to`.
    pub bytes_from: u64,
    /// The time from its start to its end, by the machine's clock.
    pub took: Span,
    /// The reason in words, if it is not in `why`.
    pub error: Option<String>,
}
