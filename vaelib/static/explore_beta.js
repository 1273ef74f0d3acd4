import { Coder, betaAt, columnMeans, distances, kl, readArrays, rowOf, sampled, scaleOf } from "./network.js";
import {
  bars, bells, betaText, choice, figure, formula, html, imageOptions, latentNames, line, painter, panel, picture, plane, row,
  slider, stage, strip, svg, tidy, traits,
} from "./parts.js";

const STEPS = 400; // of the slider

export default {
  render({ model, el }) {
    const arrays = readArrays(model.get("arrays"));
    const coder = new Coder(arrays);
    const { shape, shown } = model.get("about"); // the first `shown` images are on the screen
    const D = coder.latentDim;
    const n = arrays.images.shape[0];
    const images = arrays.images.data;
    const looked = coder.look(images, n);
    const size = coder.pixels;
    const names = latentNames(D);

    let telling;
    const paint = painter(main, rest);
    const link = traits(model, ["beta", "image"], paint.draw, () => {
      betaSlider.set(positionOf(link.state.beta));
      picker.set(link.state.image);
    });

    const betaSlider = slider({
      label: "β", min: 0, max: STEPS, step: 1, value: positionOf(link.state.beta), className: "vl-large",
      text: (position) => `β = ${betaText(nearest(position))}`,
      oninput: (position) => link.set({ beta: betaOf(position) }),
    });
    const before = picture(shape, "the chosen image x", "vl-main");
    const after = picture(shape, "its reconstruction x̂", "vl-main");
    const picker = choice({
      label: "image x", options: imageOptions(shown, shape, images), value: link.state.image, className: "vl-thumbs",
      onchange: (image) => link.set({ image }),
    });
    const again = strip(shown, shape, "", "vl-under");
    const drawn = strip(shown, shape, "", "vl-under");
    const terms = formula();
    const curves = bells(names, { unit: "z", alt: "", rowHeight: 24 });
    const rates = bars(names, { most: 9, alt: "", rowHeight: 24 });
    const curve = arrays.curve.data; // (points, 2): rate and distortion
    const points = Array.from({ length: curve.length / 2 }, (_, k) => [curve[2 * k], curve[2 * k + 1]]);
    const trade = plane({
      xRange: [0, 1.05 * Math.max(...points.map(([rate]) => rate))],
      yRange: [0, 1.05 * Math.max(...points.map(([, distortion]) => distortion))],
      xLabel: "rate Σ KL (nats)", yLabel: "distortion |x − x̂|", alt: "", height: 284,
    });
    const here = svg("circle", { class: "vl-here", r: 9 });
    trade.element.append(svg("path", { class: "vl-curve", d: trade.line(points) }), here);

    stage(
      el, "Explore β",
      betaSlider.element, terms.element,
      row(
        figure("image x", before.element),
        figure("x̂ from its mean μ", after.element),
        html("div", { class: "vl-lines" }, line("x", picker.element), line("x̂", again.element), line("new", drawn.element)),
      ),
      html("div", { class: "vl-row vl-three" },
        panel("q(z|x) of the chosen image", curves.element),
        panel(`KL of each latent, ${n} images`, rates.element),
        panel(`rate and distortion, ${n} images`, trade.element),
      ),
    );

    /** The β at a position of the slider; where Python has set one between two positions, that one. */
    function nearest(position) {
      const { beta } = link.state;
      return position === positionOf(beta) ? beta : betaOf(position);
    }

    function main() {
      const { beta, image: chosen } = link.state;
      const { mu } = coder.encode(rowOf(looked, chosen, looked.length / n), 1, beta);
      before.draw(images, chosen * size);
      after.draw(coder.decode(mu, 1, beta));
    }

    function rest() {
      const { beta, image: chosen } = link.state;
      const { mu, sigma } = coder.encode(looked, n, beta);
      const reconstructed = coder.decode(sampled(mu, sigma, arrays.noise.data), n, beta);
      const error = distances(images, reconstructed, n).reduce((sum, value) => sum + value, 0) / n;
      const each = columnMeans(kl(mu, sigma), D);
      const rate = each.reduce((sum, value) => sum + value, 0);
      again.draw(reconstructed); // the same as in the formula: each from one sample z
      drawn.draw(coder.decode(arrays.prior.data, shown, beta));
      terms.draw({ distortion: error, beta, rate });
      curves.draw(rowOf(mu, chosen, D), rowOf(sigma, chosen, D));
      rates.draw(each);
      each.forEach((value, j) => curves.grey(j, value < 0.01));
      here.setAttribute("cx", trade.x(rate));
      here.setAttribute("cy", trade.y(error));
      clearTimeout(telling); // a screen reader is told when the hand rests
      telling = setTimeout(describe, 150, beta, error, rate, each.filter((value) => value < 0.01).length);
    }

    function describe(beta, error, rate, dead) {
      const at = `at β = ${betaText(beta)}`;
      after.alt(`its reconstruction x̂ ${at}`);
      again.alt(`reconstructions of the ${shown} images ${at}, each from one sample z`);
      drawn.alt(`${shown} samples of the prior ${at}`);
      curves.alt(`the posterior of each latent for the chosen image ${at}`);
      rates.alt(`KL of each latent ${at}: ${tidy(rate)} nats together, ${dead} of ${D} latents collapsed`);
      trade.alt(`rate ${tidy(rate)} nats, distortion ${tidy(error)} nats ${at}, on the curve from β = 0 to 100`);
    }

    main();
    rest();
    return () => {
      clearTimeout(telling);
      paint.stop();
      link.stop();
    };
  },
};

const betaOf = (position) => (position === 0 ? 0 : Number(betaAt((2 * position) / STEPS - 1).toPrecision(3)));
const positionOf = (beta) => Math.round(((scaleOf(beta) + 1) / 2) * STEPS);
