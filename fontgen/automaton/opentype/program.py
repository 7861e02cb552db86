"""Glyphs and lookups as they come: what the stages of the compiler write into.

New glyphs are empty and have no width. They are numbers and marks that the rules pass on: class 3 of
GDEF, so that a lookup can choose by a mark filtering set which of them it sees; a few are letters'
twins and words, which are base glyphs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fontgen.automaton.opentype.subtables import Record, Rule, Subtable, chain_classes, single
from fontgen.errors import FontgenError

IGNORE_BASES, IGNORE_LIGATURES, MARK_FILTERING = 2, 4, 16
"""Bits of a lookup's flag."""
BASE, MARK = 1, 3
"""GDEF classes."""
MOST_RULES = 40
"""Of a class rule's list, which a shaper reads from the beginning; longer lists are split in two levels."""

Glyphs = Sequence[int]


@dataclass(frozen=True)
class Lookup:
    subtables: tuple[Subtable, ...]
    flag: int
    mark_set: int | None


@dataclass
class Program:
    """The lookups in order, and the new glyphs.

    Attributes:
        characters: glyph of each character of the base font.
        first_new: number of the base font's glyphs; the first new one.
        classes: GDEF class of each new glyph.
        mark_sets: mark filtering sets.
        features: tag to the lookups that are applied to the text itself, not by a rule.
    """

    characters: Mapping[int, int]
    first_new: int
    lookups: list[Lookup] = field(default_factory=list)
    classes: dict[int, int] = field(default_factory=dict)
    mark_sets: dict[tuple[int, ...], int] = field(default_factory=dict)
    features: dict[str, list[int]] = field(default_factory=dict)
    _setters: dict[int, tuple[int, dict[int, int]]] = field(default_factory=dict)

    @property
    def n_glyphs(self) -> int:
        return self.first_new + len(self.classes)

    def glyph(self, character: str) -> int:
        """The base font's glyph of a character.

        Raises:
            FontgenError: it has none.
        """
        glyph = self.characters.get(ord(character))
        if not glyph:
            raise FontgenError(f"the base font lacks {character!r} (U+{ord(character):04X})")
        return glyph

    def marks(self, count: int) -> list[int]:
        """New glyphs of class mark, numbers in a row."""
        return self._new(count, MARK)

    def mark(self) -> int:
        return self.marks(1)[0]

    def bases(self, count: int) -> list[int]:
        """New glyphs of class base."""
        return self._new(count, BASE)

    def _new(self, count: int, glyph_class: int) -> list[int]:
        first = self.n_glyphs
        if first + count > 0xFFFF:
            raise FontgenError(f"the font would have more than {0xFFFF} glyphs: tell it less")
        glyphs = list(range(first, first + count))
        self.classes.update(dict.fromkeys(glyphs, glyph_class))
        return glyphs

    def define(self, *subtables: Subtable, sees: Iterable[int] | None = None) -> int:
        """A lookup for rules to apply; returns its number.

        sees: the marks that it sees, and nothing else; None: it sees every glyph.
        """
        flag, mark_set = 0, None
        if sees is not None:
            glyphs = tuple(sorted(set(sees)))
            mark_set = self.mark_sets.setdefault(glyphs, len(self.mark_sets))
            flag = IGNORE_BASES | IGNORE_LIGATURES | MARK_FILTERING
        self.lookups.append(Lookup(subtables, flag, mark_set))
        return len(self.lookups) - 1

    def apply(
        self, *subtables: Subtable, sees: Iterable[int] | None = None, feature: str = "ccmp"
    ) -> None:
        """A lookup for the text itself, after those before it."""
        self.features.setdefault(feature, []).append(self.define(*subtables, sees=sees))

    def setter(self, number: int, mapping: Mapping[int, int] | None = None) -> int:
        """The lookup that turns the blanks of every register into that register's glyph of a number: one for each
        number, for all registers; ``mapping``: more blanks that it serves."""
        if number not in self._setters:
            self._setters[number] = self.define(), {}
        index, blanks = self._setters[number]
        if mapping:
            blanks.update(mapping)
            self.lookups[index] = Lookup((single(blanks),), 0, None)
        return index

    def to(self, mapping: Mapping[int, int]) -> list[Record]:
        """The record that turns a rule's first glyph into another."""
        return [(0, self.define(single(mapping)))]

    def by_class(
        self,
        glyphs: Iterable[int],
        numbers: Mapping[int, int],
        records: Mapping[int, Sequence[Record]],
        *,
        sees: Iterable[int],
        direct: bool = False,
    ) -> list[Subtable]:
        """For each of some glyphs: what the nearest seen glyph before it stands for decides what is done.

        Args:
            glyphs: the glyphs to change.
            numbers: glyph before it to a number.
            records: what to do for each number; a number without records stops the search.
            sees: what the lookup that holds the result sees; nested ones see the same.
            direct: no second level, whatever the number of rules.
        """
        seen, glyphs = list(sees), list(glyphs)
        wanted = sorted(set(numbers.values()))
        if direct or len(wanted) <= MOST_RULES:
            classes = {number: 1 + i for i, number in enumerate(wanted)}
            rules = [Rule(records.get(number, ()), before=[classes[number]]) for number in wanted]
            before = {glyph: classes[number] for glyph, number in numbers.items()}
            return [chain_classes(glyphs, {0: rules}, before=before)]
        size = int(len(wanted) ** 0.5) + 1
        group_of = {number: i // size for i, number in enumerate(wanted)}
        rules = []
        for group in range(group_of[wanted[-1]] + 1):
            part = {glyph: n for glyph, n in numbers.items() if group_of[n] == group}
            nested = self.by_class(glyphs, part, records, sees=seen, direct=True)
            rules.append(Rule([(0, self.define(*nested, sees=seen))], before=[1 + group]))
        before = {glyph: 1 + group_of[number] for glyph, number in numbers.items()}
        return [chain_classes(glyphs, {0: rules}, before=before)]
