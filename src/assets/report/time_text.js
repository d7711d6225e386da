// Times as words. They are nanoseconds.

/**
 * How long something took, to three digits: `45.1 µs`.
 * @param {number} ns
 * @returns {string}
 */
export function durationText(ns) {
  if (ns < 1e3) return Math.round(ns) + ' ns';
  const [value, unit] = ns < 1e6 ? [ns / 1e3, ' µs'] : ns < 1e9 ? [ns / 1e6, ' ms'] : [ns / 1e9, ' s'];
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) + unit;
}

/**
 * A moment, with as many decimals as a window of this width can show: `1.500 s`.
 * @param {number} t
 * @param {number} width
 * @returns {string}
 */
export function momentText(t, width) {
  const decimals = Math.min(9, Math.max(1, Math.ceil(10 - Math.log10(Math.max(width, 1)))));
  return (t / 1e9).toFixed(decimals) + ' s';
}

/**
 * A moment on a scale with this step, with as many decimals as the steps need.
 * @param {number} t
 * @param {number} step
 * @returns {string}
 */
export function scaleText(t, step) {
  const decimals = Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9));
  return (t / 1e9).toFixed(Math.min(decimals, 9)) + ' s';
}
