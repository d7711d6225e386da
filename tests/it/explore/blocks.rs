//! The steps with branches, loops, conditions and channels, against another program: it keeps a list of what
//! each player has still to do, has no jumps, and lists every order one by one.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scenario::explore::explore_exhaustively;
use scenario::explore::outcome::ExploredVerdict;

use crate::explore::loaded;

/// The most orders that are listed one by one.
const LISTED: u64 = 8_000;

#[derive(Clone, Debug)]
enum Node {
    Step(&'static str),
    /// A condition, the steps if it holds, and the others.
    If(&'static str, Vec<Node>, Vec<Node>),
    Repeat(usize, Vec<Node>),
}

/// The cells, the players that wait (by number) with what they wait for, and whether the run failed.
type End = ([i64; 2], Vec<(usize, String)>, bool);

#[derive(Clone)]
struct State {
    cells: [i64; 2],
    lock: Option<usize>,
    /// The channels `c` (one place, in order), `d` (two places, in any order) and `e` (one place, lossy).
    channels: [Vec<i64>; 3],
    /// For each player: its register, and what it has still to do, the next at the end.
    players: Vec<(i64, Vec<Node>)>,
}

const CAPACITIES: [usize; 3] = [1, 2, 1];

fn channel(name: &str) -> usize {
    usize::from(name.as_bytes()[0] - b'c')
}

/// Puts steps before what is still to be done.
fn push(todo: &mut Vec<Node>, nodes: &[Node]) {
    todo.extend(nodes.iter().rev().cloned());
    while let Some(Node::Repeat(rounds, body)) = todo.last().cloned() {
        todo.pop();
        for _ in 0..rounds {
            todo.extend(body.iter().rev().cloned());
        }
    }
}

impl State {
    fn holds(&self, n: usize, condition: &str) -> bool {
        condition.split(" or ").any(|part| {
            let words: Vec<&str> = part.split(' ').collect();
            let left = match words[0] {
                "a" => self.cells[0],
                "b" => self.cells[1],
                _ => self.players[n].0,
            };
            let right: i64 = words[2].parse().unwrap();
            match words[1] {
                "==" => left == right,
                "!=" => left != right,
                _ => left < right,
            }
        })
    }

    fn can_go(&self, n: usize) -> bool {
        let Some(Node::Step(step)) = self.players[n].1.last() else { return !self.players[n].1.is_empty() };
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        match word {
            "lock" => self.lock.is_none(),
            "wait" => self.holds(n, rest),
            "recv" => !self.channels[channel(rest)].is_empty(),
            "send" => rest == "e" || self.channels[channel(rest)].len() < CAPACITIES[channel(rest)],
            _ => true,
        }
    }

    /// Every state that the next step of a player can lead to; `None` for a failure.
    fn next(&self, n: usize) -> Vec<Option<State>> {
        let mut state = self.clone();
        let register = self.players[n].0;
        let node = state.players[n].1.pop().unwrap();
        let step = match node {
            Node::If(condition, then, otherwise) => {
                let branch = if self.holds(n, condition) { then } else { otherwise };
                push(&mut state.players[n].1, &branch);
                return vec![Some(state)];
            }
            Node::Step(step) => step,
            Node::Repeat(..) => unreachable!(),
        };
        // A loop that comes next is no step.
        push(&mut state.players[n].1, &[]);
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        let set = |state: &mut State, value| state.players[n].0 = value;
        match word {
            "load" => set(&mut state, self.cells[usize::from(rest == "b")]),
            "store" => state.cells[usize::from(rest == "b")] = register,
            "set" => set(&mut state, rest.parse().unwrap()),
            "add" => set(&mut state, register + rest.parse::<i64>().unwrap()),
            "cas" => {
                let is_same = self.cells[0] == 0;
                if is_same {
                    state.cells[0] = 1;
                }
                set(&mut state, i64::from(is_same));
            }
            "lock" => state.lock = Some(n),
            "unlock" => state.lock = None,
            "assert" if !self.holds(n, rest) => return vec![None],
            "end" => state.players[n].1.clear(),
            "send" => {
                let (at, mut lost) = (channel(rest), Vec::new());
                if rest == "e" {
                    lost.push(Some(state.clone()));
                    if self.channels[at].len() == CAPACITIES[at] {
                        return lost;
                    }
                }
                state.channels[at].push(register);
                return [Some(state)].into_iter().chain(lost).collect();
            }
            "recv" if rest == "d" => {
                let mut sorted = self.channels[1].clone();
                sorted.sort_unstable();
                let received = |index: usize| {
                    let (mut state, mut left) = (state.clone(), sorted.clone());
                    state.players[n].0 = left.remove(index);
                    state.channels[1] = left;
                    Some(state)
                };
                return (0..sorted.len()).map(received).collect();
            }
            "recv" => {
                let value = state.channels[channel(rest)].remove(0);
                set(&mut state, value);
            }
            _ => {}
        }
        vec![Some(state)]
    }
}

fn list_ends(state: State, all: &mut (BTreeMap<End, u64>, u64)) -> Option<()> {
    let ready: Vec<usize> = (0..state.players.len()).filter(|n| state.can_go(*n)).collect();
    if ready.is_empty() {
        let waiting = state.players.iter().enumerate().filter_map(|(n, (_, todo))| match todo.last()? {
            Node::Step(step) => {
                let awaited = ["lock ", "wait "].into_iter().find_map(|word| step.strip_prefix(word));
                Some((n, awaited.unwrap_or(step).to_owned()))
            }
            _ => unreachable!(),
        });
        let waiting: Vec<_> = waiting.collect();
        let has_failed = !waiting.is_empty();
        *all.0.entry((state.cells, waiting, has_failed)).or_default() += 1;
        all.1 = all.1.checked_sub(1)?;
        return Some(());
    }
    for n in ready {
        for next in state.next(n) {
            match next {
                Some(next) => list_ends(next, all)?,
                None => {
                    *all.0.entry((state.cells, Vec::new(), true)).or_default() += 1;
                    all.1 = all.1.checked_sub(1)?;
                }
            }
        }
    }
    Some(())
}

fn write_steps(nodes: &[Node]) -> String {
    let one = |node: &Node| match node {
        Node::Step(step) => format!("{step:?}"),
        Node::If(condition, then, otherwise) if otherwise.is_empty() => {
            format!("{{ if = {condition:?}, steps = [{}] }}", write_steps(then))
        }
        Node::If(condition, then, otherwise) => {
            let (then, otherwise) = (write_steps(then), write_steps(otherwise));
            format!("{{ if = {condition:?}, steps = [{then}], else = [{otherwise}] }}")
        }
        Node::Repeat(rounds, body) => format!("{{ repeat = {rounds}, steps = [{}] }}", write_steps(body)),
    };
    nodes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn toml(players: &[Vec<Node>]) -> String {
    let mut text = "tick = \"0s\"\n[shared]\na = 0\nb = 1\n[channels]\nc = {}\n\
                    d = { capacity = 2, order = \"any\" }\ne = { lossy = true }\n"
        .to_owned();
    for (n, steps) in players.iter().enumerate() {
        let steps = write_steps(steps);
        let _ = writeln!(text, "[presets.q{n}]\nplayers = [{{ name = \"p{n}\", steps = [{steps}] }}]");
        let _ = writeln!(text, "[[timeline]]\nspawn = \"q{n}\"");
    }
    text
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let steps = vec![
        "load a",
        "store a",
        "load b",
        "store b",
        "set 2",
        "add 1",
        "cas a 0 1",
        "wait a != 0",
        "wait b < 1 or a == 1",
        "assert b < 3",
        "send c",
        "recv c",
        "send d",
        "recv d",
        "send e",
        "recv e",
        "end",
    ];
    let conditions = select(vec!["a == 0", "b != 1", "register < 2", "a == 1 or b == 0"]);
    let step = select(steps).prop_map(Node::Step);
    let node = step.prop_recursive(2, 6, 3, move |inner| {
        let list = || vec(inner.clone(), 1..3);
        prop_oneof![
            (conditions.clone(), list(), prop_oneof![Just(Vec::new()), list()])
                .prop_map(|(condition, then, otherwise)| Node::If(condition, then, otherwise)),
            (0..3_usize, list()).prop_map(|(rounds, body)| Node::Repeat(rounds, body)),
        ]
    });
    (vec(node, 1..4), any::<bool>()).prop_map(|(mut nodes, is_locked)| {
        if is_locked {
            nodes.insert(0, Node::Step("lock m"));
            nodes.push(Node::Step("unlock m"));
        }
        nodes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]
    #[test]
    fn counts_are_those_of_a_program_without_jumps(players in vec(nodes(), 1..4)) {
        let start = |nodes: &Vec<Node>| {
            let mut todo = Vec::new();
            push(&mut todo, nodes);
            (0, todo)
        };
        let players_at_start = players.iter().map(start).collect();
        let state = State { cells: [0, 1], lock: None, channels: Default::default(), players: players_at_start };
        let mut all = (BTreeMap::new(), LISTED);
        if list_ends(state, &mut all).is_none() {
            return Ok(());
        }
        let text = toml(&players);
        let explored = explore_exhaustively(&loaded(&text), 0, 1_000_000, |_| {}).unwrap();
        let mut found: BTreeMap<End, u64> = BTreeMap::new();
        for one in &explored.outcomes {
            let cells = [one.outcome.shared[0].1, one.outcome.shared[1].1];
            let number = |player: &str| player.strip_prefix('p').unwrap().parse().unwrap();
            let waiting = one.outcome.waiting.iter().map(|(player, what)| (number(player), what.clone()));
            let has_failed = one.outcome.verdict == ExploredVerdict::Failed;
            let count = u64::try_from(&one.count).unwrap();
            *found.entry((cells, waiting.collect(), has_failed)).or_default() += count;
        }
        prop_assert_eq!(found, all.0, "{}", text);
    }
}

/// A loop without an end has orders without number, but its outcomes are those that any number of rounds has.
#[test]
fn a_spinning_lock_has_the_outcomes_of_a_lock() {
    let text = |acquire: &str| {
        format!(
            "[shared]\na = 0\nm = 0\n[presets.p]\nplayers = [{{ name = \"t\", count = 2, steps = [\
             {acquire}, \"load a\", \"add 1\", \"store a\", \"set 0\", \"store m\"] }}]\n[[timeline]]\nspawn = \"p\"\n"
        )
    };
    let outcomes = |steps: &str| {
        let explored = explore_exhaustively(&loaded(&text(steps)), 0, 1_000_000, |_| {}).unwrap();
        let cells = explored.outcomes.iter().map(|one| one.outcome.shared[0].1);
        (cells.collect::<Vec<_>>(), explored.is_uncounted)
    };
    let spin = "\"cas m 0 1\", { while = \"register == 0\", steps = [\"cas m 0 1\"] }";
    assert_eq!(outcomes(spin), (vec![2], true));
    // Without the loop, who does not get the lock goes on.
    assert_eq!(outcomes("\"cas m 0 1\""), (vec![1, 2], false));
}
