import { bells } from "./browser/charts.js";
import { attributeSliders, button, choice, slider } from "./browser/controls.js";
import { figure, html, row, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { sigmaText, signed, tidy } from "./browser/format.js";
import { say } from "./browser/language.js";
import { Coder, normals, readArrays, readOut, readOutWidths, rowOf, sampled, shifted } from "./browser/network.js";
import { imageOptions, picture, strip } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

/** An arrow to the right with its name. */
const arrow = (name) =>
  html("div", { class: "vl-arrow" }, name,
    svg("svg", { viewBox: "0 0 60 20", "aria-hidden": "true" }, svg("path", { d: "M2 10H56M46 2L57 10L46 18" })));

export default explorer({
  label: () => say("Compare the codes of a UAE and a VAE"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["epsilon", "image", "noise", "shifts"],
  build({ about, arrays, state, set, setAndShow }) {
    const { shape, shown, names, noises: [, most] } = about;
    const samples = state.epsilon.length;
    const [uae, vae] = ["uae", "vae"].map((name) => ({
      coder: new Coder(arrays, `${name}.`),
      codes: arrays[`${name}.codes`].data, // (shown, D)
      table: arrays[`${name}.table`].data, // (K, D): how the code moves when an attribute rises by 1
      probes: { weight: arrays[`${name}.weight`].data, bias: arrays[`${name}.bias`].data }, // (K, D) and (K,)
    }));
    const rowOfChosen = (table, { coder }) => rowOf(table, state.image, coder.latentDim);

    const picker = choice({
      label: say("image x"), className: "vl-thumbs vl-few", value: state.image, onchange: (image) => set({ image }),
      options: imageOptions(shown, shape, arrays.images.data),
    });
    const noise = slider({
      label: say("noise"), min: 0, max: most, step: 0.1, value: state.noise, text: (value) => `${tidy(value)} σ`,
      oninput: (value) => set({ noise: value }),
    });
    const shifts = attributeSliders({ names, values: state.shifts, oninput: (values) => set({ shifts: values }) });
    const plotStyle = {
      range: [-0.2, 1.2], marks: [0, 0.5, 1], means: true, prior: false, unit: "", truths: true, rowHeight: 24, width: 440, alt: "",
    };
    const numbers = bells(names, { ...plotStyle, points: true });
    const posteriors = bells(names, plotStyle);
    const before = picture(shape, "", "vl-whole");
    const after = picture(shape, "", "vl-whole");
    const drawn = strip(samples, shape, "", "vl-two-by-two");

    function draw() {
      const h = shifted(rowOfChosen(uae.codes, uae), state.shifts, uae.table);
      const mu = shifted(rowOfChosen(vae.codes, vae), state.shifts, vae.table);
      const sigma = rowOfChosen(arrays["vae.sigmas"].data, vae).map((one) => state.noise * one);
      const z = state.epsilon.flatMap((epsilon) => [...sampled(mu, sigma, epsilon)]); // (samples, D)
      before.draw(arrays.images.data, state.image * uae.coder.pixels);
      after.draw(uae.coder.decode(h, 1));
      drawn.draw(vae.coder.decode(z, samples));
      const [values, means] = [readOut(h, uae.probes), readOut(mu, vae.probes)];
      const widths = readOutWidths(sigma, vae.probes);
      const truth = rowOf(arrays.truth.data, state.image, names.length);
      numbers.draw(values);
      posteriors.draw(means, widths);
      for (const plot of [numbers, posteriors]) plot.markTruths(truth);
      describe(values, means, widths, truth);
    }

    function describe(values, means, widths, truth) {
      const added = names.map((name, k) => [name, state.shifts[k]]).filter(([, shift]) => shift !== 0);
      const chosen = say("image {number}", { number: state.image + 1 });
      const face = [chosen, ...added.map(([name, shift]) => `${name} ${signed(shift)}`)].join(", ");
      const readings = (reading) => names
        .map((name, k) => say("{name} {reading}, drawn with {truth}", { name, reading: reading(k), truth: tidy(truth[k]) }))
        .join("; ");
      numbers.alt(say("what the UAE's code says of {face}: {readings}", { face, readings: readings((k) => tidy(values[k])) }));
      posteriors.alt(say("what the VAE's posterior says of {face}: {readings}",
        { face, readings: readings((k) => `${tidy(means[k])} ± ${sigmaText(widths[k], 0.0095)}`) }));
      before.alt(chosen);
      after.alt(say("decoded by the UAE: {face}", { face }));
      drawn.alt(say("{count} samples decoded by the VAE, with noise of {noise} σ: {face}",
        { count: samples, noise: tidy(state.noise), face }));
    }

    const drawAgain = () => set({ epsilon: state.epsilon.map(({ length }) => normals(length)) });
    const reset = () => setAndShow({ shifts: names.map(() => 0) });
    const path = (name, title, plot, caption, result) => [
      html("div", { class: `vl-arrow-of-${name}` }, arrow(say("encoder"))),
      html("div", { class: `vl-code-of-${name}` }, html("div", { class: "vl-title" }, title), plot),
      html("div", { class: `vl-arrow-of-${name} vl-second` }, arrow(say("decoder"))),
      html("div", { class: `vl-faces-of-${name}` }, figure(caption, result)),
    ];
    return {
      children: [
        row(picker.element, html("div", { class: "vl-noise" }, noise.element, button(say("draw again"), drawAgain))),
        html("div", { class: "vl-paths vl-in-sight" },
          html("div", { class: "vl-start" }, figure(say("image x"), before.element)),
          ...path("uae", say("UAE: a number for each attribute"), numbers.element, say("x̂ from h"), after.element),
          ...path("vae", say("VAE: a bell for each attribute"), posteriors.element,
            say("x̂ of {samples} draws z", { samples }), drawn.element)),
        row(
          html("div", { class: "vl-said" }, html("b", { class: "vl-key-of-truth" }, "▲"), " ", say("what the face was drawn with")),
          html("div", { class: "vl-title" }, say("how much to add:")), shifts.element,
          button(say("reset"), reset, { class: "vl-small" }),
        ),
      ],
      draw,
      showControls() {
        picker.set(state.image);
        noise.set(state.noise);
        shifts.set(state.shifts);
      },
    };
  },
});
