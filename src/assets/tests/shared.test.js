import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, number } from '../shared/numbers.js';
import { clamp, multiplesOf, stepOf } from '../shared/scale.js';
import { timeStepOf } from '../shared/times.js';

test('a step is 1, 2 or 5 times a power of ten, and at least the share of the width', () => {
  assert.equal(stepOf(10, 10), 1);
  assert.equal(stepOf(11, 10), 2);
  assert.equal(stepOf(45, 10), 5);
  assert.equal(stepOf(60, 10), 10);
  assert.equal(stepOf(3e9, 4), 1e9);
  assert.ok(Math.abs(stepOf(.03, 10) - .005) < 1e-12);
});

test('a step of time is one of a clock and a calendar', () => {
  assert.deepEqual([1, 200, 201, 1500, 5000, 86400, 10 * 86400, 40 * 86400].map(seconds => timeStepOf(seconds, 10)), [
    .1, 20, 30, 300, 600, 10800, 86400, 5 * 86400,
  ]);
});

test('the lines of a scale are the multiples of its step', () => {
  assert.deepEqual(multiplesOf(5, 3, 20), [5, 10, 15, 20]);
  assert.deepEqual(multiplesOf(2, -3, 2), [-2, 0, 2]);
  assert.deepEqual(multiplesOf(10, 1, 9), []);
});

test('a value is kept within its range', () => {
  assert.deepEqual([-1, 5, 11].map(value => clamp(value, 0, 10)), [0, 5, 10]);
});

test('counts have groups of digits and a noun that fits', () => {
  assert.equal(number(1234567), '1,234,567');
  assert.equal(number(undefined), '0');
  assert.equal(counted(1, 'move'), '1 move');
  assert.equal(counted(2000, 'move'), '2,000 moves');
  assert.equal(counted(0, 'entry', 'entries'), '0 entries');
});
