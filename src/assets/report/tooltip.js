// The words about the thing under the pointer, and about the one that was picked.
import { counted, number } from '../shared/numbers.js';
import { firstFrom, nearestPoint } from './points.js';
import { rowAt } from './rows.js';
import { durationText, momentText } from './time_text.js';

/** @import { Group, Lane, Point, Row, Stage } from './types.d.ts' */

/** @type {Record<string, string>} */
const POINT_NAMES = { m: 'move', w: 'step', o: 'stdout', e: 'stderr', f: 'body' };
/** A moment in a sentence has the decimals of a window of a millisecond. */
const SENTENCE_WIDTH = 1e6;
/** At most this many points of the picked lane are listed. */
const MAX_LISTED = 100;
/** Something this near to the pointer is under it, in pixels. */
const NEAR = 6;

/**
 * @param {number} t
 * @param {number} line
 * @returns {string}
 */
function placeText(t, line) {
  return momentText(t, SENTENCE_WIDTH) + ' (line ' + line + ' of the log)';
}

/**
 * @param {Lane} lane
 * @returns {string[]}
 */
export function laneLines(lane) {
  const { bar } = lane;
  if (!bar) return [lane.label + ' of ' + lane.of.label, 'gathered in one lane'];
  const lines = [bar.source + ' · ' + lane.of.label, bar.words, 'started ' + placeText(bar.start, bar.line)];
  const middle = lane.of.kind === 'spawn' ? 'ready' : 'answered';
  if (bar.mid !== undefined) lines.push(middle + ' after ' + durationText(bar.mid - bar.start));
  lines.push(bar.end === undefined ? 'no end in the log' : 'ended after ' + durationText(bar.end - bar.start));
  return lines;
}

/**
 * @param {Group} group
 * @returns {string[]}
 */
export function groupLines({ label, kind, count, wrong, most }) {
  const wrongs = wrong ? ', ' + number(wrong) + ' wrong' : '';
  return [label, counted(count, kind === 'spawn' ? 'spawn' : 'request') + wrongs, 'up to ' + number(most) + ' at once'];
}

/**
 * @param {Point} point
 * @returns {string[]}
 */
export function pointLines({ kind, text, t, line }) {
  const name = POINT_NAMES[kind];
  return [name ? name + ': ' + text : text, placeText(t, line)];
}

/**
 * The moment at a place of the canvas, and how long a time is near to it.
 * @param {Stage} stage
 * @param {number} x
 * @returns {{ t: number, near: number }}
 */
export function timeAt({ view, margin, width }, x) {
  const perPixel = view.width / (width - margin);
  return { t: view.from + Math.max(x - margin, 0) * perPixel, near: NEAR * perPixel };
}

/**
 * The points of a row that can be picked.
 * @param {Row} row
 * @param {Stage} stage
 * @returns {Point[]}
 */
export function pointsOf(row, stage) {
  if (row.kind === 'lane') return row.lane.points;
  return row.kind === 'timeline' ? stage.marks : [];
}

/**
 * Lines of words about what is at a place of the canvas, if something is.
 * @param {Stage} stage
 * @param {number} x
 * @param {number} y
 * @returns {string[] | null}
 */
export function linesAt(stage, x, y) {
  const row = rowAt(stage.rows, y, stage.top);
  if (!row) return null;
  if (x < stage.margin) return row.lane ? laneLines(row.lane) : row.group ? groupLines(row.group) : null;
  const { t, near } = timeAt(stage, x), point = nearestPoint(pointsOf(row, stage), t, near);
  if (point) {
    const every = row.lane ? row.lane.every : 1;
    return [...pointLines(point), ...(every > 1 ? ['one of every ' + every + ' is here'] : [])];
  }
  if (row.kind === 'lane') return laneLines(row.lane);
  if (row.kind === 'group') {
    const running = row.group.ran[Math.floor(t / stage.end * stage.columns)] ?? 0;
    return [...groupLines(row.group), 'at ' + momentText(t, stage.view.width) + ': ' + running + ' at once'];
  }
  const bands = stage.bands.filter(band => band.t <= t + near && t - near <= band.end);
  if (bands.length) return bands.map(band => band.text);
  const tick = stage.ticks.find(tick => Math.abs(tick - t) < near);
  return tick === undefined ? null : ['tick', momentText(tick, SENTENCE_WIDTH)];
}

/**
 * Which points of a lane are listed: those that are seen, and of too many those around the picked one.
 * @param {Point[]} points
 * @param {number} from
 * @param {number} to
 * @param {Point | null} picked
 * @returns {{ listed: Point[], more: number }}
 */
export function listedPoints(points, from, to, picked) {
  const first = firstFrom(points, from), last = firstFrom(points, to);
  const latestStart = Math.max(last - MAX_LISTED, first);
  const start = picked ? Math.min(Math.max(points.indexOf(picked) - MAX_LISTED / 2, first), latestStart) : first;
  const listed = points.slice(start, Math.min(start + MAX_LISTED, last));
  return { listed, more: last - first - listed.length };
}

/**
 * Fills the place below the timeline with the words about what was picked.
 * @param {HTMLElement} place
 * @param {Stage} stage
 * @param {Point | null} point
 */
export function describePicked(place, stage, point) {
  const { picked: row, view } = stage;
  place.replaceChildren();
  /** @type {(name: string, text: string, to?: HTMLElement) => HTMLElement} */
  const add = (name, text, to = place) => {
    const element = document.createElement(name);
    element.textContent = text;
    return to.appendChild(element);
  };
  const lines = !row ? [] : row.lane ? laneLines(row.lane) : row.group ? groupLines(row.group) : point ? pointLines(point) : [];
  lines.forEach((line, n) => add(n ? 'p' : 'h3', line));
  if (!row || !row.lane) return;
  const { listed, more } = listedPoints(row.lane.points, view.from, view.to, point);
  if (!listed.length) return;
  const list = add('ol', '');
  for (const one of listed) {
    const item = add('li', momentText(one.t, SENTENCE_WIDTH) + '  ' + one.text, list);
    if (one.kind === 'e') item.className = 'err';
  }
  if (more > 0) add('p', number(more) + ' more of what is seen here');
}
