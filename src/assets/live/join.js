// Playing along: a name joins over a socket, and is moved by keys or by the pad.
import { get } from '../shared/dom.js';
import { closest, putText } from './elements.js';
import { visible } from './text.js';

/** @import { Change, Run } from './types.d.ts' */
/** @import { Board } from './board.js' */
/** @import { Token } from './token.js' */

/** @type {Record<string, string>} */
const DIRECTIONS = { ArrowUp: 'N', ArrowDown: 'S', ArrowLeft: 'W', ArrowRight: 'E', w: 'N', s: 'S', a: 'W', d: 'E' };
/** The code with which the server closes a socket when it ends itself. */
const GOING_AWAY = 1001;
/** The time between two moves of a key or button that is held, in milliseconds. Each press moves at once. */
const HELD_PERIOD = 120;
const PLAYER_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * The direction that a key stands for, if it does.
 * @param {string} key
 * @returns {string | undefined}
 */
export function directionOf(key) {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(DIRECTIONS, name) ? DIRECTIONS[name] : undefined;
}

export class Join {
  /**
   * @param {Token} token
   * @param {Board} board
   */
  constructor(token, board) {
    this.token = token;
    this.board = board;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.isIn = false;
    this.isOver = false;
    this.movedAt = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.field = get('player', HTMLInputElement);
    this.listen();
  }

  listen() {
    get('join').addEventListener('submit', event => {
      event.preventDefault();
      if (this.socket) this.leave('You have left.');
      else this.join(this.field.value.trim());
    });
    document.addEventListener('keydown', event => this.onKey(event));
    const pad = get('pad');
    pad.addEventListener('pointerdown', event => this.onPress(event));
    for (const name of ['pointerup', 'pointercancel', 'pointerleave', 'lostpointercapture']) {
      pad.addEventListener(name, () => clearInterval(this.timer));
    }
    // Enter and the space bar on a button of the pad come as a click without a pointer.
    pad.addEventListener('click', event => event.detail === 0 && this.move(closest(event, '[data-go]')?.dataset.go));
    pad.addEventListener('contextmenu', event => event.preventDefault());
  }

  /**
   * @param {Change} _change
   * @param {Run} run
   */
  take(_change, run) {
    this.isOver = Boolean(run.end);
    if (run.end && this.socket && run.mode === 'run') this.leave('The run has ended.');
  }

  /** @param {string} name */
  join(name) {
    if (!PLAYER_NAME.test(name)) return this.answer('A name is 1 to 64 letters, digits, _ . or -', 'wrong');
    const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
    const socket = new WebSocket(scheme + location.host + '/play?token=' + encodeURIComponent(this.token.value));
    this.socket = socket;
    this.answer('joining …', 'open');
    socket.addEventListener('open', () => socket.send('join ' + name));
    socket.addEventListener('message', event => this.onMessage(socket, JSON.parse(event.data)));
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.socket) return;
      if (code === GOING_AWAY) return this.leave('The run is over.');
      this.leave(this.isIn ? 'The connection was lost. Join again?' : 'The server did not let you in.', 'wrong');
    });
  }

  /**
   * @param {WebSocket} socket
   * @param {{ error?: string, joined?: string, source?: string }} message
   */
  onMessage(socket, { error, joined, source }) {
    if (socket !== this.socket) return;
    if (error !== undefined) return this.isIn ? this.answer(visible(error), 'wrong') : this.leave(visible(error), 'wrong');
    if (joined === undefined) return;
    this.board.follow(source ?? null);
    this.setJoined(true);
    this.answer('You are ' + visible(joined) + '. Move with the arrow keys, W A S D or the pad.', 'ok');
    // A player looks at the board: on a phone it is further up.
    get('stage').focus({ preventScroll: true });
    get('board').scrollIntoView({ block: 'nearest' });
  }

  /**
   * @param {string} words
   * @param {'open' | 'wrong'} [state]
   */
  leave(words, state = 'open') {
    const { socket } = this;
    this.socket = null;
    clearInterval(this.timer);
    socket?.close();
    this.board.follow(null);
    this.setJoined(false);
    this.answer(words, state);
  }

  /** @param {boolean} isIn */
  setJoined(isIn) {
    this.isIn = isIn;
    get('pad').hidden = !isIn;
    this.field.disabled = isIn || this.isOver;
    putText(get('join-button'), isIn ? 'Leave' : 'Join as a player');
    document.body.classList.toggle('joined', isIn);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const direction = directionOf(event.key);
    if (!direction || !this.isIn || event.ctrlKey || event.metaKey || event.altKey) return;
    // A key that types or scrolls elsewhere is not a move.
    if (event.target instanceof Element && event.target.matches('input, textarea, select, .scroll, #expected')) return;
    event.preventDefault();
    if (!event.repeat || performance.now() - this.movedAt >= HELD_PERIOD) this.move(direction);
  }

  /** @param {PointerEvent} event */
  onPress(event) {
    const button = closest(event, '[data-go]');
    if (!button || event.button) return;
    clearInterval(this.timer);
    this.move(button.dataset.go);
    this.timer = setInterval(() => this.move(button.dataset.go), HELD_PERIOD);
  }

  /** @param {string | undefined} direction */
  move(direction) {
    if (!direction || this.socket?.readyState !== WebSocket.OPEN) return;
    this.movedAt = performance.now();
    this.socket.send(direction);
  }

  /**
   * @param {string} words
   * @param {'open' | 'ok' | 'wrong'} state
   */
  answer(words, state) {
    const answer = get('joined');
    answer.hidden = !words;
    answer.dataset.state = state;
    putText(answer, words);
  }
}
