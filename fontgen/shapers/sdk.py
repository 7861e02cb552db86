"""The contract between the SDK in ``wasm/sdk/`` and Python: what both must know, and the C headers that say so.

``Pict`` holds the words of ``[picture]`` that the shaper must know; a font without it shows what the program was
written with. See `fontgen.font.sealed` for the frame.
"""

from __future__ import annotations

from fontgen.font.sealed import PREAMBLE, Field, c_struct, c_tag, preamble_header

PICTURE_TAG = "Pict"
PICTURE_FIELDS = PREAMBLE + (
    Field("trigger_length", "I", "code points of the word before a picture"),
)
LONGEST_TRIGGER = 32
BLANK, LETTERS, SHAPES = 0xF0000, 0xF0020, 0xF0100
"""Private characters: a blank cell, small letters (in the order of ASCII), shapes."""


def headers() -> dict[str, str]:
    """The C headers that the SDK includes and that are written from Python, by name."""
    return {"table_preamble.h": preamble_header(), "picture_table.h": _picture_table()}


def _picture_table() -> str:
    lines = [
        "/* Written by fontgen/shapers/sdk.py at each build: change the layout there. */",
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
        *c_struct(PICTURE_FIELDS, "picture_header"),
        "#endif",
        "",
    ]
    return "\n".join(lines)
