// A font whose text is shaped by the module in its own `Wasm` table, as HarfBuzz's Wasm shaper does it
// (hb-wasm-shape.cc): this browser instantiates the module, and api.js answers its calls.
//
// A guest that traps, returns 0 or does not load gets OpenType for its text, and after three failures in a row no guest
// is tried. Its memory is bounded here; its time by whoever can end the worker that this runs in.

import { wasmApi } from "./api.js";
import { ColourGlyphs } from "./colour.js";
import { Guest } from "./guest.js";
import { tag } from "./harfbuzz.js";
import { interruptible } from "./interruption.js";
import { CODE_MB, MEMORY_MB, MOST_FAILURES } from "./limits.js";
import { References } from "./references.js";
import { TextBuffer } from "./text-buffer.js";
import { codeBytes, limitMemory, PAGE_BYTES, preferredModule } from "./wasm-binary.js";

export const DIRECTIONS = { ltr: 4, rtl: 5, ttb: 6, btt: 7 };
const DIRECTION_NAMES = Object.fromEntries(Object.entries(DIRECTIONS).map(([name, value]) => [value, name]));
const FEATURE_WORDS = 4;
const MEGABYTE = 1 << 20;
const ELLIPSIS = 0x2026;

/** shape() returned 0, or glyphs that no program could show; the instance may live on. */
class Refused extends Error {}

export class WasmFont {
  /**
   * @param {import("./harfbuzz.js").HarfBuzz} hb
   * @param {Uint8Array} data the font file
   * @param {object} [options]
   * @param {boolean} [options.wasm] false: shape by OpenType only
   * @param {number} [options.memoryMegabytes] the most memory that the guest may have
   * @param {boolean} [options.interruptible] whether the guest is to end at the `deadline`, by itself: see interruption.js
   * @param {(line: string) => void} [options.log] told of the guest's failures and debugprint()s
   * @throws {Error} the file is not a font
   */
  constructor(hb, data, { wasm = true, memoryMegabytes = MEMORY_MB, interruptible: isInterruptible = false, log = () => {} } = {}) {
    const { c } = hb;
    this.hb = hb;
    this.log = log;
    this.face = hb.createFace(data);
    if (!c.hb_face_get_glyph_count(this.face)) throw new Error("this is not a font");
    this.font = c.hb_font_create(this.face);
    this.unitsPerEm = c.hb_face_get_upem(this.face);
    this.failures = 0;
    this.#colours = new ColourGlyphs(hb, this.face, this.font, (glyph) => this.path(glyph));
    const nobody = { direction: 0, script: 0, language: null };
    const empty = new TextBuffer({ codepoints: [], clusters: [], properties: nobody });
    empty.mostLength = 0;
    this.#references = new References({ face: c.hb_face_get_empty(), font: c.hb_font_get_empty(), buffer: empty });
    this.#functions = wasmApi({ hb, references: this.#references, guest: () => this.#running(), log });
    const table = hb.table(this.face, tag("Wasm")).slice();
    /** When a guest that is interruptible ends, as performance.now() counts. */
    this.deadline = Infinity;
    /** Whether the font has a module at all, and which: "simd128", "outer", or null when none can run. */
    this.hasWasm = table.length > 0;
    this.flavour = null;
    if (wasm && this.hasWasm) this.#compile(table, memoryMegabytes, isInterruptible);
  }

  #references;
  #functions;
  #colours;
  #module = null;
  #guest = null;
  #paths = new Map();

  #compile(table, memoryMegabytes, isInterruptible) {
    try {
      const { bytes, flavour } = preferredModule(table);
      if (codeBytes(bytes) > CODE_MB * MEGABYTE) throw new Error(`it has more than ${CODE_MB} MiB of code`);
      const limited = limitMemory(bytes, (memoryMegabytes * MEGABYTE) / PAGE_BYTES);
      this.#module = new WebAssembly.Module(isInterruptible ? interruptible(limited) : limited);
      this.flavour = flavour;
    } catch (error) {
      this.log(`the font's module does not load: ${error.message}`);
    }
  }

  /**
   * Shapes a text, or a part of it.
   * @param {string} text a paragraph
   * @param {object} [options]
   * @param {string} [options.features] such as "kern=0,TEMP=80"
   * @param {"ltr"|"rtl"|"ttb"|"btt"} [options.direction] guessed from the text where it is absent; so are
   * @param {string} [options.script] ISO 15924
   * @param {string} [options.language] BCP 47
   * @param {number} [options.start] of the part to shape, in UTF-16 units; the rest of the text is its context
   * @param {number} [options.end]
   * @param {"wasm"|"ot"} [options.shaper]
   * @returns {{infos: Uint32Array, positions: Int32Array, direction: string, script: number, shaper: "wasm"|"ot",
   *   shown: {codepoints: Uint32Array, clusters: Uint32Array}|null, unfinished: boolean, steps: number, milliseconds: number}}
   *   clusters count UTF-16 units of `text`. `shown` is the text that the guest gave to OpenType; `unfinished` whether
   *   it has more to show when it is asked again; `steps` how many steps of a game the feature STEP can tell apart.
   */
  shape(text, options = {}) {
    const { start = 0, end = text.length, shaper = "wasm" } = options;
    const buffer = this.#textBuffer(text, start, end, options);
    const features = this.hb.parseFeatures(options.features ?? "");
    const began = performance.now();
    const byGuest = shaper === "wasm" && this.#canTry() && this.#shapeByGuest(buffer, features);
    if (!byGuest) buffer.setGlyphs(this.hb.shape(this.font, buffer, features, "ot"));
    const { infos, positions, shown, properties } = buffer;
    return {
      infos,
      positions,
      shown: byGuest ? shown : null,
      direction: DIRECTION_NAMES[properties.direction],
      script: properties.script,
      shaper: byGuest ? "wasm" : "ot",
      unfinished: byGuest && this.#isUnfinished(text, shown),
      steps: byGuest ? this.#steps() : 0,
      milliseconds: performance.now() - began,
    };
  }

  #textBuffer(text, start, end, { direction, script, language }) {
    const codepoints = [];
    const clusters = [];
    let at = start;
    for (const character of text.slice(start, end)) {
      codepoints.push(character.codePointAt(0));
      clusters.push(at);
      at += character.length;
    }
    const around = (part) => Array.from(part, (character) => character.codePointAt(0));
    const buffer = new TextBuffer({
      codepoints,
      clusters,
      before: around(text.slice(0, start)),
      after: around(text.slice(end)),
      properties: {},
    });
    this.hb.fill(buffer);
    this.hb.setProperties({ direction: DIRECTIONS[direction], script: script && tag(script), language });
    buffer.properties = this.hb.guessProperties();
    return buffer;
  }

  /** The guest, as long as it lives: for those that know more of it than HarfBuzz. */
  get guest() {
    return this.#guest;
  }

  /** One call of a language model's shaper computes only so much. It says so, or shows an ellipsis for the rest. */
  #isUnfinished(typed, shown) {
    const { shape_finished: finished } = this.#guest.exports;
    if (typeof finished === "function") {
      try {
        return !finished();
      } catch {
        return false; // another font's function of that name
      }
    }
    return Boolean(shown) && shown.codepoints.some((codepoint, i) => codepoint === ELLIPSIS && typed.charCodeAt(shown.clusters[i]) !== ELLIPSIS);
  }

  /** A picture font of the SDK tells it (wasm/sdk/picture.c). */
  #steps() {
    const { picture_steps: steps } = this.#guest.exports;
    try {
      return (typeof steps === "function" && steps() >>> 0) || 0;
    } catch {
      return 0; // another font's function of that name
    }
  }

  #running() {
    if (!this.#guest) throw new Error("its start function called HarfBuzz");
    return this.#guest;
  }

  #canTry() {
    return this.#module !== null && this.failures < MOST_FAILURES;
  }

  #shapeByGuest(buffer, features) {
    const typed = buffer.snapshot();
    const { exports } = this.#guest ?? {};
    let fontNumber = 0;
    let bufferNumber = 0;
    try {
      const guest = exports ? this.#guest : this.#instantiate();
      fontNumber = this.#references.numberOf("font", this.font);
      bufferNumber = this.#references.numberOf("buffer", buffer);
      if (typeof guest.exports.shape_context === "function" && buffer.addContext()) {
        guest.exports.shape_context(fontNumber, bufferNumber);
        buffer.restore(typed);
      }
      const list = this.#giveFeatures(guest, features);
      const result = guest.exports.shape(guest.plan, fontNumber, bufferNumber, list, features.length);
      guest.release(list);
      if (!result) throw new Refused("shape() returned 0");
      this.#accept(buffer, typed);
      this.failures = 0;
      return true;
    } catch (error) {
      this.failures++;
      this.log(`the guest failed: ${error.message}`);
      if (!(error instanceof Refused)) this.#bury();
      buffer.restore(typed);
      return false;
    } finally {
      if (this.#guest) for (const number of [fontNumber, bufferNumber]) this.#references.forget(number);
    }
  }

  #giveFeatures(guest, features) {
    if (!features.length) return 0;
    const list = guest.allocate(4 * FEATURE_WORDS * features.length);
    if (!list) throw new Refused("it has no memory for the features");
    features.forEach((feature, i) =>
      [feature.tag, feature.value, feature.start, feature.end].forEach((word, k) =>
        guest.setWord(list, FEATURE_WORDS * i + k, word),
      ),
    );
    return list;
  }

  #accept(buffer, typed) {
    try {
      buffer.regulariseClusters(typed.infos);
    } catch (error) {
      throw new Refused(error.message);
    }
  }

  #instantiate() {
    this.#guest = new Guest(this.#module, this.#functions, () => performance.now() > this.deadline);
    this.#guest.begin();
    const { shape_plan_create: createPlan } = this.#guest.exports;
    if (typeof createPlan === "function")
      this.#guest.plan = createPlan(this.#references.numberOf("face", this.face));
    return this.#guest;
  }

  #bury() {
    this.#guest = null;
    this.#references.clear();
  }

  /** Memory in bytes: HarfBuzz's, which holds the font file, and the guest's. */
  get memory() {
    return { harfbuzz: this.hb.memoryBytes, guest: this.#guest?.memoryBytes ?? 0 };
  }

  /**
   * A glyph's outline as an SVG path in font units, y up. Its commands are relative, so that a path of many glyphs is
   * made by putting their paths behind each other, each after an "M" to its origin.
   */
  path(glyph) {
    let path = this.#paths.get(glyph);
    if (path === undefined) {
      path = relativePath(this.hb.outline(this.font, glyph));
      this.#paths.set(glyph, path);
    }
    return path;
  }

  /** Unpacks what colours() needs for some glyphs; null where nothing is packed. @returns {Promise<void>|null} */
  unpackColours(glyphs) {
    return this.#colours.hasDocuments ? this.#colours.unpack(glyphs) : null;
  }

  /** A glyph as SVG, in font units, y up, where it has colours of its own; else "". */
  colours(glyph) {
    return this.#colours.svg(glyph);
  }

  /** @param {Record<string, number>} variations axis values by tag */
  setVariations(variations) {
    this.hb.setVariations(this.font, variations);
    this.#paths.clear();
  }
}

const rounded = (length) => Math.round(length * 100) / 100;

function relativePath(commands) {
  let path = "";
  let at = [0, 0];
  let start = at;
  for (const [letter, ...coordinates] of commands) {
    path += letter.toLowerCase();
    if (letter === "Z") {
      at = start;
      continue;
    }
    path += coordinates.map((value, i) => rounded(value - at[i % 2])).join(" ");
    at = coordinates.slice(-2);
    if (letter === "M") start = at;
  }
  return path;
}
