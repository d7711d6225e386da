// Draws the board. It changes nothing but what it remembers of the widths of names.

/** So many players still have their names beside them. */
const NAMED = 120;
/** Of more players than these the dots are put in as pixels, not drawn one by one. */
const CROWD = 300;
/** How much is seen of who is gone. */
const PALE = .6;
/** Steps in which a trail fades. */
const FADES = 5;

class BoardDrawing {
  constructor(board) {
    Object.assign(this, { board, widths: new Map(), crowd: new Crowd() });
  }

  /** Where a player is on the canvas. */
  spot(player, now) {
    const { view } = this.board, [x, y] = this.board.seen(player, now), aside = player.aside * view.cell;
    return [view.x(x) + Math.cos(player.angle) * aside, view.y(y) + Math.sin(player.angle) * aside];
  }

  /** All of it; whether a player is still on its way. */
  all(context, now) {
    const { board } = this, { view, theme } = board;
    Object.assign(this, { context, now, theme, view });
    this.ground();
    context.save();
    context.beginPath();
    context.rect(...view.box);
    context.clip();
    this.trails();
    const moves = this.players();
    context.restore();
    this.rings();
    this.names();
    return moves;
  }

  ground() {
    const { context, theme, view } = this, { cell, world } = view, [left, top, wide, high] = view.box;
    if (world) {
      context.fillStyle = theme.back;
      context.fillRect(left, top, wide, high);
    }
    const step = cell >= 7 ? 1 : cell >= 2 ? 5 : 10 ** Math.ceil(Math.log10(10 / cell));
    context.fillStyle = theme.faint;
    const firstX = Math.ceil((left - view.left) / cell / step) * step, firstY = Math.ceil((top - view.top) / cell / step) * step;
    for (let x = firstX; view.left + x * cell <= left + wide + .5; x += step) context.fillRect(Math.round(view.left + x * cell), top, 1, high);
    for (let y = firstY; view.top + y * cell <= top + high + .5; y += step) context.fillRect(left, Math.round(view.top + y * cell), wide, 1);
    if (world) this.edges();
  }

  /** A wall where players stop; a dashed line where they come back on the other side. */
  edges() {
    const { context, theme, view } = this, [left, top, wide, high] = view.box, isOpen = view.world.edges === 'wrap';
    context.strokeStyle = isOpen ? theme.open : theme.soft;
    context.lineWidth = isOpen ? 1.5 : 3;
    context.setLineDash(isOpen ? [5, 5] : []);
    context.strokeRect(left - 1, top - 1, wide + 2, high + 2);
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  get size() {
    return Math.min(Math.max(this.view.cell * .34, 2), 9);
  }

  get isCrowd() {
    return this.board.players.size > CROWD;
  }

  /** How far a piece of a trail has faded. A frame has the time of its begin: what came since is as new. */
  fade({ since }) {
    return Math.max(Math.floor((this.now - since) / STAYS * FADES), 0);
  }

  trails() {
    if (this.isCrowd) return this.manyTrails();
    const { context, view, theme } = this, groups = new Map();
    for (const piece of this.board.trails) {
      const fade = this.fade(piece), key = fade * HUES + piece.hue;
      if (fade < FADES) groups.has(key) ? groups.get(key).push(piece) : groups.set(key, [piece]);
    }
    context.lineWidth = Math.max(1, this.size * .55);
    // Round ends of thousands of pieces cost more than all else.
    context.lineCap = this.board.trails.length > 500 ? 'butt' : 'round';
    for (const [key, pieces] of groups) {
      context.strokeStyle = theme.players[key % HUES];
      context.globalAlpha = .42 * (1 - Math.floor(key / HUES) / FADES);
      context.beginPath();
      for (const { fromX, fromY, x, y } of pieces) context.moveTo(view.x(fromX), view.y(fromY)), context.lineTo(view.x(x), view.y(y));
      context.stroke();
    }
    context.globalAlpha = 1;
    context.lineWidth = 1;
  }

  manyTrails() {
    const { view, theme, crowd } = this, [left, top, wide, high] = view.box;
    crowd.begin(wide, high);
    for (const piece of this.board.trails) {
      const { fromX, fromY, x, y, hue } = piece, fade = this.fade(piece);
      if (fade < FADES) crowd.trail(view.x(fromX) - left, view.y(fromY) - top, view.x(x) - left, view.y(y) - top, theme.players[hue], .5 * (1 - fade / FADES));
    }
  }

  /** The dots, all of one colour at once. */
  players() {
    const { context, now, theme, view, board } = this, { size } = this, [left, top, wide, high] = view.box;
    const [here, gone] = [0, 1].map(() => Array.from({ length: HUES }, () => []));
    let moves = false;
    for (const player of board.players.values()) {
      const spot = this.spot(player, now);
      if (!player.isGone && now - player.since < SLIDE) moves = true;
      const spots = (player.isGone ? gone : here)[player.hue];
      spots.push(spot);
      // What goes over an edge that wraps is seen at both of them.
      if (view.world?.edges !== 'wrap') continue;
      const near = view.cell;
      if (spot[0] < left + near) spots.push([spot[0] + wide, spot[1]]);
      else if (spot[0] > left + wide - near) spots.push([spot[0] - wide, spot[1]]);
      if (spot[1] < top + near) spots.push([spot[0], spot[1] + high]);
      else if (spot[1] > top + high - near) spots.push([spot[0], spot[1] - high]);
    }
    context.globalAlpha = PALE;
    gone.forEach((spots, hue) => {
      if (!spots.length) return;
      context.strokeStyle = theme.players[hue];
      this.dots(spots, Math.max(size * .7, 1.5));
      context.stroke();
    });
    context.globalAlpha = 1;
    if (this.isCrowd) this.crowd.draw(context, here, theme.players, size, view.box);
    else here.forEach((spots, hue) => {
      if (!spots.length) return;
      context.fillStyle = theme.players[hue];
      this.dots(spots, size);
      context.fill();
    });
    return moves && !theme.isStill;
  }

  dots(spots, size) {
    const { context } = this;
    context.beginPath();
    for (const [x, y] of spots) context.moveTo(x + size, y), context.arc(x, y, size, 0, 2 * Math.PI);
  }

  ring(player, color, width, more) {
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    this.dots([this.spot(player, this.now)], this.size + more);
    context.stroke();
    context.lineWidth = 1;
  }

  rings() {
    const { board, theme } = this, own = board.players.get(board.own);
    if (own) this.ring(own, theme.text, 2.5, 4);
    if (board.hovered) this.ring(board.hovered, theme.focus, 2, 2.5);
  }

  width(text) {
    let width = this.widths.get(text);
    if (width === undefined) this.widths.set(text, width = this.context.measureText(text).width);
    if (this.widths.size > 2000) this.widths.clear();
    return width;
  }

  /** The names, where there is room for them: the own one first, and none on another or on a dot. */
  names() {
    const { context, board, now, theme } = this, { wide, high } = board.canvas, { size } = this;
    const own = board.players.get(board.own), special = [own, board.hovered].filter(Boolean);
    const all = board.players.size > NAMED ? [] : [...board.players.values()].sort((one, other) => one.isGone - other.isGone);
    const named = [...special, ...all.filter(player => !special.includes(player))];
    const dots = all.map(player => [player, ...this.spot(player, now)]);
    const taken = [];
    context.font = '600 12px system-ui, "Segoe UI", sans-serif';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    for (const player of named) {
      const [x, y] = this.spot(player, now), text = cut(player.shown, 18), width = this.width(text);
      const away = size + (player === own ? 8 : 4);
      const places = [[x + away, y - 7], [x - away - width, y - 7], [x - width / 2, y - away - 14], [x - width / 2, y + away]];
      // It stays on its side as long as it can.
      const sides = [player.side ?? 0, 0, 1, 2, 3];
      const side = sides.find(side => this.isFree(places[side], width, player, taken, dots, wide, high)) ?? (special.includes(player) ? 0 : null);
      if (side === null) continue;
      player.side = side;
      const [left, top] = places[side];
      taken.push([left, top, width, 14]);
      context.strokeStyle = this.view.world ? theme.back : theme.card;
      context.lineWidth = 3;
      context.strokeText(text, left, top + 7);
      context.fillStyle = player === own ? theme.text : theme.players[player.hue];
      context.globalAlpha = player.isGone ? PALE : 1;
      context.fillText(text, left, top + 7);
      context.globalAlpha = 1;
    }
    context.lineWidth = 1;
  }

  isFree([left, top], width, player, taken, dots, wide, high) {
    if (left < 2 || left + width > wide - 2 || top < 1 || top + 14 > high - 1) return false;
    if (taken.some(([x, y, w, h]) => left < x + w + 2 && left + width + 2 > x && top < y + h && top + 14 > y)) return false;
    const near = this.size * .7;
    return !dots.some(([other, x, y]) => other !== player && x > left - near && x < left + width + near && y > top - near && y < top + 14 + near);
  }
}
