// WebAssembly's instructions (core specification, 5.4): which there are, and how long. Those of version 2 with SIMD128, and
// of threads, tail calls and exceptions; not those of garbage collection.

export const OPCODE = {
  BLOCK: 0x02, LOOP: 0x03, IF: 0x04, TRY: 0x06, END: 0x0b, BRANCH_IF: 0x0d, CALL: 0x10, CALL_INDIRECT: 0x11, DELEGATE: 0x18,
  TRY_TABLE: 0x1f, MEMORY_GROW: 0x40,
};

const BLOCKS = new Set([OPCODE.BLOCK, OPCODE.LOOP, OPCODE.IF, OPCODE.TRY, OPCODE.TRY_TABLE]);
const CALLS = new Set([0x10, 0x11, 0x12, 0x13, 0x14, 0x15]);
const VALUE_TYPES = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);
// With prefix 0xfc: init, copy and fill of memories and tables, which take a length last; and table.grow.
const BULK = new Set([8, 10, 11, 12, 14, 17]);
const TABLE_GROW = 15;
const [MISCELLANEOUS, VECTOR, ATOMIC] = [0xfc, 0xfd, 0xfe];

// What follows an opcode, a letter for each: n a number, l a label, m a place in memory, b a byte, t a type of a block, f and d
// a float, v 16 bytes, T a list of types, L a list of labels and a label more, C the catches of a try_table.
const FORMATS = Array(256);
const define = (format, ...opcodes) => opcodes.forEach((opcode) => (FORMATS[opcode] = format));
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

define("", 0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, ...range(0x45, 0xc4), 0xd1, 0xd3, 0xd4);
define("t", 0x02, 0x03, 0x04, 0x06);
define("n", 0x07, 0x08, 0x10, 0x12, 0x14, 0x15, ...range(0x20, 0x26), 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2);
define("l", 0x09, 0x0c, 0x0d, 0x18, 0xd5, 0xd6);
define("nn", 0x11, 0x13);
define("L", 0x0e);
define("T", 0x1c);
define("tC", 0x1f);
define("m", ...range(0x28, 0x3e));
define("f", 0x43);
define("d", 0x44);

const miscellaneousFormat = (number) => (number < 8 ? "" : [8, 10, 12, 14].includes(number) ? "nn" : number < 18 ? "n" : undefined);

function vectorFormat(number) {
  if (number < 12 || number === 92 || number === 93) return "m";
  if (number < 14) return "v";
  if (number >= 21 && number <= 34) return "b";
  return number >= 84 && number <= 91 ? "mb" : "";
}

/** Passes over what follows an opcode, and takes down its labels. */
const SKIP = {
  l: (reader, labels) => labels.push(label(reader)),
  t: (reader) => reader.skipNumber(),
  b: (reader) => reader.byte(),
  f: (reader) => reader.part(4),
  d: (reader) => reader.part(8),
  v: (reader) => reader.part(16),
  T: (reader) => reader.list(valueType),
  L(reader, labels) {
    labels.push(...reader.list(label), label(reader));
  },
  m(reader) {
    if (reader.number() & 64) reader.skipNumber(); // one of several memories
    reader.skipNumber();
  },
  C(reader, labels) {
    reader.list((one) => {
      if (one.byte() < 2) one.skipNumber(); // else it catches whatever comes
      labels.push(label(one));
    });
  },
};

/** A number of blocks, of those around: `start` and `end` are where it stands. */
function label(reader) {
  const start = reader.at;
  return { depth: reader.number(), start, end: reader.at };
}

/**
 * Passes over the type of a value.
 * @param {import("./wasm-binary.js").Reader} reader
 */
export function valueType(reader) {
  if (!VALUE_TYPES.has(reader.byte())) throw new Error("a type that is not known");
}

/**
 * An instruction.
 * @typedef {object} Instruction
 * @property {number} opcode
 * @property {{depth: number, start: number, end: number}[]} labels
 * @property {boolean} isBlock whether it begins one
 * @property {boolean} calls
 * @property {boolean} grows
 * @property {boolean} hasLength whether it takes as long as the number on top of the stack says
 * @property {boolean} isPlain whether it is none of these, nor the end of a block
 */

/** @returns {Instruction} */
function describe(opcode, labels = [], number = -1) {
  const isMiscellaneous = opcode === MISCELLANEOUS;
  const instruction = {
    opcode,
    labels,
    isBlock: BLOCKS.has(opcode),
    calls: CALLS.has(opcode),
    grows: opcode === OPCODE.MEMORY_GROW || (isMiscellaneous && number === TABLE_GROW),
    hasLength: isMiscellaneous && BULK.has(number),
  };
  const { isBlock, calls, grows, hasLength } = instruction;
  const isEnd = opcode === OPCODE.END || opcode === OPCODE.DELEGATE;
  return { ...instruction, isPlain: !(isBlock || calls || grows || hasLength || isEnd || labels.length) };
}

// Of those without labels nothing need be made anew: a module has tens of thousands.
const KNOWN = Array.from({ length: 256 }, (_, opcode) => describe(opcode));

/**
 * Passes over an instruction.
 * @param {import("./wasm-binary.js").Reader} reader
 * @returns {Instruction}
 * @throws {Error} it is not known here
 */
export function readInstruction(reader) {
  const opcode = reader.byte();
  let format = FORMATS[opcode];
  let number = -1;
  if (format === "") return KNOWN[opcode];
  if (opcode === MISCELLANEOUS || opcode === VECTOR || opcode === ATOMIC) {
    number = reader.number();
    if (opcode === MISCELLANEOUS) format = miscellaneousFormat(number);
    else format = opcode === VECTOR ? vectorFormat(number) : number === 3 ? "b" : "m";
  }
  if (format === undefined) throw new Error(`an instruction that is not known: 0x${opcode.toString(16)}`);
  let labels;
  for (let i = 0; i < format.length; i++) {
    const letter = format[i];
    if (letter === "n") reader.skipNumber();
    else SKIP[letter](reader, (labels ??= []));
  }
  return labels?.length || opcode === MISCELLANEOUS ? describe(opcode, labels, number) : KNOWN[opcode];
}
