"""Golden images of the picture fonts, in colour and, as programs without COLR show them, in one.

``pytest tests/pictures/test_golden.py --record`` (``make record``) draws them anew: look before committing.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from support.images import compare
from support.paths import FAILURES

from fontgen.text.draw import RenderOptions
from fontgen.text.options import ShapeOptions
from fontgen.text.render import render
from fontgen.text.shape import ShapingFont

EXPECTED = Path(__file__).parent / "expected"
IMAGES = {
    "tetromino": "Go: tetris(leaf):qddddxqdddxxaaaxqaaaxqdddddxaxqddddxdxqaaxqdddxqddddxq ok",
    "maze": "Go: maze(12x8,wilson,7):WDS? ok",
    "chess": "See chess:e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7# mate",
    "gsub-maze": "Go maze:wdwwww ok",
}


def _without_colours(data: bytes) -> bytes:
    font, stream = TTFont(io.BytesIO(data)), io.BytesIO()
    for tag in ("COLR", "CPAL"):
        del font[tag]
    font.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("colours", ["", "-plain"])
@pytest.mark.parametrize("name", IMAGES)
def test_golden(
    pictures: dict[str, ShapingFont],
    uharfbuzz: object,
    name: str,
    colours: str,
    request: pytest.FixtureRequest,
) -> None:
    font = pictures[name]
    if colours:
        font = ShapingFont(uharfbuzz, _without_colours(font.data))
    shaper = ShapeOptions(shaper=None if font.has_wasm else "ot")
    data = render(font, IMAGES[name], "png", shaper, RenderOptions(size=24, margin=8))
    path = EXPECTED / f"{name}{colours}.png"
    if request.config.getoption("--record"):
        path.write_bytes(data)
        return
    actual, expected = (
        np.asarray(Image.open(source).convert("RGB")) for source in (io.BytesIO(data), path)
    )
    cause = compare(expected, actual)
    if cause:
        FAILURES.mkdir(exist_ok=True)
        (FAILURES / path.name).write_bytes(data)
    assert cause is None, f"see {FAILURES / path.name}"
