// Reads the timeline's data, which `timeline_json.rs` writes into the page.
import { number } from '../shared/numbers.js';

/** @import { Group, Lane, LaneBar, Point, PointKind, RawCounts, RawGroup, RawLane, RawPoints, RawTimeline, TimelineData } from './types.d.ts' */

/** Groups with more lanes than this are folded at first. */
const MAX_UNFOLDED = 12;
/** With more lanes than this in all, every group is folded at first. */
const MAX_LANES_UNFOLDED = 60;

/**
 * The sums of distances, each to the one before.
 * @param {number[]} distances
 * @returns {number[]}
 */
export function summed(distances) {
  let sum = 0;
  return distances.map(distance => (sum += distance));
}

/**
 * A count for each column.
 * @param {RawCounts} pairs
 * @param {number} columns
 * @returns {number[]}
 */
export function countsOf(pairs, columns) {
  const counts = new Array(columns).fill(0);
  let at = 0;
  for (let n = 0; n + 1 < pairs.length; n += 2) {
    at += pairs[n];
    counts[at++] = pairs[n + 1];
  }
  return counts;
}

/**
 * @param {RawPoints | undefined} raw
 * @param {string[]} texts
 * @returns {Point[]}
 */
function readPoints(raw, texts) {
  if (!raw) return [];
  const lines = summed(raw.line);
  return summed(raw.t).map((t, n) => (
    { t, line: lines[n], kind: /** @type {PointKind} */ (raw.kind[n]), text: texts[raw.text[n]] }
  ));
}

/**
 * @param {RawLane} raw
 * @returns {LaneBar | null}
 */
function readBar({ source, start, mid, end, state, words, line }) {
  if (source === undefined) return null;
  return { source, start: start ?? 0, mid, end, state: state ?? 'open', words: words ?? '', line: line ?? 0 };
}

/**
 * @param {RawLane} raw
 * @param {string[]} texts
 * @param {Group} of
 * @returns {Lane}
 */
function readLane(raw, texts, of) {
  const { moves, lines, events } = raw;
  const points = [...readPoints(moves, texts), ...readPoints(lines, texts)].sort((one, other) => one.t - other.t);
  const counts = events ? countsOf(events.counts, events.columns) : null;
  return {
    of, label: raw.source ?? '', bar: readBar(raw), points, counts,
    every: Math.max(moves?.every ?? 1, lines?.every ?? 1),
    most: counts ? Math.max(...counts, 1) : 1,
  };
}

/**
 * How many ran at once in each column: those from before and those that started in it.
 * @param {number[]} starts
 * @param {number[]} ends
 * @returns {number[]}
 */
export function runningCounts(starts, ends) {
  let running = 0;
  return starts.map((started, n) => {
    const most = running + started;
    running = most - ends[n];
    return most;
  });
}

/**
 * @param {RawGroup} raw
 * @param {number} columns
 * @returns {Group}
 */
function readGroup(raw, columns) {
  const { kind, of, entry, count, wrong } = raw;
  const ran = runningCounts(countsOf(raw.starts, columns), countsOf(raw.ends, columns));
  const prefix = entry && entry !== of ? entry + ': ' : entry || of.startsWith('(') ? '' : 'typed: ';
  return {
    kind, count, wrong, ran, wrongs: countsOf(raw.wrongs, columns),
    most: Math.max(...ran, 1), label: prefix + of, lanes: [], isFolded: false, isSingle: false,
  };
}

/**
 * Puts the lanes of a group in order: by their start, the gathered rest at the end.
 * @param {Group} group
 */
function orderLanes(group) {
  group.lanes.sort((one, other) => {
    if (!one.bar || !other.bar) return Number(!one.bar) - Number(!other.bar);
    return one.bar.start - other.bar.start;
  });
  const own = group.lanes.filter(lane => lane.bar).length;
  for (const lane of group.lanes) if (!lane.bar) lane.label = number(group.count - own) + ' more';
  group.isFolded = group.lanes.length > MAX_UNFOLDED;
  group.isSingle = group.lanes.length === 1;
}

/**
 * @param {RawTimeline} raw
 * @returns {TimelineData}
 */
export function readTimeline(raw) {
  const groups = raw.groups.map(group => readGroup(group, raw.columns));
  const lanes = raw.lanes.map(lane => readLane(lane, raw.texts, groups[lane.group]));
  for (const lane of lanes) lane.of.lanes.push(lane);
  groups.forEach(orderLanes);
  if (lanes.length > MAX_LANES_UNFOLDED) for (const group of groups) group.isFolded = true;
  const marks = raw.marks.map(([t, line, kind, text]) => ({ t, line, kind, text }));
  const arrows = raw.arrows.map(([from, start, to, end]) => ({ from: lanes[from], start, to: lanes[to], end }));
  const bands = (raw.bands ?? []).map(([t, end, line, text]) => ({ t, end, line, text }));
  return { end: Math.max(raw.end, 1), columns: raw.columns, groups, lanes, marks, ticks: summed(raw.ticks), arrows, bands };
}
