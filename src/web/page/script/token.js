// The run's token: comes with the address, is kept for this window, and goes with all that is sent.

const TOKEN = 'scenario.token';

class Token {
  constructor() {
    this.value = '';
    try {
      this.value = sessionStorage.getItem(TOKEN) ?? '';
    } catch { /* A browser that keeps nothing: the address has it. */ }
    const told = location.hash.slice(1);
    // A place of the page, such as `#main`, is none.
    if (!told || document.getElementById(told)) return;
    this.keep(told);
    history.replaceState(null, '', location.pathname + location.search);
  }

  keep(value) {
    this.value = value.trim().replace(/^.*#/, '');
    try {
      if (this.value) sessionStorage.setItem(TOKEN, this.value);
      else sessionStorage.removeItem(TOKEN);
    } catch { /* It is kept as long as the page. */ }
  }
}

/** Sends a text to the server; nothing if it was taken, or in words why not. */
async function send(token, path, body, type = 'text/plain') {
  try {
    const headers = { Authorization: 'Bearer ' + token.value, 'Content-Type': type };
    const answer = await fetch(path, { method: 'POST', headers, body, cache: 'no-store' });
    if (answer.ok) return null;
    const words = visible((await answer.text()).trim());
    return { status: answer.status, words: cut(words, 300) || 'refused with status ' + answer.status };
  } catch {
    return { status: 0, words: 'the server does not answer' };
  }
}
