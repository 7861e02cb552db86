"""Registers: small numbers as glyphs, and how a mark takes one over from the mark before it.

A digit of a register stands in a mark's cluster as one hidden glyph. It begins as a blank and becomes
the glyph of a number, by one of the program's setters: single substitutions, one for each number, which turn
whichever blank it is into the glyph of that number.

    blanks   X* (a mark's own), first* (in a run's first mark), next* (...)   Y*
    values   X0 X1 X2 ...                                                     Y0 Y1 Y2 ...

``copy`` is a contextual lookup that sees nothing but this digit: a blank becomes the number of the
nearest value before it. HarfBuzz, like every engine, matches what stands before against what it has
put there already, so one pass from left to right hands a number down a run of any length.

X values depend on the mark before; engines may not break a line before them ("unsafe to break").
Y values are copies of X within the cluster, and safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.subtables import Record, Rule, Subtable, chain, chain_classes

RUN = 8
"""Blanks that get a number at once where it does not change."""


class Digit:
    """One digit: numbers from 0 to ``size - 1``.

    Args:
        program: gets its glyphs and lookups.
        size: how many numbers.
        blanks: names of its blanks that become X values.
        with_y: whether it has a blank ``y``, which becomes Y values.
    """

    def __init__(self, program: Program, size: int, *blanks: str, with_y: bool = False):
        self.program, self.size = program, size
        self.blank = dict(zip(blanks, program.marks(len(blanks)), strict=True))
        self.x = program.marks(size)
        self.y: list[int] = []
        if with_y:
            self.blank["y"] = program.mark()
            self.y = program.marks(size)
        for number in range(size):
            values = {glyph: self.x[number] for name, glyph in self.blank.items() if name != "y"}
            if with_y:
                values[self.blank["y"]] = self.y[number]
            program.setter(number, values)

    def sees(self, *blanks: str) -> list[int]:
        """What a lookup sees that fills some blanks from X: those, the blanks of X, and X."""
        names = dict.fromkeys((*blanks, *(name for name in self.blank if name != "y")))
        return [*(self.blank[name] for name in names), *self.x]

    @property
    def values(self) -> dict[int, int]:
        """Glyph of an X value to its number."""
        return {glyph: n for n, glyph in enumerate(self.x)}

    def set(self, number: int, at: int = 0) -> list[Record]:
        """The record that sets the blank at a place of a rule's input."""
        return [(at, self.program.setter(number))]

    def hand_on(self, blank: str, source: Mapping[int, int] | None = None) -> Subtable:
        """A subtable by which a number that does not change goes into `RUN` blanks at once, the first of which has
        looked for it. It only saves work: what it leaves, `copy` fills.

        All that stands between is said to be unsafe to break.
        """
        source = self.values if source is None else source
        seen = [*self.sees(), *source]
        glyph = self.blank[blank]
        records = {}
        for number in set(source.values()):
            run = chain([self.set(number, n)[0] for n in range(RUN)], [], [[glyph]] * RUN)
            records[number] = [(0, self.program.define(run, sees=seen))]
        find = self.program.define(
            *self.program.by_class([glyph], source, records, sees=seen), sees=seen
        )
        return chain([(0, find)], [], [[glyph]])

    def copy_to_y(self) -> tuple[Subtable, list[int]]:
        """A subtable, and what its lookup must see: the blank of Y takes the number of X in the same cluster.

        The number is the rule's first glyph, by which shapers find the rule at once.
        """
        blank = self.blank["y"]
        classes = {glyph: 1 + n for n, glyph in enumerate(self.x)}
        rules = {
            1 + n: [Rule(self.set(n, 1), after_first=[1 + self.size])] for n in range(self.size)
        }
        inputs = classes | {blank: 1 + self.size}
        return chain_classes(self.x, {0: [], **rules}, inputs=inputs), [*self.x, blank]

    def copy(
        self,
        blanks: Iterable[str],
        source: Mapping[int, int] | None = None,
        *,
        sees: Iterable[int] | None = None,
        change: Callable[[int], int | None] = lambda number: number,
    ) -> int:
        """A lookup in which blanks take the number of the nearest value before them.

        Args:
            blanks: names.
            source: glyph to number; the digit's own values by default.
            sees: what the lookup sees; see `Digit.sees`.
            change: from the number found to the one that is set; None leaves the blank.
        """
        blanks = list(blanks)
        glyphs = [self.blank[name] for name in blanks]
        source = self.values if source is None else source
        seen = list(self.sees(*blanks) if sees is None else sees)
        records: dict[int, list[Record]] = {}
        for number in set(source.values()):
            changed = change(number)
            records[number] = [] if changed is None else self.set(changed)
        subtables = self.program.by_class(glyphs, source, records, sees=seen)
        return self.program.define(*subtables, sees=seen)
