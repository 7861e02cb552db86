"""What a picture font's shaper is told: the font table ``Pict``, and the C header that names the shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fontgen.errors import FontgenError
from fontgen.font.sealed import seal, struct_of, unseal
from fontgen.shapers.sdk import PICTURE_FIELDS, PICTURE_TAG

MOST_SHAPES = 0x1000


def write_picture_table(trigger: str) -> bytes:
    """Bytes of the ``Pict`` table. The trigger is compared with what is typed in small letters."""
    body = trigger.lower().encode("utf-32-le")
    return seal(PICTURE_FIELDS, PICTURE_TAG, {"trigger_length": len(trigger)}, body)


def read_picture_table(data: bytes) -> str:
    """The trigger in a ``Pict`` table; raises `FontgenError` when it is damaged."""
    values = unseal(PICTURE_FIELDS, PICTURE_TAG, data)
    body = data[struct_of(PICTURE_FIELDS).size :]
    if len(body) != 4 * values["trigger_length"]:
        raise FontgenError(f"table {PICTURE_TAG} does not hold the trigger that it speaks of")
    return body.decode("utf-32-le")


def headers(shapes: Sequence[str] = ()) -> dict[str, str]:
    """The C headers that a picture program includes and that are written from Python."""
    return {"shapes.h": _shapes_header(shapes)}


def _shapes_header(shapes: Sequence[str]) -> str:
    names = [f"SHAPE_{re.sub(r'[^A-Z0-9]', '_', name.upper())}" for name in shapes]
    body = [f"    {name}{' = SHAPES' if i == 0 else ''}," for i, name in enumerate(names)]
    lines = [
        "/* The font's shapes; written at each build from what draws them. */",
        "#ifndef SHAPES_H",
        "#define SHAPES_H",
        '#include "picture_table.h"',
        "",
        *(["enum shape {", *body, "};"] if names else []),
        "#endif",
        "",
    ]
    return "\n".join(lines)
