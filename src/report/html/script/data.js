// What the page holds for the timeline, read: see data.rs for how it is written. Times are nanoseconds.

/** Distances, each to the one before, as what they are the distances of. */
function summed(distances) {
  let sum = 0;
  return distances.map(distance => (sum += distance));
}

/** Pairs of how many columns are passed over and a count, as a count for each column. */
function spreadOut(pairs, columns) {
  const counts = new Array(columns).fill(0);
  let at = 0;
  for (let n = 0; n + 1 < pairs.length; n += 2) {
    at += pairs[n];
    counts[at++] = pairs[n + 1];
  }
  return counts;
}

function readPoints(raw, texts) {
  if (!raw) return [];
  const lines = summed(raw.line);
  return summed(raw.t).map((t, n) => ({ t, line: lines[n], kind: raw.kind[n], text: texts[raw.text[n]] }));
}

/** A lane: a source, or the rest of a group. Its points are in the order of time. */
function readLane(raw, data) {
  const moves = readPoints(raw.moves, data.texts), lines = readPoints(raw.lines, data.texts);
  const lane = { ...raw, points: moves.concat(lines).sort((one, other) => one.t - other.t) };
  lane.every = Math.max(raw.moves ? raw.moves.every : 1, raw.lines ? raw.lines.every : 1);
  lane.counts = raw.events ? spreadOut(raw.events.counts, raw.events.columns) : null;
  lane.most = lane.counts ? Math.max(...lane.counts, 1) : 1;
  return lane;
}

/** A group with its lanes and how many of it ran in each column. */
function readGroup(raw, data) {
  const [starts, ends, wrongs] = [raw.starts, raw.ends, raw.wrongs].map(of => spreadOut(of, data.columns));
  let running = 0;
  const ran = starts.map((started, n) => {
    const most = running + started;
    running = most - ends[n];
    return most;
  });
  const entry = raw.entry && raw.entry !== raw.of ? raw.entry + ': ' : '';
  const typed = raw.entry || raw.of.startsWith('(') ? '' : 'typed: ';
  return { ...raw, starts, ends, wrongs, ran, most: Math.max(...ran, 1), label: typed + entry + raw.of, lanes: [] };
}

function readData() {
  const raw = JSON.parse(document.getElementById('data').textContent);
  const groups = raw.groups.map(group => readGroup(group, raw));
  const lanes = raw.lanes.map(lane => readLane(lane, raw));
  for (const lane of lanes) {
    const group = groups[lane.group];
    lane.of = group;
    group.lanes.push(lane);
  }
  for (const group of groups) {
    // Those that went wrong late stand where they started; the rest comes last.
    group.lanes.sort((one, other) => !one.source - !other.source || one.start - other.start);
    const own = group.lanes.filter(lane => lane.source).length;
    for (const lane of group.lanes) lane.label = lane.source || (group.count - own).toLocaleString('en') + ' more';
    group.isFolded = group.lanes.length > 12;
    group.isSingle = group.lanes.length === 1;
  }
  // Of very many lanes the waves are seen first.
  if (lanes.length > 60) for (const group of groups) group.isFolded = true;
  const marks = raw.marks.map(([t, line, kind, text]) => ({ t, line, kind, text }));
  const arrows = raw.arrows.map(([from, start, to, end]) => ({ from: lanes[from], start, to: lanes[to], end }));
  return { end: Math.max(raw.end, 1), columns: raw.columns, groups, lanes, marks, ticks: summed(raw.ticks), arrows };
}

/** Nanoseconds for people: `45.1 µs`. */
function span(ns) {
  if (ns < 1e3) return Math.round(ns) + ' ns';
  const [value, unit] = ns < 1e6 ? [ns / 1e3, ' µs'] : ns < 1e9 ? [ns / 1e6, ' ms'] : [ns / 1e9, ' s'];
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + unit;
}

/** A moment to as many decimals as a window so long can show: `1.500 s`. */
function moment(t, width) {
  const decimals = Math.min(9, Math.max(1, Math.ceil(10 - Math.log10(Math.max(width, 1)))));
  return (t / 1e9).toFixed(decimals) + ' s';
}

/** The first of some points, in the order of time, that is not before t. */
function firstFrom(points, t) {
  let low = 0, high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}
