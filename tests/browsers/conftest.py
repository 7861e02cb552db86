"""What the tests in browsers share: the drivers, and a web server with the host's modules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browsers import DRIVERS
from browsers.chromium import Chromium
from browsers.host_page import HostPage
from fontgen.host.browser.page import PageFont, PageOptions, one_file


@pytest.fixture(scope="session")
def harfbuzz_wasm() -> bytes:
    """HarfBuzz for the browser, built if it is not there."""
    from fontgen.host.browser.builder import harfbuzz_module

    return harfbuzz_module()


EVERY_BROWSER = "FONTGEN_TEST_BROWSERS"
"""Set by `make test-browsers`: not Chromium alone, but Firefox and WebKitGTK too."""
TESTED: list[Any] = DRIVERS if os.environ.get(EVERY_BROWSER) else [Chromium]


@pytest.fixture(scope="session", params=TESTED, ids=lambda driver: driver.name)
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each browser that is installed, with one page."""
    driver = request.param
    if packages := driver.missing():
        pytest.skip(f"not installed: {' '.join(packages)}")
    started = driver()
    yield started
    started.close()


@pytest.fixture(scope="session")
def host_page(browser: Any, harfbuzz_wasm: bytes) -> Iterator[HostPage]:
    """The host's modules in a page of their own, where fonts can be opened."""
    with HostPage.open(browser, harfbuzz_wasm) as page:
        yield page


@pytest.fixture(scope="session")
def dejavu() -> bytes:
    """A font of many scripts that Debian's desktops have."""
    path = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not path.exists():
        pytest.skip("DejaVu Sans is not installed")
    return path.read_bytes()


@pytest.fixture(scope="session")
def story_page(font_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default font's page, in one file."""
    path = tmp_path_factory.mktemp("page") / "story.html"
    path.write_bytes(one_file(PageFont.open(font_path), PageOptions()))
    return path


@pytest.fixture
def story(browser: Any, story_page: Path) -> Any:
    """The browser, with that page open from disk and its story told."""
    browser.new_page()
    browser.open(story_page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    browser.run("page.text.settled()")
    return browser
