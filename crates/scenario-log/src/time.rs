//! A point in time ([`Moment`]) and a length of time ([`Span`]). They are two types, so that the compiler
//! tells them apart. Both are whole nanoseconds in a `u64`, which holds 584 years.
//!
//! Nothing here reads a clock.

use std::fmt;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The longest duration that a scenario may have: 365 days. Sums of a few million of them are checked
/// where they are made.
pub const MAX_SPAN: Span = Span(365 * 24 * 3600 * NANOS_PER_SECOND);

/// A point in time: nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Moment {
    /// The start of the run.
    pub const ZERO: Moment = Moment(0);

    /// The moment `span` later; `None` past the end of time (584 years).
    #[must_use]
    pub fn checked_add(self, span: Span) -> Option<Moment> {
        self.0.checked_add(span.0).map(Moment)
    }

    /// The moment `span` later, or the end of time (584 years). It is for waits that a run never reaches.
    #[must_use]
    pub fn saturating_add(self, span: Span) -> Moment {
        Moment(self.0.saturating_add(span.0))
    }

    /// The time from `earlier` to this moment; zero if this moment is before `earlier`.
    #[must_use]
    pub fn since(self, earlier: Moment) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Span {
        Span(seconds * NANOS_PER_SECOND)
    }

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Span {
        Span(milliseconds * 1_000_000)
    }

    /// The span as the standard library's type.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0)
    }

    /// The span of the standard library's type. A duration that does not fit becomes 584 years.
    #[must_use]
    pub fn from_std(duration: std::time::Duration) -> Span {
        Span(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The sum of two spans; `None` past 584 years.
    #[must_use]
    pub fn checked_add(self, other: Span) -> Option<Span> {
        self.0.checked_add(other.0).map(Span)
    }

    /// The span multiplied by `times`; `None` past 584 years.
    #[must_use]
    pub fn checked_mul(self, times: u64) -> Option<Span> {
        self.0.checked_mul(times).map(Span)
    }

    /// The form that people write and a scenario file accepts: `1m 30s`, `800ms`.
    #[must_use]
    pub fn format_human(self) -> String {
        humantime::format_duration(self.to_std()).to_string()
    }
}

/// Writes nanoseconds as seconds with exactly nine decimals, the log's form of every time.
fn write_seconds(f: &mut fmt::Formatter<'_>, nanoseconds: u64) -> fmt::Result {
    write!(f, "{}.{:09}", nanoseconds / NANOS_PER_SECOND, nanoseconds % NANOS_PER_SECOND)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(f, self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_nine_decimals() {
        assert_eq!(Moment(0).to_string(), "0.000000000");
        assert_eq!(Moment(12_345_678_901).to_string(), "12.345678901");
        assert_eq!(Span::from_millis(5).to_string(), "0.005000000");
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Moment(u64::MAX).checked_add(Span(1)), None);
        assert_eq!(Moment(5).since(Moment(9)), Span::ZERO);
        assert_eq!(MAX_SPAN.checked_mul(1_000), None);
    }

    #[test]
    fn a_span_is_written_as_a_scenario_reads_it() {
        let span = Span::from_millis(90_800);
        assert_eq!(span.format_human(), "1m 30s 800ms");
        assert_eq!(humantime::parse_duration(&span.format_human()), Ok(span.to_std()));
    }
}
