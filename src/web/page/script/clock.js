// The run's clock: told at each message, and let go on between them.

/** A clock that is told to be behind by no more than so many seconds waits, instead of going back. */
const BEHIND = .4;

class Clock {
  constructor(frames) {
    Object.assign(this, { frames, t: 0, at: 0, speed: 1, isGoing: false, isHeld: false });
    this.element = get('clock');
  }

  take(change, run, isWhole) {
    const before = this.now();
    this.t = change.t ?? before;
    this.at = performance.now();
    if (!isWhole && this.t < before && before - this.t < BEHIND) this.t = before;
    // Virtual time does not pass: it is where the last event was.
    const isVirtual = run.mode === 'run' && run.run.clock === 'virtual';
    // Nor does it of a log that is played as fast as it goes.
    this.speed = run.mode === 'play' ? run.play.speed : run.run.speed ?? 1;
    this.isGoing = run.is_going && !isVirtual && this.speed !== null && (run.mode === 'play' || !run.end);
    this.most = run.mode === 'play' ? run.play.end ?? Infinity : Infinity;
    this.frames.ask(this);
  }

  /** Holds it, while nothing is heard of the run. */
  hold(isHeld) {
    if (isHeld === this.isHeld) return;
    this.t = this.now();
    this.at = performance.now();
    this.isHeld = isHeld;
    this.frames.ask(this);
  }

  get goes() {
    return this.isGoing && !this.isHeld;
  }

  /** The moment of the run, in seconds. */
  now() {
    return this.goes ? Math.min(this.t + (performance.now() - this.at) / 1000 * this.speed, this.most) : this.t;
  }

  draw() {
    put(this.element, clockText(this.now()));
    if (this.goes) this.frames.ask(this);
  }
}
