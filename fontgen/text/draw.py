"""Canvases that glyphs are drawn on: `RasterBackend` with HarfBuzz's own rasteriser, colour glyphs included,
`SvgBackend` as outlines in one colour. The same font, text and options give the same bytes.
"""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from fontTools.pens.svgPathPen import SVGPathPen
from PIL import Image, ImageColor

from fontgen.errors import FontgenError
from fontgen.text.layout import Layout, PlacedGlyph
from fontgen.text.shape import ShapingFont

_LONGEST_SIDE = 32_767
_MOST_PIXELS = 100_000_000

Colour = tuple[int, int, int, int]
"""Red, green, blue, alpha, 0 to 255, not premultiplied."""


@dataclass(frozen=True)
class RenderOptions:
    """How to draw. Lengths are in pixels; colours are what Pillow's ``ImageColor`` understands."""

    size: float = 48
    """Pixels per em."""
    width: int | None = None
    """Width of the whole image, at which lines wrap; None makes it as wide as the text."""
    margin: int = 20
    foreground: str = "black"
    background: str = "white"

    def check(self) -> None:
        """Raise `FontgenError` when a length is out of range or a colour is none."""
        if not 1 <= self.size <= 10_000:
            raise FontgenError(f"--size {self.size:g} is not in 1 to 10000 pixels")
        if not 0 <= self.margin <= _LONGEST_SIDE:
            raise FontgenError(f"--margin {self.margin} is not in 0 to {_LONGEST_SIDE} pixels")
        if self.width is not None and not 2 * self.margin < self.width <= _LONGEST_SIDE:
            raise FontgenError(
                f"--width {self.width} is not in {2 * self.margin + 1} to {_LONGEST_SIDE} pixels"
            )
        parse_colour(self.foreground)
        parse_colour(self.background)

    def line_width(self, units_per_em: int) -> float | None:
        """Where lines wrap, in font units."""
        if self.width is None:
            return None
        return (self.width - 2 * self.margin) * units_per_em / self.size


def parse_colour(name: str) -> Colour:
    """A colour by name, ``#RRGGBB``, ``#RRGGBBAA`` or ``rgb(...)``; else `FontgenError`."""
    try:
        colour = ImageColor.getcolor(name, "RGBA")
    except ValueError:
        raise FontgenError(
            f"{name!r} is not a colour, such as black, #336699 or #33669980"
        ) from None
    assert isinstance(colour, tuple) and len(colour) == 4
    return colour


def canvas_size(layout: Layout, scale: float, options: RenderOptions) -> tuple[int, int]:
    """Pixels of an image that holds a layout and its margins; `FontgenError` when too many."""
    width = options.width or math.ceil(layout.width * scale) + 2 * options.margin
    height = math.ceil(layout.height * scale) + 2 * options.margin
    width, height = max(width, 1), max(height, 1)
    if max(width, height) > _LONGEST_SIDE or width * height > _MOST_PIXELS:
        raise FontgenError(
            f"the image would have {width} x {height} pixels: wrap it with --width, or lower --size"
        )
    return width, height


class Backend(ABC):
    """A canvas of ``width`` x ``height`` pixels that glyphs of one font are drawn on."""

    def __init__(self, font: ShapingFont, width: int, height: int):
        self.font = font
        self.width = width
        self.height = height

    @abstractmethod
    def fill(self, colour: Colour) -> None:
        """Cover the whole canvas, before anything is drawn."""

    @abstractmethod
    def draw(
        self,
        glyphs: Sequence[PlacedGlyph],
        scale: float,
        origin: tuple[float, float],
        colour: Colour,
    ) -> None:
        """Draw glyphs.

        Args:
            scale: pixels per font unit.
            origin: pixels from the canvas's top left corner, right and down, to the glyphs' origin.
        """

    @abstractmethod
    def encode(self, title: str = "") -> bytes:
        """The image file."""


class RasterBackend(Backend):
    """Antialiased pixels from HarfBuzz's rasteriser, composed by Pillow."""

    def __init__(self, font: ShapingFont, width: int, height: int):
        super().__init__(font, width, height)
        self.image = Image.new("RGBA", (width, height), (0, 0, 0, 0))

    def fill(self, colour: Colour) -> None:
        self.image.paste(colour, (0, 0, self.width, self.height))

    def draw(
        self,
        glyphs: Sequence[PlacedGlyph],
        scale: float,
        origin: tuple[float, float],
        colour: Colour,
    ) -> None:
        hb: Any = self.font.uharfbuzz
        paint = hb.RasterPaint()
        paint.extents = hb.RasterExtents(0, 0, self.width, self.height, 0)
        paint.foreground = hb.Color(*colour)
        left, top = origin
        for glyph in glyphs:
            x, y = left + glyph.x * scale, self.height - top + glyph.y * scale
            paint.transform = (scale, 0, 0, scale, x, y)
            paint.paint_glyph(self.font.font, glyph.id)
        pixels = paint.render()
        if pixels is None:
            raise FontgenError(f"no memory for an image of {self.width} x {self.height} pixels")
        # Rows come from the bottom up, colours premultiplied.
        layer = Image.frombuffer(
            "RGBa",
            (self.width, self.height),
            pixels.buffer,
            "raw",
            "BGRa",
            pixels.extents.stride,
            -1,
        )
        self.image.alpha_composite(layer.convert("RGBA"))

    def encode(self, title: str = "") -> bytes:
        stream = io.BytesIO()
        opaque = self.image.getchannel("A").getextrema() == (255, 255)
        (self.image.convert("RGB") if opaque else self.image).save(stream, "PNG", optimize=True)
        return stream.getvalue()


class SvgBackend(Backend):
    """Outlines in one colour: each glyph once, then used wherever it stands."""

    def __init__(self, font: ShapingFont, width: int, height: int):
        super().__init__(font, width, height)
        self._outlines: dict[int, str] = {}
        self._elements: list[str] = []

    def fill(self, colour: Colour) -> None:
        if colour[3]:
            self._elements.append(f'<rect width="100%" height="100%" {_fill(colour)}/>')

    def draw(
        self,
        glyphs: Sequence[PlacedGlyph],
        scale: float,
        origin: tuple[float, float],
        colour: Colour,
    ) -> None:
        left, top = origin
        self._elements.append(
            f'<g {_fill(colour)} transform="translate({_number(left)} {_number(top)}) '
            f'scale({_number(scale)} {_number(-scale)})">'
        )
        for glyph in glyphs:
            if self._outline(glyph.id):
                place = f'x="{_number(glyph.x)}" y="{_number(glyph.y)}"'
                self._elements.append(f'<use href="#g{glyph.id}" {place}/>')
        self._elements.append("</g>")

    def encode(self, title: str = "") -> bytes:
        size = f'width="{self.width}" height="{self.height}"'
        view_box = f'viewBox="0 0 {self.width} {self.height}"'
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view_box}>',
            f"<title>{escape(_printable(title))}</title>",
            "<defs>",
            *(f'<path id="g{glyph}" d="{d}"/>' for glyph, d in self._outlines.items() if d),
            "</defs>",
            *self._elements,
            "</svg>",
        ]
        return ("\n".join(lines) + "\n").encode()

    def _outline(self, glyph: int) -> str:
        if glyph not in self._outlines:
            pen = SVGPathPen(None, ntos=_number)
            self.font.font.draw_glyph_with_pen(glyph, pen)
            self._outlines[glyph] = pen.getCommands()
        return self._outlines[glyph]


def _fill(colour: Colour) -> str:
    red, green, blue, alpha = colour
    opacity = "" if alpha == 255 else f' fill-opacity="{_number(alpha / 255)}"'
    return f'fill="#{red:02x}{green:02x}{blue:02x}"{opacity}'


def _number(value: float) -> str:
    """A number for SVG: eight digits, no exponent, no trailing zeros."""
    return f"{value:.8f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def _printable(text: str) -> str:
    """Without the control characters that XML forbids."""
    return "".join(c for c in text if c >= " " or c in "\n\t")
