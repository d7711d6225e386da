// Draws thousands of dots and their trails: as pixels of one picture, which costs the same whatever draws the canvas.

class Crowd {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.context = this.canvas.getContext('2d');
    this.colors = new Map();
  }

  /** Begins anew, for a box of the canvas. */
  begin(wide, high) {
    const ratio = window.devicePixelRatio || 1;
    this.room(Math.max(Math.round(wide * ratio), 1), Math.max(Math.round(high * ratio), 1));
    this.pixels.fill(0);
  }

  /** A piece of a trail, along one side, from one place within the box to another. */
  trail(fromX, fromY, x, y, color, alpha) {
    const ratio = window.devicePixelRatio || 1, { pixels, wide, high } = this;
    const pixel = (this.color(color) | alpha * 255 << 24) >>> 0;
    const left = Math.max(Math.round(Math.min(fromX, x) * ratio), 0), right = Math.min(Math.round(Math.max(fromX, x) * ratio), wide - 1);
    const top = Math.max(Math.round(Math.min(fromY, y) * ratio), 0), bottom = Math.min(Math.round(Math.max(fromY, y) * ratio), high - 1);
    for (let atY = top; atY <= bottom; atY++) for (let atX = left; atX <= right; atX++) pixels[atY * wide + atX] = pixel;
  }

  /** Draws the dots, by their colours, of a size, where they are within the box, over the trails. */
  draw(context, spots, colors, size, [left, top, wide, high]) {
    const ratio = window.devicePixelRatio || 1;
    const mask = this.mask(Math.round(size * ratio * 4) / 4);
    spots.forEach((some, hue) => {
      const color = this.color(colors[hue]);
      for (const [x, y] of some) this.dot((x - left) * ratio, (y - top) * ratio, mask, color);
    });
    this.context.putImageData(this.image, 0, 0);
    context.drawImage(this.canvas, left, top, wide, high);
  }

  room(wide, high) {
    if (this.image?.width === wide && this.image.height === high) return;
    Object.assign(this.canvas, { width: wide, height: high });
    this.image = this.context.createImageData(wide, high);
    // A pixel is one number: red is its lowest byte wherever browsers run.
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.wide = wide;
    this.high = high;
  }

  /** How much of each pixel a dot covers, in a square around it. */
  mask(radius) {
    if (this.radius === radius) return this.covered;
    const wide = 2 * Math.ceil(radius) + 1, middle = (wide - 1) / 2, covered = [];
    for (let n = 0; n < wide * wide; n++) {
      const far = Math.hypot(n % wide - middle, Math.floor(n / wide) - middle);
      const cover = Math.min(Math.max(radius - far + .5, 0), 1);
      if (cover) covered.push([n % wide - middle, Math.floor(n / wide) - middle, Math.round(cover * 255)]);
    }
    Object.assign(this, { radius, covered });
    return covered;
  }

  /** A colour as the lower three bytes of a pixel. */
  color(name) {
    if (!this.colors.has(name)) {
      this.context.fillStyle = name;
      const value = parseInt(this.context.fillStyle.slice(1), 16);
      this.colors.set(name, value >> 16 | value & 0xff00 | (value & 255) << 16);
    }
    return this.colors.get(name);
  }

  dot(x, y, mask, color) {
    const { pixels, wide, high } = this, middleX = Math.round(x), middleY = Math.round(y);
    for (const [byX, byY, cover] of mask) {
      const atX = middleX + byX, atY = middleY + byY, at = atY * wide + atX;
      if (atX < 0 || atX >= wide || atY < 0 || atY >= high || pixels[at] >>> 24 > cover) continue;
      pixels[at] = (color | cover << 24) >>> 0;
    }
  }
}
