"""An assembler for the subtables of GSUB that the automaton uses.

fontTools would build them from objects, one for each of some hundred thousand rules, and then look
for a packing; here each subtable is written down at once, by its format in the OpenType
specification (https://learn.microsoft.com/typography/opentype/spec/gsub), and goes behind an
extension lookup of its own, so that there is nothing to pack.

Glyphs are glyph ids. Every function returns a `Subtable`; offsets within one have 16 bits, and
`Overflow` says when something does not fit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

SINGLE, MULTIPLE, LIGATURE, CHAINING, EXTENSION, REVERSE = 1, 2, 4, 6, 7, 8
"""Lookup types."""
LARGEST = 60000
"""Bytes of a subtable that is split, so that its offsets reach."""

T = TypeVar("T")

Record = tuple[int, int]
"""Of a contextual rule: a position of its input, and the lookup that is applied there."""


class Overflow(Exception):
    """A subtable needs an offset of more than 16 bits."""


class Subtable(NamedTuple):
    kind: int
    data: bytes


class Rule(NamedTuple):
    """A contextual rule in classes (or glyphs, in `chain_glyphs`).

    before: nearest first. after_first: of the input, without the first glyph.
    """

    records: Sequence[Record]
    before: Sequence[int] = ()
    after_first: Sequence[int] = ()
    ahead: Sequence[int] = ()


def u16(*values: int) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def coverage(glyphs: Iterable[int]) -> bytes:
    """A Coverage table, in the shorter of its formats."""
    ordered = sorted(set(glyphs))
    ranges: list[list[int]] = []
    for index, glyph in enumerate(ordered):
        if ranges and glyph == ranges[-1][1] + 1:
            ranges[-1][1] = glyph
        else:
            ranges.append([glyph, glyph, index])
    if 6 * len(ranges) < 2 * len(ordered):
        return u16(2, len(ranges)) + b"".join(u16(*r) for r in ranges)
    return u16(1, len(ordered), *ordered)


def class_definition(classes: Mapping[int, int]) -> bytes:
    """A ClassDef table, in the shorter of its formats; class 0 is what is not in it."""
    items = sorted((glyph, number) for glyph, number in classes.items() if number)
    ranges: list[list[int]] = []
    for glyph, number in items:
        if ranges and glyph == ranges[-1][1] + 1 and ranges[-1][2] == number:
            ranges[-1][1] = glyph
        else:
            ranges.append([glyph, glyph, number])
    if not items or 6 * len(ranges) <= 2 * (items[-1][0] - items[0][0] + 1) + 2:
        return u16(2, len(ranges)) + b"".join(u16(*r) for r in ranges)
    first, last = items[0][0], items[-1][0]
    values = [classes.get(glyph, 0) for glyph in range(first, last + 1)]
    return u16(1, first, len(values), *values)


def single(mapping: Mapping[int, int]) -> Subtable:
    """Each glyph becomes another; of six bytes and a coverage where all keep their distance."""
    glyphs = sorted(mapping)
    distances = {(mapping[glyph] - glyph) & 0xFFFF for glyph in glyphs}
    if len(distances) == 1:
        return Subtable(SINGLE, _join(u16(1, 0, distances.pop()), [(2, coverage(glyphs))]))
    head = u16(2, 0, len(glyphs), *(mapping[glyph] for glyph in glyphs))
    return Subtable(SINGLE, _join(head, [(2, coverage(glyphs))]))


def multiple(mapping: Mapping[int, Sequence[int]]) -> Subtable:
    """Each glyph becomes a sequence."""
    glyphs = sorted(mapping)
    head = u16(1, 0, len(glyphs)) + bytes(2 * len(glyphs))
    parts = [(2, coverage(glyphs))]
    for index, glyph in enumerate(glyphs):
        sequence = mapping[glyph]
        parts.append((6 + 2 * index, u16(len(sequence), *sequence)))
    return Subtable(MULTIPLE, _join(head, parts))


def multiples(mapping: Mapping[int, Sequence[int]]) -> list[Subtable]:
    """`multiple` in as many subtables as its offsets need."""
    return [multiple(part) for part in _split(mapping, lambda sequence: 6 + 2 * len(sequence))]


def ligature(mapping: Mapping[int, Sequence[tuple[Sequence[int], int]]]) -> Subtable:
    """First glyph to ``(the other glyphs, what they become)``, in order of preference."""
    glyphs = sorted(mapping)
    head = u16(1, 0, len(glyphs)) + bytes(2 * len(glyphs))
    parts = [(2, coverage(glyphs))]
    for index, glyph in enumerate(glyphs):
        ligatures = [u16(result, len(rest) + 1, *rest) for rest, result in mapping[glyph]]
        offsets = [(2 + 2 * i, data) for i, data in enumerate(ligatures)]
        parts.append(
            (6 + 2 * index, _join(u16(len(ligatures)) + bytes(2 * len(ligatures)), offsets))
        )
    return Subtable(LIGATURE, _join(head, parts))


def ligatures(mapping: Mapping[int, Sequence[tuple[Sequence[int], int]]]) -> list[Subtable]:
    """`ligature` in as many subtables as its offsets need; each set of one first glyph stays whole."""
    return [ligature(part) for part in _split(mapping, _size_of_set)]


def _size_of_set(ligature_set: Sequence[tuple[Sequence[int], int]]) -> int:
    return 8 + sum(6 + 2 * len(rest) for rest, _ in ligature_set)


def _split(mapping: Mapping[int, T], size_of: Callable[[T], int]) -> list[dict[int, T]]:
    """Parts of a mapping that each fit a subtable."""
    parts: list[dict[int, T]] = []
    room = 0
    for glyph in sorted(mapping):
        size = size_of(mapping[glyph])
        if size > room:
            parts.append({})
            room = LARGEST
        parts[-1][glyph] = mapping[glyph]
        room -= size
    return parts


def chain(
    records: Sequence[Record],
    before: Sequence[Iterable[int]] = (),
    glyphs: Sequence[Iterable[int]] = (),
    ahead: Sequence[Iterable[int]] = (),
) -> Subtable:
    """One contextual rule, with a set of glyphs for each position (format 3); ``before``: nearest first."""
    head, parts = bytearray(u16(3)), []
    for sequence in (before, glyphs, ahead):
        head += u16(len(sequence))
        for position in sequence:
            parts.append((len(head), coverage(position)))
            head += u16(0)
    head += u16(len(records)) + b"".join(u16(*record) for record in records)
    return Subtable(CHAINING, _join(bytes(head), parts))


def chain_classes(
    glyphs: Iterable[int],
    rules: Mapping[int, Sequence[Rule]],
    *,
    before: Mapping[int, int] | None = None,
    inputs: Mapping[int, int] | None = None,
    ahead: Mapping[int, int] | None = None,
) -> Subtable:
    """Contextual rules by the class of the first glyph (format 2)."""
    count = max(rules) + 1
    head = u16(2, 0, 0, 0, 0, count) + bytes(2 * count)
    parts = [
        (2, coverage(glyphs)),
        (4, class_definition(before or {})),
        (6, class_definition(inputs or {})),
        (8, class_definition(ahead or {})),
    ]
    parts += [(12 + 2 * number, _rule_set(rules[number])) for number in sorted(rules)]
    return Subtable(CHAINING, _join(head, parts))


def chain_glyphs(rules: Mapping[int, Sequence[Rule]]) -> Subtable:
    """Contextual rules by the first glyph, contexts in glyphs (format 1)."""
    glyphs = sorted(rules)
    head = u16(1, 0, len(glyphs)) + bytes(2 * len(glyphs))
    parts = [(2, coverage(glyphs))]
    parts += [(6 + 2 * i, _rule_set(rules[glyph])) for i, glyph in enumerate(glyphs)]
    return Subtable(CHAINING, _join(head, parts))


def reverse(mapping: Mapping[int, int], ahead: Sequence[Iterable[int]]) -> Subtable:
    """Glyphs that become others where some follow, from the end of the text to its beginning (type 8)."""
    glyphs = sorted(mapping)
    head, parts = bytearray(u16(1, 0, 0)), [(2, coverage(glyphs))]
    head += u16(len(ahead))
    for position in ahead:
        parts.append((len(head), coverage(position)))
        head += u16(0)
    head += u16(len(glyphs), *(mapping[glyph] for glyph in glyphs))
    return Subtable(REVERSE, _join(bytes(head), parts))


def _rule_set(rules: Sequence[Rule]) -> bytes:
    head = u16(len(rules)) + bytes(2 * len(rules))
    return _join(head, [(2 + 2 * i, _rule(rule)) for i, rule in enumerate(rules)])


def _rule(rule: Rule) -> bytes:
    return (
        u16(len(rule.before), *rule.before)
        + u16(len(rule.after_first) + 1, *rule.after_first)
        + u16(len(rule.ahead), *rule.ahead)
        + u16(len(rule.records))
        + b"".join(u16(*record) for record in rule.records)
    )


def _join(head: bytes, parts: Sequence[tuple[int, bytes]]) -> bytes:
    """A table's head and what its 16-bit offsets point to; short parts first, equal ones once."""
    result, tail = bytearray(head), bytearray()
    where: dict[bytes, int] = {}
    for position, data in sorted(parts, key=lambda part: len(part[1])):
        if data not in where:
            where[data] = len(head) + len(tail)
            tail += data
        if where[data] > 0xFFFF:
            raise Overflow(f"an offset of {where[data]}")
        struct.pack_into(">H", result, position, where[data])
    return bytes(result + tail)
