// The timeline of the page, and what its keys and buttons do.
import { contextOf, get, sizeCanvas } from '../shared/dom.js';
import { clamp } from '../shared/scale.js';
import { readTimeline } from './data.js';
import { Drawing, colorsOf } from './draw.js';
import { listenToPointers } from './pointers.js';
import { AXIS, ROW, rowsOf } from './rows.js';
import { Search } from './search.js';
import { momentText } from './time_text.js';
import { TimeWindow } from './time_window.js';
import { describePicked } from './tooltip.js';

/** @import { Group, Point, Row, Stage, TimelineData } from './types.d.ts' */

/** The height of the timeline at most, in pixels. More rows are scrolled. */
const MAX_HEIGHT = 512;

class TimelineView {
  /** @param {TimelineData} data */
  constructor(data) {
    this.lanes = get('lanes');
    this.room = get('room');
    this.canvas = get('canvas', HTMLCanvasElement);
    this.context = contextOf(this.canvas);
    this.tip = get('tip');
    this.field = get('search', HTMLInputElement);
    this.search = new Search(data);
    this.view = new TimeWindow(data.end);
    /** @type {Stage} */
    this.stage = {
      ...data, view: this.view, rows: rowsOf(data), picked: null, found: this.search.things,
      colors: colorsOf(this.lanes), top: 0, width: 0, height: 0, margin: 0,
    };
    this.isAsked = false;
    this.listen();
    this.layOut();
  }

  draw() {
    const { stage, view, lanes, canvas, context } = this;
    this.isAsked = false;
    stage.width = lanes.clientWidth;
    stage.height = lanes.clientHeight;
    stage.margin = stage.width < 600 ? 110 : 210;
    stage.top = lanes.scrollTop;
    sizeCanvas(canvas, context, stage.width, stage.height);
    new Drawing(context, stage).draw();
    get('shown').textContent = momentText(view.from, view.width) + ' – ' + momentText(Math.min(view.to, stage.end), view.width);
  }

  /** Draws in the next frame, once for everything that has changed by then. */
  askToDraw() {
    if (!this.isAsked) requestAnimationFrame(() => this.draw());
    this.isAsked = true;
  }

  /** Makes the rows again, since a group was folded or unfolded. */
  layOut() {
    const { stage } = this, { picked } = stage;
    stage.rows = rowsOf(stage);
    if (picked) stage.picked = stage.rows.find(row => row.kind === picked.kind && row.lane === picked.lane && row.group === picked.group) ?? null;
    const height = AXIS + stage.rows.length * ROW + 4;
    this.room.style.height = height + 'px';
    // Two pixels more, so that nothing scrolls where everything has room.
    this.lanes.style.height = Math.min(height + 2, MAX_HEIGHT) + 'px';
    get('fold').textContent = this.canFold ? 'Fold' : 'Unfold';
    this.askToDraw();
  }

  /** Whether some group is unfolded. */
  get canFold() {
    return this.stage.groups.some(group => !group.isSingle && !group.isFolded);
  }

  /**
   * @param {Group} group
   * @param {boolean} isFolded
   */
  fold(group, isFolded) {
    group.isFolded = isFolded;
    this.layOut();
  }

  foldAll() {
    const isFolded = this.canFold;
    for (const group of this.stage.groups) group.isFolded = isFolded;
    this.layOut();
  }

  /**
   * @param {Row | null} row
   * @param {Point | null} point
   */
  pick(row, point = null) {
    const { lanes, stage } = this;
    stage.picked = row;
    if (row) {
      const above = row.y - AXIS, below = row.y + ROW - lanes.clientHeight + 2;
      if (lanes.scrollTop > above) lanes.scrollTop = above;
      else if (lanes.scrollTop < below) lanes.scrollTop = below;
    }
    describePicked(get('picked'), stage, point);
    this.askToDraw();
  }

  /**
   * Picks the row above or below the picked one.
   * @param {number} by
   */
  step(by) {
    const { rows, picked } = this.stage, at = picked ? rows.indexOf(picked) : -1;
    this.pick(rows[at < 0 ? 0 : clamp(at + by, 0, rows.length - 1)]);
  }

  /**
   * Changes which part of the time is seen.
   * @param {() => void} how
   */
  change(how) {
    how();
    if (this.stage.picked?.lane) describePicked(get('picked'), this.stage, null);
    this.tip.hidden = true;
    this.askToDraw();
  }

  /** @param {number} pages */
  scroll(pages) {
    this.lanes.scrollTop += pages * (this.lanes.clientHeight - 2 * ROW);
  }

  /** Finds what is in the search field. */
  find() {
    const { search, field } = this;
    search.find(field.value);
    this.stage.found = search.things;
    get('hits').textContent = field.value.trim() ? search.words : '';
    this.askToDraw();
  }

  /**
   * Goes to the next hit, or the one before: shows its time and its row, and describes it.
   * @param {number} by
   */
  goToHit(by) {
    const hit = this.search.go(by);
    get('hits').textContent = this.search.words;
    if (!hit) return;
    const { group, lane, point, t } = hit;
    if (group && lane && !group.isSingle && group.isFolded) this.fold(group, false);
    if (t !== null) this.view.show(t);
    const isHitRow = (/** @type {Row} */ row) => (lane ? row.lane === lane : group ? row.group === group : row.kind === 'timeline');
    this.pick(this.stage.rows.find(isHitRow) ?? null, point);
  }

  /** Ends the search, and goes back to the timeline. */
  leave() {
    this.field.value = '';
    this.find();
    this.pick(null);
    this.lanes.focus({ preventScroll: true });
  }

  /** @returns {Record<string, () => void>} */
  keys() {
    const { view, stage } = this, zoomIn = () => this.change(() => view.zoom(.6));
    return {
      ArrowLeft: () => this.change(() => view.move(-.15)),
      ArrowRight: () => this.change(() => view.move(.15)),
      PageUp: () => this.scroll(-1),
      PageDown: () => this.scroll(1),
      Home: () => this.change(() => view.set(0, view.width)),
      End: () => this.change(() => view.set(stage.end, view.width)),
      ArrowUp: () => this.step(-1),
      ArrowDown: () => this.step(1),
      '+': zoomIn,
      '=': zoomIn,
      '-': () => this.change(() => view.zoom(1 / .6)),
      0: () => this.change(() => view.showAll()),
      f: () => this.foldAll(),
      Enter: () => stage.picked?.kind === 'group' && this.fold(stage.picked.group, !stage.picked.group.isFolded),
      Escape: () => this.leave(),
    };
  }

  listen() {
    const { lanes, stage } = this, ask = () => this.askToDraw();
    this.listenToKeys();
    listenToPointers(lanes, this.canvas, this.tip, stage, {
      change: how => this.change(how), pick: (row, point) => this.pick(row, point), fold: (group, isFolded) => this.fold(group, isFolded),
    });
    lanes.addEventListener('scroll', ask, { passive: true });
    new ResizeObserver(ask).observe(lanes);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      stage.colors = colorsOf(lanes);
      ask();
    });
  }

  listenToKeys() {
    const { lanes, field } = this, keys = this.keys();
    lanes.addEventListener('keydown', event => {
      if (hasModifier(event) || !Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    });
    document.addEventListener('keydown', event => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement || hasModifier(event)) return;
      event.preventDefault();
      field.focus();
      field.select();
    });
    field.addEventListener('input', () => this.find());
    field.addEventListener('keydown', event => {
      if (event.key === 'Enter') this.goToHit(event.shiftKey ? -1 : 1);
      else if (event.key === 'Escape') this.leave();
      else return;
      event.preventDefault();
    });
    const buttons = { in: '+', out: '-', whole: '0', left: 'ArrowLeft', right: 'ArrowRight', fold: 'f' };
    for (const [id, key] of Object.entries(buttons)) get(id).addEventListener('click', keys[key]);
    get('before').addEventListener('click', () => this.goToHit(-1));
    get('next').addEventListener('click', () => this.goToHit(1));
  }
}

/**
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function start() {
  const data = readTimeline(JSON.parse(get('data').textContent ?? ''));
  // The page of a run in which nothing was started has no timeline.
  if (!data.groups.length && !data.marks.length || !document.getElementById('canvas')) return;
  document.documentElement.classList.add('scripted');
  const part = document.querySelector('.canvas-part');
  if (part instanceof HTMLElement) part.hidden = false;
  new TimelineView(data);
}

start();
