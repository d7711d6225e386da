//! Players: their numbers, and that no two of a preset have one name. The names of numbered players
//! are compared without making them: there may be a hundred million.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::check::steps;
use crate::scenario::check::steps::Shared;
use crate::scenario::file::{Count, MOST_PLAYERS, RawPlayers};
use crate::scenario::findings::Findings;
use crate::scenario::interval::Interval;
use crate::scenario::model::steps::{Act, Step};
use crate::scenario::model::{Part, PlayerGroup};
use crate::scenario::schema::collections::List;
use crate::scenario::schema::steps::RawStep;
use crate::scenario::schema::{Slot, Sp};
use scenario_log::event::Direction;
use scenario_log::name::{LONGEST_NAME, NamePattern};
use scenario_log::time::Span;

/// The most rows of players in one preset.
const MOST_ROWS: usize = 10_000;
/// How many doubled names of one preset are told.
const MOST_DOUBLES: usize = 10;

/// The players of a preset; `None` if one lacks what has been asked for already.
pub(super) fn groups(
    raw: Sp<List<RawPlayers, 1>>,
    shared: &mut Shared,
    found: &mut Findings,
) -> Option<Vec<PlayerGroup>> {
    let rows = raw.value.0;
    if rows.len() > MOST_ROWS {
        let message =
            format!("a preset has at most {MOST_ROWS} rows of players; this one has {}", rows.len());
        found.add(Diagnostic::error(raw.place, message).help("a row with `count` stands for many players"));
        return None;
    }
    let mut groups = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    let mut all = 0_i64;
    let wanted = rows.len();
    for row in rows {
        let place = row.value.name.as_given().map_or(row.place, |name| name.place);
        let count_place = row.value.count.as_given().map_or(row.place, |count| count.place);
        let Some(group) = group(row.value, place, shared, found) else { continue };
        all += i64::from(group.count);
        if all > MOST_PLAYERS {
            let message = format!("a preset has at most {MOST_PLAYERS} players; with these there are {all}");
            found.add(Diagnostic::error(count_place, message));
            return None;
        }
        groups.push(group);
        places.push(place);
    }
    distinct(&groups, &places, found);
    (groups.len() == wanted).then_some(groups)
}

fn group(raw: RawPlayers, place: Place, shared: &mut Shared, found: &mut Findings) -> Option<PlayerGroup> {
    let count = match raw.count.is_present() {
        true => u32::try_from(raw.count.value()?.0).ok()?,
        false => 1,
    };
    let name = NamePattern::new(&raw.name.value()?.0, count);
    let longest = name.nth(count).to_string();
    if longest.len() > LONGEST_NAME {
        let message = format!("with its number this name is longer than {LONGEST_NAME} characters");
        found.add(
            Diagnostic::error(place, message).help(format!("the last one would be {}", quoted(&longest))),
        );
    }
    let directions = match raw.directions.is_present() {
        true => raw.directions.value().map(|list| list.0.into_iter().map(|one| one.value).collect()),
        false => Some(Direction::ALL.to_vec()),
    };
    let part = part(raw.moves, raw.every, raw.steps, shared, found)?;
    Some(PlayerGroup { name, count, part, directions: directions? })
}

fn part(
    moves: Slot<Count<0>>,
    every: Slot<Interval>,
    steps: Slot<List<RawStep, 1>>,
    shared: &mut Shared,
    found: &mut Findings,
) -> Option<Part> {
    const HELP: &str = "time is counted in 64 bits of nanoseconds";
    if let Slot::Given(raw) = steps {
        let part = Part::Steps(steps::steps(raw.value.0, shared, found)?);
        if let Part::Steps(steps) = &part
            && sum_of_pauses(steps).is_none()
        {
            let message = "these pauses may take longer than 584 years";
            found.add(Diagnostic::error(raw.place, message).help(HELP));
        }
        return Some(part);
    }
    let (moves, every) = (u32::try_from(moves.value()?.0).ok()?, every.given()?);
    let longest_wait = every.value.longest().unwrap_or_default();
    if longest_wait.checked_mul(moves.into()).is_none() {
        let message = format!("{moves} of these waits may take longer than 584 years");
        found.add(Diagnostic::error(every.place, message).help(HELP));
    }
    Some(Part::Moves { moves, every: every.value })
}

/// All pauses, at most; draws without an end count as none. `None` if that cannot be counted.
pub(super) fn sum_of_pauses(steps: &[Step]) -> Option<Span> {
    steps.iter().try_fold(Span::ZERO, |sum, step| match &step.act {
        Act::Pause(interval) => sum.checked_add(interval.longest().unwrap_or_default()),
        _ => Some(sum),
    })
}

/// Tells names that two players would share.
fn distinct(groups: &[PlayerGroup], places: &[Place], found: &mut Findings) {
    let mut doubles = 0;
    let mut tell = |a: usize, b: usize, name: String| {
        doubles += 1;
        if doubles <= MOST_DOUBLES {
            found.add(
                Diagnostic::error(
                    places[b],
                    format!("two players of this preset are called {}", quoted(&name)),
                )
                .label("the second one")
                .related(places[a], "the first one")
                .help("the players of a preset have names of their own"),
            );
        }
        doubles < MOST_DOUBLES
    };
    // Two names are equal only if they are so with every run of digits made one sign.
    let mut buckets: HashMap<String, Vec<usize>> = HashMap::new();
    let mut fixed: HashMap<&str, usize> = HashMap::new();
    for (index, group) in groups.iter().enumerate() {
        if !group.name.numbered
            && let Some(first) = fixed.insert(&group.name.prefix, index)
            && !tell(first, index, group.name.prefix.clone())
        {
            return;
        }
        buckets.entry(skeleton(&group.name)).or_default().push(index);
    }
    let mut buckets: Vec<Vec<usize>> = buckets.into_values().collect();
    buckets.sort_unstable();
    for mut bucket in buckets {
        // Of two equal names one prefix begins the other, so that in this order they stand together.
        bucket.sort_by_key(|index| (&groups[*index].name.prefix, *index));
        for (at, &a) in bucket.iter().enumerate() {
            let begins = |b: &&usize| groups[**b].name.prefix.starts_with(&groups[a].name.prefix);
            for &b in bucket[at + 1..].iter().take_while(begins) {
                if let Some(name) = shared(&groups[a], &groups[b])
                    && !tell(a.min(b), a.max(b), name)
                {
                    return;
                }
            }
        }
    }
}

/// A name with every run of digits, its number among them, made one sign.
fn skeleton(name: &NamePattern) -> String {
    let mut skeleton = String::new();
    for c in name.nth(1).to_string().chars() {
        match c {
            '0'..='9' if skeleton.ends_with('#') => {}
            '0'..='9' => skeleton.push('#'),
            c => skeleton.push(c),
        }
    }
    skeleton
}

/// A name that both groups have; `None` if there is none.
fn shared(a: &PlayerGroup, b: &PlayerGroup) -> Option<String> {
    let (end_a, end_b) = (&a.name.suffix, &b.name.suffix);
    let numbered = a.name.numbered || b.name.numbered;
    if !numbered || !(end_a.ends_with(end_b.as_str()) || end_b.ends_with(end_a.as_str())) {
        return None;
    }
    let lengths = |group: &PlayerGroup| if group.name.numbered { 1..=digits(group.count) } else { 0..=0 };
    lengths(a).find_map(|length_a| lengths(b).find_map(|length_b| same(a, length_a, b, length_b)))
}

fn digits(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// A name that both have where their numbers have these many digits. Free digits are made as small as
/// they can be, which makes both numbers as small as they can be.
fn same(a: &PlayerGroup, length_a: usize, b: &PlayerGroup, length_b: usize) -> Option<String> {
    let (slots_a, slots_b) = (slots(&a.name, length_a), slots(&b.name, length_b));
    if slots_a.len() != slots_b.len() {
        return None;
    }
    let name: Option<Vec<u8>> = slots_a.iter().zip(&slots_b).map(|(a, b)| a.meet(*b)).collect();
    let name = String::from_utf8(name?).ok()?;
    let fits = |group: &PlayerGroup, length: usize| {
        let start = group.name.prefix.len();
        let number = name.get(start..start + length).and_then(|digits| digits.parse::<u64>().ok());
        length == 0 || number.is_some_and(|number| number >= 1 && number <= u64::from(group.count))
    };
    (fits(a, length_a) && fits(b, length_b)).then_some(name)
}

/// What may stand at one place of a name.
#[derive(Clone, Copy)]
enum SlotOf {
    /// This byte.
    Fixed(u8),
    /// A digit from this one on: a number does not begin with 0.
    Digit(u8),
}

impl SlotOf {
    /// The smallest byte that both allow.
    fn meet(self, other: SlotOf) -> Option<u8> {
        match (self, other) {
            (SlotOf::Fixed(a), SlotOf::Fixed(b)) => (a == b).then_some(a),
            (SlotOf::Fixed(byte), SlotOf::Digit(least)) | (SlotOf::Digit(least), SlotOf::Fixed(byte)) => {
                (byte >= least && byte.is_ascii_digit()).then_some(byte)
            }
            (SlotOf::Digit(a), SlotOf::Digit(b)) => Some(a.max(b)),
        }
    }
}

fn slots(name: &NamePattern, length: usize) -> Vec<SlotOf> {
    let number = (0..length).map(|index| SlotOf::Digit(if index == 0 { b'1' } else { b'0' }));
    let prefix = name.prefix.bytes().map(SlotOf::Fixed);
    prefix.chain(number).chain(name.suffix.bytes().map(SlotOf::Fixed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn players(name: &str, count: u32) -> PlayerGroup {
        PlayerGroup {
            name: NamePattern::new(name, count),
            count,
            part: Part::Moves { moves: 1, every: Interval::Constant(Span::ZERO) },
            directions: Direction::ALL.to_vec(),
        }
    }

    proptest::proptest! {
        #[test]
        fn shared_names_are_those_that_making_them_all_finds(
            a in "[a1-3]{0,2}(\\{n\\})?[a1-3]{0,2}", m in 1..30_u32,
            b in "[a1-3]{0,2}(\\{n\\})?[a1-3]{0,2}", n in 1..30_u32,
        ) {
            let (a, b) = (players(&a, m), players(&b, n));
            let all = |group: &PlayerGroup| (1..=group.count).map(|n| group.name.nth(n).to_string()).collect::<Vec<_>>();
            let common = all(&a).iter().any(|name| all(&b).contains(name));
            let same = skeleton(&a.name) == skeleton(&b.name);
            let numbered = a.name.numbered || b.name.numbered;
            proptest::prop_assert_eq!(shared(&a, &b).is_some(), common && numbered);
            proptest::prop_assert!(same || !common);
        }
    }
}
