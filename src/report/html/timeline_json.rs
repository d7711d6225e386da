//! The timeline as data for the page's script: JSON that stands in the page, in which nothing can end
//! the element that it stands in. `script/data.js` reads it.
//!
//! Times are whole nanoseconds. What stands in a row in the order of time is written as differences,
//! each to the one before; counts over the run as pairs of how many columns are passed over and a count.
//! Texts stand in one list, each once, and are named by their place in it.
//!
//! A point's kind is `m` a move, `w` a step, `o` and `e` a line on standard output and error, `f` a line of a body,
//! `s` and `r` suspended and resumed. A mark's is `k` a mark, `i` typed, or a guest that comes or goes, `t` sent, `q` a stop, `p` a
//! pause or its end, `h` an expectation that held, `x` something that went wrong.

use std::collections::HashMap;

use serde::Serialize;

use crate::report::html::collect::{CollectedReport, TimelinePoint};
use crate::report::html::lanes::{BarState, LaneGroup, LaneKind, TimelineLane};
use crate::report::html::sample::PointSample;
use crate::report::metrics::time_series::TimeSeries;
use scenario_log::time::Moment;

/// Columns of the counts of a group, and of a lane at most.
const COLUMNS: usize = 256;
/// How many counts all lanes have together.
const MAX_LANE_COUNTS: usize = 100_000;
/// Columns of a lane at least.
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
    /// Where not all of them are there one by one.
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

/// Of how many there were one is here, and these: moments, lines of the log, kinds, texts.
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

/// Texts, each once.
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

/// The data of a run that took until `end`, as JSON for a page.
///
/// # Errors
/// If it has no JSON form.
pub(super) fn render_json(gathered: &CollectedReport, end: Moment) -> Result<String, serde_json::Error> {
    let lanes = &gathered.lanes.lanes;
    let counted = lanes.iter().filter(|lane| has_thinned_points(lane)).count().max(1);
    let columns = (MAX_LANE_COUNTS / counted).clamp(MIN_COLUMNS, COLUMNS);
    let mut texts = TextPool::default();
    let lanes = lanes.iter().map(|lane| lane_json(lane, &mut texts, end, columns)).collect();
    let marks = gathered.marks.kept.iter();
    let data = TimelineJson {
        end: end.0,
        columns: COLUMNS,
        groups: gathered.lanes.groups.iter().map(|group| group_json(group, end)).collect(),
        lanes,
        marks: marks.map(|mark| (mark.t.0, mark.line, mark.kind, &*mark.text)).collect(),
        ticks: differences(gathered.marks.ticks.iter().map(|t| t.0)),
        arrows: gathered.arrows.iter().map(|(from, to)| arrow_json(*from, *to)).collect(),
        texts: texts.texts,
    };
    serde_json::to_string(&data).map(|json| escape_for_html(&json))
}

/// JSON with all that could mean something to a reader of HTML written as an escape. Such characters
/// stand in its strings only.
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
        [&group.starts, &group.ends, &group.failures].map(|course| run_length_counts(course, end, COLUMNS));
    let LaneGroup { name: of, entry, count, failed: wrong, .. } = group;
    LaneGroupJson { kind, of, entry: entry.as_deref(), count: *count, wrong: *wrong, starts, ends, wrongs }
}

/// Whether not all that happened on a lane is there one by one.
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

/// Each as its distance to the one before.
fn differences(of: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut before = 0;
    of.map(|figure| figure.saturating_sub(std::mem::replace(&mut before, figure))).collect()
}

/// The counts that are not 0, each behind the number of columns between it and the one before.
fn run_length_counts(course: &TimeSeries, end: Moment, columns: usize) -> Vec<u64> {
    let mut out = Vec::new();
    let mut passed = 0;
    for count in course.columns(end, columns) {
        if count == 0 {
            passed += 1;
        } else {
            out.extend([std::mem::take(&mut passed), count]);
        }
    }
    out
}

/// A place on the timeline's own lane has the number -1.
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
        let mut course = TimeSeries::with_max_buckets(512);
        [0.5, 5.5, 5.5, 9.5].into_iter().for_each(|t| course.add(Moment((t * 1e6) as u64)));
        assert_eq!(run_length_counts(&course, Moment(10_000_000), 10), [0, 1, 4, 2, 3, 1]);
    }
}
