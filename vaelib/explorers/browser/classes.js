// Classes 0 to 9, told apart by colour and by shape. Which colour and which shape says Python (vaelib/palette.py): the
// figures of the lessons have the same.

import { choice } from "./controls.js";
import { html, svg } from "./dom.js";
import { say } from "./language.js";
import { thumbnail } from "./pictures.js";

// Each shape by matplotlib's name for it.
const SHAPES = {
  o: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  s: "M-3.6 -3.6h7.2v7.2h-7.2z",
  D: "M0 -4.5L4.5 0L0 4.5L-4.5 0z",
  "^": "M-4.2 4.2h8.4L0 -4.2z",
  v: "M-4.2 -4.2h8.4L0 4.2z",
  P: "M-4.5 -1.5h3v-3h3v3h3v3h-3v3h-3v-3h-3z",
  "*": "M0 -5.5L1.24 -1.7L5.23 -1.7L2 0.65L3.23 4.45L0 2.1L-3.23 4.45L-2 0.65L-5.23 -1.7L-1.24 -1.7z",
  X: "M-4.4 -2.2l2.2 -2.2l2.2 2.2l2.2 -2.2l2.2 2.2l-2.2 2.2l2.2 2.2l-2.2 2.2l-2.2 -2.2l-2.2 2.2l-2.2 -2.2l2.2 -2.2z",
  "<": "M4.2 4.2v-8.4L-4.2 0z",
  ">": "M-4.2 4.2v-8.4L4.2 0z",
};
const BLACK = "#000000"; // is the ink of the page, which a dark theme makes light

/** The mark of a class at (0, 0). */
export function classMark(palette, label) {
  const colour = palette.class_colours[label];
  return svg("path", { d: SHAPES[palette.class_markers[label]], fill: colour === BLACK ? "currentColor" : colour });
}

/** Which mark stands for which class: ● 0, ■ 1, … */
const classKey = (palette, label) =>
  html("span", { class: "vl-key" },
    svg("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, classMark(palette, label)), String(label));

export const legend = (palette, labels) =>
  html("div", { class: "vl-legend" }, say("class"), ...[...new Set(labels)].sort((a, b) => a - b).map((label) => classKey(palette, label)));

/** One choice out of images of these `classes`, in their order: [the image, its class]; `pixels` holds all the images. */
export function classPicker({ label, classes, palette, shape, pixels, value, onchange }) {
  const size = shape[0] * shape[1] * shape[2];
  const options = classes.map((kind, k) => {
    const content = html("span", { class: "vl-pick" }, thumbnail(shape, pixels, k * size), classKey(palette, kind));
    return [k, content, say("test image {number}, class {kind}", { number: k + 1, kind })];
  });
  return choice({ label, options, value, onchange, className: "vl-picks" });
}
