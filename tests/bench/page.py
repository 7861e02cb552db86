"""``python -m bench.page FONT``: the font's page in Chromium beside the native host, in one run and in turns."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
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
TOKENS = 60
KEYS = 100
SHOWN_AT_KEYS = 50
"""Tokens that are seen when keystrokes are measured."""

# Calls of the worker, each of a prompt of its own; what the guest's time is, as the worker measured it.
PER_TOKEN = """(async ({ tokens, round }) => {
    const milliseconds = async (text) => {
        const { shaped } = await page.text.client.shape({ runs: [{ text }], features: "" });
        return shaped[0].milliseconds;
    };
    let few = 0, many = 0;
    for (let i = 0; i < 5; i++) {
        const prompt = `On day ${round} there were ${i} cats`;
        few += await milliseconds(prompt + "!!!!");
        many += await milliseconds(prompt + "!".repeat(4 + tokens));
    }
    return (many - few) / (5 * tokens);
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
        browser = self.browser.run(PER_TOKEN, {"tokens": TOKENS, "round": self._round})
        few = many = 0.0
        for i in range(5):
            prompt = f"On day {self._round} there were {i} cats"
            few += self._shaper.seconds(prompt + "!!!!")
            many += self._shaper.seconds(prompt + "!" * (4 + TOKENS))
        return {"browser": browser, "native": 1000 * (many - few) / (5 * TOKENS)}

    def keystrokes(self) -> dict[str, float]:
        argument = {"keys": KEYS, "marks": SHOWN_AT_KEYS + 3, "round": self._round}
        answer = self.browser.run(KEYSTROKES, argument)
        return {"keystroke": answer["took"], "held": answer["held"]}


def proportional_memory() -> int:
    """Bytes of all processes that this one has started, shared pages by halves and thirds (Linux: PSS)."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    total, found = 0, list(children.get(int(Path("/proc/self").readlink().name), []))
    while found:
        process = found.pop()
        found += children.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def rows_of(samples: dict[str, Samples], size: int) -> list[Row]:
    """What was promised of the page, and what it does."""
    blank = "a blank page"
    return [
        Row("page", "size of the file", "", Samples((size / 1e6,)), "MB", must=10.5),
        Row("page", "opened from disk, to the story", "", samples["open"], "s", must=0.5),
        Row("page", "memory", blank, samples["memory"], "MB", must=100),
        Row("page", "a token", "", samples["browser"], "ms"),
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
        bench.per_token()  # compilers tier up
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
