// The Unicode text that is seen, from what a guest gave to OpenType: no guess from glyphs, but the characters
// themselves. Typed text that no guest changed shows itself.

const ZERO_WIDTH_SPACE = 0x200b; // stands for a typed character that shows nothing

/**
 * @param {string} typed
 * @param {{codepoints: Uint32Array, clusters: Uint32Array}|null} shown as WasmFont.shape() returns it
 * @param {number} [from] in UTF-16 units of `typed`: only what these characters show
 * @param {number} [to]
 */
export function visibleText(typed, shown, from = 0, to = typed.length) {
  if (!shown) return typed.slice(from, to);
  const isShown = (codepoint, i) =>
    shown.clusters[i] >= from && shown.clusters[i] < to && (codepoint !== ZERO_WIDTH_SPACE || typedHere(typed, shown.clusters[i]));
  return Array.from(shown.codepoints).filter(isShown).map(character).join("");
}

/** Whether the zero-width space is one that was typed. */
const typedHere = (typed, cluster) => typed.charCodeAt(cluster) === ZERO_WIDTH_SPACE;

/** A surrogate that stands alone, or no code point at all, is shown as U+FFFD. */
const character = (codepoint) =>
  codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint < 0xe000) ? "\ufffd" : String.fromCodePoint(codepoint);
