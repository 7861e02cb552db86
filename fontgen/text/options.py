"""What the caller of HarfBuzz asks for: features, axis values, direction, script and language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fontgen.errors import FontgenError

Features = dict[str, list[tuple[int, int, int]]]
"""By tag: start and end, as indices of code points, and value."""

_FEATURE = re.compile(
    r"""(?P<sign>[+-]?) \s* (?P<quote>['"]?)(?P<tag>[ -~]{4})(?P=quote) \s*
        (?: \[ \s* (?P<start>\d*) \s* (?P<colon>[:;]?) \s* (?P<end>\d*) \s* \] )? \s*
        (?: =? \s* (?P<value>\d+ | on | off) )?""",
    re.VERBOSE,
)
_VARIATION = re.compile(r"(?P<tag>[ -~]{4})\s*=\s*(?P<value>[+-]?\d+(?:\.\d*)?)")
_TO_THE_END = 0xFFFFFFFF


@dataclass(frozen=True)
class ShapeOptions:
    """What the caller of HarfBuzz asks for. None leaves HarfBuzz to guess, as applications do."""

    features: Features = field(default_factory=dict)
    direction: str | None = None
    script: str | None = None
    language: str | None = None
    shaper: str | None = None
    """``wasm``, ``ot``, or None: the font's own shaper if it has one."""
    part: tuple[int, int] | None = None
    """Shape only what stands from the first to before the second index, as programs do that wrap a
    paragraph into lines; clusters still count from the beginning of the text."""


def parse_features(text: str) -> Features:
    """Parse a list of OpenType features as HarfBuzz's tools write them.

    >>> parse_features("kern=0,-liga,ss01[2:5]")
    {'kern': [(0, 4294967295, 0)], 'liga': [(0, 4294967295, 0)], 'ss01': [(2, 5, 1)]}

    Raises:
        FontgenError: an entry is not a feature.
    """
    features: Features = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _FEATURE.fullmatch(entry)
        if re.search(r"=\s*\d*\.\d+$", entry):
            raise FontgenError(
                f"{entry!r}: a feature's value is a whole number; TEMP and TOPP count hundredths, "
                "so that 0.8 is 80"
            )
        if match is None or (match["sign"] and match["value"]):
            raise FontgenError(f"{entry!r} is not a feature, such as kern=0, -liga or ss01[2:5]")
        start = int(match["start"] or 0)
        if match["end"]:
            end = int(match["end"])
        else:
            end = start + 1 if match["start"] and not match["colon"] else _TO_THE_END
        named_values = {"on": 1, "off": 0, None: 0 if match["sign"] == "-" else 1}
        value = (
            named_values[match["value"]] if match["value"] in named_values else int(match["value"])
        )
        if max(start, end, value) > _TO_THE_END:
            raise FontgenError(f"{entry!r} holds a number beyond 32 bits")
        features.setdefault(match["tag"], []).append((start, end, value))
    return features


def parse_variations(text: str) -> dict[str, float]:
    """Parse axis values such as ``wght=700,wdth=87.5``; raises `FontgenError` for anything else."""
    variations = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _VARIATION.fullmatch(entry)
        if match is None:
            raise FontgenError(f"{entry!r} is not an axis value, such as wght=700")
        variations[match["tag"]] = float(match["value"])
    return variations
