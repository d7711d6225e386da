// The timeline of the page: what keys, pointers and buttons do.

function begin() {
  const data = readData();
  if (!data.groups.length && !data.marks.length) return;
  const get = id => document.getElementById(id);
  const [lanes, room, canvas, tip, picked] = ['lanes', 'room', 'canvas', 'tip', 'picked'].map(get);
  if (!canvas) return;
  document.documentElement.classList.add('scripted');
  document.querySelector('.canvas-part').hidden = false;
  const part = new Part(data.end), search = new Search(data);
  const stage = { ...data, part, rows: rowsOf(data), picked: null, found: search.things, colors: colorsOf(lanes), top: 0 };
  let isAsked = false;

  function draw() {
    isAsked = false;
    const ratio = window.devicePixelRatio || 1;
    stage.wide = lanes.clientWidth;
    stage.high = lanes.clientHeight;
    stage.margin = stage.wide < 600 ? 110 : 210;
    stage.top = lanes.scrollTop;
    if (canvas.width !== Math.round(stage.wide * ratio) || canvas.height !== Math.round(stage.high * ratio)) {
      canvas.width = Math.round(stage.wide * ratio);
      canvas.height = Math.round(stage.high * ratio);
      canvas.style.width = stage.wide + 'px';
      canvas.style.height = stage.high + 'px';
    }
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    new Drawing(context, stage).all();
    get('shown').textContent = moment(part.from, part.width) + ' – ' + moment(Math.min(part.to, data.end), part.width);
  }

  /** Draws soon, once for all that has changed. */
  function ask() {
    if (!isAsked) requestAnimationFrame(draw);
    isAsked = true;
  }

  /** Lays the rows out anew, since something was folded or unfolded. */
  function lay() {
    const { picked } = stage;
    stage.rows = rowsOf(data);
    if (picked) stage.picked = stage.rows.find(row => row.kind === picked.kind && row.lane === picked.lane && row.group === picked.group) || null;
    const high = AXIS + stage.rows.length * ROW + 4;
    room.style.height = high + 'px';
    // No scrolling about in what has room.
    lanes.style.height = Math.min(high + 2, 512) + 'px';
    get('fold').textContent = data.groups.some(group => !group.isSingle && !group.isFolded) ? 'Fold' : 'Unfold';
    ask();
  }

  function pick(row, point) {
    stage.picked = row;
    if (row) {
      const above = row.y - AXIS, below = row.y + ROW - lanes.clientHeight + 2;
      if (lanes.scrollTop > above) lanes.scrollTop = above;
      else if (lanes.scrollTop < below) lanes.scrollTop = below;
    }
    tell(picked, row, part, point);
    ask();
  }

  function fold(group, isFolded) {
    group.isFolded = isFolded;
    lay();
  }

  function foldAll() {
    const isFolded = data.groups.some(group => !group.isSingle && !group.isFolded);
    for (const group of data.groups) group.isFolded = isFolded;
    lay();
  }

  function change(how) {
    how();
    if (stage.picked && stage.picked.lane) tell(picked, stage.picked, part);
    tip.hidden = true;
    ask();
  }

  function step(by) {
    const at = stage.rows.indexOf(stage.picked);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), stage.rows.length - 1);
    pick(stage.rows[next]);
  }

  /** Goes to a hit: its time, its row, and says it. */
  function go(by) {
    const hit = search.go(by);
    get('hits').textContent = search.words;
    if (!hit) return;
    if (hit.group && hit.lane && !hit.group.isSingle && hit.group.isFolded) fold(hit.group, false);
    if (hit.t !== null) part.show(hit.t);
    const row = stage.rows.find(row => (hit.lane ? row.lane === hit.lane : hit.group ? row.group === hit.group : row.kind === 'timeline'));
    pick(row, hit.thing.kind && hit.thing.kind.length === 1 ? hit.thing : undefined);
  }

  function find() {
    search.find(get('search').value);
    stage.found = search.things;
    get('hits').textContent = get('search').value.trim() ? search.words : '';
    ask();
  }

  function leave() {
    get('search').value = '';
    find();
    pick(null);
    lanes.focus({ preventScroll: true });
  }

  const keys = {
    ArrowLeft: () => change(() => part.move(-.15)),
    ArrowRight: () => change(() => part.move(.15)),
    PageUp: () => (lanes.scrollTop -= lanes.clientHeight - 2 * ROW),
    PageDown: () => (lanes.scrollTop += lanes.clientHeight - 2 * ROW),
    Home: () => change(() => part.set(0, part.width)),
    End: () => change(() => part.set(data.end, part.width)),
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    '+': () => change(() => part.zoom(.6)),
    '=': () => change(() => part.zoom(.6)),
    '-': () => change(() => part.zoom(1 / .6)),
    0: () => change(() => part.whole()),
    f: foldAll,
    Enter: () => stage.picked && stage.picked.kind === 'group' && fold(stage.picked.group, !stage.picked.group.isFolded),
    Escape: leave,
  };
  lanes.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener('keydown', event => {
    const isTyped = event.target instanceof HTMLInputElement;
    if (event.key !== '/' || isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    get('search').focus();
    get('search').select();
  });
  get('search').addEventListener('input', find);
  get('search').addEventListener('keydown', event => {
    if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') leave();
    else return;
    event.preventDefault();
  });
  const buttons = { in: '+', out: '-', whole: '0', left: 'ArrowLeft', right: 'ArrowRight', fold: 'f' };
  for (const [id, key] of Object.entries(buttons)) get(id).addEventListener('click', keys[key]);
  get('before').addEventListener('click', () => go(-1));
  get('next').addEventListener('click', () => go(1));

  pointers({ lanes, canvas, tip, stage, part, change, pick, fold });
  lanes.addEventListener('scroll', ask, { passive: true });
  new ResizeObserver(ask).observe(lanes);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    stage.colors = colorsOf(lanes);
    ask();
  });
  lay();
}

begin();
