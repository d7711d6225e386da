// A stream of events from the server, shared by all pages of a browser where it can be.

/** @typedef {{ data: string }} StreamEvent */

/** What a page needs of a stream; an `EventSource` has it. */
/** @typedef {Pick<EventSource, 'readyState' | 'url' | 'close'> & { addEventListener(name: string, listener: (event: any) => void): void }} Source */

/** A name for the streams of this page: the server knows a page that it has dropped, and tells it why. */
const pageName = Math.random().toString(36).slice(2);

/**
 * The address of a stream with the name of its page.
 * @param {string} url
 * @param {string} name
 * @returns {string}
 */
export function named(url, name) {
  return url + (url.includes('?') ? '&' : '?') + 'page=' + name;
}

/** Whether pages of this browser share one stream. */
export const isShared = 'SharedWorker' in globalThis;

/** The stream as one of the pages that share it sees it. */
export class SharedSource {
  /**
   * @param {string} url
   * @param {SharedWorker} worker
   */
  constructor(url, worker) {
    this.url = new URL(url, location.href).href;
    /** @type {number} */
    this.readyState = EventSource.CONNECTING;
    /** @type {Map<string, ((event: any) => void)[]>} */
    this.listeners = new Map();
    /** @type {EventSource | null} */
    this.own = null;
    this.port = worker.port;
    // A worker that cannot be started leaves the page to itself.
    worker.addEventListener('error', () => this.standAlone());
    this.port.onmessage = ({ data: { name, data, isClosed } }) => {
      this.readyState = isClosed ? EventSource.CLOSED : EventSource.OPEN;
      for (const listener of this.listeners.get(name) ?? []) listener({ data });
    };
    this.port.postMessage({ open: this.url });
  }

  /**
   * @param {string} name
   * @param {(event: any) => void} listener
   */
  addEventListener(name, listener) {
    this.listeners.set(name, [...this.listeners.get(name) ?? [], listener]);
    this.own?.addEventListener(name, listener);
  }

  standAlone() {
    if (this.own || this.readyState === EventSource.CLOSED) return;
    this.own = new EventSource(named(this.url, pageName));
    for (const [name, listeners] of this.listeners) for (const listener of listeners) this.own.addEventListener(name, listener);
    this.own.addEventListener('error', () => this.readyState = this.own?.readyState ?? EventSource.CLOSED);
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.own?.close();
    this.port.postMessage({ open: '' });
    this.port.onmessage = null;
  }
}

/**
 * Opens a stream.
 * @param {string} url
 * @returns {Source}
 */
export function openSource(url) {
  return isShared ? new SharedSource(url, new SharedWorker('hub.js')) : new EventSource(named(url, pageName));
}
