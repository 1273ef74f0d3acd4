import { Coder, moved, normals, readArrays, readOut, readOutWidths, rowOf, sampled } from "./network.js";
import {
  bells, button, choice, figure, html, imageOptions, line, painter, picture, row, signed, sliders, stage, strip, tidy, traits,
} from "./parts.js";

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const { shape, shown, names } = model.get("about");
    const paint = painter(main, rest);
    const link = traits(model, ["image", "shifts", "epsilon"], paint.draw, show);
    const samples = link.state.epsilon.length;
    const [uae, vae] = ["uae", "vae"].map((name) => ({
      coder: new Coder(arrays, `${name}.`),
      starts: arrays[`${name}.starts`].data, // (shown, D)
      table: arrays[`${name}.table`].data, // (K, D): how the code moves when an attribute rises by 1
      probes: { weight: arrays[`${name}.weight`].data, bias: arrays[`${name}.bias`].data }, // (K, D) and (K,)
    }));
    const sigmas = arrays["vae.sigmas"].data; // (shown, D)
    const of = ({ starts, coder }, table = starts) => // the row of the chosen image
      rowOf(table, link.state.image, coder.latentDim);

    const picker = choice({
      label: "image x", className: "vl-thumbs", value: link.state.image, onchange: (image) => link.set({ image }),
      options: imageOptions(shown, shape, arrays.images.data),
    });
    const look = {
      range: [-0.2, 1.2], marks: [0, 0.5, 1], means: true, prior: false, unit: "", rowHeight: 26, width: 470, alt: "",
    };
    const numbers = bells(names, { ...look, points: true });
    const curves = bells(names, look);
    const before = picture(shape, "");
    const after = picture(shape, "");
    const drawn = strip(samples, shape, "");
    const shifts = sliders({
      label: "attributes", min: -1, max: 1, step: 0.02, values: link.state.shifts, text: signed,
      items: names.map((label) => ({ label })),
      oninput: (values) => link.set({ shifts: values }),
    });

    const column = (title, plot, ...results) =>
      html("div", { class: "vl-panel vl-half" }, html("div", { class: "vl-title" }, title), plot, row(...results));
    stage(
      el, "Compare the codes of a UAE and a VAE",
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
          "VAE: a bell curve for each attribute", curves.element,
          figure(`decoded: ${samples} samples z of q(z|x)`, drawn.element),
        ),
      ),
    );

    let [h, mu] = [];
    function main() {
      h = moved(of(uae), link.state.shifts, uae.table);
      mu = moved(of(vae), link.state.shifts, vae.table);
      const sigma = of(vae, sigmas);
      const z = link.state.epsilon.flatMap((epsilon) => [...sampled(mu, sigma, epsilon)]); // (samples, D)
      before.draw(arrays.images.data, link.state.image * uae.coder.pixels);
      after.draw(uae.coder.decode(h, 1));
      drawn.draw(vae.coder.decode(z, samples));
    }

    function rest() {
      const [values, means] = [readOut(h, uae.probes), readOut(mu, vae.probes)];
      const widths = readOutWidths(of(vae, sigmas), vae.probes);
      numbers.draw(values);
      curves.draw(means, widths);
      const added = names.map((name, k) => [name, link.state.shifts[k]]).filter(([, shift]) => shift !== 0);
      const chosen = `image ${link.state.image + 1}`;
      const face = [chosen, ...added.map(([name, shift]) => `${name} ${signed(shift)}`)].join(", ");
      const said = (reading) => `of ${face}: ${names.map((name, k) => `${name} ${reading(k)}`).join(", ")}`;
      numbers.alt(`what the UAE's code says ${said((k) => tidy(values[k]))}`);
      curves.alt(`what the VAE's posterior says ${said((k) => `${tidy(means[k])} ± ${tidy(widths[k])}`)}`);
      before.alt(chosen);
      after.alt(`decoded by the UAE: ${face}`);
      drawn.alt(`${samples} samples decoded by the VAE: ${face}`);
    }

    function reset() {
      link.set({ shifts: names.map(() => 0) });
      show();
    }

    function drawAgain() {
      link.set({ epsilon: link.state.epsilon.map(({ length }) => normals(length)) });
    }

    function show() {
      picker.set(link.state.image);
      shifts.set(link.state.shifts);
    }

    main();
    rest();
    return () => {
      paint.stop();
      link.stop();
    };
  },
};
