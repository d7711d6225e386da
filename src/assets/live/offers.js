// Completes a typed line. It knows the commands, and the names that the run can start and stop.
import { made } from './elements.js';
import { visible } from './text.js';

/** @import { AvailableCommands } from './types.d.ts' */

/** How many lines are offered at most. */
const MAX_OFFERED = 8;

/**
 * The form of a command: the text after its own name, the names of the run that can follow, and the text after these.
 * @typedef {object} CommandForm
 * @property {string} more
 * @property {(can: AvailableCommands) => string[]} [names]
 * @property {string} [after]
 */

/** @type {Record<string, CommandForm>} */
const COMMANDS = {
  spawn: { more: ' ', names: can => can.presets },
  fetch: { more: ' ', names: can => can.fetches },
  mark: { more: ' ' },
  stop: { more: ' ', names: can => can.ids.filter(id => id.stop).map(({ id }) => id) },
  send: { more: ' ', names: can => can.ids.filter(id => id.send).map(({ id }) => id), after: ' ' },
  restart: { more: ' ', names: can => can.ids.filter(id => id.stop).map(({ id }) => id) },
  kill: { more: ' ', names: can => can.ids.filter(id => id.stop).map(({ id }) => id) },
  signal: { more: ' ', names: can => can.ids.filter(id => id.stop).map(({ id }) => id), after: ' ' },
  quit: { more: '' },
};

/**
 * Whole lines that begin with what is typed.
 * @param {string} typed
 * @param {AvailableCommands} can
 * @returns {string[]}
 */
export function offersFor(typed, can) {
  const [, word, rest] = /^(\S+)(\s+.*)?$/s.exec(typed.trimStart()) ?? [];
  if (!word) return [];
  if (rest === undefined) {
    const isPossible = (/** @type {CommandForm} */ { names }) => !names || names(can).length > 0;
    const commands = Object.keys(COMMANDS).filter(name => name.startsWith(word) && isPossible(COMMANDS[name]));
    const presets = can.presets.filter(name => name.startsWith(word) && name !== word);
    return [...commands.map(name => name + COMMANDS[name].more), ...presets].filter(line => line !== typed).slice(0, MAX_OFFERED);
  }
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : null, name = rest.trimStart();
  if (!command?.names || /\s/.test(name)) return [];
  const fitting = command.names(can).filter(one => one.startsWith(name) && one !== name);
  return fitting.map(one => word + ' ' + one + (command.after ?? '')).slice(0, MAX_OFFERED);
}

/** The list of offers below a field. */
export class Offers {
  /**
   * @param {HTMLInputElement} field
   * @param {HTMLElement} list
   */
  constructor(field, list) {
    this.field = field;
    this.list = list;
    /** @type {string[]} */
    this.lines = [];
    this.at = -1;
    list.addEventListener('pointerdown', event => {
      event.preventDefault();
      const nth = [...list.children].findIndex(item => event.target instanceof Node && item.contains(event.target));
      if (nth >= 0) this.accept(nth);
    });
    field.addEventListener('blur', () => this.show([]));
  }

  get isOpen() {
    return this.lines.length > 0;
  }

  /** @param {string[]} lines */
  show(lines) {
    this.lines = lines;
    this.at = -1;
    this.list.replaceChildren(...lines.map((line, n) => {
      const item = made('li', visible(line));
      Object.assign(item, { id: 'offer-' + n, role: 'option', ariaSelected: 'false' });
      return item;
    }));
    this.list.hidden = !lines.length;
    this.field.setAttribute('aria-expanded', String(this.isOpen));
    this.field.removeAttribute('aria-activedescendant');
  }

  /**
   * Goes to the next offer, or with -1 to the one before. After the last comes the first.
   * @param {number} by
   */
  step(by) {
    const { length } = this.lines;
    this.at = this.at < 0 && by < 0 ? length - 1 : (this.at + by + length) % length;
    [...this.list.children].forEach((item, n) => (item.ariaSelected = String(n === this.at)));
    this.field.setAttribute('aria-activedescendant', 'offer-' + this.at);
  }

  /** @param {number} nth */
  accept(nth) {
    this.field.value = this.lines[nth];
    this.field.dispatchEvent(new Event('input'));
    this.field.focus();
  }
}
