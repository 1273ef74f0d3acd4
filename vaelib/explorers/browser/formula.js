import { html, write } from "./dom.js";
import { betaText, tidy } from "./format.js";
import { say } from "./language.js";

/** The loss with its live numbers: L = |x − x̂| + β Σ KL = 22.3 + 1 × 21.6 = 43.9. `names` are those of its terms. */
export function formula(names = { distortion: "|x − x̂|", rate: "Σ KL" }) {
  const [distortion, beta, rate, total] = ["distortion", "beta", "rate", "loss"].map((name) =>
    html("span", { class: `vl-term vl-${name}` }),
  );
  const element = html(
    "div", { class: "vl-formula", role: "math" },
    html("span", {},
      html("i", {}, "L"), " = ", html("span", { class: "vl-distortion" }, names.distortion), " + ",
      html("span", { class: "vl-beta" }, "β"), " · ", html("span", { class: "vl-rate" }, names.rate)),
    " ", html("span", {}, "= ", distortion, " + ", beta, " · ", rate, " = ", total),
  );
  return {
    element,
    draw(values) {
      write(distortion, tidy(values.distortion));
      write(beta, betaText(values.beta));
      write(rate, tidy(values.rate));
      write(total, tidy(values.distortion + values.beta * values.rate));
      element.setAttribute("aria-label", say(
        "L is the distortion {distortion} plus β {beta} times the rate {rate}, together {total} nats",
        { distortion: distortion.textContent, beta: beta.textContent, rate: rate.textContent, total: total.textContent },
      ));
    },
  };
}
