// The head of the page: it shows whether the run goes, how far it is, and whether anything went wrong.
import { get } from '../shared/dom.js';
import { counted, number } from '../shared/numbers.js';
import { made, putText, resizedList } from './elements.js';
import { entriesInOrder, entryLines, entryName } from './entries.js';
import { dateText, visible } from './text.js';

/** @import { Change, Entry, EntryState, Link, Run } from './types.d.ts' */

/** @type {Record<string, string>} */
const ICON_COLORS = { running: '#2f6fd0', failing: '#c62a2f', failed: '#c62a2f', invalid: '#c62a2f', interrupted: '#c2600c', passed: '#18794e' };
/** @type {Record<string, string>} */
const VERDICTS = {
  connecting: 'connecting', lost: 'connection lost', slow: 'dropped, comes back', running: 'running', failing: 'running, not as expected',
  paused: 'paused', closed: 'closed', passed: 'passed', failed: 'failed', interrupted: 'interrupted', invalid: 'the file has errors',
};
/** Up to this many entries have a box each. Of more, there is a box for each state. */
const MAX_BOXES = 80;
/** With more boxes than this they have no words. */
const MAX_BOXES_WITH_WORDS = 10;

/**
 * The icon of the page: a dot.
 * @param {string} color
 * @returns {string}
 */
function iconOf(color) {
  const svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle cx='4.5' cy='4.5' r='4' fill='" + color + "'/></svg>";
  return 'data:image/svg+xml,' + encodeURIComponent(svg);
}

/**
 * How the run stands, in one word.
 * @param {Run | null} run
 * @param {Link} link
 * @returns {string}
 */
export function standingOf(run, link) {
  if (!run) return link === 'lost' ? 'lost' : 'connecting';
  if (link === 'again') return 'connecting';
  if (run.end && run.mode === 'run') return run.end.outcome;
  if (link === 'lost' || link === 'slow') return link;
  // A log that was played to its end, or a run whose server has gone before it could tell the end.
  if (link === 'ended') return 'closed';
  if (run.end && !run.is_going) return run.end.outcome;
  if (!run.is_going) return 'paused';
  const isMissed = run.expect.some(one => one.is_ok === false);
  return run.counts.wrong || isMissed ? 'failing' : 'running';
}

/**
 * A sentence about the connection, if the reader must know something.
 * @param {Run | null} run
 * @param {Link} link
 * @returns {string}
 */
export function noticeOf(run, link) {
  const isOver = Boolean(run?.end) && run?.mode === 'run';
  if (link === 'slow') return 'This page was too slow to follow, and was dropped so that the run was not held up. It comes back by itself.';
  if (link === 'again') return 'The scenario has changed. The page waits for the next run …';
  if (link === 'lost' && !isOver) return 'Nothing comes from the run. Trying again …' + (run ? ' The page shows how it was last.' : '');
  if (link !== 'ended' || isOver) return '';
  return 'The server has closed. The page shows how the ' + (run?.mode === 'play' ? 'log' : 'run') + ' was last.';
}

/**
 * A sentence about a large state that is on its way.
 * @param {number} bytes
 * @param {Link} link
 * @returns {string}
 */
export function comingText(bytes, link) {
  if (!bytes) return '';
  const why = link === 'slow' ? 'This page was too slow to follow, and was dropped so that the run was not held up. ' : '';
  return why + 'The run is large: its state of ' + (bytes / 1e6).toFixed(1) + ' MB is on its way.';
}

/**
 * Facts about the run, in a few words each.
 * @param {Run} run
 * @returns {string[]}
 */
export function factsOf({ run, mode, readers }) {
  const facts = [];
  if (mode === 'play') facts.push('a log, played again');
  else if (run.clock === 'virtual') facts.push('virtual clock');
  if (run.seed) facts.push('seed ' + visible(run.seed));
  if (run.speed && run.speed !== 1) facts.push(run.speed + ' times as fast');
  if (run.started_at) facts.push('started ' + dateText(run.started_at));
  if (readers) facts.push(counted(readers, 'page is open', 'pages are open'));
  return facts;
}

/**
 * How many entries are in each state. Only states that there are.
 * @param {Entry[]} entries
 * @returns {[EntryState, number][]}
 */
export function entryStates(entries) {
  /** @type {EntryState[]} */
  const states = ['waits', 'running', 'done', 'failed', 'skipped'];
  return states.flatMap(state => {
    const { length } = entries.filter(entry => entry.state === state);
    return length ? [/** @type {[EntryState, number]} */ ([state, length])] : [];
  });
}

export class Head {
  constructor() {
    /** @type {Link} */
    this.link = 'connecting';
    /** How large the state is that is on its way, in bytes. */
    this.coming = 0;
    /** @type {Run | null} */
    this.run = null;
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    this.run = run;
    if (isWhole) this.coming = 0;
    if (change.run) {
      putText(get('name'), visible(run.run.name) || 'a run');
      get('name').title = visible(run.run.description ?? '');
    }
    if (change.run || change.readers !== undefined || change.play) putText(get('facts'), factsOf(run).join(' · '));
    if (change.counts || change.players || isWhole) this.showTally(run);
    if (change.entries || isWhole) this.showCourse(entriesInOrder(run.entries));
    if ('log' in change || change.dropped !== undefined) this.showFoot(run);
    this.showState();
  }

  /**
   * Takes how the stream stands.
   * @param {Link} link
   */
  setLink(link) {
    this.link = link;
    this.showState();
  }

  /**
   * Takes that a large state is on its way.
   * @param {number} bytes
   */
  setComing(bytes) {
    this.coming = bytes;
    this.showState();
  }

  showState() {
    const { run, link } = this, standing = standingOf(run, link);
    document.body.dataset.state = standing;
    const verdict = run?.mode === 'play' && standing === 'running' ? 'playing' : VERDICTS[standing] ?? visible(standing);
    putText(get('verdict'), verdict);
    const title = (run ? get('name').textContent : 'scenario') + ': ' + verdict;
    if (document.title !== title) document.title = title;
    const icon = iconOf(ICON_COLORS[standing] ?? '#8b939d'), iconLink = document.getElementById('icon');
    if (iconLink?.getAttribute('href') !== icon) iconLink?.setAttribute('href', icon);
    const reason = run?.end?.reason, notice = comingText(this.coming, link) || noticeOf(run, link);
    get('reason').hidden = !reason;
    if (reason) putText(get('reason'), visible(reason));
    get('notice').hidden = !notice;
    putText(get('notice'), notice);
  }

  /** @param {Run} run */
  showTally({ counts, players }) {
    const all = Object.values(players), present = all.filter(player => !player.is_gone).length;
    /** @type {[string, number][]} */
    const shown = [['running', counts.running], ['in flight', counts.in_flight], ['wrong', counts.wrong]];
    if (all.length) shown.splice(2, 0, ['players', present]);
    const boxes = resizedList(get('tally'), shown.length, () => {
      const box = made('div');
      box.append(made('dt'), made('dd'));
      return box;
    });
    shown.forEach(([name, count], n) => {
      const [term, figure] = boxes[n].children;
      putText(term, name);
      putText(figure, number(count));
      boxes[n].className = name === 'wrong' && count ? 'bad' : count ? 'some' : '';
    });
  }

  /** @param {Run} run */
  showFoot({ log, dropped, mode }) {
    const words = [];
    if (log) words.push((mode === 'play' ? 'The log: ' : 'Everything is in ') + visible(log));
    if (dropped) words.push(counted(dropped, 'slow page was', 'slow pages were') + ' dropped');
    putText(get('foot'), words.join(' · '));
  }

  /**
   * The timeline as it is written: a box for each entry.
   * @param {Entry[]} entries
   */
  showCourse(entries) {
    get('course').hidden = !entries.length;
    const states = entryStates(entries), one = entries.length <= MAX_BOXES;
    const boxes = one
      ? entries.map(entry => ({ state: entry.state, grow: 1, words: entryName(entry), title: entryLines(entry).join('\n') }))
      : states.map(([state, count]) => ({ state, grow: count, words: number(count) + ' ' + state, title: '' }));
    const list = get('entries');
    list.classList.toggle('thin', boxes.length > MAX_BOXES_WITH_WORDS);
    const items = resizedList(list, boxes.length, () => made('li'));
    boxes.forEach(({ state, grow, words, title }, n) => {
      const item = items[n];
      item.dataset.state = state;
      item.style.flexGrow = String(grow);
      putText(item, words);
      item.title = title;
    });
    const count = Object.fromEntries(states), failed = count.failed ?? 0;
    const ended = number((count.done ?? 0) + (count.skipped ?? 0) + failed) + ' of ' + counted(entries.length, 'entry', 'entries') + ' done';
    putText(get('far'), ended + (failed ? ', ' + number(failed) + ' failed' : '') + (count.skipped ? ', ' + number(count.skipped) + ' skipped' : ''));
  }
}
