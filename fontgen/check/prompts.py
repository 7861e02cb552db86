"""The texts that ``fontgen verify`` tries."""

from __future__ import annotations

from fontgen.llama.marks import MORE
from fontgen.text.options import Features

PROMPTS = (
    "The little fox",
    "Once upon a time",
    "Tom's café was closed",
    "",
    "Жила-была лиса",
    "One day, a girl named Lily",
    "The sun was",
    "The dragon said, \"",
    "Mom and Dad",
    "In the forest there lived a bear. The bear",
    "It was raining, so Ben",
    "She opened the door and saw",
    "The cat and the dog  played",
    "\"Can I have a cookie?\" asked Tim.",
    "At the bottom of the sea",
    "12 birds sat on 3 trees",
    "Wow! Look!! A rainbow!!!",
    "The end.",
    "Sam's boat 🚣 was",
    "A very old tree told the children",
    "The moon",
    "שלום",
)  # fmt: skip
_ALL = (0, 0xFFFFFFFF)
STEERED: tuple[tuple[str, Features], ...] = (
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 80)], "SEED": [(*_ALL, 7)]}),
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 120)], "TOPK": [(*_ALL, 40)]}),
    (
        "The little fox" + MORE * 24,
        {"TOPP": [(*_ALL, 90)], "SEED": [(*_ALL, 1)], "kern": [(*_ALL, 0)]},
    ),
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 0)]}),
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 1000)], "TOPP": [(*_ALL, 0)]}),
    ("Once upon a time!!!!!!!!!!!!?!! and then!!!!!!!?!!??!!", {"TOKN": [(*_ALL, 1)]}),
    ("Tom's café was closed !!!!!!! so!!!!!!!", {"TOKN": [(*_ALL, 2)]}),
    ("Tom!!!!!!!!!! and Lily!!!!!!!!!!", {"TEMP": [(14, 100, 90)], "SEED": [(14, 100, 3)]}),
)
"""Typed texts with question marks and with features, on the whole text or on a part of it."""
LINE = 23
"""Typed characters to a line, where a paragraph is wrapped: lines that begin in a prompt, in a run and between."""
