// The field for typed commands, and buttons for the usual ones. A line of the run shows whether a command was accepted.
import { get } from '../shared/dom.js';
import { number } from '../shared/numbers.js';
import { closest, made, putText } from './elements.js';
import { Offers, offersFor } from './offers.js';
import { visible } from './text.js';
import { sendText } from './token.js';

/** @import { AvailableCommands, Change, Line, Run } from './types.d.ts' */
/** @import { Token } from './token.js' */

/** How many buttons there are of a kind. The rest can be typed. */
const MAX_BUTTONS = 12;
/** How many typed lines are remembered. */
const MAX_HISTORY = 100;
/** How long the button that ends the run waits to be pressed again, in milliseconds. */
const SURE_TIME = 3000;

export class Commands {
  /**
   * @param {Token} token
   * @param {(words: string) => void} isTokenWrong
   */
  constructor(token, isTokenWrong) {
    this.token = token;
    this.isTokenWrong = isTokenWrong;
    /** @type {string[]} */
    this.history = [];
    /** How far the reader has gone back in the history. */
    this.back = 0;
    /**
     * The lines that were sent and have not come back yet.
     * @type {string[]}
     */
    this.sent = [];
    /** @type {AvailableCommands} */
    this.can = { presets: [], fetches: [], ids: [] };
    /** @type {boolean | null} */
    this.isOver = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.field = get('typed', HTMLInputElement);
    this.offers = new Offers(this.field, get('offers'));
    this.listen();
  }

  listen() {
    const { field } = this, quit = get('quit');
    get('command').addEventListener('submit', event => {
      event.preventDefault();
      this.submit(field.value.trim());
    });
    field.addEventListener('input', () => this.offers.show(offersFor(field.value, this.can)));
    field.addEventListener('keydown', event => this.onKey(event));
    get('buttons').addEventListener('click', event => {
      const line = closest(event, 'button')?.dataset.line;
      if (line !== undefined) this.send(line);
    });
    quit.addEventListener('click', () => this.quit(quit));
  }

  /**
   * @param {Change} change
   * @param {Run} run
   */
  take(change, run) {
    if (change.can) this.setAvailable(change.can);
    for (const line of change.lines ?? []) if (line.kind === 'input') this.onInputLine(line);
    const isOver = run.mode === 'play' || Boolean(run.end);
    if (isOver === this.isOver) return;
    this.isOver = isOver;
    /** @type {NodeListOf<HTMLInputElement | HTMLButtonElement>} */
    const elements = document.querySelectorAll('#doing input, #doing button');
    for (const element of elements) element.disabled = isOver;
  }

  /**
   * Makes the buttons for what the run says can be done, if that has changed.
   * @param {AvailableCommands} can
   */
  setAvailable(can) {
    const isSame = JSON.stringify(can) === JSON.stringify(this.can);
    this.can = can;
    if (isSame) return;
    /** @type {[name: string, lines: [shown: string, line: string][]][]} */
    const groups = [
      ['spawn', can.presets.map(name => [name, 'spawn ' + name])],
      ['fetch', can.fetches.map(name => [name, 'fetch ' + name])],
      ['stop', can.ids.filter(id => id.stop).map(({ id }) => [id, 'stop ' + id])],
    ];
    const buttons = get('buttons'), { activeElement } = document;
    const focused = activeElement instanceof HTMLElement ? activeElement.dataset.line : undefined;
    buttons.replaceChildren(...groups.filter(([, lines]) => lines.length).map(([name, lines]) => this.buttonGroup(name, lines)));
    const again = focused === undefined ? null : buttons.querySelector('[data-line="' + CSS.escape(focused) + '"]');
    if (again instanceof HTMLElement) again.focus();
  }

  /**
   * @param {string} name
   * @param {[shown: string, line: string][]} lines
   * @returns {HTMLElement}
   */
  buttonGroup(name, lines) {
    const group = made('div', '', name);
    group.setAttribute('role', 'group');
    group.setAttribute('aria-label', name);
    group.append(made('span', name, 'note'));
    for (const [shown, line] of lines.slice(0, MAX_BUTTONS)) {
      const button = made('button', visible(shown));
      Object.assign(button, { type: 'button', title: visible(line), disabled: Boolean(this.isOver) });
      button.dataset.line = line;
      group.append(button);
    }
    const more = lines.length - MAX_BUTTONS;
    if (more > 0) group.append(made('span', 'and ' + number(more) + ' more: type them', 'note'));
    return group;
  }

  /**
   * Ends the run, if the button is pressed twice.
   * @param {HTMLElement} button
   */
  quit(button) {
    clearTimeout(this.timer);
    const isAsked = button.classList.toggle('sure');
    putText(button, isAsked ? 'end the run?' : 'quit');
    if (!isAsked) return void this.send('quit');
    this.timer = setTimeout(() => {
      button.classList.remove('sure');
      putText(button, 'quit');
    }, SURE_TIME);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { offers, field } = this, { key } = event, isInOffers = offers.isOpen && !this.back;
    if (key === 'Escape' && offers.isOpen) offers.show([]);
    else if (key === 'Tab' && !event.shiftKey && offers.isOpen) offers.accept(Math.max(offers.at, 0));
    else if (key === 'Enter' && offers.isOpen && offers.at >= 0) offers.accept(offers.at);
    else if (key === 'ArrowDown' && isInOffers) offers.step(1);
    else if (key === 'ArrowUp' && isInOffers) offers.step(-1);
    else if (key === 'ArrowUp' || key === 'ArrowDown') this.remember(key === 'ArrowUp' ? 1 : -1);
    else {
      if (key.length === 1) this.back = 0;
      return;
    }
    event.preventDefault();
    if (!key.startsWith('Arrow')) field.setSelectionRange(field.value.length, field.value.length);
  }

  /**
   * Goes back in what was typed, or with -1 forward again.
   * @param {number} by
   */
  remember(by) {
    const { history, field } = this;
    this.back = Math.min(Math.max(this.back + by, 0), history.length);
    field.value = this.back ? history[history.length - this.back] : '';
    this.offers.show([]);
  }

  /** @param {string} line */
  submit(line) {
    if (!line) return;
    if (this.history.at(-1) !== line) this.history.push(line);
    if (this.history.length > MAX_HISTORY) this.history.shift();
    this.back = 0;
    this.offers.show([]);
    this.field.value = '';
    this.send(line);
  }

  /** @param {string} line */
  async send(line) {
    this.answer('sent: ' + visible(line), 'open');
    this.sent.push(line);
    const refusal = await sendText(this.token, 'input', line);
    if (!refusal) return;
    this.sent = this.sent.filter(one => one !== line);
    this.answer(visible(line) + ': ' + refusal.words, 'wrong');
    this.offerToMend(line);
    if (refusal.status === 401) this.isTokenWrong(refusal.words);
  }

  /**
   * Puts a refused line back into the field, so that it can be mended.
   * @param {string} line
   */
  offerToMend(line) {
    if (!this.field.value) this.field.value = line;
  }

  /**
   * Takes a line that was typed, here or elsewhere, and is now part of the run.
   * @param {Line} line
   */
  onInputLine({ text, is_wrong }) {
    const nth = this.sent.findIndex(line => text.includes(line));
    if (nth < 0) return;
    const [line] = this.sent.splice(nth, 1);
    this.answer((is_wrong ? '' : 'done: ') + visible(text), is_wrong ? 'wrong' : 'ok');
    if (is_wrong) this.offerToMend(line);
  }

  /**
   * @param {string} words
   * @param {'open' | 'ok' | 'wrong'} state
   */
  answer(words, state) {
    const answer = get('answer');
    answer.hidden = !words;
    answer.dataset.state = state;
    this.field.setAttribute('aria-invalid', String(state === 'wrong'));
    putText(answer, words);
  }
}
