import { attributeSliders, button, choice, sliders } from "./browser/controls.js";
import { figure, html, panel, row } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { latentNames, signed, tidy } from "./browser/format.js";
import { say } from "./browser/language.js";
import { Coder, normals, readArrays, rowOf, shifted } from "./browser/network.js";
import { imageOptions, picture } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

const A_SAMPLE = -1; // instead of the number of an image

/** A slider for each latent, in the `order` in which they stand on the screen; `oninput` gets them in the VAE's own. */
function latentSliders({ order, kl, collapsedBelow, values, oninput }) {
  const names = latentNames(kl.length);
  const labelled = (j) =>
    kl[j] < collapsedBelow
      ? { label: say("{latent} collapsed", { latent: names[j] }), collapsed: true }
      : { label: `${names[j]} KL ${tidy(kl[j])}` };
  const part = sliders({
    label: say("latents"), min: -3, max: 3, step: 0.05, values: order.map((j) => values[j]), text: (value) => `${signed(value)} σ`,
    items: order.map(labelled),
    oninput: (moved) => oninput(kl.map((_, j) => moved[order.indexOf(j)])),
  });
  return { element: part.element, set: (to) => part.set(order.map((j) => to[j])) };
}

export default explorer({
  label: () => say("Explore the latents"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["attributes", "image", "latents", "sample"],
  build({ about, arrays, state, set, setAndShow }) {
    const { shape, shown, names, kl, collapsed_below: collapsedBelow } = about;
    const D = kl.length;
    const latentName = latentNames(D);
    const order = [...kl.keys()].sort((a, b) => kl[b] - kl[a]); // the latents as they stand on the screen
    const collapsed = kl.filter((value) => value < collapsedBelow).length;

    // For each of the two models: where the images are, and how far a slider's 1 moves the code.
    const [uae, vae] = ["uae", "vae"].map((name) => ({
      coder: new Coder(arrays, `${name}.`),
      codes: arrays[`${name}.codes`].data, // (shown, D)
      table: arrays[`${name}.table`].data, // (D + K, D): the latents, then the attributes
      face: picture(shape, "", "vl-large"),
      caption: html("span"),
    }));

    const startFrom = choice({
      label: say("start from"), className: "vl-starts", value: state.image, onchange: (image) => set({ image }),
      options: [...imageOptions(shown, shape, arrays.images.data), [A_SAMPLE, say("a sample of N(0, I)"), null]],
    });
    const remark = html("p", { class: "vl-said" });
    const latents = latentSliders({
      order, kl, collapsedBelow, values: state.latents, oninput: (values) => set({ latents: values }),
    });
    const attributes = attributeSliders({
      names, values: state.attributes, oninput: (values) => set({ attributes: values }),
    });

    const unmoved = () => ({ latents: kl.map(() => 0), attributes: names.map(() => 0) });
    const surprise = () => setAndShow({ image: A_SAMPLE, sample: normals(D), ...unmoved() });

    function draw() {
      const { image, sample } = state;
      const amounts = [...state.latents, ...state.attributes];
      for (const { coder, codes, table, face } of [uae, vae]) {
        const from = image === A_SAMPLE ? sample : rowOf(codes, image, D);
        face.draw(coder.decode(shifted(from, amounts, table), 1));
      }
      const isSample = image === A_SAMPLE;
      uae.caption.textContent = isSample ? say("UAE: h drawn from N(0, I)") : say("UAE: h of the image");
      vae.caption.textContent = isSample ? say("VAE: z from its prior N(0, I)") : say("VAE: μ of the image");
      remark.textContent =
        isSample ? say("The same draw for both. The UAE never learnt N(0, I): it may fall into a hole.") : "";
      const added = [
        ...order.map((j) => [latentName[j], state.latents[j]]),
        ...names.map((name, k) => [name, state.attributes[k]]),
      ].filter(([, amount]) => amount !== 0).map(([name, amount]) => `${name} ${signed(amount)}`);
      const from = isSample ? say("a sample of N(0, I)") : say("image {number}", { number: image + 1 });
      const face = [from, ...added].join(", ");
      uae.face.alt(say("decoded by the UAE: {face}", { face }));
      vae.face.alt(say("decoded by the VAE: {face}", { face }));
    }

    return {
      children: [
        row(
          html("div", { class: "vl-row vl-in-sight" }, ...[uae, vae].map(({ face, caption }) => figure(caption, face.element))),
          html("div", { class: "vl-panel vl-narrow" }, startFrom.element, button(say("surprise me"), surprise), remark),
        ),
        row(
          html(
            "div", { class: "vl-panel vl-wide" },
            html("div", { class: "vl-title" }, collapsed
              ? say("latents by KL (nats); {collapsed} of {D} collapsed", { collapsed, D })
              : say("latents by KL (nats)")),
            latents.element,
            html("p", { class: "vl-said" }, say("VAE: σ of the prior. UAE: σ of its own codes, matched by rank.")),
          ),
          panel(
            say("attributes: how much to add"), attributes.element,
            button(say("reset"), () => setAndShow(unmoved()), { class: "vl-small" }),
          ),
        ),
      ],
      draw,
      showControls() {
        startFrom.set(state.image);
        latents.set(state.latents);
        attributes.set(state.attributes);
      },
    };
  },
});
