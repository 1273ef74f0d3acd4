// What stands in for Jupyter on a page: gives each explorer the state that it had in its lesson, and a model that
// remembers what it changes. And a button for light and dark.

const state = JSON.parse(document.getElementById("state").textContent);

/** A model as anywidget has it, with no kernel behind it. */
function modelOf(traits) {
  const events = new EventTarget();
  const each = (names, act) => names.split(" ").forEach(act);
  return {
    get: (name) => traits[name],
    set(name, value) {
      if (Object.is(traits[name], value)) return;
      traits[name] = value;
      events.dispatchEvent(new Event(`change:${name}`));
    },
    on: (names, listen) => each(names, (name) => events.addEventListener(name, listen)),
    off: (names, listen) => each(names, (name) => events.removeEventListener(name, listen)),
    save_changes() {},
  };
}

const arrays = {};

/** The array k of the page, unpacked when it is first needed: a promise of its bytes. */
const arrayAt = (k) => (arrays[k] ??= unpacked(document.getElementById(`array-${k}`)));

// A page has millions of bytes and numbers, so they are read in loops: a function called for each takes six times as long.

/** The bytes that a text in base64 stands for. */
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Finite numbers, each given by its 16 bits (IEEE 754, half precision), in 32 bits. */
function ofHalves(halves) {
  const numbers = new Float32Array(halves.length);
  const bits = new Uint32Array(numbers.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent) bits[i] = (exponent + 112) << 23 | fraction << 13; // 112 more: so far apart are the two zeros of exponents
    else numbers[i] = fraction * 2 ** -24;
    if (half & 0x8000) numbers[i] = -numbers[i];
  }
  return numbers;
}

async function unpacked({ textContent, dataset }) {
  const stream = new Blob([bytesOf(textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = Number(dataset.width); // bytes in a number; the first bytes of all come first, then the second …
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let k = 0, from = 0; k < width; k++) for (let i = k; i < bytes.length; i += width) bytes[i] = planes[from++];
  const numbers = width === 2 ? ofHalves(new Uint16Array(bytes.buffer)).buffer : bytes.buffer;
  if (!dataset.times) return numbers;
  const factors = new Float32Array(numbers); // one for each column of another array
  return new Float32Array(await arrayAt(dataset.times)).map((value, i) => value * factors[i % count]).buffer;
}

/** A trait as it was, with a DataView for each {array: k} in it, however deep. */
async function revived(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return Promise.all(value.map(revived));
  if ("array" in value) return new DataView(await arrayAt(value.array));
  const entries = Object.entries(value).map(async ([name, inner]) => [name, await revived(inner)]);
  return Object.fromEntries(await Promise.all(entries));
}

for (const el of document.querySelectorAll(".explorer")) {
  const { module, traits } = state[el.dataset.explorer];
  const model = modelOf(await revived(traits));
  el.replaceChildren(); // it said what it needs, in case that it does not come this far
  explorers[module].render({ model, el });
  el.model = model; // for the curious, and for the tests
}

// Light and dark: as the system has it, until somebody says otherwise.
const button = document.getElementById("theme");
const { body, documentElement: page } = document;

function wear(theme) {
  page.style.colorScheme = theme;
  body.dataset.jpThemeLight = theme === "light"; // where explorers look
}

button.hidden = false;
button.addEventListener("click", () => {
  const dark = body.dataset.jpThemeLight
    ? body.dataset.jpThemeLight === "false"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  wear(dark ? "light" : "dark");
});

// What is too wide scrolls in itself; then the keyboard must be able to get there.
const wide = document.querySelectorAll("pre, .wide, mjx-container[display]");
const size = new ResizeObserver((entries) => entries.forEach(({ target }) => {
  if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
  else target.removeAttribute("tabindex");
}));
wide.forEach((element) => size.observe(element));
