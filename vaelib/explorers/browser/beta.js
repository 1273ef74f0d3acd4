// The slider for β, on the scale of a MultiRateVAE from 0 to 100.

import { slider } from "./controls.js";
import { betaText } from "./format.js";
import { betaAt, scaleOf } from "./network.js";

const STEPS = 400;

const betaOf = (position) => (position === 0 ? 0 : Number(betaAt((2 * position) / STEPS - 1).toPrecision(3)));
const positionOf = (beta) => Math.round(((scaleOf(beta) + 1) / 2) * STEPS);

/** A slider that changes the trait `beta`; `show` puts it where the state is. */
export function betaSlider({ state, set }) {
  /** The β at a position of the slider; where Python has set one between two positions, that one. */
  function nearest(position) {
    const { beta } = state;
    return position === positionOf(beta) ? beta : betaOf(position);
  }

  const part = slider({
    label: "β", min: 0, max: STEPS, step: 1, value: positionOf(state.beta), className: "vl-large",
    text: (position) => `β = ${betaText(nearest(position))}`,
    oninput: (position) => set({ beta: betaOf(position) }),
  });
  return { element: part.element, show: () => part.set(positionOf(state.beta)) };
}
