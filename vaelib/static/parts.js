// What the explorers are made of: labelled controls, pictures, bell curves, bars, planes, the formula. A part makes its
// `element` once; `draw` then changes what must change, so that a slider can be followed frame by frame.

/** An HTML element with attributes and children; on… attributes are listeners. */
export const html = (tag, attributes = {}, ...children) => build(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  // JupyterLab looks for this on the element that has the focus; without it, "a" typed on a slider inserts a cell.
  if (["input", "button", "select"].includes(element.localName) || "tabindex" in attributes) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children);
  return element;
}

let ids = 0;
const ofThisModule = Math.random().toString(36).slice(2); // each explorer on a page has a copy of this module
/** An id that no other element of the page has: a widget may be shown twice, and another beside it. */
export const newId = (name) => `vl-${name}-${ofThisModule}-${++ids}`;

/** A number for the eye: three significant figures, and no more than two decimals. */
export function tidy(value) {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return text.replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−");
}

/** A change for the eye: +0.50, 0.00, −0.50. */
export const signed = (value) => (value > 0.005 ? "+" : "") + tidy(value);

/** β for the eye: 0, 0.03, 1.5, 42. */
export const betaText = (beta) => (beta === 0 ? "0" : String(Number(beta.toPrecision(2))));

/** The explorer's frame: `el` is the widget's place on the page, `label` is what a screen reader calls it. */
export function stage(el, label, ...children) {
  const element = html("section", { class: "vl", "aria-label": label }, ...children);
  el.append(element);
  return element;
}

/** The names of D latents: z₁, z₂, … */
export const latentNames = (D) =>
  Array.from({ length: D }, (_, j) => "z" + [...String(j + 1)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join(""));

/** A titled box. */
export const panel = (title, ...children) =>
  html("div", { class: "vl-panel" }, html("div", { class: "vl-title" }, title), ...children);

export const row = (...children) => html("div", { class: "vl-row" }, ...children);

export const button = (text, onclick, attributes = {}) => html("button", { type: "button", onclick, ...attributes }, text);

/**
 * Draw in two steps: `main` at once, so that it is in the very next frame, `rest` when that frame has been painted.
 * Moves that come faster than frames share one `rest`. `stop` when the view is removed.
 */
export function painter(main, rest) {
  let waiting = false;
  const { port1, port2 } = new MessageChannel(); // sooner after the frame than a timer
  port1.onmessage = () => {
    waiting = false;
    rest();
  };
  return {
    draw() {
      main();
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => port2.postMessage(null));
    },
    stop: () => port1.close(),
  };
}

/** A labelled slider. `text(value)` is the value with its unit, to be seen and to be heard. */
export function slider({ label, min, max, step, value, text = tidy, oninput, className = "" }) {
  const id = newId("slider");
  const output = html("output", { for: id });
  const input = html("input", { id, type: "range", min, max, step, oninput: () => (show(), oninput(Number(input.value))) });
  const name = html("label", { for: id }, label);
  function show(shown = Number(input.value)) {
    output.value = text(shown);
    input.setAttribute("aria-valuetext", text(shown));
  }
  function set(to) {
    input.value = to;
    show(Number(to)); // a value between two steps is shown as it is
  }
  set(value);
  return { element: html("div", { class: `vl-slider ${className}` }, name, input, output), input, name, set };
}

/**
 * Many small sliders, column after column, that change one list of numbers. `items` have a `label`, and `collapsed` if
 * the slider is to be greyed; `oninput` gets the whole list.
 */
export function sliders({ label, items, values, text, oninput, ...scale }) {
  const now = [...values];
  const parts = items.map((item, k) =>
    slider({
      label: item.label, value: now[k], text, className: item.collapsed ? "vl-collapsed" : "", ...scale,
      oninput: (value) => {
        now[k] = value;
        oninput([...now]);
      },
    }),
  );
  return {
    element: html("div", { class: "vl-sliders", role: "group", "aria-label": label }, ...parts.map(({ element }) => element)),
    set: (to) => to.forEach((value, k) => {
      now[k] = value;
      parts[k].set(value);
    }),
  };
}

/** The first `count` of the images as options of a `choice`. */
export const imageOptions = (count, shape, pixels) =>
  Array.from({ length: count }, (_, k) => [k, thumbnail(shape, pixels, k * shape[0] * shape[1] * shape[2]), `image ${k + 1}`]);

/** One choice out of a few: radio buttons. `options` is a list of [value, content, name]; the content may be a picture. */
export function choice({ label, options, value, onchange, className = "" }) {
  const group = newId("choice");
  const inputs = new Map();
  const items = options.map(([option, content, name]) => {
    const input = html("input", {
      type: "radio", name: group, "aria-label": name ?? null, onchange: () => onchange(option),
    });
    inputs.set(option, input);
    return html("label", {}, input, html("span", { class: "vl-option" }, content));
  });
  const set = (to) => inputs.forEach((input, option) => (input.checked = option === to));
  set(value);
  return { element: html("fieldset", { class: `vl-choice ${className}` }, html("legend", {}, label), ...items), set };
}

/** One image [C, H, W] with values in [0, 1] on a canvas. Of grey images the ink is dark. */
export function picture([channels, height, width], alt, className = "") {
  const canvas = html("canvas", { width, height, role: "img", "aria-label": alt, class: `vl-picture ${className}` });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  image.data.fill(255);
  const area = width * height;
  return {
    element: canvas,
    /** Show the image that starts at `from` in `pixels`. */
    draw(pixels, from = 0) {
      const bytes = image.data;
      if (channels === 1) {
        for (let i = 0; i < area; i++) bytes[4 * i] = bytes[4 * i + 1] = bytes[4 * i + 2] = 255 * (1 - pixels[from + i]);
      } else {
        for (let i = 0; i < area; i++) {
          bytes[4 * i] = 255 * pixels[from + i];
          bytes[4 * i + 1] = 255 * pixels[from + area + i];
          bytes[4 * i + 2] = 255 * pixels[from + 2 * area + i];
        }
      }
      context.putImageData(image, 0, 0);
    },
    alt: (text) => canvas.setAttribute("aria-label", text),
  };
}

/** An image that stands in a choice, where its option has the name. */
export function thumbnail(shape, pixels, from) {
  const { element, draw } = picture(shape, "");
  element.removeAttribute("role");
  element.removeAttribute("aria-label");
  draw(pixels, from);
  return element;
}

/** A picture and what it is. */
export const figure = (caption, element) => html("figure", {}, html("figcaption", {}, caption), element);

/** One of several lines of pictures, with a word before it. */
export const line = (word, element) => html("div", { class: "vl-line" }, html("span", {}, word), element);

/** `count` images side by side, one picture to a screen reader. */
export function strip(count, shape, alt, className = "") {
  const pictures = Array.from({ length: count }, () => picture(shape, ""));
  for (const { element } of pictures) {
    element.removeAttribute("role");
    element.removeAttribute("aria-label");
  }
  const canvases = pictures.map(({ element }) => element);
  const element = html("div", { class: `vl-strip ${className}`, role: "img", "aria-label": alt }, ...canvases);
  const size = shape[0] * shape[1] * shape[2];
  return {
    element,
    draw: (pixels) => pictures.forEach((one, k) => one.draw(pixels, k * size)),
    alt: (text) => element.setAttribute("aria-label", text),
  };
}

const path = (points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;

/**
 * Normal curves N(μ_k, σ_k²), one under the other, all equally high, widths and places to scale; dashed behind each the
 * prior N(0, 1), unless `prior` is false. `range` is the part of the axis that is shown: what lies outside is drawn
 * as an arrow at its edge. `unit` names the axis, `marks` are the values written under it, `means` writes μ beside σ,
 * `points` draws marks instead: a UAE has numbers.
 */
export function bells(names, {
  range = [-4, 4], marks, means = false, prior = true, unit = "z", points = false, alt, rowHeight = 26, width = 320,
} = {}) {
  const [left, right, top] = [14 + 9 * Math.max(...names.map((name) => name.length)), means ? 112 : 64, 10];
  const height = top + names.length * rowHeight + 34;
  const [least, most] = range;
  const x = (value) => left + ((value - least) / (most - least)) * (width - left - right);
  const foot = (k) => top + (k + 1) * rowHeight - 3;
  const tall = rowHeight - 5;
  const curve = (mean, deviation, k) => {
    const corners = [];
    for (let s = -4; s <= 4.001; s += 0.25) {
      const at = mean + s * deviation;
      if (at >= least && at <= most) corners.push([x(at), foot(k) - tall * Math.exp(-0.5 * s * s)]);
    }
    return corners.length > 1 ? path(corners) : "";
  };
  const rows = names.map((name, k) => {
    const label = svg("text", { x: left - 8, y: foot(k) - 3, "text-anchor": "end" }, name);
    const mark = points
      ? svg("circle", { class: "vl-point", r: 6, cy: foot(k) - tall / 2 })
      : svg("path", { class: "vl-bell" });
    const number = svg("text", { x: width - right + 8, y: foot(k) - 3, class: "vl-number" });
    const line = svg("line", { class: "vl-axis", x1: left, x2: width - right, y1: foot(k), y2: foot(k) });
    const behind = prior ? svg("path", { class: "vl-prior", d: curve(0, 1, k) }) : "";
    return { label, mark, number, group: svg("g", {}, line, behind, mark, label, number) };
  });
  const ticks = (marks ?? [least, (least + most) / 2, most]).map((value) =>
    svg("text", { x: x(value), y: height - 10, "text-anchor": "middle" }, numeral(value)),
  );
  const axis = svg("text", { x: width - right + 22, y: height - 10 }, unit);
  const element = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "vl-plot", role: "img", "aria-label": alt },
    ...rows.map(({ group }) => group), ...ticks, axis,
  );
  return {
    element,
    /** `mu` and `sigma` (K,) of the curves, or of points `mu` alone; `from` is where they start. */
    draw(mu, sigma, from = 0) {
      rows.forEach(({ mark, number }, k) => {
        const m = mu[from + k];
        if (points) {
          mark.setAttribute("cx", x(Math.min(most, Math.max(least, m))));
          write(number, `= ${tidy(m)}`);
          return;
        }
        const s = sigma[from + k];
        const spike = 8 * s < (most - least) / 100; // too narrow to have a shape: a line
        let d = spike && m > least && m < most ? path([[x(m), foot(k)], [x(m), foot(k) - tall]]) : curve(m, s, k);
        const far = m <= least ? -1 : m >= most ? 1 : 0;
        if (far) { // an arrow at the edge
          const [edge, middle] = [x(far < 0 ? least : most), foot(k) - tall / 2];
          d += path([[edge - 10 * far, middle - 6], [edge, middle], [edge - 10 * far, middle + 6]]);
        }
        mark.setAttribute("d", d);
        write(number, `${means ? `${tidy(m)} ` : ""}± ${s < 0.0095 ? s.toFixed(3) : s.toFixed(2)}`);
      });
    },
    /** Mark the row `k` as collapsed, or as alive again. */
    grey: (k, collapsed) => rows[k].group.classList.toggle("vl-collapsed", collapsed),
    alt: (text) => element.setAttribute("aria-label", text),
  };
}

/** Only what changes is written: text is dear to lay out. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Horizontal bars from 0 to `most`, which share rows with `bells` of the same names; × marks those below `least`. */
export function bars(names, { most, least = 0.01, unit = "nats", alt, rowHeight = 26, width = 320 }) {
  const [left, right, top] = [14 + 9 * Math.max(...names.map((name) => name.length)), 70, 10];
  const height = top + names.length * rowHeight + 34;
  const x = (value) => left + (Math.min(value, most) / most) * (width - left - right);
  const rows = names.map((name, k) => {
    const y = top + k * rowHeight;
    const bar = svg("rect", { class: "vl-bar", x: left, y: y + 4, height: rowHeight - 8 });
    const number = svg("text", { y: y + rowHeight - 6, class: "vl-number" });
    const label = svg("text", { x: left - 8, y: y + rowHeight - 6, "text-anchor": "end" }, name);
    return { bar, number, group: svg("g", {}, bar, label, number) };
  });
  const total = svg("text", { x: left, y: height - 10, class: "vl-number" });
  const element = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "vl-plot", role: "img", "aria-label": alt },
    ...rows.map(({ group }) => group), total,
  );
  return {
    element,
    draw(values) {
      rows.forEach(({ bar, number, group }, k) => {
        const value = values[k];
        bar.setAttribute("width", x(value) - left);
        number.setAttribute("x", x(value) + 6);
        write(number, value < least ? "× 0.00" : tidy(value));
        group.classList.toggle("vl-collapsed", value < least);
      });
      write(total, `sum: ${tidy(values.reduce((sum, value) => sum + value, 0))} ${unit}`);
    },
    alt: (text) => element.setAttribute("aria-label", text),
  };
}

/**
 * A plane with axes, for the rate-distortion curve and the 2-D latent spaces. `x` and `y` go from a value to a place;
 * what is drawn in it goes into `element`, in the order of drawing.
 */
export function plane({ xRange, yRange, xLabel, yLabel, alt, width = 330, height = 304, margin = [62, 10, 10, 54] }) {
  const [left, right, top, bottom] = margin;
  const x = (value) => left + ((value - xRange[0]) / (xRange[1] - xRange[0])) * (width - left - right);
  const y = (value) => height - bottom - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (height - top - bottom);
  const frame = svg("rect", {
    class: "vl-axis", fill: "none", x: left, y: top, width: width - left - right, height: height - top - bottom,
  });
  const texts = [
    ...steps(xRange).map((v) => svg("text", { x: x(v), y: height - bottom + 20, "text-anchor": "middle" }, numeral(v))),
    ...steps(yRange).map((v) => svg("text", { x: left - 8, y: y(v) + 6, "text-anchor": "end" }, numeral(v))),
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
    line: (points) => path(points.map(([a, b]) => [x(a), y(b)])),
    alt: (text) => element.setAttribute("aria-label", text),
  };
}

const numeral = (value) => String(value).replace("-", "−");

/** Round values that divide a range into three to six parts. */
function steps([least, most]) {
  const rough = (most - least) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough);
  const found = [];
  for (let k = Math.ceil(least / step); k * step <= most + 1e-9; k++) found.push(Number((k * step).toPrecision(6)));
  return found;
}

// Okabe and Ito's colours, and a shape for each class, the same as in vaelib/figures.py.
export const CLASS_COLOURS = [
  "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "currentColor", "#7A3FBF", "#767676",
];
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "M-3.6 -3.6h7.2v7.2h-7.2z", "M0 -5L4 0L0 5L-4 0z", "M-4.4 3.6h8.8L0 -4.4z",
  "M-4.4 -3.6h8.8L0 4.4z", "M-4.5 -1.3h3.2v-3.2h2.6v3.2h3.2v2.6h-3.2v3.2h-2.6v-3.2h-3.2z",
  "M-4.4 -2.4l2 -2l2.4 2.4l2.4 -2.4l2 2l-2.4 2.4l2.4 2.4l-2 2l-2.4 -2.4l-2.4 2.4l-2 -2l2.4 -2.4z",
  "M0 -5.5L1.5 -1.6L5.4 -1.6L2.3 0.8L3.4 4.6L0 2.3L-3.4 4.6L-2.3 0.8L-5.4 -1.6L-1.5 -1.6z",
  "M-3.6 4.4v-8.8L4.4 0z", "M3.6 4.4v-8.8L-4.4 0z",
];

/** The mark of a class 0..9 at a place, told apart by colour and by shape. */
export const classMark = (label, x, y, attributes = {}) =>
  svg("path", { d: SHAPES[label], fill: CLASS_COLOURS[label], transform: `translate(${x} ${y})`, ...attributes });

/** Which mark stands for which class: ● 0, ■ 1, … */
export const classKey = (label) =>
  html("span", { class: "vl-key" },
    svg("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" }, classMark(label, 0, 0)), String(label));

export const legend = (labels) =>
  html("div", { class: "vl-legend" }, "class", ...[...new Set(labels)].sort((a, b) => a - b).map(classKey));

/** One choice out of the images of `about.picks`, one of each class: [class, the image's name]; `pixels` holds them all. */
export function classPicker({ label, picks, shape, pixels, value, onchange }) {
  const size = shape[0] * shape[1] * shape[2];
  const options = picks.map((kind, k) => {
    const content = html("span", { class: "vl-pick" }, thumbnail(shape, pixels, k * size), classKey(kind));
    return [k, content, `test image ${k + 1}, class ${kind}`];
  });
  return choice({ label, options, value, onchange, className: "vl-picks" });
}

/** Two ranges of one length around all `points` (n, 2), and around the circle of radius `least` about 0. */
function squareAround(points, least) {
  const ends = [0, 1].map((axis) => {
    const values = Array.from(points).filter((_, i) => i % 2 === axis);
    return least ? [Math.min(-least, ...values), Math.max(least, ...values)] : [Math.min(...values), Math.max(...values)];
  });
  const half = Math.max(0.1, 0.53 * Math.max(...ends.map(([low, high]) => high - low)));
  return ends.map(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
}

/**
 * A 2-D latent space to scale: a mark for each of the `labels`, by class. `letter` names the axes; the plane covers the
 * points `cover` (k, 2), and with `prior` the circles at 1 σ and 2 σ of N(0, 1), dashed.
 */
export function latentMap({ letter, cover, labels, prior = false, alt, size = 280 }) {
  const ranges = squareAround(cover, prior ? 2.1 : 0);
  const map = plane({
    xRange: ranges[0], yRange: ranges[1], xLabel: `${letter}₁`, yLabel: `${letter}₂`, alt, width: size, height: size - 4, margin: [56, 6, 6, 52],
  });
  const marks = Array.from(labels, (label) => classMark(label, 0, 0));
  map.element.classList.add("vl-map");
  const over = svg("g");
  map.element.append(svg("g", { class: "vl-marks" }, ...marks));
  if (prior) for (const radius of [1, 2]) map.element.append(ellipse(map, "vl-prior").draw(0, 0, radius, radius).element);
  map.element.append(over);
  return {
    ...map, ranges,
    /** What lies above the marks, in the order of drawing. */
    add: (...elements) => over.append(...elements),
    /** Put the marks on `codes` (n, 2), which start at `from`. */
    draw(codes, from = 0) {
      marks.forEach((mark, k) => {
        const [a, b] = [codes[from + 2 * k], codes[from + 2 * k + 1]];
        mark.setAttribute("transform", `translate(${map.x(a).toFixed(1)} ${map.y(b).toFixed(1)})`);
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
      element.setAttribute("cx", map.x(mu1));
      element.setAttribute("cy", map.y(mu2));
      element.setAttribute("rx", map.x(sigma1) - map.x(0));
      element.setAttribute("ry", map.y(0) - map.y(sigma2));
      return part;
    },
  };
  return part;
}

/** The loss with its live numbers: L = |x − x̂| + β Σ KL = 22.3 + 1 × 21.6 = 43.9. */
export function formula() {
  const [distortion, beta, rate, total] = ["distortion", "beta", "rate", "loss"].map((name) =>
    html("span", { class: `vl-term vl-${name}` }),
  );
  const element = html(
    "div", { class: "vl-formula", role: "math" },
    html("i", {}, "L"), " = ", html("span", { class: "vl-distortion" }, "|x − x̂|"), " + ",
    html("span", { class: "vl-beta" }, "β"), " · ", html("span", { class: "vl-rate" }, "Σ KL"),
    html("span", { class: "vl-numbers" }, " = ", distortion, " + ", beta, " · ", rate, " = ", total),
  );
  return {
    element,
    draw(values) {
      write(distortion, tidy(values.distortion));
      write(beta, betaText(values.beta));
      write(rate, tidy(values.rate));
      write(total, tidy(values.distortion + values.beta * values.rate));
      element.setAttribute("aria-label",
        `L is the distortion ${distortion.textContent} plus β ${beta.textContent} times the rate ${rate.textContent}, `
        + `together ${total.textContent} nats`);
    },
  };
}

/** Tell Python what a trait is now. Without a kernel there is nobody to tell, and the explorer goes on. */
export function tell(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/**
 * Several traits of the widget as one `state`. `set` changes some of them: draws at once, then tells Python and the
 * widget's other views. When it is those that change something, `show` sets the controls before it draws.
 */
export function traits(model, names, draw, show) {
  const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const events = names.map((name) => `change:${name}`).join(" ");
  let own = false; // the model also reports what we tell it
  const link = {
    state: read(),
    set(values) {
      Object.assign(link.state, values);
      draw();
      own = true;
      try {
        tell(model, values);
      } finally {
        own = false;
      }
    },
    stop: () => model.off(events, follow),
  };
  function follow() {
    if (own) return;
    link.state = read();
    show();
    draw();
  }
  model.on(events, follow);
  return link;
}
