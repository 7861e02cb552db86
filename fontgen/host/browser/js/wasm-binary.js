// A WebAssembly module's bytes: which of a font's modules to run, and how much memory it may take.
// Sections are those of the core specification, 5.5.

const PREAMBLE_BYTES = 8;
const SECTION = { CUSTOM: 0, MEMORY: 5 };
const SIMD_SECTION = "simd128";
export const PAGE_BYTES = 65536;

/** Reads unsigned LEB128 numbers, from `at` on. */
class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Error("the module ends too early");
    return this.bytes[this.at++];
  }

  number() {
    let value = 0;
    let shift = 0;
    let byte;
    do {
      byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte & 128 && shift < 35);
    return value;
  }
}

function leb128(value) {
  const bytes = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value & 127) | (rest ? 128 : 0));
    value = rest;
  } while (value);
  return bytes;
}

/**
 * The sections of a module.
 * @param {Uint8Array} bytes
 * @returns {Generator<{id: number, start: number, content: number, end: number}>} `start` is where the section's id
 *   stands, `content` what follows its size
 */
export function* sections(bytes) {
  const reader = new Reader(bytes, PREAMBLE_BYTES);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    const size = reader.number();
    const end = reader.at + size;
    if (end > bytes.length) throw new Error("a section is longer than the module");
    yield { id, start, content: reader.at, end };
    reader.at = end;
  }
}

/**
 * The module to run of what a font's `Wasm` table holds: the one in its custom section `simd128` where this browser
 * has SIMD128, as fontgen's native host does, else the outer one.
 * @param {Uint8Array} bytes
 * @returns {{bytes: Uint8Array, flavour: "simd128"|"outer"}}
 */
export function preferredModule(bytes) {
  try {
    for (const { id, content, end } of sections(bytes)) {
      if (id !== SECTION.CUSTOM) continue;
      const reader = new Reader(bytes, content);
      const length = reader.number();
      const name = new TextDecoder().decode(bytes.subarray(reader.at, reader.at + length));
      if (name !== SIMD_SECTION) continue;
      const inner = bytes.slice(reader.at + length, end);
      if (WebAssembly.validate(inner)) return { bytes: inner, flavour: "simd128" };
    }
  } catch {
    // Whatever is wrong, WebAssembly.Module() will say it better.
  }
  return { bytes, flavour: "outer" };
}

/**
 * The module with a memory that never grows beyond so many pages: browsers have no other way to limit it.
 * @param {Uint8Array} bytes
 * @param {number} mostPages of 64 KiB
 * @returns {Uint8Array}
 */
export function limitMemory(bytes, mostPages) {
  for (const { id, start, content, end } of sections(bytes)) {
    if (id !== SECTION.MEMORY || bytes[content] !== 1) continue;
    const reader = new Reader(bytes, content + 1);
    const flags = reader.byte();
    if (flags > 1) throw new Error("its memory is shared or has 64-bit addresses");
    const least = reader.number();
    const most = flags & 1 ? Math.min(reader.number(), mostPages) : mostPages;
    if (least > most) throw new Error(`it wants ${least * PAGE_BYTES} bytes of memory, more than is allowed`);
    const body = [1, 1, ...leb128(least), ...leb128(most)];
    const section = [SECTION.MEMORY, ...leb128(body.length), ...body];
    const limited = new Uint8Array(start + section.length + bytes.length - end);
    limited.set(bytes.subarray(0, start));
    limited.set(section, start);
    limited.set(bytes.subarray(end), start + section.length);
    return limited;
  }
  return bytes;
}
