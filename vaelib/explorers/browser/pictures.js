// Images on canvases. Of grey images the ink is dark.

import { altOf, html } from "./dom.js";
import { say } from "./language.js";

/** One image [C, H, W] with values in [0, 1]. */
export function picture([channels, height, width], alt, className = "") {
  const canvas = html("canvas", { width, height, role: "img", "aria-label": alt, class: `vl-picture ${className}` });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  image.data.fill(255);
  const area = width * height;
  return {
    element: canvas,
    /** Show the image that starts at `from` in `pixels`. */
    draw(pixels, from = 0) {
      const bytes = image.data;
      if (channels === 1) {
        for (let i = 0; i < area; i++) bytes[4 * i] = bytes[4 * i + 1] = bytes[4 * i + 2] = 255 * (1 - pixels[from + i]);
      } else {
        for (let i = 0; i < area; i++) {
          bytes[4 * i] = 255 * pixels[from + i];
          bytes[4 * i + 1] = 255 * pixels[from + area + i];
          bytes[4 * i + 2] = 255 * pixels[from + 2 * area + i];
        }
      }
      context.putImageData(image, 0, 0);
    },
    alt: altOf(canvas),
  };
}

/** One image for the eye alone: what stands around it has the name. */
function nameless(shape, className) {
  const part = picture(shape, "", className);
  part.element.removeAttribute("role");
  part.element.removeAttribute("aria-label");
  return part;
}

/** An image that stands in a choice, where its option has the name. */
export function thumbnail(shape, pixels, from) {
  const { element, draw } = nameless(shape);
  draw(pixels, from);
  return element;
}

const sizeOf = ([channels, height, width]) => channels * height * width;

/** The first `count` of the images as options of a `choice`. */
export const imageOptions = (count, shape, pixels) =>
  Array.from({ length: count }, (_, k) => [k, thumbnail(shape, pixels, k * sizeOf(shape)), say("image {number}", { number: k + 1 })]);

/** `count` images side by side, one picture to a screen reader. */
export function strip(count, shape, alt, className = "") {
  const pictures = Array.from({ length: count }, () => nameless(shape));
  const canvases = pictures.map(({ element }) => element);
  const element = html("div", { class: `vl-strip ${className}`, role: "img", "aria-label": alt }, ...canvases);
  return {
    element,
    draw: (pixels) => pictures.forEach((one, k) => one.draw(pixels, k * sizeOf(shape))),
    alt: altOf(element),
  };
}
