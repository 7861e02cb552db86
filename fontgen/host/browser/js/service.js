// What the worker does for the page: HarfBuzz, one font and its guest. Messages are answered one at a time, so that the
// page can end the worker when a guest takes too long.

import { HarfBuzz } from "./harfbuzz.js";
import { WasmFont } from "./wasm-font.js";
import { CLUSTER, INFO_WORDS } from "./text-buffer.js";

const SPACE = 0x20;
const ELLIPSIS = 0x2026;

export class Service {
  #hb;
  #font;
  #log = [];
  #sent = new Set(); // glyphs whose outlines the page has
  #spaceGlyph = 0;
  #ellipsisGlyph = 0;

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
    this.#font = new WasmFont(this.#hb, new Uint8Array(font), { wasm, memoryMegabytes, log });
    this.#spaceGlyph = this.#hb.glyph(this.#font.font, SPACE);
    this.#ellipsisGlyph = this.#hb.glyph(this.#font.font, ELLIPSIS);
    return {
      module,
      harfbuzzVersion: this.#hb.version,
      unitsPerEm: this.#font.unitsPerEm,
      extents: this.#hb.lineExtents(this.#font.font),
      axes: this.#hb.axes(this.#font.face),
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
    if (variations) this.#setVariations(variations);
    const outlines = {};
    const shaped = runs.map((run) => {
      const result = this.#font.shape(run.text, { ...run, features, language, shaper });
      const length = result.infos.length / INFO_WORDS;
      const glyphs = new Uint32Array(length);
      const clusters = new Uint32Array(length);
      for (let i = 0; i < length; i++) {
        glyphs[i] = result.infos[INFO_WORDS * i];
        clusters[i] = result.infos[INFO_WORDS * i + CLUSTER];
        this.#addOutline(outlines, glyphs[i]);
      }
      // One call of the language model's shaper computes only so much, and shows an ellipsis for the rest.
      const unfinished =
        result.shaper === "wasm" && this.#ellipsisGlyph > 0 && run.text.includes("!") && glyphs.includes(this.#ellipsisGlyph);
      return { ...result, infos: undefined, glyphs, clusters, unfinished };
    });
    return { shaped, outlines, memory: this.#font.memory, log: this.#log.splice(0) };
  }

  #addOutline(outlines, glyph) {
    if (this.#sent.has(glyph)) return;
    this.#sent.add(glyph);
    outlines[glyph] = this.#font.path(glyph);
  }

  #variations = "{}";
  #setVariations(variations) {
    const wanted = JSON.stringify(variations);
    if (wanted === this.#variations) return;
    this.#variations = wanted;
    this.#font.setVariations(variations);
    this.#sent.clear();
  }
}
