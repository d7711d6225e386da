//! Builds the players of a preset, and checks that no two of them have the same name. The names of numbered
//! players are compared without making them: there may be a hundred million.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::check::steps;
use crate::scenario::check::steps::StepNames;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{BoundedU32, MAX_PLAYERS_IN_PRESET, RawPlayerGroup};
use crate::scenario::interval::Interval;
use crate::scenario::model::{PlayerBehavior, PlayerGroup};
use crate::scenario::schema::collections::ListOf;
use crate::scenario::schema::steps::RawStep;
use crate::scenario::schema::strings::DirectionWord;
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::event::Direction;
use scenario_log::name::{MAX_NAME_LEN, NamePattern};

/// The largest number of player rows in one preset.
const MAX_PLAYER_ROWS: usize = 10_000;
/// The largest number of duplicate names that are reported for one preset.
const MAX_DUPLICATE_REPORTS: usize = 10;

/// Builds the players of a preset; `None` if one of them is wrong, which has been reported.
pub(super) fn build_groups(
    raw: Located<ListOf<RawPlayerGroup, 1>>,
    has_world: bool,
    shared: &mut StepNames,
    found: &mut Diagnostics,
) -> Option<Vec<PlayerGroup>> {
    let rows = raw.value.0;
    if rows.len() > MAX_PLAYER_ROWS {
        let message =
            format!("a preset has at most {MAX_PLAYER_ROWS} rows of players; this one has {}", rows.len());
        found.add(
            Diagnostic::error(raw.place, message).with_help("a row with `count` stands for many players"),
        );
        return None;
    }
    let mut groups = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    let mut all = 0_i64;
    let wanted = rows.len();
    for row in rows {
        let place = row.value.name.as_given().map_or(row.place, |name| name.place);
        let count_place = row.value.count.as_given().map_or(row.place, |count| count.place);
        if has_world {
            check_compass(row.value.directions.as_given(), found);
        }
        let Some(group) = build_group(row.value, place, shared, found) else { continue };
        all += i64::from(group.count);
        if all > MAX_PLAYERS_IN_PRESET {
            let message =
                format!("a preset has at most {MAX_PLAYERS_IN_PRESET} players; with these there are {all}");
            found.add(Diagnostic::error(count_place, message));
            return None;
        }
        groups.push(group);
        places.push(place);
    }
    check_distinct_names(&groups, &places, found);
    (groups.len() == wanted).then_some(groups)
}

/// Reports directions that are not those of a world.
fn check_compass(directions: Option<&Located<ListOf<DirectionWord, 1>>>, found: &mut Diagnostics) {
    for word in directions.into_iter().flat_map(|list| &list.value.0) {
        let Err(fault) = compass_letter(&word.value.0) else { continue };
        let message = format!("{} is not a direction of the world", quoted(&word.value.0));
        found.add(Diagnostic::error(word.place, message).with_help(fault));
    }
}

/// Whether a word is a direction of the world; if not, the help that says so.
fn compass_letter(word: &str) -> Result<(), String> {
    if Direction::from_letter(word).is_some() {
        return Ok(());
    }
    let all =
        "with a `[world]` the directions are \"N\", \"S\", \"E\" and \"W\"; without one they are any words";
    let letter = match word.to_ascii_lowercase().as_str() {
        "n" | "north" | "up" => "N",
        "s" | "south" | "down" => "S",
        "e" | "east" | "right" => "E",
        "w" | "west" | "left" => "W",
        _ => return Err(all.to_owned()),
    };
    Err(format!("write {letter:?}: {all}"))
}

fn build_group(
    raw: RawPlayerGroup,
    place: FilePlace,
    shared: &mut StepNames,
    found: &mut Diagnostics,
) -> Option<PlayerGroup> {
    let count = u32::try_from(raw.count.valid()?.0).ok()?;
    let name = NamePattern::new(&raw.name.into_value()?.0, count);
    let longest = name.nth(count).to_string();
    if longest.chars().count() > MAX_NAME_LEN {
        let message = format!("with its number this name is longer than {MAX_NAME_LEN} characters");
        found.add(
            Diagnostic::error(place, message)
                .with_help(format!("the last one would be {}", quoted(&longest))),
        );
    }
    let data = match &raw.data {
        KeySlot::Given(name) => Some(shared.row_source(name, found)?),
        KeySlot::Invalid => return None,
        KeySlot::Absent => None,
    };
    let directions = raw.directions.valid().map(|list| list.0.into_iter().map(|one| one.value.0).collect());
    let part = build_behavior(raw.moves, raw.every, raw.steps, shared, found)?;
    Some(PlayerGroup {
        name,
        count,
        behavior: part,
        directions: directions?,
        data,
        on_failure: raw.on_failure.or_default(),
        cookies: raw.cookies.or_default(),
    })
}

fn build_behavior(
    moves: KeySlot<BoundedU32<0>>,
    every: KeySlot<Interval>,
    steps: KeySlot<ListOf<RawStep, 1>>,
    shared: &mut StepNames,
    found: &mut Diagnostics,
) -> Option<PlayerBehavior> {
    const HELP: &str = "time is counted in 64 bits of nanoseconds";
    if let KeySlot::Given(raw) = steps {
        let part = PlayerBehavior::Steps(steps::build_steps(raw.value.0, shared, found)?);
        if let PlayerBehavior::Steps(steps) = &part
            && steps.longest_pauses().is_none()
        {
            let message = "these pauses may take longer than 584 years";
            found.add(Diagnostic::error(raw.place, message).with_help(HELP));
        }
        return Some(part);
    }
    let (moves, every) = (u32::try_from(moves.into_value()?.0).ok()?, every.into_given()?);
    let longest_wait = every.value.longest().unwrap_or_default();
    if longest_wait.checked_mul(moves.into()).is_none() {
        let message = format!("{moves} of these waits may take longer than 584 years");
        found.add(Diagnostic::error(every.place, message).with_help(HELP));
    }
    Some(PlayerBehavior::Moves { moves, every: every.value })
}

/// Reports names that two players would share.
fn check_distinct_names(groups: &[PlayerGroup], places: &[FilePlace], found: &mut Diagnostics) {
    let mut doubles = 0;
    let mut tell = |a: usize, b: usize, name: String| {
        doubles += 1;
        if doubles <= MAX_DUPLICATE_REPORTS {
            found.add(
                Diagnostic::error(
                    places[b],
                    format!("two players of this preset are called {}", quoted(&name)),
                )
                .with_label("the second one")
                .with_related(places[a], "the first one")
                .with_help("give each player of a preset a name of its own"),
            );
        }
        doubles < MAX_DUPLICATE_REPORTS
    };
    // Two names can be equal only if they are equal after each run of digits is replaced by one sign.
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
        // Of two equal names, one prefix begins with the other, so that they stand together in this order.
        bucket.sort_by_key(|index| (&groups[*index].name.prefix, *index));
        for (at, &a) in bucket.iter().enumerate() {
            let begins = |b: &&usize| groups[**b].name.prefix.starts_with(&groups[a].name.prefix);
            for &b in bucket[at + 1..].iter().take_while(begins) {
                if let Some(name) = common_name(&groups[a], &groups[b])
                    && !tell(a.min(b), a.max(b), name)
                {
                    return;
                }
            }
        }
    }
}

/// A name in which each run of digits, its number included, is replaced by one sign.
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

/// A name that both groups have, if there is one.
fn common_name(a: &PlayerGroup, b: &PlayerGroup) -> Option<String> {
    let (end_a, end_b) = (&a.name.suffix, &b.name.suffix);
    let numbered = a.name.numbered || b.name.numbered;
    if !numbered || !(end_a.ends_with(end_b.as_str()) || end_b.ends_with(end_a.as_str())) {
        return None;
    }
    let lengths =
        |group: &PlayerGroup| if group.name.numbered { 1..=digit_count(group.count) } else { 0..=0 };
    lengths(a)
        .find_map(|length_a| lengths(b).find_map(|length_b| common_name_of_lengths(a, length_a, b, length_b)))
}

fn digit_count(number: u32) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// A name that both groups have when their numbers have these lengths. Free digits are made as small as
/// possible, which makes both numbers as small as possible.
fn common_name_of_lengths(
    a: &PlayerGroup,
    length_a: usize,
    b: &PlayerGroup,
    length_b: usize,
) -> Option<String> {
    let (slots_a, slots_b) = (name_bytes(&a.name, length_a), name_bytes(&b.name, length_b));
    if slots_a.len() != slots_b.len() {
        return None;
    }
    let name: Option<Vec<u8>> = slots_a.iter().zip(&slots_b).map(|(a, b)| a.intersect(*b)).collect();
    let name = String::from_utf8(name?).ok()?;
    let fits = |group: &PlayerGroup, length: usize| {
        let start = group.name.prefix.len();
        let number = name.get(start..start + length).and_then(|digits| digits.parse::<u64>().ok());
        length == 0 || number.is_some_and(|number| number >= 1 && number <= u64::from(group.count))
    };
    (fits(a, length_a) && fits(b, length_b)).then_some(name)
}

/// The bytes that may stand at one position of a name.
#[derive(Clone, Copy)]
enum NameByte {
    Fixed(u8),
    /// A digit that is not less than this one: a number does not begin with 0.
    DigitFrom(u8),
}

impl NameByte {
    /// The smallest byte that both allow, if there is one.
    fn intersect(self, other: NameByte) -> Option<u8> {
        match (self, other) {
            (NameByte::Fixed(a), NameByte::Fixed(b)) => (a == b).then_some(a),
            (NameByte::Fixed(byte), NameByte::DigitFrom(least))
            | (NameByte::DigitFrom(least), NameByte::Fixed(byte)) => {
                (byte >= least && byte.is_ascii_digit()).then_some(byte)
            }
            (NameByte::DigitFrom(a), NameByte::DigitFrom(b)) => Some(a.max(b)),
        }
    }
}

fn name_bytes(name: &NamePattern, length: usize) -> Vec<NameByte> {
    let number = (0..length).map(|index| NameByte::DigitFrom(if index == 0 { b'1' } else { b'0' }));
    let prefix = name.prefix.bytes().map(NameByte::Fixed);
    prefix.chain(number).chain(name.suffix.bytes().map(NameByte::Fixed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::time::Span;

    fn players(name: &str, count: u32) -> PlayerGroup {
        PlayerGroup {
            name: NamePattern::new(name, count),
            count,
            behavior: PlayerBehavior::Moves { moves: 1, every: Interval::Constant(Span::ZERO) },
            directions: Direction::ALL.map(|one| one.letter().to_owned()).to_vec(),
            data: None,
            on_failure: crate::scenario::model::OnFailure::End,
            cookies: true,
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
            proptest::prop_assert_eq!(common_name(&a, &b).is_some(), common && numbered);
            proptest::prop_assert!(same || !common);
        }
    }
}
