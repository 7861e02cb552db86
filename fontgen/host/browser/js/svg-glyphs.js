// Glyphs of the `SVG ` table (OpenType specification, "SVG"): documents that hold one glyph or many, as they are or packed
// by gzip. A document is shown as an image, so that no script in it runs and nothing is fetched. Its `currentColor` is the
// colour of the text.

import { FOREGROUND_ATTRIBUTE } from "./foreground.js";

const MOST_BYTES = 1 << 24; // of a document that is unpacked
const GZIP = [0x1f, 0x8b];
const [ENTRY_BYTES, HEADER_BYTES] = [12, 10];
const AROUND = 2; // ems that a glyph may reach beyond its own

export class SvgGlyphs {
  /**
   * @param {Uint8Array} table a copy
   * @param {number} unitsPerEm
   */
  constructor(table, unitsPerEm) {
    this.#table = table;
    this.#unitsPerEm = unitsPerEm;
    this.#entries = readEntries(table);
  }

  #table;
  #unitsPerEm;
  #entries;
  #texts = new Map(); // by where a document stands

  /** Whether there are any. */
  get any() {
    return this.#entries.length > 0;
  }

  /** Unpacks what some glyphs need: to be called before svg() is asked for them. */
  async unpack(glyphs) {
    if (!this.any) return;
    for (const glyph of glyphs) {
      const entry = this.#entryOf(glyph);
      if (!entry || this.#texts.has(entry.offset)) continue;
      const bytes = this.#table.subarray(entry.offset, entry.offset + entry.length);
      const isPacked = GZIP.every((byte, i) => bytes[i] === byte);
      this.#texts.set(entry.offset, "");
      const text = await (isPacked ? unpacked(bytes) : new TextDecoder().decode(bytes));
      this.#texts.set(entry.offset, text);
    }
  }

  /** @returns {string} SVG of a glyph, in font units, y up; "" where the table has none */
  svg(glyph) {
    const entry = this.#entryOf(glyph);
    const document = entry && this.#texts.get(entry.offset);
    if (!document) return "";
    const em = this.#unitsPerEm;
    const [start, size] = [-AROUND * em, (2 * AROUND + 1) * em];
    const colour = /currentcolor/i.test(document) ? FOREGROUND_ATTRIBUTE : "";
    const image =
      `<svg xmlns="http://www.w3.org/2000/svg" ${colour} viewBox="${start} ${start} ${size} ${size}">` +
      `<style>[id^="glyph"]{visibility:hidden}#glyph${glyph}{visibility:visible}</style>${asGlyph(document, em)}</svg>`;
    const url = `data:image/svg+xml,${encodeURIComponent(image)}`;
    return `<image href="${url}" x="${start}" y="${start}" width="${size}" height="${size}" transform="scale(1 -1)"/>`;
  }

  #entryOf(glyph) {
    return this.#entries.find(({ first, last }) => first <= glyph && glyph <= last);
  }
}

/** The document list: which glyphs each document holds, and where it stands in the table. */
function readEntries(table) {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const entries = [];
  try {
    if (table.length < HEADER_BYTES) return [];
    const list = view.getUint32(2);
    for (let i = 0; i < view.getUint16(list); i++) {
      const at = list + 2 + ENTRY_BYTES * i;
      const [first, last] = [view.getUint16(at), view.getUint16(at + 2)];
      entries.push({ first, last, offset: list + view.getUint32(at + 4), length: view.getUint32(at + 8) });
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the table ends too early: what was read will do
  }
  return entries;
}

/** What gzip has packed; "" where it is damaged, or too much. */
async function unpacked(bytes) {
  const parts = [];
  let size = 0;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      size += part.value.length;
      if (size > MOST_BYTES) return "";
      parts.push(part.value);
    }
  } catch {
    return "";
  }
  return new Blob(parts).text();
}

/** A document as an element within another one: its viewport is the em square, and what is outside of that is seen. */
function asGlyph(document, em) {
  const begin = document.search(/<(?:\w+:)?svg[\s>]/);
  if (begin < 0) return "";
  const end = document.indexOf(">", begin);
  const tag = document.slice(begin, end).replace(/\s(?:x|y|width|height|overflow)\s*=\s*(?:"[^"]*"|'[^']*')/g, "");
  const closed = tag.endsWith("/") ? [tag.slice(0, -1), "/"] : [tag, ""];
  return `${closed[0]} x="0" y="0" width="${em}" height="${em}" overflow="visible"${closed[1]}${document.slice(end)}`;
}
