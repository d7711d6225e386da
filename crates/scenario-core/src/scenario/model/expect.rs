//! The expectations of a run, and their wording.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::FilePlace;
use crate::scenario::format::{format_size, format_span};
use crate::scenario::model::expect_parts::{GroupKey, ObservedPart, RunQuantity};
use crate::scenario::share::Share;
use scenario_log::event_kind::EventKind;
use scenario_log::time::Span;

/// A condition on the events of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Unique among expectations.
    pub name: String,
    /// The events or values that an expectation is about.
    pub target: ExpectationTarget,
    /// The condition on the target.
    pub rule: ExpectationRule,
    /// The events that count, by time, and how they are divided.
    pub part: ObservedPart,
    /// Whether the condition must not hold.
    pub never: bool,
    /// Whether the run ends as soon as the expectation can no longer hold.
    pub abort: bool,
    /// The place of its header or its braces.
    pub place: FilePlace,
}

impl Expectation {
    /// The names to which its events must belong.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &ExpectationScope> {
        let other = self.rule.other_target().and_then(|other| other.scope.as_ref());
        self.target.scope.iter().chain(other)
    }
}

/// The events that an expectation is about.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectationTarget {
    /// The kind of event, or the value of events.
    pub subject: ExpectationSubject,
    /// The name of the cell, where the subject is a cell.
    pub cell: Option<String>,
    /// Only the events that belong to this name; `None`: all.
    pub scope: Option<ExpectationScope>,
    /// Only the events with these values, by key.
    pub key_matchers: Vec<(String, KeyMatcher)>,
}

/// The keys that say which thing an event is about, rather than what came of it.
const IDENTITY_KEYS: [&str; 10] =
    ["source", "preset", "job", "entry", "method", "url", "player", "step", "stream", "name"];

impl ExpectationTarget {
    /// The matchers of a share, and how many of them, the first ones, an event must meet to be counted. It is
    /// part of the share if it meets the others as well. Keys that say which thing an event is about come
    /// first, unless there are no other keys.
    #[must_use]
    pub fn matchers_of_share(&self) -> (Vec<&(String, KeyMatcher)>, usize) {
        let (which, what): (Vec<_>, Vec<_>) =
            self.key_matchers.iter().partition(|(key, _)| IDENTITY_KEYS.contains(&&**key));
        let base_count = if what.is_empty() { 0 } else { which.len() };
        (which.into_iter().chain(what).collect(), base_count)
    }

    /// The subject as the file's `of` has it: `fetch.took`, `shared.NAME`.
    #[must_use]
    pub fn subject_name(&self) -> String {
        let cell = self.cell.iter().map(|cell| format!(".{cell}"));
        std::iter::once(self.subject.name().to_owned()).chain(cell).collect()
    }
}

/// The events or values that an expectation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectationSubject {
    /// The events of this kind, which are counted.
    Event(EventKind),
    /// A value of each event that has it.
    Measure(MeasuredQuantity),
    /// The value of a shared cell when the run ends.
    Shared,
    /// A number that the run has at every moment.
    Quantity(RunQuantity),
}

impl ExpectationSubject {
    /// The name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExpectationSubject::Event(kind) => kind.name(),
            ExpectationSubject::Measure(measure) => measure.name(),
            ExpectationSubject::Shared => "shared",
            ExpectationSubject::Quantity(quantity) => quantity.name(),
        }
    }

    /// The kind of event that its conditions look at; `None` if it is not of one kind.
    #[must_use]
    pub fn event_kind(self) -> Option<EventKind> {
        match self {
            ExpectationSubject::Event(kind) => Some(kind),
            ExpectationSubject::Measure(measure) => measure.event_kind(),
            ExpectationSubject::Shared => None,
            ExpectationSubject::Quantity(quantity) => quantity.start_kind(),
        }
    }
}

/// A value that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredQuantity {
    /// The time from the start of a request to the end of its answer.
    FetchTook,
    /// The time from the end of sending a request to the head of its answer.
    FetchFirstByte,
    /// The size of the body of an answer, in bytes.
    FetchBytes,
    /// The time from the start of a spawn to its end.
    SpawnTook,
    /// The processor time of a program that has ended.
    SpawnCpu,
    /// The most memory that a program had that has ended, in bytes.
    SpawnPeakMemory,
    /// The memory of all processes of a program at a sample, in bytes.
    SpawnMemory,
    /// The time from the planned moment of a player's step to the end of its fetches.
    StepTook,
    /// The time from the start of a player that makes fetches to its end.
    PlayerTook,
    /// The time from the planned moment of an event to its real one.
    Lateness,
    /// The time from the start of the run to its end.
    RunTook,
}

impl MeasuredQuantity {
    /// All measured quantities.
    pub const ALL: [MeasuredQuantity; 11] = [
        MeasuredQuantity::FetchTook,
        MeasuredQuantity::FetchFirstByte,
        MeasuredQuantity::FetchBytes,
        MeasuredQuantity::SpawnTook,
        MeasuredQuantity::SpawnCpu,
        MeasuredQuantity::SpawnPeakMemory,
        MeasuredQuantity::SpawnMemory,
        MeasuredQuantity::StepTook,
        MeasuredQuantity::PlayerTook,
        MeasuredQuantity::Lateness,
        MeasuredQuantity::RunTook,
    ];

    /// Whether it is a number of bytes.
    #[must_use]
    pub fn is_size(self) -> bool {
        matches!(
            self,
            MeasuredQuantity::FetchBytes | MeasuredQuantity::SpawnPeakMemory | MeasuredQuantity::SpawnMemory
        )
    }

    /// The name in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MeasuredQuantity::FetchTook => "fetch.took",
            MeasuredQuantity::FetchFirstByte => "fetch.first_byte",
            MeasuredQuantity::FetchBytes => "fetch.bytes",
            MeasuredQuantity::SpawnTook => "spawn.took",
            MeasuredQuantity::SpawnCpu => "spawn.cpu",
            MeasuredQuantity::SpawnPeakMemory => "spawn.peak_memory",
            MeasuredQuantity::SpawnMemory => "spawn.memory",
            MeasuredQuantity::StepTook => "step.took",
            MeasuredQuantity::PlayerTook => "player.took",
            MeasuredQuantity::Lateness => "lateness",
            MeasuredQuantity::RunTook => "run.took",
        }
    }

    /// The kind of event that has the value; `None` where many kinds have it.
    #[must_use]
    pub fn event_kind(self) -> Option<EventKind> {
        match self {
            MeasuredQuantity::FetchTook | MeasuredQuantity::FetchFirstByte | MeasuredQuantity::FetchBytes => {
                EventKind::from_name("fetch.finished")
            }
            MeasuredQuantity::SpawnTook | MeasuredQuantity::SpawnCpu | MeasuredQuantity::SpawnPeakMemory => {
                EventKind::from_name("spawn.exited")
            }
            MeasuredQuantity::SpawnMemory => EventKind::from_name("spawn.sample"),
            MeasuredQuantity::StepTook => EventKind::from_name("step.ended"),
            MeasuredQuantity::PlayerTook => EventKind::from_name("player.ended"),
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

/// A condition on the value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMatcher {
    /// A text that this valid regular expression matches somewhere.
    Regex(String),
    /// This number.
    Number(i64),
    /// This boolean.
    Boolean(bool),
}

/// The condition of an expectation.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectationRule {
    /// A statistic of all the target's values, compared with a limit.
    Threshold(StatThreshold),
    /// Each event of the target comes after one of others.
    Order(Box<OrderRule>),
    /// One of others comes after each event of the target.
    LeadsTo(Box<LeadsToRule>),
    /// The number of the target is within these limits at every moment. There is at least one.
    Always(Vec<(LimitComparison, u64)>),
}

impl ExpectationRule {
    /// The events, besides those of the target, that the condition looks at.
    #[must_use]
    pub fn other_target(&self) -> Option<&ExpectationTarget> {
        match self {
            ExpectationRule::Order(order) => Some(&order.follows),
            ExpectationRule::LeadsTo(leads) => Some(&leads.effect),
            ExpectationRule::Threshold(_) | ExpectationRule::Always(_) => None,
        }
    }

    /// See [`ExpectationRule::other_target`].
    pub fn other_target_mut(&mut self) -> Option<&mut ExpectationTarget> {
        match self {
            ExpectationRule::Order(order) => Some(&mut order.follows),
            ExpectationRule::LeadsTo(leads) => Some(&mut leads.effect),
            ExpectationRule::Threshold(_) | ExpectationRule::Always(_) => None,
        }
    }
}

/// A statistic, compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatThreshold {
    /// The statistic.
    pub stat: Statistic,
    /// How the statistic is compared with the limit.
    pub comparison: LimitComparison,
    /// The limit.
    pub limit: LimitValue,
}

/// The events of which one must come before each event of the target.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRule {
    /// The events that come before.
    pub follows: ExpectationTarget,
    /// The longest time after the last of them; `None`: no limit.
    pub within: Option<Span>,
}

/// The events of which one must come after each event of the target.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadsToRule {
    /// The events that come after.
    pub effect: ExpectationTarget,
    /// The key that both events must have the same value of; `None`: they need nothing in common.
    pub same: Option<GroupKey>,
    /// The longest time until the first of them; `None`: no limit.
    pub within: Option<Span>,
}

/// A number that is made of many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The number of values.
    Count,
    /// The number of values in a second of the whole run.
    Rate,
    /// The sum of the values.
    Sum,
    /// The smallest value.
    Min,
    /// The arithmetic mean.
    Mean,
    /// The largest value.
    Max,
    /// The value of the nearest rank: the smallest value that at least this part of all values, in
    /// thousandths of a per cent, does not exceed.
    Percentile(u32),
    /// The only value.
    Value,
    /// The share of the counted events that meet the condition on their keys.
    Share,
}

impl Statistic {
    /// The statistics with a name of their own; percentiles are not among them.
    pub const NAMED: [(&'static str, Statistic); 8] = [
        ("count", Statistic::Count),
        ("rate", Statistic::Rate),
        ("sum", Statistic::Sum),
        ("min", Statistic::Min),
        ("mean", Statistic::Mean),
        ("max", Statistic::Max),
        ("value", Statistic::Value),
        ("share", Statistic::Share),
    ];

    /// The statistic of this name, such as `count` or `p99.9`.
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

/// How a statistic is compared with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitComparison {
    /// Less than the limit.
    Below,
    /// Not more than the limit.
    AtMost,
    /// Equal to the limit.
    Equals,
    /// Not less than the limit.
    AtLeast,
    /// More than the limit.
    Above,
}

impl LimitComparison {
    /// The name in a file.
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

    fn label(self) -> &'static str {
        match self {
            LimitComparison::Below => "below",
            LimitComparison::AtMost => "at most",
            LimitComparison::Equals => "exactly",
            LimitComparison::AtLeast => "at least",
            LimitComparison::Above => "above",
        }
    }

    /// Whether the comparison holds, from the order of the statistic and the limit.
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

/// A limit in the unit of its statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitValue {
    /// A number of events or values.
    Count(u64),
    /// A time.
    Span(Span),
    /// A number of bytes.
    Bytes(u64),
    /// A number in a second; finite and not negative.
    Rate(f64),
    /// The value of a cell.
    Value(i64),
    /// A part of the counted events.
    Share(Share),
}

impl fmt::Display for LimitValue {
    /// The form that a file has and that a person reads.
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
            LimitValue::Share(share) => write!(f, "{share}"),
        }
    }
}

impl Expectation {
    /// The condition in words, without its target.
    #[must_use]
    pub fn requirement(&self) -> String {
        let never = if self.never { "never " } else { "" };
        let condition = match &self.rule {
            ExpectationRule::Threshold(_) if self.is_plain_never() => "never".to_owned(),
            ExpectationRule::Threshold(figure) => format!("{never}{figure}"),
            ExpectationRule::Order(order) => format!("{never}{order}"),
            ExpectationRule::LeadsTo(leads) => format!("{never}{leads}"),
            ExpectationRule::Always(limits) => {
                let limits =
                    limits.iter().map(|(comparison, limit)| format!("{} {limit}", comparison.label()));
                format!("always {}", limits.collect::<Vec<_>>().join(" and "))
            }
        };
        format!("{condition}{}", self.part)
    }

    /// The target and the condition in words: the name of an expectation that has none in the file.
    #[must_use]
    pub fn described(&self) -> String {
        format!("{}: {}", self.target, self.requirement())
    }

    /// Whether it is nothing but a `never`: the events of the target must not come.
    #[must_use]
    pub fn is_plain_never(&self) -> bool {
        self.never && self.rule == ExpectationRule::Threshold(StatThreshold::AT_LEAST_ONE)
    }
}

impl StatThreshold {
    /// The condition that there is at least one event, which a bare `never` negates.
    pub const AT_LEAST_ONE: StatThreshold = StatThreshold {
        stat: Statistic::Count,
        comparison: LimitComparison::AtLeast,
        limit: LimitValue::Count(1),
    };
}

impl fmt::Display for StatThreshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stat {
            // The unit of the limit shows these already.
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

impl fmt::Display for LeadsToRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "followed by {}", self.effect)?;
        if let Some(same) = self.same {
            write!(f, " of the same {}", same.name())?;
        }
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
