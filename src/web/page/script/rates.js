// How much happens a second: the differences of the counts, over the last minute.

const RATES = [['moves', 'moves', 'move'], ['lines', 'lines', 'said'], ['requests', 'requests', 'fetch'], ['events', 'events', 'chart']];
/** The time that is seen, as the run goes on, and that one column stands for, in seconds (as the program counts them). */
const SEEN = [15, 30, 60];
const MINUTE = 60;
const COLUMN = .5;
/** The rate that is written is of so many seconds. */
const RATE_OF = 2;
/** How often the charts are drawn while only the time goes on, in milliseconds. */
const CHART = 250;

class Rates {
  constructor(frames, theme, clock) {
    Object.assign(this, { frames, theme, clock, drawnAt: 0 });
    this.charts = RATES.map(([key, name, color]) => {
      const item = made('li'), figure = made('b', '0'), canvas = made('canvas'), place = made('div', '', 'chart'), most = made('span', '', 'most');
      canvas.setAttribute('aria-hidden', 'true');
      place.append(canvas);
      const words = made('p');
      words.append(figure, made('span', ' ' + name + '/s'), most);
      item.append(words, place);
      get('rates').append(item);
      return { key, color, figure, most, name, columns: new Map(), canvas: new Canvas(canvas, place, () => this.changed()) };
    });
    this.before = null;
  }

  changed() {
    this.drawnAt = 0;
    this.frames.ask(this);
  }

  take(change, run, isWhole) {
    this.run = run;
    if (isWhole) this.start(run);
    else if (change.counts) this.count(change.counts, change.t ?? this.before.t);
    // The last word is drawn at once: no frame follows it.
    if (isWhole || 'end' in change) this.drawnAt = 0;
    put(get('rates-words'), this.isOver ? 'a second, over the whole run' : 'a second, the last ' + this.seen(run.t) + ' s');
    this.frames.ask(this);
  }

  get isOver() {
    return Boolean(this.run.end) && this.run.mode === 'run';
  }

  /** How long a time is seen at a moment of the run. */
  seen(t) {
    return SEEN.find(seen => t < seen) ?? MINUTE;
  }

  /** What was before the page came is told by columns: which, and how much was added in it. */
  start({ counts = {}, t, rates = [] }) {
    for (const chart of this.charts) chart.columns.clear();
    for (const [n, ...added] of rates) this.charts.forEach(({ columns }, at) => columns.set(n, added[at]));
    this.before = { t, counts };
  }

  /** Spreads what has been added over the columns since it was counted last. */
  count(counts, t) {
    const { before } = this, from = Math.floor(Math.max(before.t, t - MINUTE) / COLUMN), to = Math.floor(t / COLUMN);
    for (const { key, columns } of this.charts) {
      const more = Math.max((counts[key] ?? 0) - (before.counts[key] ?? 0), 0);
      // While something happened there was word of it: after a long silence, it happened just now.
      const first = to - from > 1 / COLUMN ? to : from;
      for (let n = first; more && n <= to; n++) columns.set(n, (columns.get(n) ?? 0) + more / (to - first + 1));
      for (const n of columns.keys()) if (n < to - MINUTE / COLUMN - 2) columns.delete(n);
    }
    this.before = { t, counts };
  }

  draw(now) {
    if (!this.before) return;
    if (now - this.drawnAt >= CHART || !this.clock.goes) {
      this.drawnAt = now;
      const t = this.clock.now();
      for (const chart of this.charts) this.chart(chart, t);
    }
    if (this.clock.goes) this.frames.ask(this);
  }

  chart({ key, color, figure, most, columns, canvas }, t) {
    const last = Math.floor(t / COLUMN), width = Math.max(Math.min(RATE_OF, t), COLUMN);
    let sum = 0;
    for (let n = last; n > last - RATE_OF / COLUMN; n--) sum += columns.get(n) ?? 0;
    const { counts, end } = this.run, rate = this.isOver ? (counts?.[key] ?? 0) / Math.max(end.took ?? t, 1e-3) : sum / width, high = Math.max(...columns.values(), 0) / COLUMN;
    put(figure, rated(rate));
    put(most, number(counts?.[key]) + ' in all');
    most.title = high ? 'up to ' + rated(high) + ' a second in the last minute' : '';
    const context = canvas.begin();
    if (!context) return;
    const count = this.seen(t) / COLUMN, step = canvas.wide / count, scale = (canvas.high - 3) / Math.max(high * COLUMN, 1);
    context.fillStyle = this.theme.line;
    context.fillRect(0, canvas.high - 1, canvas.wide, 1);
    context.fillStyle = this.theme[color];
    const shift = t / COLUMN - last;
    for (const [n, value] of columns) {
      const x = canvas.wide - (last - n + shift) * step;
      if (value && x + step > 0) context.fillRect(x, canvas.high - 1 - Math.max(value * scale, 1), Math.max(step - .5, 1), Math.max(value * scale, 1));
    }
  }
}
