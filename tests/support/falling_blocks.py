"""A game in the font's engine and in Python at once: after each step both must stand the same."""

from __future__ import annotations

from fontgen.pictures.module import TetrominoEngine
from fontgen.pictures.randomness import hash_text
from fontgen.pictures.tetromino.rules import COLUMNS, KINDS, Game


class Both:
    """``game`` is the one in Python; what is done here is done to both."""

    def __init__(self, engine: TetrominoEngine, seed: str = "", level: int = 1, goal: int = 0):
        self.engine = engine
        self.game = Game(hash_text(seed), level=level, goal=goal)
        engine.start(hash_text(seed), level, goal)
        self.agree()

    def fill(self, *rows: str) -> Both:
        """Rows of ten marks, the lowest last; anything but a dot is filled."""
        for y, row in enumerate(reversed(rows)):
            filled = [mark != "." for mark in row.ljust(COLUMNS, ".")]
            self.engine.fill(y, sum(1 << x for x, cell in enumerate(filled) if cell))
            self.game.rows[y] = ["J" if cell else None for cell in filled]
        self.agree()
        return self

    def place(self, kind: str, turn: int, x: int, y: int) -> Both:
        """Another piece than the game's, with the lower left corner of its box at (x, y)."""
        self.engine.place(KINDS.index(kind) + 1, turn, x, y)
        game = self.game
        game.kind, game.turn, game.x, game.y, game.lowest = kind, turn, x, y, y
        self.agree()
        return self

    def play(self, keys: str) -> Both:
        for key in keys:
            self.engine.play(key)
            self.game.play(key)
            self.agree(key)
        return self

    def agree(self, key: str = "") -> None:
        expected, found = self.game.state(), self.engine.state()
        differing = {
            name: (expected[name], found[name])
            for name in expected
            if expected[name] != found[name]
        }
        assert not differing, f"after {key!r}: {differing}"

    @property
    def place_of_piece(self) -> tuple[int, int, int]:
        return self.game.turn, self.game.x, self.game.y
