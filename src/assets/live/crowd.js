// Draws thousands of dots and their trails as pixels of one picture, which costs the same however the canvas is drawn.
import { contextOf } from '../shared/dom.js';

/** @typedef {[number, number, number]} MaskPixel how far right and down of the middle, and how much is covered, to 255 */

/**
 * How much of each pixel a dot covers, in a square around its middle.
 * @param {number} radius
 * @returns {MaskPixel[]}
 */
export function dotMask(radius) {
  const width = 2 * Math.ceil(radius) + 1, middle = (width - 1) / 2;
  /** @type {MaskPixel[]} */
  const covered = [];
  for (let n = 0; n < width * width; n++) {
    const x = n % width - middle, y = Math.floor(n / width) - middle;
    const cover = Math.min(Math.max(radius - Math.hypot(x, y) + .5, 0), 1);
    if (cover) covered.push([x, y, Math.round(cover * 255)]);
  }
  return covered;
}

/**
 * A colour `#rrggbb` as the lower three bytes of a pixel, of which red is the lowest.
 * @param {string} hex
 * @returns {number}
 */
export function pixelColor(hex) {
  const value = parseInt(hex.slice(1), 16);
  return value >> 16 | value & 0xff00 | (value & 255) << 16;
}

export class Crowd {
  constructor() {
    this.canvas = document.createElement('canvas');
    this.context = contextOf(this.canvas);
    this.image = this.context.createImageData(1, 1);
    this.pixels = new Uint32Array(this.image.data.buffer);
    /** @type {Map<string, number>} */
    this.colors = new Map();
    this.radius = 0;
    /** @type {MaskPixel[]} */
    this.mask = [];
  }

  /**
   * Begins again, for a box of the canvas.
   * @param {number} width
   * @param {number} height
   */
  begin(width, height) {
    const ratio = window.devicePixelRatio || 1;
    this.resize(Math.max(Math.round(width * ratio), 1), Math.max(Math.round(height * ratio), 1));
    this.pixels.fill(0);
  }

  /**
   * A piece of a trail, along one side, from one place of the box to another.
   * @param {[number, number]} from
   * @param {[number, number]} to
   * @param {string} color
   * @param {number} alpha
   */
  addTrail([fromX, fromY], [x, y], color, alpha) {
    const ratio = window.devicePixelRatio || 1, { pixels } = this, { width, height } = this.image;
    const pixel = (this.colorOf(color) | alpha * 255 << 24) >>> 0;
    const left = Math.max(Math.round(Math.min(fromX, x) * ratio), 0), right = Math.min(Math.round(Math.max(fromX, x) * ratio), width - 1);
    const top = Math.max(Math.round(Math.min(fromY, y) * ratio), 0), bottom = Math.min(Math.round(Math.max(fromY, y) * ratio), height - 1);
    for (let atY = top; atY <= bottom; atY++) for (let atX = left; atX <= right; atX++) pixels[atY * width + atX] = pixel;
  }

  /**
   * Draws the dots over the trails, where they are within the box.
   * @param {CanvasRenderingContext2D} context
   * @param {[number, number][][]} spots the middles of the dots of each colour
   * @param {string[]} colors
   * @param {number} size
   * @param {[number, number, number, number]} box
   */
  draw(context, spots, colors, size, [left, top, width, height]) {
    const ratio = window.devicePixelRatio || 1, radius = Math.round(size * ratio * 4) / 4;
    if (this.radius !== radius) this.mask = dotMask(radius);
    this.radius = radius;
    spots.forEach((some, hue) => {
      const color = this.colorOf(colors[hue]);
      for (const [x, y] of some) this.addDot((x - left) * ratio, (y - top) * ratio, color);
    });
    this.context.putImageData(this.image, 0, 0);
    context.drawImage(this.canvas, left, top, width, height);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.image.width === width && this.image.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.image = this.context.createImageData(width, height);
    // A pixel is one number. Red is its lowest byte on every machine that has a browser.
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /**
   * @param {string} name
   * @returns {number}
   */
  colorOf(name) {
    let color = this.colors.get(name);
    if (color === undefined) {
      this.context.fillStyle = name;
      this.colors.set(name, color = pixelColor(this.context.fillStyle));
    }
    return color;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} color
   */
  addDot(x, y, color) {
    const { pixels, mask } = this, { width, height } = this.image, middleX = Math.round(x), middleY = Math.round(y);
    for (const [byX, byY, cover] of mask) {
      const atX = middleX + byX, atY = middleY + byY, at = atY * width + atX;
      if (atX < 0 || atX >= width || atY < 0 || atY >= height || pixels[at] >>> 24 > cover) continue;
      pixels[at] = (color | cover << 24) >>> 0;
    }
  }
}
