// Asks a language model's shaper what it did with the latest text: its tokens, and what each was chosen among. The
// exports are described in wasm/llama/README.md, "For programs that show how the model works"; the structs are those of
// fontgen/llama/trace.py, four-byte fields in the order of these lists.

export const TRACED_TOKEN = ["token", "kind", "cluster", "dropped", "rejected", "temperature", "seed", "top_k", "top_p"];
export const CHOICES = ["n", "kept", "rank", "probability"];
export const CHOICE = ["token", "probability"];
const FLOATS = new Set(["probability"]);
export const KINDS = ["begin", "prompt", "generated", "end", "frame"];
export const MOST_CHOICES = 64;

const EXPORTS = ["traced_token_count", "traced_tokens", "traced_choices", "traced_rejections", "token_bytes", "token_name", "malloc", "free"];
const LONGEST_PIECE = 255;
const CONTEXT_LENGTH_OFFSET = 40; // of the table Llam: wasm/llama/TABLES.md

export class ModelTrace {
  /** @param {import("./guest.js").Guest} guest */
  constructor(guest) {
    this.#guest = guest;
  }

  #guest;

  /** Whether a module has what is asked here. */
  static isKnownTo(guest) {
    return EXPORTS.every((name) => typeof guest?.exports[name] === "function");
  }

  #read(pointer, fields) {
    const view = new DataView(this.#guest.bytes(pointer, 4 * fields.length).slice().buffer);
    return Object.fromEntries(
      fields.map((name, i) => [name, FLOATS.has(name) ? view.getFloat32(4 * i, true) : view.getUint32(4 * i, true)]),
    );
  }

  #list(pointer, fields, count) {
    return Array.from({ length: count }, (_, i) => this.#read(pointer + 4 * fields.length * i, fields));
  }

  /** The tokens of the latest text, BOS first; none where it had no run of marks. */
  tokens() {
    const { traced_token_count: count, traced_tokens: tokens } = this.#guest.exports;
    return this.#list(tokens() >>> 0, TRACED_TOKEN, count()).map((traced) => ({
      ...traced,
      kind: KINDS[traced.kind],
      ...this.#piece(traced.token),
    }));
  }

  /** What a token was chosen among, the likeliest first; null for BOS and what has fallen out of the context. */
  choices(index, most = MOST_CHOICES) {
    const pointer = this.#guest.exports.traced_choices(index, most) >>> 0;
    if (!pointer) return null;
    const header = this.#read(pointer, CHOICES);
    const list = this.#list(pointer + 4 * CHOICES.length, CHOICE, header.n);
    return { ...header, choices: list.map((choice) => ({ ...choice, ...this.#piece(choice.token) })) };
  }

  /** How many question marks behind the mark of a token show `wanted` in its place; -1: so many do not count. */
  rejections(index, wanted) {
    return this.#guest.exports.traced_rejections(index, wanted);
  }

  /** What a token stands for; of a special one, which stands for nothing, what the vocabulary calls it. */
  #piece(token) {
    const { token_bytes: bytesOf, token_name: nameOf } = this.#guest.exports;
    const bytes = this.#written(bytesOf, token);
    return { bytes, name: bytes.length ? "" : new TextDecoder().decode(this.#written(nameOf, token)) };
  }

  #written(write, token) {
    const { malloc, free } = this.#guest.exports;
    const pointer = malloc(LONGEST_PIECE) >>> 0;
    if (!pointer) return new Uint8Array(0);
    const bytes = this.#guest.bytes(pointer, write(token, pointer)).slice();
    free(pointer);
    return bytes;
  }
}

/** How many tokens the model reads at once; 0 where the table does not say. */
export function contextLength(table) {
  if (table.length < CONTEXT_LENGTH_OFFSET + 4) return 0;
  return new DataView(table.buffer, table.byteOffset).getUint32(CONTEXT_LENGTH_OFFSET, true);
}
