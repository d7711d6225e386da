// What is expected of the run, and how it stands: what is missed first.

class Expectations {
  take(change, run) {
    if (!change.expect) return;
    const rank = { false: 0, null: 1, true: 2 };
    const all = run.expect.map((one, n) => ({ ...one, n })).sort((one, other) => rank[one.is_ok ?? null] - rank[other.is_ok ?? null] || one.n - other.n);
    get('expect').hidden = !all.length;
    const list = get('expected');
    while (list.children.length > all.length) list.lastChild.remove();
    all.forEach((one, n) => this.item(list.children[n] ?? list.appendChild(this.made()), one, run));
    const [held, missed] = [true, false].map(is => all.filter(one => one.is_ok === is).length);
    const open = all.length - held - missed;
    put(get('expect-words'), [held && number(held) + ' hold', missed && number(missed) + ' missed', open && number(open) + ' open'].filter(Boolean).join(', '));
  }

  made() {
    const item = made('li');
    item.append(made('i'), made('b'), made('span'));
    item.firstChild.setAttribute('aria-hidden', 'true');
    return item;
  }

  item(item, { name, wanted, got, is_ok, is_final }, run) {
    const [sign, title, words] = item.children;
    item.className = is_ok === false ? 'wrong' : is_ok ? 'ok' : 'open';
    put(sign, is_ok === false ? '✗' : is_ok ? '✓' : '…');
    put(title, visible(name));
    const stands = is_ok === false ? 'missed' : is_ok ? (is_final ? 'holds' : 'holds so far') : run.end ? 'not known' : 'open';
    const given = (what, value) => (value === null || value === undefined ? '' : ' · ' + what + ' ' + visible(value));
    put(words, stands + given('wanted', wanted) + given('got', got));
  }
}
