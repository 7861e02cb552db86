"""The list of the automaton's lookups and the base font's, as bytes."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from fontgen.automaton.opentype.joining import _splice
from fontgen.automaton.opentype.program import MARK_FILTERING, Lookup
from fontgen.automaton.opentype.subtables import EXTENSION, Subtable
from fontgen.errors import FontgenError

BASE_LOOKUP = struct.pack(">HHHH", 1, 0, 1, 8)


def _program(count: int) -> Any:
    """Lookups of one to three subtables, some of which are the same."""
    lookups = [
        Lookup(
            tuple(Subtable(6, b"abc%d" % (n // 2 + i)) for i in range(1 + n % 3)),
            MARK_FILTERING * (n % 2),
            7 if n % 2 else None,
        )
        for n in range(count)
    ]
    return SimpleNamespace(lookups=lookups)


def _u16(data: bytes, at: int) -> int:
    return struct.unpack_from(">H", data, at)[0]


@pytest.mark.parametrize(("count", "base_bytes"), [(9, 100), (2000, 20_000), (2000, 90_000)])
def test_every_lookup_is_found(count: int, base_bytes: int) -> None:
    """Behind a small base the extensions' headers stand, before a large one."""
    program = _program(count)
    base = struct.pack(">HH", 1, 4) + BASE_LOOKUP + bytes(base_bytes)
    data = _splice(program, 5, base, 1)
    assert _u16(data, 0) == count + 1
    for number, lookup in enumerate(program.lookups):
        place = _u16(data, 2 + 2 * number)
        kind, flag, n = struct.unpack_from(">HHH", data, place)
        assert (kind, flag, n) == (EXTENSION, lookup.flag, len(lookup.subtables))
        if flag:
            assert _u16(data, place + 6 + 2 * n) == lookup.mark_set + 5
        for i, subtable in enumerate(lookup.subtables):
            link = place + _u16(data, place + 6 + 2 * i)
            assert struct.unpack_from(">HH", data, link) == (1, subtable.kind)
            start = link + struct.unpack_from(">I", data, link + 4)[0]
            assert data[start : start + len(subtable.data)] == subtable.data
    place = _u16(data, 2 + 2 * count)
    assert data[place : place + 8 + base_bytes] == BASE_LOOKUP + bytes(base_bytes)


def test_too_many_lookups_are_refused() -> None:
    base = struct.pack(">HH", 1, 4) + BASE_LOOKUP
    with pytest.raises(FontgenError, match="more than fit"):
        _splice(_program(6000), 0, base, 1)
