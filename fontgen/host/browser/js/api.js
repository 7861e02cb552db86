// The functions that HarfBuzz gives the guests of its Wasm shaper: all 33 of hb-wasm-api-list.hh, with the answers
// that HarfBuzz 15 gives (hb-wasm-api-*.hh). Nothing else of the browser can be reached by a guest.
//
// Structures in the guest's memory are words: buffer_contents_t {length, info, pos}, blob_t {length, data},
// glyph_outline_t {n_points, points, n_contours, contours}, coords_t {length, coords}, features_t {length, features}.

import { OutOfBounds } from "./guest.js";
import { CLUSTER, CODEPOINT, INFO_WORDS, UNICODE } from "./text-buffer.js";

const ENTRY_BYTES = 4 * INFO_WORDS;
const FEATURE_BYTES = 16;
const MOST_BYTES = 0xffffffff;
const LONGEST_NAME = 128;

/**
 * @typedef {object} Host what the functions work on
 * @property {import("./harfbuzz.js").HarfBuzz} hb
 * @property {() => import("./guest.js").Guest} guest the guest that is running
 * @property {import("./references.js").References} references
 * @property {(line: string) => void} log
 */

/**
 * @param {Host} host
 * @returns {Record<string, Function>} by the names under which guests import them
 */
export function wasmApi(host) {
  const functions = {
    ...commonFunctions(host),
    ...bufferFunctions(host),
    ...faceFunctions(host),
    ...fontFunctions(host),
    ...shapeFunctions(host),
    ...debugFunctions(host),
  };
  // A structure outside of the guest's memory is an answer of 0, not a trap.
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      (...values) => {
        try {
          return call(...values);
        } catch (error) {
          if (error instanceof OutOfBounds) return 0;
          throw error;
        }
      },
    ]),
  );
}

const asBytes = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Frees the arrays at some words of a structure, and says that there are none. */
function freeArrays(guest, struct, fields, lengths = [0]) {
  for (const field of fields) guest.release(guest.word(struct, field));
  for (const field of [...fields, ...lengths]) guest.setWord(struct, field, 0);
}

/**
 * Copies arrays to where the structure points, if its length suffices (and leaves that length); else into new memory.
 * @param {[field: number, words: ArrayBufferView][]} arrays
 */
function copyArrays(guest, struct, length, arrays) {
  if (length <= guest.word(struct, 0)) {
    try {
      for (const [field, words] of arrays) guest.bytes(guest.word(struct, field), words.byteLength).set(asBytes(words));
      return 1;
    } catch (error) {
      guest.setWord(struct, 0, 0);
      throw error;
    }
  }
  for (const [field] of arrays) guest.release(guest.word(struct, field));
  guest.setWord(struct, 0, length);
  for (const [field, words] of arrays) {
    const pointer = duplicate(guest, asBytes(words));
    guest.setWord(struct, field, pointer);
    if (words.byteLength && !pointer) {
      guest.setWord(struct, 0, 0);
      return 0;
    }
  }
  return 1;
}

/** The bytes in new memory of the guest's; 0 when it has none. */
function duplicate(guest, bytes) {
  // The guest's malloc() may grow its memory, and a view of that would be void. All else stays where it is meanwhile.
  const lasting = bytes.buffer === guest.memory?.buffer ? bytes.slice() : bytes;
  const pointer = guest.allocate(lasting.length);
  if (pointer) guest.bytes(pointer, lasting.length).set(lasting);
  return pointer;
}

function commonFunctions({ hb, guest }) {
  return {
    script_get_horizontal_direction: (script) =>
      hb.c.hb_script_get_horizontal_direction(hb.c.hb_script_from_iso15924_tag(script)),
    blob_free: (blob) => freeArrays(guest(), blob, [1]),
  };
}

function bufferFunctions({ guest, references }) {
  const text = (number) => references.objectOf("buffer", number);
  return {
    buffer_contents_free: (contents) => freeArrays(guest(), contents, [1, 2]),
    buffer_contents_realloc(contents, count) {
      const g = guest();
      const size = count >>> 0;
      const length = g.word(contents, 0);
      if (size <= length) return 1;
      if (size * ENTRY_BYTES > MOST_BYTES) return 0;
      const old = [1, 2].map((field) => g.bytes(g.word(contents, field), ENTRY_BYTES * length).slice());
      for (const [i, field] of [1, 2].entries()) {
        const pointer = g.allocate(ENTRY_BYTES * size);
        if (!pointer) return 0;
        g.bytes(pointer, old[i].length).set(old[i]);
        g.release(g.word(contents, field));
        g.setWord(contents, field, pointer);
      }
      g.setWord(contents, 0, size);
      return 1;
    },
    buffer_copy_contents(number, contents) {
      const { length, infos, positions } = text(number);
      return copyArrays(guest(), contents, length, [[1, infos], [2, positions]]);
    },
    buffer_set_contents(number, contents) {
      const buffer = text(number);
      const g = guest();
      const length = g.word(contents, 0);
      if (length * ENTRY_BYTES > MOST_BYTES) return 0;
      const infos = g.bytes(g.word(contents, 1), ENTRY_BYTES * length);
      const positions = g.bytes(g.word(contents, 2), ENTRY_BYTES * length);
      if (length > buffer.mostLength) return 0;
      buffer.infos = new Uint32Array(infos.slice().buffer);
      buffer.positions = new Int32Array(positions.slice().buffer);
      return 1;
    },
    buffer_get_direction: (number) => text(number).properties.direction,
    buffer_get_script: (number) => text(number).properties.script,
    buffer_reverse: (number) => text(number).reverse(),
    buffer_reverse_clusters: (number) => text(number).reverseClusters(),
  };
}

function faceFunctions({ hb, guest, references }) {
  const face = (number) => references.objectOf("face", number);
  return {
    face_create(blob, index) {
      const g = guest();
      const made = hb.createFace(g.bytes(g.word(blob, 1), g.word(blob, 0)).slice(), index);
      return references.numberOf("face", made, () => hb.c.hb_face_destroy(made));
    },
    face_copy_table(number, table, blob) {
      const bytes = hb.table(face(number), table >>> 0);
      return copyArrays(guest(), blob, bytes.length, [[1, bytes]]);
    },
    face_get_upem: (number) => hb.c.hb_face_get_upem(face(number)),
  };
}

function fontFunctions({ hb, guest, references }) {
  const { c } = hb;
  const font = (number) => references.objectOf("font", number);
  return {
    font_create(number) {
      const made = c.hb_font_create(references.objectOf("face", number));
      return references.numberOf("font", made, () => c.hb_font_destroy(made));
    },
    font_get_face: (number) => references.numberOf("face", c.hb_font_get_face(font(number))),
    font_get_scale(number, x, y) {
      const scale = hb.scale(font(number));
      guest().setWord(x, 0, scale[0]);
      guest().setWord(y, 0, scale[1]);
    },
    font_get_glyph: (number, unicode, selector) => hb.glyph(font(number), unicode, selector),
    font_get_glyph_h_advance: (number, glyph) => c.hb_font_get_glyph_h_advance(font(number), glyph),
    font_get_glyph_v_advance: (number, glyph) => c.hb_font_get_glyph_v_advance(font(number), glyph),
    font_get_glyph_extents(number, glyph, extents) {
      const room = guest().bytes(extents, 16);
      const found = hb.glyphExtents(font(number), glyph);
      room.set(asBytes(found ?? new Int32Array(4)));
      return found ? 1 : 0;
    },
    font_glyph_to_string(number, glyph, pointer, size) {
      const room = guest().bytes(pointer, size >>> 0);
      const name = hb.scratch(LONGEST_NAME);
      c.hb_font_glyph_to_string(font(number), glyph, name, Math.min(room.length, LONGEST_NAME));
      if (room.length) room.set(hb.u8.subarray(name, hb.u8.indexOf(0, name) + 1));
    },
    font_copy_glyph_outline: (number, glyph, outline) => copyOutline(guest(), hb.outline(font(number), glyph), outline),
    glyph_outline_free: (outline) => freeArrays(guest(), outline, [1, 3], [0, 2]),
    font_copy_coords(number, coords) {
      const count = hb.scratch(4);
      const data = c.hb_font_get_var_coords_normalized(font(number), count) / 4;
      const length = hb.u32[count / 4];
      return copyArrays(guest(), coords, length, [[1, hb.i32.slice(data, data + length)]]);
    },
    font_set_coords(number, coords) {
      const g = guest();
      const length = g.word(coords, 0);
      const bytes = g.bytes(g.word(coords, 1), 4 * length);
      const pointer = hb.scratch(bytes.length + 4);
      hb.u8.set(bytes, pointer);
      c.hb_font_set_var_coords_normalized(font(number), pointer, length);
      return 1;
    },
  };
}

/** Writes an outline as hb_outline_t has it: points of {x, y, type}, and where each contour ends. */
function copyOutline(guest, commands, outline) {
  const types = { M: 0, L: 1, Q: 2, C: 3 };
  const points = [];
  const ends = [];
  for (const [letter, ...coordinates] of commands) {
    if (letter === "Z") ends.push(points.length);
    for (let i = 0; i < coordinates.length; i += 2) points.push([coordinates[i], coordinates[i + 1], types[letter]]);
  }
  const data = new DataView(new ArrayBuffer(12 * points.length));
  points.forEach(([x, y, type], i) => {
    data.setFloat32(12 * i, x, true);
    data.setFloat32(12 * i + 4, y, true);
    data.setUint32(12 * i + 8, type, true);
  });
  const arrays = [[0, points.length, new Uint8Array(data.buffer)], [2, ends.length, asBytes(Uint32Array.from(ends))]];
  const fits = arrays.every(([field, length]) => length <= guest.word(outline, field));
  for (const [field, length, bytes] of arrays) {
    if (fits) {
      guest.bytes(guest.word(outline, field + 1), bytes.length).set(bytes);
      continue;
    }
    const pointer = duplicate(guest, bytes);
    guest.setWord(outline, field, pointer ? length : 0);
    guest.setWord(outline, field + 1, pointer);
    if (length && !pointer) return 0;
  }
  return 1;
}

function shapeFunctions({ hb, guest, references }) {
  return {
    shape_with(fontNumber, bufferNumber, features, count, shaperName) {
      const g = guest();
      const shaper = g.string(shaperName);
      const buffer = references.objectOf("buffer", bufferNumber);
      if (shaper === "wasm" || buffer.contentType !== UNICODE || !buffer.properties.direction) return 0;
      if ((count >>> 0) * FEATURE_BYTES > MOST_BYTES) return 0;
      const words = count ? g.words(features, 4 * (count >>> 0)) : [];
      const list = [];
      for (let i = 0; i < words.length; i += 4)
        list.push({ tag: words[i], value: words[i + 1], start: words[i + 2], end: words[i + 3] });
      const shown = { codepoints: buffer.column(CODEPOINT), clusters: buffer.column(CLUSTER) };
      const shaped = hb.shape(references.objectOf("font", fontNumber), buffer, list, shaper);
      if (!shaped) return 0;
      buffer.setGlyphs(shaped);
      buffer.shown = shown;
      return 1;
    },
    feature_copy_contents(features, count, output) {
      const g = guest();
      const length = count >>> 0;
      if (length * FEATURE_BYTES > MOST_BYTES) return 0;
      const pointer = length ? duplicate(g, g.bytes(features, FEATURE_BYTES * length)) : 0;
      if (length && !pointer) return 0;
      g.setWord(output, 0, length);
      g.setWord(output, 1, pointer);
      return 1;
    },
    features_free: (features) => freeArrays(guest(), features, [1]),
  };
}

function debugFunctions({ guest, log }) {
  const print = (pointer, ...numbers) => log([guest().string(pointer), ...numbers].join(" "));
  return { debugprint: print, debugprint1: print, debugprint2: print, debugprint3: print, debugprint4: print };
}
