// The part of the plane that the board shows, and its scale. It draws nothing.

/** @import { World } from './types.d.ts' */

/** The fewest places that are seen across a plane without bounds. */
const MIN_ACROSS = 9;
/** How fast a view without bounds follows, in milliseconds. */
const FOLLOW_TIME = 260;
/** The space around a world, in pixels, and around the players of a plane without bounds, in places. */
const WORLD_SPACE = 10;
const PLANE_SPACE = 2;

/** @typedef {{ left: number, top: number, right: number, bottom: number }} Bounds */
/** @typedef {{ x: number, y: number, cell: number }} Focus */

/**
 * The smallest bounds with all places, and with 0, 0.
 * @param {Iterable<[number, number]>} places
 * @returns {Bounds}
 */
export function boundsOf(places) {
  const bounds = { left: 0, top: 0, right: 0, bottom: 0 };
  for (const [x, y] of places) {
    if (x < bounds.left) bounds.left = x;
    if (x > bounds.right) bounds.right = x;
    if (y < bounds.top) bounds.top = y;
    if (y > bounds.bottom) bounds.bottom = y;
  }
  return bounds;
}

export class BoardView {
  constructor() {
    /** @type {World | null} */
    this.world = null;
    /** @type {Bounds | null} */
    this.wanted = null;
    /** @type {Focus | null} */
    this.seen = null;
    this.at = 0;
    this.cell = 1;
    this.left = 0;
    this.top = 0;
    /** @type {[number, number, number, number]} */
    this.box = [0, 0, 0, 0];
  }

  /**
   * Shows a world, or without one the places of all players.
   * @param {World | null} world
   * @param {Iterable<[number, number]>} places
   */
  fit(world, places) {
    this.world = world;
    if (world) return;
    const { left, top, right, bottom } = boundsOf(places), { wanted } = this, space = PLANE_SPACE;
    const fits = wanted && left > wanted.left && right < wanted.right && top > wanted.top && bottom < wanted.bottom;
    const width = wanted ? wanted.right - wanted.left : 0;
    const isLoose = fits && (right - left + 2 * space) * 2.2 < width && width > MIN_ACROSS * 2;
    if (fits && !isLoose) return;
    // It grows in steps, so that it does not move with each player.
    const grown = space + Math.ceil(Math.max(right - left, bottom - top) * .12);
    this.wanted = { left: left - grown, top: top - grown, right: right + grown, bottom: bottom + grown };
  }

  /**
   * Lays the view out on a canvas, and gives whether it is still moving.
   * @param {number} width
   * @param {number} height
   * @param {number} now
   * @param {boolean} isStill
   * @returns {boolean}
   */
  layOut(width, height, now, isStill) {
    if (this.world) {
      this.layOutWorld(this.world.size, width, height);
      return false;
    }
    const goal = this.goal(width, height), before = this.seen ?? goal;
    const share = isStill ? 1 : 1 - Math.exp(-Math.min(now - this.at, 100) / FOLLOW_TIME);
    this.at = now;
    const between = (/** @type {number} */ from, /** @type {number} */ to) => from + (to - from) * share;
    const seen = { x: between(before.x, goal.x), y: between(before.y, goal.y), cell: between(before.cell, goal.cell) };
    const isNear = Math.abs(goal.x - seen.x) + Math.abs(goal.y - seen.y) < .01 && Math.abs(goal.cell / seen.cell - 1) < .003;
    this.seen = isNear ? goal : seen;
    this.cell = this.seen.cell;
    this.left = width / 2 - this.seen.x * this.cell;
    this.top = height / 2 - this.seen.y * this.cell;
    this.box = [0, 0, width, height];
    return !isNear;
  }

  /**
   * @param {[number, number]} size
   * @param {number} width
   * @param {number} height
   */
  layOutWorld([across, down], width, height) {
    this.cell = Math.max(Math.min((width - 2 * WORLD_SPACE) / across, (height - 2 * WORLD_SPACE) / down), .5);
    this.left = (width - across * this.cell) / 2;
    this.top = (height - down * this.cell) / 2;
    this.box = [this.left, this.top, across * this.cell, down * this.cell];
    this.seen = null;
  }

  /**
   * @param {number} width
   * @param {number} height
   * @returns {Focus}
   */
  goal(width, height) {
    const { left, top, right, bottom } = this.wanted ?? boundsOf([]);
    const cell = Math.min(width / Math.max(right - left + 1, MIN_ACROSS), height / Math.max(bottom - top + 1, MIN_ACROSS));
    return { x: (left + right + 1) / 2, y: (top + bottom + 1) / 2, cell };
  }

  /**
   * The middle of a place on the canvas.
   * @param {number} x
   */
  x(x) {
    return this.left + (x + .5) * this.cell;
  }

  /** @param {number} y */
  y(y) {
    return this.top + (y + .5) * this.cell;
  }

  /**
   * The shortest way between two places along a side, 0 or 1. It goes over the edge if that wraps.
   * @param {number} from
   * @param {number} to
   * @param {0 | 1} side
   * @returns {number}
   */
  way(from, to, side) {
    const way = to - from;
    if (this.world?.edges !== 'wrap') return way;
    const size = this.world.size[side];
    return way > size / 2 ? way - size : way < -size / 2 ? way + size : way;
  }
}
