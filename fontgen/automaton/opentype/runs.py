"""First stage: which exclamation and question marks are a run, and the cluster that each becomes.

Every ``!`` becomes two glyphs, ``a b``. The a of a run's first mark looks ahead for the rest; further
on, a looks back at the b of the mark before, and b at its own a:

    typed        !          !          !          ?          !          !
    becomes      start      second     third      question   mark       mark

A mark that is in no run becomes ``!`` again. Only a looks beyond its cluster, so only a is "unsafe to
break" (but for the three hidden marks, where no line would be broken).
"""

from __future__ import annotations

from dataclasses import dataclass

from fontgen.automaton.machine import TELLINGS
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.subtables import chain, ligature, multiple, single


@dataclass(frozen=True)
class Marks:
    """Glyphs of a run.

    Attributes:
        a_start: a of the first mark; with text before it that does not end in a space, ``a_text``.
        a_mark, a_question: a of further marks.
        start: b of the first mark; ``start_again`` where question marks follow.
        hidden: b of the second and third mark.
        question, mark: b of the others.
        others: all that is seen where a run must be seen.
    """

    a_start: int
    a_text: int
    a_hidden: tuple[int, int]
    a_mark: int
    a_question: int
    start: int
    start_again: int
    hidden: tuple[int, int]
    question: int
    mark: int

    @property
    def b(self) -> list[int]:
        return [self.start, self.start_again, *self.hidden, self.question, self.mark]


def find_runs(program: Program) -> Marks:
    """Append the lookups of this stage."""
    bang, space = program.glyph("!"), program.glyph(" ")
    question = program.characters.get(ord("?"))
    a, b, a_start, a_again, a_text, a_second, a_third, a_mark, a_question = program.marks(9)
    start, start_again, second, third, questions, mark = program.marks(6)
    marks = Marks(
        a_start, a_text, (a_second, a_third), a_mark, a_question,
        start, start_again, (second, third), questions, mark,
    )  # fmt: skip
    program.apply(multiple({bang: [a, b]}))

    def becomes(glyph: int, other: int) -> list[tuple[int, int]]:
        return program.to({glyph: other})

    starts = [start, start_again]
    rules = [
        chain(becomes(a, a_second), [starts], [[a]]),
        chain(becomes(a, a_third), [[second]], [[a]]),
        chain(becomes(a, a_mark), [[third, questions, mark]], [[a]]),
        chain(becomes(b, start), [[a_start]], [[b]]),
        chain(becomes(b, start_again), [[a_again]], [[b]]),
        chain(becomes(b, second), [[a_second]], [[b]]),
        chain(becomes(b, third), [[a_third]], [[b]]),
        chain(becomes(b, mark), [[a_mark]], [[b]]),
    ]
    following = [[b], [a], [b], [a], [b]]
    rules.append(chain(becomes(a, a_start), [], [[a]], [*following, [a]]))
    if question:
        for n in range(1, TELLINGS):
            asked: list[list[int]] = [[question]] * n
            rules.append(chain(becomes(a, a_again), [], [[a]], [*following, *asked, [a]]))
            ask = becomes(question, questions)
            rules.append(chain(ask, [[third, questions]], [[question]], [*asked[1:], [a]]))
    program.apply(*rules)
    others = [b, *marks.b]
    program.apply(ligature({glyph: [((other,), bang) for other in others] for glyph in [a]}))
    # The space before the story: not after a space, not at the beginning of the text.
    before = [glyph for glyph in range(program.first_new) if glyph != space]
    program.apply(single({a_again: a_start}))
    program.apply(chain(becomes(a_start, a_text), [before], [[a_start]]))
    return marks
