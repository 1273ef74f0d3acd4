import { plane } from "./browser/charts.js";
import { legend } from "./browser/classes.js";
import { button, slider } from "./browser/controls.js";
import { figure, html, panel, row, setAttributes, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { tidy } from "./browser/format.js";
import { say } from "./browser/language.js";
import { ellipse, latentMap } from "./browser/latent_map.js";
import { readArrays } from "./browser/network.js";
import { strip } from "./browser/pictures.js";
import { asSent, readBytes } from "./browser/state.js";

const EPOCHS_A_SECOND = 3;
const ELLIPSES = 30; // of the first images: more hide each other
const HALF_A_SQUARE = 6.5; // of the UAE's mark on its curve

/** One of the two recordings: its plane, its draws, its reconstructions. */
function sideOf(name, { labels, palette, shape, epochs, arrays, pictures }) {
  const isVae = name === "VAE";
  const prefix = name.toLowerCase();
  const pixels = shape[0] * shape[1] * shape[2];
  const reconstructed = pictures.images.length / pixels;
  const codes = arrays[`${prefix}.codes`].data; // (epochs + 1, n, 2)
  const sigma = arrays[`${prefix}.sigma`].data; // the same for a VAE
  const map = latentMap({ letter: isVae ? "z" : "h", cover: codes, labels, palette, prior: true, alt: "" });
  const ellipses = Array.from({ length: isVae ? Math.min(ELLIPSES, labels.length) : 0 }, () => ellipse(map, "vl-ellipse"));
  map.add(...ellipses.map(({ element }) => element));
  const count = pictures[`${prefix}.samples`].length / pixels / (epochs + 1);
  const samples = strip(count, shape, "", "vl-fours");
  const pairs = strip(2 * reconstructed, shape, "", "vl-fours vl-pairs");

  /** The `number` recorded pictures of an epoch, as numbers from 0 to 1. */
  const recorded = (bytes, epoch, number) =>
    Float32Array.from(bytes.subarray(epoch * number * pixels, (epoch + 1) * number * pixels), (byte) => byte / 255);

  return {
    name, isVae, losses: arrays[`${prefix}.losses`].data, // (epochs + 1, 2)
    element: panel(
      isVae ? say("VAE: x → distribution q(z|x)") : say("UAE: x → point h"),
      html("div", { class: "vl-beside" },
        map.element,
        html("div", { class: "vl-aside" },
          figure(isVae ? say("from the prior") : say("from N(0, 1)"), samples.element), figure(say("x, and below x̂"), pairs.element))),
      html("p", { class: "vl-said" },
        isVae
          ? say("ellipses: q(z|x), 1\u00a0σ; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ")
          : say("dashed: N(0, 1), which is no prior of the UAE")),
    ),
    draw(epoch, when) {
      const from = epoch * 2 * labels.length;
      map.draw(codes, from);
      ellipses.forEach((one, k) => {
        const at = from + 2 * k;
        one.draw(codes[at], codes[at + 1], sigma[at], sigma[at + 1]);
      });
      samples.draw(recorded(pictures[`${prefix}.samples`], epoch, count));
      const [tests, ofTests] = [pictures.images, pictures[`${prefix}.reconstructed`]];
      const both = [recorded(tests, 0, reconstructed), recorded(ofTests, epoch, reconstructed)];
      const inOne = new Float32Array(2 * both[0].length); // not by ...: there is a most to what a function takes
      both.forEach((images, k) => inOne.set(images, k * images.length));
      pairs.draw(inOne);
      const now = { when, images: labels.length, count, tested: reconstructed };
      map.alt(isVae
        ? say("the VAE's plane {when}: the posteriors of {images} test images by class", now)
        : say("the UAE's plane {when}: the codes of {images} test images by class", now));
      samples.alt(isVae
        ? say("{count} draws of N(0, 1) decoded by the VAE {when}", now)
        : say("{count} draws of N(0, 1) decoded by the UAE {when}", now));
      pairs.alt(isVae
        ? say("{tested} test images, and below their reconstructions by the VAE {when}", now)
        : say("{tested} test images, and below their reconstructions by the UAE {when}", now));
    },
  };
}

/** The mark of a model on its curve, told apart by colour and by shape: ■ UAE, ● VAE. */
function lossMark(name) {
  if (name === "VAE") {
    const disc = svg("circle", { class: "vl-mark-vae", r: 7.5 });
    return { sign: "●", element: disc, put: (x, y) => setAttributes(disc, { cx: x, cy: y }) };
  }
  const side = 2 * HALF_A_SQUARE;
  const square = svg("rect", {
    class: "vl-mark-uae", width: side, height: side, transform: `translate(-${HALF_A_SQUARE} -${HALF_A_SQUARE})`,
  });
  return { sign: "■", element: square, put: (x, y) => setAttributes(square, { x, y }) };
}

/** A term of the loss, the k-th, over the epochs: one curve for each model that has it, with a cursor. */
function lossPlot(term, k, epochs, sides) {
  const isKl = term === "KL";
  const curves = sides.filter(({ isVae }) => isVae || !isKl).map(({ name, losses }) =>
    ({ name, mark: lossMark(name), values: Array.from({ length: epochs + 1 }, (_, epoch) => losses[2 * epoch + k]) }));
  const all = curves.flatMap(({ values }) => values);
  const [least, most] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = 0.08 * (most - least || 1);
  const chart = plane({
    xRange: [0, epochs], yRange: [isKl ? 0 : least - room, most + room], xLabel: say("epoch"), yLabel: say("nats"), alt: "",
    width: 460, height: 144, margin: [68, 14, 8, 46],
  });
  const cursor = svg("line", { class: "vl-cursor", y1: 8, y2: 98 });
  chart.element.append(cursor);
  for (const { name, mark, values } of curves) {
    const d = chart.line(values.map((value, epoch) => [epoch, value]));
    chart.element.append(svg("path", { class: `vl-loss vl-loss-${name.toLowerCase()}`, d }), mark.element);
  }
  const none = isKl && sides.some(({ isVae }) => !isVae) ? [say("the UAE has none")] : [];
  const title = html("div", { class: "vl-title" });
  return {
    element: html("div", { class: "vl-panel vl-half" }, title, chart.element),
    draw(epoch, when) {
      const x = chart.x(epoch);
      setAttributes(cursor, { x1: x, x2: x });
      for (const { values, mark } of curves) mark.put(x, chart.y(values[epoch]));
      const now = curves.map(({ name, mark, values }) => `${mark.sign} ${name} ${tidy(values[epoch])}`);
      title.textContent = `${isKl ? "KL" : say("reconstruction")}: ${[...now, ...none].join(", ")}`;
      const values = { when, values: now.join(", ").replace(/[■●] /g, "") || say("none") };
      chart.alt(isKl
        ? say("KL of the test images in nats {when}: {values}", values)
        : say("reconstruction of the test images in nats {when}: {values}", values));
    },
  };
}

export default explorer({
  label: () => say("Watch a training run"),
  reads: { about: asSent, arrays: readArrays, palette: asSent, pictures: readBytes },
  writes: ["epoch", "playing"],
  build({ about, arrays, palette, pictures, state, set, setAndShow }) {
    const { shape, labels, epochs } = about;
    const sides = ["UAE", "VAE"].filter((name) => arrays[`${name.toLowerCase()}.codes`]).map((name) =>
      sideOf(name, { labels, palette, shape, epochs, arrays, pictures }));
    const plots = ["reconstruction", "KL"].map((term, k) => lossPlot(term, k, epochs, sides));
    const play = button(say("play"), () => setAndShow(playOrPause()));
    const scrubber = slider({
      label: say("epoch"), min: 0, max: epochs, step: 1, value: state.epoch, text: (epoch) => say("{epoch} of {epochs}", { epoch, epochs }),
      oninput: (epoch) => setAndShow({ epoch, playing: false }),
    });

    let timer;
    function showControls() {
      scrubber.set(state.epoch);
      play.textContent = state.playing ? say("pause") : say("play");
      clearTimeout(timer); // so that two views of one widget, which both play, do not go twice as fast
      if (state.playing) timer = setTimeout(step, 1000 / EPOCHS_A_SECOND);
    }

    function step() {
      const epoch = Math.min(epochs, state.epoch + 1);
      setAndShow({ epoch, playing: epoch < epochs });
    }

    function playOrPause() {
      const { epoch, playing } = state;
      return playing || epoch < epochs ? { playing: !playing } : { epoch: 0, playing: true };
    }

    return {
      children: [
        html("div", { class: "vl-play" }, scrubber.element, play), legend(palette, labels),
        row(...sides.map(({ element }) => element)),
        row(...plots.map(({ element }) => element)),
      ],
      draw() {
        const { epoch } = state;
        const when = epoch === 0 ? say("before the training") : say("after epoch {epoch} of {epochs}", { epoch, epochs });
        sides.forEach((side) => side.draw(epoch, when));
        plots.forEach((plot) => plot.draw(epoch, when));
      },
      showControls,
      onceShown() { // it plays by itself only where motion is welcome
        if (state.playing && matchMedia("(prefers-reduced-motion: reduce)").matches) set({ playing: false });
        showControls();
      },
      stop: () => clearTimeout(timer),
    };
  },
});
