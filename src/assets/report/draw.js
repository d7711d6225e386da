// Draws what is seen of the timeline. It changes nothing.
import { number } from '../shared/numbers.js';
import { multiplesOf } from '../shared/scale.js';
import { timeStepOf } from '../shared/times.js';
import { firstFrom } from './points.js';
import { AXIS, ROW } from './rows.js';
import { scaleText } from './time_text.js';

/** @import { Arrow, Group, Lane, Row, Stage } from './types.d.ts' */

const COLORS = [
  'card', 'text', 'soft', 'line', 'faint', 'spawn', 'fetch', 'wrong', 'open', 'ok', 'ready', 'move', 'output', 'err', 'after', 'hit',
];
/** @type {Record<string, string>} */
const POINT_COLORS = { m: 'move', w: 'move', o: 'output', f: 'output', e: 'err', s: 'open', r: 'ready' };
/** @type {Record<string, string>} */
const MARK_COLORS = { k: 'text', n: 'open', i: 'spawn', t: 'fetch', q: 'err', p: 'open', l: 'err', h: 'ok', x: 'wrong' };
/** One line of the scale in this many pixels, about. */
const SCALE_DISTANCE = 110;
/** A place left of everything, for when nothing has been drawn yet. */
const NOWHERE = -9;

/**
 * The colours of the page's style, as they are now: dark or light.
 * @param {Element} element
 * @returns {Record<string, string>}
 */
export function colorsOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLORS.map(name => [name, style.getPropertyValue('--' + name).trim()]));
}

/**
 * As much of a text as fits into a width.
 * @param {Pick<CanvasRenderingContext2D, 'measureText'>} context
 * @param {string} text
 * @param {number} room
 * @returns {string}
 */
export function fittedText(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(text.slice(0, middle) + '…').width <= room) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low) + '…';
}

export class Drawing {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Stage} stage
   */
  constructor(context, stage) {
    this.context = context;
    this.stage = stage;
    this.scale = (stage.width - stage.margin) / stage.view.width;
  }

  /**
   * The place of a moment on the canvas.
   * @param {number} t
   */
  x(t) {
    return this.stage.margin + (t - this.stage.view.from) * this.scale;
  }

  /**
   * A box from one moment to another, at least `least` wide.
   * @param {number} from
   * @param {number} to
   * @param {number} y
   * @param {number} height
   * @param {number} [least]
   */
  box(from, to, y, height, least = 1) {
    const { margin, width } = this.stage;
    const left = Math.max(this.x(from), margin), right = Math.min(this.x(to), width);
    if (right >= margin && left <= width) this.context.fillRect(left, y, Math.max(right - left, least), height);
  }

  draw() {
    const { context, stage } = this, { colors, width, height, rows, top } = stage;
    context.fillStyle = colors.card;
    context.fillRect(0, 0, width, height);
    const first = Math.max(0, Math.floor((top - AXIS) / ROW)), last = Math.ceil((top + height - AXIS) / ROW);
    const seen = rows.slice(first, last + 1);
    this.drawGrid();
    this.drawBands();
    for (const row of seen) this.drawRow(row, row.y - top);
    this.drawArrows();
    for (const row of seen) this.drawLabel(row, row.y - top);
    this.drawAxis();
  }

  /** The step of the scale, and the moments at which it has a line. */
  scaleLines() {
    const { view, width, margin } = this.stage;
    const step = timeStepOf(view.width / 1e9, Math.max(2, (width - margin) / SCALE_DISTANCE)) * 1e9;
    return { step, moments: multiplesOf(step, view.from, view.to) };
  }

  drawGrid() {
    const { context } = this, { colors, ticks, width, height, margin } = this.stage;
    context.fillStyle = colors.faint;
    for (const t of this.scaleLines().moments) context.fillRect(this.x(t), 0, 1, height);
    // Ticks of the run's clock are dashed lines, unless they are too close together.
    if (ticks.length > 1 && this.x(ticks[1]) - this.x(ticks[0]) < 8) return;
    context.strokeStyle = colors.line;
    context.setLineDash([2, 4]);
    context.beginPath();
    for (const t of ticks) {
      const x = Math.round(this.x(t)) + .5;
      if (x < margin || x > width) continue;
      context.moveTo(x, AXIS);
      context.lineTo(x, height);
    }
    context.stroke();
    context.setLineDash([]);
  }

  /** The faults that the run itself caused, behind everything: pale from top to bottom. */
  drawBands() {
    const { context } = this, { colors, bands, height } = this.stage;
    context.fillStyle = colors.wrong;
    context.globalAlpha = .14;
    for (const band of bands) this.box(band.t, band.end, 0, height, 2);
    context.globalAlpha = 1;
  }

  /**
   * @param {Row} row
   * @param {number} y
   */
  drawRow(row, y) {
    const { context } = this, { colors, width, picked } = this.stage;
    if (row === picked) {
      context.fillStyle = colors.faint;
      context.fillRect(0, y, width, ROW);
    }
    if (row.kind === 'timeline') this.drawMarks(y);
    else if (row.kind === 'group') this.drawGroup(row.group, y);
    else this.drawLane(row.lane, y);
    context.fillStyle = colors.faint;
    context.fillRect(0, y + ROW - 1, width, 1);
  }

  /**
   * The timeline's own row: each mark is a diamond.
   * @param {number} y
   */
  drawMarks(y) {
    const { context } = this, { colors, marks, found, margin, width } = this.stage;
    let before = NOWHERE;
    for (const mark of marks) {
      const x = this.x(mark.t), isWrong = mark.kind === 'x';
      if (x < margin - 5 || x > width + 5 || (x - before < .5 && !isWrong)) continue;
      before = x;
      context.fillStyle = found.has(mark) ? colors.hit : colors[MARK_COLORS[mark.kind]];
      context.beginPath();
      context.moveTo(x, y + 4);
      context.lineTo(x + 5, y + 11);
      context.lineTo(x, y + 18);
      context.lineTo(x - 5, y + 11);
      context.fill();
    }
  }

  /**
   * How many of a group ran at once, and where something went wrong.
   * @param {Group} group
   * @param {number} y
   */
  drawGroup(group, y) {
    const { context } = this, { colors, columns, end } = this.stage, width = end / columns;
    context.fillStyle = colors[group.kind];
    group.ran.forEach((count, n) => {
      if (!count) return;
      const height = Math.max(2, (ROW - 5) * count / group.most);
      this.box(n * width, (n + 1) * width, y + ROW - 2 - height, height);
    });
    context.fillStyle = colors.wrong;
    group.wrongs.forEach((count, n) => count && this.box(n * width, (n + 1) * width, y + 1, 4, 3));
  }

  /**
   * @param {Lane} lane
   * @param {number} y
   */
  drawLane(lane, y) {
    this.drawBar(lane, y);
    if (lane.counts) this.drawDensity(lane.counts, lane.most, y);
    this.drawPoints(lane, y);
  }

  /**
   * The bar of a source: pale, with a line below it and one at its start.
   * @param {Lane} lane
   * @param {number} y
   */
  drawBar(lane, y) {
    const { context } = this, { colors, end, found } = this.stage, { bar } = lane;
    if (!bar) return;
    context.fillStyle = colors[bar.state === 'ok' ? lane.of.kind : bar.state];
    const to = bar.end ?? end;
    context.globalAlpha = .3;
    this.box(bar.start, to, y + 4, ROW - 9, 2);
    context.globalAlpha = 1;
    this.box(bar.start, to, y + ROW - 7, 2, 2);
    this.box(bar.start, bar.start, y + 4, ROW - 9, 2);
    if (found.has(lane)) {
      context.fillStyle = colors.hit;
      this.box(bar.start, to, y + 2, 2, 4);
    }
    if (bar.mid === undefined) return;
    context.fillStyle = colors.ready;
    this.box(bar.mid, bar.mid, y + 3, ROW - 7, 2);
  }

  /**
   * How many moves and lines there were, where not all of them are here one by one.
   * @param {number[]} counts
   * @param {number} most
   * @param {number} y
   */
  drawDensity(counts, most, y) {
    const { context } = this, width = this.stage.end / counts.length;
    context.fillStyle = this.stage.colors.move;
    counts.forEach((count, n) => {
      if (!count) return;
      context.globalAlpha = .2 + .5 * count / most;
      this.box(n * width, (n + 1) * width, y + 5, ROW - 11);
    });
    context.globalAlpha = 1;
  }

  /**
   * @param {Lane} lane
   * @param {number} y
   */
  drawPoints({ points }, y) {
    const { context } = this, { colors, found, view } = this.stage;
    let before = NOWHERE, kind = '';
    for (let n = firstFrom(points, view.from); n < points.length && points[n].t <= view.to; n++) {
      const point = points[n], x = this.x(point.t), isFound = found.has(point);
      if (x - before < 1 && point.kind === kind && !isFound) continue;
      [before, kind] = [x, point.kind];
      context.fillStyle = isFound ? colors.hit : colors[POINT_COLORS[kind]];
      const size = isFound ? 4 : 2;
      context.fillRect(x - size, y + (kind === 'e' ? 13 : 10) - size, 2 * size, 2 * size);
    }
  }

  /**
   * The middle of the row of a lane, of its group if that is folded, or of the timeline's own row.
   * @param {Lane | undefined} lane
   * @returns {number}
   */
  middleOf(lane) {
    const { rows, top } = this.stage;
    const row = rows.find(row => (lane ? row.lane === lane : row.kind === 'timeline'))
      ?? rows.find(row => row.kind === 'group' && row.group === lane?.of);
    return (row ? row.y : AXIS) - top + ROW / 2;
  }

  /** An arrow from each thing to what was started because of it. */
  drawArrows() {
    const { context } = this, { colors, arrows, margin, width, height } = this.stage;
    context.strokeStyle = context.fillStyle = colors.after;
    context.lineWidth = 1.2;
    context.save();
    context.beginPath();
    context.rect(margin, AXIS, width, height);
    context.clip();
    for (const arrow of arrows) this.drawArrow(arrow);
    context.restore();
  }

  /** @param {Arrow} arrow */
  drawArrow({ from, start, to, end }) {
    const { context } = this, { margin, width, height } = this.stage;
    const x = this.x(start), y = this.middleOf(from), toX = this.x(end), toY = this.middleOf(to);
    if (Math.max(y, toY) < 0 || Math.min(y, toY) > height || toX < margin || x > width) return;
    const bend = Math.max(3, (toX - x) / 2), side = toY < y ? -1 : 1;
    context.beginPath();
    context.moveTo(x, y);
    context.bezierCurveTo(x + bend, y, toX - bend, toY - side * 3, toX, toY - side * 5);
    context.stroke();
    context.beginPath();
    context.moveTo(toX, toY - side);
    context.lineTo(toX - 4, toY - side * 8);
    context.lineTo(toX + 4, toY - side * 8);
    context.fill();
  }

  /**
   * @param {Row} row
   * @param {number} y
   */
  drawLabel(row, y) {
    const { context } = this, { colors, margin, found, picked } = this.stage, isGroup = row.kind === 'group';
    context.fillStyle = row === picked ? colors.faint : colors.card;
    context.fillRect(0, y, margin - 1, ROW - 1);
    const sign = !isGroup ? '' : row.group.isFolded ? '▸ ' : '▾ ';
    const count = isGroup ? ' ×' + number(row.group.count) : '';
    const isWrong = isGroup ? row.group.wrong > 0 : row.lane?.bar?.state === 'wrong';
    context.fillStyle = isWrong ? colors.wrong : row.isInner ? colors.soft : colors.text;
    context.font = (isGroup ? '600 ' : '') + '12px system-ui, sans-serif';
    const left = row.isInner ? 24 : 8, room = margin - left - 8 - context.measureText(count).width;
    context.fillText(fittedText(context, sign + row.label, room) + count, left, y + 15);
    const thing = row.lane ?? row.group;
    if (!thing || !found.has(thing)) return;
    context.fillStyle = colors.hit;
    context.fillRect(0, y + 2, 4, ROW - 5);
  }

  drawAxis() {
    const { context } = this, { colors, margin, width, height } = this.stage;
    context.fillStyle = colors.card;
    context.fillRect(0, 0, width, AXIS - 1);
    context.fillStyle = colors.line;
    context.fillRect(0, AXIS - 1, width, 1);
    context.fillRect(margin - 1, 0, 1, height);
    context.fillStyle = colors.soft;
    context.font = '11px system-ui, sans-serif';
    const { step, moments } = this.scaleLines();
    for (const t of moments) {
      const text = scaleText(t, step), x = this.x(t);
      context.fillRect(x, AXIS - 6, 1, 5);
      if (x + context.measureText(text).width + 4 < width) context.fillText(text, x + 3, 16);
    }
  }
}
