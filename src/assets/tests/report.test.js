import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsOf, readTimeline, runningCounts, summed } from '../report/data.js';
import { fittedText } from '../report/draw.js';
import { firstFrom, nearestPoint } from '../report/points.js';
import { AXIS, ROW, rowAt, rowsOf } from '../report/rows.js';
import { Search } from '../report/search.js';
import { durationText, momentText, scaleText } from '../report/time_text.js';
import { TimeWindow } from '../report/time_window.js';
import { groupLines, laneLines, linesAt, listedPoints, pointLines, timeAt } from '../report/tooltip.js';

/** @import { Point, RawGroup, RawTimeline, Stage } from '../report/types.d.ts' */

/** @type {(more: Partial<RawGroup>) => RawGroup} */
const rawGroup = more => ({ kind: 'spawn', of: 'walk', entry: 'wave', count: 3, wrong: 0, starts: [], ends: [], wrongs: [], ...more });

/**
 * A wave of three spawns of which two have lanes of their own, and a single request that was typed.
 * @returns {RawTimeline}
 */
function rawTimeline() {
  return {
    end: 1000, columns: 4,
    groups: [rawGroup({ starts: [0, 2, 1, 1], ends: [1, 1], wrong: 1, wrongs: [2, 1] }), rawGroup({ kind: 'fetch', of: 'get', entry: undefined, count: 1 })],
    lanes: [
      { group: 0, lines: { every: 4, t: [100, 400], line: [7, 2], kind: 'oe', text: [0, 1] }, events: { columns: 4, counts: [1, 8] } },
      { group: 0, source: 'ps#2', start: 300, state: 'open', words: 'walks on', line: 5 },
      {
        group: 0, source: 'ps#1', start: 0, mid: 100, end: 500, state: 'wrong', words: 'exit 1', line: 2,
        moves: { every: 1, t: [200, 100], line: [3, 1], kind: 'mm', text: [2, 2] },
      },
      { group: 1, source: 'get#1', start: 600, end: 900, state: 'ok', words: '200', line: 9 },
    ],
    marks: [[250, 4, 'k', 'half way']], ticks: [0, 500, 500], arrows: [[2, 500, 1, 300], [-1, 0, 2, 0]],
    texts: ['out', 'Err', 'ann N'],
  };
}

/** @type {(t: number) => Point} */
const pointAt = t => ({ t, line: 1, kind: 'm', text: String(t) });

test('distances and pairs are read as moments and counts', () => {
  assert.deepEqual(summed([3, 0, 7]), [3, 3, 10]);
  assert.deepEqual(countsOf([0, 1, 4, 2, 3, 1], 10), [1, 0, 0, 0, 0, 2, 0, 0, 0, 1]);
  assert.deepEqual(countsOf([], 2), [0, 0]);
});

test('those that run in a column are those from before and those that start in it', () => {
  assert.deepEqual(runningCounts([2, 0, 1], [1, 1, 0]), [2, 1, 1]);
});

test('a timeline is read', () => {
  const { groups, lanes, marks, ticks, arrows } = readTimeline(rawTimeline());
  assert.deepEqual(groups.map(group => group.label), ['wave: walk', 'typed: get']);
  assert.deepEqual(groups[0].lanes.map(lane => lane.label), ['ps#1', 'ps#2', '1 more']);
  assert.deepEqual(groups.map(group => group.isSingle), [false, true]);
  assert.deepEqual(groups[0].ran, [2, 2, 2, 2]);
  assert.deepEqual(groups[0].wrongs, [0, 0, 1, 0]);
  assert.deepEqual(lanes[0].points.map(({ t, line, kind, text }) => [t, line, kind, text]), [[100, 7, 'o', 'out'], [500, 9, 'e', 'Err']]);
  assert.deepEqual([lanes[0].bar, lanes[0].every, lanes[0].counts, lanes[0].most], [null, 4, [0, 8, 0, 0], 8]);
  assert.deepEqual(marks, [{ t: 250, line: 4, kind: 'k', text: 'half way' }]);
  assert.deepEqual(ticks, [0, 500, 1000]);
  assert.equal(arrows[0].from, lanes[2]);
  assert.equal(arrows[1].from, undefined);
});

test('groups with many lanes are folded', () => {
  const raw = rawTimeline();
  raw.lanes = Array.from({ length: 13 }, (_, n) => ({ group: 0, source: 'ps#' + n, start: n }));
  assert.equal(readTimeline(raw).groups[0].isFolded, true);
});

test('rows follow each other, and a folded group has only its own', () => {
  const data = readTimeline(rawTimeline());
  assert.deepEqual(rowsOf(data).map(row => row.label), ['timeline', 'wave: walk', 'ps#1', 'ps#2', '1 more', 'typed: get · get#1']);
  data.groups[0].isFolded = true;
  const rows = rowsOf(data);
  assert.deepEqual(rows.map(row => [row.kind, row.y]), [['timeline', AXIS], ['group', AXIS + ROW], ['lane', AXIS + 2 * ROW]]);
  assert.equal(rowAt(rows, AXIS - 1, 0), null);
  assert.equal(rowAt(rows, AXIS, ROW), rows[1]);
  assert.equal(rowAt(rows, AXIS + 3 * ROW, 0), null);
});

test('points are found by their moments', () => {
  const points = [10, 20, 20, 30].map(pointAt);
  assert.deepEqual([5, 10, 11, 20, 31].map(t => firstFrom(points, t)), [0, 0, 1, 1, 4]);
  assert.equal(nearestPoint(points, 27, 5), points[3]);
  assert.equal(nearestPoint(points, 15, 4), null);
});

test('a window is zoomed around a moment and moved within the run', () => {
  const view = new TimeWindow(1e6);
  view.zoom(.5, 0);
  assert.deepEqual([view.from, view.width], [0, .51e6]);
  view.move(.5);
  assert.equal(view.from, .255e6);
  view.move(-9);
  assert.equal(view.from, 0);
  view.show(.9e6);
  assert.ok(view.from < .9e6 && view.to > .9e6);
  view.zoom(1e-9);
  assert.ok(Math.abs(view.width - 200) < 1e-6);
  view.showAll();
  assert.deepEqual([view.from, view.to], [0, 1.02e6]);
});

test('times have a unit and the digits that matter', () => {
  assert.deepEqual([0, 999, 45_100, 9.994e6, 12.34e6, 1.5e9, 123e9].map(durationText), ['0 ns', '999 ns', '45.1 µs', '9.99 ms', '12.3 ms', '1.50 s', '2 min 3 s']);
  assert.equal(momentText(1.5e9, 1e9), '1.5 s');
  assert.equal(momentText(1.5e9, 1e6), '1.5000 s');
  assert.equal(scaleText(2e9, 1e9), '2 s');
  assert.equal(scaleText(2.5e8, 5e7), '0.25 s');
  assert.deepEqual([119.9e9, 725e9, 12000e9, 1468875e9].map(durationText), ['120 s', '12 min 5 s', '3 h 20 min', '17 d']);
  assert.deepEqual([0, 6 * 3600e9, 864000e9].map(t => scaleText(t, 6 * 3600e9)), ['0', '6 h', '10 d']);
  assert.equal(scaleText(4200e9, 600e9), '1 h 10 min');
  assert.equal(scaleText(864000e9 + 25e6, 5e6), '10 d 0:00:00.025');
  assert.deepEqual([1, 1e4].map(width => momentText(3723.9e9, width * 1e9)), ['1:02:03.9', '1:02:03.9']);
});

test('a search finds all words in the order of time, and goes in a circle', () => {
  const search = new Search(readTimeline(rawTimeline()));
  search.find('WAVE walk');
  assert.equal(search.words, '1 hit');
  search.find('ann n');
  assert.deepEqual(search.hits.map(hit => hit.t), [200, 300]);
  assert.equal(search.words, '2 hits');
  assert.equal(search.go(1)?.t, 200);
  assert.equal(search.words, '1 of 2');
  assert.equal(search.go(1)?.t, 300);
  assert.equal(search.go(1)?.t, 200);
  assert.equal(search.go(-1)?.t, 300);
  search.find('  ');
  assert.equal(search.go(1), null);
});

test('things are put into words', () => {
  const { groups, lanes } = readTimeline(rawTimeline());
  assert.deepEqual(groupLines(groups[0]), ['wave: walk', '3 spawns, 1 wrong', 'up to 2 at once']);
  assert.deepEqual(groupLines(groups[1])[1], '1 request');
  assert.deepEqual(laneLines(lanes[2]), [
    'ps#1 · wave: walk', 'exit 1', 'started 0.0000 s (line 2 of the log)', 'ready after 100 ns', 'ended after 500 ns',
  ]);
  assert.equal(laneLines(lanes[1]).at(-1), 'no end in the log');
  assert.deepEqual(laneLines(lanes[0]), ['1 more of wave: walk', 'gathered in one lane']);
  assert.deepEqual(pointLines(lanes[0].points[1])[0], 'stderr: Err');
});

/** @returns {Stage} */
function stage() {
  const data = readTimeline(rawTimeline()), view = new TimeWindow(1000);
  view.set(0, 1000);
  return { ...data, view, rows: rowsOf(data), picked: null, found: new Set(), colors: {}, top: 0, width: 1100, height: 200, margin: 100 };
}

test('what is under the pointer is described', () => {
  const scene = stage(), y = (/** @type {number} */ nth) => AXIS + nth * ROW + 5;
  assert.deepEqual(timeAt(scene, 600), { t: 500, near: 6 });
  assert.equal(timeAt(scene, 0).t, 0);
  assert.equal(linesAt(scene, 500, 3), null);
  assert.equal(linesAt(scene, 350, y(0))?.[0], 'half way');
  assert.equal(linesAt(scene, 602, y(0))?.[0], 'tick');
  assert.equal(linesAt(scene, 450, y(0)), null);
  assert.equal(linesAt(scene, 50, y(1))?.[0], 'wave: walk');
  assert.match(linesAt(scene, 500, y(1))?.at(-1) ?? '', /: 2 at once$/);
  assert.equal(linesAt(scene, 301, y(2))?.[0], 'move: ann N');
  assert.equal(linesAt(scene, 200, y(4))?.at(-1), 'one of every 4 is here');
  assert.equal(linesAt(scene, 900, y(2))?.[0], 'ps#1 · wave: walk');
});

test('of many points those around the picked one are listed', () => {
  const points = Array.from({ length: 300 }, (_, n) => pointAt(n));
  assert.deepEqual(listedPoints(points, 10, 20, null), { listed: points.slice(10, 20), more: 0 });
  assert.deepEqual(listedPoints(points, 0, 300, points[150]), { listed: points.slice(100, 200), more: 200 });
  assert.deepEqual(listedPoints(points, 0, 300, points[299]).listed, points.slice(200));
});

test('a text is shortened to its room', () => {
  const context = { measureText: (/** @type {string} */ text) => /** @type {TextMetrics} */ ({ width: text.length }) };
  assert.equal(fittedText(context, 'abc', 3), 'abc');
  assert.equal(fittedText(context, 'abcdef', 4), 'abc…');
  assert.equal(fittedText(context, 'abcdef', 0), '…');
});
