import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Clock } from '../live/clock.js';
import { Frames } from '../live/frames.js';
import { aRun } from './live_run.js';

/** @import { Run } from '../live/types.d.ts' */

/**
 * A clock that took a run, and the time of the page, which a test sets.
 * @param {Partial<Run>} run
 */
function clockOf(run) {
  const page = { now: 0 }, frames = new Frames();
  mock.method(performance, 'now', () => page.now);
  mock.method(frames, 'ask', () => {});
  const clock = new Clock(frames), state = aRun(run);
  clock.take(state, state, true);
  return { clock, state, page };
}

test('a clock goes on between messages, at the speed of the run', () => {
  const { clock, page } = clockOf({ t: 2, run: { ...aRun().run, speed: 4 } });
  page.now = 500;
  assert.equal(clock.now(), 4);
});

test('a clock waits for a message that is a little late, and follows one that is not', () => {
  const { clock, state, page } = clockOf({ t: 2 });
  page.now = 1000;
  clock.take({ t: 2.8 }, state, false);
  assert.equal(clock.now(), 3);
  clock.take({ t: 1 }, state, false);
  assert.equal(clock.now(), 1);
});

test('a clock stands while it is held, in virtual time, and after the end', () => {
  const { clock, page } = clockOf({ t: 2 });
  clock.hold(true);
  page.now = 1000;
  assert.equal(clock.now(), 2);
  clock.hold(false);
  page.now = 1500;
  assert.equal(clock.now(), 2.5);
  assert.equal(clockOf({ run: { ...aRun().run, clock: 'virtual' } }).clock.goes, false);
  assert.equal(clockOf({ end: { outcome: 'passed', reason: null, took: 1 } }).clock.goes, false);
});

test('a log is played at its own speed, and not beyond its end', () => {
  const play = { end: 5, speed: 2, is_paused: false };
  const { clock, page } = clockOf({ mode: 'play', play });
  page.now = 1000;
  assert.equal(clock.now(), 2);
  page.now = 9000;
  assert.equal(clock.now(), 5);
  assert.equal(clockOf({ mode: 'play', play: { ...play, speed: null } }).clock.goes, false);
});
