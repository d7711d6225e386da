// The run's clock: set by each message, and going on between them.
import { get } from '../shared/dom.js';
import { putText } from './elements.js';
import { clockText } from './text.js';

/** @import { Change, Run } from './types.d.ts' */
/** @import { Frames } from './frames.js' */

/** A clock that is ahead of a message by no more than this many seconds waits, instead of going back. */
const MAX_AHEAD = .4;

export class Clock {
  /** @param {Frames} frames */
  constructor(frames) {
    this.frames = frames;
    this.t = 0;
    this.setAt = 0;
    this.speed = 1;
    this.most = Infinity;
    this.isGoing = false;
    this.isHeld = false;
  }

  /**
   * @param {Change} change
   * @param {Run} run
   * @param {boolean} isWhole
   */
  take(change, run, isWhole) {
    const before = this.now(), play = run.mode === 'play' ? run.play : undefined;
    this.t = change.t ?? before;
    this.setAt = performance.now();
    if (!isWhole && this.t < before && before - this.t < MAX_AHEAD) this.t = before;
    // Virtual time does not pass: it is at the last event. The same holds for a log that is played as fast as it can go.
    const isVirtual = !play && run.run.clock === 'virtual', isUnbounded = play?.speed === null;
    this.speed = play?.speed ?? run.run.speed ?? 1;
    this.isGoing = run.is_going && !isVirtual && !isUnbounded && (Boolean(play) || !run.end);
    this.most = play?.end ?? Infinity;
    this.frames.ask(this);
  }

  /**
   * Holds the clock while nothing comes from the run.
   * @param {boolean} isHeld
   */
  hold(isHeld) {
    if (isHeld === this.isHeld) return;
    this.t = this.now();
    this.setAt = performance.now();
    this.isHeld = isHeld;
    this.frames.ask(this);
  }

  get goes() {
    return this.isGoing && !this.isHeld;
  }

  /** The moment of the run, in seconds. */
  now() {
    return this.goes ? Math.min(this.t + (performance.now() - this.setAt) / 1000 * this.speed, this.most) : this.t;
  }

  draw() {
    putText(get('clock'), clockText(this.now()));
    if (this.goes) this.frames.ask(this);
  }
}
