"""``python -m bench.lite FONT [--capacity]``: the font without Wasm beside its base font.

Times are of the thread's own clock, so that what else the machine does counts for little; ratios are taken in turns.
With ``--capacity`` the content is made larger first, to 400,000 states: as many themes as a font has room for, each
with all its bodies, which a chain of word pairs makes up from the content's own; then size and times of that font.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from fontTools.ttLib import TTFont

from fontgen.automaton.content.format import (
    COMPANIES,
    MOST_THEMES,
    Content,
    Theme,
    default_content_path,
    read_content,
)
from fontgen.automaton.machine import TELLINGS, machine_of
from fontgen.automaton.opentype import write_automaton
from fontgen.font import base

from .measure import Samples, in_turns
from .report import HIGHER, Row, print_rows

ROUNDS, SECONDS = 9, 60
STATES, MOST_BYTES = 400_000, 1_000_000
MARKS = 900
BODY_WORDS = 100
PLAIN = ("The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 11)[:700]
PROMPTS = {
    "one more mark": "The little fox",
    "one more mark, hero in no list": "Zorblax wanted to",
    "one more mark, hero and friend": "Tom and Lily went to the",
}


def seconds_of(act: Callable[[], object]) -> float:
    start = time.thread_time()
    act()
    return time.thread_time() - start


def rows_of(data: bytes) -> list[Row]:
    """Times of a font, beside the base font where that is of use."""
    import uharfbuzz

    def opened(data: bytes) -> uharfbuzz.Font:
        return uharfbuzz.Font(uharfbuzz.Face(data))

    def shape(font: uharfbuzz.Font, text: str) -> Callable[[], None]:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        return lambda: uharfbuzz.shape(font, buffer)

    font, beside = opened(data), opened(base.default_base_path().read_bytes())

    def probe() -> dict[str, float]:
        times = {"first": seconds_of(lambda: shape(opened(data), "The fox!!!!!!!!")())}
        for name, prompt in PROMPTS.items():
            few, many = (
                min(seconds_of(shape(font, prompt + "!" * n)) for _ in range(3))
                for n in (104, 104 + MARKS)
            )
            times[name] = 1e6 * (many - few) / MARKS
        times["plain"] = min(seconds_of(shape(font, PLAIN)) for _ in range(5))
        times["base"] = min(seconds_of(shape(beside, PLAIN)) for _ in range(5))
        times["run"] = seconds_of(shape(font, "The fox" + "!" * 20_000))
        return times

    samples = in_turns([probe], rounds=ROUNDS, seconds=SECONDS)
    rows = [Row("Time", name, "", samples[name], "us", must=25, aim=10) for name in PROMPTS]
    return [
        *rows,
        Row(
            "Time",
            "700 letters without a run",
            "base font",
            samples["plain"] / samples["base"],
            must=10,
        ),
        Row("Time", "first shape of a face", "", samples["first"].scaled(1e3), "ms", must=3),
        Row("Time", "20,000 marks", "", samples["run"].scaled(1e3), "ms"),
    ]


class Chain:
    """Makes up texts of the word triples that the content's own bodies have."""

    def __init__(self, content: Content, seed: int):
        self.rng = random.Random(seed)
        self.follows: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.starts = []
        for text in (text for theme in content.themes for text in theme.bodies["child"]):
            words = re.sub(r"\{things?\}", "toy", text).split()
            self.starts.append((words[0], words[1]))
            for one, two, three in zip(words, words[1:], words[2:], strict=False):
                self.follows[one, two].append(three)

    def text(self) -> str:
        """A text of so many words as bodies have."""
        words = list(self.rng.choice(self.starts))
        while len(words) < BODY_WORDS:
            following = self.follows.get((words[-2], words[-1]))
            words += [self.rng.choice(following)] if following else self.rng.choice(self.starts)
        return " ".join(words)


def enlarged(content: Content, states: int, seed: int = 1) -> Content:
    """The content with all themes that a font has room for and all bodies of each, no two the same, and with as many
    whole stories as it takes to have so many states."""
    chain = Chain(content, seed)
    more = range(MOST_THEMES - len(content.themes))
    themes = [*content.themes, *(Theme(f"more-{n}", (), {}) for n in more)]
    for number, theme in enumerate(themes):
        bodies = {}
        for company in COMPANIES:
            own = theme.bodies.get(company, ())
            bodies[company] = (*own, *(chain.text() for _ in range(TELLINGS - len(own))))
        themes[number] = dataclasses.replace(theme, bodies=bodies)
    made = dataclasses.replace(content, themes=tuple(themes))
    missing = states - machine_of(made).states
    words = sorted({word for end in content.ends_with_hero for word in end if word.isalpha()})
    openings = dict(content.openings)
    for _ in range(-(-missing // BODY_WORDS)):
        openings[tuple(chain.rng.sample(words, 5))] = " " + chain.text()
    openings = {
        opening: re.sub(r"\{(\w+)\}", lambda slot: slot[1].split("_")[-1], text)
        for opening, text in openings.items()
    }
    return dataclasses.replace(made, openings=openings)


def compiled(content: Content) -> tuple[bytes, int]:
    """A font of a content, and its states."""
    font, machine = base.open_base(), machine_of(content)
    write_automaton(font, machine)
    stream = io.BytesIO()
    font.save(stream, reorderTables=None)
    return stream.getvalue(), machine.states


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("font", type=Path)
    parser.add_argument(
        "--capacity", action="store_true", help=f"make one of {STATES:,} states first"
    )
    args = parser.parse_args()
    data, rows = args.font.read_bytes(), []
    if args.capacity:
        data, states = compiled(enlarged(read_content(default_content_path()), STATES))
        stream = io.BytesIO()
        woff2 = TTFont(io.BytesIO(data), recalcBBoxes=False, recalcTimestamp=False)
        woff2.flavor = "woff2"
        woff2.save(stream, reorderTables=False)
        rows = [
            Row("Size", "states", "", Samples((states,)), "", must=STATES, better=HIGHER),
            Row("Size", "TrueType", "", Samples((len(data),)), "bytes"),
            Row("Size", "WOFF2", "", Samples((stream.tell(),)), "bytes", must=MOST_BYTES),
        ]
    print_rows([*rows, *rows_of(data)], [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
