// Texts and figures as they are shown. What comes from outside is made visible here.
import { number } from '../shared/numbers.js';
import { LONG_FROM, hoursText, longText } from '../shared/times.js';

/** Characters that would act instead of being seen, as `acts` in the program has them, and halves of characters. */
const ACTING = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
/** @type {Record<string, string>} */
const SHORT_ESCAPES = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/**
 * @param {string} c
 * @returns {string}
 */
function escaped(c) {
  const code = c.codePointAt(0) ?? 0;
  if (SHORT_ESCAPES[c]) return SHORT_ESCAPES[c];
  return code < 0x80 ? '\\x' + code.toString(16).padStart(2, '0') : '\\u{' + code.toString(16) + '}';
}

/**
 * A text in which everything that acts is an escape: `\t`, `\x1b`, `\u{202e}`.
 * @param {unknown} text
 * @returns {string}
 */
export function visible(text) {
  return String(text ?? '').replace(ACTING, escaped);
}

/**
 * At most this many characters of a text, and no half of one.
 * @param {string} text
 * @param {number} most
 * @returns {string}
 */
export function shortened(text, most) {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1), isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? most - 1 : most) + '…';
}

/**
 * The names of a list. Those that do not fit are counted.
 * @param {string[]} names
 * @param {number} most
 * @returns {string}
 */
export function listed(names, most) {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ' and ' + number(more) + ' more' : '');
}

/**
 * A rate with two digits or more: `0.5`, `12`, `12.3k`.
 * @param {number} rate
 * @returns {string}
 */
export function rateText(rate) {
  if (rate < 9.95) return rate.toFixed(1);
  return rate < 9999.5 ? number(Math.round(rate)) : (rate / 1000).toFixed(rate < 99950 ? 1 : 0) + 'k';
}

/**
 * Whole seconds as a clock shows them: `0:12`, `1:02:03`, `10 d 3:25:01`.
 * @param {number} seconds
 * @returns {string}
 */
export function wholeClockText(seconds) {
  if (seconds >= 3600) return hoursText(seconds);
  return Math.floor(seconds / 60) + ':' + String(Math.floor(seconds % 60)).padStart(2, '0');
}

/**
 * Seconds as a clock shows them, with tenths up to an hour: `0:12.3`, `1:02:03`.
 * @param {number} t
 * @returns {string}
 */
export function clockText(t) {
  const tenths = Math.floor(Math.max(t, 0) * 10 + 1e-6), seconds = Math.floor(tenths / 10);
  return wholeClockText(seconds) + (seconds < 3600 ? '.' + tenths % 10 : '');
}

/**
 * How long something took: `45.1 µs`, `300 ms`, `2.4 s`, `12 min 5 s`, `17 d 10 h`.
 * @param {number} seconds
 * @returns {string}
 */
export function durationText(seconds) {
  if (seconds >= LONG_FROM) return longText(seconds);
  if (seconds === 0) return '0 s';
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, ' µs'] : seconds < 1 ? [seconds * 1e3, ' ms'] : [seconds, ' s'];
  // As a number, so that zeros after the point are gone.
  return Number(value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)) + unit;
}

/**
 * A moment of RFC 3339 in UTC, to the second: `2026-01-31 12:30:00 UTC`.
 * @param {string} moment
 * @returns {string}
 */
export function dateText(moment) {
  const [, date, time] = /^([\d-]+)T([\d:]+)(?:\.\d+)?Z$/.exec(moment) ?? [];
  return date ? date + ' ' + time + ' UTC' : visible(moment);
}
