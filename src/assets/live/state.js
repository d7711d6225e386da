// The run as the page knows it: the whole state that came first, and the changes since.

/** @import { Change, Part, Player, Run, WorldState } from './types.d.ts' */

/** How many lines are kept. */
export const MAX_LINES = 500;
/** How many players who have left are kept. */
const MAX_DEPARTED = 200;

/**
 * The same values in an object without a prototype, since a name may be `__proto__`.
 * @template T
 * @param {Record<string, T>} values
 * @returns {Record<string, T>}
 */
function plain(values) {
  return Object.assign(Object.create(null), values);
}

/**
 * Puts whole values in the place of those with the same keys. Null takes a key away.
 * @template T
 * @param {Record<string, T>} into
 * @param {Record<string, T | null>} values
 */
function merge(into, values) {
  for (const [key, value] of Object.entries(values)) {
    if (value === null) delete into[key];
    else into[key] = value;
  }
}

/**
 * Forgets the players who left first, if there are too many, and notes that in the change.
 * @param {Record<string, Player>} players
 * @param {Record<string, Player | null>} change
 */
function forgetDeparted(players, change) {
  const departed = Object.keys(players).filter(name => players[name].is_gone);
  for (const name of departed.slice(0, Math.max(departed.length - MAX_DEPARTED, 0))) {
    delete players[name];
    change[name] = null;
  }
}

export class State {
  constructor() {
    /** @type {Run | null} */
    this.run = null;
    /** @type {Part[]} */
    this.parts = [];
  }

  /**
   * Adds a part that takes each change.
   * @param {Part} part
   */
  add(part) {
    this.parts.push(part);
  }

  /**
   * Takes a whole state: what was known before is forgotten.
   * @param {Run} run
   */
  whole(run) {
    const { players, lanes, entries, lines } = run;
    this.run = {
      ...run, players: plain(players), lanes: plain(lanes), entries: plain(entries), lines: (lines ?? []).slice(-MAX_LINES),
    };
    this.pass(this.run, true);
  }

  /** @param {Change} change */
  change(change) {
    const { run } = this;
    if (!run) return;
    const { players, lanes, entries, lines, ...rest } = change;
    Object.assign(run, rest);
    if (players) merge(run.players, players);
    if (lanes) merge(run.lanes, lanes);
    if (entries) merge(run.entries, entries);
    if (lines) run.lines = run.lines.concat(lines).slice(-MAX_LINES);
    if (players) forgetDeparted(run.players, players);
    this.pass(change, false);
  }

  /**
   * Takes the places of all players as they were broadcast. A player who is not known yet comes with a change.
   * @param {WorldState} world
   */
  world({ players }) {
    if (!this.run || !players) return;
    /** @type {Record<string, Player>} */
    const moved = {};
    for (const [name, at] of Object.entries(players)) {
      const known = this.run.players[name];
      if (known && (known.at[0] !== at[0] || known.at[1] !== at[1])) moved[name] = { ...known, at };
    }
    this.change({ players: moved });
  }

  /**
   * @param {Change} change
   * @param {boolean} isWhole
   */
  pass(change, isWhole) {
    if (this.run) for (const part of this.parts) part.take(change, this.run, isWhole);
  }
}
