"""What Firefox's and WebKit's drivers share: the W3C WebDriver protocol, whatever carries its commands."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from typing import Any

from browsers.waiting import wait_until

KEYS = {
    "Control": "\ue009", "Shift": "\ue008", "Alt": "\ue00a", "ArrowLeft": "\ue012", "ArrowUp": "\ue013",
    "ArrowRight": "\ue014", "ArrowDown": "\ue015", "Home": "\ue011", "End": "\ue010", "Delete": "\ue017",
    "Backspace": "\ue003",
}  # fmt: skip
SCRIPT_SECONDS = 300
ANSWER_SECONDS = 20


class WebDriver(ABC):
    """A browser with one page."""

    errors: tuple[str, ...] = ()
    """Only Chromium's driver hears of them."""

    @classmethod
    @abstractmethod
    def missing(cls) -> list[str]:
        """Debian's packages that are lacking."""

    @abstractmethod
    def navigate(self, url: str) -> None: ...

    @abstractmethod
    def execute(self, script: str, seconds: float = SCRIPT_SECONDS + 20) -> Any:
        """The value that an asynchronous script gives to its last argument.

        Raises TimeoutError where the browser does not answer for so long.
        """

    @abstractmethod
    def perform(self, actions: list[dict[str, Any]]) -> None: ...

    @abstractmethod
    def take_screenshot(self) -> str:
        """A PNG, in base64."""

    def new_page(self, **options: Any) -> None:
        if options:
            raise NotImplementedError(f"pages with {', '.join(options)}")
        self.navigate("about:blank")

    def open(self, url: str) -> None:
        self.navigate(url)

    def run(
        self, expression: str, argument: Any = None, seconds: float = SCRIPT_SECONDS + 20
    ) -> Any:
        """The value of a JavaScript expression, in which ``argument`` may occur and ``await`` too."""
        answer = self.execute(
            f"const done = arguments[arguments.length - 1]; const argument = {json.dumps(argument)};"
            f"(async () => ({expression}))().then((value) => done({{ value }}),"
            "(error) => done({ error: String(error?.stack ?? error) + String(error?.message ?? '') }))",
            seconds,
        )
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def wait_for(self, condition: str, seconds: float = 60) -> None:
        """Until a JavaScript expression is true."""

        def is_true() -> bool:
            try:
                return bool(self.run(f"Boolean({condition})", seconds=ANSWER_SECONDS))
            except TimeoutError:
                # Firefox forgets a script that comes while it gives the page to another process.
                return False

        wait_until(is_true, condition, seconds)

    def type(self, text: str) -> None:
        strokes = [{"type": kind, "value": c} for c in text for kind in ("keyDown", "keyUp")]
        self.perform([{"type": "key", "id": "keyboard", "actions": strokes}])

    def press(self, keys: str) -> None:
        """One key, with those held before it: ``Control+Home``."""
        values = [KEYS.get(key, key) for key in keys.split("+")]
        strokes = [{"type": "keyDown", "value": value} for value in values]
        strokes += [{"type": "keyUp", "value": value} for value in reversed(values)]
        self.perform([{"type": "key", "id": "keyboard", "actions": strokes}])

    def click(self, x: float, y: float, count: int = 1) -> None:
        moves: list[dict[str, Any]] = [_move(x, y)]
        for _ in range(count):
            moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._mouse(moves)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        down, up = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
        self._mouse([_move(*start), down, _move(*middle), _move(*end), up])

    def _mouse(self, actions: list[dict[str, Any]]) -> None:
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.perform([{**mouse, "actions": actions}])

    def screenshot(self) -> bytes:
        return base64.b64decode(self.take_screenshot())


def _move(x: float, y: float) -> dict[str, Any]:
    return {
        "type": "pointerMove",
        "x": round(x),
        "y": round(y),
        "duration": 0,
        "origin": "viewport",
    }
