// The players on the board: where each of them is seen, and the trails of their moves.
import { clamp } from '../shared/scale.js';
import { visible } from './text.js';
import { HUES, hashOf } from './theme.js';

/** @import { BoardPlayer, Player, Run, Trail } from './types.d.ts' */
/** @import { BoardView } from './board_view.js' */

/** How long a move is seen to take, and how long its trail stays, in milliseconds. */
export const SLIDE_TIME = 160;
export const TRAIL_TIME = 1800;
/** A player who is this many places away did not move there: it is just there. */
const MAX_STEP = 6;
/** At most this many pieces of trails are kept. */
const MAX_TRAILS = 4000;
/** How far players at the same place stand aside, in cells. */
const ASIDE = .24;

/**
 * The place at which a player is seen at a moment. It may be on its way.
 * @param {BoardPlayer} player
 * @param {number} now
 * @param {boolean} isStill
 * @returns {[number, number]}
 */
export function seenAt({ x, y, fromX, fromY, since }, now, isStill) {
  const share = clamp((now - since) / SLIDE_TIME, 0, 1);
  if (share >= 1 || isStill) return [x, y];
  const eased = 1 - (1 - share) ** 3;
  return [fromX + (x - fromX) * eased, fromY + (y - fromY) * eased];
}

export class BoardPlayers {
  /** @param {BoardView} view */
  constructor(view) {
    this.view = view;
    /** @type {Map<string, BoardPlayer>} */
    this.all = new Map();
    /** @type {Trail[]} */
    this.trails = [];
  }

  /**
   * Forgets all players but those who are still there. These slide to their new places.
   * @param {Run} run
   */
  forget(run) {
    for (const name of [...this.all.keys()]) if (!run.players[name]) this.all.delete(name);
    this.trails = [];
  }

  /**
   * Puts a player where it is now. Null takes it away.
   * @param {string} name
   * @param {Player | null} data
   * @param {number} now
   * @param {{ isJump: boolean, isStill: boolean }} how whether it is just there, and whether nothing slides
   */
  put(name, data, now, { isJump, isStill }) {
    if (data === null) return void this.all.delete(name);
    const player = this.all.get(name) ?? this.add(name, data), [x, y] = data.at;
    // A player who comes back has come from elsewhere.
    const isNew = player.data.is_gone;
    if (x !== player.x || y !== player.y) this.step(player, data, now, isJump || isNew, isStill);
    player.data = data;
    if (this.trails.length > MAX_TRAILS) this.trails.splice(0, this.trails.length - MAX_TRAILS);
  }

  /**
   * @param {string} name
   * @param {Player} data
   * @returns {BoardPlayer}
   */
  add(name, data) {
    const hash = hashOf(name), [x, y] = data.at;
    const player = {
      name, shown: visible(name), hue: hash % HUES, angle: (hash >>> 8) % 360 / 180 * Math.PI,
      x, y, fromX: x, fromY: y, since: 0, aside: 0, data,
    };
    this.all.set(name, player);
    return player;
  }

  /**
   * Moves a player: it is seen to go to its new place if that is near.
   * @param {BoardPlayer} player
   * @param {Player} data
   * @param {number} now
   * @param {boolean} isJump
   * @param {boolean} isStill
   */
  step(player, { at: [x, y], direction }, now, isJump, isStill) {
    const byX = this.view.way(player.x, x, 0), byY = this.view.way(player.y, y, 1);
    if (isJump || Math.abs(byX) + Math.abs(byY) > MAX_STEP) return void Object.assign(player, { x, y, fromX: x, fromY: y, since: 0 });
    const [seenX, seenY] = seenAt(player, now, isStill);
    if (!isStill) this.addTrail(player.hue, [x - byX, y - byY], [x, y], direction, now);
    Object.assign(player, { fromX: x - byX + seenX - player.x, fromY: y - byY + seenY - player.y, x, y, since: now });
  }

  /**
   * Adds the trail of a step. Several moves at once turned a corner: the last move is the leg that ends here.
   * @param {number} hue
   * @param {[number, number]} from
   * @param {[number, number]} to
   * @param {string | null} direction
   * @param {number} since
   */
  addTrail(hue, [fromX, fromY], [x, y], direction, since) {
    const isUpright = direction === 'N' || direction === 'S', [turnX, turnY] = isUpright ? [x, fromY] : [fromX, y];
    if (turnX !== fromX || turnY !== fromY) this.trails.push({ fromX, fromY, x: turnX, y: turnY, hue, since });
    if (turnX !== x || turnY !== y) this.trails.push({ fromX: turnX, fromY: turnY, x, y, hue, since });
  }

  /**
   * Forgets the trails that are not seen any more.
   * @param {number} now
   */
  dropOldTrails(now) {
    const first = this.trails.findIndex(trail => now - trail.since <= TRAIL_TIME);
    this.trails.splice(0, first < 0 ? this.trails.length : first);
  }

  /** Makes players who share a place stand a little aside, so that each is seen. */
  standAside() {
    /** @type {Map<string, BoardPlayer>} */
    const first = new Map();
    for (const player of this.all.values()) {
      if (player.data.is_gone) continue;
      const place = player.data.at.join(), other = first.get(place);
      player.aside = other ? ASIDE : 0;
      if (other) other.aside = ASIDE;
      else first.set(place, player);
    }
  }
}
