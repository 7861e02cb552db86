"""A program that shapes each text once, with an instance of the font's module for each, as exports to PDF do.

The host runs the portable flavour, as one without SIMD would: its first call may take the time that a story takes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.typed_texts import TYPED

from fontgen.check.prompts import PROMPTS, STEERED
from fontgen.llama.marks import ELLIPSIS, MORE
from fontgen.text.options import Features, ShapeOptions
from fontgen.text.shape import ShapingFont

STORY = "Tom and Lily went to the park. They saw a big red ball. "
TEXTS: list[tuple[str, Features]] = [
    *((prompt + MORE * 67, {}) for prompt in PROMPTS),
    *STEERED,
    *(("The little fox" + MORE * marks, {}) for marks in (4, 5, 8, 20, 40, 500)),
    *(
        (text, {})
        for text in (
            *TYPED,
            "!" * 40,
            "ж !!!!!!! a!!!!!!!",
            "😀😀!!!!!!!!!!!!!!!!!!!!!!!",
            STORY * 30 + "The little fox" + "!" * 20,
            STORY * 4 + "!" * 20 + STORY * 4 + "!" * 20,
        )
    ),
]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_the_first_call_shows_the_whole_story(
    uharfbuzz: object, portable_font_path: Path, number: int
) -> None:
    assert len(TEXTS) == 53
    text, features = TEXTS[number]
    font = ShapingFont(uharfbuzz, portable_font_path.read_bytes(), portable_font_path)
    once = font.shape(text, ShapeOptions(features=dict(features)), settle=False)
    assert once.shaper == "wasm" and once.finished
    assert ELLIPSIS not in once.visible
