import { Coder, readArrays, rowOf } from "./network.js";
import {
  classPicker, ellipse, figure, html, latentMap, painter, panel, picture, row, stage, svg, tidy, traits,
} from "./parts.js";

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const { shape, labels, picks } = model.get("about"); // `picks` are the rows of the images that can be chosen
    const paint = painter(main, rest);
    const link = traits(model, ["h", "z", "image"], paint.draw, () => picker.set(link.state.image));
    const placeOf = (table, k) => Array.from(rowOf(table, picks[k], 2));

    const sides = ["h", "z"].map((letter) => {
      const name = letter === "h" ? "UAE" : "VAE";
      const codes = arrays[`${name}.codes`].data; // (n, 2): h, or μ
      const sigma = arrays[`${name}.sigma`]?.data;
      const map = latentMap({ letter, cover: codes, labels, prior: letter === "z", alt: "" });
      map.draw(codes);
      const chosen = picks.map((_, k) => {
        const spread = sigma ? placeOf(sigma, k) : [0.012, 0.012].map((share) => share * (map.ranges[0][1] - map.ranges[0][0]));
        return ellipse(map, sigma ? "vl-ellipse" : "vl-ring").draw(...placeOf(codes, k), ...spread).element;
      });
      const cross = crosshair(map);
      map.add(...chosen, cross.element);
      const middle = letter === "z" ? [0, 0] : map.ranges.map(([low, high]) => (low + high) / 2);
      const pad = plot2D({
        map, middle, label: `latent plane of the ${name}: ${labels.length} test images by class`, onmove: (to) => link.set({ [letter]: to }),
      });
      return {
        name, letter, codes, sigma, chosen, cross, pad, coder: new Coder(arrays, `${name}.`), decoded: picture(shape, "", "vl-big"),
        where: html("p", { class: "vl-said" }), about: html("p", { class: "vl-said" }),
      };
    });
    const picker = classPicker({
      label: "image x", picks: picks.map((k) => labels[k]), shape, pixels: arrays.images.data, value: link.state.image,
      onchange: (image) => link.set({ image, h: placeOf(sides[0].codes, image), z: placeOf(sides[1].codes, image) }),
    });

    stage(
      el, "Explore the map", picker.element,
      row(...sides.map(({ name, letter, pad, decoded, where, about }) => panel(
        name === "UAE" ? "UAE: x → point h" : "VAE: x → distribution q(z|x)",
        html("div", { class: "vl-beside" },
          pad.element,
          html("div", { class: "vl-aside" }, figure(`decoded ${letter}`, decoded.element), where)),
        about,
      ))),
      html("p", { class: "vl-said" }, "Drag in a plane, or use the arrow keys: Shift for large steps, Home for the middle."),
    );

    function main() {
      for (const { letter, coder, decoded, cross, pad } of sides) {
        const at = link.state[letter];
        decoded.draw(coder.decode(at, 1));
        cross.draw(...at);
        pad.set(at);
      }
    }

    function rest() {
      const { image } = link.state;
      for (const { name, letter, codes, sigma, chosen, decoded, where, about } of sides) {
        const at = link.state[letter];
        where.replaceChildren(...lines(...at.map((value, j) => `${letter}${"₁₂"[j]} = ${tidy(value)}`)));
        decoded.alt(`decoded by the ${name} at ${letter} = ${pair(at)}`);
        chosen.forEach((element, k) => element.classList.toggle("vl-chosen", k === image));
        const code = pair(placeOf(codes, image));
        about.replaceChildren(...(sigma
          ? lines(`x: μ = ${code}, σ = ${pair(placeOf(sigma, image))}`, "ellipses: q(z|x), 1\u00a0σ; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ")
          : lines(`x: h = ${code}`, `rings: the ${picks.length} images x`)));
      }
    }

    main();
    rest();
    return () => {
      paint.stop();
      link.stop();
    };
  },
};

const pair = (values) => `(${tidy(values[0])}, ${tidy(values[1])})`;
const lines = (...texts) => texts.map((text) => html("span", { class: "vl-block" }, text));

/** Two lines that cross at a place, and a ring around it, so that it does not hide what is there. */
function crosshair(map) {
  const [[left, right], [low, high]] = map.ranges;
  const across = svg("line", { x1: map.x(left), x2: map.x(right) });
  const down = svg("line", { y1: map.y(low), y2: map.y(high) });
  const ring = svg("circle", { r: 11 });
  const within = (value, [least, most]) => Math.min(most, Math.max(least, value));
  return {
    element: svg("g", { class: "vl-cross" }, across, down, ring),
    draw(a, b) { // a place beyond the plane's edge is shown at the edge
      const [x, y] = [map.x(within(a, map.ranges[0])), map.y(within(b, map.ranges[1]))];
      for (const [element, values] of [[across, { y1: y, y2: y }], [down, { x1: x, x2: x }], [ring, { cx: x, cy: y }]]) {
        for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
      }
    },
  };
}

/** A plane as a control of two numbers, for the pointer and for the keyboard. */
function plot2D({ map, middle, label, onmove }) {
  let place = middle;
  const [[left, right], [low, high]] = map.ranges;
  const element = html("div", {
    class: "vl-pad", tabindex: 0, role: "slider", "aria-roledescription": "two-dimensional slider", "aria-label": label,
    "aria-valuemin": left, "aria-valuemax": right,
    onpointerdown(event) {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      onmove(map.valueAt(event));
    },
    onpointermove(event) {
      if (element.hasPointerCapture(event.pointerId)) onmove(map.valueAt(event));
    },
    onkeydown(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const towards = KEYS[event.key];
      if (!towards && event.key !== "Home") return;
      event.preventDefault();
      event.stopPropagation();
      const step = (right - left) * (event.shiftKey ? 0.1 : 0.01);
      const to = towards ? place.map((value, k) => value + towards[k] * step) : middle;
      onmove([Math.min(right, Math.max(left, to[0])), Math.min(high, Math.max(low, to[1]))]);
    },
  }, map.element);
  map.element.setAttribute("aria-hidden", "true"); // the slider has its name
  return {
    element,
    set(to) {
      place = to;
      element.setAttribute("aria-valuenow", to[0]);
      element.setAttribute("aria-valuetext", pair(to));
    },
  };
}
