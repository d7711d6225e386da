// The head of the page: whether it goes, how far it is, and whether anything is wrong.

const LAMPS = { running: '%232f6fd0', failing: '%23c62a2f', failed: '%23c62a2f', interrupted: '%23c2600c', passed: '%2318794e' };
const ICON = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E%3Ccircle cx='4.5' cy='4.5' r='4' fill='COLOR'/%3E%3C/svg%3E";
const WORDS = {
  connecting: 'connecting', lost: 'connection lost', slow: 'dropped, comes back', running: 'running', failing: 'running, not as expected',
  paused: 'paused', passed: 'passed', failed: 'failed', interrupted: 'interrupted',
};
/** Entries up to this many have a box each in the course. */
const BOXES = 80;

class Top {
  constructor() {
    Object.assign(this, { link: 'connecting', run: null });
  }

  take(change, run, isWhole) {
    this.run = run;
    if (change.run) {
      put(get('name'), visible(run.run.name) || 'a run');
      get('name').title = visible(run.run.description ?? '');
    }
    if (change.run || change.readers !== undefined || change.play) this.facts();
    if (change.counts || change.players || isWhole) this.tally();
    if (change.entries || isWhole) this.course();
    if ('log' in change || change.dropped !== undefined) this.foot();
    this.state();
  }

  /** Is told how the stream is: `open`, `lost`, `slow`, `ended`. */
  became(link) {
    this.link = link;
    this.state();
  }

  /** How it stands, in one word. */
  get standing() {
    const { run, link } = this;
    if (!run) return link === 'lost' ? 'lost' : 'connecting';
    if (run.end && run.mode === 'run') return run.end.outcome;
    if (link === 'lost' || link === 'slow') return link;
    if (run.end && !run.is_going) return run.end.outcome;
    if (!run.is_going) return 'paused';
    const isMissed = (run.expect || []).some(one => one.is_ok === false);
    return run.counts?.wrong || isMissed ? 'failing' : 'running';
  }

  state() {
    const { run, link, standing } = this;
    document.body.dataset.state = standing;
    put(get('verdict'), (run?.mode === 'play' && standing === 'running' ? 'playing' : WORDS[standing]) ?? visible(standing));
    const name = run ? get('name').textContent : 'scenario';
    const title = name + ': ' + get('verdict').textContent;
    if (document.title !== title) document.title = title;
    const icon = ICON.replace('COLOR', LAMPS[standing] ?? '%238b939d');
    if (get('icon').getAttribute('href') !== icon) get('icon').setAttribute('href', icon);
    const reason = run?.end?.reason;
    get('reason').hidden = !reason;
    if (reason) put(get('reason'), visible(reason));
    this.notice(run, link);
  }

  notice(run, link) {
    const isOver = run?.end && run.mode === 'run';
    const words = link === 'slow' ? 'This page was too slow to follow, and was dropped so that the run was not held up. It comes back by itself.'
      : link === 'lost' && !isOver ? 'Nothing is heard of the run. Trying again …' + (run ? ' What is seen here is how it was last.' : '')
        : link === 'ended' && !isOver ? 'The server has closed. What is seen here is how it was last.' : '';
    get('notice').hidden = !words;
    put(get('notice'), words);
  }

  facts() {
    const { run, mode, readers } = this.run;
    const facts = [mode === 'play' ? 'a log, played again' : run.clock === 'virtual' ? 'virtual clock' : '', 'seed ' + visible(run.seed)];
    if (run.speed && run.speed !== 1) facts.push(run.speed + ' times as fast');
    if (run.started_at) facts.push('started ' + visible(run.started_at).replace('T', ' ').replace(/\.\d+/, '').replace('Z', ' UTC'));
    if (readers) facts.push(counted(readers, 'page') + (readers === 1 ? ' looks' : ' look'));
    put(get('facts'), facts.filter(Boolean).join(' · '));
  }

  tally() {
    const { counts = {}, players } = this.run, here = Object.values(players);
    const gone = here.filter(player => player.is_gone).length;
    const shown = [['running', counts.running], ['in flight', counts.in_flight], ['wrong', counts.wrong]];
    if (here.length) shown.splice(2, 0, ['players', here.length - gone]);
    const tally = get('tally');
    if (tally.children.length !== shown.length) tally.replaceChildren(...shown.map(() => made('div')));
    shown.forEach(([name, count], n) => {
      const box = tally.children[n];
      if (!box.children.length) box.append(made('dt'), made('dd'));
      put(box.children[0], name);
      put(box.children[1], number(count));
      box.className = name === 'wrong' && count ? 'bad' : count ? 'some' : '';
    });
  }

  foot() {
    const { log, dropped } = this.run, words = [];
    if (log) words.push((this.run.mode === 'play' ? 'The log: ' : 'All of it is in ') + visible(log));
    if (dropped) words.push(counted(dropped, 'slow page') + (dropped === 1 ? ' was' : ' were') + ' dropped');
    put(get('foot'), words.join(' · '));
  }

  course() {
    const entries = inOrder(this.run.entries), far = { waits: 0, running: 0, done: 0, failed: 0 };
    for (const { state } of entries) far[state] = (far[state] ?? 0) + 1;
    get('course').hidden = !entries.length;
    const summed = Object.keys(far).filter(state => far[state]).map(state => ({ state, name: number(far[state]) + ' ' + state, grow: far[state] }));
    const boxes = entries.length <= BOXES ? entries : summed;
    const list = get('entries');
    list.classList.toggle('thin', boxes.length > 10);
    while (list.children.length > boxes.length) list.lastChild.remove();
    boxes.forEach((entry, n) => {
      const box = list.children[n] ?? list.appendChild(made('li'));
      box.dataset.state = entry.state;
      box.style.flexGrow = entry.grow ?? 1;
      put(box, entry.does ? entryName(entry) : entry.name);
      box.title = entry.does ? entryWords(entry).join('\n') : '';
    });
    const failed = far.failed ? ', ' + number(far.failed) + ' failed' : '';
    put(get('far'), number(far.done + far.failed) + ' of ' + counted(entries.length, 'entry').replace('entrys', 'entries') + ' done' + failed);
  }
}

/** The entries as they stand in the file. */
function inOrder(entries) {
  return Object.values(entries).sort((one, other) => (one.n ?? 0) - (other.n ?? 0));
}

/** What an entry is called: what it does, if it has no name of its own. */
function entryName({ name, does }) {
  return visible(name.startsWith('#') && does ? does : name);
}

/** An entry of the timeline in lines of words. */
function entryWords(entry) {
  const times = entry.every ? ', every ' + visible(entry.every) : '';
  const when = (entry.after ? 'after ' + visible(entry.after) + (entry.at ? ' + ' + span(entry.at) : '') : 'at ' + span(entry.at ?? 0)) + times;
  const happened = entry.times ? (entry.times === 1 ? 'once' : number(entry.times) + ' times') + ' so far' : '';
  return [visible(entry.name) + ': ' + visible(entry.state), visible(entry.does), when, happened].filter(Boolean);
}
