import { Coder, kl, readArrays, sampled } from "./network.js";
import {
  button, classPicker, ellipse, figure, html, latentMap, painter, panel, picture, row, stage, strip, svg, tidy, traits,
} from "./parts.js";

const SIDE = 280; // of the drawing, in pixels
const PEN = 28; // so that a digit that fills the sheet has lines as wide as MNIST's
const [BOX, FRAME] = [20, 28]; // MNIST's: the ink fills a box of 20 pixels, in an image of 28

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const { labels, picks } = model.get("about"); // `picks` are the classes of the images that can be loaded
    const shape = [1, FRAME, FRAME];
    const coder = new Coder(arrays);
    const noise = arrays.noise.data; // (4, 2)
    const count = noise.length / 2;
    const paint = painter(main, rest);
    const link = traits(model, ["image"], paint.draw, show);

    const paper = drawing(link.state.image.flat(), (pixels) => {
      picker.set(loaded(pixels));
      send(pixels);
    });
    const seen = picture(shape, "", "vl-seen");
    const rebuilt = picture(shape, "", "vl-seen");
    const samples = strip(count, shape, "", "vl-samples");
    const map = latentMap({ letter: "z", cover: arrays.codes.data, labels, prior: true, alt: "", size: 320 });
    map.draw(arrays.codes.data);
    const posterior = ellipse(map, "vl-ellipse vl-chosen");
    const dots = Array.from({ length: count }, () => svg("circle", { class: "vl-dot", r: 3 }));
    const ring = svg("circle", { class: "vl-halo", r: 15 });
    const found = svg("g", {}, ring, ...dots, posterior.element);
    map.add(found);
    const numbers = html("div", { class: "vl-numbers-of", "aria-live": "polite" });
    const picker = classPicker({
      label: "a test image", picks, shape, pixels: arrays.images.data, value: loaded(link.state.image.flat()),
      onchange(k) {
        paper.load(testImage(k));
        send(testImage(k));
      },
    });

    stage(
      el, "Draw a digit", picker.element,
      row(
        html("div", { class: "vl-drawing" },
          figure("or draw a digit", paper.element),
          row(button("clear", paper.clear), button("undo", paper.undo))),
        html("div", { class: "vl-shown" },
          row(figure("x, 28 × 28", seen.element), figure("x̂ from μ", rebuilt.element)),
          figure(`${count} samples of q(z|x), decoded`, samples.element), numbers),
        panel("q(z|x) among the test images", map.element,
          html("p", { class: "vl-said" }, "ellipse: q(z|x), 1\u00a0σ; dots: the samples; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ")),
      ),
    );

    function send(pixels) {
      link.set({ image: Array.from({ length: FRAME }, (_, y) => pixels.slice(y * FRAME, (y + 1) * FRAME)) });
    }

    function testImage(k) {
      return Array.from(arrays.images.data.subarray(k * FRAME * FRAME, (k + 1) * FRAME * FRAME));
    }

    /** Which of the test images these pixels are, if any. */
    function loaded(pixels) {
      const found = picks.findIndex((_, k) => testImage(k).every((value, i) => Math.abs(value - pixels[i]) < 1e-6));
      return found < 0 ? null : found;
    }

    function show() {
      const pixels = link.state.image.flat();
      paper.load(pixels);
      picker.set(loaded(pixels));
    }

    /** The posterior of what is drawn, or null while nothing is. */
    function encoded() {
      const x = Float32Array.from(link.state.image.flat());
      return x.some((value) => value > 0) ? { x, ...coder.encode(coder.look(x, 1), 1) } : null;
    }

    function main() {
      const q = encoded();
      found.style.display = q ? "" : "none";
      seen.draw(q ? q.x : new Float32Array(FRAME * FRAME));
      rebuilt.draw(q ? coder.decode(q.mu, 1) : new Float32Array(FRAME * FRAME));
      if (!q) return;
      posterior.draw(...q.mu, ...q.sigma);
      ring.setAttribute("cx", map.x(q.mu[0]));
      ring.setAttribute("cy", map.y(q.mu[1]));
    }

    function rest() {
      const q = encoded();
      if (!q) {
        samples.draw(new Float32Array(count * FRAME * FRAME));
        numbers.replaceChildren("Nothing is drawn yet: there is no x to encode.");
        for (const part of [seen, rebuilt, samples]) part.alt("empty: nothing is drawn yet");
        map.alt(`the VAE's plane with ${labels.length} test images by class`);
        return;
      }
      const z = sampled(repeated(q.mu, count), repeated(q.sigma, count), noise);
      samples.draw(coder.decode(z, count));
      dots.forEach((dot, k) => {
        dot.setAttribute("cx", map.x(z[2 * k]));
        dot.setAttribute("cy", map.y(z[2 * k + 1]));
      });
      const lines = [0, 1].map((j) => `z${"₁₂"[j]}: μ = ${tidy(q.mu[j])}, σ = ${tidy(q.sigma[j])}`);
      const rate = kl(q.mu, q.sigma).reduce((sum, value) => sum + value, 0);
      numbers.replaceChildren(...[...lines, `Σ KL = ${tidy(rate)} nats`].map((text) => html("div", {}, text)));
      seen.alt("the digit as the network sees it, 28 × 28");
      rebuilt.alt(`its reconstruction x̂ from μ = (${tidy(q.mu[0])}, ${tidy(q.mu[1])})`);
      samples.alt(`${count} samples of its posterior, decoded`);
      map.alt(`its posterior on the VAE's plane with ${labels.length} test images by class: ${lines.join("; ")}`);
    }

    main();
    rest();
    return () => {
      paint.stop();
      link.stop();
    };
  },
};

const repeated = (values, times) => Float32Array.from({ length: times * values.length }, (_, i) => values[i % values.length]);

/**
 * A sheet to draw on with mouse, touch or pen, with an image on it or with none. `onchange` gets what the network is to see:
 * the image as it is, but drawn on, it is treated as MNIST would.
 */
function drawing(image, onchange) {
  const canvas = html("canvas", {
    width: SIDE, height: SIDE, class: "vl-paper", role: "img", onpointerdown, onpointermove, onpointerup, onpointercancel: onpointerup,
    "aria-label": "a sheet to draw a digit on; with the keyboard, load a test image instead",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const hint = html("div", { class: "vl-hint", "aria-hidden": "true" }, "draw 0 to 9 here");
  let sheet = { image, strokes: [] }; // each stroke is a list of points
  const past = []; // the sheets that were
  let pointer = null; // that is drawing the last stroke

  function redraw() {
    context.fillStyle = "white";
    context.fillRect(0, 0, SIDE, SIDE);
    const pixel = SIDE / FRAME;
    sheet.image.forEach((ink, i) => {
      if (ink === 0) return;
      const grey = Math.round(255 * (1 - ink));
      context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      context.fillRect((i % FRAME) * pixel, Math.floor(i / FRAME) * pixel, pixel, pixel);
    });
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = PEN;
    context.beginPath();
    for (const points of sheet.strokes) {
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point); // a lone point becomes a dot
    }
    context.stroke();
    hint.style.display = sheet.strokes.length || sheet.image.some((ink) => ink > 0) ? "none" : "";
  }

  /** What the network sees of it. */
  function read() {
    if (!sheet.strokes.length) return sheet.image;
    const bytes = context.getImageData(0, 0, SIDE, SIDE).data;
    const ink = new Float32Array(SIDE * SIDE);
    for (let i = 0; i < ink.length; i++) ink[i] = 1 - bytes[4 * i] / 255;
    return asInMnist(ink, SIDE, SIDE);
  }

  function turnTo(next) {
    past.push(sheet);
    sheet = next;
  }

  function changed() {
    redraw();
    onchange(read());
  }

  function place(event) {
    const bounds = canvas.getBoundingClientRect();
    return [((event.clientX - bounds.left) / bounds.width) * SIDE, ((event.clientY - bounds.top) / bounds.height) * SIDE];
  }

  function onpointerdown(event) {
    if (pointer !== null || event.button !== 0) return; // one pen at a time
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    turnTo({ image: sheet.image, strokes: [...sheet.strokes, [place(event)]] });
    changed();
  }

  function onpointermove(event) {
    if (pointer !== event.pointerId) return;
    const passed = event.getCoalescedEvents?.() ?? []; // since the last frame
    sheet.strokes.at(-1).push(...(passed.length ? passed : [event]).map(place));
    changed();
  }

  function onpointerup(event) {
    if (pointer === event.pointerId) pointer = null;
  }

  redraw();
  return {
    element: html("div", { class: "vl-sheet" }, canvas, hint),
    load(pixels) {
      if (pointer !== null) return; // not under a pen that is drawing
      turnTo({ image: pixels, strokes: [] });
      redraw();
    },
    undo() {
      if (!past.length || pointer !== null) return;
      sheet = past.pop();
      changed();
    },
    clear() {
      turnTo({ image: new Array(FRAME * FRAME).fill(0), strokes: [] });
      pointer = null;
      changed();
    },
  };
}

/**
 * Ink (height × width) in [0, 1] as MNIST has it: the box around the ink is shrunk or stretched, its shape kept, until its
 * longer side is 20 pixels, each the mean of what it covers, in 256 levels; then it is moved, by whole pixels, until its centre of
 * mass is in the middle of 28 × 28.
 */
export function asInMnist(ink, width, height) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (ink[i] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  const image = new Array(FRAME * FRAME).fill(0);
  if (right < 0) return image; // no ink
  const scale = Math.max(right - left + 1, bottom - top + 1) / BOX;
  const across = shares(left, right + 1, scale);
  const down = shares(top, bottom + 1, scale);
  const box = down.map((rows) => across.map((columns) => {
    let sum = 0;
    for (const [y, share] of rows) for (const [x, part] of columns) sum += share * part * ink[y * width + x];
    return Math.round((255 * sum) / (scale * scale)) / 255;
  }));
  let [mass, massX, massY] = [0, 0, 0];
  box.forEach((line, y) => line.forEach((value, x) => {
    mass += value;
    massX += value * x;
    massY += value * y;
  }));
  const start = (moment, size) => Math.min(FRAME - size, Math.max(0, Math.round(FRAME / 2 - moment / mass)));
  const [x0, y0] = [start(massX, across.length), start(massY, down.length)];
  box.forEach((line, y) => line.forEach((value, x) => (image[(y0 + y) * FRAME + x0 + x] = value)));
  return image;
}

/** From `from` to `to` in steps of `scale`: which of the old pixels each new one covers, and how much of them. */
function shares(from, to, scale) {
  const count = Math.ceil((to - from) / scale - 1e-9);
  return Array.from({ length: count }, (_, k) => {
    const [start, end] = [from + k * scale, Math.min(to, from + (k + 1) * scale)];
    const covered = [];
    for (let i = Math.floor(start); i < end - 1e-9; i++) covered.push([i, Math.min(end, i + 1) - Math.max(start, i)]);
    return covered;
  });
}
