//! The tables of links. Names are not looked up here.

use crate::scenario::format::format_size;
use crate::scenario::interval::Interval;
use crate::scenario::model::{Link, LinkAction, LinkAddress, LinkCut};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::link_values::Bandwidth;
use crate::scenario::schema::numbers::ByteSize;
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::table::{TableRule, table};

table! {
    /// A link: the runner listens on one address and passes everything on to another one, so that entries can
    /// put faults between two programs.
    RawLink is "a link" from (Link) like "{ listen = \"127.0.0.1:${port:db-link}\", to = \"127.0.0.1:5432\" }" with [
        TableRule::Required("listen", "listen = \"127.0.0.1:${port:link}\""),
        TableRule::Required("to", "to = \"127.0.0.1:5432\""),
    ] {
        /// The address on which the runner listens from the start of the run to its end: `"127.0.0.1:6000"`,
        /// `"[::1]:6000"`, or `"unix:PATH"` for a Unix socket, relative to this file.
        "listen" listen: LinkAddress => |link| &link.listen,
        /// The address to which each connection is passed on, in the same forms. A name is looked up for each
        /// connection.
        "to" to: LinkAddress => |link| &link.to,
    }
}

/// A change of a link, with the link's name.
pub(crate) struct NamedLinkAction<'a> {
    pub(super) name: &'a str,
    pub(super) action: &'a LinkAction,
}

table! {
    /// A change of a link: faults that hold from now on, or for a while.
    RawLinkAction is "`link`" from (NamedLinkAction<'_>) like "{ name = \"db\", cut = \"both\", for = \"3s\" }" with [
        TableRule::Required("name", "name = \"LINK\""),
        TableRule::AnyOf(&["latency", "bandwidth", "cut", "reset", "refuse", "limit", "slice", "heal"]),
        TableRule::NeedsAny("for", &["latency", "bandwidth", "cut", "refuse", "limit", "slice"]),
        TableRule::Excludes("heal", "latency"),
        TableRule::Excludes("heal", "bandwidth"),
        TableRule::Excludes("heal", "cut"),
        TableRule::Excludes("heal", "refuse"),
        TableRule::Excludes("heal", "limit"),
        TableRule::Excludes("heal", "slice"),
    ] {
        /// The name of the link.
        "name" name: PublicString => |of| of.name,
        /// The time that each piece of bytes takes longer, each way: a duration, or an interval that is drawn
        /// from the seed for each piece. The order is kept.
        "latency" latency: Interval => |of| of.action.faults.latency.as_ref(),
        /// The bytes that pass in a second each way, of all connections together, such as `"1MB/s"`.
        "bandwidth" bandwidth: Bandwidth => |of| of.action.faults.bandwidth.map(Bandwidth),
        /// The way in which nothing passes: `"to"` the address `to`, `"from"` it, or `"both"`. Nothing is lost:
        /// what is sent meanwhile passes when the cut is over.
        "cut" cut: LinkCut => |of| of.action.faults.cut,
        /// Whether the connections that are open now are reset, on both sides.
        "reset" reset: bool = false => |of| of.action.reset; UnlessDefault,
        /// Whether new connections are refused. Those that are open stay.
        "refuse" refuse: bool = false => |of| of.action.faults.refuse; UnlessDefault,
        /// The bytes after which a connection is closed, as a size. They are counted from now on, in both
        /// directions together.
        "limit" limit: ByteSize<0> => |of| of.action.faults.limit.map(format_size),
        /// The largest piece that is passed on at once, as a size.
        "slice" slice: ByteSize<1> => |of| of.action.faults.slice.map(format_size),
        /// Whether all faults of the link are taken away, also those whose time is not over.
        "heal" heal: bool = false => |of| of.action.heal; UnlessDefault,
        /// How long the faults hold, as a duration. Default: until a later entry changes them.
        "for" duration: DurationValue<true> => |of| of.action.duration,
    }
}
