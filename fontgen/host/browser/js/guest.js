// A guest: an instance of a font's own module, its memory, and memory that is allocated in it.

import { START_EXPORT, TABLE_EXPORT } from "./interruption.js";
import { PAGE_BYTES, wasmFunction } from "./wasm-binary.js";

const HEAP_PAGES = 32; // for a guest without malloc(): 2 MiB, as hb-wasm-shape.cc asks of its runtime
const ALIGNMENT = 16;
const CONSTRUCTORS = ["__post_instantiate", "__wasm_call_ctors"]; // as WAMR, HarfBuzz's own runtime, calls them

/** A pointer of the guest's that points outside of its memory. */
export class OutOfBounds extends Error {
  constructor() {
    super("out of bounds memory access");
  }
}

export class Guest {
  /**
   * @param {WebAssembly.Module} module
   * @param {Record<string, Function>} functions all that it may import, from the module "env"
   * @param {() => boolean} isLate whether it is to end now
   * @throws {Error} it imports something else, its start traps, or it exports no shape()
   */
  constructor(module, functions, isLate) {
    this.#isLate = isLate;
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module))
      if (from !== "env" || kind !== "function" || !Object.hasOwn(functions, name))
        throw new Error(`it imports ${from}.${name}, which hosts do not have`);
    // Functions of the guest's malloc() must not call back: HarfBuzz is in the middle of something.
    const guarded = {};
    for (const [name, call] of Object.entries(functions))
      guarded[name] = (...values) => {
        if (isLate()) throw new Error("it took too long");
        if (this.#inHeap) throw new Error("its malloc() or free() called HarfBuzz");
        return call(...values);
      };
    this.exports = new WebAssembly.Instance(module, { env: guarded }).exports;
    this.memory = this.exports.memory instanceof WebAssembly.Memory ? this.exports.memory : null;
    if (typeof this.exports.shape !== "function") throw new Error("it exports no shape()");
    const { malloc, free } = this.exports;
    this.#hasHeap = typeof malloc === "function" && typeof free === "function";
  }

  /** Runs its start function, if that has been put off, and its constructors, which may call HarfBuzz already. */
  begin() {
    this.exports[TABLE_EXPORT]?.set(0, wasmFunction(() => Number(this.#isLate()), [], ["i32"]));
    this.exports[START_EXPORT]?.();
    for (const name of CONSTRUCTORS)
      if (typeof this.exports[name] === "function" && this.exports[name].length === 0) this.exports[name]();
  }

  /** What shape_plan_create() returned. */
  plan = 0;
  #isLate;
  #inHeap = false;
  #hasHeap;
  #blocks = null; // of the heap that guests without malloc() get: {offset, size, used}, in order
  #views = { u8: new Uint8Array(0), u32: new Uint32Array(0) };

  get memoryBytes() {
    return this.memory?.buffer.byteLength ?? 0;
  }

  // Views of the memory, made anew when it has grown.
  #view(name, Type) {
    const buffer = this.memory?.buffer;
    if (buffer && this.#views[name].buffer !== buffer) this.#views[name] = new Type(buffer);
    return this.#views[name];
  }
  get u8() {
    return this.#view("u8", Uint8Array);
  }
  get u32() {
    return this.#view("u32", Uint32Array);
  }

  /**
   * A view of so many bytes.
   * @throws {OutOfBounds}
   */
  bytes(pointer, length) {
    const start = pointer >>> 0;
    if (start + length > this.memoryBytes) throw new OutOfBounds();
    return new Uint8Array(this.memory.buffer, start, length);
  }

  /** Reads word `index` of the array or structure of 32-bit words at `pointer`. */
  word(pointer, index) {
    const at = (pointer >>> 0) + 4 * index;
    if (at + 4 > this.memoryBytes) throw new OutOfBounds();
    // A C compiler aligns them; a hostile guest need not.
    return at % 4 ? new DataView(this.memory.buffer).getUint32(at, true) : this.u32[at / 4];
  }

  setWord(pointer, index, value) {
    const at = (pointer >>> 0) + 4 * index;
    if (at + 4 > this.memoryBytes) throw new OutOfBounds();
    if (at % 4) new DataView(this.memory.buffer).setUint32(at, value, true);
    else this.u32[at / 4] = value;
  }

  /** Copies `count` words out of the memory. */
  words(pointer, count) {
    return new Uint32Array(this.bytes(pointer, 4 * count).slice().buffer);
  }

  /** A string that ends with a zero byte; throws, as a trap, where none does. */
  string(pointer) {
    const start = pointer >>> 0;
    const end = this.u8.indexOf(0, start);
    if (start >= this.memoryBytes || end < 0) throw new Error("out of bounds memory access: a string without an end");
    return new TextDecoder().decode(this.u8.slice(start, end));
  }

  /** So many bytes of the guest's own heap, or of one that it is given; 0 when there are none. */
  allocate(size) {
    if (!this.#hasHeap) return this.#allocateHere(size);
    if (size > 0x7fffffff) return 0;
    const pointer = this.#callHeap(() => this.exports.malloc(size)) >>> 0;
    return pointer && pointer + size <= this.memoryBytes ? pointer : 0;
  }

  release(pointer) {
    if (!pointer) return;
    if (this.#hasHeap) this.#callHeap(() => this.exports.free(pointer));
    else this.#releaseHere(pointer >>> 0);
  }

  #callHeap(call) {
    const before = this.#inHeap;
    this.#inHeap = true;
    try {
      return call();
    } finally {
      this.#inHeap = before;
    }
  }

  #allocateHere(size) {
    if (!this.#blocks) {
      if (!this.memory) return 0;
      try {
        const offset = this.memory.grow(HEAP_PAGES) * PAGE_BYTES;
        this.#blocks = [{ offset, size: HEAP_PAGES * PAGE_BYTES, used: false }];
      } catch {
        return 0;
      }
    }
    const need = Math.max(ALIGNMENT, Math.ceil(size / ALIGNMENT) * ALIGNMENT);
    const i = this.#blocks.findIndex((block) => !block.used && block.size >= need);
    if (i < 0) return 0;
    const block = this.#blocks[i];
    if (block.size > need)
      this.#blocks.splice(i + 1, 0, { offset: block.offset + need, size: block.size - need, used: false });
    block.size = need;
    block.used = true;
    return block.offset;
  }

  #releaseHere(pointer) {
    const blocks = this.#blocks ?? [];
    const i = blocks.findIndex((block) => block.offset === pointer && block.used);
    if (i < 0) return;
    blocks[i].used = false;
    // Joined with the free neighbours.
    if (blocks[i + 1]?.used === false) blocks[i].size += blocks.splice(i + 1, 1)[0].size;
    if (blocks[i - 1]?.used === false) blocks[i - 1].size += blocks.splice(i, 1)[0].size;
  }
}
