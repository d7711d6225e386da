// Draws what has changed, once in a frame. Nothing is drawn while nothing changes.
import { contextOf, sizeCanvas } from '../shared/dom.js';

/** @import { Drawable } from './types.d.ts' */

export class Frames {
  constructor() {
    /** @type {Set<Drawable>} */
    this.asked = new Set();
  }

  /**
   * Calls a part's `draw` in the next frame. It may ask again.
   * @param {Drawable} part
   */
  ask(part) {
    if (!this.asked.size) requestAnimationFrame(now => this.draw(now));
    this.asked.add(part);
  }

  /** @param {number} now */
  draw(now) {
    const parts = [...this.asked];
    this.asked.clear();
    for (const part of parts) part.draw(now);
  }
}

/** A canvas that is as large as the place it is in. */
export class Canvas {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} place
   * @param {() => void} resized
   */
  constructor(canvas, place, resized) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    this.width = 0;
    this.height = 0;
    // The observer gives the size, so that drawing never has to measure it.
    new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry.contentRect.width);
      this.height = Math.floor(entry.contentRect.height);
      resized();
    }).observe(place);
  }

  /** Empties it to be drawn again. Gives null where it has no room. */
  begin() {
    const { canvas, width, height, context } = this;
    if (!width || !height) return null;
    sizeCanvas(canvas, context, width, height);
    context.globalAlpha = 1;
    context.clearRect(0, 0, width, height);
    return context;
  }
}
