// The models of vaelib/models.py once more, for the browser: the same layers, read from the same weights by the names
// that PyTorch gives them. tests/browser/test_parity.py compares every output with PyTorch. No loop takes a list apart
// ([a, b] = …): in WebKit that costs 35 times what the sums do.

const LOG_VARIANCE_BOUND = 20; // |log σ²| stays below this, softly
const BETA_OFFSET = 0.01; // added to β before the logarithm
const GREATEST_BETA = 100;
const LOG_GREATEST_BETA = Math.log(GREATEST_BETA);

/** Where β stands on the scale of a MultiRateVAE: −1 for 0, nearly 1 for 100. */
export const scaleOf = (beta) => Math.log(beta + BETA_OFFSET) / LOG_GREATEST_BETA;

/** The β at t on that scale. */
export const betaAt = (t) => Math.min(GREATEST_BETA, Math.max(0, Math.exp(t * LOG_GREATEST_BETA) - BETA_OFFSET));

/** The arrays of an explorer's trait: {name: {shape, data: DataView}} → {name: {shape, data: Float32Array}}. */
export function readArrays(trait) {
  const arrays = {};
  for (const name of Object.keys(trait)) {
    const { shape, data } = trait[name];
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength); // aligned to 4 bytes
    arrays[name] = { shape, data: new Float32Array(bytes) };
  }
  return arrays;
}

/** Row k of a table with so many columns. */
export const rowOf = (table, k, columns) => table.subarray(k * columns, (k + 1) * columns);

const silu = (v) => v / (1 + Math.exp(-v));

// products.wat, compiled: `make products` writes this line.
const PRODUCTS = "AGFzbQEAAAABDwJgAXsBfWAGf39/f39/AAMDAgABBQMBAAEHFQIGbWVtb3J5AgAIbXVsdGlwbHkAAQrTBAIZACAA/R8AIAD9HwGSIAD9HwIgAP0fA5KSC7YEAgp/C3sgA0ECdCEJA0AgAiAEaiEOIAAhCiAFIAZBAnRqIQ9BACEHA0AgCiAEaiELIAsgBGohDCAMIARqIQ39DAAAAAAAAAAAAAAAAAAAAAAhE/0MAAAAAAAAAAAAAAAAAAAAACEU/QwAAAAAAAAAAAAAAAAAAAAAIRX9DAAAAAAAAAAAAAAAAAAAAAAhFv0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAAAAAAAAAAIRj9DAAAAAAAAAAAAAAAAAAAAAAhGf0MAAAAAAAAAAAAAAAAAAAAACEaQQAhCANAIAIgCGr9AAQAIRAgDiAIav0ABAAhESAKIAhq/QAEACESIBMgECAS/eYB/eQBIRMgFyARIBL95gH95AEhFyALIAhq/QAEACESIBQgECAS/eYB/eQBIRQgGCARIBL95gH95AEhGCAMIAhq/QAEACESIBUgECAS/eYB/eQBIRUgGSARIBL95gH95AEhGSANIAhq/QAEACESIBYgECAS/eYB/eQBIRYgGiARIBL95gH95AEhGiAIQRBqIQggCCAESQ0ACyAPIBMQADgCACAPIBcQADgCBCAPIAlqIQ8gDyAUEAA4AgAgDyAYEAA4AgQgDyAJaiEPIA8gFRAAOAIAIA8gGRAAOAIEIA8gCWohDyAPIBYQADgCACAPIBoQADgCBCAPIAlqIQ8gDSAEaiEKIAdBBGohByAHIAFJDQALIA4gBGohAiAGQQJqIQYgBiADSQ0ACws=";
const [ROWS, OUTPUTS, NUMBERS] = [4, 2, 4]; // what it takes at a time, of x, of W, and of a row
const PAGE = 65536; // bytes: in such steps its memory grows

const upTo = (count, step) => Math.ceil(count / step) * step;

/** WebAssembly for the layers of a model: `used` numbers of its memory hold weights. Null where there is none, or no SIMD. */
function products() {
  try {
    const bytes = Uint8Array.from(atob(PRODUCTS), (letter) => letter.charCodeAt(0));
    return { ...new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports, used: 0 };
  } catch {
    return null; // an old browser, or a page that forbids it
  }
}

/** The memory as numbers, at least `count` of them. */
function numbersOf({ memory }, count) {
  const lacking = 4 * count - memory.buffer.byteLength;
  if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE));
  return new Float32Array(memory.buffer);
}

class Linear {
  constructor(arrays, name, shared) {
    this.weight = arrays[`${name}.weight`].data; // (outputs, inputs)
    this.bias = arrays[`${name}.bias`].data;
    [this.outputs, this.inputs] = arrays[`${name}.weight`].shape;
    this.shared = shared;
    if (shared) this.place();
  }

  /** Put the weights where products.wat finds them, in rows that are filled up with zeros. */
  place() {
    const { weight, inputs, outputs, shared } = this;
    this.width = upTo(inputs, NUMBERS);
    this.at = shared.used;
    shared.used += upTo(outputs, OUTPUTS) * this.width;
    const numbers = numbersOf(shared, shared.used);
    for (let o = 0; o < outputs; o++) numbers.set(rowOf(weight, o, inputs), this.at + o * this.width);
  }

  /** n rows of inputs → n rows of outputs. */
  apply(x, n) {
    return this.shared ? this.applyBlocks(x, n) : this.applyInDoubles(x, n);
  }

  /** By products.wat, several times as fast. */
  applyBlocks(x, n) {
    const { bias, inputs, outputs, width, shared } = this;
    const [rows, columns] = [upTo(n, ROWS), upTo(outputs, OUTPUTS)];
    const [xAt, yAt] = [shared.used, shared.used + rows * width];
    const numbers = numbersOf(shared, yAt + rows * columns).fill(0, xAt, yAt);
    for (let k = 0; k < n; k++) numbers.set(x.slice(k * inputs, (k + 1) * inputs), xAt + k * width);
    shared.multiply(4 * xAt, rows, 4 * this.at, columns, 4 * width, 4 * yAt); // places in bytes
    const y = new Float32Array(n * outputs);
    for (let k = 0, i = 0; k < n; k++) {
      for (let o = 0, from = yAt + k * columns; o < outputs; o++, i++) y[i] = numbers[from + o] + bias[o];
    }
    return y;
  }

  /** Each sum in 64 bits. */
  applyInDoubles(x, n) {
    const { weight, bias, inputs, outputs } = this;
    const y = new Float32Array(n * outputs);
    for (let k = 0, at = 0; k < n; k++) {
      for (let o = 0, w = 0; o < outputs; o++, at++) {
        let sum = bias[o];
        for (let i = k * inputs; i < (k + 1) * inputs; i++, w++) sum += weight[w] * x[i];
        y[at] = sum;
      }
    }
    return y;
  }
}

/** An Autoencoder, VAE or MultiRateVAE, told apart by their weights. `prefix` stands before the weights' names. */
export class Coder {
  constructor(arrays, prefix = "") {
    const shared = products();
    const layers = (part) =>
      Object.keys(arrays)
        .filter((name) => name.startsWith(`${prefix}${part}.`) && name.endsWith(".weight"))
        .map((name) => name.slice(0, -".weight".length))
        .sort((a, b) => a.slice(a.lastIndexOf(".") + 1) - b.slice(b.lastIndexOf(".") + 1))
        .map((name) => new Linear(arrays, name, shared));
    this.decoder = layers("decoder");
    this.gates = layers("gates");
    this.latentDim = this.decoder[0].inputs;
    this.pixels = this.decoder.at(-1).outputs;
    this.hidden = this.decoder.slice(0, -1).map((layer) => layer.outputs).reverse();
    if (arrays[`${prefix}head.weight`]) { // without an encoder it only decodes
      this.trunk = layers("trunk");
      this.head = new Linear(arrays, `${prefix}head`, shared);
      this.mean = arrays[`${prefix}mean_image`].data;
    }
  }

  /** All that an encoder can do with n images before it knows β: (n, pixels) → the sums of its first layer. */
  firstLayer(images, n) {
    const centred = new Float32Array(n * this.pixels);
    for (let i = 0; i < centred.length; i++) centred[i] = images[i] - this.mean[i % this.pixels];
    return this.trunk[0].applyInDoubles(centred, n); // so many inputs: in 32 bits the sum would lose digits
  }

  /** What `firstLayer` gave → {mu, sigma} (n, D) of the VAE at `beta`, or {h} (n, D) of the UAE. */
  encode(sums, n, beta) {
    const gates = this.gatesAt(beta);
    let h = this.activate(sums.slice(), n, gates.shift());
    for (const layer of this.trunk.slice(1)) h = this.activate(layer.apply(h, n), n, gates.shift());
    h = this.head.apply(h, n);
    if (this.head.outputs === this.latentDim) return { h };
    gate(h, n, gates.shift());
    const D = this.latentDim;
    const mu = new Float32Array(n * D);
    const sigma = new Float32Array(n * D);
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < D; j++) {
        mu[k * D + j] = h[2 * k * D + j];
        sigma[k * D + j] = Math.exp(0.5 * LOG_VARIANCE_BOUND * Math.tanh(h[2 * k * D + D + j] / LOG_VARIANCE_BOUND));
      }
    }
    return { mu, sigma };
  }

  /** n latents (n, D) → n images (n, pixels) in [0, 1]. */
  decode(z, n, beta) {
    const gates = this.gatesAt(beta).slice(this.hidden.length + 1);
    let h = gate(Float32Array.from(z), n, gates.shift());
    for (const layer of this.decoder.slice(0, -1)) h = this.activate(layer.apply(h, n), n, gates.shift());
    const images = this.decoder.at(-1).apply(h, n);
    for (let i = 0; i < images.length; i++) images[i] = 1 / (1 + Math.exp(-images[i]));
    return images;
  }

  activate(h, n, gateHere) {
    for (let i = 0; i < h.length; i++) h[i] = silu(h[i]);
    return gate(h, n, gateHere);
  }

  /** The gates at β in the order in which an image meets them: [{gainMinusOne, shift}]. A model without gates has none. */
  gatesAt(beta) {
    if (!this.gates.length) return [];
    let numbers = this.gates[0].apply([scaleOf(beta)], 1);
    for (const layer of this.gates.slice(1)) numbers = layer.apply(numbers.map(silu), 1);
    const D = this.latentDim;
    let at = 0;
    return [...this.hidden, 2 * D, D, ...this.hidden.toReversed()].map((units) => {
      const gainMinusOne = numbers.subarray(at, (at += units));
      return { gainMinusOne, shift: numbers.subarray(at, (at += units)) };
    });
  }
}

function gate(h, n, gateHere) {
  if (!gateHere) return h;
  const { gainMinusOne, shift } = gateHere;
  const units = shift.length;
  for (let k = 0, i = 0; k < n; k++) for (let u = 0; u < units; u++, i++) h[i] = h[i] * (1 + gainMinusOne[u]) + shift[u];
  return h;
}

/** KL(N(μ, σ²) ‖ N(0, 1)) of each entry, in nats. */
export function kl(mu, sigma) {
  return mu.map((m, i) => 0.5 * (m * m + sigma[i] * sigma[i] - 1) - Math.log(sigma[i]));
}

/** μ + σ ε, entry by entry. */
export const sampled = (mu, sigma, epsilon) => mu.map((m, i) => m + sigma[i] * epsilon[i]);

/** One code (D) that moves along the rows of a table (K, D), by `amounts` (K): start + Σ_k amount_k · row_k. */
export function shifted(start, amounts, table) {
  const code = Float32Array.from(start);
  const D = code.length;
  for (let i = 0; i < table.length; i++) code[i % D] += amounts[Math.floor(i / D)] * table[i];
  return code;
}

/** Codes (n, D) → n rows of read-outs w_k·z + b_k, by probes with `weight` (K, D) and `bias` (K). */
export function readOut(codes, { weight, bias }) {
  const K = bias.length;
  const D = weight.length / K;
  return Float32Array.from({ length: (codes.length / D) * K }, (_, i) => {
    const from = Math.floor(i / K) * D;
    const k = i % K;
    let sum = bias[k];
    for (let j = 0; j < D; j++) sum += weight[k * D + j] * codes[from + j];
    return sum;
  });
}

/** σ (D) of a posterior → the σ of each read-out, (K): a variance adds up with squared weights. */
export const readOutWidths = (sigma, { weight, bias }) =>
  Float32Array.from(bias, (_, k) => Math.hypot(...sigma.map((s, j) => weight[k * sigma.length + j] * s)));

/** n numbers from N(0, 1), by Box and Muller. */
export const normals = (n) =>
  Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));

/** |x − x̂| of each of n images, summed over pixels. */
export function distances(x, xHat, n) {
  const pixels = x.length / n;
  return Float64Array.from({ length: n }, (_, k) => {
    let sum = 0;
    for (let i = k * pixels; i < (k + 1) * pixels; i++) sum += Math.abs(x[i] - xHat[i]);
    return sum;
  });
}

/** The mean of each of the D columns of a table (n, D). */
export function columnMeans(table, D) {
  const means = new Float64Array(D);
  const n = table.length / D;
  for (let i = 0; i < table.length; i++) means[i % D] += table[i] / n;
  return means;
}
