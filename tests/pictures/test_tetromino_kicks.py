"""The Super Rotation System: each kick of each turn, against the tables as they are published."""

from __future__ import annotations

import pytest
from support.falling_blocks import Both

from fontgen.pictures.module import TetrominoEngine
from fontgen.pictures.tetromino.rules import CELLS

# As at https://tetris.wiki/Super_Rotation_System: columns to the right, rows up; test 1 is the turn itself.
PUBLISHED = {
    "JLSTZ": """
        0->R (0,0) (-1,0) (-1,+1) (0,-2) (-1,-2)
        R->0 (0,0) (+1,0) (+1,-1) (0,+2) (+1,+2)
        R->2 (0,0) (+1,0) (+1,-1) (0,+2) (+1,+2)
        2->R (0,0) (-1,0) (-1,+1) (0,-2) (-1,-2)
        2->L (0,0) (+1,0) (+1,+1) (0,-2) (+1,-2)
        L->2 (0,0) (-1,0) (-1,-1) (0,+2) (-1,+2)
        L->0 (0,0) (-1,0) (-1,-1) (0,+2) (-1,+2)
        0->L (0,0) (+1,0) (+1,+1) (0,-2) (+1,-2)""",
    "I": """
        0->R (0,0) (-2,0) (+1,0) (-2,-1) (+1,+2)
        R->0 (0,0) (+2,0) (-1,0) (+2,+1) (-1,-2)
        R->2 (0,0) (-1,0) (+2,0) (-1,+2) (+2,-1)
        2->R (0,0) (+1,0) (-2,0) (+1,-2) (-2,+1)
        2->L (0,0) (+2,0) (-1,0) (+2,+1) (-1,-2)
        L->2 (0,0) (-2,0) (+1,0) (-2,-1) (+1,+2)
        L->0 (0,0) (+1,0) (-2,0) (+1,-2) (-2,+1)
        0->L (0,0) (-1,0) (+2,0) (-1,+2) (+2,-1)""",
}
X, Y = 3, 8
"""Where the box stands: far from the walls."""

Kick = tuple[str, int, int, int, tuple[tuple[int, int], ...]]


def _kicks() -> list[Kick]:
    """Kinds, turn before and after, number of the test, and all five places."""
    found = []
    for kinds, table in PUBLISHED.items():
        for line in table.split("\n")[1:]:
            turn, *places = line.split()
            before, after = ("0R2L".index(state) for state in turn.split("->"))
            offsets = tuple(
                (int(x), int(y)) for x, y in (place.strip("()").split(",") for place in places)
            )
            found += [(kinds, before, after, number, offsets) for number in range(5)]
    return found


def _cells(kind: str, turn: int, dx: int = 0, dy: int = 0) -> set[tuple[int, int]]:
    return {(X + x + dx, Y + y + dy) for x, y in CELLS[kind, turn]}


def _blocks(kind: str, before: int, after: int, number: int, offsets) -> set | None:
    """Cells that stand in the way of all earlier places and not of this one; None where there are none."""
    free = _cells(kind, before) | _cells(kind, after, *offsets[number])
    blocks = set()
    for offset in offsets[:number]:
        in_the_way = _cells(kind, after, *offset) - free
        if not in_the_way:
            return None
        blocks.add(min(in_the_way))
    return blocks


def test_there_are_eighty() -> None:
    assert len(_kicks()) == 80


@pytest.mark.parametrize(
    "kick", _kicks(), ids=lambda kick: f"{kick[0]}-{kick[1]}-{kick[2]}-{kick[3]}"
)
def test_each_kick(tetromino_engine: TetrominoEngine, kick: Kick) -> None:
    kinds, before, after, number, offsets = kick
    possible = [kind for kind in kinds if _blocks(kind, before, after, number, offsets) is not None]
    assert possible
    for kind in possible:
        blocks = _blocks(kind, before, after, number, offsets)
        assert blocks is not None
        rows = [
            "".join("#" if (x, y) in blocks else "." for x in range(10)) for y in range(19, -1, -1)
        ]
        both = Both(tetromino_engine).fill(*rows).place(kind, before, X, Y)
        both.play("w" if after == (before + 1) % 4 else "q")
        dx, dy = offsets[number]
        assert both.place_of_piece == (after, X + dx, Y + dy), kind


@pytest.mark.parametrize("key", "wq")
def test_no_place_no_turn(tetromino_engine: TetrominoEngine, key: str) -> None:
    walls = ["#####.####"] * 12
    both = Both(tetromino_engine).fill(*walls).place("I", 1, 3, 4)
    assert both.play(key).place_of_piece == (1, 3, 4)


@pytest.mark.parametrize("key", "wq")
def test_the_square_does_not_turn(tetromino_engine: TetrominoEngine, key: str) -> None:
    both = Both(tetromino_engine).place("O", 0, 4, 8)
    assert both.play(key).place_of_piece == (0, 4, 8)
