// Playing along: a name is joined over a socket, and moved by keys or by the pad.

const GO = { ArrowUp: 'N', ArrowDown: 'S', ArrowLeft: 'W', ArrowRight: 'E', w: 'N', s: 'S', a: 'W', d: 'E', W: 'N', S: 'S', A: 'W', D: 'E' };
/** The code with which the server closes since it goes. */
const OVER = 1001;
/** The time between two moves of a key or a button that is held, in milliseconds; each press is one at once. */
const HELD = 120;

class Join {
  constructor(token, board) {
    Object.assign(this, { token, board, socket: null, isIn: false, movedAt: 0, timer: 0 });
    get('join').addEventListener('submit', event => {
      event.preventDefault();
      if (this.socket) this.leave('You have left.');
      else this.join(get('player').value.trim());
    });
    document.addEventListener('keydown', event => this.key(event));
    const pad = get('pad');
    pad.addEventListener('pointerdown', event => this.press(event));
    for (const name of ['pointerup', 'pointercancel', 'pointerleave', 'lostpointercapture']) pad.addEventListener(name, () => clearInterval(this.timer));
    // Enter and the space bar on a button of the pad: no pointer was there.
    pad.addEventListener('click', event => event.detail === 0 && this.go(event.target.dataset.go));
    pad.addEventListener('contextmenu', event => event.preventDefault());
  }

  take(change, run) {
    if (run.end && this.socket && run.mode === 'run') this.leave('The run has ended.');
  }

  join(name) {
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) return this.say('A name is 1 to 64 letters, digits, _ . or -', 'wrong');
    const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
    const socket = new WebSocket(scheme + location.host + '/play?token=' + encodeURIComponent(this.token.value));
    this.socket = socket;
    this.say('joining …', 'open');
    socket.addEventListener('open', () => socket.send('join ' + name));
    socket.addEventListener('message', event => this.heard(socket, JSON.parse(event.data)));
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.socket) return;
      if (code === OVER) return this.leave('The run is over.');
      this.leave(this.isIn ? 'The connection was lost. Join again?' : 'The server did not let you in.', 'wrong');
    });
  }

  heard(socket, told) {
    if (socket !== this.socket) return;
    if (told.error !== undefined) return this.isIn ? this.say(visible(told.error), 'wrong') : this.leave(visible(told.error), 'wrong');
    if (told.joined === undefined) return;
    this.isIn = true;
    this.board.follow(told.source);
    get('pad').hidden = false;
    get('player').disabled = true;
    put(get('join-button'), 'Leave');
    document.body.classList.add('joined');
    this.say('You are ' + visible(told.joined) + '. Move with the arrow keys, W A S D or the pad.', 'ok');
    // Who plays looks at the board: on a phone it is further up.
    get('stage').focus({ preventScroll: true });
    get('board').scrollIntoView({ block: 'nearest' });
  }

  leave(words, state = 'open') {
    const { socket } = this;
    this.socket = null;
    this.isIn = false;
    this.board.follow(null);
    clearInterval(this.timer);
    if (socket) socket.close();
    get('pad').hidden = true;
    get('player').disabled = Boolean(this.board.run?.end);
    put(get('join-button'), 'Join as a player');
    document.body.classList.remove('joined');
    this.say(words, state);
  }

  key(event) {
    const direction = GO[event.key], { target } = event;
    if (!direction || !this.isIn || event.ctrlKey || event.metaKey || event.altKey) return;
    // What is typed or scrolled elsewhere is not meant.
    if (target.matches?.('input, textarea, select, .scroll, #expected')) return;
    event.preventDefault();
    if (!event.repeat || performance.now() - this.movedAt >= HELD) this.go(direction);
  }

  press(event) {
    const button = event.target.closest('[data-go]');
    if (!button || event.button) return;
    clearInterval(this.timer);
    this.go(button.dataset.go);
    this.timer = setInterval(() => this.go(button.dataset.go), HELD);
  }

  go(direction) {
    if (!direction || this.socket?.readyState !== WebSocket.OPEN) return;
    this.movedAt = performance.now();
    this.socket.send(direction);
  }

  say(words, state) {
    const joined = get('joined');
    joined.hidden = !words;
    joined.dataset.state = state;
    put(joined, words);
  }
}
