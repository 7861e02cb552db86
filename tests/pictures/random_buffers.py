"""Shapes random buffers full of triggers in the real HarfBuzz, and checks what comes out.

Run as a program, since the host reads its variables once: ``python -m pictures.random_buffers COUNT SEED
FONT...`` in ``tests/``. Exit status 0
when every buffer was shaped by the module, with the same glyphs as by a fresh instance and clusters in order and range.
A trap would be seen on stderr: the host says so when FONTGEN_WASM_TRACE is set.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from support.shaped_buffer import shaped

from fontgen.host.native import load

uharfbuzz = load()

PARTS = [
    "tetris(anna):", "tetris:", "tetris(", "tetris(sprint,level=19):", "Tetris(é日本🚣):", "tetris(level=99):",
    "maze(9x9):", "maze(64x48,wilson,7):", "maze(2x2,eller):", "maze(20x", "maze(9x9,fog,prim):", "maze(64x49):",
    "chess:e4 e5", "chess:", "chess(black):1. d4", "chess(8/8/8/4k3/8/8/4P3/4K3 w - - 0 1):e4", "chess(8/8",
    "chess:1. e4 {" + "(" * 30, "chess:O-O-O", " ", "\n", ")", ":", ",",
]  # fmt: skip
KEYS = ["adswqxc.ADSWQXC", "wasdWASD?", "abcdefgh12345678NBRQKxO-=+#! .{}()$"]
ANY = [
    range(0x20, 0x7F),
    range(0x110000),
    range(0xF0000, 0xF0200),
    [0, 0xFFFFFFFF, 0xD800, 0x301, 0x200D, 0x644, 0x5D0, 0x200B],
]
TAGS = ["STEP", "kern", "liga", "SEED"]


def random_codepoints(source: random.Random) -> list[int]:
    """Any code points, also such as no text has; triggers, keys and half of them anywhere."""
    codepoints: list[int] = []
    for _ in range(source.randrange(7)):
        match source.randrange(4):
            case 0 | 1:
                codepoints += map(ord, source.choice(PARTS))
                length = source.choice([0, 1, 5, 40, 300])
                codepoints += map(ord, source.choices(source.choice(KEYS), k=length))
            case 2:
                codepoints += source.choices(source.choice(ANY), k=source.randrange(12))
            case 3:
                codepoints += map(ord, source.choice("tmc") * source.randrange(300))
    return codepoints


def random_features(source: random.Random) -> dict:
    features = {}
    for tag in source.sample(TAGS, source.choice([0, 0, 1, 2])):
        start, end = source.choice([(0, 0xFFFFFFFF), (source.randrange(40), source.randrange(400))])
        features[tag] = [(start, end, source.choice([0, 1, 7, 100, 0xFFFFFFFF]))]
    return features


def main(count: int, seed: int, paths: list[str]) -> None:
    source = random.Random(seed)
    blobs = [uharfbuzz.Blob(Path(path).read_bytes()) for path in paths]
    warm = [uharfbuzz.Font(uharfbuzz.Face(blob)) for blob in blobs]
    pictures = 0
    for number in range(count):
        arguments = (
            random_codepoints(source),
            source.choice(["ltr", "ltr", "ltr", "rtl", "ttb", "btt"]),
            source.choice(["Latn", "Arab", "Hebr", "Zyyy"]),
            random_features(source),
        )
        which = number % len(warm)
        glyphs = shaped(uharfbuzz, warm[which], *arguments)
        pictures += len(glyphs) > len(arguments[0]) + 20
        if number % 50 == 0:
            fresh = uharfbuzz.Font(uharfbuzz.Face(blobs[which]))
            assert shaped(uharfbuzz, fresh, *arguments) == glyphs, (number, arguments)
    assert pictures > count // 10
    print(f"{count} buffers, {pictures} with pictures")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
