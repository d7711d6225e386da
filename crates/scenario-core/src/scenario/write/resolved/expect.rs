//! Expectations as a file has them.

use super::{Items, escaped, span};
use crate::scenario::model::expect::{Expectation, Limit, Rule, Wanted, Watched};
use crate::scenario::write::json::Json;

/// One expectation.
pub(super) fn expectation(one: &Expectation) -> Json {
    let mut items = Items::default();
    items.put("name", escaped(&one.name));
    watched(&mut items, &one.of);
    match &one.rule {
        Rule::Figure(_) if one.is_never_alone() => {}
        Rule::Figure(figure) => {
            items.put("stat", figure.stat.to_string());
            items.put(figure.holds.key(), limit(&figure.limit));
        }
        Rule::Order(order) => {
            let mut follows = Items::default();
            watched(&mut follows, &order.follows);
            items.put("follows", follows.object());
            items.put_some("within", order.within.map(span));
        }
    }
    items.put("never", one.never);
    items.put("abort", one.abort);
    items.object()
}

fn watched(items: &mut Items, watched: &Watched) {
    let cell = watched.cell.iter().map(|cell| format!(".{cell}"));
    items.put("of", std::iter::once(watched.what.name().to_owned()).chain(cell).collect::<String>());
    items.put_some("in", watched.within.as_ref().map(|within| within.name.clone()));
    let values = watched.values.iter().map(|(key, wanted)| {
        let wanted = match wanted {
            Wanted::Text(regex) => escaped(regex).into(),
            Wanted::Number(number) => Json::Int(*number),
            Wanted::Boolean(value) => (*value).into(),
        };
        (key.clone(), wanted)
    });
    let values: Vec<_> = values.collect();
    items.put_some("where", (!values.is_empty()).then_some(Json::Object(values)));
}

fn limit(limit: &Limit) -> Json {
    match limit {
        Limit::Count(count) => (*count).into(),
        Limit::Value(value) => Json::Int(*value),
        in_its_unit => in_its_unit.to_string().into(),
    }
}
