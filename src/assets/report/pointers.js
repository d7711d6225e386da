// The mouse and fingers on the timeline: they describe, pick, move and zoom.
import { showTip } from '../shared/dom.js';
import { nearestPoint } from './points.js';
import { rowAt } from './rows.js';
import { linesAt, pointsOf, timeAt } from './tooltip.js';

/** @import { Group, Point, Row, Stage } from './types.d.ts' */

/** How far a pointer may move, in pixels, so that it is still a click. */
const MAX_CLICK_DISTANCE = 4;

/**
 * @typedef {object} TimelineActions
 * @property {(how: () => void) => void} change changes what is seen
 * @property {(row: Row | null, point: Point | null) => void} pick
 * @property {(group: Group, isFolded: boolean) => void} fold
 */

/**
 * Listens to the pointers on the timeline.
 * @param {HTMLElement} lanes
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} tip
 * @param {Stage} stage
 * @param {TimelineActions} actions
 */
export function listenToPointers(lanes, canvas, tip, stage, { change, pick, fold }) {
  const { view } = stage;
  /** @type {Map<number, { x: number, y: number }>} */
  const down = new Map();
  let distance = 0;

  /** @param {MouseEvent} event */
  const placeOf = event => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  /** @param {PointerEvent} event */
  function hover(event) {
    const { x, y } = placeOf(event);
    showTip(tip, down.size ? null : linesAt(stage, x, y), event.clientX, event.clientY);
  }

  /** @param {PointerEvent} event */
  function click(event) {
    const { x, y } = placeOf(event), row = rowAt(stage.rows, y, stage.top), { t, near } = timeAt(stage, x);
    const points = row && x >= stage.margin ? pointsOf(row, stage) : [];
    pick(row, nearestPoint(points, t, near));
    if (row?.kind === 'group') fold(row.group, !row.group.isFolded);
  }

  /** @param {PointerEvent} event */
  function drag(event) {
    const before = down.get(event.pointerId);
    if (!before) return hover(event);
    const now = placeOf(event), other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    distance += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (other && down.size === 2) {
      const factor = Math.max(Math.abs(before.x - other.x), 10) / Math.max(Math.abs(now.x - other.x), 10);
      change(() => view.zoom(factor, timeAt(stage, other.x).t));
    } else if (distance > MAX_CLICK_DISTANCE) {
      change(() => view.move((before.x - now.x) / (stage.width - stage.margin)));
    }
    down.set(event.pointerId, now);
  }

  /** @param {PointerEvent} event */
  function release(event) {
    const wasDown = down.delete(event.pointerId);
    if (wasDown && event.type === 'pointerup' && distance <= MAX_CLICK_DISTANCE && !down.size) click(event);
  }

  canvas.addEventListener('pointerdown', event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, placeOf(event));
    distance = 0;
    tip.hidden = true;
  });
  canvas.addEventListener('pointermove', drag);
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => (tip.hidden = true));
  canvas.addEventListener('dblclick', event => change(() => view.zoom(.4, timeAt(stage, placeOf(event).x).t)));
  lanes.addEventListener('wheel', event => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      change(() => view.zoom(Math.exp(event.deltaY / 300), timeAt(stage, placeOf(event).x).t));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      change(() => view.move((event.deltaX || event.deltaY) / 1000));
    }
  }, { passive: false });
}
