// The rows of the timeline, from top to bottom.

/** @import { Row, TimelineData } from './types.d.ts' */

/** The height of a row, and of the axis above the rows, in pixels. */
export const ROW = 22;
export const AXIS = 26;

/**
 * The timeline's own row, then each group, and its lanes unless it is folded.
 * @param {TimelineData} data
 * @returns {Row[]}
 */
export function rowsOf({ groups }) {
  /** @type {Row[]} */
  const rows = [];
  const next = () => AXIS + rows.length * ROW;
  rows.push({ kind: 'timeline', group: null, lane: null, label: 'timeline', y: next(), isInner: false });
  for (const group of groups) {
    if (!group.isSingle) rows.push({ kind: 'group', group, lane: null, label: group.label, y: next(), isInner: false });
    if (group.isFolded && !group.isSingle) continue;
    for (const lane of group.lanes) {
      const label = group.isSingle ? group.label + ' · ' + lane.label : lane.label;
      rows.push({ kind: 'lane', group, lane, label, y: next(), isInner: !group.isSingle });
    }
  }
  return rows;
}

/**
 * The row at a height of the canvas, if one is there.
 * @param {Row[]} rows
 * @param {number} y
 * @param {number} top how far the rows are scrolled
 * @returns {Row | null}
 */
export function rowAt(rows, y, top) {
  return y < AXIS ? null : rows[Math.floor((y + top - AXIS) / ROW)] ?? null;
}
