// The stream of the run's changes: opened, read, and opened again when it breaks.
import { openSource } from './source.js';
import { visible } from './text.js';

/** @import { Source } from './source.js' */
/** @import { Link } from './types.d.ts' */
/** @import { State } from './state.js' */
/** @import { Token } from './token.js' */

/** How long to wait before a stream that the server refused is opened again, in milliseconds. */
const RETRY_AFTER = 2000;

export class Stream {
  /**
   * @param {Token} token
   * @param {State} state takes what comes
   * @param {(link: Link) => void} changed is called with how the stream stands
   * @param {(words: string) => void} refused is called if the server wants another token
   * @param {(bytes: number) => void} coming is called if a large state is on its way
   */
  constructor(token, state, changed, refused, coming) {
    this.token = token;
    this.state = state;
    this.changed = changed;
    this.refused = refused;
    this.coming = coming;
    /** @type {Source | null} */
    this.source = null;
    /** @type {Link | null} */
    this.end = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  open() {
    this.close();
    const query = this.token.value ? '?token=' + encodeURIComponent(this.token.value) : '';
    const source = openSource('events' + query);
    this.source = source;
    /** @type {(name: string, then: (message: any) => void) => void} */
    const listen = (name, then) => source.addEventListener(name, event => then(JSON.parse(event.data)));
    listen('state', run => {
      this.end = null;
      this.changed('open');
      this.state.whole(run);
    });
    listen('change', change => this.state.change(change));
    listen('world', world => this.state.world(world));
    listen('coming', ({ bytes }) => this.coming(bytes));
    listen('bye', ({ why }) => this.onBye(why));
    source.addEventListener('error', () => this.onError());
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  /** @param {Link} why */
  onBye(why) {
    this.end = why;
    if (why === 'ended') this.close();
    this.changed(why);
  }

  async onError() {
    if (!this.source) return;
    if (this.end !== 'slow' && this.end !== 'again') this.changed('lost');
    // A stream that was refused does not come back by itself, and does not give the reason.
    if (this.source.readyState !== EventSource.CLOSED) return;
    const { url } = this.source;
    this.close();
    const timer = this.timer = setTimeout(() => this.open(), RETRY_AFTER);
    const answer = await fetch(url, { cache: 'no-store' }).catch(() => null);
    if (answer?.status !== 401 || this.timer !== timer) return void answer?.body?.cancel();
    clearTimeout(timer);
    this.refused(visible((await answer.text()).trim()));
  }
}
