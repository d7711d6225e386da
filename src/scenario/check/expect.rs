//! Expectations: what they look at exists, their limits have the unit of their figure, and they can
//! hold at all.

use crate::scenario::findings::Findings;
use crate::scenario::model::expect::{
    Comparison, Expectation, Figure, Limit, Measure, Order, Rule, Stat, Subject, Wanted, Watched, Within,
};
use crate::scenario::model::{Action, FetchJob, PresetKind, Scenario, Stdin};
use crate::scenario::raw::{RawExpect, RawFollows};
use crate::scenario::shape::expect::{RawLimit, RawWhere, rate};
use crate::scenario::shape::text::Open;
use crate::scenario::shape::{Slot, Sp, numbers, times};
use crate::words::diagnostic::{Diagnostic, Place, quoted};
use crate::words::kind::{Belongs, EventKind, KeyType};
use crate::words::time::Span;

use super::given_twice;

/// The most expectations of a scenario: a percentile takes up to half a megabyte.
const MOST: usize = 200;

/// The names that `in` can have, as indices into the scenario's lists.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Sorted, as the scenario's presets are.
    pub(crate) presets: Vec<String>,
    /// Sorted, as the scenario's fetches are.
    pub(crate) fetches: Vec<String>,
    /// The id of each entry.
    pub(crate) ids: Vec<Option<String>>,
}

impl Names {
    /// Those of a whole scenario.
    pub(crate) fn of(scenario: &Scenario) -> Names {
        Names {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|fetch| fetch.name.clone()).collect(),
            ids: scenario.timeline.iter().map(|entry| entry.id.clone()).collect(),
        }
    }

    fn find(&self, name: &str) -> Option<Within> {
        let at = |names: &[String]| names.iter().position(|own| own == name);
        let within = Within {
            name: name.to_owned(),
            preset: at(&self.presets),
            fetch: at(&self.fetches),
            entry: self.ids.iter().position(|id| id.as_deref() == Some(name)),
        };
        (within.preset.or(within.fetch).or(within.entry)).map(|_| within)
    }

    fn all(&self) -> impl Iterator<Item = &str> + Clone {
        let mut names: Vec<&str> = self.ids.iter().flatten().map(String::as_str).collect();
        names.extend(self.presets.iter().chain(&self.fetches).map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }
}

/// The expectations of the model; `None` if one is wrong.
pub(crate) fn expectations(
    raw: Vec<Sp<RawExpect>>,
    names: &Names,
    found: &mut Findings,
) -> Option<Vec<Expectation>> {
    if let Some(first) = raw.get(MOST) {
        found.add(Diagnostic::error(first.place, format!("a scenario has at most {MOST} expectations")));
        return None;
    }
    let wanted = raw.len();
    let mut all: Vec<(Expectation, Place)> = Vec::with_capacity(wanted);
    for raw in raw {
        let place = raw.value.name.as_given().map_or(raw.place, |name| name.place);
        let Some(one) = expectation(raw, names, found) else { continue };
        match all.iter().find(|(other, _)| other.name == one.name) {
            Some((_, first)) => found.add(given_twice("expectation", &one.name, place, *first)),
            None => all.push((one, place)),
        }
    }
    (all.len() == wanted).then(|| all.into_iter().map(|(one, _)| one).collect())
}

fn expectation(raw: Sp<RawExpect>, names: &Names, found: &mut Findings) -> Option<Expectation> {
    let (place, raw) = (raw.place, raw.value);
    let of_place = raw.of.as_given().map(|of| of.place);
    let watched = watched(raw.of, raw.within_name, raw.values, names, found);
    let never = raw.never.as_given().is_some_and(|never| never.value);
    let limits = [
        (Comparison::Below, raw.below),
        (Comparison::AtMost, raw.at_most),
        (Comparison::Equals, raw.equals),
        (Comparison::AtLeast, raw.at_least),
        (Comparison::Above, raw.above),
    ];
    let is_bare = limits.iter().all(|(_, limit)| !limit.is_present()) && !raw.follows.is_present();
    let is_broken = limits.iter().any(|(_, limit)| matches!(limit, Slot::Broken))
        || matches!(raw.stat, Slot::Broken)
        || matches!(raw.name, Slot::Broken)
        // That one is lacking was told, unless `never` could have made it right.
        || (is_bare && !raw.never.is_present());
    let rule = match raw.follows {
        Slot::Given(follows) => {
            let before = self::follows(follows.value, names, found);
            if let (Some(Watched { what: Subject::Measure(measure), .. }), Some(place)) = (&watched, of_place)
            {
                let message = format!("{} is no event, which could follow one", quoted(measure.name()));
                found.add(Diagnostic::error(place, message).help("for example of = \"spawn.started\""));
                return None;
            }
            Rule::Order(Box::new(Order {
                follows: before?,
                within: raw.within.value().map(|within| within.0),
            }))
        }
        Slot::Broken => return None,
        Slot::Absent => {
            let watched = watched.as_ref()?;
            let stat = stat(watched.what, raw.stat, of_place.unwrap_or(place), found)?;
            if is_broken {
                return None;
            }
            let limit = limits.into_iter().find_map(|(holds, limit)| Some((holds, limit.given()?)));
            Rule::Figure(match limit {
                Some((holds, limit)) => figure(watched.what, stat, (holds, limit), never, found)?,
                None => bare(watched.what, stat, (is_bare, never), place, found)?,
            })
        }
    };
    let of = watched?;
    if is_broken {
        return None;
    }
    let abort = raw.abort.given().filter(|abort| abort.value);
    if let (Some(abort), Rule::Figure(figure)) = (&abort, &rule)
        && let Some(why) = never_too_early(figure, never)
    {
        found.add(Diagnostic::warning(abort.place, format!("`abort` ends nothing here: {why}")));
    }
    let name = match raw.name.given() {
        Some(name) if name.value.0.trim().is_empty() => {
            let message = "the name of an expectation is not empty";
            found.add(
                Diagnostic::error(name.place, message).help("without `name` it is called by what it says"),
            );
            return None;
        }
        Some(name) => name.value.0,
        None => Expectation::default_name(&of, &rule, never),
    };
    Some(Expectation { name, of, rule, never, abort: abort.is_some(), place })
}

/// What is looked at; tells all that is wrong with it.
fn watched(
    of: Slot<Open>,
    within: Slot<Open>,
    values: Slot<RawWhere>,
    names: &Names,
    found: &mut Findings,
) -> Option<Watched> {
    let is_broken = matches!(within, Slot::Broken) || matches!(values, Slot::Broken);
    let what = of.given().and_then(|of| subject(&of, found));
    let within = match within {
        Slot::Given(name) => self::within(what, &name, names, found).map(Some),
        _ => Some(None),
    };
    let values = match (what, values) {
        (Some(what), Slot::Given(values)) => self::values(what, values.value, found),
        _ => Some(Vec::new()),
    };
    let watched = Watched { what: what?, within: within?, values: values? };
    (!is_broken).then_some(watched)
}

fn follows(raw: RawFollows, names: &Names, found: &mut Findings) -> Option<Watched> {
    let place = raw.of.as_given().map(|of| of.place);
    let watched = watched(raw.of, raw.within_name, raw.values, names, found)?;
    if let Subject::Measure(measure) = watched.what {
        let message = format!("{} is no event, which could be followed", quoted(measure.name()));
        found.add(Diagnostic::error(place?, message).help("for example of = \"spawn.exited\""));
        return None;
    }
    Some(watched)
}

fn subject(of: &Sp<Open>, found: &mut Findings) -> Option<Subject> {
    let name = &*of.value.0;
    if let Some(measure) = Measure::ALL.into_iter().find(|measure| measure.name() == name) {
        return Some(Subject::Measure(measure));
    }
    if EventKind::LAST.contains(&name) {
        let message = format!("{} comes when all expectations have been checked", quoted(name));
        found.add(Diagnostic::error(of.place, message).help("for how long the run took: of = \"run.took\""));
        return None;
    }
    if let Some(cell) = name.strip_prefix("shared.") {
        found.add(Diagnostic::error(of.place, format!("there is no shared cell {}", quoted(cell))));
        return None;
    }
    if let Some(kind) = EventKind::from_name(name) {
        return Some(Subject::Event(kind));
    }
    if !found.only_counts() {
        let fault = Diagnostic::error(of.place, format!("{} is nothing to expect", quoted(name)));
        let events = EventKind::all().map(EventKind::name).filter(|name| !EventKind::LAST.contains(name));
        let names = events.chain(Measure::ALL.into_iter().map(Measure::name));
        let fault = found.did_you_mean(fault, name, names, "events and measures");
        found.add(fault);
    }
    None
}

fn within(what: Option<Subject>, name: &Sp<Open>, names: &Names, found: &mut Findings) -> Option<Within> {
    let belongs = match what {
        Some(Subject::Event(kind)) => Some(kind.belongs()),
        Some(Subject::Measure(Measure::RunTook)) => Some(Belongs::Run),
        _ => None,
    };
    if let (Some(Belongs::Run), Some(what)) = (belongs, what) {
        let message =
            format!("{} belongs to the whole run, not to a preset, fetch or entry", quoted(what.name()));
        found.add(Diagnostic::error(name.place, message).help("take `in` out"));
        return None;
    }
    let within = names.find(&name.value.0);
    if within.is_none() && !found.only_counts() {
        let message = format!("there is no preset, fetch or entry {}", quoted(&name.value.0));
        let fault = Diagnostic::error(name.place, message);
        let fault = found.did_you_mean(fault, &name.value.0, names.all(), "names");
        found.add(fault);
    }
    within
}

/// What the keys of an event must be.
fn values(what: Subject, raw: RawWhere, found: &mut Findings) -> Option<Vec<(String, Wanted)>> {
    let kind = match what {
        Subject::Event(kind) => Some(kind),
        Subject::Measure(measure) => measure.event(),
    };
    let mut values = Vec::with_capacity(raw.0.len());
    let wanted = raw.0.len();
    for (key, value) in raw.0 {
        let Some(kind) = kind else {
            let message =
                format!("{} is of no one event, whose keys could be looked at", quoted(what.name()));
            found.add(Diagnostic::error(key.place, message).help("take `where` out"));
            return None;
        };
        let Some((_, key_type)) = kind.keys().iter().find(|(name, _)| *name == key.value) else {
            unknown_key(kind, &key, found);
            continue;
        };
        let (is_right, form) = match (key_type, &value.value) {
            (KeyType::Text, Wanted::Text(_))
            | (KeyType::Number, Wanted::Number(_))
            | (KeyType::Boolean, Wanted::Boolean(_)) => (true, ""),
            (KeyType::Text, _) => (false, "a text, which takes a regular expression: for example 'a.*'"),
            (KeyType::Number, _) => (false, "a whole number: for example 200"),
            (KeyType::Boolean, _) => (false, "`true` or `false`"),
        };
        if is_right {
            values.push((key.value, value.value));
        } else {
            let message = format!("the key {} of {} is {form}", quoted(&key.value), quoted(kind.name()));
            found.add(Diagnostic::error(value.place, message));
        }
    }
    (values.len() == wanted).then_some(values)
}

fn unknown_key(kind: EventKind, key: &Sp<String>, found: &mut Findings) {
    if found.only_counts() {
        return;
    }
    let message = format!("{} has no key {} to look at", quoted(kind.name()), quoted(&key.value));
    let fault = Diagnostic::error(key.place, message);
    let fault = match &*key.value {
        "t" | "due" | "took" => fault.help("times are measured: for example of = \"fetch.took\""),
        _ => {
            let names = kind.keys().iter().map(|(name, _)| *name);
            found.did_you_mean(fault, &key.value, names, "keys")
        }
    };
    found.add(fault);
}

/// The figure, where the file says which, or there is only one.
fn stat(what: Subject, raw: Slot<Stat>, of: Place, found: &mut Findings) -> Option<Stat> {
    let given = match raw {
        Slot::Broken => return None,
        Slot::Absent => None,
        Slot::Given(stat) => Some(stat),
    };
    let (fits, place) = match (what, given) {
        (Subject::Event(_), None) => return Some(Stat::Count),
        (Subject::Measure(Measure::RunTook), None) => return Some(Stat::Value),
        (Subject::Measure(measure), None) => {
            let message = format!("of {} there are many: which figure?", quoted(measure.name()));
            let help = "add stat = \"p95\"; there is also \"min\", \"mean\", \"max\", \"sum\", \"count\" and \"rate\"";
            found.add(Diagnostic::error(of, message).help(help));
            return None;
        }
        (Subject::Event(_), Some(stat)) => (matches!(stat.value, Stat::Count | Stat::Rate), stat),
        (Subject::Measure(Measure::RunTook), Some(stat)) => (stat.value == Stat::Value, stat),
        (Subject::Measure(_), Some(stat)) => (stat.value != Stat::Value, stat),
    };
    if fits {
        return Some(place.value);
    }
    let (message, help) = match what {
        Subject::Event(_) => (
            "events are counted; they have no value of their own",
            "write \"count\" or \"rate\", or measure: for example of = \"fetch.took\"",
        ),
        Subject::Measure(Measure::RunTook) => ("a run takes one time", "write stat = \"value\""),
        Subject::Measure(_) => ("there are many values, and not one", "for example stat = \"p95\""),
    };
    found.add(Diagnostic::error(place.place, message).help(help));
    None
}

/// The rule of an expectation without a limit: that it never happens.
fn bare(
    what: Subject,
    stat: Stat,
    (is_bare, never): (bool, bool),
    place: Place,
    found: &mut Findings,
) -> Option<Figure> {
    if !is_bare {
        return None;
    }
    match what {
        Subject::Event(_) if never && stat == Stat::Count => Some(Figure::HAPPENS),
        _ => {
            let message = "an expectation says how much: it lacks a limit";
            let help = "add one of below, at_most, equals, at_least and above";
            found.add(Diagnostic::error(place, message).help(help));
            None
        }
    }
}

fn figure(
    what: Subject,
    stat: Stat,
    (holds, limit): (Comparison, Sp<RawLimit>),
    never: bool,
    found: &mut Findings,
) -> Option<Figure> {
    let place = limit.place;
    let limit = self::limit(what, stat, limit, found)?;
    let is_zero = match limit {
        Limit::Count(number) | Limit::Bytes(number) | Limit::Span(Span(number)) => number == 0,
        Limit::Rate(rate) => rate == 0.0,
    };
    match (holds, never) {
        (Comparison::Below, false) | (Comparison::AtLeast, true) if is_zero => {
            let message = "this can never hold: nothing is less than zero";
            found.add(Diagnostic::error(place, message));
            return None;
        }
        (Comparison::AtLeast, false) | (Comparison::Below, true) if is_zero => {
            let message = "this always holds where anything is measured: nothing is less than zero";
            found.add(Diagnostic::warning(place, message));
        }
        _ => {}
    }
    Some(Figure { stat, holds, limit })
}

/// A limit in the unit of its figure.
fn limit(what: Subject, stat: Stat, raw: Sp<RawLimit>, found: &mut Findings) -> Option<Limit> {
    let is_bytes = what == Subject::Measure(Measure::FetchBytes);
    let (unit, limit) = match (stat, raw.value) {
        (Stat::Count, RawLimit::Number(count)) => return Some(Limit::Count(count)),
        (Stat::Count, RawLimit::Text(text)) => {
            ("a count", Err((format!("a whole number, not {}", quoted(&text)), "for example 5".to_owned())))
        }
        (Stat::Rate, RawLimit::Number(number)) => return Some(Limit::Rate(number as f64)),
        (Stat::Rate, RawLimit::Text(text)) => {
            let help = || "so many a second, for example \"10/s\", or \"2.5/m\" a minute".to_owned();
            ("a rate", rate(&text).map(Limit::Rate).map_err(|fault| (fault, help())))
        }
        (_, RawLimit::Number(bytes)) if is_bytes => return Some(Limit::Bytes(bytes)),
        (_, RawLimit::Text(text)) if is_bytes => {
            let help = || "for example \"64KiB\", \"1GB\" or 100".to_owned();
            ("a size", numbers::size(&text).map(Limit::Bytes).map_err(|fault| (fault, help())))
        }
        (_, RawLimit::Number(number)) => {
            let fault = "a string with its unit, not a bare number".to_owned();
            let help = format!("write \"{number}s\" for seconds, or \"{number}ms\" for milliseconds");
            ("a duration", Err((fault, help)))
        }
        (_, RawLimit::Text(text)) => ("a duration", duration(&text, raw.place, found)),
    };
    match limit {
        Ok(limit) => Some(limit),
        Err((fault, help)) => {
            let message = format!("a limit of {} is {unit} here: {fault}", quoted(what.name()));
            found.add(Diagnostic::error(raw.place, message).help(help));
            None
        }
    }
}

fn duration(text: &str, place: Place, found: &mut Findings) -> Result<Limit, times::Words> {
    let (span, doubt) = times::read(text)?;
    if let Some((doubt, help)) = doubt {
        found.add(Diagnostic::warning(place, doubt).help(help));
    }
    Ok(Limit::Span(span))
}

/// Why a figure cannot be known to be missed before the end of the run.
fn never_too_early(figure: &Figure, never: bool) -> Option<&'static str> {
    use Comparison::{Above, AtLeast, AtMost, Below, Equals};
    match (figure.stat, figure.holds) {
        (Stat::Mean | Stat::Rate | Stat::Percentile(_), _) => {
            Some("what this figure comes to is known at the end only")
        }
        // These only grow: past a limit they stay so.
        (Stat::Count | Stat::Sum | Stat::Max | Stat::Value, Below | AtMost | Equals) if !never => None,
        (Stat::Count | Stat::Sum | Stat::Max | Stat::Value, AtLeast | Above) if never => None,
        // And this only shrinks.
        (Stat::Min, AtLeast | Above | Equals) if !never => None,
        (Stat::Min, Below | AtMost) if never => None,
        _ => Some("until the end it can still come to hold"),
    }
}

/// Warns of expectations that look at events of which this scenario can give none.
pub(crate) fn warn_of_nothing(expectations: &[Expectation], scenario: &Scenario, found: &mut Findings) {
    if scenario.presets.is_empty() && scenario.fetches.is_empty() && scenario.timeline.is_empty() {
        // A file of expectations alone, for the logs of other scenarios.
        return;
    }
    for one in expectations {
        let follows = match &one.rule {
            Rule::Order(order) => Some(&order.follows),
            Rule::Figure(_) => None,
        };
        for watched in std::iter::once(&one.of).chain(follows) {
            let kind = match watched.what {
                Subject::Event(kind) => Some(kind),
                Subject::Measure(measure) => measure.event(),
            };
            let Some(kind) = kind.filter(|kind| !can_come(*kind, watched.within.as_ref(), scenario)) else {
                continue;
            };
            let of = watched.within.as_ref().map(|within| format!(" of {}", quoted(&within.name)));
            let message =
                format!("this scenario never gives {}{}", quoted(kind.name()), of.unwrap_or_default());
            found.add(Diagnostic::warning(one.place, message).label("an expectation of nothing"));
        }
    }
}

/// Whether an event of this kind can come, be it by what is typed.
fn can_come(kind: EventKind, within: Option<&Within>, scenario: &Scenario) -> bool {
    let entry = within.and_then(|within| scenario.timeline.get(within.entry?)).map(|entry| &entry.action);
    // What `in` leaves: the presets and jobs of its name, and those that its entry starts.
    let preset = |wanted: &dyn Fn(&PresetKind) -> bool| {
        let started = match entry {
            Some(Action::Spawn(preset)) => Some(*preset),
            _ => None,
        };
        let is_in = |n: usize| within.is_none_or(|within| within.preset == Some(n) || started == Some(n));
        scenario.presets.iter().enumerate().any(|(n, preset)| is_in(n) && wanted(&preset.kind))
    };
    let fetch = |wanted: &dyn Fn(&FetchJob) -> bool| {
        let started = match entry {
            Some(Action::Fetch(job)) => Some(*job),
            _ => None,
        };
        let is_in = |n: usize| within.is_none_or(|within| within.fetch == Some(n) || started == Some(n));
        scenario.fetches.iter().enumerate().any(|(n, job)| is_in(n) && wanted(job))
    };
    let of_entry = |wanted: &dyn Fn(&Action) -> bool| within.is_none() || entry.is_some_and(wanted);
    match kind.name() {
        "clock.tick" => scenario.tick.is_some(),
        "spawn.started" | "spawn.exited" | "spawn.failed" => preset(&|_| true),
        "spawn.ready" => preset(&|kind| match kind {
            PresetKind::Command(command) => command.ready.is_some(),
            PresetKind::Players(_) => false,
        }),
        "spawn.suspended" | "spawn.resumed" | "line" => preset(&PresetKind::is_process),
        "move" => preset(&|kind| matches!(kind, PresetKind::Players(_))),
        "sent" => {
            let is_open = |kind: &PresetKind| match kind {
                PresetKind::Command(command) => command.stdin == Stdin::Open,
                PresetKind::Players(_) => false,
            };
            preset(&is_open) || of_entry(&|action| matches!(action, Action::Send { .. }))
        }
        "mark" => of_entry(&|action| matches!(action, Action::Mark(_))),
        "fetch.responded" => fetch(&|job| job.load.is_none()),
        "fetch.line" => fetch(&|job| job.lines),
        name if name.starts_with("fetch.") => fetch(&|_| true),
        _ => true,
    }
}
