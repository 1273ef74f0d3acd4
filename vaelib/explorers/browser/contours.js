// Lines of equal height on a grid, by marching squares.

const OUTSIDE = 1e12; // the height around the grid: so each region below a level closes along the grid's edge

// Of a cell with the corners 1 (left, low), 2 (right, low), 4 (right, high), 8 (left, high): for each set of corners below
// the level the sides from which, and to which, its line goes; what is below lies on one and the same hand of it.
const [LOW, RIGHT, HIGH, LEFT] = [0, 1, 2, 3];
const LINES = [
  [], [[LEFT, LOW]], [[LOW, RIGHT]], [[LEFT, RIGHT]], [[RIGHT, HIGH]], [[LEFT, LOW], [RIGHT, HIGH]], [[LOW, HIGH]],
  [[LEFT, HIGH]], [[HIGH, LEFT]], [[HIGH, LOW]], [[LOW, RIGHT], [HIGH, LEFT]], [[HIGH, RIGHT]], [[RIGHT, LEFT]],
  [[RIGHT, LOW]], [[LOW, LEFT]], [],
];

const texts = []; // of the tenths that were met: to write a number is the dearest part of a path
function inTenths(place) {
  const tenths = Math.round(10 * place);
  return (texts[tenths] ??= String(tenths / 10));
}

/** The grid with a rim outside of it, at the places of its outermost lines. */
function rimmed(heights, xs, ys) {
  const [columns, rows] = [xs.length + 2, ys.length + 2];
  const values = new Float64Array(columns * rows).fill(OUTSIDE);
  ys.forEach((_, row) => xs.forEach((__, column) => {
    values[(row + 1) * columns + column + 1] = heights[row * xs.length + column];
  }));
  return { values, columns, rows, x: [xs[0], ...xs, xs.at(-1)], y: [ys[0], ...ys, ys.at(-1)] };
}

/**
 * For each of the ascending `levels` the path around all that is below it. `heights` are those at the crossings of the places `xs`
 * and `ys`, row by row; on a side that a line crosses, the height is taken as straight.
 */
export function contours(heights, xs, ys, levels) {
  const grid = rimmed(heights, xs, ys);
  const next = new Int32Array(2 * grid.columns * grid.rows); // side → the one where its line goes on, as 1 + its number
  const cells = crossed(grid, levels);
  return levels.map((level, k) => pathOf(grid, level, next, linkSides(grid, level, next, cells[k])));
}

/** For each of the ascending levels the cells that it crosses, each by the number of its lower left corner. */
function crossed({ values, columns, rows }, levels) {
  const cells = levels.map(() => []);
  let level = 0; // neighbours differ little, so the search begins where the last one ended
  for (let row = 0; row < rows - 1; row++) {
    for (let k = row * columns; k < (row + 1) * columns - 1; k++) {
      const lowest = Math.min(values[k], values[k + 1], values[k + columns], values[k + columns + 1]);
      const highest = Math.max(values[k], values[k + 1], values[k + columns], values[k + columns + 1]);
      while (level > 0 && levels[level - 1] > lowest) level--;
      while (level < levels.length && levels[level] <= lowest) level++;
      for (let at = level; at < levels.length && levels[at] <= highest; at++) cells[at].push(k);
    }
  }
  return cells;
}

/** The sides from which a line goes on. A side is twice the number of its left or lower end, and 1 more if it goes upwards. */
function linkSides({ values, columns }, level, next, cells) {
  const linked = [];
  for (const k of cells) {
    const below = (values[k] < level ? 1 : 0) + (values[k + 1] < level ? 2 : 0)
      + (values[k + columns + 1] < level ? 4 : 0) + (values[k + columns] < level ? 8 : 0);
    const side = [2 * k, 2 * (k + 1) + 1, 2 * (k + columns), 2 * k + 1];
    for (const line of LINES[below]) {
      next[side[line[0]]] = 1 + side[line[1]];
      linked.push(side[line[0]]);
    }
  }
  return linked;
}

/** Follow the lines, each until it has closed; then nothing is linked any more. */
function pathOf({ values, columns, x, y }, level, next, linked) {
  const place = (side) => {
    const node = side >> 1;
    const upwards = side & 1;
    const row = Math.floor(node / columns);
    const column = node % columns;
    const end = node + (upwards ? columns : 1);
    const share = (level - values[node]) / (values[end] - values[node]);
    const across = upwards ? x[column] : x[column] + share * (x[column + 1] - x[column]);
    const down = upwards ? y[row] + share * (y[row + 1] - y[row]) : y[row];
    return `${inTenths(across)} ${inTenths(down)}`;
  };
  const lines = [];
  for (const start of linked) {
    if (!next[start]) continue;
    const places = [];
    for (let side = start; next[side];) {
      places.push(place(side));
      const to = next[side] - 1;
      next[side] = 0;
      side = to;
    }
    lines.push(`M${places.join("L")}Z`);
  }
  return lines.join("");
}
