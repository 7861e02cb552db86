"""The texts of the golden images, and how two images are compared."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fontgen.text.draw import RenderOptions
from fontgen.text.options import ShapeOptions, parse_features

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
