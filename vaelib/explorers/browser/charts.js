// Bell curves, bars, and planes with axes: drawings in SVG, each made once; `draw` moves what must move.

import { altOf, svg, write } from "./dom.js";
import { numeral, sigmaText, tidy } from "./format.js";
import { numberText, say } from "./language.js";

const path = (points) => `M${points.map((at) => `${at[0].toFixed(1)} ${at[1].toFixed(1)}`).join("L")}`;

/** What `bells` and `bars` share, so that they can stand side by side: where the rows are that have these names. */
function rowsOf(names, { rowHeight, width, room }) {
  const [left, top] = [14 + 9 * Math.max(...names.map((name) => name.length)), 10];
  const height = top + names.length * rowHeight + 34;
  const baseline = (k) => top + (k + 1) * rowHeight - 6; // of the row's texts
  return {
    left, right: width - room, baseline, upperEdge: (k) => top + k * rowHeight,
    bottomLine: height - 10, // of the text below all rows
    name: (k) => svg("text", { x: left - 8, y: baseline(k), "text-anchor": "end" }, names[k]),
    drawing: (alt, ...children) =>
      svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "vl-plot", role: "img", "aria-label": alt }, ...children),
  };
}

/** N(mean, deviation²) as a path that is `tall` at its mean, as far as the `axis` {x, least, most} goes. */
function curve({ x, least, most }, foot, tall, mean, deviation) {
  const corners = [];
  for (let s = -4; s <= 4.001; s += 0.25) {
    const at = mean + s * deviation;
    if (at >= least && at <= most) corners.push([x(at), foot - tall * Math.exp(-0.5 * s * s)]);
  }
  return corners.length > 1 ? path(corners) : "";
}

/** The same; a line where it is too narrow to have a shape; with an arrow at the edge beyond which its mean lies. */
function bell(axis, foot, tall, mean, deviation) {
  const { x, least, most } = axis;
  const far = mean <= least ? -1 : mean >= most ? 1 : 0;
  const spike = 8 * deviation < (most - least) / 100;
  const shape = spike && !far ? path([[x(mean), foot], [x(mean), foot - tall]]) : curve(axis, foot, tall, mean, deviation);
  if (!far) return shape;
  const [edge, middle] = [x(far < 0 ? least : most), foot - tall / 2];
  return shape + path([[edge - 10 * far, middle - 6], [edge, middle], [edge - 10 * far, middle + 6]]);
}

/**
 * Normal curves N(μ_k, σ_k²), one under the other, all equally high, widths and places to scale; dashed behind each the
 * prior N(0, 1), unless `prior` is false. `range` is the part of the axis that is shown: what lies outside is drawn
 * as an arrow at its edge. `unit` names the axis, `marks` are the values written under it, `means` writes μ beside σ,
 * `points` draws marks instead: a UAE has numbers. With `truths` each row has a mark that `markTruths` moves.
 */
export function bells(names, {
  range: [least, most] = [-4, 4], marks = [least, (least + most) / 2, most], means = false, prior = true, unit = "z",
  points = false, truths = false, alt, rowHeight = 26, width = 320,
} = {}) {
  const place = rowsOf(names, { rowHeight, width, room: means ? 128 : 64 });
  const { left, right } = place;
  const axis = { least, most, x: (value) => left + ((value - least) / (most - least)) * (right - left) };
  const foot = (k) => place.baseline(k) + 3;
  const tall = rowHeight - 5;

  const rows = names.map((_, k) => {
    const mark = points
      ? svg("circle", { class: "vl-point", r: 6, cy: foot(k) - tall / 2 })
      : svg("path", { class: "vl-bell" });
    const number = svg("text", { x: right + 8, y: place.baseline(k), class: "vl-number" });
    const ground = svg("line", { class: "vl-axis", x1: left, x2: right, y1: foot(k), y2: foot(k) });
    const behind = prior ? svg("path", { class: "vl-prior", d: curve(axis, foot(k), tall, 0, 1) }) : "";
    const truth = truths ? svg("path", { class: "vl-truth" }) : "";
    return { mark, number, truth, group: svg("g", {}, ground, behind, mark, truth, place.name(k), number) };
  });
  const ticks = marks.map((value) =>
    svg("text", { x: axis.x(value), y: place.bottomLine, "text-anchor": "middle" }, numeral(value)),
  );
  const unitOfAxis = svg("text", { x: right + 22, y: place.bottomLine }, unit);
  const element = place.drawing(alt, ...rows.map(({ group }) => group), ...ticks, unitOfAxis);

  function drawPoint({ mark, number }, value) {
    mark.setAttribute("cx", axis.x(Math.min(most, Math.max(least, value))));
    write(number, `= ${tidy(value)}`);
  }

  function drawBell({ mark, number }, k, mean, deviation) {
    mark.setAttribute("d", bell(axis, foot(k), tall, mean, deviation));
    write(number, `${means ? `${tidy(mean)} ` : ""}± ${sigmaText(deviation, 0.0095)}`);
  }

  return {
    element,
    /** `mu` and `sigma` (K,) of the curves, or of points `mu` alone. */
    draw(mu, sigma) {
      rows.forEach((row, k) => (points ? drawPoint(row, mu[k]) : drawBell(row, k, mu[k], sigma[k])));
    },
    /** Mark these values (K,) with a notch at the foot of each row. */
    markTruths: (values) => rows.forEach(({ truth }, k) => {
      truth.setAttribute("d", `M${axis.x(values[k]).toFixed(1)} ${foot(k) - 7}l7 12h-14z`);
    }),
    /** Mark the row `k` as collapsed, or as alive again. */
    grey: (k, collapsed) => rows[k].group.classList.toggle("vl-collapsed", collapsed),
    alt: altOf(element),
  };
}

/** Horizontal bars from 0 to `most`, in rows as `bells` of the same names has them; × marks those below `collapsedBelow`. */
export function bars(names, { most, collapsedBelow, alt, rowHeight = 26, width = 320 }) {
  const place = rowsOf(names, { rowHeight, width, room: 70 });
  const { left, right } = place;
  const x = (value) => left + (Math.min(value, most) / most) * (right - left);
  const rows = names.map((_, k) => {
    const bar = svg("rect", { class: "vl-bar", x: left, y: place.upperEdge(k) + 4, height: rowHeight - 8 });
    const number = svg("text", { y: place.baseline(k), class: "vl-number" });
    return { bar, number, group: svg("g", {}, bar, place.name(k), number) };
  });
  const total = svg("text", { x: left, y: place.bottomLine, class: "vl-number" });
  const element = place.drawing(alt, ...rows.map(({ group }) => group), total);
  return {
    element,
    draw(values) {
      rows.forEach(({ bar, number, group }, k) => {
        const value = values[k];
        bar.setAttribute("width", x(value) - left);
        number.setAttribute("x", x(value) + 6);
        write(number, numberText(value < collapsedBelow ? "× 0.00" : tidy(value)));
        group.classList.toggle("vl-collapsed", value < collapsedBelow);
      });
      write(total, say("sum: {total} nats", { total: tidy(values.reduce((sum, value) => sum + value, 0)) }));
    },
    alt: altOf(element),
  };
}

/**
 * A plane with axes, for the rate-distortion curve and the 2-D latent spaces. `x` and `y` go from a value to a place;
 * what is drawn in it goes into `element`, in the order of drawing. `xMarks` and `yMarks` are [value, text] beside the
 * axes, round values if they are not given.
 */
export function plane({
  xRange, yRange, xLabel, yLabel, alt, width = 330, height = 304, margin = [62, 10, 10, 54],
  xMarks = roundMarks(xRange), yMarks = roundMarks(yRange),
}) {
  const [left, right, top, bottom] = margin;
  const x = (value) => left + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (width - left - right);
  const y = (value) => height - bottom - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (height - top - bottom);
  const frame = svg("rect", {
    class: "vl-axis", fill: "none", x: left, y: top, width: width - left - right, height: height - top - bottom,
  });
  const texts = [
    ...xMarks.map(([v, text]) => svg("text", { x: x(v), y: height - bottom + 20, "text-anchor": "middle" }, text)),
    ...yMarks.map(([v, text]) => svg("text", { x: left - 8, y: y(v) + 6, "text-anchor": "end" }, text)),
    svg("text", { x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, xLabel),
    svg("text", { transform: `translate(18 ${(top + height - bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel),
  ];
  const element = svg(
    "svg", { viewBox: `0 0 ${width} ${height}`, class: "vl-plot", role: "img", "aria-label": alt }, frame, ...texts,
  );
  return {
    element, x, y,
    /** From a pointer event to [x, y] in the plane's values, not beyond its edges. */
    valueAt(event) {
      const box = element.getBoundingClientRect();
      const across = ((event.clientX - box.left) / box.width) * width;
      const down = ((event.clientY - box.top) / box.height) * height;
      const share = [(across - left) / (width - left - right), (height - bottom - down) / (height - top - bottom)];
      return [xRange, yRange].map(([least, most], k) => least + Math.min(1, Math.max(0, share[k])) * (most - least));
    },
    line: (points) => path(points.map((at) => [x(at[0]), y(at[1])])),
    alt: altOf(element),
  };
}

const roundMarks = (range) => steps(range).map((value) => [value, numeral(value)]);

/** Round values that divide a range into three to six parts. */
function steps([least, most]) {
  const rough = (most - least) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough);
  const found = [];
  for (let k = Math.ceil(least / step); k * step <= most + 1e-9; k++) found.push(Number((k * step).toPrecision(6)));
  return found;
}
