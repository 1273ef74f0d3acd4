// The frame of every explorer: from its declaration to what anywidget calls.

import { html } from "./dom.js";
import { speak } from "./language.js";
import { declared, sharedState, valueOf } from "./state.js";

const FRAME = 1000 / 60; // ms
const MARGIN = 2; // ms, for what a move costs beside the drawing

/** How many ms are left until the next frame. The document's clock stands at the last frame, or at the next. */
function untilNextFrame() {
  const since = (performance.now() - document.timeline.currentTime) % FRAME;
  return since > 0 ? FRAME - since : -since;
}

/**
 * Calls `draw` at once, so that the next frame has only to be painted; further moves before it are drawn in it, once for
 * all. A frame that begins late is shown a whole frame later: so what would not be ready before the frame begins is drawn
 * in it, too, but what takes longer than a frame is late in any case, and drawn at once.
 */
function painter(draw) {
  let [frame, isStale] = [null, false];
  let took = 0; // ms, for the last drawing

  function drawNow() {
    const began = performance.now();
    draw();
    took = performance.now() - began;
  }

  return {
    draw() {
      isStale = frame !== null || (untilNextFrame() < took + MARGIN && took + MARGIN < FRAME);
      if (!isStale) drawNow();
      frame ??= requestAnimationFrame(() => {
        frame = null;
        if (isStale) drawNow();
      });
    },
    stop: () => cancelAnimationFrame(frame),
  };
}

/** The colours that explorers.css needs, from Python. */
const colours = ({ blue, orange }) =>
  [["blue", blue], ["orange", orange]]
    .map(([name, on]) => `--${name}-on-light: ${on.light}; --${name}-on-dark: ${on.dark};`)
    .join(" ");

/**
 * An explorer, declared. `label()` is what a screen reader calls it. `reads` are the traits that Python sends once, each with
 * the function that reads it; `writes` are the names of those that both sides change. All others are out of reach: to
 * read one is an error, and a test compares the declaration with the traits in Python.
 *
 * `build` makes one view. It gets what was read, by its name; `state`, the traits of `writes` as they are now;
 * `set(changes)`, for changes that a control made, and so shows; and `setAndShow(changes)`, for all others. It returns
 *   children      the elements of the view;
 *   draw          draws the state: at the move, or in the next frame;
 *   showControls  puts the controls where the state is, and lets what plays by itself go on or stop;
 *   onceShown     what is to happen when all has been drawn for the first time (optional);
 *   stop          what is to happen when the view is removed (optional).
 */
export const explorer = ({ label, reads, writes, build }) => ({
  reads: ["words", ...Object.keys(reads)],
  writes,
  render({ model, el }) {
    speak(valueOf(model, "words"));
    const sent = Object.fromEntries(Object.entries(reads).map(([name, read]) => [name, read(valueOf(model, name))]));
    const { state, set, stop } = sharedState(model, writes, {
      draw: () => paint.draw(),
      follow() {
        view.showControls();
        paint.draw();
      },
    });
    const setAndShow = (changes) => {
      try {
        set(changes);
      } finally {
        view.showControls();
      }
    };
    const view = build(declared({ ...sent, state, set, setAndShow }, "the explorer"));
    const paint = painter(view.draw);
    const style = colours(sent.palette);
    el.append(html("section", { class: "vl", "aria-label": label(), style }, ...view.children));
    view.draw();
    view.onceShown?.();
    return () => {
      view.stop?.();
      paint.stop();
      stop();
    };
  },
});
