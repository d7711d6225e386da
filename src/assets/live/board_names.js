// The places of names on the board: beside their players, and never on another name or on a dot.

/** The height of a name, in pixels. */
export const NAME_HEIGHT = 14;

/** @typedef {[left: number, top: number, width: number, height: number]} Box */

/**
 * The places for a name around a spot: right, left, above, below.
 * @param {[number, number]} spot
 * @param {number} width
 * @param {number} away how far from the spot
 * @returns {[number, number][]}
 */
export function namePlaces([x, y], width, away) {
  const half = NAME_HEIGHT / 2;
  return [[x + away, y - half], [x - away - width, y - half], [x - width / 2, y - away - NAME_HEIGHT], [x - width / 2, y + away]];
}

/**
 * Whether a name at a place is within the canvas, and on no other name and no dot.
 * @param {[number, number]} place
 * @param {number} width
 * @param {{ width: number, height: number }} canvas
 * @param {Box[]} taken
 * @param {Iterable<[number, number]>} dots the dots of the other players
 * @param {number} near how large the dots are
 * @returns {boolean}
 */
export function isNameFree([left, top], width, canvas, taken, dots, near) {
  const right = left + width, bottom = top + NAME_HEIGHT;
  if (left < 2 || right > canvas.width - 2 || top < 1 || bottom > canvas.height - 1) return false;
  if (taken.some(([x, y, w, h]) => left < x + w + 2 && right + 2 > x && top < y + h && bottom > y)) return false;
  for (const [x, y] of dots) if (x > left - near && x < right + near && y > top - near && y < bottom + near) return false;
  return true;
}
