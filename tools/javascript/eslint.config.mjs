// What every JavaScript file of the course must pass. Each environment names what it takes from outside, and nothing
// more: so a word that is misspelt is a word that nobody defines.

import js from "@eslint/js";

const globals = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [
  js.configs.recommended,
  {
    rules: {
      "array-callback-return": "error",
      "eqeqeq": "error",
      "max-lines": ["error", 350],
      "no-implicit-coercion": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-unused-expressions": "error",
      "no-useless-rename": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "prefer-template": "error",
    },
  },
  {
    files: ["vaelib/**/*.js"],
    rules: {
      "no-restricted-syntax": ["error", {
        selector: ":matches(ForStatement, ForOfStatement, ForInStatement, WhileStatement) ArrayPattern",
        message: "Take no list apart in a loop: in WebKit that costs 35 times what the loop does.",
      }],
    },
    languageOptions: {
      globals: globals(
        "atob", "cancelAnimationFrame", "clearTimeout", "document", "matchMedia", "performance", "requestAnimationFrame",
        "setTimeout", "WebAssembly",
      ),
    },
  },
  {
    files: ["**/site/host.js"], // with what the scripts before it on the page left for it
    languageOptions: {
      globals: globals(
        "atob", "Blob", "DecompressionStream", "document", "Event", "EventTarget", "explorers", "matchMedia", "ResizeObserver",
        "Response",
      ),
    },
  },
  {
    files: ["**/products.mjs"],
    languageOptions: { globals: globals("btoa", "process", "URL") },
  },
  {
    files: ["**/site/typeset.js"],
    languageOptions: { sourceType: "commonjs", globals: globals("process", "require") },
  },
];
