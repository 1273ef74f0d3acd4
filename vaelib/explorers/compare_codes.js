import { bells } from "./browser/charts.js";
import { attributeSliders, button, choice } from "./browser/controls.js";
import { figure, html, line, row } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { signed, tidy } from "./browser/format.js";
import { Coder, normals, readArrays, readOut, readOutWidths, rowOf, sampled, shifted } from "./browser/network.js";
import { imageOptions, picture, strip } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

export default explorer({
  label: "Compare the codes of a UAE and a VAE",
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["epsilon", "image", "shifts"],
  build({ about, arrays, state, set, setAndShow }) {
    const { shape, shown, names } = about;
    const samples = state.epsilon.length;
    const [uae, vae] = ["uae", "vae"].map((name) => ({
      coder: new Coder(arrays, `${name}.`),
      codes: arrays[`${name}.codes`].data, // (shown, D)
      table: arrays[`${name}.table`].data, // (K, D): how the code moves when an attribute rises by 1
      probes: { weight: arrays[`${name}.weight`].data, bias: arrays[`${name}.bias`].data }, // (K, D) and (K,)
    }));
    const sigmas = arrays["vae.sigmas"].data; // (shown, D)
    const rowOfChosen = (table, { coder }) => rowOf(table, state.image, coder.latentDim);

    const picker = choice({
      label: "image x", className: "vl-thumbs", value: state.image, onchange: (image) => set({ image }),
      options: imageOptions(shown, shape, arrays.images.data),
    });
    const shifts = attributeSliders({ names, values: state.shifts, oninput: (values) => set({ shifts: values }) });
    const plotStyle = {
      range: [-0.2, 1.2], marks: [0, 0.5, 1], means: true, prior: false, unit: "", rowHeight: 26, width: 470, alt: "",
    };
    const numbers = bells(names, { ...plotStyle, points: true });
    const posteriors = bells(names, plotStyle);
    const before = picture(shape, "");
    const after = picture(shape, "");
    const drawn = strip(samples, shape, "");

    let h; // the UAE's code, and
    let mu; // the VAE's, after the shifts
    function drawNow() {
      h = shifted(rowOfChosen(uae.codes, uae), state.shifts, uae.table);
      mu = shifted(rowOfChosen(vae.codes, vae), state.shifts, vae.table);
      const sigma = rowOfChosen(sigmas, vae);
      const z = state.epsilon.flatMap((epsilon) => [...sampled(mu, sigma, epsilon)]); // (samples, D)
      before.draw(arrays.images.data, state.image * uae.coder.pixels);
      after.draw(uae.coder.decode(h, 1));
      drawn.draw(vae.coder.decode(z, samples));
    }

    function drawLater() {
      const [values, means] = [readOut(h, uae.probes), readOut(mu, vae.probes)];
      const widths = readOutWidths(rowOfChosen(sigmas, vae), vae.probes);
      numbers.draw(values);
      posteriors.draw(means, widths);
      describe(values, means, widths);
    }

    function describe(values, means, widths) {
      const added = names.map((name, k) => [name, state.shifts[k]]).filter(([, shift]) => shift !== 0);
      const chosen = `image ${state.image + 1}`;
      const face = [chosen, ...added.map(([name, shift]) => `${name} ${signed(shift)}`)].join(", ");
      const readings = (reading) => `of ${face}: ${names.map((name, k) => `${name} ${reading(k)}`).join(", ")}`;
      numbers.alt(`what the UAE's code says ${readings((k) => tidy(values[k]))}`);
      posteriors.alt(`what the VAE's posterior says ${readings((k) => `${tidy(means[k])} ± ${tidy(widths[k])}`)}`);
      before.alt(chosen);
      after.alt(`decoded by the UAE: ${face}`);
      drawn.alt(`${samples} samples decoded by the VAE: ${face}`);
    }

    const drawAgain = () => set({ epsilon: state.epsilon.map(({ length }) => normals(length)) });
    const reset = () => setAndShow({ shifts: names.map(() => 0) });
    const column = (title, plot, ...results) =>
      html("div", { class: "vl-panel vl-half" }, html("div", { class: "vl-title" }, title), plot, row(...results));
    return {
      children: [
        row(line("x", picker.element), button("draw again", drawAgain)),
        row(
          html("div", { class: "vl-title" }, "attributes: how much to add"), shifts.element,
          button("reset", reset, { class: "vl-small" }),
        ),
        row(
          column(
            "UAE: a number for each attribute", numbers.element,
            figure("image x", before.element), figure("decoded h: x̂", after.element),
          ),
          column(
            "VAE: a bell curve for each attribute", posteriors.element,
            figure(`decoded: ${samples} samples z of q(z|x)`, drawn.element),
          ),
        ),
      ],
      drawNow,
      drawLater,
      showControls() {
        picker.set(state.image);
        shifts.set(state.shifts);
      },
    };
  },
});
