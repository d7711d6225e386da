// The timeline: what runs and what ran, as it fills; which part of it is seen, and what is asked of it.

const ROW = 21;
/** How high the axis is, and with the timeline's own row, which stay while the lanes are scrolled. */
const AXIS = 24;
const HEAD = AXIS + ROW + 2;
/** The time that is seen of the last of it, in seconds. */
const LAST = 30;
/** Planned moments up to so many seconds are seen from the start. */
const AHEAD = 120;
/** How often it is drawn while only the time goes on, in milliseconds: as often as a pixel or so passes. */
const CALM = 40;

class Timeline {
  constructor(frames, theme, clock) {
    Object.assign(this, { frames, theme, clock, rows: [], pack: new Pack(), marks: [], points: new Map(), isLast: false, drawnAt: 0, isChanged: true, ahead: [] });
    this.place = get('lanes');
    const changed = () => this.changed();
    this.canvas = new Canvas(get('lanes-canvas'), this.place, changed);
    this.follows = true;
    this.place.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.place;
      // Only who scrolls up looks at something else: what has grown since has not been seen yet.
      this.follows = scrollTop + clientHeight > scrollHeight - ROW || this.follows && scrollTop >= this.top;
      this.top = scrollTop;
      changed();
    }, { passive: true });
    this.top = 0;
    get('see-all').addEventListener('click', () => this.see(false));
    get('see-last').addEventListener('click', () => this.see(true));
    lanePointers(this);
  }

  see(isLast) {
    this.isLast = isLast;
    get('see-all').setAttribute('aria-pressed', String(!isLast));
    get('see-last').setAttribute('aria-pressed', String(isLast));
    this.changed();
  }

  changed() {
    this.isChanged = true;
    this.frames.ask(this);
  }

  take(change, run, isWhole) {
    this.run = run;
    if (isWhole) Object.assign(this, { points: new Map(), marks: [], pack: new Pack() });
    for (const line of change.lines ?? []) this.point(line);
    if (change.entries || isWhole) this.ahead = Object.values(run.entries).filter(entry => !entry.after && entry.at !== undefined);
    if (change.lanes || isWhole) this.lay();
    this.changed();
  }

  /** A line becomes a point on its lane, or a mark on the timeline's own row. */
  point(line) {
    const { kind, source } = line, isOwn = kind === 'mark' || kind === 'input' || kind === 'sent' || kind === 'stop' || kind === 'expect';
    const points = isOwn ? this.marks : source ? this.points.get(source) ?? [] : null;
    if (!points || !isOwn && kind !== 'line' && kind !== 'move') return;
    points.push(line);
    if (points.length > KEPT) points.shift();
    if (!isOwn) this.points.set(source, points);
  }

  lay() {
    const { lanes } = this.run, rows = this.pack.rows(lanes);
    for (const source of this.points.keys()) if (!lanes[source]) this.points.delete(source);
    this.rows = rows;
    get('no-lanes').hidden = rows.length > 0;
    const high = HEAD + rows.length * ROW + 4;
    get('lanes-room').style.height = high + 'px';
    const all = Object.values(lanes), open = all.filter(lane => lane.to === null).length, more = this.run.more_lanes;
    const started = number(all.length) + (more ? ' seen of ' + number(all.length + more) : '') + ' started';
    put(get('lanes-words'), all.length ? started + (open ? ', ' + number(open) + ' still going' : '') : '');
    // What starts is seen, unless someone has scrolled to look at something else.
    if (this.follows) requestAnimationFrame(() => (this.place.scrollTop = high));
  }

  /** The moments that are seen, from and to. */
  window(now) {
    const { run } = this;
    const isPlayed = run.mode === 'play' && run.play.end;
    const end = run.end && !isPlayed ? Math.max(run.end.took ?? 0, now) : null;
    if (this.isLast) {
      const to = (end ?? now) + (end === null ? LAST * .08 : LAST * .02);
      return [Math.max(to - LAST, Math.min(0, to - LAST)), to];
    }
    if (isPlayed) return [0, Math.max(run.play.end, now) * 1.03];
    if (end !== null) return [0, Math.max(end * 1.03, .001)];
    const planned = Math.max(0, ...this.ahead.map(entry => entry.at).filter(at => at <= AHEAD || at < now * 3));
    return [0, rounded(Math.max(now * 1.04, planned * 1.1, .5))];
  }

  draw(now) {
    if (!this.run) return;
    const goes = this.clock.goes;
    if (!this.isChanged && now - this.drawnAt < CALM) return this.frames.ask(this);
    const context = this.canvas.begin();
    if (context) {
      const t = this.clock.now(), [from, to] = this.window(t);
      Object.assign(this, { isChanged: false, drawnAt: now, from, to, t });
      this.margin = this.canvas.wide < 560 ? 104 : 176;
      new LaneDrawing(context, this).all();
    }
    if (goes) this.frames.ask(this);
  }

  timeAt(x) {
    return this.from + (x - this.margin) / (this.canvas.wide - this.margin) * (this.to - this.from);
  }

  /** The lane of a row that goes on at a moment, or that is near to it. */
  laneAt({ lanes }, t, near) {
    const isThere = room => ({ lane }) => lane.from - room <= t && (lane.to ?? this.t) + room >= t;
    return lanes.findLast(isThere(0)) ?? lanes.findLast(isThere(near));
  }

  /** What is at a place of the canvas, in lines of words. */
  wordsAt(x, y) {
    if (y < AXIS || !this.run) return null;
    const isOwn = y < HEAD, row = this.rows[Math.floor((y + this.top - HEAD) / ROW)];
    const near = 7 / (this.canvas.wide - this.margin) * (this.to - this.from), t = this.timeAt(x);
    const close = points => x < this.margin ? null : points.filter(point => Math.abs(point.t - t) < near).at(-1);
    if (isOwn) {
      const mark = close(this.marks), entry = close(this.ahead.map(entry => ({ t: entry.at, entry })))?.entry;
      return mark ? [visible(mark.kind) + ': ' + cut(visible(mark.text), 300), 'at ' + span(mark.t)] : entry ? entryWords(entry) : null;
    }
    if (!row) return null;
    const under = x < this.margin ? row.lanes.at(-1) : this.laneAt(row, t, near);
    if (!under) return null;
    const point = close(this.points.get(under.key) ?? []);
    return (point ? [cut(visible(point.text), 300), 'at ' + span(point.t)] : []).concat(laneWords(under));
  }
}

/** Rounded up, so that the scale changes seldom while the time goes on. */
function rounded(seconds) {
  const power = 10 ** Math.floor(Math.log10(seconds));
  return [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map(factor => factor * power).find(step => step >= seconds);
}

/** A lane in lines of words. */
function laneWords({ shown, label, lane }) {
  const of = lane.entry && lane.entry !== lane.label ? ' of ' + visible(lane.entry) : '';
  const words = [shown === label ? shown : shown + ' · ' + label, visible(lane.kind) + of + ', from ' + span(lane.from)];
  if (lane.ready !== null && lane.ready !== undefined) words.push('ready after ' + span(lane.ready - lane.from));
  if (lane.done !== undefined) words.push(counted(lane.done, 'request') + ' done' + (lane.wrong ? ', ' + number(lane.wrong) + ' wrong' : ''));
  words.push(lane.to === null ? 'still going' : 'ended after ' + span(lane.to - lane.from) + (lane.end ? ': ' + visible(lane.end) : ''));
  return words;
}

function lanePointers(timeline) {
  const { canvas } = timeline.canvas;
  const over = event => {
    const box = canvas.getBoundingClientRect();
    tip.show(timeline.wordsAt(event.clientX - box.left, event.clientY - box.top), event.clientX, event.clientY);
  };
  canvas.addEventListener('pointermove', over);
  canvas.addEventListener('pointerdown', over);
  canvas.addEventListener('pointerleave', event => event.pointerType === 'mouse' && tip.show(null));
}
