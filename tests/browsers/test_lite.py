"""The font without Wasm in browsers as they are: stories typed and static, in one line and wrapped, without a script.

A mark's word is as wide wherever it stands, so the widths of the marks say which words are shown: those of a wrapped
or typed text must be those of the same text in one line, and these those of HarfBuzz.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
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


@pytest.mark.parametrize(("name", "fill"), [("line", _set), ("typed", _type)])
def test_webkit_paints_a_line_as_a_whole(page: Any, name: str, fill: Any) -> None:
    """WebKit makes room for each word by itself, but paints what the line shows: the same as with no-break spaces,
    which make it one word, as wide as it must be."""
    if page.name != "webkit":
        pytest.skip("of WebKitGTK alone")
    fill(page, name)
    painted = _painted(page, name)
    page.run(f"document.getElementById('{name}').textContent = argument", _one_word(TYPED))
    other_pixels = ImageChops.difference(painted, _painted(page, name)).histogram()[255]
    assert other_pixels < 40 < painted.histogram()[0]  # a letter has more
    assert sum(page.run(WIDTHS, name)) == pytest.approx(sum(_expected()), rel=0.05)


def _one_word(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _painted(page: Any, name: str) -> Image.Image:
    """The black and white pixels of the lines' part of the page; without focus and caret, all of it painted anew."""
    page.run("document.activeElement.blur()")
    page.run("new Promise(done => { document.body.style.opacity = 0.99 + Math.random() / 200;"
             " requestAnimationFrame(() => requestAnimationFrame(done)); })")  # fmt: skip
    image = Image.open(io.BytesIO(page.screenshot())).convert("L")
    top = page.run(f"document.getElementById('{name}').getBoundingClientRect().top")
    line = image.crop((0, int(top), image.width, int(top) + 2 * SIZE))
    return line.point(lambda value: 255 * (value > 128))


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
