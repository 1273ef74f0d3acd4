import { Coder, moved, normals, readArrays, rowOf } from "./network.js";
import {
  button, choice, figure, html, imageOptions, latentNames, painter, panel, picture, row, signed, sliders, stage, tidy,
  traits,
} from "./parts.js";

const A_SAMPLE = -1; // instead of the number of an image

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const { shape, shown, names, kl } = model.get("about");
    const D = kl.length;
    const order = [...kl.keys()].sort((a, b) => kl[b] - kl[a]); // the latents as they stand on the screen
    const latentName = latentNames(D);
    const paint = painter(main, rest);
    const link = traits(model, ["image", "sample", "latents", "attributes"], paint.draw, show);

    // For each of the two models: where the images are, and how far a slider's 1 moves the code.
    const sides = ["uae", "vae"].map((name) => ({
      name: name.toUpperCase(),
      coder: new Coder(arrays, `${name}.`),
      starts: arrays[`${name}.starts`].data, // (shown, D)
      table: arrays[`${name}.table`].data, // (D + K, D): the latents, then the attributes
      face: picture(shape, "", "vl-large"),
      caption: html("span"),
    }));

    const starts = choice({
      label: "start from", className: "vl-starts", value: link.state.image, onchange: (image) => link.set({ image }),
      options: [...imageOptions(shown, shape, arrays.images.data), [A_SAMPLE, "a sample of N(0, I)", null]],
    });
    const said = html("p", { class: "vl-said" });
    const collapsed = kl.filter((value) => value < 0.01).length;
    const latents = sliders({
      label: "latents", min: -3, max: 3, step: 0.05, values: order.map((j) => link.state.latents[j]),
      text: (value) => `${signed(value)} σ`,
      items: order.map((j) =>
        kl[j] < 0.01
          ? { label: `${latentName[j]} collapsed`, collapsed: true }
          : { label: `${latentName[j]} KL ${tidy(kl[j])}` },
      ),
      oninput: (values) => link.set({ latents: kl.map((_, j) => values[order.indexOf(j)]) }),
    });
    const attributes = sliders({
      label: "attributes", min: -1, max: 1, step: 0.02, values: link.state.attributes, text: signed,
      items: names.map((label) => ({ label })),
      oninput: (values) => link.set({ attributes: values }),
    });

    stage(
      el, "Explore the latents",
      row(
        ...sides.map(({ face, caption }) => figure(caption, face.element)),
        html(
          "div", { class: "vl-panel vl-narrow" }, starts.element,
          button("surprise me", () => change({ image: A_SAMPLE, sample: normals(D), ...unmoved() })), said,
        ),
      ),
      row(
        html(
          "div", { class: "vl-panel vl-wide" },
          html("div", { class: "vl-title" }, `latents by KL (nats)${collapsed ? `; ${collapsed} of ${D} collapsed` : ""}`),
          latents.element,
          html("p", { class: "vl-said" }, "VAE: σ of the prior. UAE: σ of its own codes, matched by rank."),
        ),
        panel(
          "attributes: how much to add", attributes.element,
          button("reset", () => change(unmoved()), { class: "vl-small" }),
        ),
      ),
    );

    function main() {
      const { image, sample, latents: ofLatents, attributes: ofAttributes } = link.state;
      const amounts = [...ofLatents, ...ofAttributes];
      for (const { coder, starts: codes, table, face } of sides) {
        const from = image === A_SAMPLE ? sample : rowOf(codes, image, D);
        face.draw(coder.decode(moved(from, amounts, table), 1));
      }
    }

    function rest() {
      const { image, latents: ofLatents, attributes: ofAttributes } = link.state;
      const sampled = image === A_SAMPLE;
      sides[0].caption.textContent = `UAE: h ${sampled ? "drawn from N(0, I)" : "of the image"}`;
      sides[1].caption.textContent = `VAE: ${sampled ? "z from its prior N(0, I)" : "μ of the image"}`;
      said.textContent = sampled ? "The same draw for both. The UAE never learnt N(0, I): it may fall into a hole." : "";
      const added = [...order.map((j) => [latentName[j], ofLatents[j]]), ...names.map((name, k) => [name, ofAttributes[k]])]
        .filter(([, amount]) => amount !== 0)
        .map(([name, amount]) => `${name} ${signed(amount)}`);
      const from = sampled ? "a sample of N(0, I)" : `image ${image + 1}`;
      for (const { name, face } of sides) face.alt(`decoded by the ${name}: ${[from, ...added].join(", ")}`);
    }

    const unmoved = () => ({ latents: kl.map(() => 0), attributes: names.map(() => 0) });

    /** A change that the controls did not make, and so must show. */
    function change(values) {
      link.set(values);
      show();
    }

    function show() {
      const { image, latents: ofLatents, attributes: ofAttributes } = link.state;
      starts.set(image);
      latents.set(order.map((j) => ofLatents[j]));
      attributes.set(ofAttributes);
    }

    main();
    rest();
    return () => {
      paint.stop();
      link.stop();
    };
  },
};
