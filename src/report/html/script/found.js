// What is searched for: names of waves and sources, what is said of them, moves, lines, and marks.

class Search {
  constructor(data) {
    this.all = [];
    for (const mark of data.marks) this.all.push({ thing: mark, t: mark.t, text: mark.text });
    for (const group of data.groups) {
      if (!group.isSingle) this.all.push({ thing: group, group, t: null, text: group.label });
      for (const lane of group.lanes) {
        const name = group.isSingle ? group.label + ' ' : '';
        if (lane.source) this.all.push({ thing: lane, group, lane, t: lane.start, text: name + lane.source + ' ' + lane.words });
        for (const point of lane.points) this.all.push({ thing: point, group, lane, t: point.t, text: point.text });
      }
    }
    for (const one of this.all) one.text = one.text.toLowerCase();
    this.clear();
  }

  clear() {
    this.hits = [];
    this.things = new Set();
    this.at = -1;
  }

  /** Finds all that has every one of these words in it, in the order of time. */
  find(words) {
    this.clear();
    const wanted = words.toLowerCase().split(/\s+/).filter(word => word);
    if (!wanted.length) return;
    this.hits = this.all.filter(one => wanted.every(word => one.text.includes(word)));
    this.hits.sort((one, other) => (one.t ?? -1) - (other.t ?? -1));
    this.things = new Set(this.hits.map(hit => hit.thing));
  }

  /** The next hit, or the one before. */
  go(step) {
    if (!this.hits.length) return null;
    this.at = this.at < 0 && step < 0 ? this.hits.length - 1 : (this.at + step + this.hits.length) % this.hits.length;
    return this.hits[this.at];
  }

  get words() {
    const count = this.hits.length.toLocaleString('en');
    return this.at < 0 ? count + (this.hits.length === 1 ? ' hit' : ' hits') : (this.at + 1).toLocaleString('en') + ' of ' + count;
  }
}
