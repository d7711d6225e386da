// Draws what is seen of the timeline. It changes nothing.

const COLORS = 'back card text soft line faint spawn fetch wrong open ok ready move said err after hit'.split(' ');
const POINTS = { m: 'move', w: 'move', o: 'said', f: 'said', e: 'err', s: 'open', r: 'ready' };
const MARKS = { k: 'text', i: 'spawn', t: 'fetch', q: 'err', p: 'open', h: 'ok', x: 'wrong' };

/** The colours of the page's style, dark or light as it is. */
function colorsOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLORS.map(name => [name, style.getPropertyValue('--' + name).trim()]));
}

class Drawing {
  constructor(context, stage) {
    Object.assign(this, stage, { context });
    this.scale = (this.wide - this.margin) / this.part.width;
  }

  x(t) {
    return this.margin + (t - this.part.from) * this.scale;
  }

  /** A box from one moment to another, and not less than so wide. */
  box(from, to, y, high, least = 1) {
    const left = Math.max(this.x(from), this.margin), right = Math.min(this.x(to), this.wide);
    if (right >= this.margin && left <= this.wide) this.context.fillRect(left, y, Math.max(right - left, least), high);
  }

  all() {
    const { context, colors, wide, high, rows, top } = this;
    context.fillStyle = colors.card;
    context.fillRect(0, 0, wide, high);
    const first = Math.max(0, Math.floor((top - AXIS) / ROW)), last = Math.ceil((top + high - AXIS) / ROW);
    const seen = rows.slice(first, last + 1);
    this.grid();
    for (const row of seen) this.row(row, row.y - top);
    this.causes();
    for (const row of seen) this.label(row, row.y - top);
    this.axis();
  }

  grid() {
    const { context, colors, part, ticks, wide, high } = this;
    context.fillStyle = colors.faint;
    const step = stepOf(part.width, Math.max(2, (wide - this.margin) / 110));
    for (let t = Math.ceil(part.from / step) * step; t <= part.to; t += step) context.fillRect(this.x(t), 0, 1, high);
    // Ticks of the run's clock are dashed, where they are not too close.
    if (ticks.length > 1 && (this.x(ticks[1]) - this.x(ticks[0])) < 8) return;
    context.strokeStyle = colors.line;
    context.setLineDash([2, 4]);
    context.beginPath();
    for (const t of ticks) {
      const x = Math.round(this.x(t)) + .5;
      if (x >= this.margin && x <= wide) context.moveTo(x, AXIS), context.lineTo(x, high);
    }
    context.stroke();
    context.setLineDash([]);
  }

  row(row, y) {
    const { context, colors } = this;
    if (row === this.picked) {
      context.fillStyle = colors.faint;
      context.fillRect(0, y, this.wide, ROW);
    }
    if (row.kind === 'timeline') this.timeline(y);
    else if (row.kind === 'group') this.group(row.group, y);
    else this.lane(row.lane, y);
    context.fillStyle = colors.faint;
    context.fillRect(0, y + ROW - 1, this.wide, 1);
  }

  timeline(y) {
    const { context, colors, marks, found } = this;
    let before = -9;
    for (const mark of marks) {
      const x = this.x(mark.t);
      if (x < this.margin - 5 || x > this.wide + 5 || (x - before < .5 && mark.kind !== 'x')) continue;
      before = x;
      context.fillStyle = found.has(mark) ? colors.hit : colors[MARKS[mark.kind]];
      context.beginPath();
      context.moveTo(x, y + 4), context.lineTo(x + 5, y + 11), context.lineTo(x, y + 18), context.lineTo(x - 5, y + 11);
      context.fill();
    }
  }

  /** How many of a group ran at once, and where something went wrong. */
  group(group, y) {
    const { context, colors, columns, end } = this;
    const width = end / columns;
    context.fillStyle = colors[group.kind];
    group.ran.forEach((count, n) => {
      if (!count) return;
      const high = Math.max(2, (ROW - 5) * count / group.most);
      this.box(n * width, (n + 1) * width, y + ROW - 2 - high, high);
    });
    context.fillStyle = colors.wrong;
    group.wrongs.forEach((count, n) => count && this.box(n * width, (n + 1) * width, y + 1, 4, 3));
  }

  lane(lane, y) {
    const { context, colors, end, found } = this;
    if (lane.source) {
      const color = lane.state === 'ok' ? lane.of.kind : lane.state;
      context.fillStyle = colors[color];
      const to = lane.end ?? end;
      context.globalAlpha = .3;
      this.box(lane.start, to, y + 4, ROW - 9, 2);
      context.globalAlpha = 1;
      this.box(lane.start, to, y + ROW - 7, 2, 2);
      this.box(lane.start, lane.start, y + 4, ROW - 9, 2);
      if (found.has(lane)) context.fillStyle = colors.hit, this.box(lane.start, to, y + 2, 2, 4);
      if (lane.mid !== undefined) context.fillStyle = colors.ready, this.box(lane.mid, lane.mid, y + 3, ROW - 7, 2);
    }
    if (lane.counts) this.density(lane, y);
    this.points(lane, y);
  }

  /** How many moves and lines there were, where not all are there one by one. */
  density(lane, y) {
    const { context, colors, end } = this;
    const width = end / lane.counts.length;
    context.fillStyle = colors.move;
    lane.counts.forEach((count, n) => {
      if (!count) return;
      context.globalAlpha = .2 + .5 * count / lane.most;
      this.box(n * width, (n + 1) * width, y + 5, ROW - 11);
    });
    context.globalAlpha = 1;
  }

  points(lane, y) {
    const { context, colors, found, part } = this;
    const { points } = lane;
    let before = -9, kind = '';
    for (let n = firstFrom(points, part.from); n < points.length && points[n].t <= part.to; n++) {
      const point = points[n], x = this.x(point.t), isFound = found.has(point);
      if (x - before < 1 && point.kind === kind && !isFound) continue;
      [before, kind] = [x, point.kind];
      context.fillStyle = isFound ? colors.hit : colors[POINTS[kind]];
      const size = isFound ? 4 : 2;
      context.fillRect(x - size, y + (kind === 'e' ? 13 : 10) - size, 2 * size, 2 * size);
    }
  }

  causes() {
    const { context, colors, arrows, rows, top, high } = this;
    context.strokeStyle = context.fillStyle = colors.after;
    context.lineWidth = 1.2;
    const place = lane => {
      const row = rows.find(row => (lane ? row.lane === lane : row.kind === 'timeline'))
        || rows.find(row => row.kind === 'group' && row.group === lane.of);
      return row.y - top + ROW / 2;
    };
    context.save();
    context.beginPath();
    context.rect(this.margin, AXIS, this.wide, high);
    context.clip();
    for (const arrow of arrows) {
      const [x, y, to, below] = [this.x(arrow.start), place(arrow.from), this.x(arrow.end), place(arrow.to)];
      if (Math.max(y, below) < 0 || Math.min(y, below) > high || to < this.margin || x > this.wide) continue;
      const bend = Math.max(3, (to - x) / 2), side = below < y ? -1 : 1;
      context.beginPath();
      context.moveTo(x, y);
      context.bezierCurveTo(x + bend, y, to - bend, below - side * 3, to, below - side * 5);
      context.stroke();
      context.beginPath();
      context.moveTo(to, below - side), context.lineTo(to - 4, below - side * 8), context.lineTo(to + 4, below - side * 8);
      context.fill();
    }
    context.restore();
  }

  label(row, y) {
    const { context, colors, margin, found } = this;
    context.fillStyle = row === this.picked ? colors.faint : colors.card;
    context.fillRect(0, y, margin - 1, ROW - 1);
    const isOpen = row.kind === 'group' && !row.group.isFolded;
    const sign = row.kind === 'group' ? (isOpen ? '▾ ' : '▸ ') : '';
    const count = row.kind === 'group' ? ' ×' + row.group.count.toLocaleString('en') : '';
    const isWrong = row.kind === 'group' ? row.group.wrong : row.lane && row.lane.state === 'wrong';
    const thing = row.lane || row.group;
    context.fillStyle = isWrong ? colors.wrong : row.isInner ? colors.soft : colors.text;
    context.font = (row.kind === 'group' ? '600 ' : '') + '12px system-ui, sans-serif';
    const left = row.isInner ? 24 : 8, room = margin - left - 8 - context.measureText(count).width;
    context.fillText(fitted(context, sign + row.label, room) + count, left, y + 15);
    if (thing && found.has(thing)) context.fillStyle = colors.hit, context.fillRect(0, y + 2, 4, ROW - 5);
  }

  axis() {
    const { context, colors, part, margin, wide, high } = this;
    context.fillStyle = colors.card;
    context.fillRect(0, 0, wide, AXIS - 1);
    context.fillStyle = colors.line;
    context.fillRect(0, AXIS - 1, wide, 1);
    context.fillRect(margin - 1, 0, 1, high);
    context.fillStyle = colors.soft;
    context.font = '11px system-ui, sans-serif';
    const step = stepOf(part.width, Math.max(2, (wide - margin) / 110));
    const decimals = Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9));
    for (let t = Math.ceil(part.from / step) * step; t <= part.to; t += step) {
      const text = (t / 1e9).toFixed(Math.min(decimals, 9)) + ' s', x = this.x(t);
      context.fillRect(x, AXIS - 6, 1, 5);
      if (x + context.measureText(text).width + 4 < wide) context.fillText(text, x + 3, 16);
    }
  }
}

/** As much of a text as there is room for. */
function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let low = 0, high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(text.slice(0, middle) + '…').width <= room) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low) + '…';
}
