"""Firefox ESR as it is installed, by its own Marionette protocol: no driver to fetch."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from browsers.webdriver import SCRIPT_SECONDS, WebDriver


class Firefox(WebDriver):
    """A headless Firefox with a profile of its own."""

    name = "firefox"
    command = shutil.which("firefox-esr") or shutil.which("firefox")

    @classmethod
    def missing(cls) -> list[str]:
        return [] if cls.command else ["firefox-esr"]

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._profile = tempfile.TemporaryDirectory()
        preferences = {"marionette.port": port, "browser.shell.checkDefaultBrowser": False}
        Path(self._profile.name, "user.js").write_text(
            "".join(f'user_pref("{k}", {json.dumps(v)});\n' for k, v in preferences.items())
        )
        command = [str(self.command), "--headless", "--marionette", "--no-remote"]
        self._process = subprocess.Popen(
            [*command, "--width", "1000", "--height", "800", "--profile", self._profile.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._socket = _connected(port)
        self._received = b""
        self._receive(SCRIPT_SECONDS)  # its greeting
        self._last_id = 0
        self._call("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {}}})
        self._call("WebDriver:SetTimeouts", {"script": 1000 * SCRIPT_SECONDS})

    def _receive(self, seconds: float) -> Any:
        """A message is its length, a colon, and JSON."""
        self._socket.settimeout(seconds)
        while True:
            length, colon, rest = self._received.partition(b":")
            if colon and len(rest) >= int(length):
                message, self._received = rest[: int(length)], rest[int(length) :]
                return json.loads(message)
            more = self._socket.recv(1 << 20)
            if not more:
                raise RuntimeError("Firefox has gone")
            self._received += more

    def _call(
        self,
        name: str,
        parameters: dict[str, Any] | None = None,
        seconds: float = SCRIPT_SECONDS + 20,
    ) -> Any:
        self._last_id += 1
        data = json.dumps([0, self._last_id, name, parameters or {}]).encode()
        self._socket.sendall(str(len(data)).encode() + b":" + data)
        answer = self._receive(seconds)
        while answer[1] != self._last_id:  # that of a command which was given up
            answer = self._receive(seconds)
        _, _, error, result = answer
        if error:
            raise RuntimeError(error["message"])
        return result.get("value") if isinstance(result, dict) else result

    def navigate(self, url: str) -> None:
        self._call("WebDriver:Navigate", {"url": url})

    def execute(self, script: str, seconds: float = SCRIPT_SECONDS + 20) -> Any:
        return self._call("WebDriver:ExecuteAsyncScript", {"script": script, "args": []}, seconds)

    def perform(self, actions: list[dict[str, Any]]) -> None:
        self._call("WebDriver:PerformActions", {"actions": actions})

    def take_screenshot(self) -> str:
        return self._call("WebDriver:TakeScreenshot", {"full": False})

    def pdf(self) -> bytes:
        """The page as it is printed on A5."""
        page = {"width": 14.8, "height": 21.0}  # centimetres
        return base64.b64decode(self._call("WebDriver:Print", {"page": page, "background": True}))

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._call("Marionette:Quit", {"flags": ["eForceQuit"]})
        self._process.wait(30)
        self._profile.cleanup()


def _connected(port: int) -> socket.socket:
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Firefox did not open its port")
