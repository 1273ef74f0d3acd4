// Elements of the page. A part of an explorer makes its elements once and then changes in them what must change, so that a
// slider can be followed frame by frame.

/** An HTML element with attributes and children; on… attributes are listeners. */
export const html = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function build(element, attributes, children) {
  for (const name of Object.keys(attributes)) {
    const value = attributes[name];
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  // JupyterLab looks for this on the element that has the focus; without it, "a" typed on a slider inserts a cell.
  if (["input", "button", "select"].includes(element.localName) || "tabindex" in attributes) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children);
  return element;
}

/** Change some attributes of an element. */
export function setAttributes(element, values) {
  for (const name of Object.keys(values)) element.setAttribute(name, values[name]);
}

/** A function that says what an element shows, to those who do not see it. */
export const altOf = (element) => (text) => element.setAttribute("aria-label", text);

/** Only what changes is written: text is dear to lay out. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let ids = 0;
const ofThisModule = Math.random().toString(36).slice(2); // each explorer on a page has a copy of this module
/** An id that no other element of the page has: a widget may be shown twice, and another beside it. */
export const newId = (name) => `vl-${name}-${ofThisModule}-${++ids}`;

export const row = (...children) => html("div", { class: "vl-row" }, ...children);

/** A titled box. */
export const panel = (title, ...children) =>
  html("div", { class: "vl-panel" }, html("div", { class: "vl-title" }, title), ...children);

/** A picture and what it is. */
export const figure = (caption, element) => html("figure", {}, html("figcaption", {}, caption), element);

/** One of several lines of pictures, with a word before it. */
export const line = (word, element) => html("div", { class: "vl-line" }, html("span", {}, word), element);
