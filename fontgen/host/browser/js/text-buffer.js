// The text that is being shaped: what HarfBuzz keeps in an hb_buffer_t, of which guests see copies.

import { CONTEXT_AFTER, CONTEXT_BEFORE } from "./limits.js";

export const INFO_WORDS = 5; // hb_glyph_info_t: codepoint, mask, cluster, var1, var2
export const POSITION_WORDS = 5; // hb_glyph_position_t: x_advance, y_advance, x_offset, y_offset, var
export const CODEPOINT = 0;
export const CLUSTER = 2;
export const UNICODE = 1; // hb_buffer_content_type_t
export const GLYPHS = 2;

const FACTOR = 256; // HB_BUFFER_MAX_LEN_FACTOR and HB_BUFFER_MAX_LEN_MIN: how much longer a text may become
const LEAST_LIMIT = 65536;

export class TextBuffer {
  /**
   * @param {object} text
   * @param {ArrayLike<number>} text.codepoints
   * @param {ArrayLike<number>} text.clusters one for each code point
   * @param {number[]} [text.before] code points of the same paragraph that stand before the text
   * @param {number[]} [text.after] and after it
   * @param {{direction: number, script: number, language: string|null}} text.properties of the text as it was typed;
   *   what a guest shows in its place is shaped with the same
   */
  constructor({ codepoints, clusters, before = [], after = [], properties }) {
    const length = codepoints.length;
    this.infos = new Uint32Array(INFO_WORDS * length);
    for (let i = 0; i < length; i++) {
      this.infos[INFO_WORDS * i + CODEPOINT] = codepoints[i];
      this.infos[INFO_WORDS * i + CLUSTER] = clusters[i];
    }
    this.positions = new Int32Array(POSITION_WORDS * length);
    this.contentType = UNICODE;
    this.before = before.slice(-CONTEXT_BEFORE);
    this.after = after.slice(0, CONTEXT_AFTER);
    this.properties = properties;
    this.mostLength = Math.max(FACTOR * length, LEAST_LIMIT);
    /** What the guest gave to OpenType: the text that is seen. Null as long as nobody shaped the text. */
    this.shown = null;
  }

  get length() {
    return this.infos.length / INFO_WORDS;
  }

  /** One word of each entry. */
  column(word) {
    const { infos } = this;
    const column = new Uint32Array(this.length);
    for (let i = 0; i < column.length; i++) column[i] = infos[INFO_WORDS * i + word];
    return column;
  }

  setGlyphs({ infos, positions }) {
    this.infos = infos;
    this.positions = positions;
    this.contentType = GLYPHS;
  }

  /** The state that restore() brings back. */
  snapshot() {
    return { infos: this.infos.slice(), positions: this.positions.slice() };
  }

  restore({ infos, positions }) {
    this.infos = infos.slice();
    this.positions = positions.slice();
    this.contentType = UNICODE;
    this.shown = null;
  }

  reverse(start = 0, end = this.length) {
    for (const words of [this.infos, this.positions])
      for (let i = start, j = end - 1; i < j; i++, j--)
        for (let k = 0; k < INFO_WORDS; k++) {
          const a = INFO_WORDS * i + k;
          const b = INFO_WORDS * j + k;
          [words[a], words[b]] = [words[b], words[a]];
        }
  }

  /** Reverses the order of clusters, and keeps the order in each (hb_buffer_reverse_clusters()). */
  reverseClusters() {
    this.reverse();
    const clusters = this.column(CLUSTER);
    for (let start = 0, i = 1; i <= clusters.length; i++)
      if (i === clusters.length || clusters[i] !== clusters[start]) {
        this.reverse(start, i);
        start = i;
      }
  }

  /**
   * Puts what stands around the text around it; restore() takes it away.
   * @returns {boolean} false where nothing stands before it, or its clusters leave no room for that
   */
  addContext() {
    const { before, after, length } = this;
    const clusters = this.column(CLUSTER);
    const first = clusters[0];
    const last = clusters[length - 1];
    const ordered = clusters.every((cluster, i) => !i || clusters[i - 1] <= cluster);
    if (!before.length || !length || !ordered || first < before.length) return false;
    const infos = new Uint32Array(INFO_WORDS * (before.length + length + after.length));
    const put = (i, codepoint, cluster) => {
      infos[INFO_WORDS * i + CODEPOINT] = codepoint;
      infos[INFO_WORDS * i + CLUSTER] = cluster;
    };
    before.forEach((codepoint, i) => put(i, codepoint, first - before.length + i));
    infos.set(this.infos, INFO_WORDS * before.length);
    after.forEach((codepoint, i) => put(before.length + length + i, codepoint, last + 1 + i));
    this.infos = infos;
    this.positions = new Int32Array(infos.length);
    return true;
  }

  /**
   * Makes the glyphs' clusters the text's own, in the order that programs rely on, as the native host does
   * (text_snapshot_t::settle_clusters()): one that the text has not becomes the one before it.
   * @param {Uint32Array} typed the infos before shaping
   */
  regulariseClusters(typed) {
    let first = Infinity;
    let last = 0;
    let ordered = true;
    for (let i = CLUSTER; i < typed.length; i += INFO_WORDS) {
      first = Math.min(first, typed[i]);
      last = Math.max(last, typed[i]);
      ordered &&= i === CLUSTER || typed[i - INFO_WORDS] <= typed[i];
    }
    const { infos } = this;
    const own = (cluster) => {
      let [low, high] = [0, typed.length / INFO_WORDS]; // the answer is in [low, high)
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (typed[INFO_WORDS * middle + CLUSTER] <= cluster) low = middle;
        else high = middle;
      }
      return typed[INFO_WORDS * low + CLUSTER];
    };
    for (let i = CLUSTER; i < infos.length; i += INFO_WORDS) {
      const clipped = Math.min(Math.max(infos[i], first), last);
      infos[i] = ordered ? own(clipped) : clipped;
    }
    if (!ordered) return;
    const isForward = this.properties.direction % 2 === 0;
    const least = (to, from) => {
      if (infos[to] > infos[from]) infos[to] = infos[from];
    };
    if (isForward) for (let i = infos.length - INFO_WORDS + CLUSTER; i > CLUSTER; i -= INFO_WORDS) least(i - INFO_WORDS, i);
    else for (let i = INFO_WORDS + CLUSTER; i < infos.length; i += INFO_WORDS) least(i, i - INFO_WORDS);
  }
}
