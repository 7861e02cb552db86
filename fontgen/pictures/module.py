"""Runs a picture font's module outside HarfBuzz, to ask its engine how things stand.

`fontgen verify` and the tests compare the answers with the rules in Python; nothing here takes part in shaping. The
module runs on Wasmtime, with imports that trap, since what is asked here calls none.
"""

from __future__ import annotations

import struct

import wasmtime

from fontgen.errors import FontgenError
from fontgen.pictures.tetromino.rules import COLUMNS, ROWS


class PictureModule:
    """An instance of a module; ``exports`` names what it can be asked."""

    def __init__(self, module: bytes):
        engine = wasmtime.Engine()
        try:
            compiled = wasmtime.Module(engine, module)
        except wasmtime.WasmtimeError as error:
            raise FontgenError(f"the Wasm table does not compile: {error}") from error
        self._store = wasmtime.Store(engine)
        linker = wasmtime.Linker(engine)
        linker.define_unknown_imports_as_traps(compiled)
        self._exports = linker.instantiate(self._store, compiled).exports(self._store)
        self._memory: wasmtime.Memory = self._exports["memory"]  # type: ignore[assignment]
        self.exports = {export.name for export in compiled.exports}

    def call(self, name: str, *arguments: int) -> int:
        return self._exports[name](self._store, *arguments)  # type: ignore[operator]

    def read(self, address: int, length: int) -> bytes:
        address &= 0xFFFFFFFF
        return bytes(self._memory.read(self._store, address, address + length))

    def call_with_text(self, name: str, text: str) -> int:
        """A function of a text as HarfBuzz has it (``struct glyph_info``) and its length."""
        data = b"".join(_GLYPH_INFO.pack(ord(character)) for character in text)
        address = self.call("malloc", max(len(data), 1)) & 0xFFFFFFFF
        self._memory.write(self._store, data, address)
        result = self.call(name, address, len(text))
        self.call("free", address)
        return result


_GLYPH_INFO = struct.Struct("<I16x")
"""A code point; nothing is said of mask, cluster and the shaper's own fields."""


def _signed(number: int) -> int:
    """As Wasmtime takes a 64-bit number."""
    return number - (1 << 64) if number >> 63 else number


class TetrominoEngine:
    """The falling-block game of a font. State as `fontgen.pictures.tetromino.rules.Game.state` tells it."""

    _FIELDS = (
        "kind", "turn", "x", "y", "held", "hold_used", "outcome", "score", "lines", "level", "keys", "combo",
        "back_to_back", "clear.lines", "clear.spin", "clear.all", "clear.back_to_back", "ticks", "lock_delay",
        "lowest", "spin",
    )  # fmt: skip
    _LAYOUT = struct.Struct(f"<{ROWS * COLUMNS + len(_FIELDS) + 7}i")

    def __init__(self, module: PictureModule):
        self.module = module

    def start(self, seed: int, level: int = 1, goal: int = 0) -> None:
        self.module.call("inspect_start", _signed(seed), level, goal)

    def play(self, key: str) -> None:
        self.module.call("inspect_play", ord(key))

    def fill(self, row: int, filled: int) -> None:
        """Bit x of ``filled`` is a cell of the row."""
        self.module.call("inspect_fill", row, filled)

    def place(self, kind: int, turn: int, x: int, y: int) -> None:
        self.module.call("inspect_place", kind, turn, x, y)

    def state(self) -> dict[str, int | list[int]]:
        numbers = self._LAYOUT.unpack(
            self.module.read(self.module.call("inspect_state"), self._LAYOUT.size)
        )
        n_cells, n_fields = ROWS * COLUMNS, len(self._FIELDS)
        fields = dict(zip(self._FIELDS, numbers[n_cells : n_cells + n_fields], strict=True))
        return {
            "cells": list(numbers[:n_cells]),
            **fields,
            "queue": list(numbers[n_cells + n_fields :]),
        }


class MazeEngine:
    """The mazes and walks of a font."""

    def __init__(self, module: PictureModule):
        self.module = module
        self._cells = 0

    def make(self, columns: int, rows: int, method: int, seed: int) -> list[int]:
        """See `fontgen.pictures.maze.rules.Maze.open_sides`; the walk begins anew."""
        self._cells = columns * rows
        address = self.module.call("inspect_make", columns, rows, method, _signed(seed))
        return list(self.module.read(address, self._cells))

    def walk(self, key: str) -> int:
        """The cell that a key leads to, row by row."""
        return self.module.call("inspect_walk", ord(key))

    def steps(self) -> int:
        return self.module.call("inspect_steps")

    def marks(self) -> list[int]:
        return list(self.module.read(self.module.call("inspect_marks"), self._cells))


class ChessEngine:
    """The chess of a font. State as `fontgen.pictures.chess.rules.Position.state` tells it."""

    _LAYOUT = struct.Struct("<128s5B3xII")
    """``struct position``: squares by 16 * rank + file, to_move, castling, en_passant, kings, halfmoves, fullmove."""
    _NO_SQUARE = 0xFF

    def __init__(self, module: PictureModule):
        self.module = module

    def set_fen(self, fen: str = "") -> bool:
        """Whether it is the FEN of a possible position; without one, the first position of a game."""
        return bool(self.module.call_with_text("inspect_fen", fen))

    def move(self, san: str) -> int:
        """Play a move when it is legal: an index into `fontgen.pictures.chess.rules.READINGS`."""
        return self.module.call_with_text("inspect_move", san)

    def perft(self, depth: int) -> int:
        """How many games of so many moves go on from the position."""
        return self.module.call("inspect_perft", depth)

    def state(self) -> dict[str, int | list[int]]:
        address = self.module.call("inspect_position")
        board, to_move, castling, en_passant, _, _, halfmoves, fullmove = self._LAYOUT.unpack(
            self.module.read(address, self._LAYOUT.size)
        )
        flags = self.module.call("inspect_state")
        return {
            "board": [board[16 * rank + file] for rank in range(8) for file in range(8)],
            "to_move": to_move,
            "castling": castling,
            "en_passant": -1 if en_passant == self._NO_SQUARE else _square_number(en_passant),
            "halfmoves": halfmoves,
            "fullmove": fullmove,
            "is_check": flags & 1,
            "has_move": flags >> 1 & 1,
            "is_dead": flags >> 2 & 1,
        }


def _square_number(square: int) -> int:
    """Of 64, from that of ``struct position``."""
    return 8 * (square >> 4) + (square & 7)
