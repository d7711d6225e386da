// The part of the run's time that is seen.
import { clamp } from '../shared/scale.js';

/** The shortest time that can be looked at, in nanoseconds. */
const MIN_WIDTH = 200;
/** The whole run, with a little room after its end. */
const WHOLE = 1.02;

/** The part of the run's time that is seen. */
export class TimeWindow {
  /** @param {number} end the end of the run */
  constructor(end) {
    this.end = end;
    this.from = 0;
    this.to = end * WHOLE;
  }

  get width() {
    return this.to - this.from;
  }

  showAll() {
    this.from = 0;
    this.to = this.end * WHOLE;
  }

  /**
   * Shows this part, or the nearest one that there is.
   * @param {number} from
   * @param {number} width
   */
  set(from, width) {
    const most = this.end * WHOLE;
    const fits = clamp(width, Math.min(MIN_WIDTH, most), most);
    this.from = clamp(from, 0, most - fits);
    this.to = this.from + fits;
  }

  /**
   * Makes the window wider by a factor, or narrower if it is below 1. What is at t stays in its place.
   * @param {number} factor
   * @param {number} [t]
   */
  zoom(factor, t = (this.from + this.to) / 2) {
    const share = (t - this.from) / this.width;
    const width = Math.max(this.width * factor, Math.min(MIN_WIDTH, this.end));
    this.set(t - share * width, width);
  }

  /**
   * Moves by a share of its width.
   * @param {number} share
   */
  move(share) {
    this.set(this.from + share * this.width, this.width);
  }

  /**
   * Moves so that t is in the middle, unless t is seen already.
   * @param {number} t
   */
  show(t) {
    if (t < this.from || t > this.to) this.set(t - this.width / 2, this.width);
  }
}
