// What the worker does for the page: HarfBuzz, one font and its guest. Messages are answered one at a time, so that the
// page can end the worker when a guest takes too long.

import { HarfBuzz, tag } from "./harfbuzz.js";
import { contextLength, ModelTrace } from "./model-trace.js";
import { tablesOf } from "./sfnt.js";
import { CLUSTER, INFO_WORDS } from "./text-buffer.js";
import { WasmFont } from "./wasm-font.js";

const SPACE = 0x20;
const MARK = "!";
const MOST_ADDED = 16; // marks that the lesson puts behind a text, to see what would come next
const MOST_CALLS = 400; // of the shaper, for a text that it has not told to its end

export class Service {
  #hb;
  #font;
  #log = [];
  #sent = new Set(); // glyphs whose outlines the page has
  #spaceGlyph = 0;
  #interruptAfter = 0;

  /**
   * Opens the font.
   * @param {object} parameters
   * @param {WebAssembly.Module|ArrayBuffer} parameters.harfbuzz
   * @param {ArrayBuffer} parameters.font
   * @param {boolean} parameters.wasm whether to run its module
   * @param {number} parameters.memoryMegabytes
   * @param {number} [parameters.interruptAfter] milliseconds after which a guest is to end by itself
   * @returns what the page must know of the font; `module` is HarfBuzz, compiled, for workers to come
   */
  open({ harfbuzz, font, wasm, memoryMegabytes, interruptAfter = 0 }) {
    const began = performance.now();
    const module = harfbuzz instanceof WebAssembly.Module ? harfbuzz : new WebAssembly.Module(harfbuzz);
    const compiled = performance.now();
    this.#hb = new HarfBuzz(module);
    const log = (line) => this.#log.push(line);
    const bytes = new Uint8Array(font);
    const tables = [...tablesOf(bytes).keys()];
    this.#font = new WasmFont(this.#hb, bytes, { wasm, memoryMegabytes, interruptible: interruptAfter > 0, log });
    font.transfer?.(0); // HarfBuzz has its own copy: this one need not wait to be collected
    this.#interruptAfter = interruptAfter;
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
  async shape({ runs, features, language, variations, shaper }) {
    this.#begin();
    const variationsChanged = this.#setVariations(variations ?? {});
    const wanted = new Set(); // glyphs that the page has not
    const shaped = runs.map((run) => {
      const result = this.#font.shape(run.text, { ...run, features, language, shaper });
      const { infos, ...rest } = result;
      const length = infos.length / INFO_WORDS;
      const glyphs = new Uint32Array(length);
      const clusters = new Uint32Array(length);
      for (let i = 0; i < length; i++) {
        glyphs[i] = infos[INFO_WORDS * i];
        clusters[i] = infos[INFO_WORDS * i + CLUSTER];
        if (!this.#sent.has(glyphs[i])) wanted.add(glyphs[i]);
      }
      return { ...rest, glyphs, clusters };
    });
    await this.#font.unpackColours(wanted);
    return { shaped, ...this.#drawings(wanted), variationsChanged, memory: this.#font.memory, log: this.#log.splice(0) };
  }

  /**
   * The tokens of a text, and what one of them was chosen among. Behind a text that does not end with a run of marks,
   * or with one that tells no token, marks are put until one would come: so the last token is what may come next.
   * @param {object} parameters
   * @param {{text: string, direction?: string}} parameters.run
   * @param {number|null} parameters.index of the token to explain; null: the last
   * @param {number} parameters.most alternatives
   * @param {number} [parameters.wanted] a token that one would have in its place
   */
  trace({ run, index, most, wanted, features, language }) {
    this.#begin();
    if (!ModelTrace.isKnownTo(this.#guestFor(run))) throw new Error("this font does not tell what its model does");
    const trace = new ModelTrace(this.#font.guest);
    const options = { direction: run.direction, features, language };
    const shape = (text) => {
      for (let i = 0; i < MOST_CALLS; i++) if (!this.#font.shape(text, options).unfinished) break;
      return trace.tokens();
    };
    let tokens = shape(run.text);
    const before = tokens.filter(({ kind }) => kind === "generated").length;
    let addedMarks = 0;
    // A choice for a token that the text has already needs no more marks.
    while (addedMarks < MOST_ADDED && !(wanted !== undefined && index !== null && index < tokens.length)) {
      const longer = shape(run.text + MARK.repeat(++addedMarks));
      const more = longer.filter(({ kind }) => kind === "generated" || kind === "end").length;
      tokens = longer;
      if (more > before || longer.some(({ kind }) => kind === "end")) break;
    }
    const chosen = index !== null && index < tokens.length ? index : tokens.length - 1;
    const ownMarks = run.text.length;
    return {
      tokens,
      addedMarks: tokens[chosen]?.cluster >= ownMarks ? addedMarks : 0,
      hypothetical: tokens.filter(({ cluster, kind }) => cluster >= ownMarks && kind !== "begin").length,
      index: chosen,
      choices: tokens.length ? trace.choices(chosen, most) : null,
      rejections: wanted === undefined ? undefined : trace.rejections(chosen, wanted),
      contextLength: contextLength(this.#hb.table(this.#font.face, tag("Llam"))),
    };
  }

  /** What follows has the whole time limit. */
  #begin() {
    if (this.#interruptAfter) this.#font.deadline = performance.now() + this.#interruptAfter;
  }

  /** The guest, after it has shaped something. */
  #guestFor({ text }) {
    if (!this.#font.guest) this.#font.shape(text);
    return this.#font.guest;
  }

  /** What the page needs to draw glyphs that it has not drawn yet. */
  #drawings(glyphs) {
    const drawings = { outlines: {}, colours: {} };
    for (const glyph of glyphs) {
      this.#sent.add(glyph);
      const svg = this.#font.colours(glyph);
      if (svg) drawings.colours[glyph] = svg;
      else drawings.outlines[glyph] = this.#font.path(glyph);
    }
    return drawings;
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
