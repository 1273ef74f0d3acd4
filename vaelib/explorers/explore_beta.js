import { betaSlider } from "./browser/beta.js";
import { bars, bells, plane } from "./browser/charts.js";
import { choice } from "./browser/controls.js";
import { figure, html, line, panel, row, setAttributes, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { betaText, latentNames, tidy } from "./browser/format.js";
import { formula } from "./browser/formula.js";
import { say } from "./browser/language.js";
import { Coder, columnMeans, distances, kl, readArrays, rowOf, sampled } from "./browser/network.js";
import { imageOptions, picture, strip } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

const REST = 150; // ms without a move, and a screen reader is told

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** The plane of rate and distortion, with the curve for all β through `points`, and where the model is now. */
function tradeOff(points) {
  const part = plane({
    xRange: [0, 1.05 * Math.max(...points.map(([rate]) => rate))],
    yRange: [0, 1.05 * Math.max(...points.map(([, distortion]) => distortion))],
    xLabel: say("rate Σ KL (nats)"), yLabel: say("distortion |x − x̂|"), alt: "", height: 284,
  });
  const currentPoint = svg("circle", { class: "vl-here", r: 9 });
  part.element.append(svg("path", { class: "vl-curve", d: part.line(points) }), currentPoint);
  return {
    ...part,
    draw: (rate, distortion) => setAttributes(currentPoint, { cx: part.x(rate), cy: part.y(distortion) }),
  };
}

export default explorer({
  label: () => say("Explore β"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["beta", "image"],
  build({ about, arrays, state, set }) {
    const coder = new Coder(arrays);
    const { shape, shown, collapsed_below: collapsedBelow } = about; // the first `shown` images are on the screen
    const D = coder.latentDim;
    const n = arrays.images.shape[0];
    const images = arrays.images.data;
    const size = coder.pixels;
    const firstSums = coder.firstLayer(images, n); // the part of the encoder that does not know β
    const curve = arrays.curve.data; // (points, 2): rate and distortion

    const ofBeta = betaSlider({ state, set });
    const picker = choice({
      label: say("image x"), options: imageOptions(shown, shape, images), value: state.image, className: "vl-thumbs",
      onchange: (image) => set({ image }),
    });
    const before = picture(shape, say("the chosen image x"), "vl-main");
    const after = picture(shape, say("its reconstruction x̂"), "vl-main");
    const reconstructions = strip(shown, shape, "", "vl-under");
    const priorSamples = strip(shown, shape, "", "vl-under");
    const terms = formula();
    const posteriors = bells(latentNames(D), { alt: "", rowHeight: 24 });
    const rates = bars(latentNames(D), { most: 9, collapsedBelow, alt: "", rowHeight: 24 });
    const rateDistortion = tradeOff(Array.from({ length: curve.length / 2 }, (_, k) => [curve[2 * k], curve[2 * k + 1]]));

    let announceTimer;
    function draw() {
      const { beta, image } = state;
      const { mu, sigma } = coder.encode(firstSums, n, beta);
      before.draw(images, image * size);
      after.draw(coder.decode(rowOf(mu, image, D), 1, beta));
      const reconstructed = coder.decode(sampled(mu, sigma, arrays.noise.data), n, beta);
      const distortion = sum(distances(images, reconstructed, n)) / n;
      const each = columnMeans(kl(mu, sigma), D);
      const rate = sum(each);
      reconstructions.draw(reconstructed); // the same as in the formula: each from one sample z
      priorSamples.draw(coder.decode(arrays.prior.data, shown, beta));
      terms.draw({ distortion, beta, rate });
      posteriors.draw(rowOf(mu, image, D), rowOf(sigma, image, D));
      rates.draw(each);
      each.forEach((value, j) => posteriors.grey(j, value < collapsedBelow));
      rateDistortion.draw(rate, distortion);
      clearTimeout(announceTimer); // a screen reader is told when the hand rests
      announceTimer = setTimeout(announce, REST, beta, distortion, rate, each.filter((value) => value < collapsedBelow).length);
    }

    function announce(...now) {
      const [beta, distortion, rate] = [betaText(now[0]), tidy(now[1]), tidy(now[2])];
      after.alt(say("its reconstruction x̂ at β = {beta}", { beta }));
      reconstructions.alt(say("reconstructions of the {shown} images at β = {beta}, each from one sample z", { shown, beta }));
      priorSamples.alt(say("{shown} samples of the prior at β = {beta}", { shown, beta }));
      posteriors.alt(say("the posterior of each latent for the chosen image at β = {beta}", { beta }));
      rates.alt(say("KL of each latent at β = {beta}: {rate} nats together, {collapsed} of {D} latents collapsed",
        { beta, rate, collapsed: now[3], D }));
      rateDistortion.alt(
        say("rate {rate} nats, distortion {distortion} nats at β = {beta}, on the curve from β = 0 to 100",
          { rate, distortion, beta }));
    }

    return {
      children: [
        ofBeta.element, terms.element,
        row(
          figure(say("image x"), before.element),
          figure(say("x̂ from its mean μ"), after.element),
          html("div", { class: "vl-lines" },
            line("x", picker.element), line("x̂", reconstructions.element), line(say("new"), priorSamples.element)),
        ),
        html("div", { class: "vl-row vl-three" },
          panel(say("q(z|x) of the chosen image"), posteriors.element),
          panel(say("KL of each latent, {n} images", { n }), rates.element),
          panel(say("rate and distortion, {n} images", { n }), rateDistortion.element),
        ),
      ],
      draw,
      showControls() {
        ofBeta.show();
        picker.set(state.image);
      },
      stop: () => clearTimeout(announceTimer),
    };
  },
});
