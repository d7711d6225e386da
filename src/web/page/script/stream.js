// The stream of what the run tells: opened, listened to, and opened again when it breaks.

/** How long to wait before a stream that the server has refused is asked for again, in milliseconds. */
const AGAIN = 2000;

class Stream {
  /**
   * `heard` is told what comes: whole, change, world; `became` is told how the stream is; `refused`,
   * why it is not to be had without another token.
   */
  constructor(token, heard, became, refused) {
    Object.assign(this, { token, heard, became, refused, source: null, why: null, timer: 0 });
  }

  open() {
    this.close();
    const query = this.token.value ? '?token=' + encodeURIComponent(this.token.value) : '';
    const source = new EventSource('events' + query);
    this.source = source;
    const listen = (name, then) => source.addEventListener(name, event => then(JSON.parse(event.data)));
    listen('state', run => {
      this.why = null;
      this.became('open');
      this.heard.whole(run);
    });
    listen('change', change => this.heard.change(change));
    listen('world', world => this.heard.world(world));
    listen('bye', ({ why }) => this.bye(why));
    source.addEventListener('error', () => this.broke());
  }

  close() {
    clearTimeout(this.timer);
    if (this.source) this.source.close();
    this.source = null;
  }

  bye(why) {
    this.why = why;
    if (why === 'ended') this.close();
    this.became(why);
  }

  async broke() {
    if (!this.source) return;
    if (this.why !== 'slow') this.became('lost');
    // A stream that was refused does not come back by itself, and does not say why.
    if (this.source.readyState !== EventSource.CLOSED) return;
    const { url } = this.source;
    this.close();
    const timer = this.timer = setTimeout(() => this.open(), AGAIN);
    const answer = await fetch(url, { cache: 'no-store' }).catch(() => null);
    if (answer?.status !== 401 || this.timer !== timer) return void answer?.body?.cancel();
    clearTimeout(timer);
    this.refused(visible((await answer.text()).trim()));
  }
}
