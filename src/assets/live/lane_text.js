// Lanes in words.
import { counted, number } from '../shared/numbers.js';
import { durationText, shortened, visible } from './text.js';

/** @import { Lane, PackedLane } from './types.d.ts' */

/**
 * How a lane ended, what a program uses while it runs, and of a load how many requests it made. It stands beside the lane.
 * @param {Lane} lane
 * @returns {string}
 */
export function outcomeText({ kind, to, end, done, wrong, used }) {
  const outcome = to === null ? (used ?? '') : shortened(visible(end ?? ''), 40);
  if (kind !== 'load') return outcome;
  return number(done) + (wrong ? ', ' + number(wrong) + ' wrong' : '') + (outcome ? ' · ' + outcome : '');
}

/**
 * A lane in lines of words.
 * @param {PackedLane} packed
 * @returns {string[]}
 */
export function laneLines({ shown, label, lane }) {
  const { kind, entry, from, ready, to, end, done, wrong, used } = lane;
  const of = entry && entry !== lane.label ? ' of ' + visible(entry) : '';
  const lines = [shown === label ? shown : shown + ' · ' + label, visible(kind) + of + ', from ' + durationText(from)];
  if (ready !== null) lines.push('ready after ' + durationText(ready - from));
  if (done !== undefined) lines.push(counted(done, 'request') + ' done' + (wrong ? ', ' + number(wrong) + ' wrong' : ''));
  if (used) lines.push(used);
  lines.push(to === null ? 'still going' : 'ended after ' + durationText(to - from) + (end ? ': ' + visible(end) : ''));
  return lines;
}
