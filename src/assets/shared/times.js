// Long times, in seconds: their words, and the steps of their scales.
import { stepOf } from './scale.js';

/** Two minutes: from here on a time has two units. */
export const LONG_FROM = 120;

/** The steps of a scale between those of seconds and those of days. */
const LONG_STEPS = [30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

const DAY = 86400;

/**
 * A time of two minutes or more, in the two units that people use for it: `12 min 5 s`, `3 h 20 min`, `17 d 10 h`.
 * @param {number} seconds
 * @returns {string}
 */
export function longText(seconds) {
  const whole = Math.round(seconds), minutes = Math.round(whole / 60), hours = Math.round(whole / 3600);
  if (whole < 3600) return inUnits(whole, 60, 'min', 's');
  return minutes < 1440 ? inUnits(minutes, 60, 'h', 'min') : inUnits(hours, 24, 'd', 'h');
}

/**
 * @param {number} count in the small unit
 * @param {number} size how many of the small unit the large one has
 * @param {string} large
 * @param {string} small
 * @returns {string}
 */
function inUnits(count, size, large, small) {
  const rest = count % size;
  return Math.floor(count / size) + ' ' + large + (rest ? ' ' + rest + ' ' + small : '');
}

/**
 * Whole seconds as a clock with hours shows them, with days before it: `0:16:40`, `10 d 3:25:01`.
 * @param {number} seconds
 * @returns {string}
 */
export function hoursText(seconds) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const days = Math.floor(seconds / DAY), hours = Math.floor(seconds / 3600) % 24;
  const clock = hours + ':' + two(Math.floor(seconds / 60) % 60) + ':' + two(Math.floor(seconds % 60));
  return days ? days + ' d ' + clock : clock;
}

/**
 * A step of a scale of time, of which about `count` fit into this many seconds: of 1, 2 or 5 times a power of ten up to
 * 20 s, and then of minutes, hours and days as a clock and a calendar have them.
 * @param {number} seconds
 * @param {number} count
 * @returns {number}
 */
export function timeStepOf(seconds, count) {
  const rough = seconds / count;
  if (rough <= 20) return stepOf(seconds, count);
  return LONG_STEPS.find(step => step >= rough) ?? stepOf(seconds / DAY, count) * DAY;
}

/**
 * A moment on a scale whose step is a minute or more: `5 min`, `3 h 20 min`, `2 d 6 h`.
 * @param {number} seconds
 * @returns {string}
 */
export function longScaleText(seconds) {
  let rest = Math.round(seconds);
  const parts = [];
  for (const { size, unit } of [{ size: DAY, unit: 'd' }, { size: 3600, unit: 'h' }, { size: 60, unit: 'min' }]) {
    const count = Math.floor(rest / size);
    if (count) parts.push(count + ' ' + unit);
    rest -= count * size;
  }
  return parts.join(' ') || '0';
}
