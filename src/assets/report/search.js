// Searches the names of waves and sources, the words about them, moves, lines, and marks.
import { counted, number } from '../shared/numbers.js';

/** @import { Findable, Group, Hit, Lane, Point, TimelineData } from './types.d.ts' */

/**
 * Everything that can be found, with its text in lower case.
 * @param {TimelineData} data
 * @returns {Hit[]}
 */
export function findableHits({ marks, groups }) {
  /** @type {Hit[]} */
  const all = [];
  /** @type {(thing: Findable, group: Group | null, lane: Lane | null, point: Point | null, t: number | null, text: string) => void} */
  const add = (thing, group, lane, point, t, text) => all.push({ thing, group, lane, point, t, text: text.toLowerCase() });
  for (const mark of marks) add(mark, null, null, mark, mark.t, mark.text);
  for (const group of groups) {
    if (!group.isSingle) add(group, group, null, null, null, group.label);
    for (const lane of group.lanes) {
      const { bar } = lane, name = group.isSingle ? group.label + ' ' : '';
      if (bar) add(lane, group, lane, null, bar.start, name + bar.source + ' ' + bar.words);
      for (const point of lane.points) add(point, group, lane, point, point.t, point.text);
    }
  }
  return all;
}

export class Search {
  /** @param {TimelineData} data */
  constructor(data) {
    this.all = findableHits(data);
    /** @type {Hit[]} */
    this.hits = [];
    /** @type {Set<Findable>} */
    this.things = new Set();
    this.at = -1;
  }

  /**
   * Finds everything that contains each of the words, in the order of time.
   * @param {string} words
   */
  find(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(word => word);
    this.hits = wanted.length ? this.all.filter(one => wanted.every(word => one.text.includes(word))) : [];
    this.hits.sort((one, other) => (one.t ?? -1) - (other.t ?? -1));
    this.things = new Set(this.hits.map(hit => hit.thing));
    this.at = -1;
  }

  /**
   * Goes to the next hit, or with -1 to the one before. After the last comes the first.
   * @param {number} step
   * @returns {Hit | null}
   */
  go(step) {
    const { length } = this.hits;
    if (!length) return null;
    this.at = this.at < 0 && step < 0 ? length - 1 : (this.at + step + length) % length;
    return this.hits[this.at];
  }

  /** How many hits there are, and which one is shown. */
  get words() {
    const count = this.hits.length;
    return this.at < 0 ? counted(count, 'hit') : number(this.at + 1) + ' of ' + number(count);
  }
}
