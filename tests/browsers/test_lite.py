"""The font without Wasm in browsers as they are: stories typed and static, in one line and wrapped, without a script.

A mark's word is as wide wherever it stands, so the widths of the marks say which words are shown: those of a wrapped
or typed text must be those of the same text in one line, and these those of HarfBuzz.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from support.small_content import small_font

from fontgen.host.browser.page import PageFont, PageOptions, one_file
from fontgen.text.shape import ShapingFont

TYPED = "The dog of Zorblax ran. He saw the dog" + "!" * 60
SIZE = 20
STYLE = 'font-feature-settings: "ss20", "calt" 0; word-spacing: 0.01px;'
PAGE = """<!doctype html><meta charset=utf-8><style>
@font-face { font-family: F; src: url(data:font/ttf;base64,%s) }
div { font: %dpx F; width: 300px; min-height: 1em } .line { white-space: nowrap } .wrapped { overflow-wrap: anywhere }
</style><div class=line id=line></div><div class=wrapped id=wrapped style='%s'></div>
<div class=line id=typed contenteditable></div>
<div class=wrapped id=typed_wrapped contenteditable style='%s'></div>"""
WIDTHS = """(() => {
    const node = document.getElementById(argument).firstChild, range = document.createRange();
    return [...node.data].map((_, i) => {
        range.setStart(node, i); range.setEnd(node, i + 1);
        return [...range.getClientRects()].reduce((sum, box) => sum + box.width, 0);
    });
})()"""


@pytest.fixture(scope="module")
def lite_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lite") / "lite.html"
    font = base64.b64encode(small_font()[0]).decode()
    path.write_text(PAGE % (font, SIZE, STYLE, STYLE))
    return path


@pytest.fixture
def page(browser: Any, lite_page: Path) -> Any:
    browser.new_page()
    browser.open(lite_page.as_uri())
    browser.run("document.fonts.load('20px F').then(() => 1)")
    return browser


def _expected() -> list[float]:
    """Width of what each typed character shows, as HarfBuzz has it."""
    import uharfbuzz

    font = ShapingFont(uharfbuzz, small_font()[0])
    widths = [0.0] * len(TYPED)
    for glyph in font.shape(TYPED).glyphs:
        widths[glyph.cluster] += glyph.x_advance * SIZE / font.units_per_em
    return widths


def _close(shown: list[float], expected: list[float]) -> bool:
    """Whether the marks are as wide as they must be; a space that ends a line may hang without a width."""
    marks = slice(TYPED.index("!"), None)
    space = 0.3 * SIZE
    return all(
        min(abs(a - b), abs(a + space - b)) < 1.5
        for a, b in zip(shown[marks], expected[marks], strict=True)
    )


def _set(page: Any, name: str) -> None:
    page.run(f"document.getElementById('{name}').textContent = argument", TYPED)


def _type(page: Any, name: str) -> None:
    page.run(f"document.getElementById('{name}').focus()")
    page.type(TYPED)


@pytest.mark.parametrize(
    ("name", "fill"),
    [("line", _set), ("wrapped", _set), ("typed", _type), ("typed_wrapped", _type)],
)
def test_marks_show_the_story(page: Any, name: str, fill: Any) -> None:
    if page.name == "webkit":
        pytest.skip("WebKitGTK measures words by themselves: see fontgen/automaton/README.md")
    fill(page, name)
    shown = page.run(WIDTHS, name)
    assert _close(shown, _expected())
    lines = page.run(f"document.getElementById('{name}').clientHeight") / SIZE
    assert (lines > 3) == ("wrapped" in name)


def test_webkit_has_room_for_a_line_of_one_word(page: Any) -> None:
    """WebKit makes room for each word by itself; no-break spaces make a line one word, as wide as it must be."""
    if page.name != "webkit":
        pytest.skip("of WebKitGTK alone")
    _set(page, "line")
    assert sum(page.run(WIDTHS, "line")) < 0.9 * sum(_expected())
    page.run("document.getElementById('line').textContent = argument", TYPED.replace(" ", "\u00a0"))
    assert sum(page.run(WIDTHS, "line")) == pytest.approx(sum(_expected()), rel=0.05)


def test_its_page_has_no_script_and_is_small(browser: Any, fontgen: Any, tmp_path: Path) -> None:
    font, path = tmp_path / "lite.ttf", tmp_path / "lite.html"
    assert fontgen("build", "fonts/llama-lite.toml", "-o", font).code == 0
    path.write_bytes(one_file(PageFont.open(font), PageOptions()))
    assert path.stat().st_size < 1_400_000 and b"<script" not in path.read_bytes()
    browser.new_page()
    browser.open(path.as_uri())
    browser.wait_for("document.fonts.size && [...document.fonts].every(f => f.status === 'loaded')")
    assert browser.run("document.querySelector('textarea').value").endswith("!!!!")
    assert not browser.errors
