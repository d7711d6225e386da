// Draws what has changed, once a frame: nothing is drawn while nothing changes.

class Frames {
  constructor() {
    this.asked = new Set();
  }

  /** Has a part drawn in the next frame: its `draw` is called with the time, and may ask again. */
  ask(part) {
    if (!this.asked.size) requestAnimationFrame(now => this.draw(now));
    this.asked.add(part);
  }

  draw(now) {
    const parts = [...this.asked];
    this.asked.clear();
    for (const part of parts) part.draw(now);
  }
}

/** A canvas as large as the place it is in, whatever the screen's pixels. */
class Canvas {
  constructor(canvas, place, resized) {
    Object.assign(this, { canvas, wide: 0, high: 0, context: canvas.getContext('2d') });
    // The observer tells the size, so that drawing never has to ask for it.
    new ResizeObserver(([entry]) => {
      this.wide = Math.floor(entry.contentRect.width);
      this.high = Math.floor(entry.contentRect.height);
      resized();
    }).observe(place);
  }

  /** Makes it ready to draw anew; nothing if there is no room. */
  begin() {
    const ratio = window.devicePixelRatio || 1, { canvas, wide, high, context } = this;
    if (!wide || !high) return null;
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(high * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(high * ratio);
      canvas.style.width = wide + 'px';
      canvas.style.height = high + 'px';
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, wide, high);
    return context;
  }
}

const tip = {
  /** Shows lines of words beside a place of the window; none of them hides it. */
  show(words, x, y) {
    const element = get('tip');
    element.hidden = !words;
    if (!words) return;
    put(element, words.join('\n'));
    const { offsetWidth: wide, offsetHeight: high } = element;
    element.style.left = Math.max(4, Math.min(x + 14, innerWidth - wide - 8)) + 'px';
    element.style.top = Math.max(4, y + 18 + high > innerHeight ? y - high - 10 : y + 18) + 'px';
  },
};
