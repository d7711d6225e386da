// The board: takes the players of the run, draws them, and describes the one under the pointer.
import { get, showTip } from '../shared/dom.js';
import { counted, number } from '../shared/numbers.js';
import { clamp } from '../shared/scale.js';
import { BoardDrawing } from './board_draw.js';
import { BoardPlayers } from './board_players.js';
import { BoardView } from './board_view.js';
import { putText } from './elements.js';
import { Canvas } from './frames.js';
import { listed, shortened, visible } from './text.js';

/** @import { BoardPlayer, Change, Run, World } from './types.d.ts' */
/** @import { Frames } from './frames.js' */
/** @import { Theme } from './theme.js' */

/** How long changes are gathered before they are put into words, in milliseconds. */
const WORDS_DELAY = 250;
/** How many players are named in the words. */
const MAX_NAMED_IN_WORDS = 12;
/** How near a mouse or a finger must be to a player, in pixels. */
const NEAR_MOUSE = 16;
const NEAR_FINGER = 26;

/**
 * The world of a board in words.
 * @param {World | null} world
 * @returns {string}
 */
function worldText(world) {
  if (!world) return 'without a world: each player has a start of its own';
  return world.size[0] + ' × ' + world.size[1] + ', edges ' + (world.edges === 'wrap' ? 'wrap' : 'stop');
}

/**
 * A player in lines of words.
 * @param {BoardPlayer} player
 * @returns {string[]}
 */
export function playerLines({ shown, data }) {
  const lines = [shown + (data.is_gone ? ' (gone)' : ''), 'at ' + data.at.join(', ')];
  if (data.moves) lines.push(counted(data.moves, 'move') + (data.direction ? ', the last ' + visible(data.direction) : ''));
  if (data.source) lines.push(visible(data.source));
  return lines;
}

export class Board {
  /**
   * @param {Frames} frames
   * @param {Theme} theme
   */
  constructor(frames, theme) {
    this.frames = frames;
    this.theme = theme;
    this.view = new BoardView();
    this.players = new BoardPlayers(this.view);
    this.canvas = new Canvas(get('board-canvas', HTMLCanvasElement), get('stage'), () => this.changed());
    this.drawing = new BoardDrawing(this.canvas.context, this.players, this.view, theme);
    /** @type {string | null} */
    this.ownSource = null;
    /** @type {BoardPlayer | null} */
    this.hovered = null;
    this.isShown = false;
    /** @type {Run | null} */
    this.run = null;
    this.wordsTimer = 0;
    this.listen();
  }

  changed() {
    this.frames.ask(this);
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    const { players, view } = this;
    this.run = run;
    if (isWhole) {
      players.forget(run);
      view.wanted = null;
    }
    if (!change.players && !isWhole) return;
    view.world = run.world;
    const now = performance.now(), how = { isJump: isWhole, isStill: this.theme.isStill };
    for (const [name, player] of Object.entries(change.players ?? run.players)) players.put(name, player, now, how);
    players.standAside();
    view.fit(run.world, [...players.all.values()].map(({ data }) => data.at));
    const [across, down] = run.world?.size ?? [16, 10];
    get('stage').style.setProperty('--ratio', String(clamp(across / down, .6, 3)));
    // After moves there is a board even if nobody is on it just now.
    this.isShown = players.all.size > 0 || Boolean(run.world) || run.counts?.moves > 0;
    get('board').hidden = !this.isShown;
    this.describeSoon();
    this.changed();
  }

  /**
   * The player of this source is the page's own, whatever its name is.
   * @param {string | null} source
   */
  follow(source) {
    this.ownSource = source;
    this.changed();
  }

  get own() {
    const { ownSource } = this;
    return ownSource === null ? undefined : [...this.players.all.values()].find(({ data }) => data.source === ownSource);
  }

  /** @param {number} now */
  draw(now) {
    const { canvas, players, view } = this;
    if (!this.isShown || !canvas.begin()) return;
    players.dropOldTrails(now);
    const isFollowing = view.layOut(canvas.width, canvas.height, now, this.theme.isStill);
    const isMoving = this.drawing.draw(now, canvas, { own: this.own, hovered: this.hovered });
    if (isFollowing || isMoving || players.trails.length) this.changed();
  }

  /**
   * The player nearest to a place of the canvas, if one is near.
   * @param {number} x
   * @param {number} y
   * @param {number} near
   * @returns {BoardPlayer | null}
   */
  nearestPlayer(x, y, near) {
    const now = performance.now();
    let best = null, distance = near * near;
    for (const player of this.players.all.values()) {
      const [atX, atY] = this.drawing.spotOf(player, now);
      // A player who has left gives way to one who is still there.
      const away = (atX - x) ** 2 + (atY - y) ** 2 + (player.data.is_gone ? 30 : 0);
      if (away < distance) [best, distance] = [player, away];
    }
    return best;
  }

  /** Puts into words who is there, once for many changes. */
  describeSoon() {
    if (this.wordsTimer) return;
    this.wordsTimer = window.setTimeout(() => {
      this.wordsTimer = 0;
      this.describe();
    }, WORDS_DELAY);
  }

  describe() {
    if (!this.run) return;
    const { world, more_players: more } = this.run, all = [...this.players.all.values()];
    const here = all.filter(player => !player.data.is_gone), gone = all.length - here.length;
    const counts = [counted(here.length, 'player'), gone ? number(gone) + ' gone' : '', more ? number(more) + ' more are not shown' : ''];
    const words = counts.filter(Boolean).join(', ') + ' · ' + worldText(world);
    putText(get('board-words'), words);
    const names = listed(here.map(({ shown, data }) => shortened(shown, 40) + ' at ' + data.at.join(', ')), MAX_NAMED_IN_WORDS);
    get('stage').setAttribute('aria-label', 'Board, ' + words + (names ? ': ' + names : ''));
  }

  listen() {
    const { canvas } = this.canvas, tip = get('tip');
    /** @type {(player: BoardPlayer | null, event: PointerEvent) => void} */
    const hover = (player, event) => {
      if (player !== this.hovered) this.changed();
      this.hovered = player;
      showTip(tip, player && playerLines(player), event.clientX, event.clientY);
    };
    /** @param {PointerEvent} event */
    const onPointer = event => {
      const box = canvas.getBoundingClientRect(), near = event.pointerType === 'mouse' ? NEAR_MOUSE : NEAR_FINGER;
      hover(this.nearestPlayer(event.clientX - box.left, event.clientY - box.top, near), event);
    };
    canvas.addEventListener('pointermove', onPointer);
    canvas.addEventListener('pointerdown', onPointer);
    canvas.addEventListener('pointerleave', event => event.pointerType === 'mouse' && hover(null, event));
  }
}
