// The entries of the timeline in words.
import { number } from '../shared/numbers.js';
import { durationText, visible } from './text.js';

/** @import { Entry } from './types.d.ts' */

/**
 * The entries in the order of the file.
 * @param {Record<string, Entry>} entries
 * @returns {Entry[]}
 */
export function entriesInOrder(entries) {
  return Object.values(entries).sort((one, other) => one.n - other.n);
}

/**
 * The name of an entry, or what it does if it has no name of its own.
 * @param {Entry} entry
 * @returns {string}
 */
export function entryName({ name, does }) {
  return visible(name.startsWith('#') && does ? does : name);
}

/**
 * @param {Entry} entry
 * @returns {string}
 */
function startText({ after, at, every }) {
  const start = after ? 'after ' + visible(after) + (at ? ' + ' + durationText(at) : '') : 'at ' + durationText(at);
  return start + (every ? ', every ' + visible(every) : '');
}

/**
 * An entry in lines of words.
 * @param {Entry} entry
 * @returns {string[]}
 */
export function entryLines(entry) {
  const { name, state, does, times } = entry;
  const happened = times ? (times === 1 ? 'once' : number(times) + ' times') + ' so far' : '';
  return [visible(name) + ': ' + visible(state), visible(does), startText(entry), happened].filter(Boolean);
}
