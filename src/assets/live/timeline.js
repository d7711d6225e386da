// The timeline: a lane for everything that runs or ran. It fills as the run goes on.
import { get, showTip } from '../shared/dom.js';
import { number } from '../shared/numbers.js';
import { putText } from './elements.js';
import { entryLines } from './entries.js';
import { Canvas } from './frames.js';
import { LaneDrawing } from './lane_draw.js';
import { AXIS, HEAD, ROW, shownTime } from './lane_layout.js';
import { laneLines } from './lane_text.js';
import { Pack } from './pack.js';
import { MAX_LINES } from './state.js';
import { durationText, shortened, visible } from './text.js';

/** @import { Change, Entry, Lane, Line, PackedLane, PackedRow, Run } from './types.d.ts' */
/** @import { Clock } from './clock.js' */
/** @import { Frames } from './frames.js' */
/** @import { Theme } from './theme.js' */

/** How often it is drawn while only the time goes on, in milliseconds: as often as about a pixel passes. */
const CALM_PERIOD = 40;
/** How near the pointer must be to a point, in pixels. */
const NEAR = 7;
/** The kinds of lines that are marks on the timeline's own row. */
const MARK_KINDS = ['mark', 'input', 'sent', 'stop', 'expect'];

/**
 * How many lanes there were, in words.
 * @param {Lane[]} lanes
 * @param {number} more how many are not shown
 * @returns {string}
 */
export function lanesText(lanes, more) {
  if (!lanes.length) return '';
  const open = lanes.filter(lane => lane.to === null).length;
  const seen = more ? ' seen of ' + number(lanes.length + more) : '';
  return number(lanes.length) + seen + ' started' + (open ? ', ' + number(open) + ' still going' : '');
}

export class Timeline {
  /**
   * @param {Frames} frames
   * @param {Theme} theme
   * @param {Clock} clock
   */
  constructor(frames, theme, clock) {
    this.frames = frames;
    this.theme = theme;
    this.clock = clock;
    this.pack = new Pack();
    /** @type {PackedRow[]} */
    this.rows = [];
    /** @type {Line[]} */
    this.marks = [];
    /**
     * The moves and lines of each lane, by its key.
     * @type {Map<string, Line[]>}
     */
    this.points = new Map();
    /** @type {Entry[]} */
    this.ahead = [];
    /** @type {Run | null} */
    this.run = null;
    this.isLast = false;
    this.isChanged = true;
    this.drawnAt = 0;
    this.follows = true;
    this.top = 0;
    this.from = 0;
    this.to = 1;
    this.t = 0;
    this.margin = 0;
    this.place = get('lanes');
    this.canvas = new Canvas(get('lanes-canvas', HTMLCanvasElement), this.place, () => this.changed());
    this.listen();
  }

  listen() {
    this.place.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.place;
      // A reader who scrolls up looks at something else. The rows that came since do not count as scrolling up.
      this.follows = scrollTop + clientHeight > scrollHeight - ROW || this.follows && scrollTop >= this.top;
      this.top = scrollTop;
      this.changed();
    }, { passive: true });
    get('see-all').addEventListener('click', () => this.show(false));
    get('see-last').addEventListener('click', () => this.show(true));
    const { canvas } = this.canvas, tip = get('tip');
    /** @param {PointerEvent} event */
    const onPointer = event => {
      const box = canvas.getBoundingClientRect();
      showTip(tip, this.linesAt(event.clientX - box.left, event.clientY - box.top), event.clientX, event.clientY);
    };
    canvas.addEventListener('pointermove', onPointer);
    canvas.addEventListener('pointerdown', onPointer);
    canvas.addEventListener('pointerleave', event => {
      if (event.pointerType === 'mouse') tip.hidden = true;
    });
  }

  /** @param {boolean} isLast whether only the last moments are shown */
  show(isLast) {
    this.isLast = isLast;
    get('see-all').setAttribute('aria-pressed', String(!isLast));
    get('see-last').setAttribute('aria-pressed', String(isLast));
    this.changed();
  }

  changed() {
    this.isChanged = true;
    this.frames.ask(this);
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    this.run = run;
    if (isWhole) {
      this.points = new Map();
      this.marks = [];
      this.pack = new Pack();
    }
    for (const line of change.lines ?? []) this.addLine(line);
    if (change.entries || isWhole) this.ahead = Object.values(run.entries).filter(entry => !entry.after);
    if (change.lanes || isWhole) this.layOut(run);
    this.changed();
  }

  /**
   * Makes a line a point of its lane, or a mark on the timeline's own row.
   * @param {Line} line
   */
  addLine(line) {
    const { kind, source } = line;
    if (MARK_KINDS.includes(kind)) return addLimited(this.marks, line);
    if (!source || kind !== 'line' && kind !== 'move') return;
    const points = this.points.get(source) ?? [];
    this.points.set(source, points);
    addLimited(points, line);
  }

  /** @param {Run} run */
  layOut({ lanes, more_lanes }) {
    this.rows = this.pack.rows(lanes);
    for (const source of this.points.keys()) if (!lanes[source]) this.points.delete(source);
    get('no-lanes').hidden = this.rows.length > 0;
    const height = HEAD + this.rows.length * ROW + 4;
    get('lanes-room').style.height = height + 'px';
    putText(get('lanes-words'), lanesText(Object.values(lanes), more_lanes));
    // The newest row is shown, unless the reader has scrolled to something else.
    if (this.follows) requestAnimationFrame(() => (this.place.scrollTop = height));
  }

  /** @param {number} now */
  draw(now) {
    const { run, clock, canvas, theme, rows, points, marks, ahead, top } = this;
    if (!run) return;
    if (!this.isChanged && now - this.drawnAt < CALM_PERIOD) return this.frames.ask(this);
    const context = canvas.begin();
    if (context) {
      const { width, height } = canvas;
      this.isChanged = false;
      this.drawnAt = now;
      this.t = clock.now();
      [this.from, this.to] = shownTime(run, this.t, ahead, this.isLast);
      this.margin = width < 560 ? 104 : 176;
      const { from, to, t, margin } = this;
      new LaneDrawing(context, { theme, width, height, margin, from, to, t, top, rows, points, marks, ahead, run }).draw();
    }
    if (clock.goes) this.frames.ask(this);
  }

  /** How long a time a pixel stands for, in seconds. */
  get perPixel() {
    return (this.to - this.from) / (this.canvas.width - this.margin);
  }

  /**
   * The lane of a row at a moment, or near to it.
   * @param {PackedRow} row
   * @param {number} t
   * @param {number} near
   * @returns {PackedLane | undefined}
   */
  laneAt({ lanes }, t, near) {
    /** @type {(room: number) => (packed: PackedLane) => boolean} */
    const isThere = room => ({ lane }) => lane.from - room <= t && (lane.to ?? this.t) + room >= t;
    return lanes.findLast(isThere(0)) ?? lanes.findLast(isThere(near));
  }

  /**
   * Lines of words about what is at a place of the canvas, if something is.
   * @param {number} x
   * @param {number} y
   * @returns {string[] | null}
   */
  linesAt(x, y) {
    if (y < AXIS || !this.run) return null;
    const isLabel = x < this.margin, t = this.from + (x - this.margin) * this.perPixel, near = NEAR * this.perPixel;
    const isNear = (/** @type {number} */ moment) => !isLabel && Math.abs(moment - t) < near;
    if (y < HEAD) {
      const mark = this.marks.findLast(line => isNear(line.t)), entry = this.ahead.findLast(entry => isNear(entry.at));
      if (mark) return [visible(mark.kind) + ': ' + shortened(visible(mark.text), 300), 'at ' + durationText(mark.t)];
      return entry ? entryLines(entry) : null;
    }
    const row = this.rows[Math.floor((y + this.top - HEAD) / ROW)];
    const packed = row && (isLabel ? row.lanes.at(-1) : this.laneAt(row, t, near));
    if (!packed) return null;
    const point = this.points.get(packed.key)?.findLast(line => isNear(line.t));
    return [...(point ? [shortened(visible(point.text), 300), 'at ' + durationText(point.t)] : []), ...laneLines(packed)];
  }
}

/**
 * @param {Line[]} lines
 * @param {Line} line
 */
function addLimited(lines, line) {
  lines.push(line);
  if (lines.length > MAX_LINES) lines.shift();
}
