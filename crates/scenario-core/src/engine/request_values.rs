//! The values that requests get when they start: of their rows, their numbers, and draws from the seed. Sends
//! nothing and emits nothing.
//!
//! # How it works
//!
//! A run of a fetch has one row for all its requests; in a load each request has its own. A draw depends on the
//! fetch, its run, the request and the text of the draw, and on no other draw: the same text in one request
//! gives the same value, and one more draw changes no other.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::engine::data_rows::TakenRows;
use crate::engine::random::{RandomStream, RandomStreamId};
use crate::scenario::model::{DataTable, FetchJob, Scenario};
use crate::scenario::vars::fill::job_texts;
use crate::scenario::vars::request_values::{DrawForm, RequestValue};
use scenario_log::captured_value::{CapturedValue, REDACTED};

/// The letters of a drawn text.
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The values that the requests of one run of a fetch share.
#[derive(Clone)]
pub(crate) struct RequestSeries {
    /// The runs of the fetch before this one.
    nth: u64,
    /// The requests that have started.
    started: u64,
    /// The row of the requests that start now, if the fetch takes rows.
    row: Option<u32>,
    /// Draws the rows.
    random: RandomStream,
}

/// A request that starts: what its values depend on.
pub(crate) struct StartingRequest {
    /// The row of the table that it takes rows from, if it has one.
    pub(crate) row: Option<u32>,
    /// The index of that table.
    pub(crate) table: Option<usize>,
    /// The value of `${n}`.
    pub(crate) n: u64,
    /// The value of `${player}`.
    pub(crate) player: Option<String>,
    /// The identity of its draws, without the text of the draw.
    pub(crate) draws: RandomStreamId,
}

/// The values of the requests of a run.
#[derive(Clone)]
pub(crate) struct RequestValues {
    scenario: Rc<Scenario>,
    seed: u64,
    /// Whether the requests of each fetch have such values.
    is_needed: Vec<bool>,
    /// The runs of each fetch.
    runs: Vec<u64>,
    /// The rows that each fetch has taken.
    taken: Vec<u64>,
    rows: TakenRows,
}

impl RequestValues {
    pub(crate) fn new(scenario: Rc<Scenario>, seed: u64) -> RequestValues {
        let captured: BTreeSet<&str> =
            scenario.fetches.iter().flat_map(|job| &job.captures).map(|capture| &*capture.name).collect();
        let is_value = |name: &str| !captured.contains(name) && RequestValue::parse(name).is_some();
        let has_values = |job: &FetchJob| {
            job.data.is_some() || job_texts(job).flat_map(|text| text.capture_names()).any(is_value)
        };
        let is_needed: Vec<bool> = scenario.fetches.iter().map(has_values).collect();
        let none = vec![0; is_needed.len()];
        let rows = TakenRows::new(&scenario.data);
        RequestValues { seed, is_needed, runs: none.clone(), taken: none, rows, scenario }
    }

    /// The next run of a fetch; `None` if its requests have no such values.
    pub(crate) fn begin_run(&mut self, job: usize) -> Option<RequestSeries> {
        if !self.is_needed[job] {
            return None;
        }
        let nth = self.runs[job];
        self.runs[job] += 1;
        let id = RandomStreamId::new(self.seed, "rows").with_text(&self.scenario.fetches[job].name);
        Some(RequestSeries { nth, started: 0, row: None, random: id.with_number(nth).stream() })
    }

    /// Takes the row of the requests that start now.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    pub(crate) fn take_row(&mut self, job: usize, series: &mut RequestSeries) -> Result<(), String> {
        let Some(source) = &self.scenario.fetches[job].data else { return Ok(()) };
        let Some(table) = self.scenario.data.get(source.table) else { return Ok(()) };
        series.row = self.rows.take(source.table, table, self.taken[job], &mut series.random);
        self.taken[job] += 1;
        match series.row {
            Some(_) => Ok(()),
            None => Err(format!("each row of `{}` was taken once", source.name)),
        }
    }

    /// The next request of a run.
    pub(crate) fn next_request(&self, job: usize, series: &mut RequestSeries) -> StartingRequest {
        let fetch = &self.scenario.fetches[job];
        let number = series.started;
        series.started += 1;
        let id = RandomStreamId::new(self.seed, "draw").with_text(&fetch.name);
        StartingRequest {
            row: series.row,
            table: fetch.data.as_ref().map(|source| source.table),
            player: None,
            n: if fetch.load.is_some() { number } else { series.nth },
            draws: id.with_number(series.nth).with_number(number),
        }
    }

    /// Takes a row for a player that starts. `None` if each row was taken once.
    pub(crate) fn take_player_row(
        &mut self,
        table: usize,
        taken_before: u64,
        random: &mut RandomStream,
    ) -> Option<u32> {
        self.rows.take(table, self.scenario.data.get(table)?, taken_before, random)
    }

    /// Whether the requests of a fetch have such values.
    pub(crate) fn has_values(&self, job: usize) -> bool {
        self.is_needed[job]
    }
}

impl StartingRequest {
    /// The table that it takes its row from.
    pub(crate) fn table_of<'s>(&self, scenario: &'s Scenario) -> Option<&'s DataTable> {
        scenario.data.get(self.table?)
    }

    /// The value of this name; `None` if the request has none. `logged` are the values of its row that a log
    /// has.
    pub(crate) fn value_of(
        &self,
        name: &str,
        scenario: &Scenario,
        logged: &[CapturedValue],
    ) -> Option<CapturedValue> {
        let plain = |value: String| Some(CapturedValue { name: name.to_owned(), value, secret: false });
        match RequestValue::parse(name)?.ok()? {
            RequestValue::Row(column) => {
                let (value, secret) = match logged.iter().find(|value| value.name == column) {
                    Some(logged) => (logged.value.clone(), false),
                    None => row_value(self.table_of(scenario)?, self.row?, column)?,
                };
                let secret = secret || value == REDACTED;
                Some(CapturedValue { name: name.to_owned(), value, secret })
            }
            RequestValue::Number => plain(self.n.to_string()),
            RequestValue::Player => plain(self.player.clone()?),
            RequestValue::Draw(form) => plain(draw(&form, self.draws.with_text(name))),
        }
    }
}

/// A value of a row, and whether it is a secret.
fn row_value(table: &DataTable, row: u32, column: &str) -> Option<(String, bool)> {
    let (rows, column) = (table.rows.as_deref()?, table.column(column)?);
    Some((rows.value(row, column)?.to_owned(), rows.is_secret(row, column)))
}

/// The value of a draw.
fn draw(form: &DrawForm, id: RandomStreamId) -> String {
    let mut random = id.stream();
    match form {
        DrawForm::Integer(range) => random.integer(range.clone()).to_string(),
        DrawForm::Uuid => {
            let bits = (u128::from(random.bits()) << 64) | u128::from(random.bits());
            // RFC 9562, 5.4: the version is 4, the variant is 0b10.
            let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
            let hex = format!("{bits:032x}");
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        DrawForm::Text(length) => {
            (0..*length).map(|_| char::from(LETTERS[random.below(LETTERS.len() as u32) as usize])).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(name: &str, n: u64) -> String {
        let Some(Ok(RequestValue::Draw(form))) = RequestValue::parse(name) else {
            panic!("{name} is a draw")
        };
        draw(
            &form,
            RandomStreamId::new(2018, "draw").with_text("load").with_number(0).with_number(n).with_text(name),
        )
    }

    #[test]
    fn draws_never_change() {
        let names =
            ["draw:1..100", "draw:uuid", "draw:text:8", "draw:-9223372036854775808..9223372036854775807"];
        assert_eq!(names.map(|name| drawn(name, 0)), GOLDEN);
    }
    const GOLDEN: [&str; 4] =
        ["81", "8a7b5bc7-5c8f-472e-bd1c-b6f132c523dc", "ui4kmim0", "3648123821032097320"];

    #[test]
    fn draws_are_of_their_form() {
        let mut seen = BTreeSet::new();
        for n in 0..2_000 {
            let uuid = drawn("draw:uuid", n);
            assert!(
                uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19])
            );
            assert!(seen.insert(uuid), "no two are the same");
            let text = drawn("draw:text:12", n);
            assert!(text.len() == 12 && text.bytes().all(|byte| LETTERS.contains(&byte)));
            assert_eq!(drawn("draw:7..7", n), "7");
        }
        let numbers: Vec<i64> = (0..6_000).filter_map(|n| drawn("draw:-1..1", n).parse().ok()).collect();
        for wanted in [-1, 0, 1] {
            let count = numbers.iter().filter(|number| **number == wanted).count();
            assert!((1_850..2_150).contains(&count), "{wanted}: {count}");
        }
    }
}
