//! Expectations as a file has them.

use super::{JsonObjectBuilder, escape, span};
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationTarget, KeyMatcher, LimitValue,
};
use crate::scenario::write::json::Json;

/// One expectation.
pub(super) fn expectation_json(one: &Expectation) -> Json {
    let mut items = JsonObjectBuilder::default();
    items.put("name", escape(&one.name));
    put_target(&mut items, &one.target);
    match &one.rule {
        ExpectationRule::Threshold(_) if one.is_plain_never() => {}
        ExpectationRule::Threshold(figure) => {
            items.put("stat", figure.stat.to_string());
            items.put(figure.comparison.key(), limit_json(&figure.limit));
        }
        ExpectationRule::Order(order) => {
            let mut follows = JsonObjectBuilder::default();
            put_target(&mut follows, &order.follows);
            items.put("follows", follows.build());
            items.put_some("within", order.within.map(span));
        }
    }
    items.put("never", one.never);
    items.put("abort", one.abort);
    items.build()
}

fn put_target(items: &mut JsonObjectBuilder, watched: &ExpectationTarget) {
    let cell = watched.cell.iter().map(|cell| format!(".{cell}"));
    items.put("of", std::iter::once(watched.subject.name().to_owned()).chain(cell).collect::<String>());
    items.put_some("in", watched.scope.as_ref().map(|within| within.name.clone()));
    let values = watched.key_matchers.iter().map(|(key, wanted)| {
        let wanted = match wanted {
            KeyMatcher::Regex(regex) => escape(regex).into(),
            KeyMatcher::Number(number) => Json::Int(*number),
            KeyMatcher::Boolean(value) => (*value).into(),
        };
        (key.clone(), wanted)
    });
    let values: Vec<_> = values.collect();
    items.put_some("where", (!values.is_empty()).then_some(Json::Object(values)));
}

fn limit_json(limit: &LimitValue) -> Json {
    match limit {
        LimitValue::Count(count) => (*count).into(),
        LimitValue::Value(value) => Json::Int(*value),
        in_its_unit => in_its_unit.to_string().into(),
    }
}
