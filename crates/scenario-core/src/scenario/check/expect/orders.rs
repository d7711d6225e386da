//! Builds the rules about what comes before and after events.

use super::ExpectationNames;
use super::targets::build_target;
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawFollows, RawLeadsTo};
use crate::scenario::model::expect::{
    ExpectationRule, ExpectationSubject, ExpectationTarget, LeadsToRule, OrderRule,
};
use crate::scenario::model::expect_parts::GroupKey;
use crate::scenario::schema::expect::SubjectName;
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::time::Span;

/// The target of an expectation, and the place of its `of`.
pub(super) type PlacedTarget<'t> = (Option<&'t ExpectationTarget>, FilePlace);

/// Builds the rule of an expectation with `follows`.
pub(super) fn build_order(
    (target, of): PlacedTarget<'_>,
    before: RawFollows,
    within: Option<Span>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationRule> {
    let place = place_of(&before.of);
    let follows = build_target(before.of, before.scope_name, before.key_matchers, names, found);
    let follows =
        follows.filter(|follows| is_event(follows, place, "nothing can follow it", "spawn.exited", found));
    if !target.is_none_or(|target| is_event(target, Some(of), "it cannot follow one", "spawn.started", found))
    {
        return None;
    }
    Some(ExpectationRule::Order(Box::new(OrderRule { follows: follows?, within })))
}

/// Builds the rule of an expectation with `leads_to`.
pub(super) fn build_leads_to(
    (target, of): PlacedTarget<'_>,
    then: RawLeadsTo,
    within: Option<Span>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationRule> {
    let place = place_of(&then.of);
    let effect = build_target(then.of, then.scope_name, then.key_matchers, names, found);
    let effect =
        effect.filter(|effect| is_event(effect, place, "it cannot follow one", "fetch.finished", found));
    let is_cause = |target| is_event(target, Some(of), "nothing can follow it", "fetch.started", found);
    if !target.is_none_or(is_cause) {
        return None;
    }
    let (effect, target) = (effect?, target?);
    let same = match then.same {
        KeySlot::Invalid => return None,
        KeySlot::Absent => None,
        KeySlot::Given(same) => {
            for one in [target, &effect] {
                if !has_key(one, &same, found) {
                    return None;
                }
            }
            Some(same.value)
        }
    };
    Some(ExpectationRule::LeadsTo(Box::new(LeadsToRule { effect, same, within })))
}

fn place_of(of: &KeySlot<SubjectName>) -> Option<FilePlace> {
    of.as_given().map(|of| of.place)
}

/// Whether a target is an event; reports it otherwise.
fn is_event(
    target: &ExpectationTarget,
    place: Option<FilePlace>,
    why_not: &str,
    example: &str,
    found: &mut Diagnostics,
) -> bool {
    if let (ExpectationSubject::Event(_), _) | (_, None) = (target.subject, place) {
        return true;
    }
    if let Some(place) = place {
        let message = format!("{} is not an event, so {why_not}", quoted(target.subject.name()));
        found.add(Diagnostic::error(place, message).with_help(format!("for example of = \"{example}\"")));
    }
    false
}

/// Whether the events of a target have a key, of their own or from the start of their source; reports it
/// otherwise.
pub(super) fn has_key(target: &ExpectationTarget, key: &Located<GroupKey>, found: &mut Diagnostics) -> bool {
    let Some(kind) = target.subject.event_kind() else { return true };
    if key.value.is_of(kind) {
        return true;
    }
    let (name, wanted) = (quoted(kind.name()), key.value.name());
    let message = format!("the event {name} has no key {}", quoted(wanted));
    let keys: Vec<String> =
        GroupKey::ALL.into_iter().filter(|key| key.is_of(kind)).map(|key| quoted(key.name())).collect();
    let help = match &keys[..] {
        [] => format!("{name} belongs to no spawn, request or entry"),
        keys => format!("{name} has {}", keys.join(", ")),
    };
    found.add(Diagnostic::error(key.place, message).with_help(help));
    false
}
