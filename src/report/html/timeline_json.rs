//! The timeline as data for the page's script: JSON in which nothing can end the HTML element that contains
//! it. `src/assets/report/data.js` reads it.
//!
//! Times are whole nanoseconds. Lists in the order of time are written as differences, each to the value
//! before. Counts over the run are pairs: how many empty columns come first, and a count. Texts are in one
//! list, each once; an index refers to them.
//!
//! The kind of a point is `m` for a move, `w` for a step, `o` and `e` for a line on standard output and
//! error, `f` for a line of a body, `s` and `r` for suspended and resumed. The kind of a mark is `k` for a
//! mark, `n` for an entry that is skipped or tried again, `i` for a typed line or a guest that comes or goes, `t` for sent, `q` for a stop, `p` for a pause
//! or its end, `l` for a change of a link, `h` for an expectation that held, and `x` for something that went wrong.

use std::collections::HashMap;

use serde::Serialize;

use crate::report::html::collect::{CollectedReport, TimelinePoint};
use crate::report::html::lanes::{BarState, LaneGroup, LaneKind, TimelineLane};
use crate::report::html::sample::PointSample;
use crate::report::metrics::injected_faults::{InjectedFault, InjectedFaults};
use crate::report::metrics::time_series::TimeSeries;
use scenario_log::time::Moment;

/// How many columns the counts of a group have, and those of a lane at most.
const COLUMNS: usize = 256;
/// How many counts all lanes have together at most.
const MAX_LANE_COUNTS: usize = 100_000;
/// How many columns the counts of a lane have at least.
const MIN_COLUMNS: usize = 16;

#[derive(Serialize)]
struct TimelineJson<'a> {
    end: u64,
    columns: usize,
    groups: Vec<LaneGroupJson<'a>>,
    lanes: Vec<LaneJson<'a>>,
    marks: Vec<(u64, u64, char, &'a str)>,
    ticks: Vec<u64>,
    arrows: Vec<(i64, u64, i64, u64)>,
    texts: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bands: Vec<(u64, u64, u64, &'a str)>,
}

#[derive(Serialize)]
struct LaneGroupJson<'a> {
    kind: &'static str,
    of: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a str>,
    count: u64,
    wrong: u64,
    starts: Vec<u64>,
    ends: Vec<u64>,
    wrongs: Vec<u64>,
}

#[derive(Serialize)]
struct LaneJson<'a> {
    group: usize,
    #[serde(flatten)]
    bar: Option<LaneBarJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moves: Option<PointsJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<PointsJson>,
    /// Only where not all events are kept one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<ColumnCountsJson>,
}

#[derive(Serialize)]
struct LaneBarJson<'a> {
    source: String,
    start: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    state: &'static str,
    words: &'a str,
    line: u64,
}

/// One of `every` points: its moment, its line of the log, its kind, and the index of its text.
#[derive(Serialize)]
struct PointsJson {
    every: u64,
    t: Vec<u64>,
    line: Vec<u64>,
    kind: String,
    text: Vec<usize>,
}

#[derive(Serialize)]
struct ColumnCountsJson {
    columns: usize,
    counts: Vec<u64>,
}

/// A list of texts, each once.
#[derive(Default)]
struct TextPool<'a> {
    texts: Vec<&'a str>,
    indices: HashMap<&'a str, usize>,
}

impl<'a> TextPool<'a> {
    fn index_of(&mut self, text: &'a str) -> usize {
        *self.indices.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }
}

/// The data of a run that took until `end`, as JSON for the page.
///
/// # Errors
/// If it has no JSON form.
pub(super) fn render_json(
    collected: &CollectedReport,
    injected: &InjectedFaults,
    end: Moment,
) -> Result<String, serde_json::Error> {
    let lanes = &collected.lanes.lanes;
    let counted = lanes.iter().filter(|lane| has_thinned_points(lane)).count().max(1);
    let columns = (MAX_LANE_COUNTS / counted).clamp(MIN_COLUMNS, COLUMNS);
    let mut texts = TextPool::default();
    let lanes = lanes.iter().map(|lane| lane_json(lane, &mut texts, end, columns)).collect();
    let marks = collected.marks.kept.iter();
    let data = TimelineJson {
        end: end.0,
        columns: COLUMNS,
        groups: collected.lanes.groups.iter().map(|group| group_json(group, end)).collect(),
        lanes,
        marks: marks.map(|mark| (mark.t.0, mark.line, mark.kind, &*mark.text)).collect(),
        ticks: differences(collected.marks.ticks.iter().map(|t| t.0)),
        arrows: collected.arrows.iter().map(|(from, to)| arrow_json(*from, *to)).collect(),
        texts: texts.texts,
        bands: injected.kept.iter().map(|fault| band_json(fault, end)).collect(),
    };
    serde_json::to_string(&data).map(|json| escape_for_html(&json))
}

/// Escapes every character of JSON that could mean something in HTML. Such characters occur only inside its
/// strings.
fn escape_for_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn group_json(group: &LaneGroup, end: Moment) -> LaneGroupJson<'_> {
    let kind = match group.kind {
        LaneKind::Spawn => "spawn",
        LaneKind::Fetch => "fetch",
    };
    let [starts, ends, wrongs] =
        [&group.starts, &group.ends, &group.failures].map(|series| run_length_counts(series, end, COLUMNS));
    let LaneGroup { name: of, entry, count, failed: wrong, .. } = group;
    LaneGroupJson { kind, of, entry: entry.as_deref(), count: *count, wrong: *wrong, starts, ends, wrongs }
}

/// Whether some points of a lane were dropped.
fn has_thinned_points(lane: &TimelineLane) -> bool {
    lane.moves.interval() > 1 || lane.lines.interval() > 1
}

fn lane_json<'a>(
    lane: &'a TimelineLane,
    texts: &mut TextPool<'a>,
    end: Moment,
    columns: usize,
) -> LaneJson<'a> {
    let bar = lane.bar.as_ref().map(|bar| LaneBarJson {
        source: bar.source.to_string(),
        start: bar.start.0,
        mid: bar.mid.map(|t| t.0),
        end: bar.end.map(|t| t.0),
        state: match bar.state {
            BarState::Ok => "ok",
            BarState::Failed => "wrong",
            BarState::Open => "open",
        },
        words: &bar.text,
        line: bar.line,
    });
    let events = has_thinned_points(lane)
        .then(|| ColumnCountsJson { columns, counts: run_length_counts(&lane.events, end, columns) });
    let (moves, lines) = (points_json(&lane.moves, texts), points_json(&lane.lines, texts));
    LaneJson { group: lane.group, bar, moves, lines, events }
}

fn points_json<'a>(sample: &'a PointSample, texts: &mut TextPool<'a>) -> Option<PointsJson> {
    let kept = sample.kept();
    (!kept.is_empty()).then(|| PointsJson {
        every: sample.interval(),
        t: differences(kept.iter().map(|point| point.t.0)),
        line: differences(kept.iter().map(|point| point.line)),
        kind: kept.iter().map(|point| point.kind).collect(),
        text: kept.iter().map(|point| texts.index_of(&point.text)).collect(),
    })
}

/// Each value as its difference to the one before.
fn differences(of: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut before = 0;
    of.map(|figure| figure.saturating_sub(std::mem::replace(&mut before, figure))).collect()
}

/// Each count that is not 0, with the number of empty columns before it.
fn run_length_counts(series: &TimeSeries, end: Moment, columns: usize) -> Vec<u64> {
    let mut out = Vec::new();
    let mut passed = 0;
    for count in series.columns(end, columns) {
        if count == 0 {
            passed += 1;
        } else {
            out.extend([std::mem::take(&mut passed), count]);
        }
    }
    out
}

/// A fault that the run itself caused: its start, its end, its line of the log, its text.
fn band_json(fault: &InjectedFault, end: Moment) -> (u64, u64, u64, &str) {
    (fault.start.0, fault.end.unwrap_or(end).0, fault.line, &fault.text)
}

/// The timeline's own lane has the number -1.
fn arrow_json(from: TimelinePoint, to: TimelinePoint) -> (i64, u64, i64, u64) {
    let lane = |place: TimelinePoint| place.lane.and_then(|lane| i64::try_from(lane).ok()).unwrap_or(-1);
    (lane(from), from.t.0, lane(to), to.t.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_ends_the_element() {
        let json = serde_json::to_string(&["</script><!--\u{2028}&\""]).unwrap();
        let inside = escape_for_html(&json);
        assert_eq!(inside, r#"["\u003c/script\u003e\u003c!--\u2028\u0026\""]"#);
        let [text]: [String; 1] = serde_json::from_str(&inside).unwrap();
        assert_eq!(text, "</script><!--\u{2028}&\"");
    }

    #[test]
    fn what_is_written_as_distances() {
        assert_eq!(differences([3, 3, 10].into_iter()), [3, 0, 7]);
        let mut series = TimeSeries::with_max_buckets(512);
        [0.5, 5.5, 5.5, 9.5].into_iter().for_each(|t| series.add(Moment((t * 1e6) as u64)));
        assert_eq!(run_length_counts(&series, Moment(10_000_000), 10), [0, 1, 4, 2, 3, 1]);
    }
}
