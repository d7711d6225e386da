// What a typed line can go on with. It knows the commands, and what the run says can be started and stopped.

/** How each command goes on, and what of the run it can name. */
const COMMANDS = {
  spawn: { more: ' ', of: can => can.presets },
  fetch: { more: ' ', of: can => can.fetches },
  mark: { more: ' ' },
  stop: { more: ' ', of: can => can.ids.filter(id => id.stop).map(({ id }) => id) },
  send: { more: ' ', of: can => can.ids.filter(id => id.send).map(({ id }) => id), after: ' ' },
  quit: { more: '' },
};
/** So many are offered. */
const OFFERED = 8;

/** Whole lines that begin with what is typed. */
function offersFor(typed, can) {
  const [, word, rest] = /^(\S*)(\s+.*)?$/s.exec(typed.trimStart()) ?? [];
  if (word === undefined || !word) return [];
  if (rest === undefined) {
    const commands = Object.keys(COMMANDS).filter(name => name.startsWith(word) && (!COMMANDS[name].of || COMMANDS[name].of(can).length));
    const presets = can.presets.filter(name => name.startsWith(word) && name !== word);
    return [...commands.map(name => name + COMMANDS[name].more), ...presets].filter(line => line !== typed).slice(0, OFFERED);
  }
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : null, name = rest.trimStart();
  if (!command?.of || /\s/.test(name)) return [];
  const fits = command.of(can).filter(one => one.startsWith(name) && one !== name);
  return fits.map(one => word + ' ' + one + (command.after ?? '')).slice(0, OFFERED);
}

/** The list of offers below the field: opened, gone through, taken. */
class Offers {
  constructor(field, list) {
    Object.assign(this, { field, list, lines: [], at: -1 });
    list.addEventListener('pointerdown', event => {
      const item = event.target.closest('li');
      event.preventDefault();
      if (item) this.take([...list.children].indexOf(item));
    });
    field.addEventListener('blur', () => this.show([]));
  }

  get isOpen() {
    return this.lines.length > 0;
  }

  show(lines) {
    Object.assign(this, { lines, at: -1 });
    this.list.replaceChildren(...lines.map((line, n) => {
      const item = made('li', visible(line));
      Object.assign(item, { id: 'offer-' + n, role: 'option', ariaSelected: 'false' });
      return item;
    }));
    this.list.hidden = !lines.length;
    this.field.setAttribute('aria-expanded', String(this.isOpen));
    this.field.removeAttribute('aria-activedescendant');
  }

  step(by) {
    this.at = (this.at + by + this.lines.length + (this.at < 0 && by < 0 ? 1 : 0)) % this.lines.length;
    [...this.list.children].forEach((item, n) => (item.ariaSelected = String(n === this.at)));
    this.field.setAttribute('aria-activedescendant', 'offer-' + this.at);
  }

  take(nth) {
    this.field.value = this.lines[nth];
    this.field.dispatchEvent(new Event('input'));
    this.field.focus();
  }
}
