"""Third stage: the first mark of a run reads the typed words into registers.

Each register has sources, in order; the first that has something fills the blank, and the rest then
find no blank to fill. In a rule this is a list of nested lookups, all applied at the same place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN, THING
from fontgen.automaton.content.words import FEMALE, MALE
from fontgen.automaton.machine import TELLINGS, Machine, default_hero, hash_of, hero_theme, telling
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import AGAIN, FIRST, HERO_BASE, NOBODY, WHOLE, State
from fontgen.automaton.opentype.subtables import (
    Record,
    Rule,
    chain,
    chain_classes,
    chain_glyphs,
    multiple,
    single,
)
from fontgen.automaton.opentype.typed import Typed

GROUPS = 96
"""Lookups over which the ends of prompts are spread."""
MOST_IN_SUBTABLE = 800
"""Ends in a subtable: a rule has at most 82 bytes, and offsets reach 65,535."""


def begin(program: Program, machine: Machine, typed: Typed, state: State) -> None:
    """Append the lookups of this stage."""
    _Beginning(program, machine, typed, state).run()


class _Beginning:
    def __init__(self, program: Program, machine: Machine, typed: Typed, state: State):
        self.program, self.machine, self.typed, self.state = program, machine, typed, state
        kinds = zip(machine.vocabulary, machine.kinds, strict=False)
        self.of_kind: dict[str, list[str]] = {NAME: [], NOUN: [], THING: []}
        for word, kind in kinds:
            self.of_kind[kind].append(word)
        self.hero_tag = {  # the tag of a word that may be the hero
            word: glyph
            for words in self.of_kind.values()
            for word, glyph in zip(words, program.marks(len(words)), strict=True)
        }
        self.hero_index = {word: n for n, word in enumerate(machine.vocabulary[: machine.heroes])}
        self.first = program.mark()
        typed.temporary += [self.first, *self.hero_tag.values()]

    def run(self) -> None:
        self._mark_first()
        self._mark_heroes()
        self._fill(self._hash())
        self._fill(self._hero_digits())
        self._fill(self._gender(), self._typed_theme())
        self._openings()
        self._ends()
        self._fill(self._row_theme(), self._telling(with_theme=True))
        self._fill(self._other_theme(), self._telling(with_theme=False))
        self._change_telling()

    def _fill(self, *sources: tuple[Digit, list[int]]) -> None:
        """One lookup over the text: each digit's blank tries the lookups of its sources."""
        self.program.apply(
            *(
                chain([(0, lookup) for lookup in lookups], [], [[digit.blank[FIRST]]])
                for digit, lookups in sources
            )
        )

    def _sees(self, digit: Digit, *others: Iterable[int]) -> list[int]:
        """A digit's first blank and values, other glyphs, and the ends of marks, where a search stops."""
        glyphs = [glyph for other in others for glyph in other]
        return [digit.blank[FIRST], *digit.x, *glyphs, *self.state.ends]

    def _otherwise(self, digit: Digit, number: int) -> int:
        """A source that always has something."""
        return self.program.define(chain(digit.set(number), [], [[digit.blank[FIRST]]]))

    def _mark_first(self) -> None:
        """A mark before the text's first tag: whole prompts begin there."""
        tags = [*self.typed.tags, self.typed.blank]
        sees = [*tags, *self.state.ends]
        insert = self.program.define(multiple({tag: [self.first, tag] for tag in tags}))
        self.program.apply(chain([], [sees], [tags]), chain([(0, insert)], [], [tags]), sees=sees)

    def _mark_heroes(self) -> None:
        """The first name becomes a hero's tag; so does a noun before it, and a thing before both."""
        stop = list(self.typed.name_starts)
        for words in self.of_kind.values():
            stop += [self.hero_tag[word] for word in words]
            tags = {self.typed.tag[word]: self.hero_tag[word] for word in words}
            if tags:
                self.program.apply(
                    chain([], [[*stop, *tags]], [tags]),
                    chain(self.program.to(tags), [], [tags]),
                    sees=[*tags, *stop, *self.state.ends],
                )

    def _word_tags(self) -> dict[int, str]:
        """Tags of known words, heroes' or not, punctuation left out."""
        tags = {glyph: word for word, glyph in self.typed.tag.items() if word[0].isalpha()}
        return tags | {glyph: word for word, glyph in self.hero_tag.items()}

    def _hash(self) -> tuple[Digit, list[int]]:
        v = self.state.v
        source = {glyph: hash_of(word) for glyph, word in self._word_tags().items()}
        copied = v.copy([FIRST], source, sees=self._sees(v, source))
        return v, [copied, self._otherwise(v, 0)]

    def _hero_digits(self) -> tuple[Digit, list[int]]:
        """Both digits at once: every source fills the two blanks of a pair."""
        program, state, machine = self.program, self.state, self.machine
        h1, h0, heroes = state.h1, state.h0, state.heroes
        blanks = [h1.blank[FIRST]], [h0.blank[FIRST]]
        pair_sees = [h1.blank[FIRST], h0.blank[FIRST], *state.ends]
        starts = list(self.typed.name_starts)
        sources = [
            program.define(
                chain(state.hero_records(machine.unlisted), [starts], blanks),
                sees=[*starts, *pair_sees],
            )
        ]
        sources += [self._from_words(NAME), self._from_words(NOUN)]
        sees = [*pair_sees[:2], *h1.x, *h0.x]
        high = h1.copy(
            [FIRST], sees=[h1.blank[FIRST], *h1.x], change=lambda n: heroes.default.get(n, n)
        )
        low = h0.copy([FIRST], sees=[h0.blank[FIRST], *h0.x])
        sources.append(
            program.define(chain([(0, high), (1, low)], [h0.x, h1.x], blanks), sees=sees)
        )
        sources.append(self._from_words(THING))
        defaults = machine.default_words
        numbers = {glyph: default_hero(n, len(defaults)) for n, glyph in enumerate(state.v.x)}
        rules = [
            Rule(state.hero_records(machine.first_default + n), [1 + n], [1])
            for n in range(len(defaults))
        ]
        sources.append(
            program.define(
                chain_classes(
                    blanks[0],
                    {0: rules},
                    before={glyph: 1 + n for glyph, n in numbers.items()},
                    inputs={h0.blank[FIRST]: 1},
                ),
                sees=[*state.v.x, *pair_sees],
            )
        )
        return h1, sources

    def _from_words(self, kind: str) -> int:
        """The hero whose tag is the nearest before."""
        state, h1, h0 = self.state, self.state.h1, self.state.h0
        first, second = h1.blank[FIRST], h0.blank[FIRST]
        numbers = {
            self.hero_tag[word]: divmod(state.heroes.number[self.hero_index[word]], HERO_BASE)
            for word in self.of_kind[kind]
        }
        sees = [*numbers, first, *state.ends]
        high = h1.copy([FIRST], {tag: n[0] for tag, n in numbers.items()}, sees=sees)
        low = h0.copy(
            [FIRST],
            {tag: n[1] for tag, n in numbers.items()},
            sees=[*numbers, second, *state.ends],
        )
        return self.program.define(
            chain([(0, high), (1, low)], [list(numbers)], [[first], [second]]),
            sees=[*numbers, first, second, *state.ends],
        )

    def _gender(self) -> tuple[Digit, list[int]]:
        state, g = self.state, self.state.g
        of_hero = {state.h1.x[n]: gender for n, gender in state.heroes.gender.items()}
        sources = [
            g.copy([FIRST], of_hero, sees=[*state.h1.x, *self._sees(g)]),
        ]
        pronouns = {
            self.typed.tag[word]: number
            for number, words in enumerate((MALE, FEMALE))
            for word in words
        }
        sources.append(g.copy([FIRST], pronouns, sees=self._sees(g, pronouns)))
        typed = [*self.typed.name_starts, *self.hero_tag.values()]
        sources.append(g.copy([FIRST], dict.fromkeys(typed, 0), sees=self._sees(g, typed)))
        sources.append(g.copy([FIRST], sees=[g.blank[FIRST], *g.x]))
        return g, [*sources, self._otherwise(g, 0)]

    def _typed_theme(self) -> tuple[Digit, list[int]]:
        t = self.state.t
        source = {self.typed.tag[word]: theme for word, theme in self.machine.themes.items()}
        return t, [t.copy([FIRST], source, sees=self._sees(t, source))]

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
        self._rows(contexts, WHOLE, tags)
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
        for ends, blank in zip(self.machine.ends, (NOBODY, AGAIN), strict=True):
            contexts = [([typed.tag[word] for word in end[::-1]], row) for end, row in ends.items()]
            self._rows(contexts, blank, tags)
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

    def _rows(
        self, contexts: Sequence[tuple[list[int], int]], blank: str, tags: Sequence[int]
    ) -> None:
        """Rows by the tags before; of several that match, the longest. Spread over lookups by the last tag."""
        if not contexts:
            return
        state = self.state
        first, second = state.s1.blank[blank], state.s0.blank[FIRST]
        sees = [*tags, first, second, *state.ends]
        by_last: dict[int, list[tuple[list[int], int]]] = defaultdict(list)
        for context in contexts:
            by_last[context[0][0]].append(context)
        groups: list[list[tuple[list[int], int]]] = [[] for _ in range(GROUPS)]
        classes = {}
        for last in sorted(by_last, key=lambda tag: (-len(by_last[tag]), tag)):
            number = min(range(GROUPS), key=lambda n: len(groups[n]))
            groups[number] += by_last[last]
            classes[last] = 1 + number
        rules = []
        for number, group in enumerate(groups):
            if not group:
                continue
            group.sort(key=lambda context: (-len(context[0]), context[0]))
            nested = [
                chain_glyphs(
                    {
                        first: [
                            Rule(state.row_records(row), before, [second]) for before, row in part
                        ]
                    }
                )
                for part in (
                    group[i : i + MOST_IN_SUBTABLE] for i in range(0, len(group), MOST_IN_SUBTABLE)
                )
            ]
            apply = (0, self.program.define(*nested, sees=sees))
            rules.append(Rule([apply], before=[1 + number]))
        self.program.apply(chain_classes([first], {0: rules}, before=classes), sees=sees)

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
                state.heroes.number[hero]: of_hero[hero_theme(8 * choice, len(of_hero))]
                for hero, of_hero in enumerate(self.machine.hero_themes)
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
        under_way = [self.typed.tag[word] for word in self.machine.under_way]
        if under_way:
            later = {digit.x[k]: digit.x[k + TELLINGS] for k in range(TELLINGS)}
            program.apply(
                chain(program.to(later), [under_way], [list(later)]),
                sees=[*under_way, *later, *self.state.ends],
            )
