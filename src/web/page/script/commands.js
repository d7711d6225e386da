// What can be typed is typed here, and what is typed often has a button. Whether it was taken comes back as a line.

/** So many buttons of a kind; the rest can be typed. */
const BUTTONS = 12;
/** So many lines are remembered. */
const HISTORY = 100;

class Commands {
  constructor(token, isTokenWrong) {
    Object.assign(this, { token, isTokenWrong, history: [], back: 0, sent: [], can: { presets: [], fetches: [], ids: [] } });
    this.field = get('typed');
    this.offers = new Offers(this.field, get('offers'));
    get('command').addEventListener('submit', event => {
      event.preventDefault();
      this.typed(this.field.value.trim());
    });
    this.field.addEventListener('input', () => this.offers.show(offersFor(this.field.value, this.can)));
    this.field.addEventListener('keydown', event => this.key(event));
    get('buttons').addEventListener('click', event => {
      const button = event.target.closest('button');
      if (button) this.send(button.dataset.line);
    });
    get('quit').addEventListener('click', () => this.quit(get('quit')));
  }

  take(change, run) {
    if (change.can) this.able(change.can);
    for (const line of change.lines ?? []) if (line.kind === 'input') this.came(line);
    const isOver = run.mode === 'play' || Boolean(run.end);
    if (isOver !== this.isOver) for (const element of document.querySelectorAll('#doing input, #doing button')) element.disabled = isOver;
    this.isOver = isOver;
  }

  /** The buttons for what the run says can be done, made anew only if that is another. */
  able(can) {
    const isSame = JSON.stringify(can) === JSON.stringify(this.can);
    this.can = { presets: [], fetches: [], ids: [], ...can };
    if (isSame) return;
    const groups = [
      ['spawn', this.can.presets.map(name => [name, 'spawn ' + name])],
      ['fetch', this.can.fetches.map(name => [name, 'fetch ' + name])],
      ['stop', this.can.ids.filter(id => id.stop).map(({ id }) => [id, 'stop ' + id])],
    ];
    const focused = document.activeElement?.dataset?.line;
    get('buttons').replaceChildren(...groups.filter(([, list]) => list.length).map(([name, list]) => this.group(name, list)));
    if (focused) get('buttons').querySelector('[data-line="' + CSS.escape(focused) + '"]')?.focus();
  }

  group(name, list) {
    const group = made('div', '', name);
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', name);
    group.append(made('span', name, 'note'));
    for (const [shown, line] of list.slice(0, BUTTONS)) {
      const button = made('button', visible(shown));
      Object.assign(button, { type: 'button', title: visible(line), disabled: Boolean(this.isOver) });
      button.dataset.line = line;
      group.append(button);
    }
    if (list.length > BUTTONS) group.append(made('span', 'and ' + number(list.length - BUTTONS) + ' more: type them', 'note'));
    return group;
  }

  /** What ends the run asks to be pressed twice. */
  quit(button) {
    clearTimeout(this.timer);
    const isSure = button.classList.toggle('sure');
    put(button, isSure ? 'end the run?' : 'quit');
    if (!isSure) return this.send('quit');
    this.timer = setTimeout(() => {
      button.classList.remove('sure');
      put(button, 'quit');
    }, 3000);
  }

  key(event) {
    const { offers, field } = this, { key } = event;
    if (key === 'Escape' && offers.isOpen) offers.show([]);
    else if (key === 'Tab' && !event.shiftKey && offers.isOpen) offers.take(Math.max(offers.at, 0));
    else if (key === 'Enter' && offers.isOpen && offers.at >= 0) offers.take(offers.at);
    else if (key === 'ArrowDown' && offers.isOpen && !this.back) offers.step(1);
    else if (key === 'ArrowUp' && offers.isOpen && !this.back) offers.step(-1);
    else if (key === 'ArrowUp' || key === 'ArrowDown') this.remember(key === 'ArrowUp' ? 1 : -1);
    else {
      this.back = key.length === 1 ? 0 : this.back;
      return;
    }
    event.preventDefault();
    if (key.startsWith('Arrow')) return;
    field.setSelectionRange(field.value.length, field.value.length);
  }

  /** Goes back in what was typed, or forth again. */
  remember(by) {
    const to = Math.min(Math.max(this.back + by, 0), this.history.length);
    this.back = to;
    this.field.value = to ? this.history[this.history.length - to] : '';
    this.offers.show([]);
  }

  typed(line) {
    if (!line) return;
    if (this.history.at(-1) !== line) this.history.push(line);
    if (this.history.length > HISTORY) this.history.shift();
    this.back = 0;
    this.offers.show([]);
    this.field.value = '';
    this.send(line);
  }

  async send(line) {
    this.say('sent: ' + visible(line), 'open');
    this.sent.push(line);
    const refused = await send(this.token, 'input', line);
    if (!refused) return;
    this.sent = this.sent.filter(one => one !== line);
    this.say(visible(line) + ': ' + refused.words, 'wrong');
    // What was refused can be mended.
    if (!this.field.value) this.field.value = line;
    if (refused.status === 401) this.isTokenWrong(refused.words);
  }

  /** What was typed, here or elsewhere, has come through. */
  came({ text, is_wrong }) {
    const nth = this.sent.findIndex(line => text.includes(line));
    if (nth < 0) return;
    const [line] = this.sent.splice(nth, 1);
    this.say((is_wrong ? '' : 'done: ') + visible(text), is_wrong ? 'wrong' : 'ok');
    if (is_wrong && !this.field.value) this.field.value = line;
  }

  say(words, state) {
    const answer = get('answer');
    answer.hidden = !words;
    answer.dataset.state = state;
    this.field.setAttribute('aria-invalid', String(state === 'wrong'));
    put(answer, words);
  }
}
