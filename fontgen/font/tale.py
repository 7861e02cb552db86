"""The table that says what an automaton in a font is: where it came from, and how large it is.

HarfBuzz and browsers know nothing of it and need nothing from it; it is for people and for
``fontgen``. JSON in UTF-8, an object of the fields of `Tale`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from fontgen.errors import FontgenError

TALE_TAG = "Tale"


@dataclass(frozen=True)
class Tale:
    """What is in the font.

    Attributes:
        content: SHA-256 of the content file that the stories came from, uncompressed.
        model: what that file says of the model that told them.
        first_glyph: the first glyph that the base font has not; ``space``: the one of the stories' spaces.
        lookups: GSUB's lookups before the base font's.
        sizes: what was counted when the font was made.
    """

    content: str
    model: dict[str, str]
    first_glyph: int
    space: int
    lookups: int
    sizes: dict[str, int] = field(default_factory=dict)


def write_tale(tale: Tale) -> bytes:
    """The table's bytes."""
    return json.dumps(asdict(tale), sort_keys=True, ensure_ascii=False).encode()


def read_tale(data: bytes) -> Tale:
    """The table of a font.

    Raises:
        FontgenError: it is damaged.
    """
    try:
        document = json.loads(data)
        tale = Tale(**document)
        numbers = (tale.first_glyph, tale.space, tale.lookups, *tale.sizes.values())
        if not all(type(number) is int for number in numbers) or type(tale.content) is not str:
            raise ValueError("a field is of another type")
        dict[str, str](tale.model)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FontgenError(f"table {TALE_TAG} is damaged: {error}") from None
    return tale
