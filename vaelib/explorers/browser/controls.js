// What a hand moves: sliders, radio buttons, buttons. All of them answer to the keyboard too.

import { html, newId } from "./dom.js";
import { signed, tidy } from "./format.js";
import { say } from "./language.js";

export const button = (text, onclick, attributes = {}) => html("button", { type: "button", onclick, ...attributes }, text);

/** A labelled slider. `text(value)` is the value with its unit, to be seen and to be heard. */
export function slider({ label, min, max, step, value, text = tidy, oninput, className = "" }) {
  const id = newId("slider");
  const output = html("output", { for: id });
  const moved = () => (show(), oninput(Number(input.value)));
  let before; // the finger came
  const input = html("input", {
    id, type: "range", min, max, step, oninput: moved,
    onpointerdown: () => (before = input.value),
    onpointercancel() { // the finger scrolls the page: it only passed here
      if (input.value === before) return;
      input.value = before;
      moved();
    },
  });
  const name = html("label", { for: id }, label);
  function show(shown = Number(input.value)) {
    output.value = text(shown);
    input.setAttribute("aria-valuetext", text(shown));
  }
  function set(to) {
    input.value = to;
    show(Number(to)); // a value between two steps is shown as it is
  }
  set(value);
  return { element: html("div", { class: `vl-slider ${className}` }, name, input, output), set };
}

/**
 * Many small sliders, column after column, that change one list of numbers. `items` have a `label`, and `collapsed` if
 * the slider is to be greyed; `oninput` gets the whole list.
 */
export function sliders({ label, items, values, text, oninput, ...scale }) {
  const now = [...values];
  const parts = items.map((item, k) =>
    slider({
      label: item.label, value: now[k], text, className: item.collapsed ? "vl-collapsed" : "", ...scale,
      oninput: (value) => {
        now[k] = value;
        oninput([...now]);
      },
    }),
  );
  return {
    element: html("div", { class: "vl-sliders", role: "group", "aria-label": label }, ...parts.map(({ element }) => element)),
    set: (to) => to.forEach((value, k) => {
      now[k] = value;
      parts[k].set(value);
    }),
  };
}

/** A slider for each of the attributes `names`: how much of each to add. */
export const attributeSliders = ({ names, values, oninput }) =>
  sliders({
    label: say("attributes"), min: -1, max: 1, step: 0.02, text: signed,
    items: names.map((label) => ({ label })), values, oninput,
  });

/** One choice out of a few: radio buttons. `options` is a list of [value, content, name]; the content may be a picture. */
export function choice({ label, options, value, onchange, className = "" }) {
  const group = newId("choice");
  const inputs = new Map();
  const items = options.map(([option, content, name]) => {
    const input = html("input", {
      type: "radio", name: group, "aria-label": name ?? null, onchange: () => onchange(option),
    });
    inputs.set(option, input);
    return html("label", {}, input, html("span", { class: "vl-option" }, content));
  });
  // No <legend>: WebKit puts one above its group, whatever the style says.
  const title = html("span", { class: "vl-group", id: newId("group") }, label);
  const element = html("fieldset", { class: `vl-choice ${className}`, "aria-labelledby": title.id }, title, ...items);
  // And WebKit forgets, when an arrow key has chosen another button, that the keyboard is in use (:focus-visible).
  element.addEventListener("keydown", () => element.classList.add("vl-by-key"));
  element.addEventListener("pointerdown", () => element.classList.remove("vl-by-key"));
  const set = (to) => inputs.forEach((input, option) => (input.checked = option === to));
  set(value);
  return { element, set };
}
