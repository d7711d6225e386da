// Finds points by their moment, in lists that are in the order of time.

/** @import { Point } from './types.d.ts' */

/**
 * The index of the first point that is not before t.
 * @param {Point[]} points
 * @param {number} t
 * @returns {number}
 */
export function firstFrom(points, t) {
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The point nearest to t, if one is as near as `near`.
 * @param {Point[]} points
 * @param {number} t
 * @param {number} near
 * @returns {Point | null}
 */
export function nearestPoint(points, t, near) {
  let best = null;
  for (let n = firstFrom(points, t - near); n < points.length && points[n].t <= t + near; n++) {
    if (!best || Math.abs(points[n].t - t) < Math.abs(best.t - t)) best = points[n];
  }
  return best;
}
