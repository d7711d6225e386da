// The latest lines: limited, and followed to the end unless the reader has scrolled up.
import { get } from '../shared/dom.js';
import { number } from '../shared/numbers.js';
import { closest, made, putText } from './elements.js';
import { MAX_LINES } from './state.js';
import { clockText, shortened, visible } from './text.js';

/** @import { Change, Line, Run } from './types.d.ts' */
/** @import { Frames } from './frames.js' */

/**
 * The sign before a text, by the kind of its line.
 * @type {Record<string, string>}
 */
const SIGNS = { mark: '◆', input: '›', sent: '→', stop: '■', expect: '?' };
/** How often lines are put in, in milliseconds. Nobody reads faster. */
const READ_PERIOD = 200;
/** How near to its end the list is followed, in pixels. */
const NEAR_END = 24;

/**
 * The origin of a line: the label of its source and the source.
 * @param {Line} line
 * @returns {string}
 */
export function originText({ source, label }) {
  if (!label || label === source) return source ?? '';
  return source ? label + ' ' + source : label;
}

/**
 * A line as an item of the list.
 * @param {Line} line
 * @returns {HTMLElement}
 */
function lineItem(line) {
  const { t, kind, stream, text, is_wrong } = line, item = made('li'), origin = originText(line);
  item.dataset.kind = kind;
  if (stream === 'stderr') item.dataset.stream = stream;
  if (is_wrong) item.className = 'wrong';
  item.append(made('time', clockText(t)));
  if (origin) item.append(made('b', shortened(visible(origin), 40)));
  const sign = SIGNS[kind] ? SIGNS[kind] + ' ' : '';
  item.append(made('span', sign + shortened(visible(text), 2000)));
  return item;
}

export class Lines {
  /** @param {Frames} frames */
  constructor(frames) {
    this.frames = frames;
    /** @type {Line[]} */
    this.waiting = [];
    this.follows = true;
    this.top = 0;
    this.drawnAt = 0;
    this.list = get('lines');
    this.listen();
  }

  listen() {
    const { list } = this;
    list.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = list;
      this.follow(scrollTop + clientHeight > scrollHeight - NEAR_END || this.follows && scrollTop >= this.top);
      this.top = scrollTop;
    }, { passive: true });
    // A click shows a long line whole, but not if a part of it was selected to be copied.
    list.addEventListener('click', event => getSelection()?.isCollapsed && closest(event, 'li')?.classList.toggle('whole'));
    get('latest').addEventListener('click', () => this.goToEnd());
    /** @type {NodeListOf<HTMLElement>} */
    const buttons = document.querySelectorAll('button[data-only]');
    for (const button of buttons) {
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
        list.dataset.only = button.dataset.only;
        this.goToEnd();
      });
    }
    new ResizeObserver(() => this.follows && this.goToEnd()).observe(list);
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    if (isWhole) {
      this.list.replaceChildren();
      this.waiting = [];
    }
    this.waiting = this.waiting.concat(change.lines ?? []).slice(-MAX_LINES);
    const skipped = run.skipped ? 'and ' + number(run.skipped) + ' more' : '';
    putText(get('lines-words'), skipped);
    get('lines-words').title = skipped && 'too many to be shown: all are in the log';
    if (this.waiting.length || isWhole) this.frames.ask(this);
  }

  /** @param {number} now */
  draw(now) {
    const { list } = this;
    if (now - this.drawnAt < READ_PERIOD) return this.frames.ask(this);
    this.drawnAt = now;
    list.append(...this.waiting.map(lineItem));
    this.waiting = [];
    while (list.children.length > MAX_LINES) list.firstElementChild?.remove();
    get('no-lines').hidden = list.children.length > 0;
    if (this.follows) this.goToEnd();
    else get('latest').hidden = false;
  }

  /** @param {boolean} follows */
  follow(follows) {
    this.follows = follows;
    if (follows) get('latest').hidden = true;
  }

  goToEnd() {
    this.follow(true);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
