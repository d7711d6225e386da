use proptest::prelude::*;

use super::*;
use crate::scenario::share::Share;

const ALL: [LimitComparison; 5] = [
    LimitComparison::Below,
    LimitComparison::AtMost,
    LimitComparison::Equals,
    LimitComparison::AtLeast,
    LimitComparison::Above,
];

/// A monitor that has taken these values, each with its index as `seq`, and the verdicts on the way.
fn made(figure: StatThreshold, values: &[u64]) -> (ThresholdMonitor, Vec<bool>) {
    let mut made = ThresholdMonitor::new(figure);
    let settled = values.iter().zip(0..).filter_map(|(value, seq)| made.record(*value, seq)).collect();
    (made, settled)
}

/// Values that are often equal to each other or to the limit, and some of any size.
fn values() -> impl Strategy<Value = (Vec<u64>, u64)> {
    let near = || 1_000_000u64..1_000_020;
    let small = proptest::collection::vec(near(), 0..60);
    let wide = proptest::collection::vec(0..=u64::MAX / 2, 0..60);
    prop_oneof![(small, near()), (wide, 0..=u64::MAX / 2)]
}

fn stat() -> impl Strategy<Value = Statistic> {
    prop_oneof![
        prop_oneof![
            Just(Statistic::Count),
            Just(Statistic::Sum),
            Just(Statistic::Min),
            Just(Statistic::Max),
            Just(Statistic::Mean)
        ],
        prop_oneof![1u32..100_000, Just(50_000), Just(95_000), Just(99_900)].prop_map(Statistic::Percentile),
    ]
}

/// The same statistic of all values at once, as a fraction.
fn slowly(stat: Statistic, values: &[u64]) -> Option<(u128, u128)> {
    let mut sorted: Vec<u128> = values.iter().map(|value| u128::from(*value)).collect();
    sorted.sort_unstable();
    let count = sorted.len() as u128;
    Some(match stat {
        Statistic::Count => (count, 1),
        _ if sorted.is_empty() => return None,
        Statistic::Sum => (sorted.iter().sum(), 1),
        Statistic::Min => (*sorted.first()?, 1),
        Statistic::Max => (*sorted.last()?, 1),
        Statistic::Mean => (sorted.iter().sum(), count),
        Statistic::Percentile(thousandths) => {
            // The smallest value that at least this share of all values is not above.
            let needed = count * u128::from(thousandths);
            let is_enough = |value: &&u128| {
                sorted.iter().filter(|other| other <= value).count() as u128 * 100_000 >= needed
            };
            (*sorted.iter().find(is_enough)?, 1)
        }
        Statistic::Rate | Statistic::Value | Statistic::Share => {
            unreachable!("these have tests of their own")
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_figure_stands_to_its_limit_as_that_of_all_values_does((values, limit) in values(), stat in stat()) {
        let limit = if stat == Statistic::Count { limit % 64 } else { limit };
        let wanted = slowly(stat, &values);
        for holds in ALL {
            let figure = StatThreshold { stat, comparison: holds, limit: LimitValue::Count(limit) };
            let (made, settled) = made(figure, &values);
            let judged = made.judge(Span::ZERO);
            let ordering = wanted.map(|(sum, by)| sum.cmp(&(u128::from(limit) * by)));
            prop_assert_eq!(judged.map(|(ok, _)| ok), ordering.map(|ordering| holds.holds(ordering)));
            // A verdict is never taken back.
            prop_assert!(settled.len() <= 1);
            if let Some(settled) = settled.first() {
                prop_assert_eq!(Some(*settled), judged.map(|(ok, _)| ok));
            }
            // The shown value is on the same side of the limit as the statistic, and near it.
            let (Some((_, got)), Some((sum, by)), Some(ordering)) = (judged, wanted, ordering) else { continue };
            match got {
                MeasuredValue::Approximate(about) => {
                    prop_assert_eq!(about.cmp(&limit), ordering);
                    let (about, exact) = (about as f64, sum as f64);
                    prop_assert!((about - exact).abs() <= exact * 0.003 + 1.0, "{about} is not {exact}");
                }
                MeasuredValue::Exact(exact) => prop_assert_eq!((u128::from(exact), 1), (sum, by)),
                MeasuredValue::Mean(own, count) => prop_assert_eq!((own, u128::from(count)), (sum, by)),
                MeasuredValue::LargeSum(own) => prop_assert_eq!(own, sum),
                MeasuredValue::Rate(_) | MeasuredValue::Cell(_) | MeasuredValue::Share(..) => {
                    prop_assert!(false, "nothing of the kind was asked for");
                }
            }
        }
    }

    #[test]
    fn who_decided_has_the_value_that_is_told((values, limit) in values()) {
        for (stat, holds) in [(Statistic::Min, LimitComparison::AtLeast), (Statistic::Max, LimitComparison::Below)] {
            let (made, _) = made(StatThreshold { stat, comparison: holds, limit: LimitValue::Count(limit) }, &values);
            if let (Some((_, MeasuredValue::Exact(got))), Some(seq)) = (made.judge(Span::ZERO), made.deciding_event()) {
                prop_assert_eq!(values.get(seq as usize), Some(&got));
                prop_assert_eq!(values.iter().position(|value| *value == got), Some(seq as usize));
            }
        }
    }
}

#[test]
fn a_count_is_decided_by_the_event_that_passes_the_limit() {
    let count = |holds| {
        made(
            StatThreshold { stat: Statistic::Count, comparison: holds, limit: LimitValue::Count(3) },
            &[0; 9],
        )
    };
    for (holds, seq, settled) in [
        (LimitComparison::Below, 2, false),
        (LimitComparison::AtMost, 3, false),
        (LimitComparison::Equals, 3, false),
        (LimitComparison::AtLeast, 2, true),
        (LimitComparison::Above, 3, true),
    ] {
        let (made, on_the_way) = count(holds);
        assert_eq!((made.deciding_event(), on_the_way), (Some(seq), vec![settled]), "{holds:?}");
    }
}

#[test]
fn a_share_is_exact_at_its_limit() {
    let share = |comparison, values: &[u64]| {
        let limit = LimitValue::Share(Share::parse("50%").unwrap());
        made(StatThreshold { stat: Statistic::Share, comparison, limit }, values).0.judge(Span::ZERO)
    };
    let half = MeasuredValue::Share(1, 2);
    assert_eq!(share(LimitComparison::Below, &[0, 1]), Some((false, half)));
    assert_eq!(share(LimitComparison::AtMost, &[1, 0]), Some((true, half)));
    assert_eq!(share(LimitComparison::Above, &[1, 0, 1]), Some((true, MeasuredValue::Share(2, 3))));
    assert_eq!(share(LimitComparison::AtMost, &[]), None);
}

#[test]
fn a_rate_is_of_the_whole_run() {
    let rate = |limit, values: &[u64], lasted| {
        let figure = StatThreshold {
            stat: Statistic::Rate,
            comparison: LimitComparison::AtLeast,
            limit: LimitValue::Rate(limit),
        };
        made(figure, values).0.judge(lasted)
    };
    assert_eq!(rate(10.0, &[0; 3], Span::from_millis(300)), Some((true, MeasuredValue::Rate(10.0))));
    assert_eq!(rate(10.000_001, &[0; 3], Span::from_millis(300)), Some((false, MeasuredValue::Rate(10.0))));
    assert_eq!(rate(0.1, &[], Span::from_millis(300)), Some((false, MeasuredValue::Rate(0.0))));
    assert_eq!(rate(0.1, &[0], Span::ZERO), None, "no time, no rate");
}
