"""The attributes of <wasm-font-text>: what they do to the text, and what HarfBuzz says of that."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from support.base_fonts import make_font, saved

from browsers.host_page import host_files
from browsers.server import serve
from fontgen.text.options import ShapeOptions, parse_features
from fontgen.text.shape import ShapingFont

FEATURES = """
languagesystem DFLT dflt; languagesystem latn dflt; languagesystem latn NLD;
feature locl { script latn; language NLD; sub uni0061 by uni0062; } locl;
feature ss01 { sub uni0061 by uni0063; } ss01;
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>attributes</title><link rel="icon" href="data:,">
<script type="module" src="js/element.js"></script>
<form id="form"><p lang="nl"><wasm-font-text id="dutch" font="font.ttf">aha</wasm-font-text></p>
<wasm-font-text id="field" name="story" font="font.ttf">aha</wasm-font-text></form>"""
DRAWN = """(async () => {
    const element = document.getElementById(argument);
    await element.settled();
    const [{ line }] = element.view.lines;
    const paths = element.shadowRoot.querySelector(".glyphs path").getAttribute("d");
    return { glyphs: line.glyphs.map(({ id }) => id), width: line.right - line.left, left: line.left, paths };
})()"""


@pytest.fixture(scope="module")
def font() -> bytes:
    made = make_font(variable=True)
    addOpenTypeFeaturesFromString(made, FEATURES)
    return saved(made)


@pytest.fixture
def page(browser: Any, harfbuzz_wasm: bytes, font: bytes) -> Iterator[Any]:
    files = host_files(harfbuzz_wasm, **{"index.html": PAGE.encode(), "font.ttf": font})
    with serve(files=files) as address:
        browser.new_page()
        browser.open(address)
        browser.wait_for("customElements.get('wasm-font-text') && field.view && dutch.view")
        yield browser


def drawn(page: Any, name: str = "field", **attributes: str) -> dict[str, Any]:
    for attribute, value in attributes.items():
        page.run(
            "document.getElementById(argument.pop()).setAttribute(...argument)",
            [attribute, value, name],
        )
    return page.run(DRAWN, name)


def shaped(
    uharfbuzz: ModuleType,
    font: bytes,
    features: str = "",
    language: str | None = None,
    **axes: float,
) -> tuple[list[int], int]:
    """Glyphs and width of the text, as HarfBuzz has them."""
    options = ShapeOptions(features=parse_features(features), language=language)
    glyphs = ShapingFont(uharfbuzz, font, variations=axes or None).shape("aha", options).glyphs
    return [glyph.id for glyph in glyphs], sum(glyph.x_advance for glyph in glyphs)


def test_features_language_and_variations(page: Any, uharfbuzz: ModuleType, font: bytes) -> None:
    plain = drawn(page)
    assert (plain["glyphs"], plain["width"]) == shaped(uharfbuzz, font)
    dutch = drawn(page, "dutch")
    assert (dutch["glyphs"], dutch["width"]) == shaped(uharfbuzz, font, language="nl")
    assert dutch["glyphs"] != plain["glyphs"]
    alternate = drawn(page, features="ss01")
    assert (alternate["glyphs"], alternate["width"]) == shaped(uharfbuzz, font, "ss01")
    assert alternate["glyphs"] not in (plain["glyphs"], dutch["glyphs"])
    black = drawn(page, variations="wght=900", features="")
    assert (black["glyphs"], black["width"]) == shaped(uharfbuzz, font, wght=900.0)
    assert black["paths"] != plain["paths"]
    page.run("field.removeAttribute('variations')")
    assert drawn(page) == plain


def test_direction(page: Any) -> None:
    """A paragraph's own, where its letters do not say: it begins at the right."""
    assert drawn(page)["left"] == 0
    assert drawn(page, dir="rtl")["left"] > 1000


def test_a_field_that_is_not_to_be_changed(page: Any) -> None:
    page.run("(field.setAttribute('readonly', ''), field.focus())")
    page.type("x")
    page.run("(field.removeAttribute('readonly'), field.setAttribute('disabled', ''))")
    assert page.run("new FormData(form).has('story')") is False
    page.type("y")
    assert page.run("field.value") == "aha"
    page.run("(field.removeAttribute('disabled'), field.focus(), field.select(3, 3))")
    page.type("z")
    assert page.run("field.value") == "ahaz"
    assert page.run("new FormData(form).get('story')") == "ahaz"


def test_a_placeholder_is_seen_in_an_empty_field(page: Any) -> None:
    seen = "getComputedStyle(field.shadowRoot.querySelector('.surface'), '::before').content"
    page.run("field.setAttribute('placeholder', 'Type here')")
    assert page.run(seen) == "none"
    page.run("(field.value = '')")
    assert page.run(seen) in ('"Type here"', "attr(data-placeholder)")
    assert page.run("field.shadowRoot.querySelector('.surface').dataset.placeholder") == "Type here"


def test_events(page: Any) -> None:
    page.run(
        """(() => {
            window.heard = [];
            for (const kind of ["input", "change", "shape"]) field.addEventListener(kind, () => heard.push(kind));
            field.focus();
        })()"""
    )
    page.type("b")
    page.run("field.settled()")
    page.run("field.area.blur()")
    heard = page.run("heard")
    assert heard[0] == "input" and "shape" in heard and heard[-1] == "change"
    page.run(
        """(() => {
            dutch.addEventListener("fonterror", ({ detail }) => (window.failed = String(detail)));
            dutch.setAttribute("font", "none.ttf");
        })()"""
    )
    page.wait_for("window.failed !== undefined")
    assert "404" in page.run("failed")
