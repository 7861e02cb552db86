// HarfBuzz compiled to WebAssembly: as few lines around its C API as the host of Wasm fonts needs.
// The binary is made by fontgen/host/browser/builder.py; recipe.py lists what it exports.

import { GLYPHS, INFO_WORDS, POSITION_WORDS } from "./text-buffer.js";
import { wasmFunction } from "./wasm-binary.js";

const READ_ONLY = 1; // HB_MEMORY_MODE_READONLY
const INT_BYTES = 4;
const FEATURE_WORDS = 4; // hb_feature_t: tag, value, start, end
const WASM_TYPES = { i: "i32", f: "f32" };

/** @param {string} text four letters of ASCII */
export const tag = (text) =>
  ((text.charCodeAt(0) << 24) | (text.charCodeAt(1) << 16) | (text.charCodeAt(2) << 8) | text.charCodeAt(3)) >>> 0;

/** @param {number} value a tag; the inverse of tag() */
export const tagName = (value) => String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

export class HarfBuzz {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    const nothing = () => 0;
    const wasi = { proc_exit: nothing, fd_close: nothing, fd_seek: nothing, fd_write: nothing };
    /** The C functions. Pointers are numbers: offsets in HarfBuzz's own memory. */
    this.c = new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi }).exports;
    this.c._initialize();
    /** The one hb_buffer_t that all texts are shaped in. */
    this.buffer = this.c.hb_buffer_create();
    this.version = this.string(this.c.hb_version_string());
  }

  #scratch = { pointer: 0, size: 0 };
  #views = {};
  #recorder = null;

  // Typed arrays over memory that may have grown.
  get u8() {
    return this.#view(Uint8Array);
  }
  get u32() {
    return this.#view(Uint32Array);
  }
  get i32() {
    return this.#view(Int32Array);
  }
  get f32() {
    return this.#view(Float32Array);
  }
  #view(Type) {
    const { buffer } = this.c.memory;
    if (this.#views[Type.name]?.buffer !== buffer) this.#views[Type.name] = new Type(buffer);
    return this.#views[Type.name];
  }

  get memoryBytes() {
    return this.c.memory.buffer.byteLength;
  }

  /** A copy of a C string; null for a null pointer. */
  string(pointer) {
    if (!pointer) return null;
    return new TextDecoder().decode(this.u8.slice(pointer, this.u8.indexOf(0, pointer)));
  }

  /** Memory that the next call of scratch() takes again. */
  scratch(size) {
    if (size > this.#scratch.size) {
      this.c.free(this.#scratch.pointer);
      this.#scratch = { pointer: this.#malloc(2 * size), size: 2 * size };
    }
    return this.#scratch.pointer;
  }

  #malloc(size) {
    const pointer = this.c.malloc(size);
    if (!pointer) throw new Error("out of memory");
    return pointer;
  }

  /** A C string in scratch memory. */
  ascii(text) {
    const pointer = this.scratch(text.length + 1);
    for (let i = 0; i < text.length; i++) this.u8[pointer + i] = text.charCodeAt(i);
    this.u8[pointer + text.length] = 0;
    return pointer;
  }

  // ---- Faces and fonts ----

  /** @param {Uint8Array} bytes a font file; copied */
  createFace(bytes, index = 0) {
    const pointer = this.#malloc(bytes.length);
    this.u8.set(bytes, pointer);
    const blob = this.c.hb_blob_create(pointer, bytes.length, READ_ONLY, pointer, this.#freeFunction());
    const face = this.c.hb_face_create(blob, index);
    this.c.hb_blob_destroy(blob);
    return face;
  }

  #freeFunction() {
    this.#free ??= this.callback((pointer) => this.c.free(pointer), "i");
    return this.#free;
  }
  #free;

  /** The bytes of a table: a view that is valid until HarfBuzz's memory grows. */
  table(face, tableTag) {
    const blob = this.c.hb_face_reference_table(face, tableTag);
    const length = this.c.hb_blob_get_length(blob);
    const data = this.c.hb_blob_get_data(blob, 0);
    this.c.hb_blob_destroy(blob); // the face keeps the bytes
    return this.u8.subarray(data, data + length);
  }

  /** An entry of the font's name table, English where there is one; "" where there is none. */
  name(face, nameId) {
    const size = 1024;
    const language = this.c.hb_language_from_string(this.ascii("en"), -1);
    const pointer = this.scratch(size + INT_BYTES) + INT_BYTES;
    this.u32[pointer / 4 - 1] = size;
    this.c.hb_ot_name_get_utf8(face, nameId, language, pointer - INT_BYTES, pointer);
    return this.string(pointer);
  }

  /** The glyph of a character; 0 where the font has none. */
  glyph(font, codepoint, selector = 0) {
    const pointer = this.scratch(INT_BYTES);
    this.u32[pointer / 4] = 0;
    this.c.hb_font_get_glyph(font, codepoint, selector, pointer);
    return this.u32[pointer / 4];
  }

  /** Of a line, in font units; the descender is negative. */
  lineExtents(font) {
    const pointer = this.scratch(64);
    this.c.hb_font_get_h_extents(font, pointer);
    const [ascender, descender, lineGap] = this.i32.slice(pointer / 4, pointer / 4 + 3);
    return { ascender, descender, lineGap };
  }

  /** @returns {Int32Array|null} x_bearing, y_bearing, width, height */
  glyphExtents(font, glyph) {
    const pointer = this.scratch(16);
    return this.c.hb_font_get_glyph_extents(font, glyph, pointer) ? this.i32.slice(pointer / 4, pointer / 4 + 4) : null;
  }

  scale(font) {
    const pointer = this.scratch(8);
    this.c.hb_font_get_scale(font, pointer, pointer + 4);
    return this.i32.slice(pointer / 4, pointer / 4 + 2);
  }

  /** @param {Record<string, number>} variations axis values by tag, such as {wght: 700} */
  setVariations(font, variations) {
    const entries = Object.entries(variations);
    const pointer = this.scratch(8 * entries.length + 8);
    entries.forEach(([axis, value], i) => {
      this.u32[pointer / 4 + 2 * i] = tag(axis);
      this.f32[pointer / 4 + 2 * i + 1] = value;
    });
    this.c.hb_font_set_variations(font, pointer, entries.length);
  }

  /** @returns {{tag: string, minimum: number, default: number, maximum: number}[]} */
  axes(face) {
    const words = 8; // hb_ot_var_axis_info_t
    const most = this.c.hb_ot_var_get_axis_count(face);
    const pointer = this.scratch(4 * (1 + words * most)) / 4;
    this.u32[pointer] = most;
    this.c.hb_ot_var_get_axis_infos(face, 0, 4 * pointer, 4 * (pointer + 1));
    return Array.from({ length: most }, (_, i) => {
      const at = pointer + 1 + words * i;
      const [minimum, standard, maximum] = this.f32.slice(at + 4, at + 7);
      return { tag: tagName(this.u32[at + 1]), minimum, default: standard, maximum };
    });
  }

  // ---- Texts ----

  /** Puts a text, and what stands around it, into the one buffer. */
  fill(text) {
    const { c, buffer } = this;
    const codepoints = text.column(0);
    const clusters = text.column(2);
    const { before, after } = text;
    c.hb_buffer_clear_contents(buffer);
    const length = codepoints.length;
    const all = before.length + length + after.length;
    const pointer = this.scratch(INT_BYTES * all + INT_BYTES);
    this.u32.set(before, pointer / 4);
    this.u32.set(codepoints, pointer / 4 + before.length);
    this.u32.set(after, pointer / 4 + before.length + length);
    c.hb_buffer_add_codepoints(buffer, pointer, all, before.length, length);
    if (!length) return;
    const info = c.hb_buffer_get_glyph_infos(buffer, 0) / 4;
    for (let i = 0; i < length; i++) this.u32[info + INFO_WORDS * i + 2] = clusters[i];
  }

  setProperties({ direction, script, language }) {
    const { c, buffer } = this;
    if (direction) c.hb_buffer_set_direction(buffer, direction);
    if (script) c.hb_buffer_set_script(buffer, script);
    if (language) c.hb_buffer_set_language(buffer, c.hb_language_from_string(this.ascii(language), -1));
  }

  /** Direction, script and language of what is in the buffer, guessed where they are not set. */
  guessProperties() {
    const { c, buffer } = this;
    c.hb_buffer_guess_segment_properties(buffer);
    return {
      direction: c.hb_buffer_get_direction(buffer),
      script: c.hb_buffer_get_script(buffer) >>> 0,
      language: this.string(c.hb_language_to_string(c.hb_buffer_get_language(buffer))),
    };
  }

  /**
   * Shapes a text by one of HarfBuzz's own shapers.
   * @param {number} font
   * @param {import("./text-buffer.js").TextBuffer} text
   * @param {{tag: number, value: number, start: number, end: number}[]} features
   * @param {string|null} shaper null: whichever HarfBuzz chooses
   * @returns {{infos: Uint32Array, positions: Int32Array}|null}
   */
  shape(font, text, features, shaper) {
    const { c, buffer } = this;
    this.fill(text);
    this.setProperties(text.properties);
    const count = features.length;
    const pointer = this.scratch(4 * FEATURE_WORDS * count + 64);
    features.forEach((f, i) => this.u32.set([f.tag, f.value, f.start, f.end], pointer / 4 + FEATURE_WORDS * i));
    const list = pointer + 4 * FEATURE_WORDS * count;
    if (shaper !== null) {
      const name = shaper.slice(0, 32);
      this.u32.set([list + 8, 0], list / 4);
      for (let i = 0; i < name.length; i++) this.u8[list + 8 + i] = name.charCodeAt(i);
      this.u8[list + 8 + name.length] = 0;
    }
    if (!c.hb_shape_full(font, buffer, count ? pointer : 0, count, shaper === null ? 0 : list)) return null;
    const length = c.hb_buffer_get_length(buffer);
    const infos = c.hb_buffer_get_glyph_infos(buffer, 0) / 4;
    const positions = c.hb_buffer_get_glyph_positions(buffer, 0) / 4;
    return {
      infos: this.u32.slice(infos, infos + INFO_WORDS * length),
      positions: this.i32.slice(positions, positions + POSITION_WORDS * length),
      contentType: GLYPHS,
    };
  }

  /**
   * Parses a list such as "kern=0,-liga,ss01[2:5]".
   * @throws {Error} an entry is not a feature
   */
  parseFeatures(list) {
    const entries = list.split(",").map((entry) => entry.trim());
    return entries.filter(Boolean).map((entry) => {
      const text = this.ascii(entry);
      const feature = this.#malloc(4 * FEATURE_WORDS);
      const isOne = this.c.hb_feature_from_string(text, entry.length, feature);
      const [featureTag, value, start, end] = this.u32.slice(feature / 4, feature / 4 + FEATURE_WORDS);
      this.c.free(feature);
      if (!isOne) throw new Error(`${entry} is not a feature, such as kern=0, -liga or ss01[2:5]`);
      return { tag: featureTag, value, start, end };
    });
  }

  // ---- Outlines ----

  /**
   * A glyph's outline, in font units, y up.
   * @returns {[letter: string, ...coordinates: number[]][]} commands of SVG paths: M, L, Q, C, Z
   */
  outline(font, glyph) {
    this.#recorder ??= this.#makeRecorder();
    this.#recorder.commands = [];
    this.c.hb_font_draw_glyph(font, glyph, this.#recorder.functions, 0);
    return this.#recorder.commands;
  }

  #makeRecorder() {
    const recorder = { functions: this.c.hb_draw_funcs_create(), commands: [] };
    const kinds = { M: ["move_to", 2], L: ["line_to", 2], Q: ["quadratic_to", 4], C: ["cubic_to", 6], Z: ["close_path", 0] };
    for (const [letter, [name, count]] of Object.entries(kinds)) {
      // (draw_funcs, draw_data, draw_state, coordinates ..., user_data)
      const record = (...values) => void recorder.commands.push([letter, ...values.slice(3, 3 + count)]);
      const pointer = this.callback(record, "iii" + "f".repeat(count) + "i");
      this.c[`hb_draw_funcs_set_${name}_func`](recorder.functions, pointer, 0, 0);
    }
    return recorder;
  }

  /**
   * A C function pointer to a JavaScript function.
   * @param {Function} call
   * @param {string} parameters a letter for each: i, f
   * @param {string} result "" or a letter
   */
  callback(call, parameters, result = "") {
    const types = (letters) => Array.from(letters, (letter) => WASM_TYPES[letter]);
    const table = this.c.__indirect_function_table;
    const index = table.grow(1);
    table.set(index, wasmFunction(call, types(parameters), types(result)));
    return index;
  }
}
