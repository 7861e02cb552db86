"""Plays random games in the font's engine and in Python, and compares the whole state after every key.

Run as a program: ``python tests/pictures/many_games.py GAMES [SEED]``. The tests play a few of them.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fontgen.pictures.module import PictureModule, TetrominoEngine
from fontgen.pictures.programs import PROGRAMS
from fontgen.pictures.randomness import hash_text
from fontgen.pictures.table import headers
from fontgen.pictures.tetromino.player import STYLES, keys
from fontgen.pictures.tetromino.rules import OUTCOMES, Game
from fontgen.shapers.compiler import SMALLEST, shaper_module

LENGTHS = (20, 60, 150, 400)


@dataclass
class Tally:
    keys: int = 0
    differences: int = 0
    highest_level: int = 0
    seen: Counter = field(default_factory=Counter)


def engine() -> TetrominoEngine:
    """The module as a font carries it."""
    names = [shape.name for shape in PROGRAMS["tetromino"].drawing.shapes]
    return TetrominoEngine(
        PictureModule(shaper_module("tetromino", "portable", headers(names), SMALLEST))
    )


def play(engine: TetrominoEngine, games: int, seed: int) -> Tally:
    source, tally = random.Random(seed), Tally()
    for number in range(games):
        text = f"{seed}-{number}"
        level, goal = source.choice((1, 1, 4, 9, 14, 18)), source.choice((0, 0, 40, 150))
        game = Game(hash_text(text), level=level, goal=goal)
        engine.start(hash_text(text), level, goal)
        _play_one(engine, game, STYLES[number % len(STYLES)], source, tally)
        tally.highest_level = max(tally.highest_level, game.level)
        tally.seen[OUTCOMES[game.outcome]] += 1
    return tally


def _play_one(
    engine: TetrominoEngine, game: Game, style: str, source: random.Random, tally: Tally
) -> None:
    length = source.choice(LENGTHS)
    for number, key in enumerate(keys(game, style, source)):
        if number == length or game.outcome:
            return
        before = game.lines, game.score
        game.play(key)
        engine.play(key)
        tally.keys += 1
        if game.state() != engine.state():
            tally.differences += 1
            return
        if game.lines > before[0] or (game.clear.spin and game.score - before[1] >= 100):
            tally.seen[f"{game.clear.lines} lines, spin {game.clear.spin}"] += 1
            tally.seen["back-to-back"] += game.clear.back_to_back
            tally.seen["all clear"] += game.clear.all


def main(games: int, seed: int = 1) -> int:
    start = time.monotonic()
    tally = play(engine(), games, seed)
    print(
        f"{games} games, {tally.keys} keys, {tally.differences} differences; highest level "
        f"{tally.highest_level}; {time.monotonic() - start:.0f} s"
    )
    for what, count in sorted(tally.seen.items()):
        print(f"  {what}: {count}")
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(*map(int, sys.argv[1:])))
