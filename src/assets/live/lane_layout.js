// The measures of the timeline's canvas, and which part of the time it shows.

/** @import { Entry, Run } from './types.d.ts' */

/** The height of a row, in pixels. */
export const ROW = 21;
/** The height of the axis, and of the head: the axis and the timeline's own row, which stay while the lanes scroll. */
export const AXIS = 24;
export const HEAD = AXIS + ROW + 2;
/** How long a time the view of the last moments shows, in seconds. */
const LAST = 30;
/** Planned moments up to this many seconds are seen from the start. */
const MAX_PLANNED = 120;

/**
 * A scale's end that is not before this moment. It is rounded up, so that it seldom changes while the time goes on.
 * @param {number} seconds
 * @returns {number}
 */
export function roundedUp(seconds) {
  const power = 10 ** Math.floor(Math.log10(seconds));
  return [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8].map(factor => factor * power).find(step => step >= seconds) ?? 10 * power;
}

/**
 * From which moment to which the timeline shows.
 * @param {Run} run
 * @param {number} now the moment of the run
 * @param {Entry[]} ahead the entries with a planned moment
 * @param {boolean} isLast whether only the last moments are wanted
 * @returns {[number, number]}
 */
export function shownTime(run, now, ahead, isLast) {
  const logEnd = run.mode === 'play' ? run.play?.end : null;
  const end = run.end && !logEnd ? Math.max(run.end.took ?? 0, now) : null;
  if (isLast) {
    const to = (end ?? now) + LAST * (end === null ? .08 : .02);
    return [to - LAST, to];
  }
  if (logEnd) return [0, Math.max(logEnd, now) * 1.03];
  if (end !== null) return [0, Math.max(end * 1.03, .001)];
  const planned = Math.max(0, ...ahead.map(entry => entry.at).filter(at => at <= MAX_PLANNED || at < now * 3));
  return [0, roundedUp(Math.max(now * 1.04, planned * 1.1, .5))];
}
