// The colours of the page for what is drawn, dark or light, and whether things may move.

const COLORS = [
  'back', 'card', 'text', 'soft', 'line', 'faint', 'spawn', 'fetch', 'wrong', 'open', 'ok', 'ready', 'move', 'output', 'err', 'after',
  'chart', 'focus',
];
/** How many colours players have: few enough to draw all players of one colour at once. */
export const HUES = 24;
/** The start of the hash. It was chosen so that the players of the first scenario have colours that are far apart. */
const HASH_START = 21922;

export class Theme {
  /** @param {() => void} changed */
  constructor(changed) {
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.still = matchMedia('(prefers-reduced-motion: reduce)');
    /** @type {Record<string, string>} */
    this.colors = {};
    /** @type {string[]} */
    this.players = [];
    this.read();
    for (const media of [this.dark, this.still]) {
      media.addEventListener('change', () => {
        this.read();
        changed();
      });
    }
  }

  /** Whether the reader does not want things to move. */
  get isStill() {
    return this.still.matches;
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    this.colors = Object.fromEntries(COLORS.map(name => [name, style.getPropertyValue('--' + name).trim()]));
    const tone = this.dark.matches ? ' 78% 68%)' : ' 68% 42%)';
    this.players = Array.from({ length: HUES }, (_, n) => 'hsl(' + n * 360 / HUES + tone);
  }
}

/**
 * A number for a name, the same in every browser: FNV-1a, and then mixed, since names often differ only in their last
 * character.
 * @param {string} name
 * @returns {number}
 */
export function hashOf(name) {
  let hash = HASH_START;
  for (let n = 0; n < name.length; n++) hash = Math.imul(hash ^ name.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
