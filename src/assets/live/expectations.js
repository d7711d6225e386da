// The expectations of the run, and how they stand. The missed ones come first.
import { get } from '../shared/dom.js';
import { number } from '../shared/numbers.js';
import { made, putText, resizedList } from './elements.js';
import { visible } from './text.js';

/** @import { Change, Expectation, Run } from './types.d.ts' */

/** @typedef {'wrong' | 'ok' | 'open'} ExpectationState */

/** @type {Record<ExpectationState, string>} */
const STATE_SIGNS = { wrong: '✗', ok: '✓', open: '…' };

/**
 * @param {Expectation} one
 * @returns {ExpectationState}
 */
export function stateOf({ is_ok }) {
  return is_ok === false ? 'wrong' : is_ok ? 'ok' : 'open';
}

/**
 * The missed, the open, and those that hold, each in the order of the file.
 * @param {Expectation[]} expectations
 * @returns {Expectation[]}
 */
export function missedFirst(expectations) {
  const of = (/** @type {ExpectationState} */ state) => expectations.filter(one => stateOf(one) === state);
  return [...of('wrong'), ...of('open'), ...of('ok')];
}

/**
 * How an expectation stands, with what was wanted and what came.
 * @param {Expectation} one
 * @param {boolean} isOver
 * @returns {string}
 */
export function standText(one, isOver) {
  const words = { wrong: 'missed', ok: one.is_final ? 'holds' : 'holds so far', open: isOver ? 'not known' : 'open' };
  const value = (/** @type {string} */ name, /** @type {string | null} */ text) => (text === null ? '' : ' · ' + name + ' ' + visible(text));
  return words[stateOf(one)] + value('wanted', one.wanted) + value('got', one.got);
}

/**
 * How many expectations are in each state.
 * @param {Expectation[]} expectations
 * @returns {string}
 */
export function expectationCounts(expectations) {
  const count = (/** @type {ExpectationState} */ state, /** @type {string} */ words) => {
    const { length } = expectations.filter(one => stateOf(one) === state);
    return length ? [number(length) + ' ' + words] : [];
  };
  return [...count('ok', 'hold'), ...count('wrong', 'missed'), ...count('open', 'open')].join(', ');
}

export class Expectations {
  /**
   * @param {Change} change
   * @param {Run} run
   */
  take(change, run) {
    if (!change.expect) return;
    const all = missedFirst(run.expect), isOver = Boolean(run.end);
    get('expect').hidden = !all.length;
    const items = resizedList(get('expected'), all.length, () => {
      const item = made('li'), sign = made('i');
      sign.setAttribute('aria-hidden', 'true');
      item.append(sign, made('b'), made('span'));
      return item;
    });
    all.forEach((one, n) => {
      const [sign, title, words] = items[n].children, state = stateOf(one);
      items[n].className = state;
      putText(sign, STATE_SIGNS[state]);
      putText(title, visible(one.name));
      putText(words, standText(one, isOver));
    });
    putText(get('expect-words'), expectationCounts(all));
  }
}
