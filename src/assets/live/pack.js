// Puts lanes into rows: lanes of the same thing share a row, as long as each has ended before the next starts.
import { number } from '../shared/numbers.js';
import { visible } from './text.js';

/** @import { Lane, PackedLane, PackedRow } from './types.d.ts' */

/**
 * In the order of their starts, and of two with one start in that of their keys.
 * @param {Record<string, Lane>} lanes
 * @returns {PackedLane[]}
 */
function lanesInOrder(lanes) {
  const all = Object.entries(lanes).map(([key, lane]) => ({ key, lane, label: visible(lane.label), shown: visible(key) }));
  return all.sort((one, other) => one.lane.from - other.lane.from || (one.key < other.key ? -1 : 1));
}

/**
 * The note beside the label of a row: the source of a single lane, or in the first row of a group the count.
 * @param {PackedLane[]} row
 * @param {number} nth which row of the group it is
 * @param {number} count how many lanes the group has
 * @returns {string}
 */
function noteOf(row, nth, count) {
  if (row.length > 1) return nth ? '' : '×' + number(count);
  const [{ lane, shown }] = row;
  return lane.kind === 'load' ? 'load' : shown;
}

export class Pack {
  constructor() {
    /**
     * The row within its group of each lane, by its key.
     * @type {Map<string, number>}
     */
    this.placed = new Map();
  }

  /**
   * The rows of lanes, in the order in which each thing was first started.
   * @param {Record<string, Lane>} lanes
   * @returns {PackedRow[]}
   */
  rows(lanes) {
    for (const key of this.placed.keys()) if (!lanes[key]) this.placed.delete(key);
    /** @type {Map<string, PackedLane[][]>} */
    const groups = new Map();
    for (const one of lanesInOrder(lanes)) {
      const { kind, label, entry } = one.lane, name = JSON.stringify([kind, label, entry]);
      const group = groups.get(name) ?? [];
      groups.set(name, group);
      this.place(group, one);
    }
    return [...groups.values()].flatMap(group => {
      const rows = group.filter(row => row?.length), count = rows.flat().length;
      return rows.map((row, nth) => ({ lanes: row, label: nth ? '' : row[0].label, note: noteOf(row, nth, count) }));
    });
  }

  /**
   * Puts a lane where it was before, so that nothing jumps, or into the first row that is free at its start.
   * @param {PackedLane[][]} group
   * @param {PackedLane} one
   */
  place(group, one) {
    let nth = this.placed.get(one.key);
    if (nth === undefined) {
      nth = group.findIndex(row => {
        const last = row?.at(-1)?.lane;
        return !last || last.to !== null && last.to <= one.lane.from;
      });
      if (nth < 0) nth = group.length;
      this.placed.set(one.key, nth);
    }
    (group[nth] ??= []).push(one);
  }
}
