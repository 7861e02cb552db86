// Sets shaped paragraphs in lines. A paragraph is shaped whole and broken into lines afterwards, among its glyphs, as
// fontgen/text/layout.py does: what a language model shows depends on all the text before it, so no line could be shaped
// on its own. Lengths are font units; x grows to the right, y down.

import { visualOrder } from "./bidi.js";

const POSITION_WORDS = 5;

/**
 * @typedef {object} ShapedRun glyphs of one direction, from left to right
 * @property {number} start of the run, in UTF-16 units of its paragraph
 * @property {number} end
 * @property {number} level odd for right to left
 * @property {Uint32Array} glyphs
 * @property {Uint32Array} clusters in UTF-16 units of the paragraph
 * @property {Int32Array} positions
 *
 * @typedef {object} Span what one cluster shows in a line
 * @property {number} start the cluster, in the paragraph
 * @property {number} end where the next cluster begins
 * @property {number} left
 * @property {number} right
 * @property {boolean} backward
 *
 * @typedef {object} Line
 * @property {{id: number, x: number, y: number, cluster: number}[]} glyphs
 * @property {Span[]} spans in the order of the text
 * @property {number} start of the line in the paragraph, in UTF-16 units
 * @property {number} end
 * @property {number} left
 * @property {number} right
 * @property {number} inkRight where its last glyph ends that is no space: spaces may hang beyond the width
 * @property {boolean} backward whether its paragraph runs right to left
 */

/**
 * @param {{text: string, base: number, runs: ShapedRun[]}} paragraph
 * @param {number} width where lines wrap: after spaces and, in a word wider than a line, anywhere between glyphs
 * @param {number} spaceGlyph
 * @returns {Line[]} at least one
 */
export function setParagraph(paragraph, width, spaceGlyph) {
  const glyphs = paragraph.runs.flatMap((run) => logicalGlyphs(run));
  const ends = clusterEnds(glyphs, paragraph.text.length);
  return wrap(glyphs, width, spaceGlyph).map(([first, last]) => {
    const next = last < glyphs.length ? glyphs[last].cluster : paragraph.text.length;
    return makeLine(glyphs.slice(first, last), { next, ends, paragraph, width, spaceGlyph });
  });
}

/** A run's glyphs in the order of the text. */
function logicalGlyphs(run) {
  const { glyphs, clusters, positions, level } = run;
  const ordered = Array.from(glyphs, (id, i) => ({
    id,
    cluster: clusters[i],
    advance: positions[POSITION_WORDS * i],
    xOffset: positions[POSITION_WORDS * i + 2],
    yOffset: positions[POSITION_WORDS * i + 3],
    level,
  }));
  return level % 2 ? ordered.reverse() : ordered;
}

/** Where each cluster ends: where the next one begins. */
function clusterEnds(glyphs, length) {
  const starts = [...new Set(glyphs.map(({ cluster }) => cluster))].sort((a, b) => a - b);
  return new Map(starts.map((start, i) => [start, starts[i + 1] ?? length]));
}

/** Ranges of glyphs, one for each line. */
function wrap(glyphs, width, spaceGlyph) {
  const lines = [];
  let lineStart = 0;
  let lineWidth = 0;
  const breakBefore = (i) => {
    lines.push([lineStart, i]);
    lineStart = i;
    lineWidth = 0;
  };
  for (let i = 0; i < glyphs.length; ) {
    let end = i;
    let ink = 0;
    let space = 0;
    while (end < glyphs.length && glyphs[end].id !== spaceGlyph) ink += glyphs[end++].advance;
    const inkEnd = end;
    while (end < glyphs.length && glyphs[end].id === spaceGlyph) space += glyphs[end++].advance;
    if (i > lineStart && lineWidth + ink > width) breakBefore(i);
    for (let k = i; k < inkEnd; k++) {
      // A word wider than a line breaks where it must, but not between a letter and its marks.
      if (ink > width && k > lineStart && glyphs[k].advance && lineWidth + glyphs[k].advance > width) breakBefore(k);
      lineWidth += glyphs[k].advance;
    }
    lineWidth += space;
    i = end;
  }
  lines.push([lineStart, glyphs.length]);
  return lines;
}

function makeLine(glyphs, { next, ends, paragraph, width, spaceGlyph }) {
  const backward = paragraph.base % 2 === 1;
  const total = glyphs.reduce((sum, { advance }) => sum + advance, 0);
  const left = backward ? width - total : 0;
  const placed = [];
  const spans = new Map();
  let x = left;
  let inkRight = left;
  for (const glyph of inVisualOrder(glyphs)) {
    placed.push({ id: glyph.id, x: x + glyph.xOffset, y: -glyph.yOffset, cluster: glyph.cluster });
    const span = spans.get(glyph.cluster);
    if (span) {
      span.left = Math.min(span.left, x);
      span.right = Math.max(span.right, x + glyph.advance);
    } else {
      const { cluster: start, level } = glyph;
      spans.set(start, { start, end: ends.get(start), left: x, right: x + glyph.advance, backward: level % 2 === 1 });
    }
    x += glyph.advance;
    if (glyph.id !== spaceGlyph) inkRight = x;
  }
  const start = glyphs.length ? glyphs[0].cluster : 0;
  const ordered = [...spans.values()].sort((a, b) => a.start - b.start);
  return { glyphs: placed, spans: ordered, start, end: Math.max(next, start), left, right: x, inkRight, backward };
}

/** A line's glyphs from left to right: runs of one level, in the order of rule L2. */
function inVisualOrder(glyphs) {
  const runs = [];
  for (const glyph of glyphs) {
    const run = runs[runs.length - 1];
    if (run && run[0].level === glyph.level) run.push(glyph);
    else runs.push([glyph]);
  }
  if (runs.length === 1 && runs[0][0].level % 2 === 0) return glyphs;
  return visualOrder(runs.map(([glyph]) => glyph.level)).flatMap((i) => (runs[i][0].level % 2 ? runs[i].reverse() : runs[i]));
}

/** Of the lines of one paragraph the one that shows the caret before `offset`. */
export function lineOf(lines, offset) {
  // A cluster that a line end cuts in two has its caret before the part that is in the next line.
  let found = lines[0];
  for (const line of lines) if (line.start <= offset) found = line;
  return found;
}

/** Where the caret before `offset` stands in a line: a ligature's characters share its width. */
export function caretX(line, offset) {
  let before = null;
  for (const span of line.spans) {
    if (span.start > offset) break;
    before = span;
  }
  if (!before) return line.backward ? line.right : line.left;
  const { start, end, left, right, backward } = before;
  const part = Math.min(1, (offset - start) / Math.max(1, end - start));
  return backward ? right - part * (right - left) : left + part * (right - left);
}

/**
 * The offset whose caret is nearest to x.
 * @param {Line} line
 * @param {number} x
 * @param {(offset: number) => boolean} isBoundary whether a caret may stand there: between graphemes
 * @param {boolean} isLast whether the line is its paragraph's last: others' ends are the next one's beginning
 */
export function offsetAt(line, x, isBoundary, isLast) {
  let best = line.start;
  let distance = Infinity;
  const consider = (offset) => {
    const away = Math.abs(caretX(line, offset) - x);
    if (away <= distance) {
      distance = away;
      best = offset;
    }
  };
  for (const span of line.spans)
    for (let offset = Math.max(span.start, line.start); offset < Math.min(span.end, line.end); offset++)
      if (isBoundary(offset)) consider(offset);
  if (isLast || line.start === line.end) consider(line.end);
  return best;
}

/**
 * What a range of the text covers in a line.
 * @returns {[left: number, right: number][]} from left to right, joined where they touch
 */
export function rangeIn(line, from, to) {
  const parts = [];
  for (const span of line.spans) {
    if (span.end <= from || span.start >= to || span.left === span.right) continue;
    const edges = [Math.max(from, span.start), Math.min(to, span.end)].map((offset) => {
      const part = (offset - span.start) / (span.end - span.start);
      return span.backward ? span.right - part * (span.right - span.left) : span.left + part * (span.right - span.left);
    });
    parts.push([Math.min(...edges), Math.max(...edges)]);
  }
  parts.sort(([a], [b]) => a - b);
  const joined = [];
  for (const part of parts) {
    const last = joined[joined.length - 1];
    if (last && part[0] <= last[1] + 1) last[1] = Math.max(last[1], part[1]);
    else joined.push(part);
  }
  return joined;
}
