import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lanesText } from '../live/timeline.js';
import { roundedUp, shownTime } from '../live/lane_layout.js';
import { Pack } from '../live/pack.js';
import { RateCounts, seenTime } from '../live/rate_counts.js';
import { State } from '../live/state.js';
import { aLane, aLine, aPlayer, aRun, anEntry } from './live_run.js';

/** @import { Change, Run } from '../live/types.d.ts' */

/** A state that has a run, and the changes that its parts took. */
function watchedState(/** @type {Partial<Run>} */ run) {
  /** @type {{ change: Change, isWhole: boolean }[]} */
  const taken = [], state = new State();
  state.add({ take: (change, _run, isWhole) => taken.push({ change, isWhole }) });
  state.whole(aRun(run));
  return { state, taken, run: /** @type {Run} */ (state.run) };
}

test('a change merges values by their keys, and replaces everything else', () => {
  const { state, taken, run } = watchedState({ lanes: { a: aLane(), b: aLane() }, t: 1, lines: [aLine()] });
  state.change({ lanes: { a: null, c: aLane({ to: 2 }) }, t: 2, lines: [aLine({ text: 'more' })] });
  assert.deepEqual(Object.keys(run.lanes), ['b', 'c']);
  assert.equal(run.t, 2);
  assert.deepEqual(run.lines.map(line => line.text), ['hello', 'more']);
  assert.deepEqual(taken.map(({ isWhole }) => isWhole), [true, false]);
});

test('a name may be that of a property of objects', () => {
  const { state, run } = watchedState({});
  state.change({ players: JSON.parse(JSON.stringify({ constructor: aPlayer() })) });
  assert.equal(run.players['constructor'].source, 'ps#1');
  assert.equal(run.players['toString'], undefined);
});

test('a change without a run is left', () => {
  const state = new State();
  state.change({ t: 1 });
  state.world({ players: {} });
  assert.equal(state.run, null);
});

test('places that were broadcast move known players only', () => {
  const { state, taken, run } = watchedState({ players: { ann: aPlayer(), joe: aPlayer({ at: [1, 1] }) } });
  state.world({ players: { ann: [2, 3], joe: [1, 1], zoe: [4, 4] } });
  assert.deepEqual(run.players.ann.at, [2, 3]);
  assert.deepEqual(Object.keys(taken[1].change.players ?? {}), ['ann']);
});

test('players who left first are forgotten, and lines are limited', () => {
  const { state, taken, run } = watchedState({});
  const players = Object.fromEntries(Array.from({ length: 203 }, (_, n) => ['p' + n, aPlayer({ is_gone: true })]));
  state.change({ players, lines: Array.from({ length: 600 }, (_, n) => aLine({ text: String(n) })) });
  assert.equal(Object.keys(run.players).length, 200);
  assert.deepEqual(['p0', 'p2', 'p3'].map(name => taken[1].change.players?.[name] === null), [true, true, false]);
  assert.deepEqual([run.lines.length, run.lines[0].text], [500, '100']);
});

test('lanes of one thing share a row while each ends before the next', () => {
  const rows = new Pack().rows({
    'ps#1': aLane({ from: 0, to: 1 }), 'ps#2': aLane({ from: 1 }), 'ps#3': aLane({ from: 2 }), 'get#1': aLane({ kind: 'request', label: 'get', from: .5 }),
    load: aLane({ kind: 'load', label: 'get', from: 3 }),
  });
  const shown = rows.map(({ lanes, label, note }) => [lanes.map(({ key }) => key).join(), label, note]);
  assert.deepEqual(shown, [['ps#1,ps#2', 'walk', '×3'], ['ps#3', '', 'ps#3'], ['get#1', 'get', 'get#1'], ['load', 'get', 'load']]);
});

test('a lane stays in its row', () => {
  const pack = new Pack();
  pack.rows({ a: aLane({ from: 0 }), b: aLane({ from: 1 }) });
  const rows = pack.rows({ b: aLane({ from: 1 }), c: aLane({ from: 2 }) });
  assert.deepEqual(rows.map(({ lanes }) => lanes.map(({ key }) => key)), [['c'], ['b']]);
  assert.equal(pack.placed.has('a'), false);
});

test('lanes are counted', () => {
  assert.equal(lanesText([], 0), '');
  assert.equal(lanesText([aLane(), aLane({ to: 1 })], 0), '2 started, 1 still going');
  assert.equal(lanesText([aLane({ to: 1 })], 4), '1 seen of 5 started');
});

test('a scale is rounded up', () => {
  assert.deepEqual([1, 1.1, 2.6, 9, 11].map(roundedUp), [1, 1.25, 3, 10, 12.5]);
});

test('the timeline shows the run, what is planned, or the last moments', () => {
  const end = { outcome: 'passed', reason: null, took: 8 };
  assert.deepEqual(shownTime(aRun(), 0, [], false), [0, .5]);
  assert.deepEqual(shownTime(aRun(), 1, [anEntry({ at: 10 }), anEntry({ at: 500 })], false), [0, 12.5]);
  assert.deepEqual(shownTime(aRun({ end }), 8, [], false), [0, 8.24]);
  assert.deepEqual(shownTime(aRun({ mode: 'play', play: { end: 100, speed: 1, is_paused: false } }), 5, [], false), [0, 103]);
  assert.deepEqual(shownTime(aRun(), 100, [], true).map(Math.round), [72, 102]);
});

test('rates are what was added over the last two seconds', () => {
  const { counts } = aRun(), rates = new RateCounts();
  rates.start({ counts, t: 0, rates: [[0, 3, 0, 0, 4]] });
  assert.equal(rates.columns.moves.get(0), 3);
  rates.add({ ...counts, moves: 4 }, .4);
  assert.equal(rates.columns.moves.get(0), 7);
  rates.add({ ...counts, moves: 10 }, 1.4);
  assert.deepEqual([...rates.columns.moves], [[0, 9], [1, 2], [2, 2]]);
  assert.equal(rates.rate('moves', 2), 4 / 2);
  assert.equal(rates.most('moves'), 9);
  assert.equal(rates.rate('lines', 2), 0);
});

test('after a silence what was added happened just now, and old columns are forgotten', () => {
  const { counts } = aRun(), rates = new RateCounts();
  rates.start({ counts, t: 0, rates: [[0, 1, 0, 0, 0]] });
  rates.add({ ...counts, moves: 6 }, 100);
  assert.deepEqual([...rates.columns.moves], [[200, 6]]);
});

test('the longer the run goes, the longer is the time of the charts', () => {
  assert.deepEqual([0, 15, 29, 30, 1000].map(seenTime), [15, 30, 30, 60, 60]);
});
