// A 2-D latent space: a mark for each image, by class, the prior's circles, and the ellipses of posteriors.

import { plane } from "./charts.js";
import { classMark } from "./classes.js";
import { setAttributes, svg } from "./dom.js";
import { subscripted } from "./format.js";

/** Two ranges of one length around all `points` (n, 2), and around the circle of radius `least` about 0. */
function squareAround(points, least) {
  const ends = [0, 1].map((axis) => {
    let [low, high] = least ? [-least, least] : [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 2) { // a call takes fewer arguments than there may be points
      low = Math.min(low, points[i]);
      high = Math.max(high, points[i]);
    }
    return [low, high];
  });
  const half = Math.max(0.1, 0.53 * Math.max(...ends.map(([low, high]) => high - low)));
  return ends.map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
}

/**
 * A 2-D latent space to scale: a mark for each of the `labels`, by class. `letter` names the axes; the plane covers the
 * points `cover` (k, 2), and with `prior` the circles at 1 σ and 2 σ of N(0, 1), dashed.
 */
export function latentMap({ letter, cover, labels, palette, prior = false, alt, size = 280 }) {
  const ranges = squareAround(cover, prior ? 2.1 : 0);
  const map = plane({
    xRange: ranges[0], yRange: ranges[1], xLabel: subscripted(letter, 0), yLabel: subscripted(letter, 1), alt,
    width: size, height: size - 4, margin: [56, 6, 6, 52],
  });
  const marks = Array.from(labels, (label) => classMark(palette, label));
  const above = svg("g");
  map.element.classList.add("vl-map");
  map.element.append(svg("g", { class: "vl-marks" }, ...marks));
  if (prior) for (const radius of [1, 2]) map.element.append(ellipse(map, "vl-prior").draw(0, 0, radius, radius).element);
  map.element.append(above);
  return {
    ...map, ranges,
    /** What lies above the marks, in the order of drawing. */
    add: (...elements) => above.append(...elements),
    /** Put the marks on `codes` (n, 2), which start at `from`. */
    draw(codes, from = 0) {
      marks.forEach((mark, k) => {
        const x = map.x(codes[from + 2 * k]);
        const y = map.y(codes[from + 2 * k + 1]);
        mark.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      });
    },
  };
}

/** The ellipse of N(μ, diag σ²) on a plane: its half axes are one σ, to scale. */
export function ellipse(map, className) {
  const element = svg("ellipse", { class: className });
  const part = {
    element,
    draw(mu1, mu2, sigma1, sigma2) {
      setAttributes(element, {
        cx: map.x(mu1), cy: map.y(mu2), rx: map.x(sigma1) - map.x(0), ry: map.y(0) - map.y(sigma2),
      });
      return part;
    },
  };
  return part;
}
