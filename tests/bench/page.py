"""``python -m bench.page FONT``: the font's page in each browser beside the native host, in one run and in turns."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from browsers import DRIVERS
from browsers.chromium import Chromium
from support.host_fonts import compile_guest, with_wasm

from fontgen.errors import FontgenError
from fontgen.font.base import default_base_path
from fontgen.host import native
from fontgen.host.browser.page import PageFont, PageOptions, one_file

from .figures import Shaper
from .measure import Samples, in_turns
from .report import Row, print_rows

ROUNDS, SECONDS = 7, 240
OPENED = {"chromium": 0.5, "firefox": 0.5, "webkit": 1.0}
"""Seconds that were promised, from the beginning of the navigation to the story."""
BLANK = "<!doctype html><title>blank</title><textarea></textarea>"
KEPT_MARKS = 3
TEXTS, TOKENS = 10, 60
KEYS = 100
HOSTILE_SECONDS = 3
SHOWN_AT_KEYS = 50
"""Tokens that are seen when keystrokes are measured."""

# Calls of the worker, each of a prompt of its own.
SHAPE = """(async (texts) => {
    for (const text of texts) await page.text.client.shape({ runs: [{ text }], features: "" });
})(argument)"""

# While a font's guest loops without end: the longest time between two ticks of a clock.
HOSTILE = """(async (seconds) => {
    page.text.value = "Loop";
    let last = performance.now(), worst = 0;
    const clock = setInterval(() => {
        const now = performance.now();
        worst = Math.max(worst, now - last);
        last = now;
    }, 4);
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    clearInterval(clock);
    return worst;
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
    """Pages in a browser: a font's, a blank one, and one that means harm; and the same font in the native host."""

    def __init__(self, driver: Any, font: Path, folder: Path):
        self.browser = driver()
        self._page, self._blank, self._hostile = write_pages(font, folder)
        self._shaper = Shaper(native.load(), font.read_bytes())
        self._round = 0

    def begin_round(self, number: int) -> None:
        self._round = number

    def all(self) -> dict[str, float]:
        """Each figure once, always in this order: they need the page that was opened last."""
        probes = (self.hostile, self.opening, self.per_token, self.keystrokes)
        return {name: value for probe in probes for name, value in probe().items()}

    def opening(self) -> dict[str, float]:
        """Seconds from the start of the navigation to the story, and the memory that it takes."""
        self.browser.new_page()
        self.browser.open(self._blank.as_uri())
        time.sleep(1)
        blank, before = proportional_memory(), thread_seconds()
        self.browser.open(self._page.as_uri())
        self.browser.wait_for("globalThis.page?.toldAt > 0")
        work = work_since(before)
        seconds = self.browser.run("page.toldAt") / 1000
        time.sleep(5)  # what is garbage is collected
        memory = (proportional_memory() - blank) / 1e6
        return {"open": seconds, "open work": work, "memory": memory}

    def hostile(self) -> dict[str, float]:
        """The longest that the page answers nothing while its font never ends."""
        self.browser.new_page()
        self.browser.open(self._hostile.as_uri())
        self.browser.wait_for("globalThis.page?.toldAt > 0")
        return {"hostile": self.browser.run(HOSTILE, HOSTILE_SECONDS)}

    def per_token(self) -> dict[str, float]:
        """Processor time of both hosts for the same texts, prompts included: other programs may run beside.

        At first a browser's compiler still works on the module, as the native host's has done before its first text.
        """
        just_opened = self._per_token("day")
        self._per_token("night")
        warm = self._per_token("evening")
        return {**warm, **{f"{name}, at first": value for name, value in just_opened.items()}}

    def _per_token(self, time_of_day: str) -> dict[str, float]:
        marks = "!" * (KEPT_MARKS + TOKENS)
        texts = [f"On {time_of_day} {self._round} there were {i} cats{marks}" for i in range(TEXTS)]
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


def write_pages(font: Path, folder: Path) -> tuple[Path, Path, Path]:
    """The font's page, a blank one, and that of a font that loops for a text that begins with L."""
    hostile = folder / "hostile.ttf"
    guest = compile_guest("hostile.c", folder / "hostile.wasm")
    hostile.write_bytes(with_wasm(default_base_path(), guest))
    contents = {
        "page.html": one_file(PageFont.open(font), PageOptions()),
        "blank.html": BLANK.encode(),
        "hostile.html": one_file(PageFont.open(hostile), PageOptions("fine")),
    }
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths[0], paths[1], paths[2]


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


def thread_seconds() -> dict[Path, float]:
    """What each of the browser's threads has run so far."""
    seconds = {}
    for process in _started_processes():
        for thread in process.glob("task/*"):
            with suppress(OSError):
                seconds[thread] = int((thread / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def processor_seconds() -> float:
    """What the browser's threads have run so far."""
    return sum(thread_seconds().values())


def work_since(before: dict[Path, float]) -> float:
    """Seconds that the threads have run that are there now; some may have begun since, others ended."""
    return sum(seconds - before.get(thread, 0) for thread, seconds in thread_seconds().items())


def rows_of(name: str, samples: dict[str, Samples], size: int) -> list[Row]:
    """What was promised of the page, and what it does in one browser."""
    ratio = samples["browser"] / samples["native"]
    at_first = samples["browser, at first"] / samples["native, at first"]
    keys = f"{SHOWN_AT_KEYS} tokens"
    is_v8 = name == Chromium.name
    return [
        Row(name, "size of the file", "", Samples((size / 1e6,)), "MB", must=10.5),
        Row(name, "opened from disk, to the story", "", samples["open"], "s", must=OPENED[name]),
        Row(name, "the same, of processor time", "", samples["open work"], "s"),
        Row(name, "memory", "a blank page", samples["memory"], "MB", must=100),
        Row(name, "a token, of processor time", "", samples["browser"], "ms"),
        Row(name, "a token, as a ratio", "the native host", ratio, must=1.0 if is_v8 else None),
        Row(name, f"the same, the first {TEXTS * TOKENS} of a page", "the native host", at_first),
        Row(name, "keystroke to drawn", keys, samples["keystroke"], "ms", must=8),
        Row(name, "main thread held by a keystroke", "", samples["held"], "ms", must=16),
        Row(name, "held while a font never ends", "", samples["hostile"], "ms", must=50),
    ]


def measure(driver: Any, font: Path, rounds: int) -> list[Row]:
    """The rows of one browser."""
    with tempfile.TemporaryDirectory() as folder:
        bench = PageBench(driver, font, Path(folder))
        try:
            bench.opening()
            bench.begin_round(1000)
            bench.per_token()
            samples = in_turns(
                [bench.all], rounds=rounds, seconds=SECONDS, begin_round=bench.begin_round
            )
            return rows_of(driver.name, samples, Path(folder, "page.html").stat().st_size)
        finally:
            bench.browser.close()


def main() -> int:
    """Measure and print; exit code 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    names = [driver.name for driver in DRIVERS]
    parser.add_argument("--browser", action="append", choices=names, help="all that are installed")
    args = parser.parse_args()
    chosen = [driver for driver in DRIVERS if driver.name in (args.browser or names)]
    installed = [driver for driver in chosen if not driver.missing()]
    missing = [
        f"{driver.name}: lacks {', '.join(driver.missing())}"
        for driver in chosen
        if driver.missing()
    ]
    if not installed:
        print(f"bench: error: {', '.join(missing)}", file=sys.stderr)
        return 2
    # No graphics card, as Chromium here: one that is emulated takes all cores to draw a page.
    os.environ["WEBKIT_DISABLE_COMPOSITING_MODE"] = "1"
    try:
        rows = [row for driver in installed for row in measure(driver, args.font, args.rounds)]
    except FontgenError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 2
    print_rows(rows, missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
