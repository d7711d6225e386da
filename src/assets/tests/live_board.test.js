import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gridStep } from '../live/board_draw.js';
import { isNameFree, namePlaces } from '../live/board_names.js';
import { BoardPlayers, seenAt } from '../live/board_players.js';
import { BoardView, boundsOf } from '../live/board_view.js';
import { dotMask, pixelColor } from '../live/crowd.js';
import { HUES, hashOf } from '../live/theme.js';
import { aPlayer, aRun } from './live_run.js';

/** @import { Player, World } from '../live/types.d.ts' */

/** @type {World} */
const TORUS = { size: [10, 10], edges: 'wrap' };
const SLIDES = { isJump: false, isStill: false };

/** Players on a board, of which one has been put at a place. */
function withPlayer(/** @type {World | null} */ world, /** @type {[number, number]} */ at) {
  const view = new BoardView(), players = new BoardPlayers(view);
  view.world = world;
  players.put('ann', aPlayer({ at }), 0, SLIDES);
  const player = players.all.get('ann');
  assert.ok(player);
  return { players, player, move: (/** @type {Partial<Player>} */ data, now = 1000) => players.put('ann', aPlayer(data), now, SLIDES) };
}

test('the shortest way goes over an edge that wraps', () => {
  const view = new BoardView();
  assert.equal(view.way(1, 9, 0), 8);
  view.world = TORUS;
  assert.equal(view.way(1, 9, 0), -2);
  assert.equal(view.way(9, 0, 1), 1);
  view.world = { size: [10, 10], edges: 'stop' };
  assert.equal(view.way(9, 0, 1), -9);
});

test('a world is laid out in the middle, in cells that are square', () => {
  const view = new BoardView();
  view.fit({ size: [10, 5], edges: 'stop' }, []);
  assert.equal(view.layOut(220, 220, 0, false), false);
  assert.deepEqual([view.cell, view.box], [20, [10, 60, 200, 100]]);
  assert.deepEqual([view.x(0), view.y(0)], [20, 70]);
});

test('a plane without bounds shows all players and seldom changes', () => {
  const view = new BoardView();
  assert.deepEqual(boundsOf([[3, -1], [-2, 4]]), { left: -2, top: -1, right: 3, bottom: 4 });
  view.fit(null, [[3, 0]]);
  const { wanted } = view;
  assert.deepEqual(wanted, { left: -3, top: -3, right: 6, bottom: 3 });
  view.fit(null, [[4, 0]]);
  assert.equal(view.wanted, wanted);
  view.fit(null, [[6, 0]]);
  assert.notEqual(view.wanted, wanted);
});

test('a view follows in steps, and at once where nothing may move', () => {
  const view = new BoardView();
  view.fit(null, [[3, 0]]);
  assert.equal(view.layOut(100, 100, 0, false), false);
  view.fit(null, [[40, 0]]);
  const before = view.cell;
  assert.equal(view.layOut(100, 100, 50, false), true);
  assert.ok(view.cell < before);
  assert.equal(view.layOut(100, 100, 60, true), false);
});

test('a player slides to its next place and leaves a trail', () => {
  const { players, player, move } = withPlayer(null, [0, 0]);
  move({ at: [1, 0], direction: 'E' });
  assert.deepEqual(players.trails, [{ fromX: 0, fromY: 0, x: 1, y: 0, hue: player.hue, since: 1000 }]);
  assert.deepEqual(seenAt(player, 1000, false), [0, 0]);
  const [x] = seenAt(player, 1080, false);
  assert.ok(x > .5 && x < 1);
  assert.deepEqual(seenAt(player, 1160, false), [1, 0]);
  assert.deepEqual(seenAt(player, 1000, true), [1, 0]);
});

test('several moves at once turn a corner, the last one last', () => {
  const { players, move } = withPlayer(null, [0, 0]);
  move({ at: [2, 1], direction: 'S' });
  assert.deepEqual(players.trails.map(({ x, y }) => [x, y]), [[2, 0], [2, 1]]);
});

test('over an edge that wraps a player comes in from outside', () => {
  const { player, move } = withPlayer(TORUS, [9, 5]);
  move({ at: [0, 5], direction: 'E' });
  assert.deepEqual([player.x, player.fromX], [0, -1]);
});

test('a player who is far away or comes back is just there', () => {
  const { players, player, move } = withPlayer(null, [0, 0]);
  move({ at: [7, 0] });
  assert.deepEqual([player.fromX, players.trails.length], [7, 0]);
  move({ at: [7, 0], is_gone: true });
  move({ at: [8, 0] });
  assert.deepEqual([player.fromX, players.trails.length], [8, 0]);
  players.put('ann', null, 0, SLIDES);
  assert.equal(players.all.size, 0);
});

test('old trails and players who are not in the run are forgotten', () => {
  const { players, move } = withPlayer(null, [0, 0]);
  move({ at: [1, 0] }, 100);
  move({ at: [2, 0] }, 2000);
  players.dropOldTrails(2100);
  assert.deepEqual(players.trails.map(({ since }) => since), [2000]);
  players.dropOldTrails(9000);
  assert.equal(players.trails.length, 0);
  players.forget(aRun({ players: { ann: aPlayer() } }));
  assert.equal(players.all.size, 1);
  players.forget(aRun());
  assert.equal(players.all.size, 0);
});

test('players at one place stand aside', () => {
  const { players, player } = withPlayer(null, [0, 0]);
  players.put('joe', aPlayer(), 0, SLIDES);
  players.put('zoe', aPlayer({ at: [1, 1] }), 0, SLIDES);
  players.standAside();
  assert.deepEqual([...players.all.values()].map(({ aside }) => aside), [.24, .24, 0]);
  players.put('joe', aPlayer({ at: [2, 2] }), 0, SLIDES);
  players.standAside();
  assert.equal(player.aside, 0);
});

test('the colour of a name is always the same, and names differ', () => {
  assert.equal(hashOf('ann'), hashOf('ann'));
  const hues = new Set(Array.from({ length: 100 }, (_, n) => hashOf('runner-' + n) % HUES));
  assert.ok(hues.size > 20, String(hues.size));
});

test('a name stands where it covers nothing', () => {
  const canvas = { width: 200, height: 100 }, places = namePlaces([100, 50], 30, 10);
  assert.deepEqual(places, [[110, 43], [60, 43], [85, 26], [85, 60]]);
  assert.equal(isNameFree([110, 43], 30, canvas, [], [], 5), true);
  assert.equal(isNameFree([180, 43], 30, canvas, [], [], 5), false);
  assert.equal(isNameFree([110, 43], 30, canvas, [[130, 50, 30, 14]], [], 5), false);
  assert.equal(isNameFree([110, 43], 30, canvas, [], [[142, 50]], 5), false);
  assert.equal(isNameFree([110, 43], 30, canvas, [], [[150, 50]], 5), true);
});

test('small cells have fewer lines', () => {
  assert.deepEqual([10, 3, 1, .5].map(gridStep), [1, 5, 10, 100]);
});

test('a dot covers its middle, and its edge in part', () => {
  const mask = dotMask(1.5);
  assert.ok(mask.some(([x, y, cover]) => x === 0 && y === 0 && cover === 255));
  assert.ok(mask.every(([x, y]) => Math.hypot(x, y) < 2));
  assert.ok(mask.some(([, , cover]) => cover < 255));
});

test('a pixel has red as its lowest byte', () => {
  assert.equal(pixelColor('#112233'), 0x332211);
});
