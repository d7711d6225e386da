// The page: its parts, put together.

/** What can be done with the token, and what is said without one. */
class Access {
  constructor(token, again) {
    Object.assign(this, { token, isWrong: '', run: null });
    get('key').addEventListener('submit', event => {
      event.preventDefault();
      token.keep(get('token').value);
      get('token').value = '';
      this.isWrong = '';
      this.show();
      again();
    });
  }

  take(change, run) {
    this.run = run;
    this.show();
  }

  /** The server knows no such token: it may be an older run's. */
  refused(words) {
    this.isWrong = words;
    this.token.keep('');
    this.show();
  }

  show() {
    const { run, token, isWrong } = this, isPlayed = run?.mode === 'play', isOver = run?.end && !isPlayed;
    get('key').hidden = Boolean(token.value) || Boolean(isOver);
    get('doing').hidden = get('quit').hidden = !run || !token.value || isPlayed || Boolean(isOver);
    get('after').hidden = !isOver || !run.log;
    if (isOver && run.log) get('after').replaceChildren('A page of it that stays: ', made('code', 'scenario report ' + visible(run.log) + ' -o report.html'));
    put(get('part-words'), isOver ? 'The run has ended.' : isWrong ? 'refused: ' + isWrong : token.value ? '' : 'read-only');
    document.body.classList.toggle('reads-only', !token.value);
    document.body.classList.toggle('played', Boolean(isPlayed));
  }
}

function begin() {
  const token = new Token(), frames = new Frames(), state = new State();
  const drawn = [];
  const theme = new Theme(() => drawn.forEach(part => (part.changed ? part.changed() : frames.ask(part))));
  const top = new Top(), clock = new Clock(frames);
  const board = new Board(frames, theme), timeline = new Timeline(frames, theme, clock), rates = new Rates(frames, theme, clock);
  drawn.push(board, timeline, rates);
  const stream = new Stream(token, state, link => {
    clock.hold(link === 'lost' || link === 'slow');
    top.became(link);
  }, words => refused(words));
  const access = new Access(token, () => stream.open());
  const refused = words => access.refused(words);
  const parts = [
    top, clock, board, timeline, rates, new Lines(frames), new Expectations(), new Commands(token, refused),
    new Join(token, board), new Scrubber(frames, clock, token, refused), access,
  ];
  for (const part of parts) state.tell(part);
  access.show();
  addEventListener('hashchange', () => location.hash && !get(location.hash.slice(1)) && location.reload());
  // A page that is left for another one need not be told any more; one that comes back must.
  addEventListener('pagehide', () => stream.close());
  addEventListener('pageshow', event => event.persisted && stream.open());
  stream.open();
}

begin();
