// Where the lines of a scale are.

/** A step of 1, 2 or 5 of a power of ten, of which about so many are in a width. */
function stepOf(width, count) {
  const rough = width / count, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough);
}
