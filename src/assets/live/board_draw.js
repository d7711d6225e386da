// Draws the board. It changes nothing but what it remembers of names: their widths and their sides.
import { clamp } from '../shared/scale.js';
import { NAME_HEIGHT, isNameFree, namePlaces } from './board_names.js';
import { SLIDE_TIME, TRAIL_TIME, seenAt } from './board_players.js';
import { Crowd } from './crowd.js';
import { shortened } from './text.js';
import { HUES } from './theme.js';

/** @import { BoardPlayer, Trail } from './types.d.ts' */
/** @import { Box } from './board_names.js' */
/** @import { BoardPlayers } from './board_players.js' */
/** @import { BoardView } from './board_view.js' */
/** @import { Theme } from './theme.js' */

/** Up to this many players have names beside them. */
const MAX_NAMED = 120;
/** The dots of more players than this are put in as pixels, not drawn one by one. */
const CROWD_SIZE = 300;
/** How strong players who have left are drawn. */
const PALE = .6;
/** In how many steps a trail fades. */
const FADES = 5;
/** Above this many pieces the trails have no round ends: these would cost more than everything else. */
const MAX_ROUND_TRAILS = 500;
/** How many widths of names are remembered. */
const MAX_WIDTHS = 2000;

/**
 * Every how many places the grid has a line, for cells of a size.
 * @param {number} cell
 * @returns {number}
 */
export function gridStep(cell) {
  return cell >= 7 ? 1 : cell >= 2 ? 5 : 10 ** Math.ceil(Math.log10(10 / cell));
}

/**
 * @typedef {object} BoardMarks
 * @property {BoardPlayer | undefined} own the player of this page
 * @property {BoardPlayer | null} hovered the player under the pointer
 */

export class BoardDrawing {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {BoardPlayers} players
   * @param {BoardView} view
   * @param {Theme} theme
   */
  constructor(context, players, view, theme) {
    this.context = context;
    this.players = players;
    this.view = view;
    this.theme = theme;
    /** @type {Map<string, number>} */
    this.widths = new Map();
    this.crowd = new Crowd();
    this.now = 0;
  }

  /**
   * The place of a player on the canvas.
   * @param {BoardPlayer} player
   * @param {number} [now]
   * @returns {[number, number]}
   */
  spotOf(player, now = this.now) {
    const { view } = this, [x, y] = seenAt(player, now, this.theme.isStill), aside = player.aside * view.cell;
    return [view.x(x) + Math.cos(player.angle) * aside, view.y(y) + Math.sin(player.angle) * aside];
  }

  /**
   * Draws everything, and gives whether a player is still on its way.
   * @param {number} now
   * @param {{ width: number, height: number }} canvas
   * @param {BoardMarks} marks
   * @returns {boolean}
   */
  draw(now, canvas, marks) {
    const { context } = this;
    this.now = now;
    this.drawGround();
    context.save();
    context.beginPath();
    context.rect(...this.view.box);
    context.clip();
    if (this.isCrowd) this.drawCrowdTrails();
    else this.drawTrails();
    const isMoving = this.drawPlayers();
    context.restore();
    if (marks.own) this.drawRing(marks.own, this.theme.colors.text, 2.5, 4);
    if (marks.hovered) this.drawRing(marks.hovered, this.theme.colors.focus, 2, 2.5);
    this.drawNames(canvas, marks);
    return isMoving;
  }

  drawGround() {
    const { context, view } = this, { colors } = this.theme, { cell, world } = view, [left, top, width, height] = view.box;
    if (world) {
      context.fillStyle = colors.back;
      context.fillRect(left, top, width, height);
    }
    const step = gridStep(cell);
    context.fillStyle = colors.faint;
    const firstX = Math.ceil((left - view.left) / cell / step) * step, firstY = Math.ceil((top - view.top) / cell / step) * step;
    for (let x = firstX; view.left + x * cell <= left + width + .5; x += step) context.fillRect(Math.round(view.left + x * cell), top, 1, height);
    for (let y = firstY; view.top + y * cell <= top + height + .5; y += step) context.fillRect(left, Math.round(view.top + y * cell), width, 1);
    if (world) this.drawEdges(world.edges === 'wrap');
  }

  /**
   * A wall where players stop, or a dashed line where they come back on the other side.
   * @param {boolean} wraps
   */
  drawEdges(wraps) {
    const { context } = this, { colors } = this.theme, [left, top, width, height] = this.view.box;
    context.strokeStyle = wraps ? colors.open : colors.soft;
    context.lineWidth = wraps ? 1.5 : 3;
    context.setLineDash(wraps ? [5, 5] : []);
    context.strokeRect(left - 1, top - 1, width + 2, height + 2);
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  /** The radius of a dot. */
  get size() {
    return clamp(this.view.cell * .34, 2, 9);
  }

  get isCrowd() {
    return this.players.all.size > CROWD_SIZE;
  }

  /**
   * In how many steps a piece of a trail has faded. A piece may be newer than the frame, whose time is when it began.
   * @param {Trail} trail
   */
  fadeOf({ since }) {
    return Math.max(Math.floor((this.now - since) / TRAIL_TIME * FADES), 0);
  }

  /** The trails: all pieces of one colour and age at once. */
  drawTrails() {
    const { context, view, theme } = this, { trails } = this.players;
    /** @type {Map<number, Trail[]>} */
    const groups = new Map();
    for (const trail of trails) {
      const fade = this.fadeOf(trail), key = fade * HUES + trail.hue, group = groups.get(key);
      if (fade >= FADES) continue;
      if (group) group.push(trail);
      else groups.set(key, [trail]);
    }
    context.lineWidth = Math.max(1, this.size * .55);
    context.lineCap = trails.length > MAX_ROUND_TRAILS ? 'butt' : 'round';
    for (const [key, group] of groups) {
      context.strokeStyle = theme.players[key % HUES];
      context.globalAlpha = .42 * (1 - Math.floor(key / HUES) / FADES);
      context.beginPath();
      for (const { fromX, fromY, x, y } of group) {
        context.moveTo(view.x(fromX), view.y(fromY));
        context.lineTo(view.x(x), view.y(y));
      }
      context.stroke();
    }
    context.globalAlpha = 1;
    context.lineWidth = 1;
  }

  drawCrowdTrails() {
    const { view, theme, crowd } = this, [left, top, width, height] = view.box;
    crowd.begin(width, height);
    for (const trail of this.players.trails) {
      const { fromX, fromY, x, y, hue } = trail, fade = this.fadeOf(trail);
      if (fade >= FADES) continue;
      const from = /** @type {[number, number]} */ ([view.x(fromX) - left, view.y(fromY) - top]);
      crowd.addTrail(from, [view.x(x) - left, view.y(y) - top], theme.players[hue], .5 * (1 - fade / FADES));
    }
  }

  /** The dots: all of one colour at once. Gives whether a player is still on its way. */
  drawPlayers() {
    const { context, now, theme, view } = this, { size } = this;
    /** @type {() => [number, number][][]} */
    const empty = () => Array.from({ length: HUES }, () => []);
    const here = empty(), gone = empty();
    let isMoving = false;
    for (const player of this.players.all.values()) {
      if (!player.data.is_gone && now - player.since < SLIDE_TIME) isMoving = true;
      (player.data.is_gone ? gone : here)[player.hue].push(...this.spotsOf(player));
    }
    context.globalAlpha = PALE;
    gone.forEach((spots, hue) => {
      if (!spots.length) return;
      context.strokeStyle = theme.players[hue];
      this.addDots(spots, Math.max(size * .7, 1.5));
      context.stroke();
    });
    context.globalAlpha = 1;
    if (this.isCrowd) this.crowd.draw(context, here, theme.players, size, view.box);
    else here.forEach((spots, hue) => {
      if (!spots.length) return;
      context.fillStyle = theme.players[hue];
      this.addDots(spots, size);
      context.fill();
    });
    return isMoving && !theme.isStill;
  }

  /**
   * The spots of a player: more than one near an edge that wraps, since it is seen at both sides.
   * @param {BoardPlayer} player
   * @returns {[number, number][]}
   */
  spotsOf(player) {
    const { view } = this, [left, top, width, height] = view.box, [x, y] = this.spotOf(player), near = view.cell;
    /** @type {[number, number][]} */
    const spots = [[x, y]];
    if (view.world?.edges !== 'wrap') return spots;
    if (x < left + near) spots.push([x + width, y]);
    else if (x > left + width - near) spots.push([x - width, y]);
    if (y < top + near) spots.push([x, y + height]);
    else if (y > top + height - near) spots.push([x, y - height]);
    return spots;
  }

  /**
   * Makes dots the path of the context.
   * @param {[number, number][]} spots
   * @param {number} size
   */
  addDots(spots, size) {
    const { context } = this;
    context.beginPath();
    for (const [x, y] of spots) {
      context.moveTo(x + size, y);
      context.arc(x, y, size, 0, 2 * Math.PI);
    }
  }

  /**
   * @param {BoardPlayer} player
   * @param {string} color
   * @param {number} width
   * @param {number} away how far outside of the dot
   */
  drawRing(player, color, width, away) {
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    this.addDots([this.spotOf(player)], this.size + away);
    context.stroke();
    context.lineWidth = 1;
  }

  /**
   * @param {string} text
   * @returns {number}
   */
  widthOf(text) {
    let width = this.widths.get(text);
    if (this.widths.size > MAX_WIDTHS) this.widths.clear();
    if (width === undefined) this.widths.set(text, width = this.context.measureText(text).width);
    return width;
  }

  /**
   * The names, where there is room for them: first that of the page's own player and of the one under the pointer.
   * @param {{ width: number, height: number }} canvas
   * @param {BoardMarks} marks
   */
  drawNames(canvas, { own, hovered }) {
    const { context, players, size } = this;
    const special = [own, hovered].filter(player => player !== undefined && player !== null);
    const all = players.all.size > MAX_NAMED ? [] : [...players.all.values()];
    all.sort((one, other) => Number(one.data.is_gone) - Number(other.data.is_gone));
    const dots = all.map(player => ({ player, spot: this.spotOf(player) }));
    /** @type {Box[]} */
    const taken = [];
    context.font = '600 12px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    for (const player of new Set([...special, ...all])) {
      const text = shortened(player.shown, 18), width = this.widthOf(text);
      const places = namePlaces(this.spotOf(player), width, size + (player === own ? 8 : 4));
      const others = dots.filter(dot => dot.player !== player).map(dot => dot.spot);
      // It stays on its side as long as it can.
      const sides = [player.side ?? 0, 0, 1, 2, 3];
      const side = sides.find(side => isNameFree(places[side], width, canvas, taken, others, size * .7)) ?? (special.includes(player) ? 0 : null);
      if (side === null) continue;
      player.side = side;
      taken.push([...places[side], width, NAME_HEIGHT]);
      this.drawName(player, text, places[side], player === own);
    }
    context.lineWidth = 1;
  }

  /**
   * @param {BoardPlayer} player
   * @param {string} text
   * @param {[number, number]} place
   * @param {boolean} isOwn
   */
  drawName(player, text, [left, top], isOwn) {
    const { context, theme } = this, { colors } = theme, middle = top + NAME_HEIGHT / 2;
    context.strokeStyle = this.view.world ? colors.back : colors.card;
    context.lineWidth = 3;
    context.strokeText(text, left, middle);
    context.fillStyle = isOwn ? colors.text : theme.players[player.hue];
    context.globalAlpha = player.data.is_gone ? PALE : 1;
    context.fillText(text, left, middle);
    context.globalAlpha = 1;
  }
}
