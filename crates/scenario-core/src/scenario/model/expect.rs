//! What must hold of a run, and how it is said.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::FilePlace;
use crate::scenario::format::{format_size, format_span};
use scenario_log::event_kind::EventKind;
use scenario_log::time::Span;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Unique among expectations.
    pub name: String,
    /// What is looked at.
    pub target: ExpectationTarget,
    /// What must hold of it.
    pub rule: ExpectationRule,
    /// It must not.
    pub never: bool,
    /// The run ends as soon as it can no longer hold.
    pub abort: bool,
    /// Its header or its braces.
    pub place: FilePlace,
}

/// Which events are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectationTarget {
    /// What of them.
    pub subject: ExpectationSubject,
    /// Which cell, where a cell is looked at.
    pub cell: Option<String>,
    /// Only those of this name.
    pub scope: Option<ExpectationScope>,
    /// Only those with these values, by key.
    pub key_matchers: Vec<(String, KeyMatcher)>,
}

impl ExpectationTarget {
    /// The subject as the file's `of` has it: `fetch.took`, `shared.NAME`.
    #[must_use]
    pub fn subject_name(&self) -> String {
        let cell = self.cell.iter().map(|cell| format!(".{cell}"));
        std::iter::once(self.subject.name().to_owned()).chain(cell).collect()
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectationSubject {
    /// That events of this kind come.
    Event(EventKind),
    /// A value of each event that has one.
    Measure(MeasuredQuantity),
    /// What a shared cell holds when the run ends.
    Shared,
}

impl ExpectationSubject {
    /// As the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExpectationSubject::Event(kind) => kind.name(),
            ExpectationSubject::Measure(measure) => measure.name(),
            ExpectationSubject::Shared => "shared",
        }
    }
}

/// A value that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredQuantity {
    /// From a request's start to its answer's end.
    FetchTook,
    /// From a request written to the head of its answer.
    FetchFirstByte,
    /// The size of an answer's body.
    FetchBytes,
    /// From a spawn's start to its end.
    SpawnTook,
    /// From the planned moment of an event to its own.
    Lateness,
    /// From the start of the run to its end.
    RunTook,
}

impl MeasuredQuantity {
    /// All of them.
    pub const ALL: [MeasuredQuantity; 6] = [
        MeasuredQuantity::FetchTook,
        MeasuredQuantity::FetchFirstByte,
        MeasuredQuantity::FetchBytes,
        MeasuredQuantity::SpawnTook,
        MeasuredQuantity::Lateness,
        MeasuredQuantity::RunTook,
    ];

    /// As the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MeasuredQuantity::FetchTook => "fetch.took",
            MeasuredQuantity::FetchFirstByte => "fetch.first_byte",
            MeasuredQuantity::FetchBytes => "fetch.bytes",
            MeasuredQuantity::SpawnTook => "spawn.took",
            MeasuredQuantity::Lateness => "lateness",
            MeasuredQuantity::RunTook => "run.took",
        }
    }

    /// The kind of event that has it; `None` for those of many kinds.
    #[must_use]
    pub fn event_kind(self) -> Option<EventKind> {
        match self {
            MeasuredQuantity::FetchTook | MeasuredQuantity::FetchFirstByte | MeasuredQuantity::FetchBytes => {
                EventKind::from_name("fetch.finished")
            }
            MeasuredQuantity::SpawnTook => EventKind::from_name("spawn.exited"),
            MeasuredQuantity::Lateness | MeasuredQuantity::RunTook => None,
        }
    }
}

/// The presets, fetch jobs and entries of one name, as indices into the scenario's lists. There is at
/// least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationScope {
    /// The name.
    pub name: String,
    /// The preset.
    pub preset: Option<usize>,
    /// The fetch job.
    pub fetch: Option<usize>,
    /// The entry.
    pub entry: Option<usize>,
}

/// What a key's value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMatcher {
    /// A text that this valid regular expression matches somewhere.
    Regex(String),
    /// This number.
    Number(i64),
    /// This boolean.
    Boolean(bool),
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectationRule {
    /// A figure of all that is looked at, held to a limit.
    Threshold(StatThreshold),
    /// Each event comes behind one of those.
    Order(Box<OrderRule>),
}

/// A figure, held to a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatThreshold {
    /// Which figure.
    pub stat: Statistic,
    /// How it stands to the limit.
    pub comparison: LimitComparison,
    /// The limit.
    pub limit: LimitValue,
}

/// What events must come behind.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRule {
    /// Those before.
    pub follows: ExpectationTarget,
    /// At most so long behind the last of them.
    pub within: Option<Span>,
}

/// A figure that is made of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// How many.
    Count,
    /// How many in a second of the run.
    Rate,
    /// Their sum.
    Sum,
    /// The least.
    Min,
    /// The arithmetic mean.
    Mean,
    /// The greatest.
    Max,
    /// The value of the nearest rank: the least that this part of all, in thousandths of a per cent,
    /// is not above.
    Percentile(u32),
    /// The one value.
    Value,
}

impl Statistic {
    /// All that have a name of their own.
    pub const NAMED: [(&'static str, Statistic); 7] = [
        ("count", Statistic::Count),
        ("rate", Statistic::Rate),
        ("sum", Statistic::Sum),
        ("min", Statistic::Min),
        ("mean", Statistic::Mean),
        ("max", Statistic::Max),
        ("value", Statistic::Value),
    ];

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Statistic> {
        if let Some((_, stat)) = Statistic::NAMED.iter().find(|(own, _)| *own == name) {
            return Some(*stat);
        }
        let (whole, part) = match name.strip_prefix('p')?.split_once('.') {
            Some((whole, part)) if (1..=3).contains(&part.len()) => (whole, part),
            Some(_) => return None,
            None => (&name[1..], ""),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !(1..=2).contains(&whole.len()) || !are_digits(whole) || !are_digits(part) {
            return None;
        }
        let thousandths: u32 = format!("{whole}{part:0<3}").parse().ok()?;
        (thousandths > 0).then_some(Statistic::Percentile(thousandths))
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statistic::Percentile(thousandths) => {
                let (whole, part) = (thousandths / 1_000, format!("{:03}", thousandths % 1_000));
                let part = part.trim_end_matches('0');
                write!(f, "p{whole}{}{part}", if part.is_empty() { "" } else { "." })
            }
            named => {
                let name = Statistic::NAMED.iter().find(|(_, stat)| stat == named);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// How a figure stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitComparison {
    /// Less.
    Below,
    /// Not more.
    AtMost,
    /// The same.
    Equals,
    /// Not less.
    AtLeast,
    /// More.
    Above,
}

impl LimitComparison {
    /// As the file has it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            LimitComparison::Below => "below",
            LimitComparison::AtMost => "at_most",
            LimitComparison::Equals => "equals",
            LimitComparison::AtLeast => "at_least",
            LimitComparison::Above => "above",
        }
    }

    /// As it is said.
    fn label(self) -> &'static str {
        match self {
            LimitComparison::Below => "below",
            LimitComparison::AtMost => "at most",
            LimitComparison::Equals => "exactly",
            LimitComparison::AtLeast => "at least",
            LimitComparison::Above => "above",
        }
    }

    /// Whether it holds of a figure that stands so to the limit.
    #[must_use]
    pub fn holds(self, figure_to_limit: Ordering) -> bool {
        match self {
            LimitComparison::Below => figure_to_limit.is_lt(),
            LimitComparison::AtMost => figure_to_limit.is_le(),
            LimitComparison::Equals => figure_to_limit.is_eq(),
            LimitComparison::AtLeast => figure_to_limit.is_ge(),
            LimitComparison::Above => figure_to_limit.is_gt(),
        }
    }
}

/// A limit, in the unit of its figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitValue {
    /// So many.
    Count(u64),
    /// So long.
    Span(Span),
    /// So many bytes.
    Bytes(u64),
    /// So many a second; finite and not negative.
    Rate(f64),
    /// What a cell holds.
    Value(i64),
}

impl fmt::Display for LimitValue {
    /// As a file has it and a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitValue::Count(count) => write!(f, "{count}"),
            LimitValue::Span(span) => f.write_str(&format_span(*span)),
            LimitValue::Bytes(bytes) => {
                let decimal = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
                let fits = |unit: u64| *bytes >= unit && bytes.is_multiple_of(unit);
                match (format_size(*bytes), decimal.iter().find(|(unit, _)| fits(*unit))) {
                    (binary, _) if binary.ends_with('B') => f.write_str(&binary),
                    (_, Some((unit, name))) => write!(f, "{}{name}", bytes / unit),
                    (plain, None) => write!(f, "{plain}B"),
                }
            }
            LimitValue::Rate(rate) => write!(f, "{rate}/s"),
            LimitValue::Value(value) => write!(f, "{value}"),
        }
    }
}

impl Expectation {
    /// What is wanted, without of what.
    #[must_use]
    pub fn requirement(&self) -> String {
        let never = if self.never { "never " } else { "" };
        match &self.rule {
            ExpectationRule::Threshold(_) if self.is_plain_never() => "never".to_owned(),
            ExpectationRule::Threshold(figure) => format!("{never}{figure}"),
            ExpectationRule::Order(order) => format!("{never}{order}"),
        }
    }

    /// What it is called where the file has no name for it.
    #[must_use]
    pub fn default_name(of: &ExpectationTarget, rule: &ExpectationRule, never: bool) -> String {
        let named = Expectation {
            name: String::new(),
            target: of.clone(),
            rule: rule.clone(),
            never,
            abort: false,
            place: FilePlace::default(),
        };
        format!("{of}: {}", named.requirement())
    }

    /// Whether it says no more than that such events never come.
    #[must_use]
    pub fn is_plain_never(&self) -> bool {
        self.never && self.rule == ExpectationRule::Threshold(StatThreshold::AT_LEAST_ONE)
    }
}

impl StatThreshold {
    /// That there is one at least: what `never` alone turns round.
    pub const AT_LEAST_ONE: StatThreshold = StatThreshold {
        stat: Statistic::Count,
        comparison: LimitComparison::AtLeast,
        limit: LimitValue::Count(1),
    };
}

impl fmt::Display for StatThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stat {
            // What the limit says already.
            Statistic::Count | Statistic::Rate | Statistic::Value => {}
            stat => write!(f, "{stat} ")?,
        }
        write!(f, "{} {}", self.comparison.label(), self.limit)
    }
}

impl fmt::Display for OrderRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "behind {}", self.follows)?;
        match self.within {
            Some(within) => write!(f, ", within {}", format_span(within)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ExpectationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject_name())?;
        if let Some(within) = &self.scope {
            write!(f, " in {}", within.name)?;
        }
        for (n, (key, wanted)) in self.key_matchers.iter().enumerate() {
            let link = if n == 0 { " where" } else { " and" };
            match wanted {
                KeyMatcher::Regex(regex) => write!(f, "{link} {key} = '{regex}'")?,
                KeyMatcher::Number(number) => write!(f, "{link} {key} = {number}")?,
                KeyMatcher::Boolean(value) => write!(f, "{link} {key} = {value}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_named() {
        for name in ["p50", "p95", "p99.9", "p99.999", "p1", "p0.1"] {
            assert_eq!(Statistic::from_name(name).map(|stat| stat.to_string()).as_deref(), Some(name));
        }
        assert_eq!(Statistic::from_name("p99.90"), Some(Statistic::Percentile(99_900)));
        for wrong in ["p", "p100", "p0", "p0.000", "p.5", "p5.", "p99.9999", "p-1", "p+1", "95", "median"] {
            assert_eq!(Statistic::from_name(wrong), None, "{wrong}");
        }
    }
}
