"""Real browsers: the host that runs fonts in them, the element, and the pages that `fontgen page` writes."""

from __future__ import annotations

from typing import Any

from browsers.chromium import Chromium
from browsers.firefox import Firefox
from browsers.webkit import WebKit

DRIVERS: list[Any] = [Chromium, Firefox, WebKit]
