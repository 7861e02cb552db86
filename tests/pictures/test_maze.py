"""Mazes: each method makes a perfect maze, the same as in Python; walks; the shown way; Wilson's is uniform."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fontgen.pictures.maze.rules import DIRECTIONS, KEYS, METHODS, WAY, Cell, Maze, Walk
from fontgen.pictures.module import MazeEngine


def _passages(sides: list[int], columns: int) -> set[frozenset[Cell]]:
    """Passages from open sides; fails when two cells do not tell the same of the wall between them."""
    found = Counter()
    for number, open_sides in enumerate(sides):
        x, y = number % columns, number // columns
        for direction, (dx, dy) in enumerate(DIRECTIONS):
            if open_sides >> direction & 1:
                assert 0 <= x + dx < columns and 0 <= y + dy < len(sides) // columns
                found[frozenset(((x, y), (x + dx, y + dy)))] += 1
    assert set(found.values()) <= {2}
    return set(found)


def _reached(passages: set[frozenset[Cell]]) -> set[Cell]:
    neighbours: dict[Cell, list[Cell]] = {}
    for passage in passages:
        a, b = passage
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    reached, waiting = {(0, 0)}, [(0, 0)]
    while waiting:
        for cell in neighbours[waiting.pop()]:
            if cell not in reached:
                reached.add(cell)
                waiting.append(cell)
    return reached


@pytest.mark.parametrize("method", range(len(METHODS)), ids=METHODS)
@given(columns=st.integers(2, 64), rows=st.integers(2, 48), seed=st.integers(0, 2**64 - 1))
def test_mazes_are_spanning_trees(
    maze_engine: MazeEngine, method: int, columns: int, rows: int, seed: int
) -> None:
    passages = _passages(maze_engine.make(columns, rows, method, seed), columns)
    assert len(passages) == columns * rows - 1
    assert len(_reached(passages)) == columns * rows


@pytest.mark.parametrize("method", range(len(METHODS)), ids=METHODS)
@given(columns=st.integers(2, 20), rows=st.integers(2, 16), seed=st.integers(0, 2**64 - 1))
def test_the_same_bits_as_in_python(
    maze_engine: MazeEngine, method: int, columns: int, rows: int, seed: int
) -> None:
    maze = Maze(columns, rows, METHODS[method], seed)
    assert maze_engine.make(columns, rows, method, seed) == maze.open_sides()


@pytest.mark.parametrize("method", range(len(METHODS)), ids=METHODS)
def test_the_largest_is_the_same_too(maze_engine: MazeEngine, method: int) -> None:
    assert maze_engine.make(64, 48, method, 5) == Maze(64, 48, METHODS[method], 5).open_sides()


def test_wilson_is_uniform_over_the_192_mazes_of_3_by_3(maze_engine: MazeEngine) -> None:
    """Kirchhoff: a grid of 3 x 3 has 192 spanning trees. Chi-squared, 191 degrees of freedom."""
    draws = 192 * 80
    source = random.Random(3)
    seen = Counter(
        tuple(maze_engine.make(3, 3, METHODS.index("wilson"), source.getrandbits(64)))
        for _ in range(draws)
    )
    assert len(seen) == 192
    expected = draws / 192
    chi_squared = sum((count - expected) ** 2 / expected for count in seen.values())
    assert 191 - 4 * (2 * 191) ** 0.5 < chi_squared < 191 + 4 * (2 * 191) ** 0.5


def test_the_others_are_not_uniform(maze_engine: MazeEngine) -> None:
    """So the test above can fail."""
    for method in ("backtracker", "prim", "eller"):
        source, draws = random.Random(3), 192 * 25
        seen = Counter(
            tuple(maze_engine.make(3, 3, METHODS.index(method), source.getrandbits(64)))
            for _ in range(draws)
        )
        expected = draws / 192
        unseen = (192 - len(seen)) * expected
        chi_squared = sum((count - expected) ** 2 / expected for count in seen.values()) + unseen
        assert chi_squared > 191 + 10 * (2 * 191) ** 0.5, method


@given(seed=st.integers(0, 2**64 - 1), keys=st.text(alphabet=KEYS, max_size=80))
def test_walks_agree(maze_engine: MazeEngine, seed: int, keys: str) -> None:
    columns, rows, method = 9, 7, seed % len(METHODS)
    walk = Walk(Maze(columns, rows, METHODS[method], seed))
    maze_engine.make(columns, rows, method, seed)
    for key in keys:
        walk.key(key)
        assert maze_engine.walk(key) == walk.cell[0] + columns * walk.cell[1]
        assert maze_engine.steps() == walk.steps
    assert maze_engine.marks() == list(walk.marks.values())


@given(seed=st.integers(0, 2**64 - 1))
def test_the_shown_way_is_the_shortest(maze_engine: MazeEngine, seed: int) -> None:
    """In a tree the way without detours is the only one: found here by walking it."""
    columns, rows = 12, 9
    sides = maze_engine.make(columns, rows, seed % len(METHODS), seed)
    maze_engine.walk("?")
    way = [number for number, marks in enumerate(maze_engine.marks()) if marks & WAY]
    steps, at, before = 0, 0, -1
    while at != columns * rows - 1:
        assert at in way
        following = [
            at + dx + columns * dy
            for direction, (dx, dy) in enumerate(DIRECTIONS)
            if sides[at] >> direction & 1
            and (at + dx + columns * dy in way or at + dx + columns * dy == columns * rows - 1)
            and at + dx + columns * dy != before
        ]
        assert len(following) == 1
        before, at, steps = at, following[0], steps + 1
    assert steps == len(way)


def test_a_run_ends_at_the_next_fork(maze_engine: MazeEngine) -> None:
    """Every run of ten mazes, against single steps."""
    for seed in range(10):
        sides = maze_engine.make(15, 10, 0, seed)
        for _ in range(60):
            before, key = maze_engine.walk("?"), random.Random(seed).choice("WASD")
            direction = "WDSA".index(key)
            at = before
            while sides[at] >> direction & 1 and at != 149:
                dx, dy = DIRECTIONS[direction]
                at += dx + 15 * dy
                if any(sides[at] >> (direction + turn) % 4 & 1 for turn in (1, 3)):
                    break
            assert maze_engine.walk(key) == at
