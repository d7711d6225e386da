// Elements of the page: made, filled, and found from an event.

/**
 * A new element with a text.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [text]
 * @param {string} [className]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function made(name, text = '', className = '') {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  if (className) element.className = className;
  return element;
}

/**
 * Puts a text into an element. The same text again would be laid out again, so it is left.
 * @param {Element} element
 * @param {string} text
 */
export function putText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element that an event happened in, or the nearest around it, that fits a selector.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest({ target }, selector) {
  const element = target instanceof Element ? target.closest(selector) : null;
  return element instanceof HTMLElement ? element : null;
}

/**
 * Makes a list have this many items.
 * @param {HTMLElement} list
 * @param {number} count
 * @param {() => HTMLElement} make
 * @returns {HTMLElement[]}
 */
export function resizedList(list, count, make) {
  while (list.children.length > count) list.lastElementChild?.remove();
  while (list.children.length < count) list.append(make());
  return /** @type {HTMLElement[]} */ ([...list.children]);
}
