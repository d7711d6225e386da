//! Generated expectations of every form, for generated scenarios. They refer to the preset `p0`, the fetch
//! `f-0` and the entry `the.first`, each the first of its kind.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scenario_core::diagnostic::FilePlace;
use scenario_core::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher,
    LeadsToRule, LimitComparison, LimitValue, MeasuredQuantity, OrderRule, StatThreshold, Statistic,
};
use scenario_core::scenario::model::expect_parts::{
    EntryPhase, GroupKey, ObservedPart, RunPoint, RunQuantity,
};
use scenario_core::scenario::share::Share;
use scenario_log::event_kind::EventKind;
use scenario_log::time::{MAX_SPAN, Span};

fn within() -> impl Strategy<Value = ExpectationScope> {
    let of =
        |name: &str, preset, fetch, entry| ExpectationScope { name: name.to_owned(), preset, fetch, entry };
    select(vec![
        of("p0", Some(0), None, None),
        of("f-0", None, Some(0), None),
        of("the.first", None, None, Some(0)),
    ])
}

fn kind(name: &str) -> EventKind {
    EventKind::from_name(name).expect("it is a kind of event")
}

/// Events, with the names and keys that they can be chosen by.
fn events() -> impl Strategy<Value = ExpectationTarget> {
    let line = (
        of(within()),
        of(select(vec!["", "a+ \\$\\{x\\}", "\\d '\"(^|$){1}", "[$][{]", r"\$\{"])),
        of(any::<bool>()),
    );
    let line = line.prop_map(|(within, text, partial)| {
        let text = text.map(|regex| ("text".to_owned(), KeyMatcher::Regex(regex.to_owned())));
        let partial = partial.map(|partial| ("partial".to_owned(), KeyMatcher::Boolean(partial)));
        (kind("line"), within, text.into_iter().chain(partial).collect::<Vec<_>>())
    });
    let exited = (of(within()), any::<i64>()).prop_map(|(within, code)| {
        (kind("spawn.exited"), within, vec![("code".to_owned(), KeyMatcher::Number(code))])
    });
    let others =
        select(vec!["clock.tick", "input", "run.paused"]).prop_map(|name| (kind(name), None, vec![]));
    prop_oneof![line, exited, others].prop_map(|(kind, within, values)| ExpectationTarget {
        subject: ExpectationSubject::Event(kind),
        cell: None,
        scope: within,
        key_matchers: values,
    })
}

fn comparison() -> impl Strategy<Value = LimitComparison> {
    // With these comparisons, no limit is too small.
    select(vec![LimitComparison::AtMost, LimitComparison::Equals, LimitComparison::Above])
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![Just(0u64), 0..5_000_000_000u64, 0..=MAX_SPAN.0].prop_map(Span)
}

fn number() -> impl Strategy<Value = u64> {
    0..=i64::MAX as u64
}

fn figure_of_events() -> impl Strategy<Value = (Statistic, LimitValue)> {
    prop_oneof![
        number().prop_map(|count| (Statistic::Count, LimitValue::Count(count))),
        (0..1_000_000u32, 1..1_000u32)
            .prop_map(|(rate, by)| (Statistic::Rate, LimitValue::Rate(f64::from(rate) / f64::from(by)))),
    ]
}

fn measured() -> impl Strategy<Value = (MeasuredQuantity, (Statistic, LimitValue))> {
    let many = || {
        prop_oneof![
            select(vec![Statistic::Sum, Statistic::Min, Statistic::Mean, Statistic::Max]),
            (1..100_000u32).prop_map(Statistic::Percentile)
        ]
    };
    let took = select(vec![
        MeasuredQuantity::FetchTook,
        MeasuredQuantity::FetchFirstByte,
        MeasuredQuantity::SpawnTook,
        MeasuredQuantity::SpawnCpu,
        MeasuredQuantity::Lateness,
    ]);
    let size = select(vec![
        MeasuredQuantity::FetchBytes,
        MeasuredQuantity::SpawnPeakMemory,
        MeasuredQuantity::SpawnMemory,
    ]);
    prop_oneof![
        (took, many(), span()).prop_map(|(measure, stat, span)| (measure, (stat, LimitValue::Span(span)))),
        (size, many(), number()).prop_map(|(measure, stat, size)| (measure, (stat, LimitValue::Bytes(size)))),
        span().prop_map(|span| (MeasuredQuantity::RunTook, (Statistic::Value, LimitValue::Span(span)))),
    ]
}

/// A share of lines, and of ends of spawns. No share is the whole, which is a limit that always holds.
fn share() -> impl Strategy<Value = (ExpectationTarget, (Statistic, LimitValue))> {
    let share = (1..1_000_000_000_u32).prop_filter_map("a share", Share::from_billionths);
    let values =
        [("stream", "x"), ("text", "y")].map(|(key, regex)| (key, KeyMatcher::Regex(regex.to_owned())));
    (of(within()), subsequence(values.to_vec(), 1..=2), share).prop_map(|(scope, values, share)| {
        let key_matchers = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let subject = ExpectationSubject::Event(kind("line"));
        let target = ExpectationTarget { subject, cell: None, scope, key_matchers };
        (target, (Statistic::Share, LimitValue::Share(share)))
    })
}

fn rule() -> BoxedStrategy<(ExpectationTarget, ExpectationRule, bool)> {
    let figure =
        |(stat, limit), holds| ExpectationRule::Threshold(StatThreshold { stat, comparison: holds, limit });
    prop_oneof![
        (events(), figure_of_events(), comparison(), any::<bool>())
            .prop_map(move |(of, made, holds, never)| (of, figure(made, holds), never)),
        events().prop_map(|of| (of, ExpectationRule::Threshold(StatThreshold::AT_LEAST_ONE), true)),
        (share(), comparison(), any::<bool>()).prop_map(move |((of, made), holds, never)| (
            of,
            figure(made, holds),
            never
        )),
        (measured(), comparison(), any::<bool>()).prop_map(move |((measure, made), holds, never)| {
            let of = ExpectationTarget {
                subject: ExpectationSubject::Measure(measure),
                cell: None,
                scope: None,
                key_matchers: Vec::new(),
            };
            (of, figure(made, holds), never)
        }),
        (any::<i64>(), comparison(), any::<bool>()).prop_map(move |(value, holds, never)| {
            let cell = Some("c".to_owned());
            let of = ExpectationTarget {
                subject: ExpectationSubject::Shared,
                cell,
                scope: None,
                key_matchers: Vec::new(),
            };
            (of, figure((Statistic::Value, LimitValue::Value(value)), holds), never)
        }),
        (events(), events(), of(span()), any::<bool>()).prop_map(|(of, follows, within, never)| {
            (of, ExpectationRule::Order(Box::new(OrderRule { follows, within })), never)
        }),
        (spawn_events(), spawn_events(), of(select(GroupKey::ALL.to_vec())), of(span()), any::<bool>())
            .prop_map(|(of, effect, same, within, never)| {
                let has = |target: &ExpectationTarget, key: GroupKey| {
                    target.subject.event_kind().is_some_and(|kind| key.is_of(kind))
                };
                let same = same.filter(|key| has(&of, *key) && has(&effect, *key));
                (of, ExpectationRule::LeadsTo(Box::new(LeadsToRule { effect, same, within })), never)
            }),
        (
            select(RunQuantity::ALL.to_vec()),
            of(within()),
            subsequence(ALL_COMPARISONS.to_vec(), 1..=5),
            number()
        )
            .prop_map(|(quantity, scope, comparisons, limit)| {
                let subject = ExpectationSubject::Quantity(quantity);
                let of = ExpectationTarget { subject, cell: None, scope, key_matchers: Vec::new() };
                let limits = comparisons.into_iter().map(|comparison| (comparison, limit.max(1))).collect();
                (of, ExpectationRule::Always(limits), false)
            }),
    ]
    .boxed()
}

/// Events that have the preset and the entry of their spawn, or of their own.
fn spawn_events() -> impl Strategy<Value = ExpectationTarget> {
    let values = |(key, regex): (&str, &str)| (key.to_owned(), KeyMatcher::Regex(regex.to_owned()));
    let kinds = select(vec!["move", "line", "spawn.started", "fetch.finished", "stopping"]);
    (kinds, of(within()), of(select(vec![("preset", "p"), ("entry", "^the"), ("source", "#1")]))).prop_map(
        move |(name, scope, condition)| ExpectationTarget {
            subject: ExpectationSubject::Event(kind(name)),
            cell: None,
            scope,
            key_matchers: condition.map(values).into_iter().collect(),
        },
    )
}

const ALL_COMPARISONS: [LimitComparison; 5] = [
    LimitComparison::Below,
    LimitComparison::AtMost,
    LimitComparison::Equals,
    LimitComparison::AtLeast,
    LimitComparison::Above,
];

fn point(least: u64) -> impl Strategy<Value = RunPoint> {
    let phase = select(EntryPhase::ALL[..1].to_vec());
    prop_oneof![
        (least..least + 1_000_000_000_000).prop_map(|nanos| RunPoint::At(Span(nanos))),
        phase.prop_map(|phase| RunPoint::Entry { entry: 0, id: "the.first".to_owned(), phase }),
    ]
}

/// The part of a run that a rule can look at.
fn part(target: &ExpectationTarget, rule: &ExpectationRule) -> BoxedStrategy<ObservedPart> {
    let is_of_end = matches!(
        target.subject,
        ExpectationSubject::Shared | ExpectationSubject::Measure(MeasuredQuantity::RunTook)
    );
    if is_of_end {
        return Just(ObservedPart::default()).boxed();
    }
    let kind = target.subject.event_kind();
    let is_threshold = matches!(rule, ExpectationRule::Threshold(_));
    let by = of(select(GroupKey::ALL.to_vec()));
    (of(point(0)), of(point(1_000_000_000_000)), of(1..5_000_000_000_u64), by)
        .prop_map(move |(since, until, over, by)| ObservedPart {
            since,
            until,
            over: over.filter(|_| is_threshold).map(Span),
            by: by.filter(|by| is_threshold && kind.is_some_and(|kind| by.is_of(kind))),
        })
        .boxed()
}

fn one() -> BoxedStrategy<Expectation> {
    let whole = rule().prop_flat_map(|(of, rule, never)| {
        let part = part(&of, &rule);
        (Just((of, rule, never)), part)
    });
    (whole, any::<bool>(), of("[ -~]{0,9}"))
        .prop_map(|(((target, rule, never), part), abort, name)| {
            let place = FilePlace::default();
            let mut one = Expectation { name: String::new(), target, rule, part, never, abort, place };
            one.name = name.unwrap_or_else(|| one.described());
            one
        })
        .boxed()
}

/// Some expectations, each with a different name.
pub(crate) fn expectations() -> BoxedStrategy<Vec<Expectation>> {
    vec(one(), 0..4)
        .prop_map(|mut all| {
            all.iter_mut().enumerate().for_each(|(n, one)| one.name.push_str(&n.to_string()));
            all
        })
        .boxed()
}
