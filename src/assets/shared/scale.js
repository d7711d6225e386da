// The lines of a scale.

/**
 * A step of 1, 2 or 5 times a power of ten, of which about `count` fit into `width`.
 * @param {number} width
 * @param {number} count
 * @returns {number}
 */
export function stepOf(width, count) {
  const rough = width / count, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5].map(factor => factor * power).find(step => step >= rough) ?? 10 * power;
}

/**
 * The multiples of a step between two values.
 * @param {number} step
 * @param {number} from
 * @param {number} to
 * @returns {number[]}
 */
export function multiplesOf(step, from, to) {
  const multiples = [];
  for (let n = Math.ceil(from / step); n * step <= to; n++) multiples.push(n * step);
  return multiples;
}

/**
 * A value, or the nearer end of a range if it is outside.
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
