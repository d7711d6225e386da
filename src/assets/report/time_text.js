// Times as words. They are nanoseconds.
import { LONG_FROM, hoursText, longScaleText, longText } from '../shared/times.js';

/** From this moment on, in nanoseconds, moments are shown as a clock shows them. */
const CLOCK_FROM = 1000e9;

/**
 * How long something took, to three digits: `45.1 µs`; from two minutes on with two units: `12 min 5 s`.
 * @param {number} ns
 * @returns {string}
 */
export function durationText(ns) {
  if (ns >= LONG_FROM * 1e9) return longText(ns / 1e9);
  if (ns < 1e3) return Math.round(ns) + ' ns';
  const [value, unit] = ns < 1e6 ? [ns / 1e3, ' µs'] : ns < 1e9 ? [ns / 1e6, ' ms'] : [ns / 1e9, ' s'];
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + unit;
}

/**
 * A moment with this many decimals: `1.500 s`, `0:16:40.5`, `10 d 3:25:01`.
 * @param {number} t
 * @param {number} decimals
 * @returns {string}
 */
function exactText(t, decimals) {
  if (t < CLOCK_FROM) return (t / 1e9).toFixed(decimals) + ' s';
  // The fraction alone, since a large number has no digits left for it.
  const unit = 10 ** (9 - decimals), rounded = Math.round(t / unit) * unit;
  const fraction = decimals ? '.' + String(Math.round(rounded % 1e9 / unit)).padStart(decimals, '0') : '';
  return hoursText(Math.floor(rounded / 1e9)) + fraction;
}

/**
 * A moment, with as many decimals as a window of this width can show: `1.500 s`.
 * @param {number} t
 * @param {number} width
 * @returns {string}
 */
export function momentText(t, width) {
  return exactText(t, Math.min(9, Math.max(1, Math.ceil(10 - Math.log10(Math.max(width, 1))))));
}

/**
 * A moment on a scale with this step, with as many decimals as the steps need.
 * @param {number} t
 * @param {number} step
 * @returns {string}
 */
export function scaleText(t, step) {
  if (step >= 60e9) return longScaleText(t / 1e9);
  return exactText(t, Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9))));
}
