"""The rules of the falling-block game, told a second time for ``fontgen verify``: no drawing, no speed.

Sources: the Super Rotation System with its kicks as published at https://tetris.wiki/Super_Rotation_System, scores at
https://tetris.wiki/Scoring ("recent guideline compatible games"; the level is that before the clear; a bonus of all
clear comes on top), T-spins by three corners at https://tetris.wiki/T-Spin, spawning, extended placement lock down,
block out and lock out as in the Tetris Guideline of 2009. What the guideline measures in seconds is measured in keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..randomness import Random

KINDS = "IJLOSTZ"
COLUMNS, ROWS, VISIBLE_ROWS = 10, 40, 20
LOCK_DELAY = 15
HIGHEST_LEVEL = 20
SPRINT_LINES, MARATHON_LINES = 40, 150
KEYS = "adswqxc.ADSWQXC"
OUTCOMES = ("playing", "block out", "lock out", "won")

# How the pieces appear, upper row first, in their boxes.
_APPEARING = {
    "I": ("....", "####", "....", "...."),
    "J": ("#..", "###", "..."),
    "L": ("..#", "###", "..."),
    "O": ("##", "##"),
    "S": (".##", "##.", "..."),
    "T": (".#.", "###", "..."),
    "Z": ("##.", ".##", "..."),
}
# Published as the places to try for each turn, from one state to another: 0, R, 2, L are 0 to 3 quarter turns.
_KICKS_OF_MOST = {
    (0, 1): ((0, 0), (-1, 0), (-1, 1), (0, -2), (-1, -2)),
    (1, 0): ((0, 0), (1, 0), (1, -1), (0, 2), (1, 2)),
    (1, 2): ((0, 0), (1, 0), (1, -1), (0, 2), (1, 2)),
    (2, 1): ((0, 0), (-1, 0), (-1, 1), (0, -2), (-1, -2)),
    (2, 3): ((0, 0), (1, 0), (1, 1), (0, -2), (1, -2)),
    (3, 2): ((0, 0), (-1, 0), (-1, -1), (0, 2), (-1, 2)),
    (3, 0): ((0, 0), (-1, 0), (-1, -1), (0, 2), (-1, 2)),
    (0, 3): ((0, 0), (1, 0), (1, 1), (0, -2), (1, -2)),
}
_KICKS_OF_I = {
    (0, 1): ((0, 0), (-2, 0), (1, 0), (-2, -1), (1, 2)),
    (1, 0): ((0, 0), (2, 0), (-1, 0), (2, 1), (-1, -2)),
    (1, 2): ((0, 0), (-1, 0), (2, 0), (-1, 2), (2, -1)),
    (2, 1): ((0, 0), (1, 0), (-2, 0), (1, -2), (-2, 1)),
    (2, 3): ((0, 0), (2, 0), (-1, 0), (2, 1), (-1, -2)),
    (3, 2): ((0, 0), (-2, 0), (1, 0), (-2, -1), (1, 2)),
    (3, 0): ((0, 0), (1, 0), (-2, 0), (1, -2), (-2, 1)),
    (0, 3): ((0, 0), (-1, 0), (2, 0), (-1, 2), (2, -1)),
}
KICKS = {kind: _KICKS_OF_I if kind == "I" else _KICKS_OF_MOST for kind in KINDS if kind != "O"}
"""For each kind that turns, for each turn, the five places to try: columns to the right, rows up."""

_NO_SPIN, _MINI, _FULL = 0, 1, 2
_POINTS = {
    _NO_SPIN: (0, 100, 300, 500, 800),
    _MINI: (100, 200, 400),
    _FULL: (400, 800, 1200, 1600),
}
_ALL_CLEAR = (0, 800, 1200, 1800, 2000)
_ALL_CLEAR_AGAIN = 3200


def _turned(rows: tuple[str, ...]) -> tuple[str, ...]:
    """A quarter turn clockwise."""
    return tuple("".join(column) for column in zip(*rows[::-1], strict=True))


def _cells(rows: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    size = len(rows)
    return tuple(
        (x, size - 1 - y) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark == "#"
    )


def _all_cells() -> dict[tuple[str, int], tuple[tuple[int, int], ...]]:
    cells = {}
    for kind, rows in _APPEARING.items():
        for turn in range(4):
            cells[kind, turn] = _cells(rows)
            rows = _turned(rows)
    return cells


CELLS = _all_cells()
"""The four cells of each kind after each number of quarter turns: column and row in its box, rows upwards."""


@dataclass
class Clear:
    """What the last piece that locked has done."""

    lines: int = 0
    spin: int = _NO_SPIN
    all: bool = False
    back_to_back: bool = False


@dataclass
class Game:
    """A game as it stands. ``seed`` is a 64-bit number; ``goal`` is in lines, 0 for a game without end."""

    seed: int
    level: int = 1
    goal: int = 0
    kind: str = ""
    turn: int = 0
    x: int = 0
    y: int = 0
    held: str | None = None
    hold_used: bool = False
    outcome: int = 0
    """Index into `OUTCOMES`."""
    score: int = 0
    lines: int = 0
    keys: int = 0
    combo: int = -1
    back_to_back: bool = False
    clear: Clear = field(default_factory=Clear)
    ticks: int = 0
    lock_delay: int = 0
    lowest: int = 0
    spin: int = _NO_SPIN

    def __post_init__(self) -> None:
        self.rows: list[list[str | None]] = [[None] * COLUMNS for _ in range(ROWS)]
        self.queue: list[str] = []
        self._random = Random(self.seed)
        self._first_level = self.level
        self._fill_queue()
        self._fill_queue()
        self._appear(self._take_next())

    # The well

    def is_filled(self, x: int, y: int) -> bool:
        """Whether a cell is taken; walls and floor are, what is above the matrix is not."""
        return not 0 <= x < COLUMNS or y < 0 or (y < ROWS and self.rows[y][x] is not None)

    def fits(self, turn: int, x: int, y: int) -> bool:
        return not any(self.is_filled(x + dx, y + dy) for dx, dy in CELLS[self.kind, turn])

    def _move(self, dx: int, dy: int) -> bool:
        if not self.fits(self.turn, self.x + dx, self.y + dy):
            return False
        self.x, self.y, self.spin = self.x + dx, self.y + dy, _NO_SPIN
        return True

    # Turning

    def _rotate(self, quarters: int) -> None:
        if self.kind == "O":
            return
        to = (self.turn + quarters) % 4
        for number, (dx, dy) in enumerate(KICKS[self.kind][self.turn, to]):
            if self.fits(to, self.x + dx, self.y + dy):
                self.turn, self.x, self.y = to, self.x + dx, self.y + dy
                self.spin = self._spin(is_last_kick=number == 4)
                return

    def _spin(self, is_last_kick: bool) -> int:
        if self.kind != "T":
            return _NO_SPIN
        top_left, top_right, low_right, low_left = (
            self.is_filled(self.x + dx, self.y + dy) for dx, dy in ((0, 2), (2, 2), (2, 0), (0, 0))
        )
        if top_left + top_right + low_right + low_left < 3:
            return _NO_SPIN
        front = (
            (top_left, top_right),
            (top_right, low_right),
            (low_right, low_left),
            (low_left, top_left),
        )
        return _FULL if all(front[self.turn]) or is_last_kick else _MINI

    # Pieces come and lock

    def _fill_queue(self) -> None:
        bag = list(KINDS)
        for i in range(6, 0, -1):
            j = self._random.below(i + 1)
            bag[i], bag[j] = bag[j], bag[i]
        self.queue += bag

    def _take_next(self) -> str:
        kind = self.queue.pop(0)
        if len(self.queue) == 7:
            self._fill_queue()
        return kind

    def _appear(self, kind: str) -> None:
        self.kind, self.turn = kind, 0
        # The lowest filled row of the box is the first hidden one, and the middle is rounded to the left.
        lowest = min(y for _, y in CELLS[kind, 0])
        self.x, self.y = (COLUMNS - len(_APPEARING[kind])) // 2, VISIBLE_ROWS - lowest
        self.ticks, self.lock_delay = 0, LOCK_DELAY
        if not self.fits(0, self.x, self.y):
            self.outcome = OUTCOMES.index("block out")
        else:
            self._move(0, -1)
        self.lowest, self.spin = self.y, _NO_SPIN

    def _lock(self) -> None:
        visible = False
        for dx, dy in CELLS[self.kind, self.turn]:
            if self.y + dy < ROWS:
                self.rows[self.y + dy][self.x + dx] = self.kind
            visible = visible or self.y + dy < VISIBLE_ROWS
        kept = [row for row in self.rows if None in row]
        cleared = ROWS - len(kept)
        self.rows = kept + [[None] * COLUMNS for _ in range(cleared)]
        self._score(cleared)
        self.hold_used = False
        if not visible:
            self.outcome = OUTCOMES.index("lock out")
        elif self.goal and self.lines >= self.goal:
            self.outcome = OUTCOMES.index("won")
        else:
            self._appear(self._take_next())

    def _score(self, lines: int) -> None:
        spin = self.spin
        points = _POINTS[spin][lines]
        difficult = lines > 0 and (spin != _NO_SPIN or lines == 4)
        again = difficult and self.back_to_back
        if again:
            points = points * 3 // 2
        if lines:
            self.back_to_back = difficult
            self.combo += 1
        else:
            self.combo = -1
        points += 50 * max(0, self.combo)
        all_clear = lines > 0 and not any(cell for row in self.rows for cell in row)
        if all_clear:
            points += _ALL_CLEAR_AGAIN if again and lines == 4 else _ALL_CLEAR[lines]
        self.score += points * self.level
        self.lines += lines
        self.level = min(HIGHEST_LEVEL, self._first_level + self.lines // 10)
        self.clear = Clear(lines, spin, all_clear, again)

    # Keys

    def play(self, key: str) -> None:
        """Play one of `KEYS`. After the end of the game keys change nothing."""
        if self.outcome:
            return
        self.keys += 1
        match key:
            case "x" | "X":
                self._drop(points=2)
                self._lock()
                return
            case "c" | "C":
                self._hold()
                return
            case "s":
                if not self._move(0, -1):
                    self._lock()
                    return
                self.score += 1
            case "S":
                self._drop(points=1)
            case "a" | "d":
                self._move(1 if key == "d" else -1, 0)
            case "A" | "D":
                while self._move(1 if key == "D" else -1, 0):
                    pass
            case "w" | "W":
                self._rotate(1)
            case "q" | "Q":
                self._rotate(-1)
        self._tick()

    def _drop(self, points: int) -> None:
        while self._move(0, -1):
            self.score += points

    def _hold(self) -> None:
        if self.hold_used:
            return
        taken, self.held = self.held, self.kind
        self._appear(taken or self._take_next())
        self.hold_used = True

    def _tick(self) -> None:
        self.ticks += 1
        if self.ticks >= max(1, 9 - self.level):
            self.ticks = 0
            rows = 20 if self.level >= 15 else max(1, self.level - 7)
            while rows and self._move(0, -1):
                rows -= 1
        if self.y < self.lowest:
            self.lowest, self.lock_delay = self.y, LOCK_DELAY
        if not self.fits(self.turn, self.x, self.y - 1):
            self.lock_delay = max(0, self.lock_delay - 1)
            if not self.lock_delay:
                self._lock()

    def state(self) -> dict[str, int | list[int]]:
        """Everything that later keys depend on or that is shown, as the engine's ``inspect_state`` tells it."""
        number: dict[str | None, int] = {None: 0}
        number |= {kind: KINDS.index(kind) + 1 for kind in KINDS}
        return {
            "cells": [number[cell] for row in self.rows for cell in row],
            "kind": number[self.kind],
            "turn": self.turn,
            "x": self.x,
            "y": self.y,
            "held": number[self.held],
            "hold_used": int(self.hold_used),
            "outcome": self.outcome,
            "score": self.score,
            "lines": self.lines,
            "level": self.level,
            "keys": self.keys,
            "combo": self.combo,
            "back_to_back": int(self.back_to_back),
            "clear.lines": self.clear.lines,
            "clear.spin": self.clear.spin,
            "clear.all": int(self.clear.all),
            "clear.back_to_back": int(self.clear.back_to_back),
            "ticks": self.ticks,
            "lock_delay": self.lock_delay,
            "lowest": self.lowest,
            "spin": self.spin,
            "queue": [number[kind] for kind in self.queue[:7]],
        }
