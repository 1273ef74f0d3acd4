// Reads a JSON list of [TeX, whether it stands on a line of its own] and writes the list of their HTML: SVG for the eye,
// MathML for a screen reader. A formula that can't be typeset ends the run.
const { readFileSync } = require("node:fs");

async function main() {
  const MathJax = await require("mathjax").init({
    loader: { load: ["input/tex", "output/svg", "a11y/assistive-mml"] },
    tex: {
      packages: { "[-]": ["noundefined"] }, // which would only colour a misspelt command red
      formatError: (_, error) => { throw error; },
    },
    svg: { fontCache: "none" }, // no ids, which two formulas of a page could share
  });
  const typeset = ([tex, display]) => {
    try {
      return MathJax.startup.adaptor.outerHTML(MathJax.tex2svg(tex, { display }));
    } catch (error) {
      throw new Error(`${error.message} in the formula ${tex}`);
    }
  };
  const formulas = JSON.parse(readFileSync(0, "utf-8")).map(typeset);
  process.stdout.write(JSON.stringify(formulas));
}

main().catch((error) => {
  process.stderr.write(error.message);
  process.exitCode = 1;
});
