import { classPicker } from "./browser/classes.js";
import { button } from "./browser/controls.js";
import { figure, html, panel, row, setAttributes, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { pair, subscripted, tidy } from "./browser/format.js";
import { say } from "./browser/language.js";
import { ellipse, latentMap } from "./browser/latent_map.js";
import { FRAME, asInMnist } from "./browser/mnist.js";
import { Coder, kl, readArrays, sampled } from "./browser/network.js";
import { picture, strip } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

const SHAPE = [1, FRAME, FRAME];
const SIDE = 280; // of the drawing, in pixels
const PEN = 28; // so that a digit that fills the sheet has lines as wide as MNIST's

const repeated = (values, times) => Float32Array.from({ length: times * values.length }, (_, i) => values[i % values.length]);

/**
 * A sheet to draw on with mouse, touch or pen, with an image on it or with none. `onchange` gets what the network is to see:
 * the image as it is, but drawn on, it is treated as MNIST would.
 */
function drawing(image, onchange) {
  const canvas = html("canvas", {
    width: SIDE, height: SIDE, class: "vl-paper", role: "img", onpointerdown, onpointermove, onpointerup, onpointercancel: onpointerup,
    "aria-label": say("a sheet to draw a digit on; with the keyboard, load a test image instead"),
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const hint = html("div", { class: "vl-hint", "aria-hidden": "true" }, say("draw 0 to 9 here"));
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
      context.moveTo(points[0][0], points[0][1]);
      for (const point of points) context.lineTo(point[0], point[1]); // a lone point becomes a dot
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

/** The plane with a mark for each test image, and on it, once something is drawn, its posterior and its samples. */
function plane({ codes, labels, palette, samples }) {
  const map = latentMap({ letter: "z", cover: codes, labels, palette, prior: true, alt: "", size: 320 });
  map.draw(codes);
  const posterior = ellipse(map, "vl-ellipse vl-chosen");
  const dots = Array.from({ length: samples }, () => svg("circle", { class: "vl-dot", r: 3 }));
  const ring = svg("circle", { class: "vl-halo", r: 15 });
  const found = svg("g", {}, ring, ...dots, posterior.element);
  map.add(found);
  return {
    element: map.element,
    alt: map.alt,
    show: (something) => (found.style.display = something ? "" : "none"),
    drawPosterior({ mu, sigma }) {
      posterior.draw(...mu, ...sigma);
      setAttributes(ring, { cx: map.x(mu[0]), cy: map.y(mu[1]) });
    },
    drawSamples(z) {
      dots.forEach((dot, k) => setAttributes(dot, { cx: map.x(z[2 * k]), cy: map.y(z[2 * k + 1]) }));
    },
  };
}

export default explorer({
  label: () => say("Draw a digit"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["image"],
  build({ about, arrays, palette, state, set }) {
    const { labels, classes_to_choose: classes } = about;
    const coder = new Coder(arrays);
    const noise = arrays.noise.data; // (4, 2)
    const count = noise.length / 2;

    const paper = drawing(state.image.flat(), (pixels) => {
      picker.set(loaded(pixels));
      send(pixels);
    });
    const picker = classPicker({
      label: say("a test image"), classes, palette, shape: SHAPE, pixels: arrays.images.data, value: loaded(state.image.flat()),
      onchange(k) {
        paper.load(testImage(k));
        send(testImage(k));
      },
    });
    const seen = picture(SHAPE, "", "vl-seen");
    const rebuilt = picture(SHAPE, "", "vl-seen");
    const samples = strip(count, SHAPE, "", "vl-samples");
    const map = plane({ codes: arrays.codes.data, labels, palette, samples: count });
    const numbers = html("div", { class: "vl-numbers-of", "aria-live": "polite" });

    function send(pixels) {
      set({ image: Array.from({ length: FRAME }, (_, y) => pixels.slice(y * FRAME, (y + 1) * FRAME)) });
    }

    function testImage(k) {
      return Array.from(arrays.images.data.subarray(k * FRAME * FRAME, (k + 1) * FRAME * FRAME));
    }

    /** Which of the test images these pixels are, if any. */
    function loaded(pixels) {
      const found = classes.findIndex((_, k) => testImage(k).every((value, i) => Math.abs(value - pixels[i]) < 1e-6));
      return found < 0 ? null : found;
    }

    /** The posterior of what is drawn, or null while nothing is. */
    function encoded() {
      const x = Float32Array.from(state.image.flat());
      return x.some((value) => value > 0) ? { x, ...coder.encode(coder.firstLayer(x, 1), 1) } : null;
    }

    function draw() {
      const q = encoded();
      map.show(q);
      seen.draw(q ? q.x : new Float32Array(FRAME * FRAME));
      rebuilt.draw(q ? coder.decode(q.mu, 1) : new Float32Array(FRAME * FRAME));
      if (!q) return drawNothing();
      map.drawPosterior(q);
      const z = sampled(repeated(q.mu, count), repeated(q.sigma, count), noise);
      samples.draw(coder.decode(z, count));
      map.drawSamples(z);
      const lines = [0, 1].map((j) => `${subscripted("z", j)}: μ = ${tidy(q.mu[j])}, σ = ${tidy(q.sigma[j])}`);
      const rate = kl(q.mu, q.sigma).reduce((sum, value) => sum + value, 0);
      numbers.replaceChildren(...[...lines, say("Σ KL = {rate} nats", { rate: tidy(rate) })].map((text) => html("div", {}, text)));
      seen.alt(say("the digit as the network sees it, 28 × 28"));
      rebuilt.alt(say("its reconstruction x̂ from μ = {mu}", { mu: pair(q.mu) }));
      samples.alt(say("{count} samples of its posterior, decoded", { count }));
      map.alt(say("its posterior on the VAE's plane with {count} test images by class: {lines}",
        { count: labels.length, lines: lines.join("; ") }));
    }

    function drawNothing() {
      samples.draw(new Float32Array(count * FRAME * FRAME));
      numbers.replaceChildren(say("Nothing is drawn yet: there is no x to encode."));
      for (const part of [seen, rebuilt, samples]) part.alt(say("empty: nothing is drawn yet"));
      map.alt(say("the VAE's plane with {count} test images by class", { count: labels.length }));
    }

    return {
      children: [
        picker.element,
        row(
          html("div", { class: "vl-drawing" },
            figure(say("or draw a digit"), paper.element),
            row(button(say("clear"), paper.clear), button(say("undo"), paper.undo))),
          html("div", { class: "vl-shown" },
            row(figure("x, 28 × 28", seen.element), figure(say("x̂ from μ"), rebuilt.element)),
            figure(say("{count} samples of q(z|x), decoded", { count }), samples.element), numbers),
          panel(say("q(z|x) among the test images"), map.element,
            html("p", { class: "vl-said" },
              say("ellipse: q(z|x), 1\u00a0σ; dots: the samples; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ"))),
        ),
      ],
      draw,
      showControls() {
        const pixels = state.image.flat();
        paper.load(pixels);
        picker.set(loaded(pixels));
      },
    };
  },
});
