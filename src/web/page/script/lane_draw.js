// Draws what is seen of the timeline. It changes nothing.

class LaneDrawing {
  constructor(context, { theme, canvas, from, to, t, margin, rows, marks, points, ahead, top, run }) {
    Object.assign(this, { context, theme, from, to, t, margin, rows, marks, points, ahead, top, run, wide: canvas.wide, high: canvas.high });
    this.scale = (this.wide - margin) / (to - from);
  }

  x(t) {
    return this.margin + (t - this.from) * this.scale;
  }

  all() {
    const { context, rows, top, high } = this;
    this.grid();
    const first = Math.max(0, Math.floor(top / ROW) - 1), last = Math.ceil((top + high - HEAD) / ROW);
    const seen = rows.slice(first, last).map((row, n) => [row, HEAD + (first + n) * ROW - top]);
    this.within(() => {
      this.now();
      for (const [row, y] of seen) {
        this.free = this.margin;
        row.lanes.forEach((one, n) => this.lane(one, y, row.lanes[n + 1]));
      }
    });
    for (const [{ lanes, label, note }, y] of seen) this.label(label, note, y, this.color((lanes.findLast(({ lane }) => lane.is_ok === false) ?? lanes[0]).lane));
    context.fillStyle = this.theme.card;
    context.fillRect(0, 0, this.wide, HEAD);
    this.within(() => {
      this.own(AXIS);
      this.now(HEAD - AXIS);
    });
    this.label('timeline', '', AXIS, this.theme.text);
    this.axis();
  }

  /** Draws only where the time is, beside the labels. */
  within(draw) {
    const { context } = this;
    context.save();
    context.beginPath();
    // What stands at 0 is seen whole.
    context.rect(this.margin - 7, 0, this.wide - this.margin + 7, this.high);
    context.clip();
    draw();
    context.restore();
  }

  grid() {
    const { context, theme, from, to, wide, high, margin } = this;
    context.fillStyle = theme.faint;
    const step = stepOf(to - from, Math.max(2, (wide - margin) / 90));
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) context.fillRect(Math.round(this.x(t)), AXIS, 1, high);
  }

  axis() {
    const { context, theme, from, to, wide, margin } = this;
    context.fillStyle = theme.line;
    context.fillRect(0, AXIS - 1, wide, 1);
    context.fillRect(0, HEAD - 1, wide, 1);
    context.fillStyle = theme.soft;
    context.font = '12px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    const step = stepOf(to - from, Math.max(2, (wide - margin) / 90)), decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const x = Math.min(Math.max(this.x(this.t), margin + 20), wide - 24);
    for (let n = Math.ceil(from / step); n * step <= to; n++) {
      const at = this.x(n * step), isMinutes = to >= 120 && step >= 1;
      if (at > margin + 8 && at < wide - 12 && Math.abs(at - x) > 44) context.fillText(isMinutes ? clockText(n * step).replace(/\.0$/, '') : (n * step).toFixed(decimals) + ' s', at, AXIS / 2);
    }
    if (this.t <= to && this.t >= from) {
      context.fillStyle = this.run.end && this.run.mode === 'run' ? theme.text : theme.wrong;
      context.font = '600 12px system-ui, "Segoe UI", sans-serif';
      context.fillText(clockText(this.t), x, AXIS / 2);
    }
    context.textAlign = 'start';
  }

  now(high = this.high) {
    const { context, theme } = this, x = Math.round(this.x(this.t));
    context.fillStyle = this.run.end && this.run.mode === 'run' ? theme.text : theme.wrong;
    context.fillRect(x - .75, AXIS, 1.5, high);
  }

  color(lane) {
    const { theme } = this;
    if (lane.is_ok === false) return theme.wrong;
    return lane.kind === 'spawn' ? theme.spawn : theme.fetch;
  }

  lane({ key, lane }, y, next) {
    const { context, theme } = this, isOpen = lane.to === null || lane.to === undefined;
    const left = Math.max(this.x(lane.from), this.margin), right = Math.max(this.x(isOpen ? this.t : lane.to), left + 2);
    if (left > this.wide || this.x(isOpen ? this.t : lane.to) < this.margin) return;
    const ready = lane.ready === null || lane.ready === undefined ? null : this.x(lane.ready);
    context.fillStyle = this.color(lane);
    // What has ended steps back; what goes on is bright.
    const strong = isOpen ? .95 : .5;
    context.globalAlpha = ready === null ? strong : strong * .5;
    this.bar(left, y + 4, (ready ?? right) - left, ROW - 8);
    if (ready !== null) {
      context.globalAlpha = strong;
      this.bar(ready, y + 4, right - ready, ROW - 8);
      context.globalAlpha = 1;
      context.fillStyle = theme.ready;
      context.fillRect(ready - 1, y + 2, 3, ROW - 4);
    }
    context.globalAlpha = 1;
    // Of a load that goes on, some requests may have gone wrong.
    context.fillStyle = theme.wrong;
    if (lane.wrong && lane.is_ok !== false) context.fillRect(left, y + ROW - 6, right - left, 3);
    this.dots(this.points.get(key) ?? [], y, isOpen);
    this.said(this.words(lane, isOpen), lane, left, right, y, next);
  }

  /** The words of a lane stand beside it, where nothing else of its row is. */
  said(words, lane, left, right, y, next) {
    const { context, theme } = this, { free } = this;
    this.free = right;
    if (!words) return;
    context.font = '12px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.fillStyle = lane.is_ok === false || lane.wrong ? theme.wrong : theme.soft;
    context.strokeStyle = theme.card;
    context.lineWidth = 4;
    context.lineJoin = 'round';
    const width = context.measureText(words).width, room = next ? this.x(next.lane.from) : this.wide, isBehind = right + 10 + width < room;
    const x = isBehind ? right + 6 : !next && left - width - 10 > free ? left - width - 6 : null;
    if (x !== null) context.strokeText(words, x, y + ROW / 2), context.fillText(words, x, y + ROW / 2);
    if (isBehind) this.free = right + 6 + width;
    context.lineWidth = 1;
  }

  words(lane, isOpen) {
    const end = isOpen ? '' : cut(visible(lane.end ?? ''), 40);
    if (lane.kind !== 'load') return end;
    return number(lane.done) + (lane.wrong ? ', ' + number(lane.wrong) + ' wrong' : '') + (end ? ' · ' + end : '');
  }

  bar(x, y, wide, high) {
    const { context } = this;
    context.beginPath();
    context.roundRect(x, y, Math.max(wide, 2), high, 2.5);
    context.fill();
  }

  dots(points, y, isOpen) {
    const { context, theme } = this;
    let last = -9;
    for (const { t, kind, stream } of points) {
      const x = this.x(t);
      // Points that would stand on each other are one.
      if (x < this.margin || x - last < 6 && stream !== 'stderr') continue;
      last = x;
      context.fillStyle = stream === 'stderr' ? theme.err : isOpen ? theme.card : kind === 'move' ? theme.move : theme.said;
      context.beginPath();
      context.arc(x, y + ROW / 2, stream === 'stderr' ? 2.6 : 1.7, 0, 2 * Math.PI);
      context.fill();
    }
  }

  /** The timeline's own row: what is planned, what has happened of it, marks and what was typed. */
  own(y) {
    const { context, theme } = this, colors = { done: theme.ok, failed: theme.wrong, running: theme.spawn };
    context.fillStyle = theme.line;
    context.fillRect(this.margin, y + ROW / 2, this.wide, 1);
    for (const { at, state } of this.ahead) {
      this.diamond(this.x(at), y + ROW / 2, 5.5);
      context.fillStyle = colors[state] ?? theme.card;
      context.strokeStyle = colors[state] ?? theme.soft;
      context.lineWidth = 1.5;
      context.fill();
      context.stroke();
      context.lineWidth = 1;
    }
    for (const { t, kind, is_wrong } of this.marks) {
      context.fillStyle = is_wrong ? theme.wrong : kind === 'mark' ? theme.text : theme.after;
      context.fillRect(this.x(t) - 1, y + 3, 2.5, ROW - 6);
    }
  }

  diamond(x, y, size) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x - size, y), context.lineTo(x, y - size), context.lineTo(x + size, y), context.lineTo(x, y + size);
    context.closePath();
  }

  label(name, key, y, color) {
    const { context, theme, margin } = this;
    context.font = '12.5px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.fillStyle = color;
    // Where there is little room a count is told, and a source only in words.
    const isKeyed = key && key !== name && (margin > 120 || !name || key.startsWith('×')), keyed = isKeyed ? context.measureText(key).width : 0;
    context.save();
    context.beginPath();
    context.rect(0, y, margin - (isKeyed ? keyed + 20 : 8), ROW);
    context.clip();
    context.fillText(cut(name, 40), 10, y + ROW / 2);
    context.restore();
    if (!isKeyed) return;
    context.fillStyle = theme.soft;
    context.textAlign = 'right';
    context.fillText(cut(key, 24), margin - 10, y + ROW / 2);
    context.textAlign = 'start';
  }
}
