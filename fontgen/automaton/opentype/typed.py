"""Second stage: the typed words before a run become tags, hidden marks that say which word it was.

    T  h  e     f  o  x !!!!       typed
    T° h° e°  ° f° o° x°!!!!       twins: from the run back to the text's beginning
    T' h° e°*  f' o° x°*          other twins begin a word, a blank tag follows each word
    T' h° e°the f' o° x°fox       the tag, by the letters before it, whatever their case

Text that no run follows stays as it is, whatever it holds, and costs no more than the search for one.

A word that is not known keeps its blank. One that begins with a capital letter may be somebody's name:
the first is tagged as ``<name>``, and its letters leave their numbers, for the story to spell it.
What this stage writes into the text is taken out again by the last one (`spelling`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN
from fontgen.automaton.content.words import PUNCTUATION, QUOTES
from fontgen.automaton.machine import LETTERS, Machine
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.runs import Marks
from fontgen.automaton.opentype.subtables import (
    Record,
    Rule,
    Subtable,
    chain,
    chain_classes,
    multiple,
    reverse,
    single,
)

LOWER, UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LARGEST_GROUP, SMALLEST_GROUP = 128, 8
"""Words that are looked for one after another; more are told apart by one more letter first, but for so few."""
LONGEST_WORD = 40
"""Letters; engines look back at most 64 glyphs."""
MOST_TWINS = 8192
"""Glyphs of the base font that have twins: those of its first characters. Others hide the words before them."""


Entry = tuple[list[int], list[Record]]
"""A word's letters as classes, from the last to the first, and what makes its tag."""


@dataclass
class Typed:
    """Glyphs of typed text.

    Attributes:
        tag: known word, punctuation mark or class of heroes to its tag.
        blank: the tag of a word that is not known.
        temporary: marks that came in between and must go.
        twins: twins of the base font's glyphs to the glyph; letters that begin a word have another.
        name_starts: twin of the capital letter that begins a name no list has.
        name_letters: for each of its letters, the glyphs of the numbers 1 to 26. name_length: for each number of
            letters, what stands behind the last.
        tagged: twins after which tags may stand.
    """

    tag: dict[str, int] = field(default_factory=dict)
    blank: int = 0
    temporary: list[int] = field(default_factory=list)
    twins: dict[int, int] = field(default_factory=dict)
    name_starts: dict[int, int] = field(default_factory=dict)
    name_letters: list[list[int]] = field(default_factory=list)
    name_length: dict[int, int] = field(default_factory=dict)
    tagged: list[int] = field(default_factory=list)

    @property
    def tags(self) -> list[int]:
        return list(self.tag.values())


class _Tagger:
    def __init__(self, program: Program, machine: Machine, marks: Marks):
        self.program, self.machine, self.marks = program, machine, marks
        self.typed = Typed(blank=program.mark())
        glyphs = [0, *(program.characters[code] for code in sorted(program.characters))]
        glyphs = sorted(set(glyphs[:MOST_TWINS]))
        self.twin = dict(zip(glyphs, program.bases(len(glyphs)), strict=True))
        self.lower = [self.twin[program.glyph(letter)] for letter in LOWER]
        self.upper = [self.twin[program.glyph(letter)] for letter in UPPER]
        self.letters = list(dict.fromkeys(self.lower + self.upper))
        self.start = dict(zip(self.letters, program.bases(len(self.letters)), strict=True))
        self.apostrophes = [
            self.twin[program.characters[code]]
            for code in (0x27, 0x2019)
            if code in program.characters
        ]
        self.typed.twins = {twin: glyph for glyph, twin in self.twin.items()}
        self.typed.twins |= {
            start: self.typed.twins[letter] for letter, start in self.start.items()
        }

    def run(self) -> Typed:
        self._unsafe()
        before_run = [[self.marks.a_start, self.marks.a_text, *self.twin.values()]]
        self.program.apply(reverse(self.twin, before_run))
        self._find_words()
        self._tag_punctuation()
        self._tag_words()
        self._find_names()
        return self.typed

    def _unsafe(self) -> None:
        """A rule that does nothing but say, all through typed text, that it is unsafe to break: without it, a
        browser that shapes only what was typed last would not go back to the beginning of the prompt."""
        every = list(range(self.program.first_new))
        self.program.apply(chain([], [[*every, *self.marks.b]], [every]), feature="calt")

    def _find_words(self) -> None:
        program, letters, apostrophes = self.program, self.letters, self.apostrophes
        any_letter = [*letters, *self.start.values()]
        start: list[Record] = [(0, program.define(single(self.start)))]
        end: list[Record] = [
            (0, program.define(multiple({g: [g, self.typed.blank] for g in any_letter})))
        ]
        before = [[any_letter], [apostrophes, any_letter]]
        ahead = [[letters], [apostrophes, letters]]
        if not apostrophes:
            before, ahead = before[:1], ahead[:1]
        rules = [chain([], b, [letters], a) for b in before for a in ahead]
        rules += [chain(end, b, [letters]) for b in before]
        rules += [chain(start, [], [letters], a) for a in ahead]
        rules.append(chain([*start, *end], [], [letters]))
        program.apply(*rules)

    def _tag_punctuation(self) -> None:
        program, typed = self.program, self.typed
        marks = [*sorted(PUNCTUATION), *QUOTES]
        typed.tag.update(zip(marks, program.marks(len(marks)), strict=True))
        opens, closes = (typed.tag[mark] for mark in QUOTES)
        tags = {mark: typed.tag[mark] for mark in PUNCTUATION} | dict.fromkeys(
            ('"', *QUOTES), opens
        )
        twins = {
            self.twin[program.characters[ord(character)]]: tag
            for character, tag in tags.items()
            if ord(character) in program.characters
        }
        program.apply(multiple({twin: [twin, tag] for twin, tag in twins.items()}))
        # Quotation marks open and close in turn, from the last run on.
        second = chain(program.to({opens: closes}), [[opens]], [[opens]])
        program.apply(second, sees=[opens, closes, *self.marks.b])
        typed.tagged = [*self.letters, *self.start.values(), *twins]

    def _tag_words(self) -> None:
        """The blank becomes its word's tag in two steps, as digits do: a number is too large for one."""
        program, typed, words = self.program, self.typed, self.machine.vocabulary
        low = program.marks(128)
        high = -(-len(words) // 128)
        tags = program.marks(128 * high)
        typed.temporary += low
        to_low = [program.define(single({typed.blank: glyph})) for glyph in low]
        to_tag = [
            program.define(single(dict(zip(low, tags[128 * n :], strict=False))))
            for n in range(high)
        ]
        entries = []
        for number, word in enumerate(words):
            typed.tag[word] = tags[number]
            if re.fullmatch(r"[a-z]+('[a-z]+)*", word) and len(word) <= LONGEST_WORD:
                records = [(0, to_low[number % 128]), (0, to_tag[number // 128])]
                entries.append((self._classes(word), records))
        self._before = self._letter_classes()
        program.apply(self._by_letters(entries, 0))

    def _classes(self, word: str) -> list[int]:
        """Classes of a word's letters from the last to the first: 1 to 26, 27 to 52 for the first, 53 an apostrophe."""
        classes = [53 if letter == "'" else ord(letter) - 96 for letter in word]
        classes[0] += 26
        return classes[::-1]

    def _letter_classes(self) -> dict[int, int]:
        classes = dict.fromkeys(self.apostrophes, 53)
        for case in (self.lower, self.upper):
            for number, letter in enumerate(case):
                classes.setdefault(letter, 1 + number)
                classes.setdefault(self.start[letter], 27 + number)
        return classes

    def _by_letters(self, entries: list[Entry], known: int) -> Subtable:
        """A subtable for some words of which the last ``known`` letters are the same: their rules, or where they are
        many, a lookup for each letter before those."""
        rules: list[Rule] = []
        if len(entries) <= LARGEST_GROUP:
            rules = [Rule(records, before=classes) for classes, records in entries]
            return chain_classes([self.typed.blank], {0: rules}, before=self._before)
        groups: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            groups[entry[0][known]].append(entry)
        for group in sorted(groups.values(), key=lambda group: (-len(group), group[0][0])):
            if len(group) <= SMALLEST_GROUP:
                rules += [Rule(records, before=classes) for classes, records in group]
                continue
            nested = self.program.define(self._by_letters(group, known + 1))
            rules.append(Rule([(0, nested)], before=group[0][0][: known + 1]))
        return chain_classes([self.typed.blank], {0: rules}, before=self._before)

    def _find_names(self) -> None:
        program, typed, machine = self.program, self.typed, self.machine
        capitals = [self.start[letter] for letter in self.upper]
        starts = program.marks(26)
        typed.name_starts = dict(zip(starts, capitals, strict=True))
        typed.tag[CLASSES[NAME]], typed.tag[CLASSES[NOUN]] = program.marks(2)
        to_start = program.to(dict(zip(capitals, starts, strict=True)))
        program.apply(
            *(
                chain(to_start, [], [capitals], [self.lower, *[self.letters] * n, [typed.blank]])
                for n in range(LETTERS - 1)
            )
        )
        names = [
            typed.tag[word]
            for word, kind in zip(machine.vocabulary, machine.kinds, strict=False)
            if kind == NAME
        ]
        back = program.to(dict(zip(starts, capitals, strict=True)))
        program.apply(
            chain(back, [starts + names], [starts]), sees=[*starts, *names, *self.marks.b]
        )
        self._number_letters(starts)

    def _number_letters(self, starts: list[int]) -> None:
        """After each letter of the name a mark with its number; after the last, one that says how many there are."""
        program, typed = self.program, self.typed
        typed.name_letters = [program.marks(26) for _ in range(LETTERS)]
        lengths = range(2, LETTERS + 1)
        typed.name_length = dict(zip(lengths, program.marks(len(lengths)), strict=True))
        number = {letter: n for case in (self.upper, self.lower) for n, letter in enumerate(case)}
        first = {start: [start, typed.name_letters[0][n]] for n, start in enumerate(starts)}
        program.apply(multiple(first))
        for i in range(1, LETTERS):
            last, inner = (
                [(1, program.define(multiple(
                    {g: [g, typed.name_letters[i][n], *rest] for g, n in number.items()}
                )))]
                for rest in ([typed.name_length[i + 1]], [])
            )  # fmt: skip
            pair = [typed.name_letters[i - 1], self.letters]
            program.apply(chain(last, [], pair, [[typed.blank]]), chain(inner, [], pair))
        typed.temporary += [glyph for letter in typed.name_letters for glyph in letter]
        typed.temporary += typed.name_length.values()
        to_name = program.to({typed.blank: typed.tag[CLASSES[NAME]]})
        program.apply(chain(to_name, [typed.name_length.values()], [[typed.blank]]))


def tag_words(program: Program, machine: Machine, marks: Marks) -> Typed:
    """Append the lookups of this stage."""
    return _Tagger(program, machine, marks).run()
