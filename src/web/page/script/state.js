// The run as it is known here: the whole that came first, and what has changed since.

const KEYED = ['players', 'lanes', 'entries'];
/** How many lines are kept, and how many players who are gone. */
const KEPT = 500;
const GONE = 200;

class State {
  constructor() {
    this.run = null;
    this.parts = [];
  }

  /** Adds a part that is told of each change: `take(change, run, isWhole)`. */
  tell(part) {
    this.parts.push(part);
  }

  whole(run) {
    // Without a prototype: a name may be `__proto__`.
    const lists = Object.fromEntries(KEYED.map(key => [key, Object.assign(Object.create(null), run[key])]));
    this.run = { ...run, ...lists, lines: (run.lines || []).slice(-KEPT) };
    this.told(this.run, true);
  }

  change(change) {
    const { run } = this;
    if (!run) return;
    for (const [key, value] of Object.entries(change)) {
      if (KEYED.includes(key)) merge(run[key], value);
      else if (key === 'lines') run.lines = run.lines.concat(value).slice(-KEPT);
      else run[key] = value;
    }
    if (change.players) forget(run.players, change.players);
    this.told(change, false);
  }

  /** The places of all, as they were broadcast: of those who are known; who comes is told by a change. */
  world({ players }) {
    if (!this.run || !players) return;
    const moved = {};
    for (const [name, at] of Object.entries(players)) {
      const known = this.run.players[name];
      if (known && (known.at[0] !== at[0] || known.at[1] !== at[1])) moved[name] = { ...known, at };
    }
    this.change({ players: moved });
  }

  told(change, isWhole) {
    for (const part of this.parts) part.take(change, this.run, isWhole);
  }
}

/** Puts whole values in the place of those with their keys; one of null takes its key away. */
function merge(into, values) {
  for (const [key, value] of Object.entries(values)) {
    if (value === null) delete into[key];
    else into[key] = value;
  }
}

/** Of players who are gone the first to come are forgotten, as if that had been told. */
function forget(players, change) {
  const gone = Object.keys(players).filter(name => players[name].is_gone);
  for (const name of gone.slice(0, Math.max(gone.length - GONE, 0))) {
    delete players[name];
    change[name] = null;
  }
}
