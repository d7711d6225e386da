//! What must hold of a run, and how it is said.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::Place;
use crate::scenario::schema::numbers;
use crate::scenario::schema::times::human;
use scenario_log::event_kind::EventKind;
use scenario_log::time::Span;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Unique among expectations.
    pub name: String,
    /// What is looked at.
    pub of: Watched,
    /// What must hold of it.
    pub rule: Rule,
    /// It must not.
    pub never: bool,
    /// The run ends as soon as it can no longer hold.
    pub abort: bool,
    /// Its header or its braces.
    pub place: Place,
}

/// Which events are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// What of them.
    pub what: Subject,
    /// Which cell, where a cell is looked at.
    pub cell: Option<String>,
    /// Only those of this name.
    pub within: Option<Within>,
    /// Only those with these values, by key.
    pub values: Vec<(String, Wanted)>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// That events of this kind come.
    Event(EventKind),
    /// A value of each event that has one.
    Measure(Measure),
    /// What a shared cell holds when the run ends.
    Shared,
}

impl Subject {
    /// As the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Subject::Event(kind) => kind.name(),
            Subject::Measure(measure) => measure.name(),
            Subject::Shared => "shared",
        }
    }
}

/// A value that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
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

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 6] = [
        Measure::FetchTook,
        Measure::FetchFirstByte,
        Measure::FetchBytes,
        Measure::SpawnTook,
        Measure::Lateness,
        Measure::RunTook,
    ];

    /// As the file has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Measure::FetchTook => "fetch.took",
            Measure::FetchFirstByte => "fetch.first_byte",
            Measure::FetchBytes => "fetch.bytes",
            Measure::SpawnTook => "spawn.took",
            Measure::Lateness => "lateness",
            Measure::RunTook => "run.took",
        }
    }

    /// The kind of event that has it; `None` for those of many kinds.
    #[must_use]
    pub fn event(self) -> Option<EventKind> {
        match self {
            Measure::FetchTook | Measure::FetchFirstByte | Measure::FetchBytes => {
                EventKind::from_name("fetch.finished")
            }
            Measure::SpawnTook => EventKind::from_name("spawn.exited"),
            Measure::Lateness | Measure::RunTook => None,
        }
    }
}

/// The presets, fetch jobs and entries of one name, as indices into the scenario's lists. There is at
/// least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
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
pub enum Wanted {
    /// A text that this valid regular expression matches somewhere.
    Text(String),
    /// This number.
    Number(i64),
    /// This boolean.
    Boolean(bool),
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// A figure of all that is looked at, held to a limit.
    Figure(Figure),
    /// Each event comes behind one of those.
    Order(Box<Order>),
}

/// A figure, held to a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Which figure.
    pub stat: Stat,
    /// How it stands to the limit.
    pub holds: Comparison,
    /// The limit.
    pub limit: Limit,
}

/// What events must come behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Those before.
    pub follows: Watched,
    /// At most so long behind the last of them.
    pub within: Option<Span>,
}

/// A figure that is made of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
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

impl Stat {
    /// All that have a name of their own.
    pub const NAMED: [(&'static str, Stat); 7] = [
        ("count", Stat::Count),
        ("rate", Stat::Rate),
        ("sum", Stat::Sum),
        ("min", Stat::Min),
        ("mean", Stat::Mean),
        ("max", Stat::Max),
        ("value", Stat::Value),
    ];

    /// The one of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Stat> {
        if let Some((_, stat)) = Stat::NAMED.iter().find(|(own, _)| *own == name) {
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
        (thousandths > 0).then_some(Stat::Percentile(thousandths))
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stat::Percentile(thousandths) => {
                let (whole, part) = (thousandths / 1_000, format!("{:03}", thousandths % 1_000));
                let part = part.trim_end_matches('0');
                write!(f, "p{whole}{}{part}", if part.is_empty() { "" } else { "." })
            }
            named => {
                let name = Stat::NAMED.iter().find(|(_, stat)| stat == named);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// How a figure stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
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

impl Comparison {
    /// As the file has it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Comparison::Below => "below",
            Comparison::AtMost => "at_most",
            Comparison::Equals => "equals",
            Comparison::AtLeast => "at_least",
            Comparison::Above => "above",
        }
    }

    /// As it is said.
    fn words(self) -> &'static str {
        match self {
            Comparison::Below => "below",
            Comparison::AtMost => "at most",
            Comparison::Equals => "exactly",
            Comparison::AtLeast => "at least",
            Comparison::Above => "above",
        }
    }

    /// Whether it holds of a figure that stands so to the limit.
    #[must_use]
    pub fn holds(self, figure_to_limit: Ordering) -> bool {
        match self {
            Comparison::Below => figure_to_limit.is_lt(),
            Comparison::AtMost => figure_to_limit.is_le(),
            Comparison::Equals => figure_to_limit.is_eq(),
            Comparison::AtLeast => figure_to_limit.is_ge(),
            Comparison::Above => figure_to_limit.is_gt(),
        }
    }
}

/// A limit, in the unit of its figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
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

impl fmt::Display for Limit {
    /// As a file has it and a person reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Count(count) => write!(f, "{count}"),
            Limit::Span(span) => f.write_str(&human(*span)),
            Limit::Bytes(bytes) => {
                let decimal = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
                let fits = |unit: u64| *bytes >= unit && bytes.is_multiple_of(unit);
                match (numbers::written(*bytes), decimal.iter().find(|(unit, _)| fits(*unit))) {
                    (binary, _) if binary.ends_with('B') => f.write_str(&binary),
                    (_, Some((unit, name))) => write!(f, "{}{name}", bytes / unit),
                    (plain, None) => write!(f, "{plain}B"),
                }
            }
            Limit::Rate(rate) => write!(f, "{rate}/s"),
            Limit::Value(value) => write!(f, "{value}"),
        }
    }
}

impl Expectation {
    /// What is wanted, without of what.
    #[must_use]
    pub fn wanted(&self) -> String {
        let never = if self.never { "never " } else { "" };
        match &self.rule {
            Rule::Figure(_) if self.is_never_alone() => "never".to_owned(),
            Rule::Figure(figure) => format!("{never}{figure}"),
            Rule::Order(order) => format!("{never}{order}"),
        }
    }

    /// What it is called where the file has no name for it.
    #[must_use]
    pub fn default_name(of: &Watched, rule: &Rule, never: bool) -> String {
        let named = Expectation {
            name: String::new(),
            of: of.clone(),
            rule: rule.clone(),
            never,
            abort: false,
            place: Place::default(),
        };
        format!("{of}: {}", named.wanted())
    }

    /// Whether it says no more than that such events never come.
    #[must_use]
    pub fn is_never_alone(&self) -> bool {
        self.never && self.rule == Rule::Figure(Figure::HAPPENS)
    }
}

impl Figure {
    /// That there is one at least: what `never` alone turns round.
    pub const HAPPENS: Figure =
        Figure { stat: Stat::Count, holds: Comparison::AtLeast, limit: Limit::Count(1) };
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stat {
            // What the limit says already.
            Stat::Count | Stat::Rate | Stat::Value => {}
            stat => write!(f, "{stat} ")?,
        }
        write!(f, "{} {}", self.holds.words(), self.limit)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "behind {}", self.follows)?;
        match self.within {
            Some(within) => write!(f, ", within {}", human(within)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what.name())?;
        if let Some(cell) = &self.cell {
            write!(f, ".{cell}")?;
        }
        if let Some(within) = &self.within {
            write!(f, " in {}", within.name)?;
        }
        for (n, (key, wanted)) in self.values.iter().enumerate() {
            let link = if n == 0 { " where" } else { " and" };
            match wanted {
                Wanted::Text(regex) => write!(f, "{link} {key} = '{regex}'")?,
                Wanted::Number(number) => write!(f, "{link} {key} = {number}")?,
                Wanted::Boolean(value) => write!(f, "{link} {key} = {value}")?,
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
            assert_eq!(Stat::from_name(name).map(|stat| stat.to_string()).as_deref(), Some(name));
        }
        assert_eq!(Stat::from_name("p99.90"), Some(Stat::Percentile(99_900)));
        for wrong in ["p", "p100", "p0", "p0.000", "p.5", "p5.", "p99.9999", "p-1", "p+1", "95", "median"] {
            assert_eq!(Stat::from_name(wrong), None, "{wrong}");
        }
    }
}
