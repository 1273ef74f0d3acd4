// Numbers and names for the eye.

/** Three significant figures, and no more than two decimals. */
export function tidy(value) {
  const size = Math.abs(value);
  const text = value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  return text.replace(/^-(0(\.0*)?)$/, "$1").replace("-", "−");
}

/** A change: +0.50, 0.00, −0.50. */
export const signed = (value) => (value > 0.005 ? "+" : "") + tidy(value);

/** β: 0, 0.03, 1.5, 42. */
export const betaText = (beta) => (beta === 0 ? "0" : String(Number(beta.toPrecision(2))));

/** A round value, as it is, beside an axis. */
export const numeral = (value) => String(value).replace("-", "−");

/** A point in a plane: (0.50, −1.20). */
export const pair = (values) => `(${tidy(values[0])}, ${tidy(values[1])})`;

/** z₁, z₂, … for j = 0, 1, … */
export const subscripted = (letter, j) => letter + [...String(j + 1)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("");

/** The names of D latents. */
export const latentNames = (D) => Array.from({ length: D }, (_, j) => subscripted("z", j));
