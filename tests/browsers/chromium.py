"""Debian's Chromium, by Playwright's Python package (which brings no browser of its own here)."""

from __future__ import annotations

import shutil
from typing import Any

from browsers.waiting import wait_until


class Chromium:
    """A browser with one page. ``run()`` and the rest are what every driver in this folder has."""

    name = "chromium"
    command = shutil.which("chromium") or shutil.which("chromium-browser")

    @classmethod
    def missing(cls) -> list[str]:
        """Debian's packages that are lacking."""
        return [] if cls.command else ["chromium"]

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self.browser = self._playwright.chromium.launch(
            executable_path=self.command,
            args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
        )
        self.context: Any = None
        self.page: Any = None
        self.errors: list[str] = []
        self.new_page()

    def new_page(self, **options: Any) -> None:
        """A fresh profile: nothing cached, nothing stored. `options` are Playwright's of a context."""
        if self.context is not None:
            self.context.close()
        self.context = self.browser.new_context(
            **{"viewport": {"width": 1000, "height": 700}, **options}
        )
        self.page = self.context.new_page()
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: message.type == "error" and self.errors.append(message.text),
        )

    def open(self, url: str) -> None:
        self.page.goto(url)

    def run(self, expression: str, argument: Any = None) -> Any:
        """The value of a JavaScript expression, in which ``argument`` may occur and ``await`` too."""
        return self.page.evaluate(f"async (argument) => ({expression})", argument)

    def wait_for(self, condition: str, seconds: float = 30) -> None:
        """Until a JavaScript expression is true."""
        wait_until(lambda: self.run(condition), condition, seconds)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, keys: str) -> None:
        """One key, with those held before it: ``Control+Home``."""
        self.page.keyboard.press(keys)

    def click(self, x: float, y: float, count: int = 1) -> None:
        self.page.mouse.click(x, y, click_count=count)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=4)
        self.page.mouse.up()

    def screenshot(self) -> bytes:
        return self.page.screenshot()

    def pdf(self) -> bytes:
        """The page as it is printed on A5."""
        return self.page.pdf(format="A5", print_background=True)

    def close(self) -> None:
        self.browser.close()
        self._playwright.stop()
