"""The page on a telephone: 390 pixels wide, fingers, a keyboard that takes half of the screen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from browsers.test_element import FOX, point, set_text, state

LONG_TOUCH = 0.5
"""Seconds: as in js/pointer.js."""
WIDTH, HEIGHT = 390, 700


class Finger:
    """One finger on Chromium's screen, by its own protocol: Playwright's can only tap."""

    def __init__(self, browser: Any):
        self._session = browser.context.new_cdp_session(browser.page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def hold(self, x: float, y: float, seconds: float = LONG_TOUCH + 0.3) -> None:
        self._send("touchStart", (x, y))
        time.sleep(seconds)
        self._send("touchEnd")

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 8) -> None:
        self._send("touchStart", start)
        for i in range(1, steps + 1):
            self._send(
                "touchMove", tuple(a + (b - a) * i / steps for a, b in zip(start, end, strict=True))
            )  # type: ignore[arg-type]
        self._send("touchEnd")


@pytest.fixture
def telephone(browser: Any, story_page: Path) -> Any:
    if browser.name != "chromium":
        pytest.skip("Playwright makes a telephone of Chromium only")
    size = {"width": WIDTH, "height": HEIGHT}
    browser.new_page(viewport=size, device_scale_factor=2, has_touch=True, is_mobile=True)
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    return browser


def box(browser: Any, selector: str) -> dict[str, float]:
    return browser.run(
        "page.text.shadowRoot.querySelector(argument).getBoundingClientRect().toJSON()", selector
    )


def middle(rectangle: dict[str, float]) -> tuple[float, float]:
    return rectangle["x"] + rectangle["width"] / 2, rectangle["y"] + rectangle["height"] / 2


def handles(browser: Any) -> list[dict[str, float]]:
    """Those that are seen: of the beginning and of the end."""
    return browser.run(
        """[...page.text.shadowRoot.querySelectorAll(".handle")]
            .map((handle) => handle.getBoundingClientRect().toJSON())
            .filter(({ width }) => width > 0)"""
    )


def tap(browser: Any, offset: int) -> None:
    """Until the caret is there: a tap becomes a click somewhat later, and one right after another touch none at all."""
    time.sleep(0.5)
    browser.page.touchscreen.tap(*point(browser, offset))
    browser.wait_for(f"page.text.selection.join() === '{offset},{offset}'")


def test_nothing_is_wider_than_the_screen(telephone: Any) -> None:
    """With all that can be opened open, and a word that no line holds."""
    set_text(telephone, FOX + " " + "w" * 200)
    telephone.run(
        "document.querySelectorAll('details').forEach((details) => (details.open = true))"
    )
    telephone.run("page.lesson.update()")
    telephone.run("page.lesson.idle()")
    telephone.wait_for("document.querySelector('#report').childElementCount > 0")
    assert telephone.run("document.documentElement.scrollWidth") <= WIDTH
    assert telephone.run("page.text.scrollWidth === page.text.clientWidth")
    assert telephone.run("document.documentElement.scrollHeight") > 2 * HEIGHT


def test_a_tap_places_the_caret(telephone: Any) -> None:
    set_text(telephone, FOX)
    telephone.run("page.text.area.blur()")
    tap(telephone, 12)
    assert telephone.run("page.text.hasAttribute('focused')")
    assert not handles(telephone)


def test_the_keyboard_does_not_cover_the_caret(telephone: Any) -> None:
    """It takes the lower half of the screen, while the caret is in it."""
    set_text(telephone, FOX * 3)
    telephone.page.set_viewport_size({"width": WIDTH, "height": HEIGHT // 2})
    telephone.type("!")
    telephone.run("page.text.settled()")
    telephone.run("new Promise((done) => requestAnimationFrame(done)).then(() => 1)")
    caret = box(telephone, ".caret")
    assert 0 <= caret["top"] < caret["bottom"] <= HEIGHT // 2


def test_a_long_touch_selects_a_word(telephone: Any) -> None:
    set_text(telephone, "Hello brave new world")
    telephone.run("scrollTo(0, 0)")
    Finger(telephone).hold(*point(telephone, 8))
    assert (state(telephone)["from"], state(telephone)["to"]) == (6, 11)
    start, end = handles(telephone)
    assert start["x"] < end["x"] and start["y"] == pytest.approx(end["y"])
    # They hang below the word's ends.
    assert middle(start)[0] == pytest.approx(point(telephone, 6)[0], abs=2)
    assert middle(end)[0] == pytest.approx(point(telephone, 11)[0], abs=2)


def test_handles_are_drawn_on(telephone: Any) -> None:
    set_text(telephone, "Hello brave new world")
    telephone.run("scrollTo(0, 0)")
    finger = Finger(telephone)
    finger.hold(*point(telephone, 8))
    for number, to, selected in [(1, 15, (6, 15)), (0, 0, (0, 15)), (0, 12, (12, 15))]:
        start = middle(handles(telephone)[number])
        x, y = point(telephone, to)
        finger.drag(start, (x, y + (start[1] - point(telephone, 15)[1])))
        assert (state(telephone)["from"], state(telephone)["to"]) == selected
    # A tap elsewhere ends it.
    tap(telephone, 3)
    assert not handles(telephone)


def test_a_finger_that_scrolls_selects_nothing(telephone: Any) -> None:
    set_text(telephone, FOX * 12)
    telephone.run("page.text.select(0, 0)")
    telephone.run("scrollTo(0, 0)")
    Finger(telephone).drag((200, 600), (200, 200))
    telephone.wait_for("scrollY > 50")
    assert (state(telephone)["from"], state(telephone)["to"]) == (0, 0)
    assert not handles(telephone)
