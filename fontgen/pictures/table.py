"""What a picture font's shaper is told: the font table ``Pict``, and the C headers that name table and shapes.

``Pict`` holds the words of ``[picture]`` that the shaper must know; a font without it shows what the program was
written with. See `fontgen.font.sealed` for the frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fontgen.errors import FontgenError
from fontgen.font.sealed import (
    PREAMBLE,
    Field,
    c_struct,
    c_tag,
    preamble_header,
    seal,
    struct_of,
    unseal,
)

PICTURE_TAG = "Pict"
LONGEST_TRIGGER = 32
BLANK, LETTERS, SHAPES = 0xF0000, 0xF0020, 0xF0100
"""Private characters: a blank cell, small letters (in the order of ASCII), shapes."""
MOST_SHAPES = 0x1000

_FIELDS = PREAMBLE + (Field("trigger_length", "I", "code points of the word before a picture"),)


def write_picture_table(trigger: str) -> bytes:
    """Bytes of the ``Pict`` table. The trigger is compared with what is typed in small letters."""
    body = trigger.lower().encode("utf-32-le")
    return seal(_FIELDS, PICTURE_TAG, {"trigger_length": len(trigger)}, body)


def read_picture_table(data: bytes) -> str:
    """The trigger in a ``Pict`` table; raises `FontgenError` when it is damaged."""
    values = unseal(_FIELDS, PICTURE_TAG, data)
    body = data[struct_of(_FIELDS).size :]
    if len(body) != 4 * values["trigger_length"]:
        raise FontgenError(f"table {PICTURE_TAG} does not hold the trigger that it speaks of")
    return body.decode("utf-32-le")


def headers(shapes: Sequence[str] = ()) -> dict[str, str]:
    """The C headers that the SDK and a picture program include and that are written from Python."""
    return {
        "table_preamble.h": preamble_header(),
        "picture_table.h": _table_header(),
        "shapes.h": _shapes_header(shapes),
    }


def _table_header() -> str:
    lines = [
        "/* Written by fontgen/pictures/table.py at each build: change the layout there. */",
        "#ifndef PICTURE_TABLE_H",
        "#define PICTURE_TABLE_H",
        "#include <stdint.h>",
        "",
        f"#define LONGEST_TRIGGER {LONGEST_TRIGGER}",
        "",
        "/* Private characters, for which `fontgen build` adds glyphs to the font. */",
        f"#define BLANK {BLANK:#x}u   /* nothing, one cell wide */",
        f"#define LETTERS {LETTERS:#x}u /* small letters: LETTERS + ASCII - 0x20 */",
        f"#define SHAPES {SHAPES:#x}u  /* what shapes.h names, in order */",
        "",
        c_tag(PICTURE_TAG, "PICTURE_TAG"),
        "/* The code points of the trigger follow, in small letters. */",
        *c_struct(_FIELDS, "picture_header"),
        "#endif",
        "",
    ]
    return "\n".join(lines)


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
