import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesInOrder, entryLines, entryName } from '../live/entries.js';
import { expectationCounts, missedFirst, standText } from '../live/expectations.js';
import { comingText, entryStates, factsOf, noticeOf, standingOf } from '../live/head.js';
import { directionOf } from '../live/join.js';
import { laneLines, outcomeText } from '../live/lane_text.js';
import { originText } from '../live/lines.js';
import { offersFor } from '../live/offers.js';
import { clockText, dateText, durationText, listed, rateText, shortened, visible, wholeClockText } from '../live/text.js';
import { tokenIn } from '../live/token.js';
import { aLane, aLine, aRun, anEntry } from './live_run.js';

test('what would act is an escape', () => {
  assert.equal(visible('a\tb\n\x1b[2J\u202e\u{e0001}'), 'a\\tb\\n\\x1b[2J\\u{202e}\\u{e0001}');
  assert.equal(visible('\ud800'), '\\u{d800}');
  assert.equal(visible('é 😀'), 'é 😀');
  assert.equal(visible(null), '');
  assert.equal(visible(5), '5');
});

test('a text is shortened, but not in the middle of a character', () => {
  assert.equal(shortened('abc', 3), 'abc');
  assert.equal(shortened('abcd', 3), 'abc…');
  assert.equal(shortened('ab😀', 3), 'ab…');
  assert.equal(shortened('ab😀cd', 4), 'ab😀…');
});

test('lists count what does not fit', () => {
  assert.equal(listed(['a', 'b'], 2), 'a, b');
  assert.equal(listed(['a', 'b', 'c'], 2), 'a, b and 1 more');
});

test('rates have two digits or more', () => {
  assert.deepEqual([0, .54, 9.94, 9.95, 1234.4, 9999.6, 123456].map(rateText), ['0.0', '0.5', '9.9', '10', '1,234', '10.0k', '123k']);
});

test('a clock shows tenths up to an hour', () => {
  assert.deepEqual([-1, 0, 12.34, 59.96, 61, 3599.95, 3600, 3723.9].map(clockText), [
    '0:00.0', '0:00.0', '0:12.3', '0:59.9', '1:01.0', '59:59.9', '1:00:00', '1:02:03',
  ]);
  assert.deepEqual([5, 300, 7260, 876301].map(wholeClockText), ['0:05', '5:00', '2:01:00', '10 d 3:25:01']);
});

test('durations have a unit and no zeros at the end', () => {
  assert.deepEqual([0, 45.1e-6, .3, 2.4, 12.34, 119, 120, 725].map(durationText), ['0 s', '45.1 µs', '300 ms', '2.4 s', '12.3 s', '119 s', '2 min', '12 min 5 s']);
  assert.deepEqual([3600, 86399, 1505602].map(durationText), ['1 h', '1 d', '17 d 10 h']);
});

test('a moment is shown to the second', () => {
  assert.equal(dateText('2026-01-31T12:30:00.123Z'), '2026-01-31 12:30:00 UTC');
  assert.equal(dateText('2026-01-31T12:30:00Z'), '2026-01-31 12:30:00 UTC');
  assert.equal(dateText('some\tday'), 'some\\tday');
});

test('a token is found in a link', () => {
  assert.equal(tokenIn(' abc '), 'abc');
  assert.equal(tokenIn('http://127.0.0.1:8080/#abc'), 'abc');
});

test('entries are named, put in order and described', () => {
  const entries = { b: anEntry({ n: 2, name: 'b' }), a: anEntry({ n: 1, name: 'a' }) };
  assert.deepEqual(entriesInOrder(entries).map(entry => entry.name), ['a', 'b']);
  assert.equal(entryName(anEntry()), 'wave');
  assert.equal(entryName(anEntry({ name: '#3' })), 'spawn walk');
  assert.deepEqual(entryLines(anEntry({ after: 'x', at: .5, every: '2s', times: 3 })), ['wave: waits', 'spawn walk', 'after x + 500 ms, every 2s', '3 times so far']);
  assert.deepEqual(entryStates([anEntry(), anEntry({ state: 'failed' }), anEntry()]), [['waits', 2], ['failed', 1]]);
});

test('how the run stands is one word', () => {
  const end = { outcome: 'passed', reason: null, took: 1 };
  assert.equal(standingOf(null, 'connecting'), 'connecting');
  assert.equal(standingOf(null, 'lost'), 'lost');
  assert.equal(standingOf(aRun(), 'open'), 'running');
  assert.equal(standingOf(aRun(), 'slow'), 'slow');
  assert.equal(standingOf(aRun({ is_going: false }), 'open'), 'paused');
  assert.equal(standingOf(aRun({ end }), 'lost'), 'passed');
  assert.equal(standingOf(aRun({ end }), 'again'), 'connecting');
  assert.equal(standingOf(aRun({ mode: 'play' }), 'ended'), 'closed');
  assert.equal(standingOf(aRun({ end }), 'ended'), 'passed');
  assert.equal(standingOf(aRun({ end: { ...end, outcome: 'invalid' } }), 'open'), 'invalid');
  assert.equal(standingOf(aRun({ mode: 'play', end, is_going: false }), 'open'), 'passed');
  const expect = [{ name: 'x', wanted: null, got: null, is_ok: false, is_final: false }];
  assert.equal(standingOf(aRun({ expect }), 'open'), 'failing');
});

test('the connection is noticed only where it matters', () => {
  const end = { outcome: 'passed', reason: null, took: 1 };
  assert.equal(noticeOf(aRun(), 'open'), '');
  assert.match(noticeOf(aRun(), 'lost'), /Trying again … The page shows/);
  assert.equal(noticeOf(aRun({ end }), 'lost'), '');
  assert.match(noticeOf(aRun(), 'ended'), /closed/);
  assert.match(noticeOf(aRun({ end }), 'again'), /waits for the next run/);
  assert.match(noticeOf(aRun({ mode: 'play' }), 'ended'), /how the log was last/);
  assert.equal(comingText(0, 'open'), '');
  assert.match(comingText(1.25e6, 'open'), /^The run is large: its state of 1\.[23] MB/);
  assert.match(comingText(1.25e6, 'slow'), /^This page was too slow/);
});

test('facts are those that differ from what is usual', () => {
  assert.deepEqual(factsOf(aRun()), ['seed 5']);
  assert.deepEqual(factsOf(aRun({ run: { ...aRun().run, seed: '' } })), []);
  const run = { ...aRun().run, clock: 'virtual', speed: 4, started_at: '2026-01-31T12:30:00Z' };
  assert.deepEqual(factsOf(aRun({ run, readers: 2 })), ['virtual clock', 'seed 5', '4 times as fast', 'started 2026-01-31 12:30:00 UTC', '2 pages are open']);
});

test('lanes are described', () => {
  assert.equal(outcomeText(aLane({ end: 'exit 0' })), '');
  assert.equal(outcomeText(aLane({ to: 1, end: 'exit 0' })), 'exit 0');
  assert.equal(outcomeText(aLane({ kind: 'load', done: 1200, wrong: 3 })), '1,200, 3 wrong');
  const lane = aLane({ entry: 'wave', from: 1, ready: 1.5, to: 3, end: 'exit 0' });
  assert.deepEqual(laneLines({ key: 'ps#1', lane, label: 'walk', shown: 'ps#1' }), [
    'ps#1 · walk', 'spawn of wave, from 1 s', 'ready after 500 ms', 'ended after 2 s: exit 0',
  ]);
});

test('a line names its label and its source', () => {
  assert.equal(originText(aLine()), 'walk ps#1');
  assert.equal(originText(aLine({ label: null })), 'ps#1');
  assert.equal(originText(aLine({ label: 'walk', source: null })), 'walk');
  assert.equal(originText(aLine({ label: null, source: null })), '');
});

test('expectations that are missed come first', () => {
  const one = (/** @type {string} */ name, /** @type {boolean | null} */ is_ok) => ({ name, wanted: '2', got: null, is_ok, is_final: false });
  const all = [one('a', true), one('b', null), one('c', false)];
  assert.deepEqual(missedFirst(all).map(({ name }) => name), ['c', 'b', 'a']);
  assert.equal(standText(all[0], false), 'holds so far · wanted 2');
  assert.equal(standText(all[1], true), 'not known · wanted 2');
  assert.equal(expectationCounts(all), '1 hold, 1 missed, 1 open');
});

test('a typed line is completed with what the run can do', () => {
  const can = { presets: ['walk', 'wait', 'stay'], fetches: [], ids: [{ id: 'one', stop: true, send: false }, { id: 'two', stop: true, send: true }] };
  assert.deepEqual(offersFor('', can), []);
  assert.deepEqual(offersFor('s', can), ['spawn ', 'stop ', 'send ', 'signal ', 'stay']);
  assert.deepEqual(offersFor('k', can), ['kill ']);
  assert.deepEqual(offersFor('restart t', can), ['restart two']);
  assert.deepEqual(offersFor('signal t', can), ['signal two ']);
  assert.deepEqual(offersFor('f', can), []);
  assert.deepEqual(offersFor('spawn wa', can), ['spawn walk', 'spawn wait']);
  assert.deepEqual(offersFor('send ', can), ['send two ']);
  assert.deepEqual(offersFor('stop one x', can), []);
  assert.deepEqual(offersFor('constructor x', can), []);
});

test('keys stand for directions', () => {
  assert.deepEqual(['ArrowUp', 'w', 'A', 'x', 'constructor'].map(directionOf), ['N', 'N', 'W', undefined, undefined]);
});
