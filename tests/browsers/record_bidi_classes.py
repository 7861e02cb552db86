"""Writes ``js/bidi-classes.js`` from this Python's Unicode database: ``python -m browsers.record_bidi_classes``."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

from fontgen.host import browser

OUTPUT = Path(browser.__file__).parent / "js" / "bidi-classes.js"
CLASSES = "L R AL EN ES ET AN CS NSM BN B S WS ON LRE LRO RLE RLO PDF LRI RLI FSI PDI".split()

HEADER = """\
// The Bidi_Class and Bidi_Paired_Bracket of Unicode {version}'s characters.
// Written by tests/browsers/record_bidi_classes.py; do not edit.

export const CLASSES = "{classes}".split(" ");

/** Runs of characters that are not L: how far from the end of the run before, how long, which class; in base 36. */
export const RUNS =
  "{runs}";

/** Opening and closing brackets, in turn. */
export const BRACKETS = "{brackets}";
"""


def _bidi_class(codepoint: int) -> str:
    found = unicodedata.bidirectional(chr(codepoint))
    # Not assigned: R and AL where right-to-left scripts are or will be (DerivedBidiClass.txt).
    if not found and 0x590 <= codepoint < 0x900:
        return "AL" if 0x600 <= codepoint < 0x7C0 or codepoint >= 0x860 else "R"
    if not found and 0x10800 <= codepoint < 0x11000:
        return "R"
    return found or "L"


def runs() -> list[tuple[int, int, str]]:
    """(first, length, class) of each run of characters that are not L."""
    found: list[tuple[int, int, str]] = []
    for codepoint in range(sys.maxunicode + 1):
        kind = _bidi_class(codepoint)
        if kind == "L":
            continue
        if found and found[-1][2] == kind and sum(found[-1][:2]) == codepoint:
            found[-1] = (found[-1][0], found[-1][1] + 1, kind)
        else:
            found.append((codepoint, 1, kind))
    return found


def brackets() -> str:
    """Pairs of brackets that the algorithm's rule N0 knows."""
    pairs = ""
    for codepoint in range(sys.maxunicode + 1):
        opening = chr(codepoint)
        name = unicodedata.name(opening, "")
        if unicodedata.category(opening) != "Ps" or unicodedata.bidirectional(opening) != "ON":
            continue
        closing = next(
            (
                unicodedata.lookup(other)
                for other in (name.replace("LEFT", "RIGHT"),)
                if other != name and _is_character(other)
            ),
            "",
        )
        if closing and unicodedata.category(closing) == "Pe":
            pairs += opening + closing
    return pairs


def _is_character(name: str) -> bool:
    try:
        unicodedata.lookup(name)
    except KeyError:
        return False
    return True


def _base36(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def module_text() -> str:
    """The whole file."""
    end = 0
    words = []
    for first, length, kind in runs():
        words.append(
            f"{_base36(first - end)} {_base36(length)} {_base36(CLASSES.index(kind))}".replace(
                " 1 ", "  "
            )
        )
        end = first + length
    return HEADER.format(
        version=unicodedata.unidata_version,
        classes=" ".join(CLASSES),
        runs=",".join(words),
        brackets="".join(f"\\u{ord(c):04x}" for c in brackets()),
    )


if __name__ == "__main__":
    OUTPUT.write_text(module_text(), encoding="utf-8")
