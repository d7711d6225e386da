// What a mouse, a finger or two do on the timeline.

/** How far a pointer may go, in pixels, and still only click. */
const STILL = 4;

function pointers({ lanes, canvas, tip, stage, part, change, pick, fold }) {
  const down = new Map();
  let gone = 0;

  const place = event => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const timeAt = x => part.from + Math.max(x - stage.margin, 0) / (stage.wide - stage.margin) * part.width;

  function hover(event) {
    const { x, y } = place(event), words = down.size ? null : wordsAt(stage, x, y);
    tip.hidden = !words;
    if (!words) return;
    tip.textContent = words.join('\n');
    const { offsetWidth: wide, offsetHeight: high } = tip;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - wide - 8)) + 'px';
    tip.style.top = (event.clientY + 18 + high > innerHeight ? event.clientY - high - 10 : event.clientY + 18) + 'px';
  }

  function click(event) {
    const { x, y } = place(event);
    const row = y < AXIS ? null : stage.rows[Math.floor((y + stage.top - AXIS) / ROW)] || null;
    const near = 6 / (stage.wide - stage.margin) * part.width;
    const points = row && x >= stage.margin ? (row.lane ? row.lane.points : row.group ? [] : stage.marks) : [];
    pick(row, nearest(points, timeAt(x), near) || undefined);
    if (row && row.kind === 'group') fold(row.group, !row.group.isFolded);
  }

  canvas.addEventListener('pointerdown', event => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    gone = 0;
    tip.hidden = true;
  });
  canvas.addEventListener('pointermove', event => {
    const before = down.get(event.pointerId);
    if (!before) return hover(event);
    const now = place(event), share = stage.wide - stage.margin;
    gone += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (down.size === 2) {
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const factor = Math.max(Math.abs(before.x - other.x), 10) / Math.max(Math.abs(now.x - other.x), 10);
      change(() => part.zoom(factor, timeAt(other.x)));
    } else if (gone > STILL) {
      change(() => part.move((before.x - now.x) / share));
    }
    down.set(event.pointerId, now);
  });
  const up = event => {
    const wasDown = down.delete(event.pointerId);
    if (wasDown && event.type === 'pointerup' && gone <= STILL && !down.size) click(event);
  };
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('pointerleave', () => (tip.hidden = true));
  canvas.addEventListener('dblclick', event => change(() => part.zoom(.4, timeAt(place(event).x))));
  lanes.addEventListener('wheel', event => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      change(() => part.zoom(Math.exp(event.deltaY / 300), timeAt(place(event).x)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      change(() => part.move((event.deltaX || event.deltaY) / 1000));
    }
  }, { passive: false });
}
