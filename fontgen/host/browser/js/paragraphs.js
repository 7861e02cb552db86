// The paragraphs of a text, shaped: each is cut into runs of one direction, and what did not change since the last
// time is not shaped again.

import { bidiLevels } from "./bidi.js";
import { visibleText } from "./visible-text.js";

const ZERO_WIDTH_SPACE = 0x200b;

/**
 * @typedef {object} Paragraph
 * @property {string} text without its line end
 * @property {number} start in the whole text, in UTF-16 units
 * @property {number} base its level: 1 for right to left
 * @property {import("./layout.js").ShapedRun[]} runs
 * @property {boolean} unfinished whether the font still has something to tell
 * @property {boolean} byGuest whether the font's own module shaped it
 */

export class Paragraphs {
  #known = new Map(); // by text and direction
  #style = "";

  /**
   * Shapes a text.
   * @param {string} text
   * @param {"ltr"|"rtl"|"auto"} direction
   * @param {object} style features, language, variations: what FontClient.shape() takes besides runs
   * @param {import("./client.js").FontClient} client
   * @returns {Promise<{paragraphs: Paragraph[], answer: object|null}>} `answer` is the client's, if it was asked
   */
  async shape(text, direction, style, client) {
    const wanted = JSON.stringify([style, direction]);
    if (wanted !== this.#style) this.forget();
    this.#style = wanted;
    const texts = text.split("\n");
    const asked = [...new Set(texts)].filter((paragraph) => !this.#known.has(paragraph));
    const answer = asked.length ? await this.#ask(asked, direction, style, client) : null;
    let start = 0;
    const paragraphs = texts.map((paragraph) => {
      const shaped = { ...this.#known.get(paragraph), start };
      start += paragraph.length + 1;
      return shaped;
    });
    this.#keepOnly(texts);
    return { paragraphs, answer };
  }

  async #ask(texts, direction, style, client) {
    const cut = texts.map((text) => ({ text, ...runsOf(text, direction) }));
    const runs = cut.flatMap(({ text, runs }) =>
      runs.map(({ start, end, level }) => ({ text, start, end, direction: level % 2 ? "rtl" : "ltr" })),
    );
    const answer = await client.shape({ runs, ...style });
    let next = 0;
    for (const { text, base, runs } of cut) {
      const shaped = runs.map((run) => ({ ...run, ...answer.shaped[next++] }));
      this.#known.set(text, {
        text,
        base,
        runs: shaped,
        unfinished: shaped.some((run) => run.unfinished),
        byGuest: shaped.some((run) => run.shaper === "wasm"),
        lines: new Map(), // where the element keeps its lines, by their width
      });
    }
    return answer;
  }

  /** What is not in the text any more, and what the font has not finished, is asked for again. */
  #keepOnly(texts) {
    const kept = new Set(texts);
    for (const [text, { unfinished }] of this.#known) if (unfinished || !kept.has(text)) this.#known.delete(text);
  }

  /** After the font has changed. */
  forget() {
    this.#known.clear();
  }
}

/** Runs of one embedding level. A paragraph that has only one is shaped as one text, as `fontgen shape` does. */
function runsOf(text, direction) {
  const { base, levels } = bidiLevels(text, direction);
  const runs = [];
  for (let i = 0; i < levels.length; i++) {
    const last = runs[runs.length - 1];
    if (last && last.level === levels[i]) last.end = i + 1;
    else runs.push({ start: i, end: i + 1, level: levels[i] });
  }
  return { base, runs: runs.length ? runs : [{ start: 0, end: 0, level: base }] };
}

/** "wght=700,wdth=80" as {wght: 700, wdth: 80}. */
export function parseVariations(list) {
  const entries = (list ?? "").split(",").map((entry) => entry.trim().split("="));
  return Object.fromEntries(entries.filter(([, value]) => value && isFinite(value)).map(([axis, value]) => [axis, +value]));
}

/** The text that is seen of a paragraph, or of a part of it. */
export function visibleParagraph({ text, runs }, from = 0, to = text.length) {
  return runs
    .map(({ start, end, shown }) => visibleText(text, shown, Math.max(start, from), Math.min(end, to)))
    .join("");
}

/** Where each UTF-16 unit of visibleParagraph() comes from: offsets in the typed text; and its length at the end. */
export function visibleOffsets(paragraph) {
  const offsets = [];
  const add = (cluster, units) => {
    for (let i = 0; i < units; i++) offsets.push(cluster);
  };
  for (const { start, end, shown } of paragraph.runs) {
    if (!shown) {
      for (let i = start; i < end; i++) offsets.push(i);
      continue;
    }
    shown.codepoints.forEach((codepoint, i) => {
      const cluster = shown.clusters[i];
      if (codepoint !== ZERO_WIDTH_SPACE || paragraph.text.charCodeAt(cluster) === ZERO_WIDTH_SPACE)
        add(cluster, codepoint > 0xffff && codepoint <= 0x10ffff ? 2 : 1);
    });
  }
  offsets.push(paragraph.text.length);
  return offsets;
}

/** Clusters whose typed mark shows something else: the tokens of a language model. */
export function tokenClusters({ text, runs }) {
  const clusters = new Set();
  for (const { shown } of runs)
    shown?.codepoints.forEach((codepoint, i) => {
      const cluster = shown.clusters[i];
      if (text[cluster] === "!" && codepoint !== 0x21 && codepoint !== ZERO_WIDTH_SPACE) clusters.add(cluster);
    });
  return clusters;
}
