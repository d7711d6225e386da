// How much happened in each half second of the last minute: the differences of the counts.

/** @import { Counts, Run } from './types.d.ts' */

/** The counts whose rates are shown, in the order in which the program sends them. */
export const RATE_KEYS = /** @type {const} */ (['moves', 'lines', 'requests', 'events']);
/** How long a column is, and how long a time the columns are kept, in seconds. The program counts in the same columns. */
export const COLUMN = .5;
const KEPT_TIME = 60;
/** The rate as a figure is over this many seconds. */
const RATE_TIME = 2;
/** How long a time is seen, in seconds: the longer the run goes, the longer. */
const SEEN_TIMES = [15, 30];

/**
 * How long a time is seen at a moment of the run.
 * @param {number} t
 * @returns {number}
 */
export function seenTime(t) {
  return SEEN_TIMES.find(seen => t < seen) ?? KEPT_TIME;
}

export class RateCounts {
  constructor() {
    /**
     * The columns of each count, by their number.
     * @type {Record<typeof RATE_KEYS[number], Map<number, number>>}
     */
    this.columns = { moves: new Map(), lines: new Map(), requests: new Map(), events: new Map() };
    /** @type {{ t: number, counts: Partial<Counts> } | null} */
    this.before = null;
  }

  /**
   * Begins again, with the columns from before the page was opened.
   * @param {Pick<Run, 'counts' | 't' | 'rates'>} run
   */
  start({ counts, t, rates }) {
    RATE_KEYS.forEach((key, nth) => (this.columns[key] = new Map((rates ?? []).map(([n, ...added]) => [n, added[nth]]))));
    this.before = { t, counts: counts ?? {} };
  }

  /**
   * Spreads what has been added since the last counts over the columns since then.
   * @param {Partial<Counts>} counts
   * @param {number} t
   */
  add(counts, t) {
    const before = this.before ?? { t, counts: {} };
    const from = Math.floor(Math.max(before.t, t - KEPT_TIME) / COLUMN), to = Math.floor(t / COLUMN);
    // While something happens, changes come. So after more than a second of silence it happened just now.
    const first = to - from > 1 / COLUMN ? to : from;
    for (const key of RATE_KEYS) {
      const columns = this.columns[key], added = Math.max((counts[key] ?? 0) - (before.counts[key] ?? 0), 0);
      for (let n = first; added && n <= to; n++) columns.set(n, (columns.get(n) ?? 0) + added / (to - first + 1));
      for (const n of columns.keys()) if (n < to - KEPT_TIME / COLUMN - 2) columns.delete(n);
    }
    this.before = { t, counts };
  }

  /**
   * How much happens a second, at a moment.
   * @param {typeof RATE_KEYS[number]} key
   * @param {number} t
   * @returns {number}
   */
  rate(key, t) {
    const last = Math.floor(t / COLUMN), width = Math.max(Math.min(RATE_TIME, t), COLUMN);
    let sum = 0;
    for (let n = last; n > last - RATE_TIME / COLUMN; n--) sum += this.columns[key].get(n) ?? 0;
    return sum / width;
  }

  /**
   * How much happened in the fullest column.
   * @param {typeof RATE_KEYS[number]} key
   * @returns {number}
   */
  most(key) {
    return Math.max(...this.columns[key].values(), 0);
  }
}
