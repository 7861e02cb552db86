// What the worker does for the page: HarfBuzz, one font and its guest. Messages are answered one at a time, so that the
// page can end the worker when a guest takes too long.

import { HarfBuzz } from "./harfbuzz.js";
import { tablesOf } from "./sfnt.js";
import { CLUSTER, INFO_WORDS } from "./text-buffer.js";
import { WasmFont } from "./wasm-font.js";

const SPACE = 0x20;
const ELLIPSIS = 0x2026;

export class Service {
  #hb;
  #font;
  #log = [];
  #sent = new Set(); // glyphs whose outlines the page has
  #spaceGlyph = 0;

  /**
   * Opens the font.
   * @param {object} parameters
   * @param {WebAssembly.Module|ArrayBuffer} parameters.harfbuzz
   * @param {ArrayBuffer} parameters.font
   * @param {boolean} parameters.wasm whether to run its module
   * @param {number} parameters.memoryMegabytes
   * @returns what the page must know of the font; `module` is HarfBuzz, compiled, for workers to come
   */
  open({ harfbuzz, font, wasm, memoryMegabytes }) {
    const began = performance.now();
    const module = harfbuzz instanceof WebAssembly.Module ? harfbuzz : new WebAssembly.Module(harfbuzz);
    const compiled = performance.now();
    this.#hb = new HarfBuzz(module);
    const log = (line) => this.#log.push(line);
    const bytes = new Uint8Array(font);
    const tables = [...tablesOf(bytes).keys()];
    this.#font = new WasmFont(this.#hb, bytes, { wasm, memoryMegabytes, log });
    this.#spaceGlyph = this.#hb.glyph(this.#font.font, SPACE);
    return {
      module,
      harfbuzzVersion: this.#hb.version,
      unitsPerEm: this.#font.unitsPerEm,
      extents: this.#hb.lineExtents(this.#font.font),
      axes: this.#hb.axes(this.#font.face),
      tables,
      hasWasm: this.#font.hasWasm,
      flavour: this.#font.flavour,
      spaceGlyph: this.#spaceGlyph,
      log: this.#log.splice(0),
      milliseconds: { compileHarfBuzz: compiled - began, openFont: performance.now() - compiled },
    };
  }

  /**
   * Shapes runs of text.
   * @param {object} parameters
   * @param {{text: string, start?: number, end?: number, direction?: string}[]} parameters.runs
   * @param {string} [parameters.features]
   * @param {string} [parameters.language]
   * @param {Record<string, number>} [parameters.variations]
   * @param {"wasm"|"ot"} [parameters.shaper]
   */
  shape({ runs, features, language, variations, shaper }) {
    const variationsChanged = this.#setVariations(variations ?? {});
    const drawings = { outlines: {}, colours: {} };
    const shaped = runs.map((run) => {
      const result = this.#font.shape(run.text, { ...run, features, language, shaper });
      const { infos, ...rest } = result;
      const length = infos.length / INFO_WORDS;
      const glyphs = new Uint32Array(length);
      const clusters = new Uint32Array(length);
      for (let i = 0; i < length; i++) {
        glyphs[i] = infos[INFO_WORDS * i];
        clusters[i] = infos[INFO_WORDS * i + CLUSTER];
        this.#draw(drawings, glyphs[i]);
      }
      return { ...rest, glyphs, clusters, unfinished: isUnfinished(run.text, result.shown) };
    });
    return { shaped, ...drawings, variationsChanged, memory: this.#font.memory, log: this.#log.splice(0) };
  }

  /** Adds what the page needs to draw a glyph, unless it has it. */
  #draw({ outlines, colours }, glyph) {
    if (this.#sent.has(glyph)) return;
    this.#sent.add(glyph);
    const svg = this.#font.colours(glyph);
    if (svg) colours[glyph] = svg;
    else outlines[glyph] = this.#font.path(glyph);
  }

  #variations = "{}";
  #setVariations(variations) {
    const wanted = JSON.stringify(variations);
    if (wanted === this.#variations) return false;
    this.#variations = wanted;
    this.#font.setVariations(variations);
    this.#sent.clear();
    return true;
  }
}

/** One call of the language model's shaper computes only so much, and shows an ellipsis for the rest. */
function isUnfinished(typed, shown) {
  if (!shown) return false;
  return shown.codepoints.some((codepoint, i) => codepoint === ELLIPSIS && typed.charCodeAt(shown.clusters[i]) !== ELLIPSIS);
}
