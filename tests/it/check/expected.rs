//! Generated expectations of every form, for generated scenarios. They refer to the preset `p0`, the fetch
//! `f-0` and the entry `the.first`, each the first of its kind.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scenario_core::diagnostic::FilePlace;
use scenario_core::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher,
    LimitComparison, LimitValue, MeasuredQuantity, OrderRule, StatThreshold, Statistic,
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
        MeasuredQuantity::Lateness,
    ]);
    prop_oneof![
        (took, many(), span()).prop_map(|(measure, stat, span)| (measure, (stat, LimitValue::Span(span)))),
        (many(), number())
            .prop_map(|(stat, size)| (MeasuredQuantity::FetchBytes, (stat, LimitValue::Bytes(size)))),
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

fn rule() -> impl Strategy<Value = (ExpectationTarget, ExpectationRule, bool)> {
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
    ]
}

fn one() -> impl Strategy<Value = Expectation> {
    (rule(), any::<bool>(), of("[ -~]{0,9}")).prop_map(|((of, rule, never), abort, name)| {
        let name = name.unwrap_or_else(|| Expectation::default_name(&of, &rule, never));
        Expectation { name, target: of, rule, never, abort, place: FilePlace::default() }
    })
}

/// Some expectations, each with a different name.
pub(crate) fn expectations() -> impl Strategy<Value = Vec<Expectation>> {
    vec(one(), 0..4).prop_map(|mut all| {
        all.iter_mut().enumerate().for_each(|(n, one)| one.name.push_str(&n.to_string()));
        all
    })
}
