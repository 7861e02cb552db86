"""The page on paper: the text and what it tells, not what one clicks on."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsers.test_element import FOX, set_text

POPPLER = "pdftoppm"


@pytest.fixture
def printed(browser: Any, story_page: Path) -> Any:
    """A page that is about to be printed, with a part of the text selected; in Chromium in a dark room."""
    if browser.name == "webkit":
        pytest.skip("its driver does not print")
    is_chromium = browser.name == "chromium"
    browser.new_page(**({"color_scheme": "dark"} if is_chromium else {}))
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    set_text(browser, FOX)
    browser.run("page.text.select(4, 30)")
    yield browser
    if is_chromium:
        browser.page.emulate_media(media="screen")


@pytest.fixture
def emulated(printed: Any) -> Any:
    """The same, where the screen can show what would be printed."""
    if printed.name != "chromium":
        pytest.skip("Playwright does so with Chromium only")
    return printed


def is_seen(browser: Any, selector: str) -> bool:
    return browser.run("document.querySelector(argument).getClientRects().length > 0", selector)


def test_what_one_clicks_on_is_not_printed(emulated: Any) -> None:
    printed = emulated
    own = "getComputedStyle(page.text.shadowRoot.querySelector(argument)).display"
    controls = ["#toolbar", "#controls", "#status", "footer"]
    assert all(is_seen(printed, selector) for selector in controls)
    printed.page.emulate_media(media="print")
    assert not any(is_seen(printed, selector) for selector in controls)
    assert is_seen(printed, "h1") and is_seen(printed, "wasm-font-text")
    assert printed.run(own, ".caret") == printed.run(own, ".selection") == "none"


def test_the_story_is_on_paper(printed: Any, tmp_path: Path) -> None:
    """In black on white, whatever the screen has, in lines that fit the paper."""
    if shutil.which(POPPLER) is None:
        pytest.skip("not installed: poppler-utils")
    document = tmp_path / "page.pdf"
    document.write_bytes(printed.pdf())
    subprocess.run([POPPLER, "-r", "100", "-png", document, tmp_path / "page"], check=True)
    (picture,) = tmp_path.glob("page*.png")
    paper = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert (paper.min(axis=2) > 250).mean() > 0.8, "the paper is not white"
    colour = paper.max(axis=2) - paper.min(axis=2)
    assert (colour > 60).mean() < 0.0005, "the selection is printed, or what the focus is shown by"
    dark = paper.max(axis=2) < 100
    columns = np.flatnonzero(dark.any(axis=0))
    margin = round(0.02 * dark.shape[1])
    assert margin < columns[0] and columns[-1] < dark.shape[1] - margin, "a line is cut off"
    # Lines of large glyphs, of which the first reaches far to the right: lines are set anew for the paper.
    assert columns[-1] > 0.8 * dark.shape[1]
    assert printed.run("page.text.view.lines.length") > 1


def test_tokens_keep_their_colours(emulated: Any) -> None:
    printed = emulated
    printed.run("document.querySelector('#tokens').click()")
    printed.run("page.text.settled()")
    printed.page.emulate_media(media="print")
    image = Image.open(io.BytesIO(printed.screenshot())).convert("RGB")
    pixels = np.asarray(image).astype(int)
    assert ((pixels.max(axis=2) - pixels.min(axis=2)) > 30).mean() > 0.01
