// Whole numbers as words.

/**
 * A count with its digits in groups: `12,345`. An unknown count is 0.
 * @param {number | null | undefined} count
 * @returns {string}
 */
export function number(count) {
  return (count || 0).toLocaleString('en');
}

/**
 * A count and its noun: `1 move`, `2 moves`.
 * @param {number} count
 * @param {string} noun
 * @param {string} [plural]
 * @returns {string}
 */
export function counted(count, noun, plural = noun + 's') {
  return number(count) + ' ' + (count === 1 ? noun : plural);
}
