"""``python -m bench.page FONT``: the font's page in Chromium beside the native host, in one run and in turns."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from browsers.chromium import Chromium

from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.browser.page import PageFont, PageOptions, one_file

from .figures import Shaper
from .measure import Samples, in_turns
from .report import Row, print_rows

ROUNDS, SECONDS = 7, 240
KEPT_MARKS = 3
TEXTS, TOKENS = 10, 60
KEYS = 100
SHOWN_AT_KEYS = 50
"""Tokens that are seen when keystrokes are measured."""

# Calls of the worker, each of a prompt of its own.
SHAPE = """(async (texts) => {
    for (const text of texts) await page.text.client.shape({ runs: [{ text }], features: "" });
})(argument)"""

# From an input event to glyphs that are in the page; and how long the page answered nothing meanwhile.
KEYSTROKES = """(async ({ keys, marks, round }) => {
    const { text } = page;
    text.value = `A new day for ${round} dogs` + "!".repeat(marks);
    await text.settled();
    const took = [], held = [];
    const channel = new MessageChannel();
    for (let i = 0; i < keys; i++) {
        let last = performance.now(), worst = 0, on = true;
        channel.port1.onmessage = () => {
            const now = performance.now();
            worst = Math.max(worst, now - last);
            last = now;
            if (on) channel.port2.postMessage(0);
        };
        channel.port2.postMessage(0);
        const drawn = new Promise((done) => text.addEventListener("shape", done, { once: true }));
        const began = performance.now();
        text.insert(i % 2 ? "!" : "?");
        await drawn;
        text.getBoundingClientRect();
        took.push(performance.now() - began);
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        on = false;
        held.push(worst);
        await new Promise((done) => setTimeout(done));
    }
    const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    return { took: median(took), held: median(held) };
})(argument)"""


class PageBench:
    """A page and a blank one in a browser, and the same font in the native host."""

    def __init__(self, font: Path, page: Path):
        self.browser = Chromium()
        self._page = page
        self._shaper = Shaper(native.load(), font.read_bytes())
        self._round = 0
        self.keys: list[dict[str, float]] = []

    def begin_round(self, number: int) -> None:
        self._round = number

    def opening(self) -> dict[str, float]:
        """Seconds from the start of the navigation to the story, and the memory that it takes."""
        self.browser.new_page()
        time.sleep(1)
        blank = proportional_memory()
        self.browser.open(self._page.as_uri())
        self.browser.wait_for("document.body.dataset.ready !== undefined")
        seconds = self.browser.run("page.readyAt") / 1000
        self.browser.run("page.text.settled()")
        time.sleep(2)
        return {"open": seconds, "memory": (proportional_memory() - blank) / 1e6}

    def per_token(self) -> dict[str, float]:
        """Processor time of both hosts for the same texts, prompts included: other programs may run beside."""
        marks = "!" * (KEPT_MARKS + TOKENS)
        texts = [f"On day {self._round} there were {i} cats{marks}" for i in range(TEXTS)]
        before = processor_seconds()
        self.browser.run(SHAPE, texts)
        browser = processor_seconds() - before
        seconds = sum(self._shaper.seconds(text) for text in texts)
        count = TEXTS * TOKENS
        return {"browser": 1000 * browser / count, "native": 1000 * seconds / count}

    def keystrokes(self) -> dict[str, float]:
        argument = {"keys": KEYS, "marks": SHOWN_AT_KEYS + 3, "round": self._round}
        answer = self.browser.run(KEYSTROKES, argument)
        return {"keystroke": answer["took"], "held": answer["held"]}


def _started_processes() -> Iterator[Path]:
    """The folders in /proc of all processes that this one has started, and those have."""
    children: dict[str, list[str]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = status.read_text().rpartition(")")[2].split()[1]
            children.setdefault(parent, []).append(status.parent.name)
    found = children.get(Path("/proc/self").readlink().name, [])
    while found:
        process = found.pop()
        found += children.get(process, [])
        yield Path("/proc", process)


def proportional_memory() -> int:
    """Bytes of the browser, pages that processes share counted by halves and thirds (Linux: PSS)."""
    total = 0
    for process in _started_processes():
        with suppress(OSError):
            lines = (process / "smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def processor_seconds() -> float:
    """What the browser's threads have run so far."""
    total = 0
    for process in _started_processes():
        for thread in process.glob("task/*/schedstat"):
            with suppress(OSError):
                total += int(thread.read_text().split()[0])
    return total / 1e9


def rows_of(samples: dict[str, Samples], size: int) -> list[Row]:
    """What was promised of the page, and what it does."""
    blank = "a blank page"
    return [
        Row("page", "size of the file", "", Samples((size / 1e6,)), "MB", must=10.5),
        Row("page", "opened from disk, to the story", "", samples["open"], "s", must=0.5),
        Row("page", "memory", blank, samples["memory"], "MB", must=100),
        Row("page", "a token, of processor time", "", samples["browser"], "ms"),
        Row(
            "page",
            "a token, as a ratio",
            "the native host",
            samples["browser"] / samples["native"],
            must=1.0,
        ),
        Row(
            "page",
            "keystroke to drawn",
            f"{SHOWN_AT_KEYS} tokens",
            samples["keystroke"],
            "ms",
            must=8,
        ),
        Row("page", "main thread held by a keystroke", "", samples["held"], "ms", must=16),
    ]


def main() -> int:
    """Measure and print; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    args = parser.parse_args()
    if Chromium.command is None:
        print("bench: error: chromium is not installed", file=sys.stderr)
        return 2
    try:
        data = one_file(PageFont.open(args.font), PageOptions())
    except FontgenError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_bytes(data)
        bench = PageBench(args.font, page)
        bench.opening()
        for number in range(3):  # compilers tier up
            bench.begin_round(1000 + number)
            bench.per_token()
        probes: list[Any] = [bench.opening, bench.per_token, bench.keystrokes]
        samples = in_turns(
            probes, rounds=args.rounds, seconds=SECONDS, begin_round=bench.begin_round
        )
        version = bench.browser.browser.version
        bench.browser.close()
    print_rows(rows_of(samples, len(data)), [f"Chromium {version}"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
