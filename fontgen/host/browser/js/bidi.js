// The Unicode Bidirectional Algorithm (UAX #9): which way each character of a paragraph runs, and in which order the
// runs of a line stand. Names of rules are the annex's.

import { BRACKETS, CLASSES, RUNS } from "./bidi-classes.js";

const MOST_DEPTH = 125; // max_depth
const MOST_BRACKETS = 63; // BD16
const L = CLASSES.indexOf("L");
const R = CLASSES.indexOf("R");
const [AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON] = "AL EN ES ET AN CS NSM BN B S WS ON".split(" ").map(of);
const [LRE, LRO, RLE, RLO, PDF, LRI, RLI, FSI, PDI] = "LRE LRO RLE RLO PDF LRI RLI FSI PDI".split(" ").map(of);

function of(name) {
  return CLASSES.indexOf(name);
}

const isIsolate = (kind) => kind === LRI || kind === RLI || kind === FSI;
const isNeutral = (kind) => kind === B || kind === S || kind === WS || kind === ON || isIsolate(kind) || kind === PDI;
const isRemoved = (kind) => kind === BN || (kind >= LRE && kind <= PDF); // X9

/** Starts of runs of characters that are not L, their ends and classes. */
const table = (() => {
  let end = 0;
  return RUNS.split(",").map((word) => {
    const [gap, length, kind] = word.split(" ").map((digits) => parseInt(digits || "1", 36));
    const start = end + gap;
    end = start + length;
    return { start, end, kind };
  });
})();

/** The Bidi_Class of a code point, as an index of CLASSES. */
export function bidiClass(codepoint) {
  let low = 0;
  let high = table.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { start, end, kind } = table[middle];
    if (codepoint < start) high = middle - 1;
    else if (codepoint >= end) low = middle + 1;
    else return kind;
  }
  return L;
}

/** Whether a text is left to right for certain: most are, and need nothing of the rest. */
const ONLY_LEFT_TO_RIGHT = /^[\0-\u0590\u0900-\u2010\u2030-\u2065\u206a-\ud7ff]*$/;

/** P2, P3: the level of the first strong character outside of isolates; 0 when there is none. */
function firstStrongLevel(kinds, from = 0, to = kinds.length) {
  let isolates = 0;
  for (let i = from; i < to; i++) {
    const kind = kinds[i];
    if (isIsolate(kind)) isolates++;
    else if (kind === PDI) {
      if (isolates) isolates--;
    } else if (!isolates && (kind === L || kind === R || kind === AL)) return kind === L ? 0 : 1;
  }
  return 0;
}

/** BD9: the PDI of each isolate initiator, by index; the text's length where it has none. */
function matchIsolates(kinds) {
  const matches = new Map();
  const open = [];
  for (let i = 0; i < kinds.length; i++) {
    if (isIsolate(kinds[i])) open.push(i);
    else if (kinds[i] === PDI && open.length) matches.set(open.pop(), i);
  }
  for (const initiator of open) matches.set(initiator, kinds.length);
  return matches;
}

/** X1 to X8: explicit levels; overrides change `kinds`. */
function explicitLevels(kinds, base, matches) {
  const levels = new Uint8Array(kinds.length).fill(base);
  const stack = [{ level: base, override: -1, isolate: false }];
  const counts = { overflowIsolates: 0, overflowEmbeddings: 0, validIsolates: 0 };
  const top = () => stack[stack.length - 1];
  const nextLevel = (odd) => (odd ? (top().level + 1) | 1 : (top().level + 2) & ~1);
  const originals = kinds.slice();
  for (let i = 0; i < kinds.length; i++) {
    const kind = originals[i];
    if (kind >= LRE && kind <= RLO) {
      const level = nextLevel(kind === RLE || kind === RLO);
      levels[i] = top().level;
      if (level <= MOST_DEPTH && !counts.overflowIsolates && !counts.overflowEmbeddings)
        stack.push({ level, override: kind === LRO ? L : kind === RLO ? R : -1, isolate: false });
      else if (!counts.overflowIsolates) counts.overflowEmbeddings++;
    } else if (isIsolate(kind)) {
      levels[i] = top().level;
      if (top().override >= 0) kinds[i] = top().override;
      const isRight = kind === FSI ? firstStrongLevel(originals, i + 1, matches.get(i)) === 1 : kind === RLI;
      const level = nextLevel(isRight);
      if (level <= MOST_DEPTH && !counts.overflowIsolates && !counts.overflowEmbeddings) {
        counts.validIsolates++;
        stack.push({ level, override: -1, isolate: true });
      } else counts.overflowIsolates++;
    } else if (kind === PDI) {
      closeIsolate(stack, counts);
      levels[i] = top().level;
      if (top().override >= 0) kinds[i] = top().override;
    } else if (kind === PDF) {
      if (counts.overflowIsolates);
      else if (counts.overflowEmbeddings) counts.overflowEmbeddings--;
      else if (!top().isolate && stack.length > 1) stack.pop();
      levels[i] = top().level;
    } else {
      levels[i] = top().level;
      if (top().override >= 0 && kind !== BN) kinds[i] = top().override;
    }
  }
  return levels;
}

/** X6a */
function closeIsolate(stack, counts) {
  if (counts.overflowIsolates) counts.overflowIsolates--;
  else if (counts.validIsolates) {
    counts.overflowEmbeddings = 0;
    while (!stack[stack.length - 1].isolate) stack.pop();
    stack.pop();
    counts.validIsolates--;
  }
}

/** BD13, X10: sequences of level runs that isolates join, as lists of indices; what X9 removes is left out. */
function isolatingSequences(originals, levels, matches) {
  const initiatorOf = new Map([...matches].map(([initiator, end]) => [end, initiator]));
  const sequences = [];
  const bySuspended = new Map(); // sequences that end with an isolate initiator, by that
  let current = null;
  let last = -1;
  for (let i = 0; i < originals.length; i++) {
    if (isRemoved(originals[i])) continue;
    const continues = current && last >= 0 && levels[last] === levels[i] && !isIsolate(originals[last]);
    if (originals[i] === PDI && initiatorOf.has(i) && bySuspended.has(initiatorOf.get(i)))
      current = bySuspended.get(initiatorOf.get(i));
    else if (!continues) sequences.push((current = []));
    current.push(i);
    if (isIsolate(originals[i])) bySuspended.set(i, current);
    last = i;
  }
  return sequences;
}

/** X10: the directions before and after a sequence. */
function edges(sequence, originals, levels, base) {
  const level = levels[sequence[0]];
  const neighbour = (from, step) => {
    for (let i = from + step; i >= 0 && i < originals.length; i += step) if (!isRemoved(originals[i])) return levels[i];
    return base;
  };
  const last = sequence[sequence.length - 1];
  const after = isIsolate(originals[last]) ? base : neighbour(last, 1);
  const direction = (other) => (Math.max(level, other) % 2 ? R : L);
  return { sos: direction(neighbour(sequence[0], -1)), eos: direction(after) };
}

/** W1 to W7 */
function resolveWeak(sequence, kinds, sos) {
  const at = (k) => kinds[sequence[k]];
  const set = (k, kind) => (kinds[sequence[k]] = kind);
  let strong = sos;
  for (let k = 0, before = sos; k < sequence.length; k++) {
    if (at(k) === NSM) set(k, isIsolate(before) || before === PDI ? ON : before); // W1
    before = at(k);
  }
  for (let k = 0; k < sequence.length; k++) {
    if (at(k) === EN && strong === AL) set(k, AN); // W2
    else if (at(k) === R || at(k) === L || at(k) === AL) strong = at(k);
  }
  for (let k = 0; k < sequence.length; k++) if (at(k) === AL) set(k, R); // W3
  for (let k = 1; k + 1 < sequence.length; k++) {
    const [before, after] = [at(k - 1), at(k + 1)];
    if (at(k) === ES && before === EN && after === EN) set(k, EN); // W4
    else if (at(k) === CS && before === after && (before === EN || before === AN)) set(k, before);
  }
  for (let k = 0; k < sequence.length; k++) {
    if (at(k) !== ET) continue;
    let end = k;
    while (end < sequence.length && at(end) === ET) end++;
    if ((k > 0 && at(k - 1) === EN) || (end < sequence.length && at(end) === EN))
      for (let i = k; i < end; i++) set(i, EN); // W5
    k = end - 1;
  }
  strong = sos;
  for (let k = 0; k < sequence.length; k++) {
    if (at(k) === ES || at(k) === ET || at(k) === CS) set(k, ON); // W6
    if (at(k) === R || at(k) === L) strong = at(k);
    else if (at(k) === EN && strong === L) set(k, L); // W7
  }
}

const strongOf = (kind) => (kind === L ? L : kind === R || kind === EN || kind === AN ? R : -1);

/** BD16: pairs of brackets in a sequence, as positions in it, in the order of the opening ones. */
function bracketPairs(sequence, kinds, characters) {
  const open = [];
  const pairs = [];
  for (let k = 0; k < sequence.length; k++) {
    if (kinds[sequence[k]] !== ON) continue;
    const place = BRACKETS.indexOf(characters[sequence[k]]);
    if (place < 0) continue;
    if (place % 2 === 0) {
      if (open.length === MOST_BRACKETS) return [];
      open.push({ k, closing: BRACKETS[place + 1] });
      continue;
    }
    const match = open.findLastIndex(({ closing }) => sameBracket(closing, BRACKETS[place]));
    if (match < 0) continue;
    pairs.push([open[match].k, k]);
    open.length = match;
  }
  return pairs.sort(([a], [b]) => a - b);
}

/** Canonical equivalents: U+2329, U+232A and U+3008, U+3009. */
const sameBracket = (a, b) => a.normalize() === b.normalize();

/** N0 */
function resolveBrackets(sequence, kinds, originals, characters, level, sos) {
  const embedding = level % 2 ? R : L;
  for (const [opening, closing] of bracketPairs(sequence, kinds, characters)) {
    let found = -1;
    for (let k = opening + 1; k < closing; k++) {
      const strong = strongOf(kinds[sequence[k]]);
      if (strong === embedding) {
        found = embedding;
        break;
      }
      if (strong >= 0) found = strong;
    }
    if (found < 0) continue;
    if (found !== embedding) {
      let before = sos;
      for (let k = opening - 1; k >= 0; k--) {
        const strong = strongOf(kinds[sequence[k]]);
        if (strong >= 0) {
          before = strong;
          break;
        }
      }
      if (before !== found) found = embedding;
    }
    for (const bracket of [opening, closing]) {
      kinds[sequence[bracket]] = found;
      for (let k = bracket + 1; k < sequence.length && originals[sequence[k]] === NSM; k++) kinds[sequence[k]] = found;
    }
  }
}

/** N1, N2 */
function resolveNeutral(sequence, kinds, level, sos, eos) {
  const embedding = level % 2 ? R : L;
  for (let k = 0; k < sequence.length; k++) {
    if (!isNeutral(kinds[sequence[k]])) continue;
    let end = k;
    while (end < sequence.length && isNeutral(kinds[sequence[end]])) end++;
    const before = k ? strongOf(kinds[sequence[k - 1]]) : sos;
    const after = end < sequence.length ? strongOf(kinds[sequence[end]]) : eos;
    for (let i = k; i < end; i++) kinds[sequence[i]] = before === after ? before : embedding;
    k = end - 1;
  }
}

/**
 * The embedding level of each UTF-16 unit of a paragraph: even levels run left to right, odd ones right to left.
 * @param {string} text without line ends
 * @param {"ltr"|"rtl"|"auto"} [direction] of the paragraph; auto: that of its first strong character
 * @returns {{base: number, levels: Uint8Array}}
 */
export function bidiLevels(text, direction = "auto") {
  if (direction !== "rtl" && ONLY_LEFT_TO_RIGHT.test(text)) return { base: 0, levels: new Uint8Array(text.length) };
  const characters = Array.from(text);
  const originals = characters.map((character) => bidiClass(character.codePointAt(0)));
  const base = direction === "auto" ? firstStrongLevel(originals) : direction === "rtl" ? 1 : 0;
  const kinds = originals.slice();
  const matches = matchIsolates(originals);
  const levels = explicitLevels(kinds, base, matches);
  for (const sequence of isolatingSequences(originals, levels, matches)) {
    const level = levels[sequence[0]];
    const { sos, eos } = edges(sequence, originals, levels, base);
    resolveWeak(sequence, kinds, sos);
    resolveBrackets(sequence, kinds, originals, characters, level, sos);
    resolveNeutral(sequence, kinds, level, sos, eos);
  }
  for (let i = 0; i < kinds.length; i++) {
    if (isRemoved(originals[i])) levels[i] = i ? levels[i - 1] : base; // X9 took them out: as what stands before
    else if (levels[i] % 2) levels[i] += kinds[i] === R ? 0 : 1; // I2
    else levels[i] += kinds[i] === R ? 1 : kinds[i] === AN || kinds[i] === EN ? 2 : 0; // I1
    if (originals[i] === S || originals[i] === B) resetSpaceBefore(i, originals, levels, base);
  }
  return { base, levels: inUnits(characters, levels) };
}

/** L1: a separator, and space before it, have the paragraph's level. (The space at a line's end is the line's matter.) */
function resetSpaceBefore(separator, originals, levels, base) {
  levels[separator] = base;
  const isSpace = (kind) => kind === WS || isIsolate(kind) || kind === PDI || isRemoved(kind);
  for (let i = separator - 1; i >= 0 && isSpace(originals[i]); i--) levels[i] = base;
}

/** A level for each UTF-16 unit. */
function inUnits(characters, levels) {
  const units = [];
  characters.forEach((character, i) => {
    for (let k = 0; k < character.length; k++) units.push(levels[i]);
  });
  return Uint8Array.from(units);
}

/**
 * L2: the order in which the runs of a line stand, from left to right.
 * @param {number[]} levels one for each run, in the order of the text
 * @returns {number[]} indices of the runs
 */
export function visualOrder(levels) {
  const order = levels.map((_, i) => i);
  const odd = levels.filter((level) => level % 2);
  for (let level = Math.max(0, ...levels); odd.length && level >= Math.min(...odd); level--)
    for (let i = 0; i < order.length; i++) {
      if (levels[order[i]] < level) continue;
      let end = i;
      while (end < order.length && levels[order[end]] >= level) end++;
      order.splice(i, end - i, ...order.slice(i, end).reverse());
      i = end;
    }
  return order;
}
