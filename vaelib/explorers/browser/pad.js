// A plane as one control of two numbers, for the pointer and for the keyboard.

import { html, setAttributes } from "./dom.js";
import { say } from "./language.js";

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/**
 * Make the `plane`, whose axes have these `ranges`, a control. `home` is where the key of that name leads; an arrow key
 * moves by a hundredth of the axis, with Shift by a tenth. `place()` is where it stands now, `text(at)` says a place,
 * `onmove` gets the new one.
 */
export function pad({ plane, ranges, home, label, place, text, onmove, className = "" }) {
  const within = (to) => ranges.map(([least, most], k) => Math.min(most, Math.max(least, to[k])));
  const element = html("div", {
    class: `vl-pad ${className}`, tabindex: 0, role: "slider", "aria-roledescription": say("two-dimensional slider"),
    "aria-label": label, "aria-valuemin": ranges[0][0], "aria-valuemax": ranges[0][1],
    onpointerdown(event) {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      onmove(plane.valueAt(event));
    },
    onpointermove(event) {
      if (element.hasPointerCapture(event.pointerId)) onmove(plane.valueAt(event));
    },
    onkeydown(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const towards = KEYS[event.key];
      if (!towards && event.key !== "Home") return;
      event.preventDefault();
      event.stopPropagation();
      const share = event.shiftKey ? 0.1 : 0.01;
      onmove(towards ? within(place().map((value, k) => value + towards[k] * share * (ranges[k][1] - ranges[k][0]))) : home);
    },
  }, plane.element);
  plane.element.setAttribute("aria-hidden", "true"); // the slider has its name
  return {
    element,
    show: () => setAttributes(element, { "aria-valuenow": place()[0], "aria-valuetext": text(place()) }),
  };
}
