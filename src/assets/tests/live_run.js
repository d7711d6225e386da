// A run as the server sends it, for the tests.

/** @import { Entry, Lane, Line, Player, Run } from '../live/types.d.ts' */

/** @type {(more?: Partial<Run>) => Run} */
export const aRun = more => ({
  mode: 'run', run: { name: 'a run', description: null, seed: '5', clock: 'real', started_at: null, speed: 1 },
  world: null, can: { presets: [], fetches: [], ids: [] }, log: null, rates: [], t: 0, is_going: true, players: {}, more_players: 0,
  lanes: {}, more_lanes: 0, entries: {}, lines: [], skipped: 0,
  counts: { events: 0, moves: 0, steps: 0, lines: 0, requests: 0, wrong: 0, running: 0, in_flight: 0 },
  expect: [], readers: 0, dropped: 0, end: null, ...more,
});

/** @type {(more?: Partial<Player>) => Player} */
export const aPlayer = more => ({ at: [0, 0], direction: null, source: 'ps#1', moves: 0, t: null, is_gone: false, ...more });

/** @type {(more?: Partial<Lane>) => Lane} */
export const aLane = more => ({ kind: 'spawn', label: 'walk', entry: null, from: 0, ready: null, to: null, is_ok: null, end: null, ...more });

/** @type {(more?: Partial<Entry>) => Entry} */
export const anEntry = more => ({ n: 1, name: 'wave', does: 'spawn walk', at: 0, after: null, every: null, times: 0, state: 'waits', ...more });

/** @type {(more?: Partial<Line>) => Line} */
export const aLine = more => ({ t: 0, kind: 'line', source: 'ps#1', label: 'walk', stream: 'stdout', text: 'hello', is_wrong: false, ...more });
