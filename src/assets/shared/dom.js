// Elements of the page: found, sized and placed. Text is only ever put in as text.

/**
 * The element of the page with an id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [type] which kind of element it is
 * @returns {T}
 */
export function get(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof (type ?? HTMLElement))) throw new Error('the page has no such element: #' + id);
  return /** @type {T} */ (element);
}

/**
 * The drawing context of a canvas, which every browser has.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const context = canvas.getContext('2d');
  if (!context) throw new Error('the browser does not draw');
  return context;
}

/**
 * Gives a canvas a size in pixels of the page, whatever the screen's pixels are.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 */
export function sizeCanvas(canvas, context, width, height) {
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
}

/**
 * Shows lines of text beside a place of the window. Without lines, hides the element.
 * @param {HTMLElement} element
 * @param {string[] | null} lines
 * @param {number} x
 * @param {number} y
 */
export function showTip(element, lines, x, y) {
  element.hidden = !lines;
  if (!lines) return;
  const text = lines.join('\n');
  if (element.textContent !== text) element.textContent = text;
  const { offsetWidth: width, offsetHeight: height } = element;
  element.style.left = Math.max(4, Math.min(x + 14, innerWidth - width - 8)) + 'px';
  element.style.top = Math.max(4, y + 18 + height > innerHeight ? y - height - 10 : y + 18) + 'px';
}
