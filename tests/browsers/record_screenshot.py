"""Makes the README's picture of the page anew: ``python -m browsers.record_screenshot FONT``; look at it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from browsers.chromium import Chromium
from fontgen.host import browser as host_package
from fontgen.host.browser.page import PageFont, PageOptions, one_file

OUTPUT = Path(host_package.__file__).parent / "page.png"
TEXT = "The little fox" + "!" * 29


def main(font: Path) -> None:
    """The default text, its tokens, and what may come next."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_bytes(one_file(PageFont.open(font), PageOptions(TEXT)))
        browser = Chromium()
        browser.new_page(viewport={"width": 900, "height": 960})
        browser.open(page.as_uri())
        browser.wait_for("document.body.dataset.ready !== undefined")
        browser.run("document.querySelector('#lesson').open = true")
        browser.run("page.text.settled()")
        browser.run("page.lesson.update()")
        browser.run("page.lesson.idle()")
        browser.run("document.querySelector('#tokens').click()")
        browser.run("page.text.settled()")
        OUTPUT.write_bytes(browser.screenshot())
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
