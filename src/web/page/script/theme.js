// The colours of the page for what is drawn, dark or light as it is; and how much may move.

const COLORS = 'back card text soft line faint spawn fetch wrong open ok ready move said err after hit chart focus'.split(' ');
/** So many colours of players: few enough to draw all of one colour at once. */
const HUES = 24;

class Theme {
  constructor(changed) {
    this.dark = matchMedia('(prefers-color-scheme: dark)');
    this.still = matchMedia('(prefers-reduced-motion: reduce)');
    this.read();
    for (const media of [this.dark, this.still]) {
      media.addEventListener('change', () => {
        this.read();
        changed();
      });
    }
  }

  get isStill() {
    return this.still.matches;
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    for (const name of COLORS) this[name] = style.getPropertyValue('--' + name).trim();
    const tone = this.dark.matches ? ' 78% 68%)' : ' 68% 42%)';
    this.players = Array.from({ length: HUES }, (_, n) => 'hsl(' + n * 360 / HUES + tone);
  }
}

/** One of the numbers to begin with by which the players of the first scenario have colours far apart. */
const BEGIN = 21922;

/** A number that a name always has, whoever looks: FNV-1a, and mixed, as names differ in their last character. */
function hashOf(name) {
  let hash = BEGIN;
  for (let n = 0; n < name.length; n++) hash = Math.imul(hash ^ name.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
