// Where a caret may stand in a text, and where its words begin and end, as the browser's Intl.Segmenter knows them.

const segmenter = (granularity) => (Intl.Segmenter ? new Intl.Segmenter(undefined, { granularity }) : null);
const graphemes = segmenter("grapheme");
const words = segmenter("word");

/** The offsets between graphemes of a text: letters with their marks, emoji with all their parts. */
export function graphemeBoundaries(text) {
  const boundaries = new Set([0, text.length]);
  if (graphemes) for (const { index } of graphemes.segment(text)) boundaries.add(index);
  else for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) boundaries.add(at);
  return boundaries;
}

/** @returns {{start: number, end: number}[]} the words of a text, without spaces and punctuation */
export function wordsOf(text) {
  if (!words) return [...text.matchAll(/[\p{L}\p{N}_]+/gu)].map((m) => ({ start: m.index, end: m.index + m[0].length }));
  return [...words.segment(text)]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ index, segment }) => ({ start: index, end: index + segment.length }));
}
