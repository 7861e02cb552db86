"""Of the third stage: who the story is about, and with whom.

A hero's tag is found as the nearest before the first mark, so tags are marked first: the first name of the text, a
noun before it, a thing before both. The other heroes' tags may be a friend's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fontgen.automaton.content.cast import NAME, NOUN, THING
from fontgen.automaton.content.format import COMPANIES
from fontgen.automaton.content.words import FEMALE, MALE
from fontgen.automaton.machine import TELLINGS, Machine, default_hero, hash_of
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import FIRST, HERO_BASE, State
from fontgen.automaton.opentype.subtables import (
    Rule,
    Subtable,
    chain,
    chain_classes,
)
from fontgen.automaton.opentype.typed import Typed


class Heroes:
    """Fills the digits of hero, gender and friend, and chooses the bodies' company."""

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

    def fill(self, *sources: tuple[Digit, list[int]]) -> None:
        """One lookup over the text: each digit's blank tries the lookups of its sources."""
        self.program.apply(
            *(
                chain([(0, lookup) for lookup in lookups], [], [[digit.blank[FIRST]]])
                for digit, lookups in sources
            )
        )

    def sees(self, digit: Digit, *others: Iterable[int]) -> list[int]:
        """A digit's first blank and values, other glyphs, and the ends of marks, where a search stops."""
        glyphs = [glyph for other in others for glyph in other]
        return [digit.blank[FIRST], *digit.x, *glyphs, *self.state.ends]

    def otherwise(self, digit: Digit, number: int) -> int:
        """A source that always has something."""
        return self.program.define(chain(digit.set(number), [], [[digit.blank[FIRST]]]))

    def mark_heroes(self) -> None:
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

    def word_tags(self) -> dict[int, str]:
        """Tags of known words, heroes' or not, punctuation left out."""
        tags = {glyph: word for word, glyph in self.typed.tag.items() if word[0].isalpha()}
        return tags | {glyph: word for word, glyph in self.hero_tag.items()}

    def hash(self) -> tuple[Digit, list[int]]:
        v = self.state.v
        source = {glyph: hash_of(word) for glyph, word in self.word_tags().items()}
        copied = v.copy([FIRST], source, sees=self.sees(v, source))
        return v, [copied, self.otherwise(v, 0)]

    def hero_digits(self) -> tuple[Digit, list[int]]:
        """Both digits at once: every source fills the two blanks of a pair."""
        program, state, machine = self.program, self.state, self.machine
        h1, h0, heroes = state.h1, state.h0, state.heroes
        blanks = [h1.blank[FIRST]], [h0.blank[FIRST]]
        pair_sees = [h1.blank[FIRST], h0.blank[FIRST], *state.ends]
        lengths = self.typed.name_length
        unlisted = [
            Rule([*h1.set(heroes.unlisted), *h0.set(length, at=1)], [length], [1])
            for length in lengths
        ]
        sources = [
            program.define(
                chain_classes(
                    blanks[0],
                    {0: unlisted},
                    before={glyph: length for length, glyph in lengths.items()},
                    inputs={h0.blank[FIRST]: 1},
                ),
                sees=[*lengths.values(), *pair_sees],
            )
        ]
        tags = {
            kind: {self.hero_tag[word]: self.hero_index[word] for word in words}
            for kind, words in self.of_kind.items()
        }
        sources += [self._from_words(h1, h0, tags[NAME]), self._from_words(h1, h0, tags[NOUN])]
        sees = [*pair_sees[:2], *h1.x, *h0.x]
        high = h1.copy(
            [FIRST], sees=[h1.blank[FIRST], *h1.x], change=lambda n: heroes.default.get(n, n)
        )
        low = h0.copy([FIRST], sees=[h0.blank[FIRST], *h0.x])
        sources.append(
            program.define(chain([(0, high), (1, low)], [h0.x, h1.x], blanks), sees=sees)
        )
        sources.append(self._from_words(h1, h0, tags[THING]))
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

    def _from_words(self, h1: Digit, h0: Digit, tags: Mapping[int, int]) -> int:
        """Both digits of the hero whose tag is the nearest before; ``tags``: of tags, indexes of heroes."""
        state = self.state
        first, second = h1.blank[FIRST], h0.blank[FIRST]
        numbers = {
            tag: divmod(state.heroes.number[index], HERO_BASE) for tag, index in tags.items()
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

    def find_friend(self) -> None:
        """The last hero typed, if that is another; where none is typed, the friend of the run before."""
        program, state = self.program, self.state
        f1, f0 = state.f1, state.f0
        first, second = [f1.blank[FIRST]], [f0.blank[FIRST]]
        typed = {self.typed.tag[word]: self.hero_index[word] for word in self.machine.friends}
        program.apply(chain([(0, self._from_words(f1, f0, typed))], [], [first]))
        program.apply(self._same_as_hero(), sees=[*state.h1.x, *state.h0.x, *f1.x, *f0.x])
        heroes = [*self.typed.name_starts]
        heroes += [self.hero_tag[word] for kind in (NAME, NOUN) for word in self.of_kind[kind]]
        nobody = [*f1.set(state.heroes.nobody), *f0.set(0, at=1)]
        high, low = (digit.copy([FIRST], sees=[digit.blank[FIRST], *digit.x]) for digit in (f1, f0))
        copied = program.define(
            chain([(0, high), (1, low)], [f0.x, f1.x], [first, second]),
            sees=[*first, *second, *f1.x, *f0.x],
        )
        program.apply(
            chain(nobody, [heroes], [first, second]),
            chain([(0, copied)], [f0.x], [first, second]),
            chain(nobody, [], [first, second]),
            sees=[*heroes, *first, *second, *f0.x],
        )

    def _same_as_hero(self) -> Subtable:
        """A friend who is the hero is nobody."""
        program, state = self.program, self.state
        h1, h0, f1, f0 = state.h1, state.h0, state.f1, state.f0
        nobody = program.to(dict.fromkeys(f1.x, f1.x[state.heroes.nobody]))
        sees = [*h0.x, *f1.x, *f0.x]
        low = program.define(
            chain_classes(
                f1.x,
                {0: [Rule(nobody, before=[1 + n], ahead=[1 + n]) for n in range(h0.size)]},
                before={glyph: 1 + n for n, glyph in enumerate(h0.x)},
                ahead={glyph: 1 + n for n, glyph in enumerate(f0.x)},
            ),
            sees=sees,
        )
        any_low = 1 + h1.size
        before = {glyph: 1 + n for n, glyph in enumerate(h1.x)} | dict.fromkeys(h0.x, any_low)
        return chain_classes(
            f1.x,
            {1 + n: [Rule([(0, low)], before=[any_low, 1 + n])] for n in range(h1.size)} | {0: []},
            before=before,
            inputs={glyph: 1 + n for n, glyph in enumerate(f1.x)},
        )

    def gender(self) -> tuple[Digit, list[int]]:
        state, g = self.state, self.state.g
        of_hero = {state.h1.x[n]: gender for n, gender in state.heroes.gender.items()}
        sources = [
            g.copy([FIRST], of_hero, sees=[*state.h1.x, *self.sees(g)]),
        ]
        pronouns = {
            self.typed.tag[word]: number
            for number, words in enumerate((MALE, FEMALE))
            for word in words
        }
        sources.append(g.copy([FIRST], pronouns, sees=self.sees(g, pronouns)))
        typed = [*self.typed.name_starts, *self.hero_tag.values()]
        sources.append(g.copy([FIRST], dict.fromkeys(typed, 0), sees=self.sees(g, typed)))
        sources.append(g.copy([FIRST], sees=[g.blank[FIRST], *g.x]))
        return g, [*sources, self.otherwise(g, 0)]

    def choose_company(self) -> None:
        """Bodies of a hero with a friend, of an animal or a thing, or of a child."""
        program, state, digit = self.program, self.state, self.state.telling
        h1, f1, nobody = state.h1, state.f1, state.heroes.nobody
        company = {
            name: program.to(
                {digit.x[k]: digit.x[k + 2 * TELLINGS * n] for k in range(2 * TELLINGS)}
            )
            for n, name in enumerate(COMPANIES)
            if n
        }
        animals = [h1.x[n] for n in state.heroes.animals]
        values = [digit.x[k] for k in range(2 * TELLINGS)]
        somebody = [glyph for n, glyph in enumerate(f1.x) if n != nobody]
        rules = [chain(company["friends"], [somebody], [values])]
        if animals:
            rules.append(chain(company["animal"], [[f1.x[nobody]], animals], [values]))
        program.apply(*rules, sees=[*h1.x, *f1.x, *values])
