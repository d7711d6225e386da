// Shows what the reader may do: with a token take part, without one only watch.
import { get } from '../shared/dom.js';
import { made, putText } from './elements.js';
import { visible } from './text.js';

/** @import { Change, Run } from './types.d.ts' */
/** @import { Token } from './token.js' */

export class Access {
  /**
   * @param {Token} token
   * @param {() => void} reopen is called when there is another token
   */
  constructor(token, reopen) {
    this.token = token;
    this.refusal = '';
    /** @type {Run | null} */
    this.run = null;
    const field = get('token', HTMLInputElement);
    get('key').addEventListener('submit', event => {
      event.preventDefault();
      token.keep(field.value);
      field.value = '';
      this.refusal = '';
      this.show();
      reopen();
    });
  }

  /**
   * @param {Change} _change
   * @param {Run} run
   */
  take(_change, run) {
    this.run = run;
    this.show();
  }

  /**
   * The server does not know the token: it may be that of an older run.
   * @param {string} words
   */
  refuse(words) {
    this.refusal = words;
    this.token.keep('');
    this.show();
  }

  show() {
    const { run, token, refusal } = this, hasToken = Boolean(token.value);
    const isPlayed = run?.mode === 'play', isOver = Boolean(run?.end) && !isPlayed, log = isOver ? run?.log : null;
    get('key').hidden = hasToken || isOver;
    get('doing').hidden = get('quit').hidden = !run || !hasToken || isPlayed || isOver;
    get('after').hidden = !log;
    if (log) get('after').replaceChildren('A page of it that stays: ', made('code', 'scenario report ' + visible(log) + ' -o report.html'));
    putText(get('part-words'), isOver ? 'The run has ended.' : refusal ? 'refused: ' + refusal : hasToken ? '' : 'read-only');
    document.body.classList.toggle('reads-only', !hasToken);
    document.body.classList.toggle('played', isPlayed);
  }
}
