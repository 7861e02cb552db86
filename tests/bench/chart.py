"""The chart of a run: speed beside other programs, and what typing costs."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from fontgen.font.base import default_base_path

from .report import Row, number

WIDTH, MARGIN, BAR, GAP = 1200, 48, 30, 12
LABEL_WIDTH = 400
INK, FAINT, PAPER = "#1c1e21", "#6b7280", "#ffffff"
OURS, OTHERS = "#c2410c", "#94a3b8"
PANELS = (
    ("Tokens per second, one thread", "tok/s", "Tokens per second, one thread (longer is better)"),
    ("Typing", "ms", "Milliseconds for one keystroke (shorter is better)"),
)
"""Group and unit of the rows, and the title above their bars."""


def draw_chart(rows: Sequence[Row], title: str, caption: str) -> bytes:
    """The chart as a PNG file. title, caption: one line above and one below."""
    panels = []
    for group, unit, heading in PANELS:
        chosen = [row for row in rows if row.group == group and row.unit == unit]
        if chosen:
            panels.append((heading, chosen))
    n_bars = sum(len(chosen) for _, chosen in panels)
    height = 2 * MARGIN + 80 + n_bars * (BAR + GAP) + len(panels) * 76
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw = ImageDraw.Draw(image)
    large, medium, small = (_font(size) for size in (34, 24, 20))
    draw.text((MARGIN, MARGIN), title, INK, large, anchor="la")
    y = MARGIN + 62
    for heading, chosen in panels:
        draw.text((MARGIN, y + 16), heading, INK, medium, anchor="la")
        y += 64
        longest = max(row.samples.high for row in chosen)
        for row in chosen:
            _bar(draw, y, row, longest, small)
            y += BAR + GAP
        y += 12
    draw.text((MARGIN, height - MARGIN), caption, FAINT, small, anchor="ls")
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


def _bar(
    draw: ImageDraw.ImageDraw, y: int, row: Row, longest: float, font: ImageFont.FreeTypeFont
) -> None:
    left, room = MARGIN + LABEL_WIDTH, WIDTH - 2 * MARGIN - LABEL_WIDTH - 110
    middle = y + BAR / 2
    label = row.figure if len(row.figure) < 44 else row.figure[:42] + "\u2026"
    draw.text((left - 14, middle), label, INK, font, anchor="rm")
    ours = row.group == "Typing" or row.figure.startswith("in the font")
    scale = room / longest if longest > 0 else 0
    end = left + max(scale * row.samples.median, 2)
    draw.rectangle((left, y, end, y + BAR), OURS if ours else OTHERS)
    # The range of the rounds.
    low, high = (left + scale * value for value in (row.samples.low, row.samples.high))
    draw.line((low, middle, high, middle), INK, 2)
    value = f"{number(row.samples.median)} {row.unit}"
    draw.text((max(end, high) + 10, middle), value, INK, font, anchor="lm")


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(default_base_path()), size)
