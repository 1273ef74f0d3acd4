// Numbers and names for the eye.

import { numberText, say } from "./language.js";

/** Three significant figures, and no more than two decimals. */
export function tidy(value) {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return numberText(text.replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−"));
}

/** A change: +0.50, 0.00, −0.50. */
export const signed = (value) => (value > 0.005 ? "+" : "") + tidy(value);

/** β: 0, 0.03, 1.5, 42. */
export const betaText = (beta) => (beta === 0 ? "0" : numberText(String(Number(beta.toPrecision(2)))));

/** A round value, as it is, beside an axis. */
export const numeral = (value) => numberText(String(value).replace("-", "−"));

/** A σ, in two decimals, or in three where it is below `small`. */
export const sigmaText = (sigma, small = 0.095) => numberText(sigma.toFixed(sigma < small ? 3 : 2));

/** A point in a plane: (0.50, −1.20). */
export const pair = (values) => say("({first}, {second})", { first: tidy(values[0]), second: tidy(values[1]) });

/** z₁, z₂, … for j = 0, 1, … */
export const subscripted = (letter, j) => letter + [...String(j + 1)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");

/** The names of D latents. */
export const latentNames = (D) => Array.from({ length: D }, (_, j) => subscripted("z", j));
