// A log that is played: going on, paused, made faster, and gone through.
import { get } from '../shared/dom.js';
import { made, putText } from './elements.js';
import { clockText } from './text.js';
import { sendText } from './token.js';

/** @import { Change, Playback, Run } from './types.d.ts' */
/** @import { Clock } from './clock.js' */
/** @import { Frames } from './frames.js' */
/** @import { Token } from './token.js' */

const SPEEDS = [.25, .5, 1, 2, 4, 8, 16, 64];
/** The value of the choice of a speed without a bound. */
const UNBOUNDED = 'max';
/** The shortest time between two jumps while the scrubber is dragged, in milliseconds. */
const DRAG_PERIOD = 120;

/** @typedef {{ do: 'go' | 'pause' } | { speed: number } | { to: number }} PlaybackCommand */

export class Scrubber {
  /**
   * @param {Frames} frames
   * @param {Clock} clock
   * @param {Token} token
   * @param {(words: string) => void} isTokenWrong
   */
  constructor(frames, clock, token, isTokenWrong) {
    this.frames = frames;
    this.clock = clock;
    this.token = token;
    this.isTokenWrong = isTokenWrong;
    /** @type {Playback | null} */
    this.play = null;
    this.isDragged = false;
    this.wanted = 0;
    this.sentAt = 0;
    this.timer = 0;
    this.slider = get('moment', HTMLInputElement);
    this.speeds = get('speed', HTMLSelectElement);
    this.pause = get('pause', HTMLButtonElement);
    this.speeds.append(...SPEEDS.map(speed => speedOption(speed)));
    this.listen();
  }

  listen() {
    const { slider, speeds } = this;
    this.pause.addEventListener('click', () => this.toggle());
    speeds.addEventListener('change', () => speeds.value !== UNBOUNDED && this.send({ speed: Number(speeds.value) }));
    slider.addEventListener('input', () => this.drag(Number(slider.value)));
    slider.addEventListener('change', () => (this.isDragged = false));
    document.addEventListener('keydown', event => {
      const isElsewhere = event.target instanceof Element && event.target.matches('input, button, select, textarea, a');
      if (event.key !== ' ' || !this.play || isElsewhere) return;
      event.preventDefault();
      this.toggle();
    });
  }

  /**
   * @param {Change} _change
   * @param {Run} run
   */
  take(_change, run) {
    const play = run.mode === 'play' ? run.play : undefined, { speeds } = this;
    get('playback').hidden = !play;
    if (!play) return;
    this.play = play;
    putText(this.pause, this.isAtEnd ? 'Again' : play.is_paused ? 'Play' : 'Pause');
    const value = play.speed === null ? UNBOUNDED : String(play.speed);
    if (![...speeds.options].some(option => option.value === value)) speeds.append(speedOption(play.speed));
    if (document.activeElement !== speeds) speeds.value = value;
    this.slider.max = String(play.end ?? Math.max(run.t, 1));
    for (const element of [this.pause, this.slider, speeds]) element.disabled = !this.token.value;
    this.frames.ask(this);
  }

  /** Whether the end of the log was reached, so that it can be seen again. */
  get isAtEnd() {
    const end = this.play?.end ?? null;
    return end !== null && this.clock.now() >= end - 1e-6;
  }

  draw() {
    const { slider, clock } = this, t = clock.now(), end = this.play?.end ?? null;
    if (!this.isDragged) slider.value = String(t);
    const at = this.isDragged ? Number(slider.value) : t, words = clockText(at) + (end === null ? '' : ' of ' + clockText(end));
    putText(get('reached'), words);
    slider.setAttribute('aria-valuetext', words);
    slider.style.setProperty('--done', (end ? Math.min(at / end, 1) * 100 : 0) + '%');
    if (clock.goes) this.frames.ask(this);
  }

  toggle() {
    if (this.isAtEnd) this.send({ to: 0 }, { do: 'go' });
    else this.send({ do: this.play?.is_paused ? 'go' : 'pause' });
  }

  /**
   * Jumps to where the scrubber is dragged, no more often than the server can follow, and at last to where it stays.
   * @param {number} to
   */
  drag(to) {
    this.isDragged = true;
    this.wanted = to;
    this.frames.ask(this);
    if (this.timer) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.sentAt = performance.now();
      this.send({ to: this.wanted });
    }, Math.max(0, DRAG_PERIOD - (performance.now() - this.sentAt)));
  }

  /** @param {PlaybackCommand[]} commands */
  async send(...commands) {
    const answer = get('playback-answer');
    for (const command of commands) {
      const refusal = await sendText(this.token, 'playback', JSON.stringify(command), 'application/json');
      answer.hidden = !refusal;
      putText(answer, refusal?.words ?? '');
      if (refusal?.status === 401) this.isTokenWrong(refusal.words);
      if (refusal) return;
    }
  }
}

/**
 * @param {number | null} speed
 * @returns {HTMLOptionElement}
 */
function speedOption(speed) {
  const option = made('option', speed === null ? 'as fast as it can' : speed + ' ×');
  option.value = speed === null ? UNBOUNDED : String(speed);
  return option;
}
