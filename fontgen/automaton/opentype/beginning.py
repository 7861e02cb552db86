"""Third stage: the first mark of a run reads the typed words into registers.

Each register has sources, in order; the first that has something fills the blank, and the rest then
find no blank to fill. In a rule this is a list of nested lookups, all applied at the same place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN, THING
from fontgen.automaton.content.format import COMPANIES
from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.content.slots import plural
from fontgen.automaton.content.words import FEMALE, MALE
from fontgen.automaton.machine import TELLINGS, Machine, default_hero, hash_of, hero_theme, telling
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import AGAIN, FIRST, HERO_BASE, NOBODY, WHOLE, State
from fontgen.automaton.opentype.subtables import (
    Record,
    Rule,
    Subtable,
    chain,
    chain_classes,
    chain_glyphs,
    multiples,
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
        self._find_friend()
        self._fill(self._gender(), *self._typed_theme())
        self._openings()
        self._ends()
        self._fill(self._row_theme(), self._telling(with_theme=True))
        self._fill(self._own_thing())
        self._fill(self._other_theme(), self._telling(with_theme=False))
        self._fill(self._other_thing())
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
        insert = self.program.define(*multiples({tag: [self.first, tag] for tag in tags}))
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

    def _find_friend(self) -> None:
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

    def _typed_theme(self) -> list[tuple[Digit, list[int]]]:
        """The theme of the last word that has one, and that word, if it is a thing, or the theme's own."""
        t, q, machine = self.state.t, self.state.q, self.machine
        source = {self.typed.tag[word]: theme for word, theme in machine.themes.items()}
        own = {word: self._own_number(theme) for word, theme in machine.themes.items()}
        for number, thing in enumerate(machine.things, 1):
            own |= {word: number for word in (plural(thing), thing) if word in own}
        things = {self.typed.tag[word]: number for word, number in own.items()}
        return [
            (t, [t.copy([FIRST], source, sees=self._sees(t, source))]),
            (q, [q.copy([FIRST], things, sees=self._sees(q, things))]),
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
        blanks = (NOBODY, AGAIN)
        of_words = [
            [([typed.tag[word] for word in end[::-1]], row) for end, row in ends.items()]
            for ends in self.machine.ends
        ]
        for contexts, blank in zip(of_words, blanks, strict=True):
            self._rows([context for context in contexts if len(context[0]) > 1], blank, tags)
        for ends, blank in zip(self.machine.similar, blanks, strict=True):
            self._similar_rows(ends, blank, tags)
        for contexts, blank in zip(of_words, blanks, strict=True):
            self._rows([context for context in contexts if len(context[0]) == 1], blank, tags)
        self._unknown_ends([*tags, *state.ends])

    def _similar_rows(
        self, ends: Mapping[tuple[str, ...], int], blank: str, tags: Sequence[int]
    ) -> None:
        """Rows by the classes of the words before; of several ends that match, the longest. Words of no class that are
        in no end, known or not, are of class 0."""
        if not ends:
            return
        state, machine = self.state, self.machine
        first, second = [state.s1.blank[blank]], [state.s0.blank[FIRST]]
        names = sorted({word for end in ends for word in end} - {CLASS})
        number = {name: 1 + n for n, name in enumerate(names)} | {CLASS: 0}
        stop = 1 + len(names)
        classes = dict.fromkeys([*state.ends, *first, *second], stop)
        own = {word for table in machine.similar for end in table for word in end}
        for word, tag in self.typed.tag.items():
            name = machine.classes.get(word, word if word in own else CLASS)
            classes[tag] = number.get(name, stop)
        sees = [*tags, *first, *second, *state.ends]
        by_last: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for end in ends:
            by_last[end[-1]].append(end)
        rules = []
        for last, some in sorted(by_last.items()):
            some.sort(key=lambda end: (-len(end), end))
            nested = [
                chain_classes(
                    first,
                    {
                        0: [
                            Rule(
                                state.row_records(ends[end]),
                                [number[word] for word in end[::-1]],
                                [1],
                            )
                            for end in part
                        ]
                    },
                    before=classes,
                    inputs={second[0]: 1},
                )
                for part in (
                    some[i : i + MOST_IN_SUBTABLE] for i in range(0, len(some), MOST_IN_SUBTABLE)
                )
            ]
            rules.append(Rule([(0, self.program.define(*nested, sees=sees))], [number[last]]))
        self.program.apply(chain_classes(first, {0: rules}, before=classes), sees=sees)

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
        self._choose_company()
        under_way = [self.typed.tag[word] for word in self.machine.under_way]
        if under_way:
            told = [k for k in range(digit.size) if k // TELLINGS % 2 == 0]
            later = {digit.x[k]: digit.x[k + TELLINGS] for k in told}
            program.apply(
                chain(program.to(later), [under_way], [list(later)]),
                sees=[*under_way, *later, *self.state.ends],
            )

    def _choose_company(self) -> None:
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
