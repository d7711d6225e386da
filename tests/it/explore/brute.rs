//! The other program: it reads the steps of a few players itself, goes through every order one by one, and
//! notes the outcome of each. Shares only the scenario's text with the program that it checks.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A player: its start in milliseconds, and its steps.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) start: u64,
    pub(crate) steps: Vec<String>,
}

/// Cells `a` and `b`, and players with their own starts; each is one entry of the timeline.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) cells: [i64; 2],
    pub(crate) players: Vec<Player>,
}

/// The outcome of an order of the steps: the cells, and which player (by number) waits for which lock.
pub(crate) type End = ([i64; 2], Vec<(usize, String)>);

/// The index of a cell or lock, by its name.
fn index(name: &str) -> usize {
    usize::from(name.bytes().next().unwrap() - b'a')
}

#[derive(Clone)]
struct State {
    cells: [i64; 2],
    /// The holders of the locks `a`, `b` and `c`.
    locks: [Option<usize>; 3],
    now: u64,
    /// For each player: its next step, its register, and the moment when it can continue.
    players: Vec<(usize, i64, u64)>,
}

impl Program {
    /// The scenario file of this program.
    pub(crate) fn toml(&self) -> String {
        let mut text = format!("tick = \"0s\"\n[shared]\na = {}\nb = {}\n", self.cells[0], self.cells[1]);
        for (n, player) in self.players.iter().enumerate() {
            let _ = writeln!(
                text,
                "[presets.q{n}]\nplayers = [{{ name = \"p{n}\", steps = {:?} }}]",
                player.steps
            );
            let _ = writeln!(text, "[[timeline]]\nat = \"{}ms\"\nspawn = \"q{n}\"", player.start);
        }
        text
    }

    /// Every end, with the number of orders that lead to it; `None` if there are more orders than this.
    pub(crate) fn ends(&self, most: u64) -> Option<BTreeMap<End, u64>> {
        let players = self.players.iter().map(|player| (0, 0, player.start)).collect();
        let mut all = (BTreeMap::new(), most);
        let state = State { cells: self.cells, locks: [None; 3], now: 0, players };
        self.go(state, &mut all)?;
        Some(all.0)
    }

    fn go(&self, mut state: State, all: &mut (BTreeMap<End, u64>, u64)) -> Option<()> {
        loop {
            let ready: Vec<usize> = (0..self.players.len()).filter(|n| self.can_go(&state, *n)).collect();
            if !ready.is_empty() {
                for n in ready {
                    self.go(self.step(state.clone(), n), all)?;
                }
                return Some(());
            }
            // A player that has started and not ended waits for a lock, or for its time.
            let left: Vec<usize> = (0..self.players.len()).filter(|n| self.is_left(&state, *n)).collect();
            let is_dead = !left.is_empty() && left.iter().all(|n| state.players[*n].2 <= state.now);
            let later = state.players.iter().map(|(_, _, due)| *due).filter(|due| *due > state.now);
            match later.min().filter(|_| !is_dead) {
                Some(next) => state.now = next,
                None => break,
            }
        }
        // A player that was to start later does not wait.
        let left = (0..self.players.len()).filter(|n| self.players[*n].start <= state.now);
        let left = left.filter_map(|n| {
            let step = self.players[n].steps.get(state.players[n].0)?;
            Some((n, step.strip_prefix("lock ")?.to_owned()))
        });
        *all.0.entry((state.cells, left.collect())).or_default() += 1;
        all.1 = all.1.checked_sub(1)?;
        Some(())
    }

    fn is_left(&self, state: &State, n: usize) -> bool {
        let (at, _, due) = state.players[n];
        self.players[n].start <= state.now && (at < self.players[n].steps.len() || due > state.now)
    }

    fn can_go(&self, state: &State, n: usize) -> bool {
        let (at, _, due) = state.players[n];
        let Some(step) = self.players[n].steps.get(at) else { return false };
        let is_free = |lock: &str| state.locks[index(lock)].is_none();
        due <= state.now && step.strip_prefix("lock ").is_none_or(is_free)
    }

    fn step(&self, mut state: State, n: usize) -> State {
        let (at, register, _) = state.players[n];
        let (word, rest) = self.players[n].steps[at].split_once(' ').unwrap_or(("move", ""));
        let mut register = register;
        let mut due = state.now;
        match word {
            "load" => register = state.cells[index(rest)],
            "store" => state.cells[index(rest)] = register,
            "add" => register = register.wrapping_add(rest.parse().unwrap()),
            "mul" => register = register.wrapping_mul(rest.parse().unwrap()),
            "lock" => state.locks[index(rest)] = Some(n),
            "unlock" => state.locks[index(rest)] = None,
            "pause" => due += rest.trim_end_matches("ms").parse::<u64>().unwrap(),
            _ => {}
        }
        state.players[n] = (at + 1, register, due);
        state
    }
}
