// How much happens a second: a figure and a chart for each count.
import { get } from '../shared/dom.js';
import { number } from '../shared/numbers.js';
import { made, putText } from './elements.js';
import { Canvas } from './frames.js';
import { COLUMN, RATE_KEYS, RateCounts, seenTime } from './rate_counts.js';
import { rateText } from './text.js';

/** @import { Change, Run } from './types.d.ts' */
/** @import { Clock } from './clock.js' */
/** @import { Frames } from './frames.js' */
/** @import { Theme } from './theme.js' */

const CHART_COLORS = { moves: 'move', lines: 'output', requests: 'fetch', events: 'chart' };
/** How often the charts are drawn while only the time goes on, in milliseconds. */
const CHART_PERIOD = 250;

/** @typedef {{ key: typeof RATE_KEYS[number], figure: HTMLElement, most: HTMLElement, canvas: Canvas }} RateChart */

export class Rates {
  /**
   * @param {Frames} frames
   * @param {Theme} theme
   * @param {Clock} clock
   */
  constructor(frames, theme, clock) {
    this.frames = frames;
    this.theme = theme;
    this.clock = clock;
    this.counts = new RateCounts();
    /** @type {Run | null} */
    this.run = null;
    this.drawnAt = 0;
    this.charts = RATE_KEYS.map(key => this.addChart(key));
  }

  /**
   * @param {typeof RATE_KEYS[number]} key
   * @returns {RateChart}
   */
  addChart(key) {
    const item = made('li'), words = made('p'), figure = made('b', '0'), most = made('span', '', 'most');
    const canvas = made('canvas'), place = made('div', '', 'chart');
    canvas.setAttribute('aria-hidden', 'true');
    place.append(canvas);
    words.append(figure, made('span', ' ' + key + '/s'), most);
    item.append(words, place);
    get('rates').append(item);
    return { key, figure, most, canvas: new Canvas(canvas, place, () => this.changed()) };
  }

  changed() {
    this.drawnAt = 0;
    this.frames.ask(this);
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    this.run = run;
    if (isWhole) this.counts.start(run);
    else if (change.counts) this.counts.add(change.counts, change.t ?? run.t);
    // After the last change no frame follows, so it is drawn at once.
    if (isWhole || 'end' in change) this.drawnAt = 0;
    putText(get('rates-words'), isOver(run) ? 'per second, over the whole run' : 'per second, over the last ' + seenTime(run.t) + ' s');
    this.frames.ask(this);
  }

  /** @param {number} now */
  draw(now) {
    const { run, clock } = this;
    if (!run) return;
    if (now - this.drawnAt >= CHART_PERIOD || !clock.goes) {
      this.drawnAt = now;
      const t = clock.now();
      for (const chart of this.charts) {
        this.showFigures(chart, run, t);
        this.drawChart(chart, t);
      }
    }
    if (clock.goes) this.frames.ask(this);
  }

  /**
   * @param {RateChart} chart
   * @param {Run} run
   * @param {number} t
   */
  showFigures({ key, figure, most }, run, t) {
    const count = run.counts?.[key] ?? 0, high = this.counts.most(key) / COLUMN;
    const rate = isOver(run) ? count / Math.max(run.end?.took ?? t, 1e-3) : this.counts.rate(key, t);
    putText(figure, rateText(rate));
    putText(most, number(count) + ' in all');
    most.title = high ? 'up to ' + rateText(high) + ' per second in the last minute' : '';
  }

  /**
   * @param {RateChart} chart
   * @param {number} t
   */
  drawChart({ key, canvas }, t) {
    const context = canvas.begin();
    if (!context) return;
    const { colors } = this.theme, { width, height } = canvas, floor = height - 1;
    const step = width / (seenTime(t) / COLUMN), scale = (height - 3) / Math.max(this.counts.most(key), 1);
    context.fillStyle = colors.line;
    context.fillRect(0, floor, width, 1);
    context.fillStyle = colors[CHART_COLORS[key]];
    for (const [n, value] of this.counts.columns[key]) {
      const x = width - (t / COLUMN - n) * step, high = Math.max(value * scale, 1);
      if (value && x + step > 0) context.fillRect(x, floor - high, Math.max(step - .5, 1), high);
    }
  }
}

/**
 * Whether the run is over, so that its rates are those of all of it.
 * @param {Run} run
 * @returns {boolean}
 */
function isOver(run) {
  return Boolean(run.end) && run.mode === 'run';
}
