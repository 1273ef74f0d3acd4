import { classPicker } from "./browser/classes.js";
import { figure, html, panel, row, setAttributes, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { pair, subscripted, tidy } from "./browser/format.js";
import { say } from "./browser/language.js";
import { ellipse, latentMap } from "./browser/latent_map.js";
import { Coder, readArrays, rowOf } from "./browser/network.js";
import { pad } from "./browser/pad.js";
import { picture } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

const RING = 0.012; // the radius around a point h, as a share of the plane: a UAE has no σ

const lines = (...texts) => texts.map((text) => html("span", { class: "vl-block" }, text));
const within = (value, [least, most]) => Math.min(most, Math.max(least, value));

/** Two lines that cross at a place, and a ring around it, so that it does not hide what is there. */
function crosshair(map) {
  const [[left, right], [low, high]] = map.ranges;
  const across = svg("line", { x1: map.x(left), x2: map.x(right) });
  const down = svg("line", { y1: map.y(low), y2: map.y(high) });
  const ring = svg("circle", { r: 11 });
  return {
    element: svg("g", { class: "vl-cross" }, across, down, ring),
    draw(a, b) { // a place beyond the plane's edge is shown at the edge
      const [x, y] = [map.x(within(a, map.ranges[0])), map.y(within(b, map.ranges[1]))];
      setAttributes(across, { y1: y, y2: y });
      setAttributes(down, { x1: x, x2: x });
      setAttributes(ring, { cx: x, cy: y });
    },
  };
}

/** One of the two models: its plane with the images to choose marked on it, a cross to move, and what is decoded there. */
function sideOf(letter, { alone, labels, palette, arrays, chosenRows, shape, place, onmove }) {
  const isVae = letter === "z";
  const prefix = isVae ? "vae" : "uae";
  const codes = arrays[`${prefix}.codes`].data; // (n, 2): h, or μ
  const sigma = isVae ? arrays["vae.sigma"].data : null;
  const map = latentMap({ letter, cover: codes, labels, palette, prior: isVae, alt: "", size: alone ? 420 : 280 });
  map.draw(codes);
  const radius = RING * (map.ranges[0][1] - map.ranges[0][0]);
  const codeOf = (k) => Array.from(rowOf(codes, chosenRows[k], 2)); // of the k-th image to choose
  const sigmaOf = (k) => Array.from(rowOf(sigma, chosenRows[k], 2));
  const outlines = chosenRows.map((_, k) =>
    ellipse(map, isVae ? "vl-ellipse" : "vl-ring").draw(...codeOf(k), ...(isVae ? sigmaOf(k) : [radius, radius])).element);
  const cross = crosshair(map);
  map.add(...outlines, cross.element);
  const plane = pad({
    plane: map, ranges: map.ranges, home: isVae ? [0, 0] : map.ranges.map(([low, high]) => (low + high) / 2),
    label: isVae
      ? say("latent plane of the VAE: {count} images by class", { count: labels.length })
      : say("latent plane of the UAE: {count} images by class", { count: labels.length }),
    place, text: pair, onmove,
  });
  const coder = new Coder(arrays, `${prefix}.`);
  const decoded = picture(shape, "", "vl-big");
  const where = html("p", { class: "vl-said" });
  const ofImage = html("p", { class: "vl-said" });
  const describe = (k) => isVae
    ? lines(`x: μ = ${pair(codeOf(k))}, σ = ${pair(sigmaOf(k))}`, say("ellipses: q(z|x), 1\u00a0σ; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ"))
    : lines(`x: h = ${pair(codeOf(k))}`, say("rings: the {count} images x", { count: chosenRows.length }));
  return {
    codeOf,
    element: panel(
      isVae ? say("VAE: x → distribution q(z|x)") : say("UAE: x → point h"),
      html("div", { class: "vl-beside" },
        plane.element,
        html("div", { class: "vl-aside" }, figure(say("decoded {letter}", { letter }), decoded.element), where)),
      ofImage,
    ),
    draw(image) {
      const at = place();
      decoded.draw(coder.decode(at, 1));
      cross.draw(...at);
      plane.show();
      where.replaceChildren(...lines(...at.map((value, j) => `${subscripted(letter, j)} = ${tidy(value)}`)));
      decoded.alt(isVae
        ? say("decoded by the VAE at z = {place}", { place: pair(at) })
        : say("decoded by the UAE at h = {place}", { place: pair(at) }));
      outlines.forEach((outline, k) => outline.classList.toggle("vl-chosen", k === image));
      ofImage.replaceChildren(...describe(image));
    },
  };
}

export default explorer({
  label: () => say("Explore the map"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["h", "image", "z"],
  build({ about, arrays, palette, state, set }) {
    const { shape, labels, rows_to_choose: chosenRows, letters } = about;
    const alone = letters.length === 1;
    const sides = letters.map((letter) =>
      sideOf(letter, {
        alone, labels, palette, arrays, chosenRows, shape, place: () => state[letter], onmove: (to) => set({ [letter]: to }),
      }));
    const codesOf = (image) => Object.fromEntries(sides.map(({ codeOf }, k) => [letters[k], codeOf(image)]));
    const picker = classPicker({
      label: say("image x"), classes: chosenRows.map((k) => labels[k]), palette, shape, pixels: arrays.images.data,
      value: state.image, onchange: (image) => set({ image, ...codesOf(image) }),
    });
    return {
      children: [
        picker.element,
        row(...sides.map(({ element }) => element)),
        html("p", { class: "vl-said" },
          say("Drag in a plane, or use the arrow keys: Shift for large steps, Home for the middle.")),
      ],
      draw: () => sides.forEach((side) => side.draw(state.image)),
      showControls: () => picker.set(state.image),
    };
  },
});
