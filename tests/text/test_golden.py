"""Golden images: what the default font shows through the Wasm shaper, against what it showed.

``pytest tests/text/test_golden.py --record`` (``make record``) draws them anew: after a change of the
model or the base font, look at the difference before committing it. An image that fails is kept,
with the difference from the expected one, in ``tests/failures/``.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.images import IMAGES, WIDE, compare, difference_image
from support.paths import FAILURES

from fontgen.text.render import render
from fontgen.text.shape import ShapingFont

EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.parametrize("name", IMAGES)
def test_golden(llama: ShapingFont, name: str, request: pytest.FixtureRequest) -> None:
    text, shape_options, options = IMAGES[name]
    data = render(llama, text, "png", shape_options, options)
    path = EXPECTED / f"{name}.png"
    if request.config.getoption("--record"):
        path.write_bytes(data)
        return
    assert path.exists(), f"{path} is not there: record it with pytest --record"
    actual = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    expected = np.asarray(Image.open(path).convert("RGB"))
    cause = compare(expected, actual)
    failed, difference = FAILURES / f"{name}.png", FAILURES / f"{name}-difference.png"
    if cause is None:
        for stale in (failed, difference):
            stale.unlink(missing_ok=True)
        return
    FAILURES.mkdir(exist_ok=True)
    failed.write_bytes(data)
    difference_image(expected, actual).save(difference)
    pytest.fail(f"{name}: {cause}; see {failed} and {difference}")


def test_no_image_is_left_over() -> None:
    assert {path.stem for path in EXPECTED.glob("*.png")} == set(IMAGES)


def test_the_comparison_sees_one_changed_letter(llama: ShapingFont) -> None:
    def draw(text: str) -> np.ndarray:
        return np.asarray(
            Image.open(io.BytesIO(render(llama, text, "png", None, WIDE))).convert("RGB")
        )

    assert compare(draw("The little fox"), draw("The little fox")) is None
    assert compare(draw("The little fox"), draw("The little fax")) is not None
    assert compare(draw("The little fox"), draw("The little fox\n")) is not None
    faint = np.clip(draw("The little fox").astype(int) + 1, 0, 255)
    assert compare(draw("The little fox"), faint) is None


def test_both_flavours_draw_the_same(
    llama: ShapingFont, portable_font_path: Path, uharfbuzz: object
) -> None:
    portable = ShapingFont(uharfbuzz, portable_font_path.read_bytes())
    text = "Once upon a time" + "!" * 12
    assert render(portable, text, "png") == render(llama, text, "png")
