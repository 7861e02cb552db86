// Where everything in a shaped text is: lines, carets, selections, words. Offsets are UTF-16 units of the whole typed
// text; lengths are font units, y down from the top.

import { caretX, lineOf, offsetAt, rangeIn, setParagraph } from "./layout.js";
import { tokenClusters, visibleOffsets, visibleParagraph } from "./paragraphs.js";
import { graphemeBoundaries, wordsOf } from "./words.js";

/**
 * @typedef {object} PlacedLine
 * @property {import("./layout.js").Line} line
 * @property {import("./paragraphs.js").Paragraph} paragraph
 * @property {number} number
 * @property {number} y of its baseline
 * @property {boolean} isLast of its paragraph
 * @property {[number, number, number][]} boxes left, right and number of its tokens
 */

export class TextView {
  /**
   * @param {import("./paragraphs.js").Paragraph[]} paragraphs
   * @param {object} font
   * @param {number} font.spaceGlyph
   * @param {{ascender: number, descender: number, lineGap: number}} font.extents
   * @param {number} width of a line
   */
  constructor(paragraphs, { spaceGlyph, extents }, width) {
    this.paragraphs = paragraphs;
    this.ascender = extents.ascender;
    this.descender = extents.descender;
    this.lineHeight = extents.ascender - extents.descender + extents.lineGap;
    /** @type {PlacedLine[]} */
    this.lines = [];
    for (const paragraph of paragraphs) {
      const set = setLines(paragraph, width, spaceGlyph);
      set.forEach(({ line, boxes }, i) => {
        const number = this.lines.length;
        const y = extents.ascender + number * this.lineHeight;
        this.lines.push({ line, boxes, paragraph, number, y, isLast: i === set.length - 1 });
      });
    }
    this.height = this.lines.length * this.lineHeight;
  }

  #boundaries = new Map();

  get typed() {
    return this.paragraphs.map(({ text }) => text).join("\n");
  }

  /** The text that is seen, or what a part of the typed text shows. */
  visible(from = 0, to = Infinity) {
    return this.paragraphs
      .filter(({ start, text }) => start <= to && start + text.length >= from)
      .map((paragraph) => visibleParagraph(paragraph, from - paragraph.start, to - paragraph.start))
      .join("\n");
  }

  paragraphAt(offset) {
    return this.paragraphs.findLast(({ start }) => start <= offset) ?? this.paragraphs[0];
  }

  /** @returns {PlacedLine} the line that shows the caret before an offset */
  lineAt(offset) {
    const paragraph = this.paragraphAt(offset);
    const own = this.lines.filter((placed) => placed.paragraph === paragraph);
    const line = lineOf(
      own.map((placed) => placed.line),
      offset - paragraph.start,
    );
    return own.find((placed) => placed.line === line);
  }

  /** Where the caret before an offset stands. */
  caret(offset) {
    const placed = this.lineAt(offset);
    return { placed, x: caretX(placed.line, offset - placed.paragraph.start), top: placed.y - this.ascender };
  }

  /** The offset whose caret is nearest to a point. */
  offsetAt(x, y) {
    const number = Math.max(0, Math.min(this.lines.length - 1, Math.floor(y / this.lineHeight)));
    return this.offsetInLine(this.lines[number], x);
  }

  offsetInLine({ line, paragraph, isLast }, x) {
    const boundaries = this.#boundariesOf(paragraph);
    return paragraph.start + offsetAt(line, x, (offset) => boundaries.has(offset), isLast);
  }

  /** Rectangles of a selection. */
  rectangles(from, to) {
    const height = this.ascender - this.descender;
    return this.lines.flatMap(({ line, paragraph, y, isLast }) => {
      const [start, end] = [from - paragraph.start, to - paragraph.start];
      const parts = rangeIn(line, start, end);
      // A selected line end is seen, too.
      if (isLast && end > paragraph.text.length && start <= paragraph.text.length) {
        const edge = caretX(line, paragraph.text.length);
        const width = this.lineHeight / 5;
        parts.push(line.backward ? [edge - width, edge] : [edge, edge + width]);
      }
      return parts.map(([left, right]) => ({ x: left, y: y - this.ascender, width: right - left, height }));
    });
  }

  // ---- Where a caret goes ----

  #boundariesOf(paragraph) {
    if (!this.#boundaries.has(paragraph)) this.#boundaries.set(paragraph, graphemeBoundaries(paragraph.text));
    return this.#boundaries.get(paragraph);
  }

  /** The next place for a caret, in the order of the text. */
  step(offset, direction) {
    const length = this.typed.length;
    for (let to = offset + direction; to > 0 && to < length; to += direction) {
      const paragraph = this.paragraphAt(to);
      if (this.#boundariesOf(paragraph).has(to - paragraph.start)) return to;
    }
    return direction < 0 ? 0 : length;
  }

  /** Whether text at an offset runs right to left, so that its end is on the left. */
  isBackward(offset) {
    const { start, runs, base } = this.paragraphAt(offset);
    const run = runs.find((one) => one.end >= offset - start && one.start < Math.max(1, offset - start));
    return (run?.level ?? base) % 2 === 1;
  }

  /** The end of the next word, or the beginning of the one before, of those that are seen. */
  stepWord(offset, direction) {
    const paragraph = this.paragraphAt(offset);
    const places = this.#visibleWords(paragraph).map((word) => (direction < 0 ? word.start : word.end));
    const found = direction < 0 ? places.findLast((place) => place < offset) : places.find((place) => place > offset);
    if (found !== undefined) return found;
    if (direction < 0) return offset > paragraph.start ? paragraph.start : this.step(offset, -1);
    const end = paragraph.start + paragraph.text.length;
    return offset < end ? end : this.step(offset, 1);
  }

  /** The word that is seen at an offset, as [from, to]. */
  wordAt(offset) {
    const words = this.#visibleWords(this.paragraphAt(offset));
    const word = words.find(({ start, end }) => start <= offset && offset < end) ?? words.find(({ end }) => end === offset);
    return word ? [word.start, word.end] : [offset, this.step(offset, 1)];
  }

  #visibleWords(paragraph) {
    const offsets = visibleOffsets(paragraph);
    return wordsOf(visibleParagraph(paragraph)).map(({ start, end }) => ({
      start: paragraph.start + offsets[start],
      end: paragraph.start + Math.max(offsets[end], offsets[end - 1] + 1),
    }));
  }

  /** The first and the last place for a caret in a line. */
  edgesOf({ line, paragraph, isLast }) {
    const end = paragraph.start + line.end;
    return [paragraph.start + line.start, isLast || line.end === line.start ? end : this.step(end, -1)];
  }
}

/** A paragraph's lines, kept with it as long as neither it nor the width changes. */
function setLines(paragraph, width, spaceGlyph) {
  if (!paragraph.lines.has(width)) {
    const tokens = tokenClusters(paragraph);
    let number = 0;
    const lines = setParagraph(paragraph, width, spaceGlyph).map((line) => {
      const shown = line.spans.filter(({ start, left, right }) => tokens.has(start) && left < right);
      return { line, boxes: shown.map(({ left, right }) => [left, right, number++]) };
    });
    paragraph.lines.clear();
    paragraph.lines.set(width, lines);
  }
  return paragraph.lines.get(width);
}
