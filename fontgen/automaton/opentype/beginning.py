"""Third stage: the first mark of a run reads the typed words into registers.

Each register has sources, in order; the first that has something fills the blank, and the rest then
find no blank to fill. In a rule this is a list of nested lookups, all applied at the same place.
"""

from __future__ import annotations

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN, THING
from fontgen.automaton.content.slots import plural
from fontgen.automaton.machine import TELLINGS, Machine, hero_theme, telling
from fontgen.automaton.opentype.ends import rows_by_classes, rows_by_words
from fontgen.automaton.opentype.heroes import Heroes
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import AGAIN, FIRST, NOBODY, WHOLE, State
from fontgen.automaton.opentype.subtables import (
    Record,
    Rule,
    chain,
    chain_classes,
    multiples,
    single,
)
from fontgen.automaton.opentype.typed import Typed


def begin(program: Program, machine: Machine, typed: Typed, state: State) -> None:
    """Append the lookups of this stage."""
    _Beginning(program, machine, typed, state).run()


class _Beginning(Heroes):
    def run(self) -> None:
        self._mark_first()
        self.mark_heroes()
        self.fill(self.hash())
        self.fill(self.hero_digits())
        self.find_friend()
        self.fill(self.gender(), *self._typed_theme())
        self._openings()
        self._ends()
        self.fill(self._row_theme(), self._telling(with_theme=True))
        self.fill(self._own_thing())
        self.fill(self._other_theme(), self._telling(with_theme=False))
        self.fill(self._other_thing())
        self._change_telling()

    def _mark_first(self) -> None:
        """A mark before the text's first tag: whole prompts begin there."""
        tags = [*self.typed.tags, self.typed.blank]
        sees = [*tags, *self.state.ends]
        insert = self.program.define(*multiples({tag: [self.first, tag] for tag in tags}))
        self.program.apply(chain([], [sees], [tags]), chain([(0, insert)], [], [tags]), sees=sees)

    def _typed_theme(self) -> list[tuple[Digit, list[int]]]:
        """The theme of the last word that has one, and that word, if it is a thing, or the theme's own."""
        t, q, machine = self.state.t, self.state.q, self.machine
        source = {self.typed.tag[word]: theme for word, theme in machine.themes.items()}
        own = {word: self._own_number(theme) for word, theme in machine.themes.items()}
        for number, thing in enumerate(machine.things, 1):
            own |= {word: number for word in (plural(thing), thing) if word in own}
        things = {self.typed.tag[word]: number for word, number in own.items()}
        return [
            (t, [t.copy([FIRST], source, sees=self.sees(t, source))]),
            (q, [q.copy([FIRST], things, sees=self.sees(q, things))]),
        ]

    def _own_number(self, theme: int) -> int:
        """Number of a theme's own thing; 0 where it has none."""
        return 1 + self.machine.own_thing.get(theme, -1)

    def _own_thing(self) -> tuple[Digit, list[int]]:
        """The own thing of the theme that stands in the same mark, where it is known by now."""
        t, q = self.state.t, self.state.q
        source = {glyph: self._own_number(theme) for theme, glyph in enumerate(t.x)}
        return q, [q.copy([FIRST], source, sees=[q.blank[FIRST], t.blank[FIRST], *source])]

    def _other_thing(self) -> tuple[Digit, list[int]]:
        """The thing of the run before, as its theme; else the theme's own."""
        q = self.state.q
        before = q.copy([FIRST], sees=[q.blank[FIRST], *q.x])
        return q, [before, *self._own_thing()[1]]

    def _openings(self) -> None:
        """The row of a whole story, where the whole text is its opening and no other story is asked for."""
        program, state = self.program, self.state
        for n in range(1, TELLINGS):
            again = single({state.s1.blank[WHOLE]: state.s1.blank[AGAIN]})
            program.apply(again, feature=f"ss{n:02}")
        contexts = [
            ([*self._tags_of(prompt)[::-1], self.first], row)
            for prompt, row in self.machine.openings.items()
        ]
        tags = [*self.typed.tags, *self.hero_tag.values(), self.typed.blank, self.first]
        rows_by_words(program, state, contexts, WHOLE, tags)
        defaults = [state.h1.x[n] for n in state.heroes.default]
        blanks = [state.s1.blank[WHOLE], state.s1.blank[AGAIN]]
        nobody = program.to(dict.fromkeys(blanks, state.s1.blank[NOBODY]))
        program.apply(chain(nobody, [defaults], [blanks]), sees=[*state.h1.x, *blanks])
        program.apply(single({state.s1.blank[WHOLE]: state.s1.blank[AGAIN]}))

    def _tags_of(self, prompt: tuple[str, ...]) -> list[int]:
        """The tags of a whole prompt's words, heroes marked as `_mark_heroes` does."""
        tags, best = [], 3
        for word in prompt:
            kind = 3
            if word in self.hero_index:
                kind = (NAME, NOUN, THING).index(self.machine.kinds[self.hero_index[word]])
            tags.append(self.hero_tag[word] if kind < best else self.typed.tag[word])
            best = min(best, kind)
        return tags

    def _ends(self) -> None:
        """The row of the longest known end of the prompt."""
        program, state, typed = self.program, self.state, self.typed
        classes: dict[int, int] = {}
        for kind, words in self.of_kind.items():
            for word in words:
                plain = typed.tag[CLASSES[kind]] if kind in CLASSES else typed.tag[word]
                classes |= {typed.tag[word]: plain, self.hero_tag[word]: plain}
        classes = {tag: plain for tag, plain in classes.items() if tag != plain}
        program.apply(single(classes))
        tags = [*typed.tags, typed.blank]
        blanks = (NOBODY, AGAIN)
        of_words = [
            [([typed.tag[word] for word in end[::-1]], row) for end, row in ends.items()]
            for ends in self.machine.ends
        ]
        for contexts, blank in zip(of_words, blanks, strict=True):
            some = [context for context in contexts if len(context[0]) > 1]
            rows_by_words(program, state, some, blank, tags)
        for ends, blank in zip(self.machine.similar, blanks, strict=True):
            rows_by_classes(program, self.machine, typed, state, ends, blank, tags)
        for contexts, blank in zip(of_words, blanks, strict=True):
            some = [context for context in contexts if len(context[0]) == 1]
            rows_by_words(program, state, some, blank, tags)
        self._unknown_ends([*tags, *state.ends])

    def _unknown_ends(self, something: list[int]) -> None:
        """Rows of prompts of which no end is known, and of no prompt at all."""
        state, phrase = self.state, self.machine.phrase
        nobody, again = [state.s1.blank[NOBODY]], [state.s1.blank[AGAIN]]
        low = [state.s0.blank[FIRST]]
        self.program.apply(
            chain(state.row_records(phrase["without_hero"]), [something], [nobody, low]),
            chain(state.row_records(phrase["opening"]), [], [nobody, low]),
            chain(state.row_records(phrase["with_hero"]), [], [again, low]),
            sees=[*something, *nobody, *again, *low],
        )

    def _row_theme(self) -> tuple[Digit, list[int]]:
        """The theme of the bridge's own words."""
        state, t = self.state, self.state.t
        themes = {
            state.rows.number[n]: row.theme
            for n, row in enumerate(self.machine.rows)
            if row.theme is not None
        }
        if not themes:
            return t, []
        records = {theme: t.set(theme) for theme in set(themes.values())}
        subtable, sees = state.by_pair([t.blank[FIRST]], (state.s1, state.s0), themes, records)
        return t, [self.program.define(subtable, sees=sees)]

    def _other_theme(self) -> tuple[Digit, list[int]]:
        """The theme of the run before, else one of the hero's."""
        program, state, t = self.program, self.state, self.state.t
        sources = [t.copy([FIRST], sees=[t.blank[FIRST], *t.x])]
        by_choice: dict[int, list[Record]] = {}
        for choice in range(3):
            themes = {
                number: of_hero[hero_theme(8 * choice, len(of_hero))]
                for hero, of_hero in enumerate(self.machine.hero_themes)
                for number in state.heroes.numbers(hero)
            }
            records = {theme: t.set(theme) for theme in set(themes.values())}
            subtable, sees = state.by_pair([t.blank[FIRST]], (state.h1, state.h0), themes, records)
            by_choice[choice] = [(0, program.define(subtable, sees=sees))]
        numbers = {glyph: n // 8 for n, glyph in enumerate(state.v.x)}
        sees = [*state.v.x, t.blank[FIRST]]
        sources.append(
            program.define(
                *program.by_class([t.blank[FIRST]], numbers, by_choice, sees=sees), sees=sees
            )
        )
        return t, sources

    def _telling(self, *, with_theme: bool) -> tuple[Digit, list[int]]:
        """By the last word's hash where the theme is known by now; else the one after the last run's; else the hash."""
        program, state, digit = self.program, self.state, self.state.telling
        blank = digit.blank[FIRST]
        classes = {glyph: 2 + telling(n) for n, glyph in enumerate(state.v.x)}
        classes |= dict.fromkeys(state.t.x, 1)
        rules = [Rule(digit.set(n), before=[1, 2 + n]) for n in range(TELLINGS)]
        by_hash = program.define(
            chain_classes([blank], {0: rules}, before=classes),
            sees=[*state.v.x, *state.t.x, state.t.blank[FIRST], blank],
        )
        if with_theme:
            return digit, [by_hash]
        before = digit.copy([FIRST], sees=[blank, *digit.x], change=lambda n: (n + 1) % TELLINGS)
        return digit, [before, by_hash]

    def _change_telling(self) -> None:
        """Another by ss01 to ss05; six more where the story is under way."""
        program, digit = self.program, self.state.telling
        for n in range(1, TELLINGS):
            other = {digit.x[k]: digit.x[(k + n) % TELLINGS] for k in range(TELLINGS)}
            program.apply(single(other), feature=f"ss{n:02}")
        self.choose_company()
        under_way = [self.typed.tag[word] for word in self.machine.under_way]
        if under_way:
            told = [k for k in range(digit.size) if k // TELLINGS % 2 == 0]
            later = {digit.x[k]: digit.x[k + TELLINGS] for k in told}
            program.apply(
                chain(program.to(later), [under_way], [list(later)]),
                sees=[*under_way, *later, *self.state.ends],
            )
