// A WebAssembly module's bytes: which of a font's modules to run, and how much memory it may take.
// Sections are those of the core specification, 5.5.

import { MOST_TABLES, TABLE_ELEMENTS } from "./limits.js";

export const PREAMBLE_BYTES = 8;
export const SECTION = {
  CUSTOM: 0, TYPE: 1, IMPORT: 2, FUNCTION: 3, TABLE: 4, MEMORY: 5, TAG: 13, GLOBAL: 6, EXPORT: 7, START: 8, ELEMENT: 9,
  DATA_COUNT: 12, CODE: 10, DATA: 11,
}; // in the order that they have in a module
const KINDS = ["function", "table", "memory", "global", "tag"];
const VALUE_TYPES = { 0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128", 0x70: "funcref", 0x6f: "externref" };
const TABLE_TYPES = new Set(["funcref", "externref"]);
const SIMD_SECTION = "simd128";
export const PAGE_BYTES = 65536;

/** Reads unsigned LEB128 numbers, from `at` on. */
export class Reader {
  constructor(bytes, at = 0) {
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

  /** A number of any kind and length, whatever it is. */
  skipNumber() {
    while (this.byte() & 128);
  }

  /** So many bytes. */
  part(length) {
    this.at += length;
    if (this.at > this.bytes.length) throw new Error("the module ends too early");
    return this.bytes.subarray(this.at - length, this.at);
  }

  name() {
    return textDecoder.decode(this.part(this.number()));
  }

  list(item) {
    return Array.from({ length: this.number() }, () => item(this));
  }

  limits() {
    const flags = this.number();
    return { flags, initial: this.number(), maximum: flags & 1 ? this.number() : null };
  }
}

const textDecoder = new TextDecoder();

/** An unsigned number as LEB128. */
export function leb128(value) {
  const bytes = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value & 127) | (rest ? 128 : 0));
    value = rest;
  } while (value);
  return bytes;
}

/** Arrays of bytes as one. */
export function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A section as it stands in a module. */
export const section = (id, content) => joined([[id], leb128(content.length), content]);

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
      if (reader.name() !== SIMD_SECTION) continue;
      const inner = bytes.slice(reader.at, end);
      if (WebAssembly.validate(inner)) return { bytes: inner, flavour: "simd128" };
    }
  } catch {
    // Whatever is wrong, WebAssembly.Module() will say it better.
  }
  return { bytes, flavour: "outer" };
}

/** The size of a module's code section; 0 where it is no module. */
export function codeBytes(bytes) {
  try {
    for (const { id, content, end } of sections(bytes)) if (id === SECTION.CODE) return end - content;
  } catch {
    // WebAssembly.Module() says what is wrong.
  }
  return 0;
}

/** A module with the content of one section made anew; as it is, where it has none. */
function withSection(bytes, wanted, remake) {
  for (const { id, start, content, end } of sections(bytes))
    if (id === wanted)
      return joined([bytes.subarray(0, start), section(id, remake(new Reader(bytes, content))), bytes.subarray(end)]);
  return bytes;
}

/** The limits of a memory or a table, none of which grows beyond `most`. */
function limited(reader, most, what) {
  const { flags, initial, maximum } = reader.limits();
  if (flags > 1) throw new Error(`its ${what} is shared or has 64-bit addresses`);
  if (initial > most) throw new Error(`its ${what} is larger than is allowed`);
  return [1, ...leb128(initial), ...leb128(Math.min(maximum ?? most, most))];
}

/**
 * The module with memory and tables that never grow beyond what is allowed: browsers have no other way to limit them.
 * @param {Uint8Array} bytes
 * @param {number} mostPages of 64 KiB
 * @returns {Uint8Array}
 * @throws {Error} they begin so large, or it has more of them than it may have
 */
export function limitMemory(bytes, mostPages) {
  const withMemory = withSection(bytes, SECTION.MEMORY, (reader) => {
    const memories = reader.list(() => limited(reader, mostPages, "memory"));
    if (memories.length > 1) throw new Error("it has several memories");
    return [memories.length, ...memories.flat()];
  });
  return withSection(withMemory, SECTION.TABLE, (reader) => {
    const tables = reader.list(() => {
      const type = reader.byte();
      if (!TABLE_TYPES.has(VALUE_TYPES[type])) throw new Error("its table is of a kind that is not known");
      return [type, ...limited(reader, TABLE_ELEMENTS, "table")];
    });
    if (tables.length > MOST_TABLES) throw new Error(`it has more than ${MOST_TABLES} tables`);
    return [tables.length, ...tables.flat()];
  });
}

const CODES = Object.fromEntries(Object.entries(VALUE_TYPES).map(([code, name]) => [name, Number(code)]));

/**
 * A function of WebAssembly's that calls one of JavaScript's: only such can stand in a table. A module of one import that
 * is exported again makes it.
 * @param {Function} call
 * @param {string[]} parameters such as "i32"
 * @param {string[]} results
 */
export function wasmFunction(call, parameters = [], results = []) {
  const list = (names) => [names.length, ...names.map((name) => CODES[name])];
  const bytes = joined([
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(SECTION.TYPE, [1, 0x60, ...list(parameters), ...list(results)]),
    section(SECTION.IMPORT, [1, 1, 0x65, 1, 0x66, 0, 0]), // "e" "f", of that type
    section(SECTION.EXPORT, [1, 1, 0x66, 0, 0]), // as "f"
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { f: call } }).exports.f;
}

const types = (reader) => reader.list(() => VALUE_TYPES[reader.byte()] ?? "?").join(", ");

function functionType(reader) {
  reader.byte(); // 0x60
  return `(${types(reader)}) -> ${types(reader) || "nothing"}`;
}

/** Passes over what an import is, and says it. */
function importType(reader, kind, functionTypes) {
  if (kind === 0) return functionTypes[reader.number()] ?? "(?)";
  if (kind === 1) reader.byte();
  if (kind === 3) {
    reader.byte();
    reader.byte();
  } else reader.limits();
  return `: ${KINDS[kind] ?? "?"}`;
}

/**
 * What a module imports and exports, and its memory in bytes.
 * @param {Uint8Array} bytes
 * @returns {{imports: string[], exports: string[], memory: {initial: number, maximum: number|null}|null}}
 * @throws {Error} the bytes are no module
 */
export function describeModule(bytes) {
  if (textDecoder.decode(bytes.subarray(0, 4)) !== "\0asm") throw new Error("this is not a WebAssembly module");
  let functionTypes = [];
  let memory = null;
  const described = { imports: [], exports: [] };
  const functions = []; // types, by index: imported ones come first
  for (const { id, content } of sections(bytes)) {
    const reader = new Reader(bytes, content);
    if (id === SECTION.TYPE) functionTypes = reader.list(functionType);
    else if (id === SECTION.IMPORT)
      described.imports = reader.list(() => {
        const name = `${reader.name()}.${reader.name()}`;
        const kind = reader.byte();
        const type = importType(reader, kind, functionTypes);
        if (kind === 0) functions.push(type);
        return name + type;
      });
    else if (id === SECTION.FUNCTION) functions.push(...reader.list(() => functionTypes[reader.number()]));
    else if (id === SECTION.MEMORY) [memory = null] = reader.list(() => reader.limits());
    else if (id === SECTION.EXPORT)
      described.exports = reader.list(() => {
        const name = reader.name();
        const kind = reader.byte();
        const index = reader.number();
        return name + (kind === 0 ? functions[index] : `: ${KINDS[kind] ?? "?"}`);
      });
  }
  const inBytes = (pages) => (pages === null ? null : pages * PAGE_BYTES);
  if (memory) memory = { initial: inBytes(memory.initial), maximum: inBytes(memory.maximum) };
  return { ...described, memory };
}
