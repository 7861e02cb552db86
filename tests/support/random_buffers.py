"""Shapes random buffers with random features in the real HarfBuzz, edits and all, and checks what comes out.

Run as a program, since the host reads its variables once: ``python -m support.random_buffers COUNT SEED`` in
``tests/``. Exit status 0
when every buffer was shaped by the module, with the same glyphs as by a fresh instance and clusters in order and
range. A trap would be seen on stderr: the host says so when FONTGEN_WASM_TRACE is set.
"""

from __future__ import annotations

import random
import sys

from fontgen.host import native as host
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.tables import Settings
from fontgen.shapers.flavours import FLAVOURS
from support.llama_fonts import font_data
from support.shaped_buffer import shaped
from support.tiny_models import LETTERS, byte_vocabulary, random_model

uharfbuzz = host.load()

ALPHABETS = [
    range(0x20, 0x7F),
    range(0x400, 0x3000),
    range(0x110000),
    [0, 0xFFFFFFFF, 0xD800, 0x21, 0x3F],
]
TAGS = ["TEMP", "SEED", "TOPK", "TOPP", "TOKN", "kern", "liga", "smcp"]


def random_codepoints(source: random.Random, length: int) -> list[int]:
    """Any code points, also such as no text has; runs of marks anywhere."""
    codepoints: list[int] = []
    while len(codepoints) < length:
        if source.random() < 0.15:
            codepoints += [0x21] * source.choice([1, 3, 4, 5, 9, 30])
        alphabet = source.choice(ALPHABETS)
        codepoints += [source.choice(alphabet) for _ in range(source.randrange(12))]
    return codepoints[:length]


def edited(source: random.Random, codepoints: list[int]) -> list[int]:
    """As somebody types: another mark, a letter somewhere, something deleted; or another text."""
    if source.random() < 0.3:
        return random_codepoints(source, source.choice([0, 1, 3, 10, 50, 250, 258, 600, 2000]))
    place = source.randrange(len(codepoints) + 1)
    change = source.choice([[0x21], [0x21] * 4, [0x3F], [source.randrange(0x61, 0x64)], []])
    return codepoints[:place] + change + codepoints[place + source.randrange(2) :]


def random_features(source: random.Random) -> dict:
    features = {}
    for tag in source.sample(TAGS, source.choice([0, 0, 1, 3])):
        start, end = source.choice([(0, 0xFFFFFFFF), (source.randrange(40), source.randrange(400))])
        features[tag] = [(start, end, source.choice([0, 1, 3, 80, 100, 0xFFFFFFFF]))]
    return features


def main(count: int, seed: int) -> None:
    source = random.Random(seed)
    vocabulary = byte_vocabulary(LETTERS, add_dummy_prefix=False)
    # No bound on a call: what a warm instance knows already must not show.
    unbounded = Settings(max_tokens_per_call=1_000_000, replacements=(("ab", "b"), ("c", "ccc")))
    model = quantise(
        random_model(vocabulary=vocabulary, seed=2, dim=8, hidden_dim=8, n_layers=1, n_heads=2)
    )
    blobs = [uharfbuzz.Blob(font_data(model, unbounded, flavour)) for flavour in FLAVOURS]
    warm = [uharfbuzz.Font(uharfbuzz.Face(blob)) for blob in blobs]
    codepoints: list[int] = []
    for number in range(count):
        codepoints = edited(source, codepoints)
        arguments = (
            codepoints,
            source.choice(["ltr", "ltr", "rtl", "ttb", "btt"]),
            source.choice(["Latn", "Cyrl", "Arab", "Deva", "Zyyy", "Hebr", "Thai"]),
            random_features(source),
        )
        glyphs = shaped(uharfbuzz, warm[number % 2], *arguments)
        if number % 10 == 0:  # a fresh instance, of the other flavour
            fresh = uharfbuzz.Font(uharfbuzz.Face(blobs[(number + 1) % 2]))
            assert shaped(uharfbuzz, fresh, *arguments) == glyphs, (number, arguments)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
