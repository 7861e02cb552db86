"""Games on a page: typed there, they show what the native host shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.outcome import Outcome
from support.paths import REPOSITORY

from fontgen.build import build_font
from fontgen.config import read_config
from fontgen.text.shape import ShapeOptions, ShapingFont


@pytest.mark.parametrize(
    "name, keys", [("tetromino", "aaxS"), ("maze", "D?"), ("chess", " 4. Ba4 Nf6")]
)
def test_games(
    browser: Any,
    fontgen: Callable[..., Outcome],
    uharfbuzz: object,
    tmp_path: Path,
    name: str,
    keys: str,
) -> None:
    font, page = tmp_path / f"{name}.ttf", tmp_path / f"{name}.html"
    font.write_bytes(build_font(read_config(REPOSITORY / "fonts" / f"{name}.toml")))
    assert fontgen("page", font, "-o", page).code == 0
    browser.new_page()
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    browser.run("page.text.focus()")
    browser.press("End")
    browser.type(keys)
    browser.run("page.text.settled()")
    typed = browser.run("page.text.value")
    assert typed.endswith(keys)
    native = ShapingFont(uharfbuzz, font.read_bytes(), font).shape(typed)
    assert browser.run("page.text.visibleText") == native.visible
    assert not browser.errors


SLIDE = """(() => {
    const slider = document.querySelector("#replay input");
    slider.value = argument;
    slider.dispatchEvent(new Event("input"));
})()"""


def test_a_replay_with_a_slider(
    browser: Any, fontgen: Callable[..., Outcome], uharfbuzz: object, tmp_path: Path
) -> None:
    """Each place of the slider shows the game after so many keys, as the native host does; it has one for each key."""
    font, page = tmp_path / "tetromino.ttf", tmp_path / "tetromino.html"
    font.write_bytes(build_font(read_config(REPOSITORY / "fonts" / "tetromino.toml")))
    typed = "tetris(anna):ddaxSSa"
    assert fontgen("page", font, "-o", page, "--text", typed).code == 0
    browser.new_page()
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    assert browser.run("document.querySelector('#replay').hidden") is False
    assert browser.run("document.querySelector('#replay input').max") == "7"
    assert browser.run("document.querySelector('#replay output').value") == "7 of 7"
    native = ShapingFont(uharfbuzz, font.read_bytes(), font)
    for step in (0, 3, 6, 7):
        browser.run(SLIDE, step)
        browser.run("page.text.settled()")
        browser.wait_for(f"document.querySelector('#replay output').value === '{step} of 7'")
        shown = native.shape(typed, ShapeOptions(features={"STEP": step}))
        assert browser.run("page.text.visibleText") == shown.visible
        assert browser.run("page.link").endswith("&features=STEP%3D" + str(step)) == (step < 7)
    browser.run("(page.text.value = 'no game', page.text.settled())")
    browser.wait_for("document.querySelector('#replay').hidden")
    assert not browser.errors


def test_a_picture_wider_than_a_telephone(
    browser: Any, fontgen: Callable[..., Outcome], tmp_path: Path
) -> None:
    """It scrolls in its field: the page does not."""
    if browser.name != "chromium":
        pytest.skip("Playwright makes a telephone of Chromium only")
    font, page = tmp_path / "maze.ttf", tmp_path / "maze.html"
    font.write_bytes(build_font(read_config(REPOSITORY / "fonts" / "maze.toml")))
    assert fontgen("page", font, "-o", page, "--text", "maze(60x20,wilson,7):").code == 0
    browser.new_page(viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True)
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    browser.run("page.text.settled()")
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("page.text.scrollWidth") > 500
    browser.run("page.text.scrollTo(1000, 0)")
    assert browser.run("page.text.scrollLeft") > 100
