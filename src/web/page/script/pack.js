// Lanes in rows: what starts the same thing again stands in one row, as long as one has ended before the next.

/** What stands beside the name of what is alone in its row: of a load, no request is. */
const sourceOf = ({ lane, shown }) => (lane.kind === 'load' ? 'load' : shown);

class Pack {
  constructor() {
    this.placed = new Map();
  }

  /** Rows for lanes by their keys, in the order in which each thing was first started. */
  rows(lanes) {
    const all = Object.entries(lanes).map(([key, lane]) => ({ key, lane, label: visible(lane.label), shown: visible(key) }));
    all.sort((one, other) => one.lane.from - other.lane.from || (one.key < other.key ? -1 : 1));
    for (const key of this.placed.keys()) if (!lanes[key]) this.placed.delete(key);
    const groups = new Map();
    for (const one of all) {
      const { kind, label, entry } = one.lane, name = JSON.stringify([kind, label, entry]);
      if (!groups.has(name)) groups.set(name, []);
      this.place(groups.get(name), one);
    }
    const rows = [];
    for (const group of groups.values()) {
      const there = group.filter(row => row?.length), count = there.reduce((sum, row) => sum + row.length, 0);
      there.forEach((row, n) => {
        const times = n ? '' : '×' + number(count);
        rows.push({ lanes: row, label: n ? '' : row[0].label, note: row.length === 1 ? sourceOf(row[0]) : times });
      });
    }
    return rows;
  }

  /** Where it was before, so that nothing jumps; else in the first row that is free by then. */
  place(group, one) {
    let nth = this.placed.get(one.key);
    if (nth === undefined) {
      nth = group.findIndex(row => !row?.length || row.at(-1).lane.to !== null && row.at(-1).lane.to <= one.lane.from);
      if (nth < 0) nth = group.length;
      this.placed.set(one.key, nth);
    }
    (group[nth] ??= []).push(one);
  }
}
