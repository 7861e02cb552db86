// Numbers for the faces, fonts and buffers that a guest sees. Guests compare them, so an object has one number as long
// as the guest lives; those of a text's font and buffer end with the call.

import { MOST_OBJECTS } from "./limits.js";

export class References {
  /** @param {Record<"face"|"font"|"buffer", *>} empty what a number that is none stands for, as in HarfBuzz */
  constructor(empty) {
    this.#empty = empty;
  }

  #empty;
  #entries = []; // {kind, object, destroy} or null; number 1 is the first

  /**
   * The number of an object; 0 when there are too many: a guest that makes fonts in a loop runs out of numbers before the
   * tab runs out of memory.
   * @param {Function} [destroy] called by clear(), for objects that the guest has made
   */
  numberOf(kind, object, destroy) {
    const known = this.#entries.findIndex((entry) => entry?.kind === kind && entry.object === object);
    if (known >= 0) return known + 1;
    const vacant = this.#entries.indexOf(null);
    if (vacant >= 0) {
      this.#entries[vacant] = { kind, object, destroy };
      return vacant + 1;
    }
    if (this.#entries.length === MOST_OBJECTS) return 0;
    return this.#entries.push({ kind, object, destroy });
  }

  objectOf(kind, number) {
    const entry = this.#entries[(number >>> 0) - 1];
    return entry?.kind === kind ? entry.object : this.#empty[kind];
  }

  forget(number) {
    if (number) this.#entries[number - 1] = null;
  }

  /** For a guest that is gone. */
  clear() {
    for (const entry of this.#entries) entry?.destroy?.();
    this.#entries = [];
  }
}
