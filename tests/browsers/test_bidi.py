"""The bidirectional algorithm gives the levels and the order that another implementation gives."""

from __future__ import annotations

import random
from typing import Any

import pytest
from bidi import get_display

from browsers.host_page import HostPage
from browsers.record_bidi_classes import OUTPUT, module_text

LETTERS = ["abc XYZ", "אבגד", "مرحبا", "123", "٤٥٦", " .,:;!?-+", "()[]{}<>", "$%€", "\u0301", "\t"]
CONTROLS = "\u202a\u202b\u202d\u202e\u202c\u2066\u2067\u2068\u2069\u200e\u200f"

DISPLAY = """(async (cases) => {
    const { bidiLevels, visualOrder } = await import("./js/bidi.js");
    return cases.map(([text, direction]) => {
        const { base, levels } = bidiLevels(text, direction);
        // L1: white space at the end of a line has the paragraph's level.
        for (let i = text.length - 1; i >= 0 && /[\\s\\u2066-\\u2069\\u202a-\\u202e\\u200e\\u200f]/.test(text[i]); i--)
            if (/[\\s\\u2066-\\u2069]/.test(text[i])) levels[i] = base; else break;
        return visualOrder([...levels]).map((i) => text[i]).join("");
    });
})(argument)"""


def random_text(source: random.Random, controls: bool) -> str:
    alphabets = [*LETTERS, CONTROLS] if controls else LETTERS
    return "".join(
        "".join(source.choice(alphabet) for _ in range(source.randint(1, 4)))
        for alphabet in (source.choice(alphabets) for _ in range(source.randint(1, 7)))
    )


def display(page: HostPage, cases: list[tuple[str, str]]) -> Any:
    page.reload()
    return page.browser.run(DISPLAY, cases)


@pytest.mark.parametrize("controls", [False, True], ids=["text", "with controls"])
def test_random_texts(host_page: HostPage, controls: bool) -> None:
    source = random.Random(9)
    # An alef in each: python-bidi leaves a text without right-to-left letters alone, tabs in it too.
    cases = [
        (f"{random_text(source, controls)}aא", source.choice(["ltr", "rtl"])) for _ in range(4000)
    ]
    wrong = [
        (case, shown)
        for case, shown in zip(cases, display(host_page, cases), strict=True)
        if visible(shown) != visible(get_display(case[0], base_dir=case[1][0].upper()))
    ]
    assert not wrong, f"{len(wrong)}: {wrong[:3]}"


def visible(text: str) -> str:
    """Without the controls, whose own place in the line nobody sees and which the algorithm leaves open."""
    return "".join(character for character in text if character not in CONTROLS)


def test_the_table_is_of_a_unicode_database(host_page: HostPage) -> None:
    """Classes of letters, digits and controls, from the table that pages carry."""
    samples = {
        "a": "L",
        "א": "R",
        "م": "AL",
        "1": "EN",
        "٤": "AN",
        "+": "ES",
        "$": "ET",
        ",": "CS",
        "\u0301": "NSM",
    }
    samples |= {" ": "WS", "!": "ON", "\u2067": "RLI", "\t": "S", "\u202e": "RLO"}
    host_page.reload()
    found = host_page.browser.run(
        """(async (letters) => {
            const { bidiClass } = await import("./js/bidi.js");
            const { CLASSES } = await import("./js/bidi-classes.js");
            return letters.map((letter) => CLASSES[bidiClass(letter.codePointAt(0))]);
        })(argument)""",
        list(samples),
    )
    assert found == list(samples.values())
    assert OUTPUT.read_text("utf-8").split("\n")[3:6] == module_text().split("\n")[3:6]
