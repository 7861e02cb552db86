"""Keys to play a game with, in three styles: what ``fontgen verify`` and the tests compare the engines by."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from fontgen.pictures.tetromino.rules import CELLS, COLUMNS, KEYS, Game

STYLES = ("random", "sensible", "kicks")
_TALLEST = 24


def keys(game: Game, style: str, random: Random) -> Iterator[str]:
    """Keys without end; each must be played before the next is asked for.

    style: ``random``, any key; ``sensible``, pieces well placed, so that lines are cleared and levels rise; ``kicks``,
        turns where there is no room, so that pieces are kicked.
    """
    play = {"random": _random, "sensible": _sensible, "kicks": _kicks}[style]
    while True:
        yield from play(game, random)


def _random(game: Game, random: Random) -> Iterator[str]:
    yield random.choice(KEYS)


def _kicks(game: Game, random: Random) -> Iterator[str]:
    yield from random.choice(("A", "D", "aa", "dd", "a", "d", ""))
    yield from random.choice(("w", "q", ""))
    yield from random.choice(("S", "S", "ss", ""))
    yield from random.choices("wwqqwqad", k=random.randrange(2, 7))
    yield from random.choice(("x", "x", "S", "c", ""))


def _sensible(game: Game, random: Random) -> Iterator[str]:
    turn, column = _best_place(game)
    moves = ["w"] * turn if turn < 3 else ["q"]
    moves += ["a" if column < game.x else "d"] * abs(column - game.x)
    if random.random() < 0.05:
        moves.insert(random.randrange(len(moves) + 1), random.choice("cqw.s"))
    yield from moves
    yield random.choice("xxxxS")


def _best_place(game: Game) -> tuple[int, int]:
    """Turns and column of the piece's box where the stack stays low, even and without holes."""
    heights = [
        max((y + 1 for y in range(_TALLEST) if game.rows[y][x]), default=0) for x in range(COLUMNS)
    ]
    places = [
        (_value(game, heights, turn, column), turn, column)
        for turn in range(4)
        for column in range(-2, COLUMNS)
        if all(0 <= column + x < COLUMNS for x, _ in CELLS[game.kind, turn])
    ]
    return max(places)[1:]


def _value(game: Game, heights: list[int], turn: int, column: int) -> float:
    cells = [(column + x, y) for x, y in CELLS[game.kind, turn]]
    row = max(heights[x] - y for x, y in cells)
    placed = {(x, row + y) for x, y in cells}
    after, holes = list(heights), 0
    for x in {x for x, _ in placed}:
        column_rows = [y for placed_x, y in placed if placed_x == x]
        holes += min(column_rows) - heights[x]
        after[x] = max(column_rows) + 1
    full = sum(
        all(game.rows[y][x] or (x, y) in placed for x in range(COLUMNS))
        for y in {y for _, y in placed}
    )
    bumps = sum(abs(a - b) for a, b in zip(after, after[1:], strict=False))
    # Weights as of Yiyuan Lee's "Tetris AI - the (near) perfect bot" (2013), holes heavier.
    return -0.51 * sum(after) + 7.6 * full - 3.5 * holes - 0.18 * bumps
