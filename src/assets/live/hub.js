// The shared worker of the pages of one browser: one stream of the run for all of them, since a browser opens only six
// connections to a server, and commands need one too.

/** The names of the events of a stream. */
const EVENTS = ['state', 'change', 'world', 'coming', 'bye'];

/** The pages that read a stream, and the stream. */
class Hub {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    // The server knows the stream of a page that it has dropped by this name, and tells it why.
    this.name = Math.random().toString(36).slice(2);
    /** @type {Set<MessagePort>} */
    this.pages = new Set();
    /** @type {EventSource | null} */
    this.source = null;
  }

  /**
   * Adds a page. It needs the whole state, so the stream begins anew, for all pages.
   * @param {MessagePort} page
   */
  add(page) {
    this.pages.add(page);
    this.source?.close();
    const source = this.source = new EventSource(this.url + (this.url.includes('?') ? '&' : '?') + 'page=' + this.name);
    for (const name of EVENTS) source.addEventListener(name, event => this.tell({ name, data: event.data }));
    source.addEventListener('error', () => this.tell({ name: 'error', isClosed: source.readyState === EventSource.CLOSED }));
  }

  /** @param {MessagePort} page */
  remove(page) {
    if (!this.pages.delete(page) || this.pages.size) return;
    this.source?.close();
    this.source = null;
    hubs.delete(this.url);
  }

  /** @param {{ name: string, data?: string, isClosed?: boolean }} message */
  tell(message) {
    for (const page of this.pages) page.postMessage(message);
  }
}

/**
 * The hubs by the addresses of their streams.
 * @type {Map<string, Hub>}
 */
const hubs = new Map();

addEventListener('connect', event => {
  const [page] = /** @type {MessageEvent} */ (event).ports;
  /** @type {Hub | undefined} */
  let hub;
  page.onmessage = ({ data }) => {
    hub?.remove(page);
    hub = undefined;
    if (!data.open) return page.close();
    hub = hubs.get(data.open) ?? new Hub(data.open);
    hubs.set(data.open, hub);
    hub.add(page);
  };
});
