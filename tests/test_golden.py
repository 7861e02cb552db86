"""Golden images: what the default font shows through the Wasm shaper, against what it showed.

``pytest tests/test_golden.py --record`` (``make record``) draws them anew: after a change of the
model or the base font, look at the difference before committing it. An image that fails is kept,
with the difference from the expected one, in ``tests/failures/``.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import FAILURES
from PIL import Image

from fontgen.render import RenderOptions, render
from fontgen.shape import ShapeOptions, ShapingFont, parse_features

EXPECTED = Path(__file__).parent / "expected"
MEAN_TOLERANCE = 0.5
"""Mean absolute difference of a channel, of 255."""
PIXEL_TOLERANCE = 48
"""A pixel differs when a channel does by more than this; antialiasing alone does not do that."""
SHARE_TOLERANCE = 0.002
"""Share of pixels that may differ."""

WIDE = RenderOptions(size=32, width=560)
IMAGES: dict[str, tuple[str, ShapeOptions, RenderOptions]] = {
    "plain": ("The little fox!!! Office, AVATAR.", ShapeOptions(), WIDE),
    "little-fox": ("The little fox" + "!" * 40, ShapeOptions(), WIDE),
    "once-upon-a-time": ("Once upon a time" + "!" * 40, ShapeOptions(), WIDE),
    "cafe": ("Tom's café was closed" + "!" * 24, ShapeOptions(), WIDE),
    "empty-prompt": ("!" * 24, ShapeOptions(), WIDE),
    "cyrillic": ("Жила-была лиса" + "!" * 24, ShapeOptions(), WIDE),
    "two-runs": ("The fox" + "!" * 10 + " Then the hen" + "!" * 12, ShapeOptions(), WIDE),
    "small-capitals": (
        "The little fox" + "!" * 20,
        ShapeOptions(features=parse_features("smcp,kern=0")),
        WIDE,
    ),
    "no-wasm": ("The little fox" + "!" * 12, ShapeOptions(shaper="ot"), WIDE),
}


def compare(expected: np.ndarray, actual: np.ndarray) -> str | None:
    """Why two RGB images are not the same picture, or None when they are."""
    if expected.shape != actual.shape:
        return f"height and width {actual.shape[:2]}, not {expected.shape[:2]}"
    difference = np.abs(expected.astype(int) - actual.astype(int))
    mean = difference.mean()
    share = (difference.max(axis=2) > PIXEL_TOLERANCE).mean()
    if mean > MEAN_TOLERANCE or share > SHARE_TOLERANCE:
        return f"mean difference {mean:.3f} of 255, {share:.2%} of the pixels differ"
    return None


def difference_image(expected: np.ndarray, actual: np.ndarray) -> Image.Image:
    """Both images over each other: red is what is missing, blue what is new."""
    height, width = (max(expected.shape[i], actual.shape[i]) for i in (0, 1))
    layers = []
    for image in (expected, actual):
        layer = np.full((height, width), 255, dtype=np.uint8)
        layer[: image.shape[0], : image.shape[1]] = image.min(axis=2)
        layers.append(layer)
    old, new = layers
    return Image.fromarray(np.stack([new, np.maximum(old, new), old], axis=2))


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
