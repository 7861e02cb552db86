// A module whose loops end when they are told to, for browsers that do not stop a loop of WebAssembly in a worker that they
// are to end (WebKit). A count is taken at the head of each loop, of each function that calls another, and in long
// stretches of code; when it has run out, a function that stands in a table of the module's own says whether to go on, and
// if not, the module traps. All that is added stands behind what is there already, so that no index changes.

import { OPCODE, readInstruction, valueType } from "./instructions.js";
import { joined, leb128, PREAMBLE_BYTES, Reader, SECTION, section, sections } from "./wasm-binary.js";

/** What such a module exports besides its own: that table, and the start function, if it had one, which is not run. */
export const TABLE_EXPORT = "fontgen interruption";
export const START_EXPORT = "fontgen start";

const STEPS = 1 << 16; // from one question to the next
const LONG_CODE = 1000; // instructions that count as a turn of a loop
const [FUNCTION_TYPE, I32, FUNCREF] = [0x60, 0x7f, 0x70];
const [FUNCTION, TABLE, GLOBAL] = [0, 1, 3]; // kinds of imports and exports
// i32.const 65536; the bytes of a signed number
const STEPS_CONSTANT = [0x41, 0x80, 0x80, 0x04];
const END = 0x0b;

/**
 * @param {Uint8Array} bytes of a module
 * @returns {Uint8Array} of one that does the same
 * @throws {Error} it has types or instructions that are not known here, or is none
 */
export function interruptible(bytes) {
  const parts = new Map();
  for (const { id, content, end } of sections(bytes)) if (id !== SECTION.CUSTOM) parts.set(id, bytes.subarray(content, end));
  const imported = importedOf(parts.get(SECTION.IMPORT));
  const countOf = (id) => (parts.has(id) ? new Reader(parts.get(id)).number() : 0);
  const type = countOf(SECTION.TYPE);
  const table = imported[TABLE] + countOf(SECTION.TABLE);
  const global = imported[GLOBAL] + countOf(SECTION.GLOBAL);
  const ask = imported[FUNCTION] + countOf(SECTION.FUNCTION);
  const add = (id, ...items) => parts.set(id, withItems(parts.get(id), items));

  add(SECTION.TYPE, [FUNCTION_TYPE, 0, 0], [FUNCTION_TYPE, 0, 1, I32]);
  add(SECTION.FUNCTION, leb128(type));
  add(SECTION.TABLE, [FUNCREF, 1, 1, 1]);
  add(SECTION.GLOBAL, [I32, 1, ...STEPS_CONSTANT, END]);
  add(SECTION.EXPORT, exported(TABLE_EXPORT, TABLE, table));
  if (parts.has(SECTION.START)) add(SECTION.EXPORT, exported(START_EXPORT, FUNCTION, countOf(SECTION.START)));
  parts.delete(SECTION.START);
  parts.set(SECTION.CODE, withChecks(parts.get(SECTION.CODE), global, ask));
  // Sets the count anew, and calls the first function of the table: anything but 0 is a trap, which no module can catch.
  const question = [0x41, 0, 0x11, ...leb128(type + 1), ...leb128(table)];
  add(SECTION.CODE, sized([0, ...STEPS_CONSTANT, 0x24, ...leb128(global), ...question, 0x04, 0x40, 0x00, END, END]));

  const inOrder = Object.values(SECTION).filter((id) => parts.has(id));
  return joined([bytes.subarray(0, PREAMBLE_BYTES), ...inOrder.map((id) => section(id, parts.get(id)))]);
}

/** How many functions, tables, memories, globals are imported. */
function importedOf(content = [0]) {
  const counts = [0, 0, 0, 0, 0];
  new Reader(content).list((reader) => {
    reader.name();
    reader.name();
    const kind = reader.byte();
    if (kind !== FUNCTION) throw new Error("it imports more than functions"); // which no font may
    reader.skipNumber();
    counts[kind]++;
  });
  return counts;
}

/** A list of items, as sections have them, with more of them. */
function withItems(content = [0], items) {
  const reader = new Reader(content);
  const count = reader.number();
  return joined([leb128(count + items.length), content.slice(reader.at), ...items]);
}

const exported = (name, kind, index) => joined([sized(new TextEncoder().encode(name)), [kind], leb128(index)]);

const sized = (bytes) => joined([leb128(bytes.length), bytes]);

/** The code section, with a step before and in all that may take long. */
function withChecks(content = [0], global, ask) {
  const call = [OPCODE.CALL, ...leb128(ask)];
  const get = [0x23, ...leb128(global)];
  // global -= 1; if (!global) call
  const step = Uint8Array.from([...get, 0x41, 1, 0x6b, 0x24, ...get.slice(1), ...get, 0x45, 0x04, 0x40, ...call, END]);
  const bodies = new Reader(content).list((reader) => sized(bodyWithChecks(reader.part(reader.number()), step, call)));
  return joined([leb128(bodies.length), ...bodies]);
}

function bodyWithChecks(body, step, call) {
  const reader = new Reader(body);
  reader.list(() => {
    reader.skipNumber();
    valueType(reader);
  });
  const locals = reader.at;
  const parts = [];
  let copied = locals;
  let callsOthers = false;
  const insert = (at, code) => {
    parts.push(body.subarray(copied, at), code);
    copied = at;
  };
  for (let number = 1; reader.at < body.length; number++) {
    const start = reader.at;
    const { opcode, calls, mayTakeLong } = readInstruction(reader);
    callsOthers ||= calls;
    if (mayTakeLong) insert(start, call);
    else if (opcode === OPCODE.LOOP) insert(reader.at, step);
    else if (number % LONG_CODE === 0) insert(start, step);
  }
  parts.push(body.subarray(copied));
  return joined([body.subarray(0, locals), ...(callsOthers ? [step] : []), ...parts]);
}
