"""Fonts that show pictures: a key more in a long game, and plain text beside the base font."""

from __future__ import annotations

import random
import statistics
from pathlib import Path
from typing import Any

from fontgen.build import build_font
from fontgen.config import Config
from fontgen.font.base import default_base_path
from fontgen.pictures.programs import PROGRAMS

from .figures import MILLISECONDS, PAGE, REPEATS, Shaper
from .measure import Probe, Samples
from .report import Row

KEYS = 500
LARGEST = "maze of 64 x 48"


def _texts() -> dict[str, tuple[str, str]]:
    """A program and a game of `KEYS` typed keys, by what it is; chess goes on from where pieces are left."""
    source = random.Random(1)
    shuffle = ("Nf3 Nf6 Ng1 Ng8 Nc3 Nc6 Nb1 Nb8 " * 20)[:KEYS].rsplit(" ", 1)[0]
    return {
        "tetromino": (
            "tetromino",
            "tetris(anna):" + "".join(source.choices("adwq.adadcxS", k=KEYS)),
        ),
        "maze": ("maze", "maze(20x20,wilson,anna):" + "".join(source.choices("wasd", k=KEYS))),
        LARGEST: ("maze", "maze(64x48,wilson,anna):" + "".join(source.choices("wasdWASD", k=KEYS))),
        "chess": ("chess", "chess:" + shuffle),
    }


def games(uharfbuzz: Any) -> Probe:
    """The time of one call with a game of `KEYS` keys, after one with a key less: what one more key costs.

    All of the text is read, and the game replayed, in each call; a maze is made when it is first seen.
    """
    base = Shaper(uharfbuzz, default_base_path().read_bytes())
    texts = _texts()
    shapers = {
        program: Shaper(uharfbuzz, build_font(Config().override(shaper={"program": Path(program)})))
        for program in PROGRAMS
    }
    for program, text in texts.values():
        shapers[program].seconds(text)  # compiles the module

    def one_more(program: str, text: str) -> float:
        shapers[program].seconds(text[:-1])
        return shapers[program].seconds(text)

    def page(of: Shaper) -> float:
        return statistics.median(sum(map(of.seconds, PAGE)) for _ in range(REPEATS))

    def probe() -> dict[str, float]:
        times = {
            f"{KEYS} keys of {name}": statistics.median(one_more(*game) for _ in range(REPEATS))
            for name, game in texts.items()
        }
        return times | {"page of a game": page(shapers["tetromino"]), "page beside it": page(base)}

    return probe


def game_rows(samples: dict[str, Samples]) -> list[Row]:
    rows = [
        Row(
            "Games",
            f"one more key after {KEYS} in {name}",
            "",
            samples[f"{KEYS} keys of {name}"].scaled(MILLISECONDS),
            "ms",
            0.2,
            0.1,
        )
        for name in _texts()
    ]
    ratio = samples["page of a game"] / samples["page beside it"]
    beside = "base font, plain OpenType"
    return [*rows, Row("Games", "a page of plain text", beside, ratio, "x", 1.5, 1.1)]
