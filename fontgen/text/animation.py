"""An animated GIF of somebody typing: above what the font shows, beneath the typed keys."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from fontgen.errors import FontgenError
from fontgen.llama.marks import MORE
from fontgen.progress import Reporter
from fontgen.text.draw import Colour, RasterBackend, RenderOptions, canvas_size, parse_colour
from fontgen.text.layout import Layout, layout_text
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

DEFAULT_WIDTH = 720
"""Pixels; lines wrap there."""
KEYS_SIZE = 0.5
"""Size of the typed keys, as a share of the text's."""
KEY_MILLISECONDS = 80
MARK_MILLISECONDS = 160
"""A ``!`` takes longer than other keys: each may bring a new word to read."""
PAUSE_MILLISECONDS = 600
"""Before a run of ``!``."""
LAST_MILLISECONDS = 3000
_MOST_FRAMES = 2000
_SHADES = 64


@dataclass(frozen=True)
class _Frame:
    shown: Layout
    typed: Layout


def render_typing(
    font: ShapingFont,
    text: str,
    shape_options: ShapeOptions | None,
    options: RenderOptions,
    reporter: Reporter | None = None,
) -> bytes:
    """An endless GIF that types ``text`` key by key, shaping anew for each as editors do.

    The keys beneath are the same text in plain OpenType, so nothing generated is among them.

    Raises:
        FontgenError: the text is too long, or the image would be too large.
        ShapeFailed: HarfBuzz did not shape the text.
    """
    if len(text) >= _MOST_FRAMES:
        raise FontgenError(
            f"a GIF of {len(text)} keys is too long; the limit is {_MOST_FRAMES - 1}"
        )
    options = replace(options, width=options.width or DEFAULT_WIDTH)
    plain = replace(shape_options or ShapeOptions(), shaper="ot")
    line_width = options.line_width(font.units_per_em)
    assert line_width is not None
    keys_line_width = line_width / KEYS_SIZE
    keys_line = _line_of_keys(font)
    with (reporter or Reporter(quiet=True)).steps(total=2 * (len(text) + 1)) as steps:
        frames = []
        for length in range(len(text) + 1):
            steps.begin("Typing")
            typed = text[:length]
            shown = layout_text(font, typed, shape_options, line_width)
            frames.append(
                _Frame(shown, layout_text(font, typed, plain, keys_line_width, keys_line))
            )
        canvas = _Canvas(font, frames, options)
        images = []
        for frame in frames:
            steps.begin("Drawing")
            images.append(canvas.draw(frame))
    # One palette for all frames, so that nothing flickers.
    face = font.face
    if face.has_color_layers or face.has_color_paint or face.has_color_png:
        palette = images[-1].quantize(colors=256, method=Image.Quantize.MEDIANCUT)
        images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    else:
        images = [_indexed(image, canvas.foreground, canvas.background) for image in images]
    return _encode(images, _durations(text))


def _line_of_keys(font: ShapingFont) -> tuple[float, float]:
    """Ascender and descender for the typed keys: the font's, unless its lines are made for pictures."""
    extents = font.font.get_font_extents("ltr")
    if extents.ascender - extents.descender <= 2 * font.units_per_em:
        return extents.ascender, extents.descender - extents.line_gap
    return 0.95 * font.units_per_em, -0.25 * font.units_per_em


class _Canvas:
    """The parts of the picture that stay where they are."""

    def __init__(self, font: ShapingFont, frames: list[_Frame], options: RenderOptions):
        self._font = font
        self._options = options
        self._scale = options.size / font.units_per_em
        self._keys_scale = self._scale * KEYS_SIZE
        shown_height = max(frame.shown.height for frame in frames) * self._scale
        keys_height = max(frame.typed.height for frame in frames) * self._keys_scale
        gap = options.size / 2
        self._rule = options.margin + shown_height + gap / 2
        self._keys_top = options.margin + shown_height + gap
        everything = replace(
            frames[-1].shown, height=(shown_height + gap + keys_height) / self._scale
        )
        self._width, self._height = canvas_size(everything, self._scale, options)
        self.foreground = parse_colour(options.foreground)
        self.background: Colour = (*parse_colour(options.background)[:3], 255)
        self._grey = _between(self.foreground, self.background, 0.45)
        self._faint = _between(self.foreground, self.background, 0.8)

    def draw(self, frame: _Frame) -> Image.Image:
        margin = self._options.margin
        backend = RasterBackend(self._font, self._width, self._height)
        backend.fill(self.background)
        backend.draw(frame.shown.glyphs, self._scale, (margin, margin), self.foreground)
        backend.draw(frame.typed.glyphs, self._keys_scale, (margin, self._keys_top), self._grey)
        pen = ImageDraw.Draw(backend.image)
        rule = round(self._rule)
        pen.line((margin, rule, self._width - margin, rule), fill=self._faint)
        self._draw_caret(pen, frame.shown, self._scale, margin, self.foreground)
        self._draw_caret(pen, frame.typed, self._keys_scale, self._keys_top, self._grey)
        return backend.image.convert("RGB")

    def _draw_caret(
        self, pen: ImageDraw.ImageDraw, layout: Layout, scale: float, top: float, colour: Colour
    ) -> None:
        x, baseline = layout.caret
        left = min(self._options.margin + x * scale, self._width - self._options.margin)
        thickness = max(1, round(scale * self._font.units_per_em / 24))
        pen.rectangle(
            (
                round(left),
                round(top - (baseline + layout.ascender) * scale),
                round(left) + thickness - 1,
                round(top - (baseline + layout.descender) * scale),
            ),
            fill=colour,
        )


def _durations(text: str) -> list[int]:
    """Milliseconds of each frame, of the empty text first."""
    durations = [PAUSE_MILLISECONDS]
    for index, key in enumerate(text):
        following = text[index + 1 : index + 2]
        if following == "":
            durations.append(LAST_MILLISECONDS)
        elif key == MORE:
            durations.append(MARK_MILLISECONDS)
        else:
            durations.append(PAUSE_MILLISECONDS if following == MORE else KEY_MILLISECONDS)
    return durations


def _between(colour: Colour, other: Colour, share: float) -> Colour:
    mixed = [math.floor(a + (b - a) * share) for a, b in zip(colour[:3], other[:3], strict=True)]
    return (mixed[0], mixed[1], mixed[2], 255)


def _indexed(image: Image.Image, foreground: Colour, background: Colour) -> Image.Image:
    """An image in `_SHADES` shades from background to foreground, each pixel the nearest of them.

    Pillow's own mapping to a palette is approximate and tints the background.
    """
    start, end = (
        np.array(background[:3], dtype=np.float32),
        np.array(foreground[:3], dtype=np.float32),
    )
    direction = (end - start) / max(((end - start) ** 2).sum(), 1)
    share = (np.asarray(image, dtype=np.float32) - start) @ direction
    indices = np.rint(np.clip(share, 0, 1) * (_SHADES - 1)).astype(np.uint8)
    indexed = Image.fromarray(indices, "P")
    shades = start + (end - start) * np.linspace(0, 1, _SHADES)[:, None]
    indexed.putpalette(np.rint(shades).astype(np.uint8).tobytes())
    return indexed


def _encode(frames: list[Image.Image], durations: list[int]) -> bytes:
    stream = io.BytesIO()
    frames[0].save(
        stream,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        disposal=1,
        optimize=False,
    )
    return stream.getvalue()
