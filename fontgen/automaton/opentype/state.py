"""The registers of a story as glyphs, and the cluster that each mark of a run becomes.

A mark's cluster, with the blanks that the later stages fill:

    a | H1 H0 G F1 F0 T Q L S1 S0 P | S0' S1' P' | end

``H`` hero, ``G`` gender, ``F`` friend, ``S`` row, ``P`` words left in it, ``T`` theme, ``Q`` thing, ``L`` telling.
Those between the bars are X: they come from the mark before. Those behind the second are Y,
copies that say which word the mark shows; hidden marks have none. In a run's first mark ``V``, the
hash of the last typed word, stands before H1.

P has a number for each count of words, and behind these, from `State.closing` on, one more for each that a bridge may
have: a quotation is to be closed after the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fontgen.automaton.content.format import COMPANIES
from fontgen.automaton.content.kinds import Kind
from fontgen.automaton.machine import LETTERS, TELLINGS, THEMES, Machine, Row
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.runs import Marks
from fontgen.automaton.opentype.subtables import Record, Rule, Subtable, chain_classes, multiple

HERO_BASE = 32
"""Base of a hero's number: the high digit tells gender, and whether the hero was typed."""
BRIDGES = (Kind.GO, Kind.PLAIN, Kind.DAY)
FIRST, HOLD, NEXT = "first", "hold", "next"
"""Blanks: of a run's first mark; of a hidden mark, which shows no word; of one that shows the next word."""
WHOLE, AGAIN, NOBODY = "whole", "again", "nobody"
"""Blanks of the first mark's row: a whole story may be told; only a bridge; a bridge of a prompt without a hero."""


class State:
    """Digits of all registers, numbers of heroes and rows, and the clusters' glyphs."""

    def __init__(self, program: Program, machine: Machine, marks: Marks):
        self.program, self.machine, self.marks = program, machine, marks
        self.heroes = HeroNumbers(machine)
        self.rows = RowNumbers(machine.rows)
        self.v = Digit(program, 24, FIRST)
        self.h1 = Digit(program, self.heroes.high, FIRST, NEXT, with_y=True)
        self.h0 = Digit(program, HERO_BASE, FIRST, NEXT, with_y=True)
        self.g = Digit(program, 2, FIRST, NEXT, with_y=True)
        self.f1 = Digit(program, self.heroes.high, FIRST, NEXT, with_y=True)
        self.f0 = Digit(program, HERO_BASE, FIRST, NEXT, with_y=True)
        self.s1 = Digit(program, self.rows.high, WHOLE, AGAIN, NOBODY, HOLD, NEXT, with_y=True)
        self.s0 = Digit(program, THEMES, FIRST, HOLD, NEXT, with_y=True)
        self.closing = machine.longest + 1
        longest = max(len(row.words) for row in machine.rows if row.kind in BRIDGES)
        self.p = Digit(program, self.closing + longest + 1, FIRST, HOLD, NEXT, with_y=True)
        self.t = Digit(program, machine.n_themes, FIRST, NEXT)
        self.q = Digit(program, 1 + len(machine.things), FIRST, NEXT, with_y=True)
        self.telling = Digit(program, 2 * TELLINGS * len(COMPANIES), FIRST, "question", NEXT)
        self.end_first, self.end_hidden, self.end_word = program.marks(3)
        self.seed_hidden, self.seed_word = program.marks(2)
        self._expand_first()

    @property
    def ends(self) -> list[int]:
        """Glyphs that end a mark: where a search for typed words must stop, before and after marks become clusters."""
        marks = self.marks
        ends = [self.end_first, self.end_hidden, self.end_word, self.seed_hidden, self.seed_word]
        return [*ends, *marks.hidden, marks.question, marks.mark]

    @property
    def carried(self) -> list[Digit]:
        """Digits that are the same all through a run."""
        heroes = [self.h1, self.h0, self.g, self.f1, self.f0]
        return [*heroes, self.t, self.q, self.telling]

    def _expand_first(self) -> None:
        """The first mark's cluster, in which the typed words are read; the others come later, so that until then
        shapers have less to walk over."""

        def cluster(row: str) -> list[int]:
            digits = [self.v, self.h1, self.h0, self.g, self.f1, self.f0]
            rest = [self.s0, self.p, self.t, self.q, self.telling]
            return [
                *(digit.blank[FIRST] for digit in digits),
                self.s1.blank[row],
                *(digit.blank[FIRST] for digit in rest),
                self.end_first,
            ]

        marks = self.marks
        starts = {marks.start: cluster(WHOLE), marks.start_again: cluster(AGAIN)}
        self.program.apply(multiple(starts))

    def expand_carried(self) -> None:
        """Clusters of the other marks: the digits that are the same all through a run, and a seed of the rest."""
        marks = self.marks
        same = [digit.blank[NEXT] for digit in self.carried]
        hidden = [*same, self.seed_hidden]
        asks = [*same[:-1], self.telling.blank["question"], self.seed_hidden]
        self.program.apply(
            multiple(
                {
                    marks.hidden[0]: hidden,
                    marks.hidden[1]: hidden,
                    marks.question: [marks.a_question, *asks],
                    marks.mark: [*same, self.seed_word],
                }
            )
        )

    def expand_rows(self) -> None:
        """The seeds become the digits of the row and the place in it."""
        digits = (self.s1, self.s0, self.p)
        word = [self.s0.blank["y"], self.s1.blank["y"], self.p.blank["y"], self.end_word]
        self.program.apply(
            multiple(
                {
                    self.seed_hidden: [*(d.blank[HOLD] for d in digits), self.end_hidden],
                    self.seed_word: [*(d.blank[NEXT] for d in digits), *word],
                }
            )
        )

    @property
    def before_y(self) -> list[int]:
        """What depends on the mark before: a, and X values and blanks."""
        digits = (self.v, *self.carried, self.s1, self.s0, self.p)
        x = [glyph for digit in digits for glyph in digit.x]
        x += [glyph for d in digits for name, glyph in d.blank.items() if name != "y"]
        marks = self.marks
        return [*x, marks.a_start, marks.a_text, *marks.a_hidden, marks.a_mark, marks.a_question]

    def row_records(self, row: int) -> list[Record]:
        """Set the row, whose two digits are the first two glyphs of a rule's input."""
        high, low = divmod(self.rows.number[row], THEMES)
        return [*self.s1.set(high), *self.s0.set(low, at=1)]

    def hero_records(self, hero: int) -> list[Record]:
        high, low = divmod(self.heroes.number[hero], HERO_BASE)
        return [*self.h1.set(high), *self.h0.set(low, at=1)]

    def by_pair(
        self,
        glyphs: Iterable[int],
        digits: tuple[Digit, Digit],
        values: Mapping[int, int],
        records: Mapping[int, Sequence[Record]],
    ) -> tuple[Subtable, list[int]]:
        """What the nearest number of two digits stands for decides what is done with a glyph.

        Args:
            glyphs: to change.
            digits: high and low, which stand in this order.
            values: number to what it stands for; numbers that are not in it do nothing.
            records: for what it stands for.

        Returns:
            The subtable, and what its lookup must see.
        """
        high, low = digits
        glyphs = list(glyphs)
        seen = [*high.x, *low.x, *glyphs]
        by_high: dict[int, dict[int, int]] = {}
        for number, value in values.items():
            by_high.setdefault(number // low.size, {})[number % low.size] = value
        before = dict.fromkeys(low.x, 1)
        rules: list[Rule] = []
        uniform: dict[int, int] = {}
        for digit, part in sorted(by_high.items()):
            only = set(part.values())
            if len(only) == 1 and len(part) == low.size:
                value = only.pop()
                if value not in uniform:
                    uniform[value] = 2 + len(rules)
                    rules.append(Rule(records[value], before=[1, uniform[value]]))
                before[high.x[digit]] = uniform[value]
                continue
            wanted = {value: 1 + i for i, value in enumerate(sorted(only))}
            nested = chain_classes(
                glyphs,
                {0: [Rule(records[value], before=[number]) for value, number in wanted.items()]},
                before={low.x[n]: wanted[value] for n, value in part.items()},
            )
            before[high.x[digit]] = 2 + len(rules)
            apply = (0, self.program.define(nested, sees=[*low.x, *glyphs]))
            rules.append(Rule([apply], before=[1, 2 + len(rules)]))
        return chain_classes(glyphs, {0: rules}, before=before), seen


class HeroNumbers:
    """Numbers of heroes, such that the high digit says what the registers need to know.

    Attributes:
        number: of each hero of the machine.
        high: how many high digits there are.
        gender: high digit to 0 or 1, for heroes that are a he or a she.
        default: high digits of heroes that were not typed, to the high digit of the same hero, typed.
        unlisted: the high digit of the name that is in no list; the low one is how many letters it has.
        nobody: the high digit of a friend where there is none.
        animals: high digits of heroes of gender n who are no names.
    """

    def __init__(self, machine: Machine):
        self.number: dict[int, int] = {}
        self.gender: dict[int, int] = {}
        self.default: dict[int, int] = {}
        self.high = 0
        defaults = range(machine.first_default, machine.unlisted)
        order = {word: n for n, word in enumerate(machine.default_words)}
        words = machine.vocabulary[: machine.heroes]
        first_of = {}
        for gender in ("m", "f", "n"):
            heroes = [n for n in range(machine.heroes) if machine.genders[n] == gender]
            heroes.sort(key=lambda n: order.get(words[n], len(order)))
            first_of[gender] = self.high
            self._block(heroes, gender)
        self.animals = range(first_of["n"], self.high)
        for gender in ("m", "f"):
            heroes = [n for n in defaults if machine.genders[n] == gender]
            if heroes:
                self.default[self.high] = first_of[gender]
                self._block(heroes, gender)
        self.unlisted = self.high
        self._block([machine.unlisted], "n")
        self.nobody = self.high
        self._block([machine.nobody], "n")

    def numbers(self, hero: int) -> Iterable[int]:
        """Numbers of a hero: the name that is in no list has one for each number of letters."""
        first = self.number[hero]
        if first == HERO_BASE * self.unlisted:
            return range(first, first + LETTERS + 1)
        return [first]

    def _block(self, heroes: list[int], gender: str) -> None:
        for place, hero in enumerate(heroes):
            self.number[hero] = HERO_BASE * self.high + place
        blocks = -(-len(heroes) // HERO_BASE)
        if gender != "n":
            self.gender.update(
                dict.fromkeys(range(self.high, self.high + blocks), "mf".index(gender))
            )
        self.high += blocks


class RowNumbers:
    """Numbers of rows: bodies keep theirs; the others lie such that the high digit tells kind, joining and closing.

    Within a kind rows are ordered by length, so that most high digits tell the length, too.
    """

    def __init__(self, rows: Sequence[Row]):
        self.rows = rows
        self.number: dict[int, int] = {}
        self.kind: dict[int, Kind] = {}
        self.joined: set[int] = set()
        self.closes: set[int] = set()
        groups: dict[tuple[Kind, bool, bool], list[int]] = {}
        for index, row in enumerate(rows):
            groups.setdefault((row.kind, row.joined, row.closes), []).append(index)
        self.high = 0
        for (kind, joined, closes), indexes in sorted(groups.items(), key=lambda item: item[1][0]):
            if kind is not Kind.BODY:
                indexes = sorted(indexes, key=lambda index: len(rows[index].words))
            for place, index in enumerate(indexes):
                self.number[index] = THEMES * self.high + place
            blocks = -(-len(indexes) // THEMES)
            digits = range(self.high, self.high + blocks)
            self.kind.update(dict.fromkeys(digits, kind))
            if joined:
                self.joined.update(digits)
            if closes:
                self.closes.update(digits)
            self.high += blocks

    def digits(self, *kinds: Kind) -> list[int]:
        """High digits of rows of some kinds."""
        return [digit for digit, kind in self.kind.items() if kind in kinds]

    @property
    def lengths(self) -> dict[int, int]:
        """Number of a row to its words; the numbers that lie between two groups are as long as their neighbours."""
        lengths = {self.number[i]: len(row.words) for i, row in enumerate(self.rows)}
        for number in range(THEMES * self.high):
            lengths.setdefault(number, lengths.get(number - 1, 0))
        return lengths
