import { betaSlider } from "./browser/beta.js";
import { bells, plane } from "./browser/charts.js";
import { contours } from "./browser/contours.js";
import { button, choice } from "./browser/controls.js";
import { figure, html, panel, row, setAttributes, svg } from "./browser/dom.js";
import { explorer } from "./browser/explorer.js";
import { betaText, latentNames, numeral, sigmaText, tidy } from "./browser/format.js";
import { formula } from "./browser/formula.js";
import { say } from "./browser/language.js";
import { ball, landscape, rateAt } from "./browser/landscape.js";
import { Coder, readArrays, rowOf } from "./browser/network.js";
import { pad } from "./browser/pad.js";
import { imageOptions, picture, strip } from "./browser/pictures.js";
import { asSent } from "./browser/state.js";

const REST = 150; // ms without a move, and a screen reader is told
const ROLLS = 2; // steps of the ball in a frame
const LEVELS = Array.from({ length: 13 }, (_, k) => 2 ** (k - 2)); // nats above the lowest point
const SIGMA_MARKS = [0.01, 0.03, 0.1, 0.3, 1];
const [COLUMNS, ROWS] = [121, 51]; // of the grid on which a landscape is drawn
const NARROW = 0.05; // how close its columns are around the valley

/** Places from −span to span, close to each other around the `middle`, where a valley may be as narrow as 0.01. */
function columnsAround(middle, span) {
  const [from, to] = [-span, span].map((end) => Math.asinh((end - middle) / NARROW));
  const place = (k) => middle + NARROW * Math.sinh(from + ((to - from) * k) / (COLUMNS - 1));
  return Array.from({ length: COLUMNS }, (_, k) => Math.min(span, Math.max(-span, place(k))));
}

/** Both terms of the loss on a grid: `mu` and log₁₀ σ of its columns and rows, and the values row by row. */
function surveyed(land, { span, sigmas }) {
  const mu = columnsAround(land.lowest, span);
  const [least, most] = sigmas.map(Math.log10);
  const logSigma = Array.from({ length: ROWS }, (_, k) => least + ((most - least) * k) / (ROWS - 1));
  const sigma = logSigma.map((at) => 10 ** at);
  const each = (height) => Float64Array.from({ length: COLUMNS * ROWS }, (_, k) =>
    height(mu[k % COLUMNS], sigma[Math.floor(k / COLUMNS)]));
  return {
    mu, logSigma,
    distortion: each((m, s) => land.at(m, s).distortion),
    rate: each(rateAt),
  };
}

/** A landscape as a plane with contours, with the prior, the encoder's answer and the ball on it. */
function relief({ span, sigmas, className, size: [width, height], small = false }) {
  const ranges = [[-span, span], sigmas.map(Math.log10)];
  const map = plane({
    xRange: ranges[0], yRange: ranges[1], alt: "", width, height,
    ...(small
      ? { xLabel: "", yLabel: "", xMarks: [], yMarks: [], margin: [4, 4, 4, 4] }
      : { xLabel: "μ", yLabel: "σ", yMarks: SIGMA_MARKS.map((sigma) => [Math.log10(sigma), numeral(sigma)]) }),
  });
  const regions = LEVELS.map((level) => svg("path", { class: "vl-region", "data-level": level }));
  const shape = small ? 0.6 : 1;
  const prior = svg("path", { class: "vl-cross-here", d: `M${-9 * shape} 0H${9 * shape}M0 ${-9 * shape}V${9 * shape}` });
  const answer = svg("path", { class: "vl-answer", d: `M0 ${-12 * shape}L${12 * shape} 0L0 ${12 * shape}L${-12 * shape} 0Z` });
  const here = svg("circle", { class: "vl-ball", r: 13 * shape });
  const words = [say("prior"), say("encoder")].map((word) => svg("text", { class: "vl-word" }, small ? "" : word));
  map.element.classList.add("vl-relief", className);
  map.element.append(...regions, here, prior, answer, ...words);
  const put = (element, mu, sigma) => {
    const [x, y] = [map.x(mu), map.y(Math.log10(Math.min(sigmas[1], Math.max(sigmas[0], sigma))))];
    element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    return [x, y];
  };
  const label = (word, [x, y], left) => setAttributes(word, { x: x + (left ? -17 : 17), y: y + 6, "text-anchor": left ? "end" : "start" });
  label(words[0], put(prior, 0, 1), false);
  return {
    ...map, ranges,
    /** The heights (rows · columns) of the grid. Where no level is reached, nothing is drawn. */
    drawContours({ mu, logSigma }, heights) {
      const lowest = heights.reduce((least, value) => Math.min(least, value));
      const paths = contours(heights, mu.map(map.x), logSigma.map(map.y), LEVELS.map((level) => lowest + level));
      regions.forEach((region, k) => region.setAttribute("d", paths[k]));
    },
    drawAnswer: (mu, sigma) => label(words[1], put(answer, mu, sigma), mu > 0.55 * span),
    drawBall: (mu, sigma) => put(here, mu, sigma),
  };
}

export default explorer({
  label: () => say("Explore the loss"),
  reads: { about: asSent, arrays: readArrays, palette: asSent },
  writes: ["beta", "image", "latent", "mu", "sigma"],
  build({ about, arrays, state, set }) {
    const { shape, shown, latents: D, collapsed, mus, sigmas } = about;
    const [coder, span, images] = [new Coder(arrays), mus[1], arrays.images.data];
    const names = latentNames(D);
    const codeOf = (k) => rowOf(arrays.mu.data, k, D);

    const surveys = new Map(); // those that were on the screen before
    /** The landscape of the chosen image and latent: a quarter of a second, when it is new. */
    function surveyNow() {
      const { image, latent: j } = state;
      const name = `${image} ${j}`;
      if (!surveys.has(name)) {
        const x = rowOf(images, image, coder.pixels);
        const land = landscape({ coder, code: codeOf(image), j, x, span, widest: sigmas[1] });
        surveys.set(name, { land, grid: surveyed(land, { span, sigmas }) });
      }
      return surveys.get(name);
    }

    const ofBeta = betaSlider({ state, set });
    const imagePicker = choice({
      label: say("image x"), options: imageOptions(shown, shape, images), value: state.image, className: "vl-thumbs vl-few",
      onchange: (image) => set({ image }),
    });
    const latentPicker = choice({
      label: say("latent"), value: state.latent, className: "vl-latents", onchange: (latent) => set({ latent }),
      options: names.map((name, j) =>
        [j, html("span", { class: collapsed[j] ? "vl-collapsed" : "" }, name), collapsed[j] ? say("{latent}, collapsed", { latent: name }) : name]),
    });
    const terms = formula({ distortion: "E|x − x̂|", rate: "KL" });
    const reliefs = [
      { className: "vl-sum", size: [640, 440] },
      { className: "vl-of-distortion", size: [200, 150], small: true },
      { className: "vl-of-rate", size: [200, 150], small: true },
    ].map((part) => relief({ span, sigmas, ...part }));
    const [sum, distortion, rate] = reliefs;
    const where = pad({
      plane: sum, ranges: sum.ranges, home: [0, 0], label: say("the ball: μ across, σ upwards"), className: "vl-hill",
      place: () => [state.mu, Math.log10(state.sigma)],
      text: ([mu, log]) => say("μ = {mu}, σ = {sigma}, loss {loss} nats",
        { mu: tidy(mu), sigma: sigmaText(10 ** log), loss: tidy(lossNow().loss) }),
      onmove: ([mu, log]) => {
        stopRolling();
        set({ mu, sigma: Math.min(sigmas[1], Math.max(sigmas[0], 10 ** log)) });
      },
    });
    const original = picture(shape, "");
    const decoded = strip(3, shape, "");
    const bell = bells(["q(z)"], {
      range: mus, marks: [mus[0], 0, mus[1]], means: true, unit: "", alt: "", rowHeight: 64, width: 420,
    });

    function lossNow() {
      const { beta, mu, sigma } = state;
      const parts = surveyNow().land.at(mu, sigma);
      return { ...parts, beta, loss: parts.distortion + beta * parts.rate };
    }

    // The ball rolls until it rests, or until somebody else moves it.
    let rolling = null;
    const stopRolling = () => (rolling = null);
    function descend() {
      const { image, latent, mu, sigma } = state;
      rolling = { on: ball(surveyNow().land, { span, sigmas }), image, latent, at: { mu, sigma } };
      const thisOne = rolling;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      requestAnimationFrame(function frame() {
        const moved = state.mu !== thisOne.at.mu || state.sigma !== thisOne.at.sigma
          || state.image !== image || state.latent !== latent;
        if (rolling !== thisOne || moved) return;
        let next = thisOne.at;
        let rests = false;
        for (let k = 0; (k < ROLLS || still) && !rests; k++) {
          const lower = thisOne.on.step(next, state.beta);
          if (lower) next = lower;
          else rests = true;
        }
        thisOne.at = next;
        if (rests) stopRolling();
        else requestAnimationFrame(frame); // before it is drawn: in the next frame the ball moves first
        set(next);
      });
    }

    let drawn = {}; // what the pictures show: of which survey, and where
    let announceTimer;
    function draw() {
      const { beta, image, latent, mu, sigma } = state;
      const survey = surveyNow();
      const { grid } = survey;
      const isNew = drawn.survey !== survey;
      if (isNew) {
        distortion.drawContours(grid, grid.distortion);
        original.draw(images, image * coder.pixels);
        for (const part of reliefs) part.drawAnswer(codeOf(image)[latent], rowOf(arrays.sigma.data, image, D)[latent]);
      }
      if (isNew || drawn.beta !== beta) {
        sum.drawContours(grid, grid.distortion.map((value, k) => value + beta * grid.rate[k]));
        rate.drawContours(grid, grid.rate.map((value) => beta * value));
      }
      if (isNew || drawn.mu !== mu || drawn.sigma !== sigma) {
        for (const part of reliefs) part.drawBall(mu, sigma);
        const three = [mu - sigma, mu, mu + sigma].flatMap((z) => Array.from(codeOf(image), (value, j) => (j === latent ? z : value)));
        decoded.draw(coder.decode(three, 3));
        bell.draw([mu], [sigma]);
      }
      where.show();
      terms.draw(lossNow());
      drawn = { survey, beta, mu, sigma };
      clearTimeout(announceTimer);
      announceTimer = setTimeout(announce, REST);
    }

    function announce() {
      const parts = lossNow();
      const at = { mu: tidy(state.mu), sigma: sigmaText(state.sigma), latent: names[state.latent] };
      original.alt(say("the chosen image {number}", { number: state.image + 1 }));
      decoded.alt(
        say("decoded with {latent} = μ − σ, μ and μ + σ, at μ = {mu}, σ = {sigma}; the other latents as the encoder says", at));
      bell.alt(say("the bell curve of {latent} at μ = {mu}, σ = {sigma}, over the prior", at));
      distortion.alt(
        say("the reconstruction term: {nats} nats at μ = {mu}, σ = {sigma}", { ...at, nats: tidy(parts.distortion) }));
      rate.alt(say("β times KL: {nats} nats at μ = {mu}, σ = {sigma}, β = {beta}",
        { ...at, nats: tidy(state.beta * parts.rate), beta: betaText(state.beta) }));
    }

    return {
      children: [
        html("div", { class: "vl-with-button" }, ofBeta.element, button(say("descend"), descend)),
        terms.element,
        row(imagePicker.element, latentPicker.element),
        html("div", { class: "vl-hill-and-more" },
          where.element,
          html("div", { class: "vl-more" },
            row(panel("E|x − x̂|", distortion.element), panel("β · KL", rate.element)),
            row(figure("x", original.element), figure(say("x̂ at z = μ − σ, μ, μ + σ"), decoded.element)),
            bell.element)),
        html("p", { class: "vl-said" },
          say("The stronger the shade, the lower: lines ¼, ½, 1, 2, 4, … nats above the lowest point. The other latents stay at the encoder’s μ."),
          " ", say("Drag the ball, or use the arrow keys: Shift for large steps, Home for the prior.")),
      ],
      draw,
      onceShown: announce, // no picture is without its words, however early somebody looks
      showControls() {
        ofBeta.show();
        imagePicker.set(state.image);
        latentPicker.set(state.latent);
      },
      stop() {
        stopRolling();
        clearTimeout(announceTimer);
      },
    };
  },
});
