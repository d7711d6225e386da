// Which part of the plane is seen on the board, and how large. It draws nothing.

/** The fewest places that are seen across where a plane has no bounds. */
const FEWEST = 9;
/** How fast a view without bounds follows, in milliseconds. */
const FOLLOWS = 260;

class View {
  constructor() {
    Object.assign(this, { world: null, wanted: null, seen: null, at: 0 });
  }

  /** Of what is seen: a world of a size, or all that is there. */
  fit(world, players) {
    this.world = world;
    if (world) return;
    let [left, top, right, bottom] = [0, 0, 0, 0];
    for (const { at: [x, y] } of players) {
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    const { wanted } = this, room = 2;
    const fits = wanted && left >= wanted.left + 1 && right <= wanted.right - 1 && top >= wanted.top + 1 && bottom <= wanted.bottom - 1;
    const isLoose = fits && (right - left + 2 * room) * 2.2 < wanted.right - wanted.left && wanted.right - wanted.left > FEWEST * 2;
    // It grows in steps, so that it does not swim with each move.
    const grown = room + Math.ceil((Math.max(right - left, bottom - top)) * .12);
    if (!fits || isLoose) this.wanted = { left: left - grown, top: top - grown, right: right + grown, bottom: bottom + grown };
  }

  /** Lays it out on a canvas; whether it still goes to where it should be. */
  lay(wide, high, now, isStill) {
    if (this.world) {
      const [across, down] = this.world.size, room = 10;
      this.cell = Math.max(Math.min((wide - 2 * room) / across, (high - 2 * room) / down), .5);
      this.left = (wide - across * this.cell) / 2;
      this.top = (high - down * this.cell) / 2;
      Object.assign(this, { box: [this.left, this.top, across * this.cell, down * this.cell], seen: null });
      return false;
    }
    const { left, top, right, bottom } = this.wanted ?? { left: 0, top: 0, right: 0, bottom: 0 };
    const goal = {
      x: (left + right + 1) / 2, y: (top + bottom + 1) / 2,
      cell: Math.min(wide / Math.max(right - left + 1, FEWEST), high / Math.max(bottom - top + 1, FEWEST)),
    };
    const before = this.seen ?? goal, share = isStill ? 1 : 1 - Math.exp(-Math.min(now - this.at, 100) / FOLLOWS);
    this.at = now;
    const seen = {};
    for (const key of ['x', 'y', 'cell']) seen[key] = before[key] + (goal[key] - before[key]) * share;
    const isNear = Math.abs(goal.x - seen.x) + Math.abs(goal.y - seen.y) < .01 && Math.abs(goal.cell / seen.cell - 1) < .003;
    this.seen = isNear ? goal : seen;
    this.cell = this.seen.cell;
    this.left = wide / 2 - this.seen.x * this.cell;
    this.top = high / 2 - this.seen.y * this.cell;
    this.box = [0, 0, wide, high];
    return !isNear;
  }

  /** Where the middle of a place is on the canvas. */
  x(x) {
    return this.left + (x + .5) * this.cell;
  }

  y(y) {
    return this.top + (y + .5) * this.cell;
  }

  /** The shortest way from one place to another, along one side: round the edge, if it wraps. */
  way(from, to, side) {
    const way = to - from;
    if (this.world?.edges !== 'wrap') return way;
    const size = this.world.size[side];
    return way > size / 2 ? way - size : way < -size / 2 ? way + size : way;
  }
}
