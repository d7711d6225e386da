// The page: its parts, put together.
import { Access } from './access.js';
import { Board } from './board.js';
import { Clock } from './clock.js';
import { Commands } from './commands.js';
import { Expectations } from './expectations.js';
import { Frames } from './frames.js';
import { Head } from './head.js';
import { Join } from './join.js';
import { Lines } from './lines.js';
import { Rates } from './rates.js';
import { Scrubber } from './scrubber.js';
import { isShared } from './source.js';
import { State } from './state.js';
import { Stream } from './stream.js';
import { Theme } from './theme.js';
import { Timeline } from './timeline.js';
import { Token } from './token.js';

function start() {
  const token = new Token(), frames = new Frames(), state = new State(), head = new Head(), clock = new Clock(frames);
  /** @type {{ changed(): void }[]} */
  const drawn = [];
  const theme = new Theme(() => drawn.forEach(part => part.changed()));
  const board = new Board(frames, theme), timeline = new Timeline(frames, theme, clock), rates = new Rates(frames, theme, clock);
  drawn.push(board, timeline, rates);
  const access = new Access(token, () => stream.open());
  const refused = (/** @type {string} */ words) => access.refuse(words);
  const stream = new Stream(token, state, link => {
    clock.hold(link === 'lost' || link === 'slow' || link === 'ended');
    head.setLink(link);
  }, refused, bytes => head.setComing(bytes));
  const parts = [
    head, clock, board, timeline, rates, new Lines(frames), new Expectations(), new Commands(token, refused), new Join(token, board),
    new Scrubber(frames, clock, token, refused), access,
  ];
  for (const part of parts) state.add(part);
  access.show();
  addEventListener('hashchange', () => {
    // A fragment that names no place of the page is another token.
    if (location.hash && !document.getElementById(location.hash.slice(1))) location.reload();
  });
  // A page that is left for another one needs no changes. One that comes back does.
  addEventListener('pagehide', () => stream.close());
  addEventListener('pageshow', event => event.persisted && stream.open());
  // A browser opens six connections to a server. Pages that do not share theirs leave it while nobody sees them.
  if (!isShared) document.addEventListener('visibilitychange', () => document.hidden ? stream.close() : stream.open());
  stream.open();
}

start();
