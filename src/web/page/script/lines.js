// The latest lines: capped, followed to the end unless someone reads further up.

/** What stands before a text of its kind. */
const SIGNS = { mark: '◆', input: '›', sent: '→', stop: '■', expect: '?', exit: '·', fetch: '·', move: '·' };

/** The shortest time between two times that lines are put in, in milliseconds: nobody reads faster. */
const READ = 200;

class Lines {
  constructor(frames) {
    Object.assign(this, { frames, waiting: [], follows: true, top: 0, drawnAt: 0 });
    this.list = get('lines');
    this.list.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.list;
      this.follow(scrollTop + clientHeight > scrollHeight - 24 || this.follows && scrollTop >= this.top);
      this.top = scrollTop;
    }, { passive: true });
    // A long line is seen whole when it is asked for, and not when a part of it is picked to be copied.
    this.list.addEventListener('click', event => getSelection().isCollapsed && event.target.closest('li')?.classList.toggle('whole'));
    get('latest').addEventListener('click', () => this.end());
    const buttons = document.querySelectorAll('[data-only]:is(button)');
    for (const button of buttons) {
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
        this.list.dataset.only = button.dataset.only;
        this.end();
      });
    }
    new ResizeObserver(() => this.follows && this.end()).observe(this.list);
  }

  take(change, run, isWhole) {
    if (isWhole) this.list.replaceChildren();
    if (isWhole) this.waiting = [];
    if (change.lines) this.waiting.push(...change.lines);
    if (this.waiting.length > KEPT) this.waiting.splice(0, this.waiting.length - KEPT);
    const skipped = run.skipped ? 'and ' + number(run.skipped) + ' more' : '';
    put(get('lines-words'), skipped);
    get('lines-words').title = skipped && 'too many to be shown: all are in the log';
    if (this.waiting.length || isWhole) this.frames.ask(this);
  }

  draw(now) {
    if (now - this.drawnAt < READ) return this.frames.ask(this);
    this.drawnAt = now;
    const lines = document.createDocumentFragment();
    for (const line of this.waiting) lines.append(lineOf(line));
    this.waiting = [];
    this.list.append(lines);
    while (this.list.children.length > KEPT) this.list.firstChild.remove();
    get('no-lines').hidden = this.list.children.length > 0;
    if (this.follows) this.end();
    else get('latest').hidden = false;
  }

  follow(follows) {
    this.follows = follows;
    if (follows) get('latest').hidden = true;
  }

  end() {
    this.follow(true);
    this.list.scrollTop = this.list.scrollHeight;
  }
}

/** A line as an item of the list. */
function lineOf({ t, kind, source, label, stream, text, is_wrong }) {
  const item = made('li');
  item.dataset.kind = kind;
  if (stream === 'stderr') item.dataset.stream = stream;
  if (is_wrong) item.className = 'wrong';
  const from = label && label !== source ? label + (source ? ' ' + source : '') : source ?? label ?? '';
  item.append(made('time', clockText(t)));
  if (from) item.append(made('b', cut(visible(from), 40)));
  const shown = visible(text), sign = SIGNS[kind] && kind !== 'move' && kind !== 'exit' && kind !== 'fetch' ? SIGNS[kind] + ' ' : '';
  item.append(made('span', sign + cut(shown, 2000)));
  return item;
}
