// From a drawing to an image as MNIST has them (LeCun et al. 1998).

export const FRAME = 28; // pixels, the side of an image
const BOX = 20; // of the box that its ink fills

/**
 * Ink (height × width) in [0, 1] as MNIST has it: the box around the ink is shrunk or stretched, its shape kept, until its
 * longer side is 20 pixels, each the mean of what it covers, in 256 levels; then it is moved, by whole pixels, until its centre of
 * mass is in the middle of 28 × 28.
 */
export function asInMnist(ink, width, height) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (ink[i] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  const image = new Array(FRAME * FRAME).fill(0);
  if (right < 0) return image; // no ink
  const scale = Math.max(right - left + 1, bottom - top + 1) / BOX;
  const across = shares(left, right + 1, scale);
  const down = shares(top, bottom + 1, scale);
  const box = down.map((rows) => across.map((columns) => {
    let sum = 0;
    for (const { at: y, share } of rows) for (const { at: x, share: part } of columns) sum += share * part * ink[y * width + x];
    return Math.round((255 * sum) / (scale * scale)) / 255;
  }));
  let [mass, massX, massY] = [0, 0, 0];
  box.forEach((line, y) => line.forEach((value, x) => {
    mass += value;
    massX += value * x;
    massY += value * y;
  }));
  const start = (moment, size) => Math.min(FRAME - size, Math.max(0, Math.round(FRAME / 2 - moment / mass)));
  const [x0, y0] = [start(massX, across.length), start(massY, down.length)];
  box.forEach((line, y) => line.forEach((value, x) => (image[(y0 + y) * FRAME + x0 + x] = value)));
  return image;
}

/** From `from` to `to` in steps of `scale`: which of the old pixels each new one covers, and how much of them. */
function shares(from, to, scale) {
  const count = Math.ceil((to - from) / scale - 1e-9);
  return Array.from({ length: count }, (_, k) => {
    const start = from + k * scale;
    const end = Math.min(to, from + (k + 1) * scale);
    const covered = [];
    for (let i = Math.floor(start); i < end - 1e-9; i++) covered.push({ at: i, share: Math.min(end, i + 1) - Math.max(start, i) });
    return covered;
  });
}
