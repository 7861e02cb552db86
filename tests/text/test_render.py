"""Pictures: sizes, wrapping, formats, and that the same input gives the same bytes."""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from support.base_fonts import make_font, saved

from fontgen.errors import FontgenError
from fontgen.text.animation import LAST_MILLISECONDS, MARK_MILLISECONDS
from fontgen.text.draw import RenderOptions, parse_colour
from fontgen.text.layout import layout_text
from fontgen.text.options import ShapeOptions
from fontgen.text.render import FORMATS, image_format, render
from fontgen.text.shape import ShapingFont

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="session")
def squares(uharfbuzz: ModuleType) -> ShapingFont:
    return ShapingFont(uharfbuzz, saved(make_font()))


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _render(font: ShapingFont, text: str, kind: str = "png", **options: object) -> bytes:
    return render(font, text, kind, None, RenderOptions(**options))  # type: ignore[arg-type]


def test_a_square_has_its_exact_size_and_place(squares: ShapingFont) -> None:
    # "z" is a square at 50 from the left, on a baseline 800 below the top, in 1000 per em.
    side = next(g.x_advance for g in squares.shape("z").glyphs) - 100
    pixels = _pixels(_render(squares, "z", size=1000, margin=10))
    rows, columns = np.nonzero(pixels[:, :, 0] == 0)
    assert (columns.min(), columns.max() + 1) == (60, 60 + side)
    assert (rows.min(), rows.max() + 1) == (810 - side, 810)
    assert pixels.shape[:2] == (1000 + 20, side + 100 + 20)


def test_colours_and_transparency(squares: ShapingFont) -> None:
    image = Image.open(io.BytesIO(_render(squares, "z", foreground="#336699", background="#fff0")))
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0))[3] == 0
    assert {colour for _, colour in image.getcolors() if colour[3] == 255} == {
        (0x33, 0x66, 0x99, 255)
    }
    opaque = Image.open(io.BytesIO(_render(squares, "z", background="rgb(1, 2, 3)")))
    assert opaque.mode == "RGB" and opaque.getpixel((0, 0)) == (1, 2, 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_input_gives_the_same_bytes(llama: ShapingFont, kind: str) -> None:
    assert _render(llama, "fox!!!!!!", kind) == _render(llama, "fox!!!!!!", kind)


def test_width_is_kept_and_words_wrap(llama: ShapingFont) -> None:
    text = "The little fox met a hen and a bear in the wood by the river."
    image = Image.open(io.BytesIO(_render(llama, text, size=40, width=300, margin=15)))
    assert image.width == 300
    pixels = np.asarray(image.convert("L"))
    assert pixels[:, :14].min() == 255 and pixels[:, -14:].min() == 255
    units = (300 - 30) * llama.units_per_em / 40
    layout = layout_text(llama, text, None, units)
    assert layout.width <= units
    lines = len({glyph.y for glyph in layout.glyphs})
    assert lines > 3 and len(layout.glyphs) == len(llama.shape(text).glyphs)


def test_a_word_wider_than_a_line_breaks_inside(llama: ShapingFont) -> None:
    layout = layout_text(llama, "w" * 30, None, 10 * llama.units_per_em)
    assert len({glyph.y for glyph in layout.glyphs}) == math.ceil(
        30 / math.floor(10 * 2048 / 1511 + 1e-9)
    )
    assert layout.width <= 10 * llama.units_per_em


def test_paragraphs_and_right_to_left(squares: ShapingFont) -> None:
    layout = layout_text(squares, "abc\nz")
    assert len({glyph.y for glyph in layout.glyphs}) == 2
    assert layout.visible == "abc\nz"
    rtl = layout_text(squares, "abcabc\nz", ShapeOptions(direction="rtl"))
    assert rtl.glyphs[-1].x == rtl.width - squares.shape("z").glyphs[0].x_advance
    assert rtl.caret[0] == rtl.glyphs[-1].x


def test_vertical_text_runs_down(squares: ShapingFont) -> None:
    layout = layout_text(squares, "abc", ShapeOptions(direction="ttb"))
    heights = [glyph.y for glyph in layout.glyphs]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 3
    assert _render(squares, "abc", "svg")


@pytest.mark.parametrize("text", ["", "\n", " ", "\N{ZERO WIDTH SPACE}"])
@pytest.mark.parametrize("kind", FORMATS)
def test_text_without_ink(llama: ShapingFont, kind: str, text: str) -> None:
    assert _render(llama, text, kind)


def test_svg_holds_outlines_uses_and_the_visible_text(llama: ShapingFont) -> None:
    root = ET.fromstring(_render(llama, "A <fox> & \x01 hen!!!!!!", "svg", foreground="#33669980"))
    shaped = llama.shape("A <fox> & \x01 hen!!!!!!")
    assert root.findtext(f"{SVG}title") == shaped.visible.replace("\x01", "")
    outlines = {path.get("id") for path in root.iter(f"{SVG}path")}
    uses = [use.get("href") for use in root.iter(f"{SVG}use")]
    assert {f"#{outline}" for outline in outlines} == set(uses)
    assert len(uses) == sum(1 for glyph in shaped.glyphs if glyph.text.strip())
    group = root.find(f"{SVG}g")
    assert group is not None and group.get("fill") == "#336699"
    assert float(group.get("fill-opacity", "1")) == pytest.approx(128 / 255)


def test_svg_outlines_are_those_of_the_font(squares: ShapingFont) -> None:
    root = ET.fromstring(_render(squares, "a", "svg"))
    path = root.find(f"{SVG}defs/{SVG}path")
    assert path is not None and path.get("d") == "M50 0H160V110H50V0Z"


def test_gif_types_key_by_key(llama: ShapingFont) -> None:
    text = "fox!!!!!!"
    image = Image.open(io.BytesIO(_render(llama, text, "gif", size=30, width=300)))
    assert image.n_frames == len(text) + 1
    assert image.size[0] == 300
    assert image.info["loop"] == 0
    durations, frames = [], []
    for number in range(image.n_frames):
        image.seek(number)
        durations.append(image.info["duration"])
        frames.append(np.asarray(image.convert("L")).copy())
    assert durations[-1] == LAST_MILLISECONDS
    assert durations[-2] == MARK_MILLISECONDS
    # Above the rule stands what is visible, as a picture of its own draws it; beneath, the keys.
    rule = next(
        row
        for row, pixels in enumerate(frames[0][:, 20:-20])
        if pixels[0] < 255 and len(set(pixels)) == 1
    )
    still = np.asarray(
        Image.open(io.BytesIO(_render(llama, text, "png", size=30, width=300))).convert("L")
    )
    height = min(rule, still.shape[0])
    ink = still[:height] < 128
    assert (frames[-1][:height][ink] < 160).all()
    keys = [int((frame[rule + 1 :] < 200).sum()) for frame in frames]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)


def test_gif_background_is_exact(llama: ShapingFont) -> None:
    image = Image.open(
        io.BytesIO(_render(llama, "fox", "gif", background="#fdf6e3", foreground="#073642"))
    )
    image.seek(2)
    assert image.convert("RGB").getpixel((0, 0)) == (0xFD, 0xF6, 0xE3)


@pytest.mark.parametrize(
    "options, cause",
    [
        ({"size": 0}, "--size 0"),
        ({"size": float("nan")}, "--size nan"),
        ({"margin": -1}, "--margin -1"),
        ({"width": 40}, "--width 40"),
        ({"foreground": "blak"}, "'blak' is not a colour"),
        ({"background": "#12"}, "'#12' is not a colour"),
        ({"size": 9000}, "the image would have"),
    ],
)
def test_options_out_of_range(llama: ShapingFont, options: dict, cause: str) -> None:
    with pytest.raises(FontgenError, match=cause):
        _render(llama, "The little fox", **options)


def test_a_gif_of_a_novel_is_refused(llama: ShapingFont) -> None:
    with pytest.raises(FontgenError, match="too long"):
        _render(llama, "x" * 3000, "gif")


def test_formats() -> None:
    assert image_format(Path("a.PNG")) == "png"
    assert image_format(Path("-"), "gif") == "gif"
    with pytest.raises(FontgenError, match=r"a.jpg: is not \*.png"):
        image_format(Path("a.jpg"))
    assert parse_colour("#33669980") == (0x33, 0x66, 0x99, 0x80)
