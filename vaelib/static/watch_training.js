import { readArrays } from "./network.js";
import {
  button, ellipse, figure, html, latentMap, legend, painter, panel, plane, row, slider, stage, strip, svg, tidy, traits,
} from "./parts.js";

const EPOCHS_A_SECOND = 3;
const ELLIPSES = 30; // of the first images: more hide each other

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const { shape, labels, epochs } = model.get("about");
    const pictures = Object.fromEntries(Object.entries(model.get("pictures")).map(([name, data]) =>
      [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]));
    const pixels = shape[0] * shape[1] * shape[2];
    const reconstructed = pictures.images.length / pixels;
    const paint = painter(main, rest);
    const link = traits(model, ["epoch", "playing"], draw, () => {});
    let timer;

    const play = button("play", () => link.set(playOrPause()));
    const scrubber = slider({
      label: "epoch", min: 0, max: epochs, step: 1, value: link.state.epoch, text: (epoch) => `${epoch} of ${epochs}`,
      oninput: (epoch) => link.set({ epoch, playing: false }),
    });

    const sides = ["UAE", "VAE"].filter((name) => arrays[`${name}.codes`]).map((name) => {
      const ofVae = name === "VAE";
      const codes = arrays[`${name}.codes`].data; // (epochs + 1, n, 2)
      const map = latentMap({ letter: ofVae ? "z" : "h", cover: codes, labels, prior: true, alt: "" });
      const ellipses = Array.from({ length: ofVae ? Math.min(ELLIPSES, labels.length) : 0 }, () => ellipse(map, "vl-ellipse"));
      map.add(...ellipses.map(({ element }) => element));
      const count = pictures[`${name}.samples`].length / pixels / (epochs + 1);
      return {
        name, ofVae, codes, map, ellipses, count, sigma: arrays[`${name}.sigma`].data, losses: arrays[`${name}.losses`].data,
        drawn: strip(count, shape, "", "vl-fours"), rebuilt: strip(2 * reconstructed, shape, "", "vl-fours vl-pairs"),
      };
    });
    const plots = ["reconstruction", "KL"].map((term, k) => lossPlot(term, k, epochs, sides));

    stage(
      el, "Watch a training run",
      html("div", { class: "vl-play" }, scrubber.element, play), legend(labels),
      row(...sides.map(({ ofVae, map, drawn, rebuilt }) => panel(
        ofVae ? "VAE: x → distribution q(z|x)" : "UAE: x → point h",
        html("div", { class: "vl-beside" },
          map.element,
          html("div", { class: "vl-aside" },
            figure(ofVae ? "from the prior" : "from N(0, 1)", drawn.element), figure("x, and below x̂", rebuilt.element))),
        html("p", { class: "vl-said" },
          ofVae ? "ellipses: q(z|x), 1\u00a0σ; dashed: N(0, 1), 1\u00a0σ and 2\u00a0σ" : "dashed: N(0, 1), which is no prior of the UAE"),
      ))),
      row(...plots.map(({ title, map }) => html("div", { class: "vl-panel vl-half" }, title, map.element))),
    );

    function main() {
      const { epoch } = link.state;
      scrubber.set(epoch);
      for (const { map, codes, sigma, ellipses } of sides) {
        const from = epoch * 2 * labels.length;
        map.draw(codes, from);
        ellipses.forEach((one, k) => {
          const at = from + 2 * k;
          one.draw(codes[at], codes[at + 1], sigma[at], sigma[at + 1]);
        });
      }
    }

    function rest() {
      const { epoch, playing } = link.state;
      play.textContent = playing ? "pause" : "play";
      const at = epoch === 0 ? "before the training" : `after epoch ${epoch} of ${epochs}`;
      for (const { name, ofVae, map, count, drawn, rebuilt } of sides) {
        drawn.draw(shares(pictures[`${name}.samples`], epoch, count));
        rebuilt.draw(Float32Array.of(
          ...shares(pictures.images, 0, reconstructed), ...shares(pictures[`${name}.reconstructed`], epoch, reconstructed),
        ));
        map.alt(`the ${name}'s plane ${at}: the ${ofVae ? "posteriors" : "codes"} of ${labels.length} test images by class`);
        drawn.alt(`${count} draws of N(0, 1) decoded by the ${name} ${at}`);
        rebuilt.alt(`${reconstructed} test images, and below their reconstructions by the ${name} ${at}`);
      }
      for (const plot of plots) plot.draw(epoch, at);
    }

    /** `count` recorded pictures of an epoch, as numbers from 0 to 1. */
    function shares(bytes, epoch, count) {
      return Float32Array.from(bytes.subarray(epoch * count * pixels, (epoch + 1) * count * pixels), (byte) => byte / 255);
    }

    function draw() {
      paint.draw();
      clearTimeout(timer); // so that two views of one widget, which both play, do not go twice as fast
      if (link.state.playing) timer = setTimeout(step, 1000 / EPOCHS_A_SECOND);
    }

    function step() {
      const epoch = Math.min(epochs, link.state.epoch + 1);
      link.set({ epoch, playing: epoch < epochs });
    }

    function playOrPause() {
      const { epoch, playing } = link.state;
      return playing || epoch < epochs ? { playing: !playing } : { epoch: 0, playing: true };
    }

    main();
    rest();
    if (link.state.playing) { // by itself only where motion is welcome
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) link.set({ playing: false });
      else draw();
    }
    return () => {
      clearTimeout(timer);
      paint.stop();
      link.stop();
    };
  },
};

/** A term of the loss over the epochs, one curve for each model that has it, with a cursor. */
function lossPlot(term, k, epochs, sides) {
  const curves = sides.filter(({ ofVae }) => ofVae || term !== "KL").map(({ name, losses }) =>
    ({ name, values: Array.from({ length: epochs + 1 }, (_, epoch) => losses[2 * epoch + k]) }));
  const all = curves.flatMap(({ values }) => values);
  const [least, most] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const room = 0.08 * (most - least || 1);
  const map = plane({
    xRange: [0, epochs], yRange: [term === "KL" ? 0 : least - room, most + room], xLabel: "epoch", yLabel: "nats", alt: "",
    width: 460, height: 144, margin: [68, 14, 8, 46],
  });
  const cursor = svg("line", { class: "vl-cursor", y1: 8, y2: 98 });
  map.element.append(cursor);
  for (const curve of curves) {
    curve.mark = curve.name === "UAE"
      ? svg("rect", { class: "vl-mark-uae", width: 13, height: 13, transform: "translate(-6.5 -6.5)" })
      : svg("circle", { class: "vl-mark-vae", r: 7.5 });
    const d = map.line(curve.values.map((value, epoch) => [epoch, value]));
    map.element.append(svg("path", { class: `vl-loss vl-loss-${curve.name.toLowerCase()}`, d }), curve.mark);
  }
  const title = html("div", { class: "vl-title" });
  return {
    map, title,
    draw(epoch, at) {
      const x = map.x(epoch);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      const now = curves.map(({ name, values }) => `${name === "UAE" ? "■" : "●"} ${name} ${tidy(values[epoch])}`);
      const none = term === "KL" && sides.some(({ ofVae }) => !ofVae) ? ["the UAE has none"] : [];
      title.textContent = `${term}: ${[...now, ...none].join(", ")}`;
      for (const { values, mark } of curves) {
        const y = map.y(values[epoch]);
        for (const [name, value] of mark.localName === "rect" ? [["x", x], ["y", y]] : [["cx", x], ["cy", y]]) mark.setAttribute(name, value);
      }
      map.alt(`${term} of the test images in nats ${at}: ${now.join(", ").replace(/[■●] /g, "") || "none"}`);
    },
  };
}
