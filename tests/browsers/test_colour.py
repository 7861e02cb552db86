"""Colour layers, drawn as the browser itself draws the same font."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from fontTools.ttLib.tables.otTables import CompositeMode, ExtendMode, PaintFormat
from fontTools.ttLib.tables.S_V_G_ import SVGDocument
from fontTools.ttLib.tables.sbixGlyph import Glyph
from fontTools.ttLib.tables.sbixStrike import Strike
from PIL import Image
from support.base_fonts import saved

from browsers.host_page import host_files
from browsers.server import serve

RED, GREEN, BLUE, HALF = 0, 1, 2, 3
SOLID = PaintFormat.PaintSolid


def glyph_of(shape: dict[str, Any], paint: Any) -> dict[str, Any]:
    return {"Format": PaintFormat.PaintGlyph, "Glyph": shape, "Paint": paint}


def solid(index: int, alpha: float = 1.0) -> dict[str, Any]:
    return {"Format": SOLID, "PaletteIndex": index, "Alpha": alpha}


def line(*stops: tuple[float, int], extend: ExtendMode = ExtendMode.PAD) -> dict[str, Any]:
    return {
        "Extend": extend,
        "ColorStop": [
            {"StopOffset": offset, "PaletteIndex": index, "Alpha": 1.0} for offset, index in stops
        ],
    }


PAINTS: dict[str, Any] = {
    "layers of version 0": [("square", RED), ("left", BLUE), ("triangle", 0xFFFF)],
    "linear gradient": glyph_of(
        "square",
        {
            "Format": PaintFormat.PaintLinearGradient, "ColorLine": line((0, RED), (0.5, GREEN), (1, BLUE)),
            "x0": 100, "y0": 0, "x1": 900, "y1": 0, "x2": 100, "y2": 500,
        },
    ),
    "turned linear gradient": glyph_of(
        "triangle",
        {
            "Format": PaintFormat.PaintLinearGradient, "ColorLine": line((0, RED), (1, BLUE)),
            "x0": 100, "y0": 100, "x1": 900, "y1": 300, "x2": 400, "y2": 900,
        },
    ),
    "reflected radial gradient": glyph_of(
        "square",
        {
            "Format": PaintFormat.PaintRadialGradient,
            "ColorLine": line((0, RED), (1, GREEN), extend=ExtendMode.REFLECT),
            "x0": 500, "y0": 400, "r0": 0, "x1": 500, "y1": 400, "r1": 200,
        },
    ),
    "sweep gradient": glyph_of(
        "square",
        {
            "Format": PaintFormat.PaintSweepGradient, "ColorLine": line((0, RED), (0.5, GREEN), (1, BLUE)),
            "centerX": 500, "centerY": 400, "startAngle": 0, "endAngle": 360,
        },
    ),
    "a gradient that is turned": glyph_of(
        "square",
        {
            "Format": PaintFormat.PaintRotateAroundCenter, "angle": 45, "centerX": 500, "centerY": 400,
            "Paint": {
                "Format": PaintFormat.PaintLinearGradient, "ColorLine": line((0, RED), (1, BLUE)),
                "x0": 100, "y0": 0, "x1": 900, "y1": 0, "x2": 100, "y2": 500,
            },
        },
    ),
    "a shape in a shape": glyph_of("triangle", glyph_of("left", solid(GREEN))),
    "half transparent": {
        "Format": PaintFormat.PaintColrLayers,
        "Layers": [glyph_of("square", solid(RED)), glyph_of("triangle", solid(BLUE, 0.5))],
    },
    **{
        f"composite {mode.name}": {
            "Format": PaintFormat.PaintComposite, "CompositeMode": mode,
            "SourcePaint": glyph_of("triangle", solid(BLUE)), "BackdropPaint": glyph_of("left", solid(RED)),
        }
        for mode in (
            CompositeMode.SRC_IN, CompositeMode.DEST_OUT, CompositeMode.XOR, CompositeMode.SRC_ATOP,
            CompositeMode.MULTIPLY, CompositeMode.DEST_OVER, CompositeMode.SCREEN, CompositeMode.PLUS,
        )
    },
}  # fmt: skip

SHAPES = {
    "square": [(100, 0), (900, 0), (900, 800), (100, 800)],
    "left": [(100, 0), (500, 0), (500, 800), (100, 800)],
    "triangle": [(200, 100), (850, 100), (500, 700)],
    "A": [(100, 0), (900, 0), (900, 800), (100, 800)],
    ".notdef": [],
}


def plain_font() -> TTFont:
    """A font whose A is a square."""
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A", "square", "left", "triangle"])
    builder.setupCharacterMap({0x41: "A"})
    glyphs = {}
    for name, points in SHAPES.items():
        pen = TTGlyphPen(None)
        if points:
            pen.moveTo(points[0])
            for point in points[1:]:
                pen.lineTo(point)
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (1000, 0) for name in glyphs})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Colours", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-100, usWinAscent=900, usWinDescent=100)
    builder.setupPost()
    return builder.font


def colour_font(paint: Any) -> bytes:
    """A font whose A is painted so."""
    font = plain_font()
    version = 0 if isinstance(paint, list) else 1
    font["COLR"] = buildCOLR({"A": paint}, version=version)
    palette = [(1, 0, 0, 1), (0, 0.8, 0, 1), (0, 0, 1, 1), (1, 0.5, 0, 0.5)]
    font["CPAL"] = buildCPAL([palette])
    return saved(font)


PAGE = """<!doctype html><meta charset="utf-8"><title>colours</title><link rel="icon" href="data:,">
<script type="module" src="js/element.js"></script>
<style>@font-face { font-family: Colours; src: url("font.ttf"); }
body { margin: 0; } #native, #field { position: absolute; top: 0; width: 400px; height: 400px; font: 400px/1 Colours;
  color: green; }
@media (prefers-color-scheme: dark) { #field { color: blue !important; } }
#field { left: 400px; display: block; }</style>
<div id="native">A</div><wasm-font-text id="field" font="font.ttf">A</wasm-font-text>"""


def drawn(browser: Any, harfbuzz: bytes, font: bytes) -> tuple[Any, Any]:
    """The A as the browser draws it by itself, and as the element does: RGB, a pixel for 2.5 font units."""
    own = {"index.html": PAGE.encode(), "font.ttf": font}
    with serve(files=host_files(harfbuzz, **own)) as address:
        browser.new_page()
        browser.open(address)
        browser.wait_for("customElements.get('wasm-font-text') && field.view !== null")
        browser.run("document.fonts.ready.then(() => 1)")
        browser.run("field.settled()")
        return seen(browser)


def seen(browser: Any) -> tuple[Any, Any]:
    browser.run("new Promise((done) => setTimeout(done, 100))")  # images are decoded
    image = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB")).astype(int)
    return image[:400, :400], image[:400, 400:800]


@pytest.mark.parametrize("name", PAINTS)
def test_as_the_browser_paints(browser: Any, harfbuzz_wasm: bytes, name: str) -> None:
    if browser.name != "chromium":
        pytest.skip("other browsers know less of COLR")
    native, ours = drawn(browser, harfbuzz_wasm, colour_font(PAINTS[name]))
    assert native.min() < 250, "the browser itself painted nothing"
    difference = np.abs(native - ours).max(axis=2)
    assert (difference > 40).mean() < 0.01
    assert difference.mean() < 3


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
LEFT, RIGHT = (300, 400), (700, 400)
"""Places in the left and the right half of the A."""

# By name: the document, and the colours of the places.
DOCUMENTS = {
    "shapes that are used": (
        f"""<?xml version="1.0"?>{SVG}><defs><path id="p" d="M0 0H400V-800H0z"/></defs>
        <g id="glyph1" fill="red"><use xlink:href="#p" x="100"/><use xlink:href="#p" x="500" fill="blue"/></g>
        <g id="glyph2"><path d="M0 0H1000V-900H0z" fill="lime"/></g></svg>""",
        ["red", "blue"],
    ),
    "a viewBox": (
        f'{SVG} id="glyph1" viewBox="0 10 10 10" width="3"><path d="M1 2h4v8h-4z" fill="red"/></svg>',
        ["red", "white"],
    ),
    "a gradient": (
        f"""{SVG}><linearGradient id="g"><stop offset="0.5" stop-color="blue"/><stop offset="0.5" stop-color="red"/>
        </linearGradient><path id="glyph1" d="M100 0H900V-800H100z" fill="url(#g)"/></svg>""",
        ["blue", "red"],
    ),
    "the colour of the text": (
        f"""{SVG}><g id="glyph1" fill="currentColor"><path d="M100 0H500V-800H100z"/>
        <g color="red"><path d="M500 0H900V-800H500z" fill="currentColor"/></g></g></svg>""",
        ["green", "red"],
    ),
    "what would do harm": (
        f"""{SVG} onload="parent.harmed = 1"><script>parent.harmed = top.harmed = 1</script>
        <g id="glyph1"><image href="harm.png" onerror="parent.harmed = 1"/><path d="M100 0H500V-800H100z" fill="red"/>
        <foreignObject width="900" height="900"><script xmlns="http://www.w3.org/1999/xhtml">parent.harmed = 1</script>
        </foreignObject></g></svg>""",
        ["red", "white"],
    ),
}
RGB = {"red": (255, 0, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "green": (0, 128, 0)}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_svg_glyphs(browser: Any, harfbuzz_wasm: bytes, name: str, packed: bool) -> None:
    text, colours = DOCUMENTS[name]
    font = plain_font()
    font["SVG "] = table = newTable("SVG ")
    table.docList = [SVGDocument(text, 1, 2, packed)]
    native, ours = drawn(browser, harfbuzz_wasm, saved(font))
    assert_colours(ours, colours)
    if browser.name == "firefox" and "currentColor" not in text:  # which is black there
        assert_colours(native, colours)
    assert browser.run("globalThis.harmed === undefined")


def assert_colours(image: Any, colours: list[str]) -> None:
    """In the left and in the right half of the A."""
    found = [image[round((900 - y) * 0.4), round(x * 0.4)] for x, y in (LEFT, RIGHT)]
    assert np.abs(np.array(found) - [RGB[colour] for colour in colours]).max() < 30, found


def test_svg_glyphs_follow_the_colour_of_the_text(browser: Any, harfbuzz_wasm: bytes) -> None:
    """The page's style may change, and night may fall."""
    text, colours = DOCUMENTS["the colour of the text"]
    font = plain_font()
    font["SVG "] = table = newTable("SVG ")
    table.docList = [SVGDocument(text, 1, 2, False)]
    assert_colours(drawn(browser, harfbuzz_wasm, saved(font))[1], colours)
    browser.run("(field.style.color = 'red', field.refresh())")
    assert_colours(seen(browser)[1], ["red", "red"])
    if browser.name == "chromium":  # Playwright lets it fall in Chromium only
        browser.page.emulate_media(color_scheme="dark")
        browser.run("(field.style.color = '', 0)")
        assert_colours(seen(browser)[1], ["blue", "red"])


def test_png_glyphs(browser: Any, harfbuzz_wasm: bytes) -> None:
    """An image of `sbix`: red on the left, blue on the right."""
    image = Image.new("RGB", (80, 80), "red")
    image.paste("blue", (40, 0, 80, 80))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    font = plain_font()
    font["sbix"] = table = newTable("sbix")
    strike = Strike(ppem=100, resolution=72)
    strike.glyphs["A"] = Glyph(
        glyphName="A",
        graphicType="png ",
        imageData=stream.getvalue(),
        originOffsetX=10,
        originOffsetY=0,
    )
    table.strikes = {100: strike}
    _, ours = drawn(browser, harfbuzz_wasm, saved(font))
    found = [ours[round((900 - y) * 0.4), round(x * 0.4)] for x, y in (LEFT, RIGHT)]
    assert np.abs(np.array(found) - [RGB["red"], RGB["blue"]]).max() < 30, found


@pytest.mark.parametrize("damage", ["cut", "no gzip", "empty"])
def test_damaged_svg_glyphs(browser: Any, harfbuzz_wasm: bytes, damage: str) -> None:
    """The outline is drawn in their place."""
    font = plain_font()
    data = {"cut": b"\0\0\0\0", "no gzip": b"\x1f\x8bno", "empty": b""}[damage]
    document = b"\0\0\0\0\0\x0a\0\0\0\0\0\1\0\1\0\1\0\0\0\x0e" + len(data).to_bytes(4, "big") + data
    font["SVG "] = DefaultTable("SVG ")
    font["SVG "].data = document[:14] if damage == "cut" else document
    _, ours = drawn(browser, harfbuzz_wasm, saved(font))
    assert np.abs(ours[round((900 - 400) * 0.4), round(300 * 0.4)] - RGB["green"]).max() < 30
