// A log that is played: let go on, held, made faster, and gone through.

const SPEEDS = [.25, .5, 1, 2, 4, 8, 16, 64];
/** The shortest time between two jumps while the scrubber is dragged, in milliseconds. */
const DRAG = 120;

class Scrubber {
  constructor(frames, clock, token, isTokenWrong) {
    Object.assign(this, { frames, clock, token, isTokenWrong, isDragged: false, wanted: null, sentAt: 0, timer: 0 });
    this.slider = get('moment');
    get('speed').append(...SPEEDS.map(speed => Object.assign(made('option', speed + ' ×'), { value: speed })));
    get('pause').addEventListener('click', () => this.toggle());
    get('speed').addEventListener('change', () => get('speed').value !== 'max' && this.say({ speed: Number(get('speed').value) }));
    this.slider.addEventListener('input', () => this.drag(Number(this.slider.value)));
    this.slider.addEventListener('change', () => (this.isDragged = false));
    document.addEventListener('keydown', event => {
      if (event.key !== ' ' || !this.run || event.target.matches?.('input, button, select, textarea, a')) return;
      event.preventDefault();
      this.toggle();
    });
  }

  take(change, run) {
    get('playback').hidden = run.mode !== 'play';
    if (run.mode !== 'play') return;
    this.run = run;
    const { end, speed, is_paused } = run.play;
    put(get('pause'), this.isOver ? 'Again' : is_paused ? 'Play' : 'Pause');
    const shown = speed === null ? 'max' : String(speed), known = [...get('speed').options];
    if (!known.some(option => option.value === shown)) get('speed').append(Object.assign(made('option', speed === null ? 'all it can' : speed + ' ×'), { value: shown }));
    if (document.activeElement !== get('speed')) get('speed').value = shown;
    this.slider.max = String(end ?? Math.max(run.t, 1));
    this.able();
    this.frames.ask(this);
  }

  /** The end of the log was reached, and it may be seen again. */
  get isOver() {
    return this.run.play.end !== null && this.clock.now() >= this.run.play.end - 1e-6;
  }

  able() {
    for (const element of [get('pause'), this.slider, get('speed')]) element.disabled = !this.token.value;
  }

  draw() {
    const t = this.clock.now(), { end } = this.run.play;
    if (!this.isDragged) this.slider.value = String(t);
    const at = this.isDragged ? Number(this.slider.value) : t;
    put(get('reached'), clockText(at) + (end === null ? '' : ' of ' + clockText(end)));
    this.slider.setAttribute('aria-valuetext', get('reached').textContent);
    this.slider.style.setProperty('--done', (end ? Math.min(at / end, 1) * 100 : 0) + '%');
    if (this.clock.goes) this.frames.ask(this);
  }

  toggle() {
    const { is_paused } = this.run.play;
    if (this.isOver) return this.say({ to: 0 }, { do: 'go' });
    return this.say({ do: is_paused ? 'go' : 'pause' });
  }

  /** Jumps to where it is dragged, no more often than can be followed, and at last to where it stays. */
  drag(to) {
    this.isDragged = true;
    this.wanted = to;
    this.frames.ask(this);
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.sentAt = performance.now();
      this.say({ to: this.wanted });
    }, Math.max(0, DRAG - (performance.now() - this.sentAt)));
  }

  async say(...all) {
    for (const one of all) {
      const refused = await send(this.token, 'playback', JSON.stringify(one), 'application/json');
      const said = get('playback-said');
      said.hidden = !refused;
      put(said, refused?.words ?? '');
      if (refused?.status === 401) this.isTokenWrong(refused.words);
      if (refused) return;
    }
  }
}
