// What is said of the thing under the pointer, and of the one that was picked. Always as text.

const KINDS = { m: 'move', w: 'step', o: 'stdout', e: 'stderr', f: 'body', s: '', r: '' };

/** A lane in lines of words. */
function laneWords(lane) {
  if (!lane.source) return [lane.label + ' of ' + lane.of.label, 'gathered in one lane'];
  const kind = lane.of.kind === 'spawn' ? 'ready' : 'answered';
  const lines = [lane.source + ' · ' + lane.of.label, lane.words, 'started ' + moment(lane.start, 1e6) + ' (line ' + lane.line + ' of the log)'];
  if (lane.mid !== undefined) lines.push(kind + ' after ' + span(lane.mid - lane.start));
  lines.push(lane.end === undefined ? 'no end in the log' : 'ended after ' + span(lane.end - lane.start));
  return lines;
}

function groupWords(group) {
  const what = group.kind === 'spawn' ? 'spawn' : 'request';
  const wrong = group.wrong ? ', ' + group.wrong.toLocaleString('en') + ' wrong' : '';
  return [group.label, group.count.toLocaleString('en') + ' ' + what + (group.count === 1 ? '' : 's') + wrong, 'up to ' + group.most.toLocaleString('en') + ' at once'];
}

function pointWords(point) {
  const kind = KINDS[point.kind] ? KINDS[point.kind] + ': ' : '';
  return [kind + point.text, moment(point.t, 1e6) + ' (line ' + point.line + ' of the log)'];
}

/** What is at a place of the canvas: the words for it, or nothing. */
function wordsAt(stage, x, y) {
  const row = stage.rows[Math.floor((y + stage.top - AXIS) / ROW)];
  if (!row || y < AXIS) return null;
  if (x < stage.margin) return row.lane ? laneWords(row.lane) : row.group ? groupWords(row.group) : null;
  const t = stage.part.from + (x - stage.margin) / (stage.wide - stage.margin) * stage.part.width;
  const near = 6 / (stage.wide - stage.margin) * stage.part.width;
  const close = nearest(row.lane ? row.lane.points : row.kind === 'timeline' ? stage.marks : [], t, near);
  if (close) return pointWords(close).concat(row.lane && row.lane.every > 1 ? ['one of every ' + row.lane.every + ' is here'] : []);
  if (row.kind === 'timeline') {
    const tick = stage.ticks.find(tick => Math.abs(tick - t) < near);
    return tick === undefined ? null : ['tick', moment(tick, 1e6)];
  }
  if (row.kind === 'group') {
    const column = Math.floor(t / stage.end * stage.columns);
    return groupWords(row.group).concat('at ' + moment(t, stage.part.width) + ': ' + (row.group.ran[column] || 0) + ' at once');
  }
  return laneWords(row.lane);
}

function nearest(points, t, near) {
  let best = null;
  for (let n = firstFrom(points, t - near); n < points.length && points[n].t <= t + near; n++) {
    if (!best || Math.abs(points[n].t - t) < Math.abs(best.t - t)) best = points[n];
  }
  return best;
}

/** How many points of a lane are listed. */
const LISTED = 100;

/** Fills the place below the timeline with what was picked. */
function tell(place, row, part, point) {
  place.replaceChildren();
  if (!row || row.kind === 'timeline' && !point) return;
  const add = (name, text, to = place) => {
    const element = document.createElement(name);
    element.textContent = text;
    return to.appendChild(element);
  };
  const [title, ...words] = row.lane ? laneWords(row.lane) : row.group ? groupWords(row.group) : pointWords(point);
  add('h3', title);
  for (const line of words) add('p', line);
  if (!row.lane) return;
  const { points } = row.lane, first = firstFrom(points, part.from), last = firstFrom(points, part.to);
  if (first === last) return;
  const list = add('ol', '');
  const from = point ? Math.min(Math.max(points.indexOf(point) - LISTED / 2, first), Math.max(last - LISTED, first)) : first;
  for (const one of points.slice(from, Math.min(from + LISTED, last))) {
    const item = add('li', moment(one.t, 1e6) + '  ' + one.text, list);
    if (one.kind === 'e') item.className = 'err';
  }
  if (last - first > LISTED) add('p', (last - first - LISTED).toLocaleString('en') + ' more of what is seen here');
}
