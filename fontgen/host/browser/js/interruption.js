// A module whose loops end when they are told to, for browsers that do not stop a loop of WebAssembly in a worker that they
// are to end (WebKit). All that may take long is paid for from an account, a global, before it is done: the turns of loops,
// functions that call others or are long, and copies of memory. When the account is empty, a function that stands in a table
// of the module's own says whether to go on, and if not, the module traps.
//
// All that is added stands behind what is there already, so that no index changes.

import { OPCODE, readInstruction, valueType } from "./instructions.js";
import { joined, leb128, PREAMBLE_BYTES, Reader, SECTION, section, sections } from "./wasm-binary.js";

/** What such a module exports besides its own: that table, and the start function, if it had one, which is not run. */
export const TABLE_EXPORT = "fontgen interruption";
export const START_EXPORT = "fontgen start";

const STEPS = 1 << 16; // from one question to the next
const TURNS = 128; // steps that a function pays for its loops at once
const STEP_SHIFT = 10; // a step is so many instructions, bytes that are copied, or elements: 1024
const [FUNCTION_TYPE, I32, FUNCREF] = [0x60, 0x7f, 0x70];
const [FUNCTION, TABLE, GLOBAL] = [0, 1, 3]; // kinds of imports and exports
const [UNREACHABLE, ADD, SUBTRACT, SHIFT_RIGHT, IS_LESS] = [0x00, 0x6a, 0x6b, 0x76, 0x48];
const [LOCAL_GET, LOCAL_SET, LOCAL_TEE, GLOBAL_GET, GLOBAL_SET] = [0x20, 0x21, 0x22, 0x23, 0x24];

const constant = (value) => [0x41, ...signedLeb128(value)];
const call = (index) => [OPCODE.CALL, ...leb128(index)];
const onlyIf = (...code) => [OPCODE.IF, 0x40, ...code, OPCODE.END];
const stepsOf = (instructions) => 1 + (instructions >> STEP_SHIFT);

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
  const account = imported[GLOBAL] + countOf(SECTION.GLOBAL);
  const ask = imported[FUNCTION] + countOf(SECTION.FUNCTION);
  const added = { account, ask, payTurns: ask + 1, payLength: ask + 2 };
  const bodies = withPayments(parts.get(SECTION.CODE), parametersOf(parts), added);
  const add = (id, ...items) => parts.set(id, withItems(parts.get(id), items));

  add(SECTION.TYPE, [FUNCTION_TYPE, 0, 0], [FUNCTION_TYPE, 1, I32, 1, I32], [FUNCTION_TYPE, 1, I32, 0], [FUNCTION_TYPE, 0, 1, I32]);
  add(SECTION.FUNCTION, ...[type, type + 1, type + 2].map(leb128));
  add(SECTION.TABLE, [FUNCREF, 1, 1, 1]);
  add(SECTION.GLOBAL, [I32, 1, ...constant(STEPS), OPCODE.END]);
  add(SECTION.EXPORT, exported(TABLE_EXPORT, TABLE, table));
  if (parts.has(SECTION.START)) add(SECTION.EXPORT, exported(START_EXPORT, FUNCTION, countOf(SECTION.START)));
  parts.delete(SECTION.START);
  parts.set(SECTION.CODE, bodies);
  add(SECTION.CODE, ...addedBodies(added, type + 3, table));

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

/** How many parameters each function of the module's own has. */
function parametersOf(parts) {
  const types = new Reader(parts.get(SECTION.TYPE) ?? [0]).list((reader) => {
    if (reader.byte() !== FUNCTION_TYPE) throw new Error("a type that is not known");
    const parameters = reader.list(valueType).length;
    reader.list(valueType);
    return parameters;
  });
  return new Reader(parts.get(SECTION.FUNCTION) ?? [0]).list((reader) => types[reader.number()]);
}

/** A list of items, as sections have them, with more of them. */
function withItems(content = [0], items) {
  const reader = new Reader(content);
  const count = reader.number();
  return joined([leb128(count + items.length), content.slice(reader.at), ...items]);
}

const exported = (name, kind, index) => joined([sized(new TextEncoder().encode(name)), [kind], leb128(index)]);

const sized = (bytes) => joined([leb128(bytes.length), bytes]);

/** A signed number as LEB128. */
function signedLeb128(value) {
  const bytes = [];
  for (; value < -64 || value > 63; value >>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value & 127];
}

/** Takes what `cost` leaves on the stack from the account, and asks when that is empty. */
function pay({ account, ask }, cost) {
  const [get, set] = [GLOBAL_GET, GLOBAL_SET].map((opcode) => [opcode, ...leb128(account)]);
  return [...get, ...cost, SUBTRACT, ...set, ...get, ...constant(0), IS_LESS, ...onlyIf(...call(ask))];
}

/** The functions that are added, in the order of their indices. */
function addedBodies(added, type, table) {
  const first = [LOCAL_GET, 0];
  // Fills the account, and calls the first function of the table: anything but 0 is a trap, which no module can catch.
  const question = [...constant(0), OPCODE.CALL_INDIRECT, ...leb128(type), ...leb128(table), ...onlyIf(UNREACHABLE)];
  const ask = [...constant(STEPS), GLOBAL_SET, ...leb128(added.account), ...question];
  const payTurns = [...pay(added, first), ...first];
  const payLength = pay(added, [...first, ...constant(STEP_SHIFT), SHIFT_RIGHT, ...constant(1), ADD]);
  return [ask, payTurns, payLength].map((code) => sized([0, ...code, OPCODE.END]));
}

/** The code section, with payments before all that may take long. */
function withPayments(content = [0], parameters, added) {
  const bodies = new Reader(content).list((reader) => reader.part(reader.number()));
  const paid = bodies.map((body, i) => sized(new PaidBody(body, parameters[i], added).bytes()));
  return joined([leb128(bodies.length), ...paid]);
}

/**
 * A function that pays. Most time is spent in small loops, where a turn must cost next to nothing: turns are paid for many at
 * once, and counted in a local, which is a register. Nor is anything called within the loop, or compilers keep the loop's own
 * values in memory rather than in registers, all the time. What was
 *
 *     loop ... end
 *
 * is a loop within another one, where it goes to pay when too few turns are left for this one:
 *
 *     loop
 *       if (turns < cost) turns = payTurns(most)
 *       loop
 *         if ((turns -= cost) < 0) continue the outer one
 *         ...
 *       end
 *     end
 */
class PaidBody {
  constructor(body, parameters, added) {
    this.#body = body;
    this.#added = added;
    this.#reader = new Reader(body);
    const groups = this.#reader.number();
    const firstGroup = this.#reader.at;
    let locals = parameters;
    for (let i = 0; i < groups; i++) {
      locals += this.#reader.number();
      valueType(this.#reader);
    }
    this.#turns = leb128(locals);
    this.#length = leb128(locals + 1);
    this.#copied = this.#reader.at;
    this.#begun = [leb128(groups + 1), body.subarray(firstGroup, this.#copied), [2, I32]];
  }

  #body;
  #added;
  #reader;
  #turns; // locals of its own
  #length;
  #begun; // all before the code
  #parts = [];
  #copied; // how much of the body is in the parts
  #depth = 0; // of labels, as they are now
  #blocks = [{ label: 0 }]; // those that are open, from the function itself on

  bytes() {
    const { length } = this.#body;
    let instructions = 0;
    let callsOthers = false;
    for (; this.#reader.at < length; instructions++) {
      const start = this.#reader.at;
      const instruction = readInstruction(this.#reader);
      if (instruction.isPlain) continue;
      callsOthers ||= instruction.calls;
      this.#put(instruction, start, instructions);
    }
    this.#insert(length, []);
    // A function that calls none, and has no loop, takes as long as its code is.
    const steps = stepsOf(instructions);
    return joined([...this.#begun, callsOthers || steps > 1 ? pay(this.#added, constant(steps)) : [], ...this.#parts]);
  }

  /** Puts code before what stands at `at`, and goes on behind `next`. */
  #insert(at, code, next = at) {
    this.#parts.push(this.#body.subarray(this.#copied, at), code);
    this.#copied = next;
  }

  #put({ opcode, labels, isBlock, grows, hasLength }, start, instructions) {
    if (opcode === OPCODE.DELEGATE) this.#close(start, instructions); // its label is one around its block
    for (const label of labels) this.#insert(label.start, leb128(this.#depthOf(label.depth)), label.end);
    if (grows) this.#insert(start, call(this.#added.ask));
    else if (hasLength) this.#insert(start, [LOCAL_TEE, ...this.#length, LOCAL_GET, ...this.#length, ...call(this.#added.payLength)]);
    else if (opcode === OPCODE.LOOP) this.#openLoop(start, instructions);
    else if (isBlock) this.#blocks.push({ label: ++this.#depth });
    else if (opcode === OPCODE.END) this.#close(this.#reader.at, instructions);
  }

  /** How many blocks are now around a place where there were so many. */
  #depthOf(depth) {
    const block = this.#blocks[this.#blocks.length - 1 - depth];
    if (!block) throw new Error("a label that is not there");
    return this.#depth - block.label;
  }

  #openLoop(start, instructions) {
    const type = this.#body.subarray(start, this.#reader.at); // the instruction with the type of the block
    const payment = [];
    this.#insert(this.#reader.at, payment);
    this.#depth += 2;
    this.#blocks.push({ label: this.#depth, loop: { type, payment: this.#parts.length - 1, instructions } });
  }

  #close(at, instructions) {
    const { loop } = this.#blocks.pop();
    this.#depth--;
    if (!loop) return;
    this.#depth--;
    this.#insert(at, [OPCODE.END]);
    // Only now is it known how long it is.
    const cost = stepsOf(instructions - loop.instructions);
    const most = Math.max(TURNS, cost);
    const [get, set, tee] = [LOCAL_GET, LOCAL_SET, LOCAL_TEE].map((opcode) => [opcode, ...this.#turns]);
    const payment = [...get, ...constant(cost), IS_LESS, ...onlyIf(...constant(most), ...call(this.#added.payTurns), ...set)];
    const turn = [...get, ...constant(cost), SUBTRACT, ...tee, ...constant(0), IS_LESS, OPCODE.BRANCH_IF, 1];
    this.#parts[loop.payment] = Uint8Array.from([...payment, ...loop.type, ...turn]);
  }
}
