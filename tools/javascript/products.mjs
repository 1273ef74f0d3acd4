// Compile products.wat into the line of network.js that holds it: `make products`. With --check nothing is written, and
// the exit status is 1 if the line is not what the file gives.

import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const browser = new URL("../../vaelib/explorers/browser/", import.meta.url);
const [source, target] = ["products.wat", "network.js"].map((name) => new URL(name, browser));

const text = readFileSync(source, "utf8");
const { buffer } = (await wabt()).parseWat("products.wat", text, { simd: true }).toBinary({});
const compiled = btoa(String.fromCharCode(...buffer));
const before = readFileSync(target, "utf8");
const after = before.replace(/^(const PRODUCTS = ").*(";)$/m, (_, start, end) => start + compiled + end);
if (!after.includes(compiled)) throw new Error("network.js has no line `const PRODUCTS = …`");
if (process.argv.includes("--check")) process.exitCode = Number(before !== after);
else writeFileSync(target, after);
