//! Spans and sizes as text: the longest exact unit first, in a form that a scenario file reads back.
//! Reading them is `schema`'s.

use scenario_log::time::{NANOS_PER_SECOND, Span};

/// The units of a size, in bytes. The decimal and the binary ones are those of IEC 80000-13.
pub(crate) const SIZE_UNITS: [(&str, u64); 11] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A span as `1m 30s`. Days stay days: [`Span::format_human`] turns 30.44 of them into a month, and a
/// month in a file is most often a mistake for a minute.
pub(crate) fn format_span(span: Span) -> String {
    const DAY: u64 = 24 * 3600 * NANOS_PER_SECOND;
    let (days, rest) = (span.0 / DAY, Span(span.0 % DAY));
    match (days, rest) {
        (0, rest) => rest.format_human(),
        (days, Span::ZERO) => format!("{days}d"),
        (days, rest) => format!("{days}d {}", rest.format_human()),
    }
}

/// A size in the largest binary unit that is exact: `64KiB`. Without such a unit, the bare number of bytes.
pub(crate) fn format_size(bytes: u64) -> String {
    let binary = SIZE_UNITS.iter().rev().filter(|(name, _)| name.contains('i'));
    binary
        .into_iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}
