"""Of the third stage: the row of the longest known end of the prompt, by words or by classes of similar words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.machine import Machine
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.state import FIRST, State
from fontgen.automaton.opentype.subtables import (
    Rule,
    chain_classes,
    chain_glyphs,
)
from fontgen.automaton.opentype.typed import Typed

GROUPS = 96
"""Lookups over which the ends of prompts are spread."""
MOST_IN_SUBTABLE = 800
"""Ends in a subtable: a rule has at most 82 bytes, and offsets reach 65,535."""


def rows_by_words(
    program: Program,
    state: State,
    contexts: Sequence[tuple[list[int], int]],
    blank: str,
    tags: Sequence[int],
) -> None:
    """Rows by the tags before; of several that match, the longest. Spread over lookups by the last tag."""
    if not contexts:
        return
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
                {first: [Rule(state.row_records(row), before, [second]) for before, row in part]}
            )
            for part in (
                group[i : i + MOST_IN_SUBTABLE] for i in range(0, len(group), MOST_IN_SUBTABLE)
            )
        ]
        apply = (0, program.define(*nested, sees=sees))
        rules.append(Rule([apply], before=[1 + number]))
    program.apply(chain_classes([first], {0: rules}, before=classes), sees=sees)


def rows_by_classes(
    program: Program,
    machine: Machine,
    typed: Typed,
    state: State,
    ends: Mapping[tuple[str, ...], int],
    blank: str,
    tags: Sequence[int],
) -> None:
    """Rows by the classes of the words before; of several ends that match, the longest. Words of no class that are
    in no end, known or not, are of class 0.

    One list: it is read once for each run, and a table of the tags' classes, some 10 KB, stands in each subtable.
    """
    if not ends:
        return
    first, second = [state.s1.blank[blank]], [state.s0.blank[FIRST]]
    names = sorted({word for end in ends for word in end} - {CLASS})
    number = {name: 1 + n for n, name in enumerate(names)} | {CLASS: 0}
    stop = 1 + len(names)
    classes = dict.fromkeys([*state.ends, *first, *second], stop)
    own = {word for table in machine.similar for end in table for word in end}
    for word, tag in typed.tag.items():
        name = machine.classes.get(word, word if word in own else CLASS)
        classes[tag] = number.get(name, stop)
    sees = [*tags, *first, *second, *state.ends]
    ordered = sorted(ends, key=lambda end: (-len(end), end))
    parts = [ordered[i : i + MOST_IN_SUBTABLE] for i in range(0, len(ends), MOST_IN_SUBTABLE)]
    subtables = [
        chain_classes(
            first,
            {
                0: [
                    Rule(state.row_records(ends[end]), [number[word] for word in end[::-1]], [1])
                    for end in part
                ]
            },
            before=classes,
            inputs={second[0]: 1},
        )
        for part in parts
    ]
    program.apply(*subtables, sees=sees)
