// The run's token: it comes with the address, is kept for this window, and goes with everything that is sent.
import { shortened, visible } from './text.js';

/** @import { Refusal } from './types.d.ts' */

const STORAGE_KEY = 'scenario.token';

export class Token {
  constructor() {
    this.value = '';
    try {
      this.value = sessionStorage.getItem(STORAGE_KEY) ?? '';
    } catch { /* A browser that stores nothing: the address has the token. */ }
    const fragment = location.hash.slice(1);
    // The name of a place of the page, such as `#main`, is not a token.
    if (!fragment || document.getElementById(fragment)) return;
    this.keep(fragment);
    history.replaceState(null, '', location.pathname + location.search);
  }

  /**
   * Keeps a token, or the one in a whole link.
   * @param {string} text
   */
  keep(text) {
    this.value = tokenIn(text);
    try {
      if (this.value) sessionStorage.setItem(STORAGE_KEY, this.value);
      else sessionStorage.removeItem(STORAGE_KEY);
    } catch { /* It is kept as long as the page. */ }
  }
}

/**
 * The token in a text that is one, or that is the link to the page.
 * @param {string} text
 * @returns {string}
 */
export function tokenIn(text) {
  return text.trim().slice(text.trim().lastIndexOf('#') + 1);
}

/**
 * Sends a text to the server. Gives null if it was taken, else the refusal.
 * @param {Token} token
 * @param {string} path
 * @param {string} body
 * @param {string} [type]
 * @returns {Promise<Refusal | null>}
 */
export async function sendText(token, path, body, type = 'text/plain') {
  try {
    const headers = { Authorization: 'Bearer ' + token.value, 'Content-Type': type };
    const answer = await fetch(path, { method: 'POST', headers, body, cache: 'no-store' });
    if (answer.ok) return null;
    const words = visible((await answer.text()).trim());
    return { status: answer.status, words: shortened(words, 300) || 'refused with status ' + answer.status };
  } catch {
    return { status: 0, words: 'the server does not answer' };
  }
}
