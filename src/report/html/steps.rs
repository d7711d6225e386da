//! The steps of a run that takes no time, in their order: who did what, and what the register and the cells
//! had after it. Such a run has no timeline to draw, since all its moments are the same.

use crate::report::html::tables::HtmlTable;
use crate::report::html::text::{MAX_TEXT_CHARS, truncate_text};
use crate::report::logged_scenario::load_logged_scenario;
use crate::report::units::group_digits;
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// How many steps, how many players and how many cells the table has at most.
const MAX_STEPS: usize = 500;
const MAX_PLAYERS: usize = 12;
const MAX_CELLS: usize = 12;

#[derive(Debug)]
struct StepRow {
    line: u64,
    /// The index of the player; none of those that have no column.
    player: Option<usize>,
    text: String,
    register: String,
    cells: Vec<i64>,
}

/// The steps of a run, as long as no time has gone by.
#[derive(Debug, Default)]
pub(super) struct StepRows {
    rows: Vec<StepRow>,
    more: u64,
    players: Vec<(Source, String)>,
    /// The shared cells with their values now.
    cells: Vec<(String, i64)>,
    has_time: bool,
}

impl StepRows {
    /// Takes an event.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "these events alone are steps, or of a player's state"
    )]
    pub(super) fn on_event(&mut self, (line, t): (u64, Moment), event: &Event<'_>) {
        self.has_time |= t > Moment::ZERO;
        if self.has_time {
            return self.rows.clear();
        }
        match *event {
            Event::RunStarted { scenario, .. } => {
                let scenario = load_logged_scenario(scenario);
                self.cells = scenario.map(|scenario| scenario.shared_cells).unwrap_or_default();
            }
            Event::Step { source, player, step, register, .. } => {
                // The only step that changes a cell; a name without a cell is in a log that somebody made.
                let stored = step.strip_prefix("store").map(str::trim);
                if let Some((_, value)) = self.cells.iter_mut().find(|(name, _)| Some(&**name) == stored) {
                    *value = register;
                }
                self.push((line, source), &player.to_string(), step, register.to_string());
            }
            Event::Deadlock { waiting } => {
                let names = waiting.iter().map(|(player, lock)| format!("{player} waits for {lock}"));
                let text = format!("deadlock: {}", names.collect::<Vec<_>>().join(", "));
                self.push_row(line, None, &text, String::new());
            }
            _ => {}
        }
    }

    fn push(&mut self, (line, source): (u64, Source), player: &str, text: &str, register: String) {
        let known = self.players.iter().position(|(of, name)| (*of, &**name) == (source, player));
        let player = known.or_else(|| {
            let index = self.players.len();
            (index < MAX_PLAYERS).then(|| {
                self.players.push((source, player.to_owned()));
                index
            })
        });
        self.push_row(line, player, text, register);
    }

    fn push_row(&mut self, line: u64, player: Option<usize>, text: &str, register: String) {
        if self.rows.len() == MAX_STEPS {
            self.more += 1;
            return;
        }
        let cells = self.cells.iter().take(MAX_CELLS).map(|(_, value)| *value).collect();
        let text = truncate_text(text, MAX_TEXT_CHARS);
        self.rows.push(StepRow { line, player, text, register, cells });
    }

    /// The table: a column for each player, and a row for each step. Empty if there are no steps, or if the
    /// run took time.
    pub(super) fn table(&self) -> HtmlTable {
        if self.players.is_empty() || self.rows.is_empty() {
            return HtmlTable::default();
        }
        let is_twice = |name: &str| self.players.iter().filter(|(_, other)| other == name).count() > 1;
        let player_names = self.players.iter().map(|(source, name)| match is_twice(name) {
            true => format!("{} ({source})", truncate_text(name, MAX_TEXT_CHARS)),
            false => truncate_text(name, MAX_TEXT_CHARS),
        });
        let has_others = self.rows.iter().any(|row| row.player.is_none());
        let cells = self.cells.iter().take(MAX_CELLS);
        let headings = ["#line".to_owned()]
            .into_iter()
            .chain(player_names)
            .chain(has_others.then(String::new))
            .chain(["#register".to_owned()])
            .chain(cells.map(|(name, _)| format!("#{}", truncate_text(name, MAX_TEXT_CHARS))));
        let mut table = HtmlTable::new(&headings.collect::<Vec<_>>());
        for row in &self.rows {
            let columns = self.players.len() + usize::from(has_others);
            let mut cells = vec![String::new(); columns];
            row.text.clone_into(&mut cells[row.player.unwrap_or(columns - 1)]);
            let values = row.cells.iter().map(i64::to_string);
            let cells = [row.line.to_string()].into_iter().chain(cells).chain([row.register.clone()]);
            table.push_row(if row.register.is_empty() { "wrong" } else { "" }, cells.chain(values).collect());
        }
        table.with_note((self.more > 0).then(|| format!("and {} more steps", group_digits(self.more))))
    }
}
