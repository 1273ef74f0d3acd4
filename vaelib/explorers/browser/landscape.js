// The loss of one image over the μ and σ of one latent, the other latents held where they are:
// E |x − x̂(z)| + β KL(N(μ, σ²) ‖ N(0, 1)), the mean over z ~ N(μ, σ²).
//
// The error along z is computed once, at knots; each mean of it is then a sum, and β only weighs. tests/browser compares
// both with PyTorch.

const STEP = 0.01; // between knots in the middle: not wider than the least σ
const POWER = 11; // with which the steps grow outside, smoothly, so that the sum stays as exact as with equal ones
const REACH = 4.5; // how many of the widest σ the knots go beyond
const CUT = 6; // σ away from μ no knot weighs anything
const AT_ONCE = 80; // images: their pixels fit a processor's memory

/** Knots z, with the weight of each, for all μ from −span to span and all σ up to `widest`. */
function knots(span, widest) {
  const end = span + 1;
  const half = Math.round(end / STEP);
  const t = Float64Array.from({ length: 2 * half + 1 }, (_, k) => (k - half) * STEP);
  return {
    z: t.map((at) => at + REACH * widest * (at / end) ** POWER),
    weights: t.map((at) => 1 + REACH * widest * (POWER / end) * (at / end) ** (POWER - 1)),
  };
}

/** |x − x̂| where the latent j of the `code` is each of `z`. */
function errorsAlong(coder, code, j, z, x) {
  const D = code.length;
  const errors = new Float64Array(z.length);
  for (let from = 0; from < z.length; from += AT_ONCE) {
    const n = Math.min(AT_ONCE, z.length - from);
    const codes = Float32Array.from({ length: n * D }, (_, i) => (i % D === j ? z[from + Math.floor(i / D)] : code[i % D]));
    const decoded = coder.decode(codes, n);
    for (let i = 0; i < decoded.length; i++) errors[from + Math.floor(i / x.length)] += Math.abs(x[i % x.length] - decoded[i]);
  }
  return errors;
}

/** The first of ascending values that is at least this one. */
function firstFrom(values, least) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The landscape of the image `x` over the latent j of its `code` (D). `span` and `widest` are the greatest |μ| and σ.
 * `at(μ, σ)` gives the parts of the loss there and their slopes along μ and along log σ.
 */
export function landscape({ coder, code, j, x, span, widest }) {
  const { z, weights } = knots(span, widest);
  const errors = errorsAlong(coder, code, j, z, x);
  return {
    lowest: z[errors.reduce((best, error, k) => (error < errors[best] ? k : best), 0)], // where the error itself is least
    at(mu, sigma) {
      let mass = 0, massU = 0, massUU = 0, sum = 0, sumU = 0, sumUU = 0;
      for (let k = firstFrom(z, mu - CUT * sigma); k < z.length; k++) {
        const u = (z[k] - mu) / sigma;
        if (u > CUT) break;
        const weight = weights[k] * Math.exp(-0.5 * u * u);
        const weighed = weight * errors[k];
        mass += weight;
        massU += weight * u;
        massUU += weight * u * u;
        sum += weighed;
        sumU += weighed * u;
        sumUU += weighed * u * u;
      }
      const distortion = sum / mass;
      return {
        distortion, rate: rateAt(mu, sigma),
        slopes: {
          distortion: [(sumU - distortion * massU) / mass / sigma, (sumUU - distortion * massUU) / mass],
          rate: [mu, sigma * sigma - 1],
        },
      };
    },
  };
}

/** KL(N(μ, σ²) ‖ N(0, 1)) in nats. */
export const rateAt = (mu, sigma) => 0.5 * (mu * mu + sigma * sigma - 1) - Math.log(sigma);

const SHORTEST = 1e-5; // a step that leads nowhere: it has come to rest
const LONGEST = 0.05;

/**
 * A ball on a landscape. `step({mu, sigma}, beta)` gives its next place, always lower, or null where it rests. It goes down
 * along the natural gradient of a normal distribution, (σ² ∂μ, ½ ∂log σ): steep walls then do not throw it to and fro.
 */
export function ball(land, { span, sigmas: [narrowest, widest] }) {
  let size = LONGEST;
  const within = (value, least, most) => Math.min(most, Math.max(least, value));
  const loss = ({ mu, sigma }, beta) => {
    const { distortion, rate } = land.at(mu, sigma);
    return distortion + beta * rate;
  };
  return {
    step({ mu, sigma }, beta) {
      const { distortion, rate, slopes } = land.at(mu, sigma);
      const [alongMu, alongLog] = slopes.distortion.map((slope, k) => slope + beta * slopes.rate[k]);
      const down = [-sigma * sigma * alongMu, -0.5 * alongLog];
      if ((sigma <= narrowest && down[1] < 0) || (sigma >= widest && down[1] > 0)) down[1] = 0; // along the edge
      const length = Math.hypot(...down);
      for (; length > 0 && size > SHORTEST; size /= 2) {
        const next = {
          mu: within(mu + (size * down[0]) / length, -span, span),
          sigma: within(sigma * Math.exp((size * down[1]) / length), narrowest, widest),
        };
        if (loss(next, beta) < distortion + beta * rate) {
          size = Math.min(LONGEST, 1.3 * size);
          return next;
        }
      }
      return null;
    },
  };
}
