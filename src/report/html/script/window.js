// Which part of the run is seen, and which rows there are.

/** The shortest time that can be looked at, in nanoseconds. */
const SHORTEST = 200;
const ROW = 22;
const AXIS = 26;

/** The part of the run's time that is seen. */
class Part {
  constructor(end) {
    this.end = end;
    this.whole();
  }

  get width() {
    return this.to - this.from;
  }

  /** The whole run, with a little room behind it. */
  whole() {
    this.from = 0;
    this.to = this.end * 1.02;
  }

  set(from, width) {
    const most = this.end * 1.02;
    width = Math.min(Math.max(width, Math.min(SHORTEST, most)), most);
    this.from = Math.min(Math.max(from, 0), most - width);
    this.to = this.from + width;
  }

  /** Shows so much more, or less, of what is around t. */
  zoom(factor, t = (this.from + this.to) / 2) {
    const share = (t - this.from) / this.width;
    const width = Math.max(this.width * factor, Math.min(SHORTEST, this.end));
    this.set(t - share * width, width);
  }

  /** Goes on by a share of what is seen. */
  move(share) {
    this.set(this.from + share * this.width, this.width);
  }

  /** Goes to where t is seen, if it is not. */
  show(t) {
    if (t < this.from || t > this.to) this.set(t - this.width / 2, this.width);
  }

  get isWhole() {
    return this.width >= this.end * 1.019;
  }
}

/** The rows from top to bottom: the timeline's own, then each group and its lanes as far as unfolded. */
function rowsOf(data) {
  const rows = [{ kind: 'timeline', label: 'timeline' }];
  for (const group of data.groups) {
    if (!group.isSingle) rows.push({ kind: 'group', group, label: group.label });
    if (group.isSingle || !group.isFolded) {
      for (const lane of group.lanes) {
        const label = group.isSingle ? group.label + ' · ' + lane.label : lane.label;
        rows.push({ kind: 'lane', group, lane, label, isInner: !group.isSingle });
      }
    }
  }
  rows.forEach((row, n) => (row.y = AXIS + n * ROW));
  return rows;
}
