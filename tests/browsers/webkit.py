"""WebKitGTK, the engine of Safari, by Debian's webkit2gtk-driver, under Xvfb."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from browsers.webdriver import SCRIPT_SECONDS, WebDriver

MINI_BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))


class WebKit(WebDriver):
    """A MiniBrowser on a display of its own."""

    name = "webkit"
    command = shutil.which("WebKitWebDriver")

    @classmethod
    def missing(cls) -> list[str]:
        here = {
            "webkit2gtk-driver": shutil.which("WebKitWebDriver"),
            "libwebkit2gtk-4.1-0": MINI_BROWSERS,
            "xvfb": shutil.which("Xvfb"),
        }
        return [package for package, found in here.items() if not found]

    def __init__(self) -> None:
        read, write = os.pipe()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._display = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1100x900x24", "-nolisten", "tcp"],
            pass_fds=[write],
            **quiet,
        )
        os.close(write)
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        environment = {
            **os.environ,
            "DISPLAY": f":{number}",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            # In a container there is no bubblewrap; the pages are ours.
            "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
        }
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._driver = subprocess.Popen(
            [str(self.command), f"--port={self._port}"], env=environment, **quiet
        )
        options = {"binary": str(MINI_BROWSERS[-1]), "args": ["--automation"]}
        session = self._call(
            "POST",
            "/session",
            {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}},
        )
        self._session = f"/session/{session['sessionId']}"
        self._call("POST", f"{self._session}/timeouts", {"script": 1000 * SCRIPT_SECONDS})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        for _ in range(100):
            try:
                with urllib.request.urlopen(request, timeout=SCRIPT_SECONDS + 20) as answer:
                    return json.load(answer)["value"]
            except urllib.error.HTTPError as error:
                raise RuntimeError(error.read().decode()[:1000]) from error
            except urllib.error.URLError:  # the driver is not there yet
                time.sleep(0.2)
        raise RuntimeError("WebKitWebDriver did not open its port")

    def navigate(self, url: str) -> None:
        self._call("POST", f"{self._session}/url", {"url": url})

    def execute(self, script: str, seconds: float = SCRIPT_SECONDS + 20) -> Any:
        return self._call("POST", f"{self._session}/execute/async", {"script": script, "args": []})

    def perform(self, actions: list[dict[str, Any]]) -> None:
        self._call("POST", f"{self._session}/actions", {"actions": actions})

    def take_screenshot(self) -> str:
        return self._call("GET", f"{self._session}/screenshot")

    def close(self) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            for process in (self._driver, self._display):
                process.terminate()
                process.wait(20)
