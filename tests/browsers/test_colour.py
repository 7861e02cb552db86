"""Colour layers, drawn as the browser itself draws the same font."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables.otTables import CompositeMode, ExtendMode, PaintFormat
from PIL import Image

from browsers.host_page import JAVASCRIPT
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
            CompositeMode.MULTIPLY, CompositeMode.DEST_OVER,
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


def colour_font(paint: Any) -> bytes:
    """A font whose A is painted so."""
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
    version = 0 if isinstance(paint, list) else 1
    builder.font["COLR"] = buildCOLR({"A": paint}, version=version)
    palette = [(1, 0, 0, 1), (0, 0.8, 0, 1), (0, 0, 1, 1), (1, 0.5, 0, 0.5)]
    builder.font["CPAL"] = buildCPAL([palette])
    stream = io.BytesIO()
    builder.font.save(stream)
    return stream.getvalue()


PAGE = """<!doctype html><meta charset="utf-8"><title>colours</title><link rel="icon" href="data:,">
<script type="module" src="js/element.js"></script>
<style>@font-face { font-family: Colours; src: url("font.ttf"); }
body { margin: 0; } #native, #field { position: absolute; top: 0; width: 400px; height: 400px; font: 400px/1 Colours; }
#field { left: 400px; display: block; }</style>
<div id="native">A</div><wasm-font-text id="field" font="font.ttf">A</wasm-font-text>"""


@pytest.mark.parametrize("name", PAINTS)
def test_as_the_browser_paints(browser: Any, harfbuzz_wasm: bytes, name: str) -> None:
    if browser.name != "chromium":
        pytest.skip("other browsers know less of COLR")
    files = {
        "index.html": PAGE.encode(),
        "font.ttf": colour_font(PAINTS[name]),
        "harfbuzz.wasm": harfbuzz_wasm,
    }
    with serve(JAVASCRIPT, files=files) as address:
        browser.new_page()
        browser.open(address)
        browser.wait_for("customElements.get('wasm-font-text') && field.view !== null")
        browser.run("document.fonts.ready")
        browser.run("field.settled()")
        image = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB")).astype(int)
    native, ours = image[:400, :400], image[:400, 400:800]
    assert native.min() < 250, "the browser itself painted nothing"
    difference = np.abs(native - ours).max(axis=2)
    assert (difference > 40).mean() < 0.01
    assert difference.mean() < 3
