"""Fourth stage: every mark takes over the registers of the mark before it, and a word of the row.

Two lookups, from left to right. What they find before a blank has been filled just before:

    hero, gender, friend, theme,
    thing, telling                 as they were; a question mark adds one to the telling
    row S, left P                  of a hidden mark: as they were
                                   of a mark: S, P - 1; where P was 0, the row that follows S
    S', P'                         copies of S and P: they say which word is shown
"""

from __future__ import annotations

from fontgen.automaton.content.kinds import Kind
from fontgen.automaton.content.words import QUOTES
from fontgen.automaton.machine import LETTERS, TELLINGS, Machine
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.registers import Digit
from fontgen.automaton.opentype.state import BRIDGES, FIRST, HOLD, NEXT, State
from fontgen.automaton.opentype.subtables import (
    Rule,
    Subtable,
    chain,
    chain_classes,
    multiple,
    single,
)
from fontgen.automaton.opentype.typed import Typed


def walk(program: Program, machine: Machine, typed: Typed, state: State) -> list[Digit]:
    """Append the lookups of this stage; returns the letters of a name that no list has, each a digit."""
    state.expand_carried()
    _carry(program, state)
    letters = _hand_on_letters(program, typed, state)
    state.expand_rows()
    _Walk(program, machine, typed, state).run()
    return letters


def _carry(program: Program, state: State) -> None:
    """Hand on what is the same all through a run, or nearly: some marks at once, and the rest one by one.

    The first only saves time, and is of the feature ``calt``, which is off where lines are to be broken between marks.
    """
    another = state.telling.copy(
        ["question"], change=lambda n: (n + 1) % TELLINGS + n // TELLINGS * TELLINGS
    )
    program.apply(*(digit.hand_on(NEXT) for digit in state.carried), feature="calt")
    program.apply(
        *(_fill([digit.copy([NEXT])], digit, NEXT) for digit in state.carried),
        _fill([another], state.telling, "question"),
    )


def _fill(lookups: list[int], digit: Digit, blank: str) -> Subtable:
    return chain([(0, lookup) for lookup in lookups], [], [[digit.blank[blank]]])


class _Walk:
    def __init__(self, program: Program, machine: Machine, typed: Typed, state: State):
        self.program, self.machine, self.typed, self.state = program, machine, typed, state

    def run(self) -> None:
        program, state = self.program, self.state
        s1, s0, p = state.s1, state.s0, state.p
        ends = [p.x[0], p.x[state.closing]]
        over = ends, [s1.blank[NEXT]]
        copy_row = s1.copy([HOLD, NEXT]), s0.copy([HOLD, NEXT])
        length = self._length()
        less = program.define(single({p.x[n]: p.x[max(n - 1, 0)] for n in range(state.closing)}))
        follow = program.define(
            chain([(0, self._follow())], *([part] for part in over)),
            sees=[*p.x, s1.blank[NEXT]],
        )
        begin = program.define(
            chain([(0, length), (0, less)], [ends], [[p.blank[NEXT]]]),
            chain(
                [
                    (
                        0,
                        p.copy(
                            [NEXT], change=lambda n: n - 1 if n not in (0, state.closing) else None
                        ),
                    )
                ],
                [],
                [[p.blank[NEXT]]],
            ),
            sees=[*p.x, p.blank[NEXT]],
        )
        # A row that follows fills both digits; where none does, they are copied.
        program.apply(
            _fill([copy_row[0]], s1, HOLD),
            _fill([copy_row[1]], s0, HOLD),
            _fill([follow, copy_row[0]], s1, NEXT),
            _fill([copy_row[1]], s0, NEXT),
            _fill([length, self._closing()], p, FIRST),
            _fill([p.copy([HOLD])], p, HOLD),
            _fill([begin], p, NEXT),
        )
        for digit in (s1, s0, p):
            subtable, sees = digit.copy_to_y()
            program.apply(subtable, sees=sees)

    def _length(self) -> int:
        """P becomes the number of words of the row S."""
        state, p = self.state, self.state.p
        lengths = state.rows.lengths
        subtable, sees = state.by_pair(
            [p.blank[FIRST], p.blank[NEXT]],
            (state.s1, state.s0),
            lengths,
            {length: p.set(length) for length in set(lengths.values())},
        )
        return self.program.define(subtable, sees=sees)

    def _closing(self) -> int:
        """P of a bridge that does not close the quotation that the prompt opened becomes one that does."""
        program, state, p = self.program, self.state, self.state.p
        counts = range(p.size - state.closing)
        close = program.to({p.x[n]: p.x[state.closing + n] for n in counts})
        opened = [self.typed.tag[QUOTES[0]]]
        bridges = set(state.rows.digits(*BRIDGES)) - state.rows.closes
        values = [p.x[n] for n in counts]
        where_open = program.define(
            chain(close, [opened], [values]),
            sees=[*values, *opened, self.typed.tag[QUOTES[1]], *state.ends],
        )
        return program.define(
            chain([(0, where_open)], [[state.s1.x[n] for n in bridges]], [values]),
            sees=[*values, *state.s1.x],
        )

    def _follow(self) -> int:
        """The blanks S1 S0 become the row that follows the nearest S1 before them, by its kind."""
        program, state, phrase = self.program, self.state, self.machine.phrase
        s1, s0, rows = state.s1, state.s0, state.rows
        blanks = [s1.blank[NEXT]], [s0.blank[NEXT]]
        sees = [*s1.x, blanks[0][0], blanks[1][0]]

        def when(kinds: list[Kind], records: list[tuple[int, int]]) -> Subtable:
            return chain(records, [[s1.x[n] for n in rows.digits(*kinds)]], blanks)

        introduce = program.define(
            chain(
                state.row_records(phrase["introduction"]),
                [[state.h1.x[n] for n in state.heroes.default]],
                blanks,
            ),
            sees=[*state.h1.x, blanks[0][0], blanks[1][0]],
        )
        tell = [(0, self._connect())]
        kinds = {
            Kind.PLAIN: [(0, introduce), *tell],
            Kind.GO: tell,
            Kind.INTRODUCTION: tell,
            Kind.DAY: state.row_records(phrase["later"]),
            Kind.PHRASE: [(0, self._body_high()), (1, self._body_low())],
        }
        present = [kind for kind in kinds if rows.digits(kind)]
        ends = [Kind.BODY, Kind.WHOLE, Kind.END]
        return program.define(
            *(when([kind], kinds[kind]) for kind in present),
            when(ends, state.row_records(phrase["end"])),
            sees=sees,
        )

    def _connect(self) -> int:
        """ "One day," or, where the story is under way, "Later on,"."""
        program, state, phrase = self.program, self.state, self.machine.phrase
        blanks = [state.s1.blank[NEXT], state.s0.blank[NEXT]]
        before = {glyph: 1 + n // TELLINGS % 2 for n, glyph in enumerate(state.telling.x)}
        rules = [
            Rule(state.row_records(phrase[name]), [1 + n], [1])
            for n, name in enumerate(("one_day", "later"))
        ]
        return program.define(
            chain_classes([blanks[0]], {0: rules}, before=before, inputs={blanks[1]: 1}),
            sees=[*state.telling.x, *blanks],
        )

    def _body_high(self) -> int:
        state = self.state
        source = {
            glyph: n % TELLINGS + n // (2 * TELLINGS) * TELLINGS
            for n, glyph in enumerate(state.telling.x)
        }
        return state.s1.copy([NEXT], source, sees=[*source, state.s1.blank[NEXT]])

    def _body_low(self) -> int:
        state = self.state
        source = {glyph: n for n, glyph in enumerate(state.t.x)}
        return state.s0.copy([NEXT], source, sees=[*source, state.s0.blank[NEXT]])


def _hand_on_letters(program: Program, typed: Typed, state: State) -> list[Digit]:
    """Where the hero is a name that no list has, the cluster gets its letters, each from the nearest before."""
    letters = [Digit(program, 26, NEXT) for _ in range(LETTERS)]
    unlisted = [state.h1.x[state.heroes.unlisted]]
    insert = []
    for length in typed.name_length:
        glyph = state.h0.x[length]
        blanks = [digit.blank[NEXT] for digit in letters[:length]]
        lookup = program.define(multiple({glyph: [glyph, *blanks]}))
        insert.append(chain([(0, lookup)], [unlisted], [[glyph]]))
    program.apply(*insert)
    sources = [
        {glyph: n for n, glyph in enumerate(numbers)} | digit.values
        for digit, numbers in zip(letters, typed.name_letters, strict=True)
    ]
    pairs = list(zip(letters, sources, strict=True))
    program.apply(*(digit.hand_on(NEXT, source) for digit, source in pairs), feature="calt")
    copies = [
        digit.copy([NEXT], source, sees=[digit.blank[NEXT], *source]) for digit, source in pairs
    ]
    program.apply(
        *(_fill([copy], digit, NEXT) for digit, copy in zip(letters, copies, strict=True))
    )
    return letters
