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


def _texts() -> dict[str, str]:
    """A game of `KEYS` typed keys for each program; chess goes on from where pieces are left."""
    source = random.Random(1)
    shuffle = ("Nf3 Nf6 Ng1 Ng8 Nc3 Nc6 Nb1 Nb8 " * 20)[:KEYS].rsplit(" ", 1)[0]
    return {
        "tetromino": "tetris(anna):" + "".join(source.choices("adwq.adadcxS", k=KEYS)),
        "maze": "maze(20x20,wilson,anna):" + "".join(source.choices("wasd", k=KEYS)),
        "chess": "chess:" + shuffle,
    }


def games(uharfbuzz: Any) -> Probe:
    """The time of one call with a game of `KEYS` keys: a further key costs that, as all are played anew."""
    base = Shaper(uharfbuzz, default_base_path().read_bytes())
    texts = _texts()
    shapers = {}
    for name in PROGRAMS:
        config = Config().override(shaper={"program": Path(name)})
        shapers[name] = Shaper(uharfbuzz, build_font(config))
        shapers[name].seconds(texts[name])  # compiles the module

    def page(of: Shaper) -> float:
        return statistics.median(sum(map(of.seconds, PAGE)) for _ in range(REPEATS))

    def probe() -> dict[str, float]:
        times = {f"{KEYS} keys of {name}": shapers[name].seconds(texts[name]) for name in PROGRAMS}
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
        for name in PROGRAMS
    ]
    ratio = samples["page of a game"] / samples["page beside it"]
    beside = "base font, plain OpenType"
    return [*rows, Row("Games", "a page of plain text", beside, ratio, "x", 1.5, 1.1)]
