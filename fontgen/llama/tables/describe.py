"""The layout for others: a C header for the shaper, and ``wasm/llama/TABLES.md`` for people.

python -m fontgen.llama.tables.describe > wasm/llama/TABLES.md
"""

from __future__ import annotations

import struct
import sys

from fontgen.font.sealed import Field, c_struct, c_tag, struct_of, version_of
from fontgen.llama import limits, marks
from fontgen.llama.model import CharacterClass, PieceKind, PreTokenizer
from fontgen.llama.tables import layout, settings_table, weights
from fontgen.llama.tables.layout import (
    ALIGNMENT,
    MODEL_FIELDS,
    MODEL_TAG,
    SECTIONS,
    SETTINGS_FIELDS,
    SETTINGS_TAG,
)


def c_header() -> str:
    """``font_tables.h``: the headers' structs, what their values mean, and the marks and tags of `marks`."""
    constants: dict[str, object] = {
        "TABLE_ALIGNMENT": ALIGNMENT,
        "BLOCK_ROWS": layout.BLOCK_ROWS,
        "UNIT_BYTES": layout.UNIT_BYTES,
        "NO_TOKEN": f"{layout.NO_TOKEN:#x}u",
        "FLAG_TIED_EMBEDDINGS": layout.FLAG_TIED_EMBEDDINGS,
        "FLAG_DUMMY_PREFIX": layout.FLAG_DUMMY_PREFIX,
        "FLAG_REMOVE_EXTRA_WHITESPACES": layout.FLAG_REMOVE_EXTRA_WHITESPACES,
        "FLAG_NO_BOS": layout.FLAG_NO_BOS,
        "FLAG_IGNORE_MERGES": layout.FLAG_IGNORE_MERGES,
        "FLAG_PREFIX_UNLESS_SPACE": layout.FLAG_PREFIX_UNLESS_SPACE,
        "LARGEST_DIMENSION": f"{limits.LARGEST_DIMENSION}u",
        "LARGEST_CONTEXT": f"{limits.LARGEST_CONTEXT}u",
        "LARGEST_VOCABULARY": f"{limits.LARGEST_VOCABULARY}u",
        "LARGEST_N_LAYERS": f"{limits.LARGEST_N_LAYERS}u",
    }
    for prefix, kinds in (("PIECE", PieceKind), ("PRE", PreTokenizer), ("CLASS", CharacterClass)):
        constants |= {f"{prefix}_{kind.name}": kind.value for kind in kinds}
    constants["MOST_REJECTED"] = marks.MOST_REJECTED
    lines = [
        "/* Written by fontgen/llama/tables/describe.py at each build: change the layout there. */",
        "#ifndef FONT_TABLES_H",
        "#define FONT_TABLES_H",
        "#include <stdint.h>",
        "",
    ]
    lines += [f"#define {name} {value}" for name, value in constants.items()]
    lines += ["", "/* fontgen/llama/marks.py */"]
    for name in ("MORE", "ANOTHER", "BOUNDARY", "ELLIPSIS", "SHOWS_NOTHING"):
        lines.append(f"#define {name} {ord(getattr(marks, name)):#x}u")
    lines += [c_tag(tag, f"TAG_{option.upper()}") for tag, option in marks.TAGS.items()]
    for tag, fields, name in (
        (MODEL_TAG, MODEL_FIELDS, "model_header"),
        (SETTINGS_TAG, SETTINGS_FIELDS, "settings_header"),
    ):
        table = name.split("_")[0].upper()
        lines += ["", c_tag(tag, f"{table}_TAG"), f"#define {table}_VERSION {version_of(fields)}"]
        for version in range(1, version_of(fields)):
            size = struct_of(fields, version).size
            lines.append(
                f"#define {table}_HEADER_SIZE_{version} {size} /* in tables of version {version} */"
            )
        lines += c_struct(fields, name)
    return "\n".join(lines + ["#endif", ""])


def markdown() -> str:
    """The page for people."""
    _, tables, encoding, *_ = (layout.__doc__ or "").split("\n\n")
    lines = [
        "# The font's own tables",
        "",
        "Written by `python -m fontgen.llama.tables.describe`.",
        "",
        *[tables, "", encoding, ""],
        *[f"## `{MODEL_TAG}`: the model", "", *_field_rows(MODEL_FIELDS), ""],
        f"Then the sections, each at the next multiple of {ALIGNMENT} bytes:",
        "",
        *["| section | type | meaning |", "|---|---|---|"],
        *[f"| {section.name} | {section.written} | {section.meaning} |" for section in SECTIONS],
        "| matrices | see below | embedding; per layer wq wk wv wo w1 w2 w3; classifier unless tied |",
        "",
        *[weights.DESCRIPTION, ""],
        *[f"## `{SETTINGS_TAG}`: settings", "", *_field_rows(SETTINGS_FIELDS), ""],
        settings_table.DESCRIPTION,
    ]
    return "\n".join(lines) + "\n"


def _field_rows(fields: tuple[Field, ...]) -> list[str]:
    kinds = {"4s": "char[4]", "I": "uint32", "f": "float32"}
    rows = ["| offset | type | field | meaning |", "|---|---|---|---|"]
    offset = 0
    for field in fields:
        meaning = field.meaning + (f" (since version {field.since})" if field.since > 1 else "")
        rows.append(f"| {offset} | {kinds[field.code]} | {field.name} | {meaning} |")
        offset += struct.calcsize("<" + field.code)
    return rows


if __name__ == "__main__":
    sys.stdout.write(markdown())
