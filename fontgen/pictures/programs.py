"""The picture programs that come with fontgen: their folders in ``wasm/``, words, looks."""

from __future__ import annotations

from dataclasses import dataclass

from fontgen.pictures.chess.drawing import DRAWING as CHESS
from fontgen.pictures.maze.drawing import DRAWING as MAZE
from fontgen.pictures.shapes import Drawing
from fontgen.pictures.tetromino.drawing import DRAWING as TETROMINO

FEATURES = ("STEP",)
"""OpenType features that the programs understand: the picture after so many keys."""


@dataclass(frozen=True)
class Program:
    """A shaper that shows pictures.

    trigger: the word that its pictures begin with, unless the configuration says another.
    family: the first part of the font's family name, unless the configuration says another.
    description, sample: for the name table.
    """

    name: str
    trigger: str
    family: str
    description: str
    sample: str
    drawing: Drawing


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            "tetromino",
            "tetris",
            "Tetromino",
            "A font that plays: where HarfBuzz's Wasm shaper runs, a line shows a game of falling blocks.",
            "tetris(anna):qDxAxwdxaaaxDxwddx",
            TETROMINO,
        ),
        Program(
            "maze",
            "maze",
            "Maze",
            "A font that plays: where HarfBuzz's Wasm shaper runs, a line shows a maze to walk in.",
            "maze(20x12,wilson,7):WDS",
            MAZE,
        ),
        Program(
            "chess",
            "chess",
            "Chess",
            "A font that shows chess: where HarfBuzz's Wasm shaper runs, a line shows the board after "
            "the moves in it.",
            "chess:1. e4 e5 2. Nf3 Nc6 3. Bb5 a6",
            CHESS,
        ),
    )
}
