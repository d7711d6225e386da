// The players on the board: where each is, where it comes from, and what is asked of it.

/** How long a move is seen to take, in milliseconds, and how long its trail stays. */
const SLIDE = 160;
const STAYS = 1800;
/** A way longer than so many places was no move: the player is just there. */
const JUMP = 6;
/** So many pieces of trails at most. */
const PIECES = 4000;

class Board {
  constructor(frames, theme) {
    Object.assign(this, { frames, theme, players: new Map(), trails: [], view: new View(), own: null, ownSource: null, hovered: null });
    const ask = () => frames.ask(this);
    this.canvas = new Canvas(get('board-canvas'), get('stage'), ask);
    this.drawing = new BoardDrawing(this);
    this.ask = ask;
    this.words = { at: 0, timer: 0 };
    boardPointers(this);
  }

  take(change, run, isWhole) {
    if (isWhole) this.forget(run);
    this.run = run;
    if (change.players || isWhole) {
      this.view.world = run.world;
      const now = performance.now();
      for (const [name, player] of Object.entries(change.players ?? run.players)) this.put(name, player, now, isWhole);
      if (this.trails.length > PIECES) this.trails.splice(0, this.trails.length - PIECES);
      this.share();
      this.view.fit(run.world, this.players.values());
      const [across, down] = run.world?.size ?? [16, 10];
      get('stage').style.setProperty('--ratio', Math.min(Math.max(across / down, .6), 3));
      // Who has come late to a gap in which nobody is there sees that there is a board.
      this.isShown = this.players.size > 0 || Boolean(run.world) || run.counts?.moves > 0;
      get('board').hidden = !this.isShown;
      this.tellSoon();
      this.ask();
    }
  }

  /** The player of a source is the own one: by whatever name it is known. */
  follow(source) {
    this.ownSource = source;
    this.own = null;
    for (const [name, { told }] of this.players) if (source && told.source === source) this.own = name;
    this.ask();
  }

  forget(run) {
    const before = this.players;
    this.players = new Map();
    this.trails = [];
    this.view.wanted = null;
    // Those who stay slide to where they are now.
    for (const [name, player] of before) if (run.players[name]) this.players.set(name, player);
  }

  put(name, told, now, isWhole) {
    if (told === null) return void this.players.delete(name);
    const player = this.players.get(name) ?? this.come(name, told.at);
    const [x, y] = told.at;
    // Who comes back has come from elsewhere.
    if (x !== player.x || y !== player.y) this.step(player, told, now, isWhole || player.isGone);
    if (told.source && told.source === this.ownSource) this.own = name;
    Object.assign(player, { at: told.at, told, isGone: Boolean(told.is_gone) });
  }

  come(name, [x, y]) {
    const hash = hashOf(name), angle = (hash >>> 8) % 360 / 180 * Math.PI;
    const player = { name, shown: visible(name), hue: hash % HUES, angle, x, y, fromX: x, fromY: y, since: 0, aside: 0, isGone: false };
    this.players.set(name, player);
    return player;
  }

  /** A player is elsewhere: it is seen to go there, if it is near. */
  step(player, { at: [x, y], direction }, now, isJump) {
    const byX = this.view.way(player.x, x, 0), byY = this.view.way(player.y, y, 1);
    if (isJump || Math.abs(byX) + Math.abs(byY) > JUMP) return void Object.assign(player, { x, y, fromX: x, fromY: y, since: 0 });
    const [seenX, seenY] = this.seen(player, now);
    if (!this.theme.isStill) this.trail(player.hue, [x - byX, y - byY], [x, y], direction, now);
    Object.assign(player, { fromX: x - byX + seenX - player.x, fromY: y - byY + seenY - player.y, x, y, since: now });
  }

  /** Several moves at once turned a corner: the last of them is the leg that ends here. */
  trail(hue, [fromX, fromY], [x, y], direction, since) {
    const isUpright = direction === 'N' || direction === 'S', [turnX, turnY] = isUpright ? [x, fromY] : [fromX, y];
    if (turnX !== fromX || turnY !== fromY) this.trails.push({ fromX, fromY, x: turnX, y: turnY, hue, since });
    if (turnX !== x || turnY !== y) this.trails.push({ fromX: turnX, fromY: turnY, x, y, hue, since });
  }

  /** Those who share a place stand a little aside, so that each is seen. */
  share() {
    const first = new Map();
    for (const player of this.players.values()) {
      if (player.isGone) continue;
      const place = player.at[0] + ',' + player.at[1], other = first.get(place);
      player.aside = other ? .24 : 0;
      if (other) other.aside = .24;
      else first.set(place, player);
    }
  }

  /** Where a player is seen at a moment: on its way, perhaps. */
  seen(player, now) {
    const share = Math.min(Math.max((now - player.since) / SLIDE, 0), 1);
    if (share >= 1 || this.theme.isStill) return [player.x, player.y];
    const eased = 1 - (1 - share) ** 3;
    return [player.fromX + (player.x - player.fromX) * eased, player.fromY + (player.y - player.fromY) * eased];
  }

  draw(now) {
    const context = this.isShown && this.canvas.begin();
    if (!context) return;
    const { wide, high } = this.canvas;
    let first = 0;
    while (first < this.trails.length && now - this.trails[first].since > STAYS) first++;
    if (first) this.trails.splice(0, first);
    const isOnItsWay = this.view.lay(wide, high, now, this.theme.isStill);
    const moves = this.drawing.all(context, now);
    if (isOnItsWay || moves || this.trails.length) this.ask();
  }

  /** The player nearest to a place of the canvas, if one is near. */
  nearest(x, y, near) {
    const now = performance.now();
    let best = null, distance = near * near;
    for (const player of this.players.values()) {
      const [atX, atY] = this.drawing.spot(player, now);
      const far = (atX - x) ** 2 + (atY - y) ** 2 + (player.isGone ? 30 : 0);
      if (far < distance) [best, distance] = [player, far];
    }
    return best;
  }

  wordsOf({ shown, told, at }) {
    const words = [shown + (told.is_gone ? ' (gone)' : ''), 'at ' + at[0] + ', ' + at[1]];
    if (told.moves) words.push(counted(told.moves, 'move') + (told.direction ? ', the last ' + visible(told.direction) : ''));
    if (told.source) words.push(visible(told.source));
    return words;
  }

  /** Says who is there, soon and once for many changes. */
  tellSoon() {
    if (this.words.timer) return;
    this.words.timer = setTimeout(() => {
      this.words.timer = 0;
      this.tell();
    }, 250);
  }

  tell() {
    const { world, more_players: more } = this.run;
    const all = [...this.players.values()], here = all.filter(player => !player.isGone), gone = all.length - here.length;
    const edges = world && (world.edges === 'wrap' ? 'edges wrap' : 'edges stop');
    const place = world ? world.size[0] + ' × ' + world.size[1] + ', ' + edges : 'without a world: each from a spot of its own';
    const counts = [counted(here.length, 'player'), gone && number(gone) + ' gone', more && 'more are not shown'].filter(Boolean).join(', ');
    put(get('board-words'), counts + ' · ' + place);
    const names = listed(here.map(({ shown, at }) => cut(shown, 40) + ' at ' + at.join(', ')), 12);
    get('stage').setAttribute('aria-label', 'Board, ' + get('board-words').textContent + (names ? ': ' + names : ''));
  }
}

/** What a mouse or a finger asks of the board: who is that? */
function boardPointers(board) {
  const { canvas } = board.canvas;
  const over = event => {
    const box = canvas.getBoundingClientRect();
    const player = board.nearest(event.clientX - box.left, event.clientY - box.top, event.pointerType === 'mouse' ? 16 : 26);
    if (player !== board.hovered) board.ask();
    board.hovered = player;
    tip.show(player && board.wordsOf(player), event.clientX, event.clientY);
  };
  canvas.addEventListener('pointermove', over);
  canvas.addEventListener('pointerdown', over);
  canvas.addEventListener('pointerleave', event => {
    if (event.pointerType !== 'mouse') return;
    board.hovered = null;
    tip.show(null);
    board.ask();
  });
}
