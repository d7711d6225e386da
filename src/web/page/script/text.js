// Words, figures and elements. What comes from outside is made visible here, and is only ever put in as text.

/** What would act instead of being seen: as `acts` of the program, and halves of characters. */
const ACTS = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const SHORT = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function escaped(c) {
  const code = c.codePointAt(0);
  if (SHORT[c]) return SHORT[c];
  return code < 0x80 ? '\\x' + code.toString(16).padStart(2, '0') : '\\u{' + code.toString(16) + '}';
}

/** A text with all that acts in it as an escape: `\t`, `\x1b`, `\u{202e}`. */
function visible(text) {
  return String(text ?? '').replace(ACTS, escaped);
}

/** A text of no more than so many characters. */
function cut(text, most) {
  return text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, '') + '…' : text;
}

const get = id => document.getElementById(id);

/** A new element with a text. */
function made(name, text = '', className = '') {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Puts a text in, if it is another: the same again would be laid out again. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const counted = (count, what) => number(count) + ' ' + what + (count === 1 ? '' : 's');
const number = count => (count || 0).toLocaleString('en');

/** A rate for people: two figures are enough. */
function rated(rate) {
  if (rate < 9.95) return rate.toFixed(1);
  return rate < 9999.5 ? Math.round(rate).toLocaleString('en') : (rate / 1000).toFixed(rate < 99950 ? 1 : 0) + 'k';
}

/** Seconds as a clock shows them: `0:12.3`, `1:02:03`. */
function clockText(t) {
  const tenths = Math.floor(Math.max(t, 0) * 10 + 1e-6), seconds = Math.floor(tenths / 10);
  const two = value => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return hours + ':' + two(minutes) + ':' + two(seconds % 60);
  return minutes + ':' + two(seconds % 60) + '.' + tenths % 10;
}

/** Seconds for people: `45.1 µs`, `300 ms`, `2.40 s`, `12 min 5 s`. */
function span(seconds) {
  if (seconds >= 120) return Math.floor(seconds / 60) + ' min ' + Math.floor(seconds % 60) + ' s';
  if (seconds === 0) return '0 s';
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, ' µs'] : seconds < 1 ? [seconds * 1e3, ' ms'] : [seconds, ' s'];
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') + unit;
}

/** The words of a list, with what does not fit counted. */
function listed(names, most) {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ' and ' + number(more) + ' more' : '');
}
