// Draws what is seen of the timeline. It changes nothing.
import { clamp, multiplesOf } from '../shared/scale.js';
import { longScaleText, timeStepOf } from '../shared/times.js';
import { AXIS, HEAD, ROW } from './lane_layout.js';
import { outcomeText } from './lane_text.js';
import { clockText, shortened, wholeClockText } from './text.js';

/** @import { Entry, Lane, Line, PackedLane, PackedRow, Run } from './types.d.ts' */
/** @import { Theme } from './theme.js' */

/** One line of the scale in this many pixels, about. */
const SCALE_DISTANCE = 90;
/** From this moment on, in seconds, the scale shows minutes. */
const MINUTES_FROM = 120;
/** How near the moment of the run a label of the scale may be, in pixels: nearer, it is left out. */
const NEAR_NOW = 44;
/** Points that are nearer than this many pixels are drawn as one. */
const POINT_DISTANCE = 6;
const FONT = '12px system-ui, "Segoe UI", sans-serif';

/**
 * All that the drawing depends on.
 * @typedef {object} LaneScene
 * @property {Theme} theme
 * @property {number} width
 * @property {number} height
 * @property {number} margin the width of the labels
 * @property {number} from
 * @property {number} to
 * @property {number} t the moment of the run
 * @property {number} top how far it is scrolled
 * @property {PackedRow[]} rows
 * @property {Map<string, Line[]>} points
 * @property {Line[]} marks
 * @property {Entry[]} ahead
 * @property {Run} run
 */

export class LaneDrawing {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {LaneScene} scene
   */
  constructor(context, scene) {
    this.context = context;
    this.scene = scene;
    this.colors = scene.theme.colors;
    this.scale = (scene.width - scene.margin) / (scene.to - scene.from);
  }

  /**
   * The place of a moment on the canvas.
   * @param {number} t
   */
  x(t) {
    return this.scene.margin + (t - this.scene.from) * this.scale;
  }

  draw() {
    const { context, colors } = this, { rows, top, width, height } = this.scene;
    this.drawGrid();
    const first = Math.max(0, Math.floor(top / ROW) - 1), last = Math.ceil((top + height - HEAD) / ROW);
    const seen = rows.slice(first, last).map((row, n) => ({ row, y: HEAD + (first + n) * ROW - top }));
    this.drawWithinTime(() => {
      this.drawNow(height);
      for (const { row, y } of seen) this.drawRow(row, y);
    });
    for (const { row, y } of seen) {
      const failed = row.lanes.findLast(({ lane }) => lane.is_ok === false) ?? row.lanes[0];
      this.drawLabel(row.label, row.note, y, this.colorOf(failed.lane));
    }
    context.fillStyle = colors.card;
    context.fillRect(0, 0, width, HEAD);
    this.drawWithinTime(() => {
      this.drawTimelineRow(AXIS);
      this.drawNow(HEAD - AXIS);
    });
    this.drawLabel('timeline', '', AXIS, colors.text);
    this.drawAxis();
  }

  /**
   * Draws only on the time, beside the labels, with a little room so that a diamond at 0 is seen whole.
   * @param {() => void} draw
   */
  drawWithinTime(draw) {
    const { context } = this, { margin, width, height } = this.scene;
    context.save();
    context.beginPath();
    context.rect(margin - 7, 0, width - margin + 7, height);
    context.clip();
    draw();
    context.restore();
  }

  /** The step of the scale, and the moments at which it has a line. */
  scaleLines() {
    const { from, to, width, margin } = this.scene;
    const step = timeStepOf(to - from, Math.max(2, (width - margin) / SCALE_DISTANCE));
    return { step, moments: multiplesOf(step, from, to) };
  }

  drawGrid() {
    const { context } = this;
    context.fillStyle = this.colors.faint;
    for (const t of this.scaleLines().moments) context.fillRect(Math.round(this.x(t)), AXIS, 1, this.scene.height);
  }

  drawAxis() {
    const { context, colors } = this, { from, to, t, width, margin } = this.scene;
    context.fillStyle = colors.line;
    context.fillRect(0, AXIS - 1, width, 1);
    context.fillRect(0, HEAD - 1, width, 1);
    context.fillStyle = colors.soft;
    context.font = FONT;
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    const { step, moments } = this.scaleLines(), decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const isMinutes = to >= MINUTES_FROM && step >= 1, nowX = clamp(this.x(t), margin + 20, width - 24);
    for (const moment of moments) {
      const x = this.x(moment);
      const seconds = isMinutes ? wholeClockText(moment) : moment.toFixed(decimals) + ' s';
      const text = step >= 3600 ? longScaleText(moment) : seconds;
      if (x > margin + 8 && x < width - 12 && Math.abs(x - nowX) > NEAR_NOW) context.fillText(text, x, AXIS / 2);
    }
    if (t <= to && t >= from) {
      context.fillStyle = this.nowColor;
      context.font = '600 ' + FONT;
      context.fillText(clockText(t), nowX, AXIS / 2);
    }
    context.textAlign = 'start';
  }

  get nowColor() {
    const { run } = this.scene;
    return run.end && run.mode === 'run' ? this.colors.text : this.colors.wrong;
  }

  /**
   * A line at the moment of the run.
   * @param {number} height
   */
  drawNow(height) {
    this.context.fillStyle = this.nowColor;
    this.context.fillRect(Math.round(this.x(this.scene.t)) - .75, AXIS, 1.5, height);
  }

  /**
   * @param {Lane} lane
   * @returns {string}
   */
  colorOf({ is_ok, kind }) {
    const { colors } = this;
    if (is_ok === false) return colors.wrong;
    return kind === 'spawn' ? colors.spawn : colors.fetch;
  }

  /**
   * The lanes of a row, with their words where these have room.
   * @param {PackedRow} row
   * @param {number} y
   */
  drawRow({ lanes }, y) {
    let free = this.scene.margin;
    lanes.forEach((packed, n) => {
      const next = lanes[n + 1], room = next ? this.x(next.lane.from) : this.scene.width;
      free = this.drawLane(packed, y, free, room, !next);
    });
  }

  /**
   * Draws a lane, and gives from where the row is free after it.
   * @param {PackedLane} packed
   * @param {number} y
   * @param {number} free where the row is free before it
   * @param {number} room where the next lane starts
   * @param {boolean} isLast
   * @returns {number}
   */
  drawLane({ key, lane }, y, free, room, isLast) {
    const { context, colors } = this, { margin, t, width, points } = this.scene, isOpen = lane.to === null;
    const end = this.x(lane.to ?? t), left = Math.max(this.x(lane.from), margin), right = Math.max(end, left + 2);
    if (left > width || end < margin) return free;
    this.drawLaneBar(lane, left, right, y, isOpen);
    // Some requests of a load may have gone wrong although the load goes on.
    context.fillStyle = colors.wrong;
    if (lane.wrong && lane.is_ok !== false) context.fillRect(left, y + ROW - 6, right - left, 3);
    this.drawPoints(points.get(key) ?? [], y, isOpen);
    return this.drawOutcome(lane, left, right, y, free, room, isLast);
  }

  /**
   * A lane that has ended is pale, and one that goes on is bright. The part before it is ready is paler.
   * @param {Lane} lane
   * @param {number} left
   * @param {number} right
   * @param {number} y
   * @param {boolean} isOpen
   */
  drawLaneBar(lane, left, right, y, isOpen) {
    const { context } = this, ready = lane.ready === null ? null : this.x(lane.ready), strong = isOpen ? .95 : .5;
    context.fillStyle = this.colorOf(lane);
    context.globalAlpha = ready === null ? strong : strong * .5;
    this.drawBox(left, y + 4, (ready ?? right) - left, ROW - 8);
    if (ready !== null) {
      context.globalAlpha = strong;
      this.drawBox(ready, y + 4, right - ready, ROW - 8);
      context.globalAlpha = 1;
      context.fillStyle = this.colors.ready;
      context.fillRect(ready - 1, y + 2, 3, ROW - 4);
    }
    context.globalAlpha = 1;
  }

  /**
   * Draws how a lane ended beside it, where the row is free: after it, or before the last one.
   * @param {Lane} lane
   * @param {number} left
   * @param {number} right
   * @param {number} y
   * @param {number} free
   * @param {number} room
   * @param {boolean} isLast
   * @returns {number}
   */
  drawOutcome(lane, left, right, y, free, room, isLast) {
    const { context, colors } = this, text = outcomeText(lane);
    if (!text) return right;
    context.font = FONT;
    context.textBaseline = 'middle';
    context.fillStyle = lane.is_ok === false || lane.wrong ? colors.wrong : colors.soft;
    context.strokeStyle = colors.card;
    context.lineWidth = 4;
    context.lineJoin = 'round';
    const { width } = context.measureText(text), isAfter = right + 10 + width < room;
    const x = isAfter ? right + 6 : isLast && left - width - 10 > free ? left - width - 6 : null;
    if (x !== null) {
      context.strokeText(text, x, y + ROW / 2);
      context.fillText(text, x, y + ROW / 2);
    }
    context.lineWidth = 1;
    return isAfter ? right + 6 + width : right;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  drawBox(x, y, width, height) {
    const { context } = this;
    context.beginPath();
    context.roundRect(x, y, Math.max(width, 2), height, 2.5);
    context.fill();
  }

  /**
   * @param {Line[]} points
   * @param {number} y
   * @param {boolean} isOpen
   */
  drawPoints(points, y, isOpen) {
    const { context, colors } = this;
    let last = -Infinity;
    for (const { t, kind, stream } of points) {
      const x = this.x(t), isError = stream === 'stderr';
      if (x < this.scene.margin || x - last < POINT_DISTANCE && !isError) continue;
      last = x;
      context.fillStyle = isError ? colors.err : isOpen ? colors.card : kind === 'move' ? colors.move : colors.output;
      context.beginPath();
      context.arc(x, y + ROW / 2, isError ? 2.6 : 1.7, 0, 2 * Math.PI);
      context.fill();
    }
  }

  /**
   * The timeline's own row: the planned entries and what has come of them, marks, and what was typed.
   * @param {number} y
   */
  drawTimelineRow(y) {
    const { context, colors } = this, { margin, width, ahead, marks } = this.scene;
    /** @type {Record<string, string>} */
    const stateColors = { done: colors.ok, failed: colors.wrong, running: colors.spawn, skipped: colors.open };
    context.fillStyle = colors.line;
    context.fillRect(margin, y + ROW / 2, width, 1);
    context.lineWidth = 1.5;
    for (const { at, state } of ahead) {
      this.addDiamond(this.x(at), y + ROW / 2, 5.5);
      context.fillStyle = stateColors[state] ?? colors.card;
      context.strokeStyle = stateColors[state] ?? colors.soft;
      context.fill();
      context.stroke();
    }
    context.lineWidth = 1;
    for (const { t, kind, is_wrong } of marks) {
      context.fillStyle = is_wrong ? colors.wrong : kind === 'mark' ? colors.text : colors.after;
      context.fillRect(this.x(t) - 1, y + 3, 2.5, ROW - 6);
    }
  }

  /**
   * Makes a diamond the path of the context.
   * @param {number} x
   * @param {number} y
   * @param {number} size
   */
  addDiamond(x, y, size) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x - size, y);
    context.lineTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.closePath();
  }

  /**
   * The label of a row, with its note at the right. Where there is little room only a count is shown there.
   * @param {string} label
   * @param {string} note
   * @param {number} y
   * @param {string} color
   */
  drawLabel(label, note, y, color) {
    const { context } = this, { margin } = this.scene;
    context.font = '12.5px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.fillStyle = color;
    const hasNote = note && note !== label && (margin > 120 || !label || note.startsWith('×'));
    context.save();
    context.beginPath();
    context.rect(0, y, margin - (hasNote ? context.measureText(note).width + 20 : 8), ROW);
    context.clip();
    context.fillText(shortened(label, 40), 10, y + ROW / 2);
    context.restore();
    if (!hasNote) return;
    context.fillStyle = this.colors.soft;
    context.textAlign = 'right';
    context.fillText(shortened(note, 24), margin - 10, y + ROW / 2);
    context.textAlign = 'start';
  }
}
