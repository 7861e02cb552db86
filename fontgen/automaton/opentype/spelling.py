"""Last stage: a row and a place in it are a word, the word is letters, and the typed text is as it was.

P'           ->   place                     by S0' before it: P' and S0' are one number now
place        ->   word                      by S1' before it: a list of two bytes for each word of each row
word         ->   " slot H1' H0' ' s ,      where the word has a slot, with blanks for the hero
slot H1' H0' ->   the fox                   a ligature again
word         ->   t h e (space) f o x       one to many, so that the base font's kerning works
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fontgen.automaton.content.kinds import Kind
from fontgen.automaton.content.slots import (
    FORMS,
    FRIEND_FORMS,
    FRIEND_PRONOUNS,
    PRONOUNS,
    SLOTS,
    THINGS,
    StoryWord,
    plural,
)
from fontgen.automaton.machine import LETTERS, Machine
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import HERO_BASE, THEMES, State
from fontgen.automaton.opentype.subtables import chain, ligatures, multiple, multiples, single
from fontgen.automaton.opentype.typed import LOWER, UPPER, Typed


def spell(
    program: Program, machine: Machine, typed: Typed, state: State, letters: list[Digit]
) -> int:
    """Append the lookups of this stage; returns the glyph of the story's own space."""
    spelling = _Spelling(program, machine, state, letters)
    spelling.spaces()
    spelling.quotations()
    spelling.words()
    spelling.slots()
    spelling.letters_of_words()
    _restore(program, typed)
    return spelling.space


class _Spelling:
    def __init__(self, program: Program, machine: Machine, state: State, letters: list[Digit]):
        self.program, self.machine, self.state, self.letters = program, machine, state, letters
        self.space = program.bases(1)[0]
        self.name = program.marks(LETTERS)  # stands for the letters of a name that no list has
        self.slot = dict(zip(SLOTS, program.bases(len(SLOTS)), strict=True))
        self.spelt: dict[str, int] = {}
        self.expansion: dict[int, list[int]] = {}

    def spaces(self) -> None:
        """A word is followed by a space if another mark follows it; the space before the first word is the first
        mark's, unless the typed text ends in one or the story goes on without."""
        program, state, marks = self.program, self.state, self.state.marks
        s1, first, word = state.s1, state.end_first, state.end_word
        joined = [s1.x[n] for n in state.rows.joined]
        over = [s1.y[n] for n in state.rows.digits(Kind.END)]
        to_space = program.to({first: self.space, word: self.space})
        joins = chain(program.to({first: state.end_hidden}), [joined], [[first]])
        if joined:
            program.apply(joins, sees=[*s1.x, first])
        program.apply(
            chain(to_space, [[marks.a_text]], [[first]]),
            sees=[marks.a_start, marks.a_text, first],
        )
        program.apply(
            chain([], [over], [[word]]),
            chain(to_space, [], [[word]], [[marks.a_mark]]),
            sees=[*s1.y, word, marks.a_mark, marks.a_start, marks.a_text],
        )

    def quotations(self) -> None:
        """Where the last word of a bridge closes a quotation, the mark stands behind it; else P' is as without one."""
        program, state = self.program, self.state
        y, closing = state.p.y, state.closing
        quote = program.glyph('"')
        program.apply(multiple({y[closing]: [y[0], quote]}))
        program.apply(single({y[closing + n]: y[n] for n in range(1, len(y) - closing)}))

    def words(self) -> None:
        """Rows and places to words, words with slots to their parts."""
        program, machine, state = self.program, self.machine, self.state
        glyphs = program.bases(len(machine.words))
        rows: dict[int, dict[int, Sequence[int]]] = defaultdict(
            dict
        )  # high digit, low digit: words
        longest = [0] * THEMES
        for index, row in enumerate(machine.rows):
            high, low = divmod(state.rows.number[index], THEMES)
            rows[high][low] = row.words
            longest[low] = max(longest[low], len(row.words))
        places = [program.marks(length) for length in longest]
        self._place(places)
        lists = {}
        for high, block in rows.items():
            words = {
                places[low][len(row) - 1 - n]: glyphs[number]
                for low, row in block.items()
                for n, number in enumerate(row)
            }
            if words:
                lists[high] = [(0, program.define(single(words)))]
        every = [glyph for some in places for glyph in some]
        numbers = {glyph: n for n, glyph in enumerate(state.s1.y)}
        sees = [*state.s1.y, *every]
        program.apply(*program.by_class(every, numbers, lists, sees=sees), sees=sees)
        parts = {}
        for glyph, word in zip(glyphs, machine.words, strict=True):
            if word.slot:
                parts[glyph] = self._parts(word)
            else:
                self.expansion[glyph] = self._glyphs(word.before + word.core + word.after)
        program.apply(*multiples(parts))

    def _place(self, places: Sequence[Sequence[int]]) -> None:
        """P' and the nearest S0' before it become one number: those of a row lie side by side, so that each lookup is
        a distance."""
        program, state = self.program, self.state
        numbers = {glyph: n for n, glyph in enumerate(state.s0.y)}
        to_place = {
            n: program.to(dict(zip(state.p.y, row, strict=False)))
            for n, row in enumerate(places)
            if row
        }
        sees = [*state.s0.y, *state.p.y]
        program.apply(*program.by_class(state.p.y, numbers, to_place, sees=sees), sees=sees)

    def _glyphs(self, text: str) -> list[int]:
        """Glyphs of a text of the story, with the story's own space."""
        return [self.space if c == " " else self.program.glyph(c) for c in text]

    def _parts(self, word: StoryWord) -> list[int]:
        blanks = [digit.blank["y"] for digit in self._digits(word.core)]
        return [
            *self._glyphs(word.before),
            self.slot[word.core],
            *blanks,
            *self._glyphs(word.after),
        ]

    def _digits(self, slot: str) -> list[Digit]:
        """The registers that fill a slot."""
        state = self.state
        if slot in FORMS:
            return [state.h1, state.h0]
        if slot in FRIEND_FORMS:
            return [state.f1, state.f0]
        if slot in FRIEND_PRONOUNS:
            return [state.f1]
        return [state.q if slot in THINGS else state.g]

    def slots(self) -> None:
        """A slot and the hero, or another register, become a word."""
        program, machine, state = self.program, self.machine, self.state
        program.apply(
            *(
                chain([(0, digit.copy(["y"]))], [], [[digit.blank["y"]]])
                for digit in (state.h1, state.h0, state.f1, state.f0, state.q, state.g)
            )
        )
        sets: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for place, (name, friend) in enumerate(zip(FORMS, FRIEND_FORMS, strict=True)):
            for slot, (first, second) in (
                (name, (state.h1.y, state.h0.y)),
                (friend, (state.f1.y, state.f0.y)),
            ):
                ligs: list[tuple[tuple[int, ...], int]] = []
                for hero, forms in enumerate(machine.forms):
                    if slot == friend and hero >= machine.heroes:
                        continue
                    for number in state.heroes.numbers(hero):
                        high, low = divmod(number, HERO_BASE)
                        word = self._name(low) if forms is None else self._word(forms[place])
                        ligs.append(((first[high], second[low]), word))
                sets[self.slot[slot]] = ligs
        for name, shown in PRONOUNS.items():
            sets[self.slot[name]] = [
                ((state.g.y[gender],), self._word(shown[gender])) for gender in (0, 1)
            ]
        for name, shown in FRIEND_PRONOUNS.items():
            sets[self.slot[name]] = [
                ((glyph,), self._word(shown[state.heroes.gender.get(high, 0)]))
                for high, glyph in enumerate(state.f1.y)
            ]
        for slot, glyph in ((slot, self.slot[slot]) for slot in THINGS):
            sets[glyph] = [
                ((state.q.y[1 + n],), self._word(plural(thing) if slot == "things" else thing))
                for n, thing in enumerate(machine.things)
            ]
        program.apply(*ligatures(sets))

    def _name(self, length: int) -> int:
        """The glyph that becomes a name's letters, of which there are so many."""
        key = f"<{length}>"
        if key not in self.spelt:
            self.spelt[key] = self.program.bases(1)[0]
            self.expansion[self.spelt[key]] = self.name[:length]
        return self.spelt[key]

    def _word(self, text: str) -> int:
        if text not in self.spelt:
            self.spelt[text] = self.program.bases(1)[0]
            self.expansion[self.spelt[text]] = self._glyphs(text)
        return self.spelt[text]

    def letters_of_words(self) -> None:
        """Words to letters; a name that no list has, letter by letter, the first one a capital."""
        program = self.program
        program.apply(*multiples(self.expansion))
        upper, lower = ([program.glyph(letter) for letter in case] for case in (UPPER, LOWER))
        becomes = {
            n: program.to({self.name[0]: upper[n], **dict.fromkeys(self.name[1:], lower[n])})
            for n in range(len(upper))
        }
        rules = []
        for name, digit in zip(self.name, self.letters, strict=True):
            source = {glyph: n for n, glyph in enumerate(digit.x)}
            sees = [*source, name]
            lookup = program.define(
                *program.by_class([name], source, becomes, sees=sees), sees=sees
            )
            rules.append(chain([(0, lookup)], [], [[name]]))
        program.apply(*rules)


def _restore(program: Program, typed: Typed) -> None:
    """Tags and all that came between the typed letters go: each letter and what follows it become the letter."""
    gone = typed.blank
    program.apply(single(dict.fromkeys([*typed.tags, *typed.temporary], gone) | typed.name_starts))
    counts = range(LETTERS + 2, 0, -1)
    program.apply(
        *ligatures(
            {twin: [((gone,) * n, typed.twins[twin]) for n in counts] for twin in typed.tagged}
        )
    )
    program.apply(single(typed.twins))


def unflag(program: Program, state: State, letters: list[Digit]) -> None:
    """ss20: what is unsafe to break goes from each cluster, so that nothing in a run says so any more."""
    glyphs = [*state.before_y, *(g for digit in letters for g in digit.sees())]
    program.apply(*multiples({glyph: [] for glyph in glyphs}), feature="ss20")
