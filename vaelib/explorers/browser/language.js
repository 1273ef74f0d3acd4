// What a reader sees in the language that Python has chosen. A text stands in the code in English, and whole, for other
// languages bend their words, and with values in braces. Python looks for the calls of say, and sends what they say in
// its language (vaelib/language.py).

let words = {}; // by the English; empty for English
let point = "."; // the sign between a number's whole part and its decimals

/** Say from now on what `sent` says. */
export function speak(sent) {
  words = sent;
  point = say(".");
}

/** The text with its values. */
export const say = (text, values = {}) =>
  (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** A number as it is written in English, with the sign of the language. */
export const numberText = (text) => text.replace(".", point);
