"""The frame that fontgen's own font tables share: a magic, a version, a length and a checksum before everything else.

All are little-endian, as WebAssembly is and the rest of the font is not, since the shaper computes on the bytes where
they lie. A reader refuses what it does not know; the shaper then shapes plain text. The C side gets its structs from
here, written out at each build of a shaper.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from fontgen.errors import FontgenError

VERSION = 1
CHECKED_FROM = 16
"""The checksum covers the bytes from here on: all but magic, version, length and itself."""


@dataclass(frozen=True)
class Field:
    """One header field. ``code`` is its `struct` code: ``4s`` bytes, ``I`` uint32, ``f`` float32."""

    name: str
    code: str
    meaning: str


PREAMBLE = (
    Field("magic", "4s", "the table's tag, in ASCII"),
    Field("version", "I", f"{VERSION}; readers refuse any other"),
    Field("length", "I", "bytes of the whole table"),
    Field("checksum", "I", f"Adler-32 of the bytes from {CHECKED_FROM} to the end"),
)


def struct_of(fields: tuple[Field, ...]) -> struct.Struct:
    """The header as `struct` packs it: no padding."""
    return struct.Struct("<" + "".join(field.code for field in fields))


def seal(fields: tuple[Field, ...], tag: str, values: Mapping[str, object], body: bytes) -> bytes:
    """Header and body with length and checksum (Adler-32, RFC 1950) filled in."""
    layout = struct_of(fields)
    filled: dict[str, object] = {**values, "magic": tag.encode(), "version": VERSION, "checksum": 0}
    filled["length"] = layout.size + len(body)
    header = layout.pack(*(filled[field.name] for field in fields))
    table = bytearray(header + body)
    struct.pack_into("<I", table, 12, zlib.adler32(memoryview(table)[CHECKED_FROM:]))
    return bytes(table)


def unseal(fields: tuple[Field, ...], tag: str, data: bytes) -> dict:
    """Header values of a table.

    Raises:
        FontgenError: magic, version, length or checksum are not right.
    """
    layout = struct_of(fields)
    if len(data) < layout.size:
        raise FontgenError(f"table {tag} has {len(data)} bytes, fewer than its header")
    values = dict(zip((field.name for field in fields), layout.unpack_from(data), strict=True))
    if values["magic"] != tag.encode() or values["version"] != VERSION:
        raise FontgenError(f"table {tag} is not of version {VERSION}")
    if values["length"] != len(data):
        raise FontgenError(f"table {tag} has {len(data)} bytes, its header says {values['length']}")
    if values["checksum"] != zlib.adler32(memoryview(data)[CHECKED_FROM:]):
        raise FontgenError(f"table {tag} does not match its checksum")
    return values


_C_TYPES = {"4s": "uint8_t {}[4]", "I": "uint32_t {}", "f": "float {}"}


def c_struct(fields: tuple[Field, ...], name: str) -> list[str]:
    """Lines of C: a struct of these fields."""
    lines = [f"struct {name} {{"]
    for field in fields:
        declaration = _C_TYPES[field.code].format(field.name) + ";"
        lines.append(f"    {declaration:28}/* {field.meaning} */")
    size = struct_of(fields).size
    return [*lines, "};", f'_Static_assert(sizeof(struct {name}) == {size}, "no padding");']


def c_tag(tag: str, name: str) -> str:
    """A line of C: a table's tag as HarfBuzz counts it."""
    return f"#define {name} {int.from_bytes(tag.encode(), 'big'):#x}u /* '{tag}' */"


def preamble_header() -> str:
    """``table_preamble.h``, which the SDK includes."""
    lines = [
        "/* Written by fontgen/font/sealed.py at each build: change the layout there. */",
        "#ifndef TABLE_PREAMBLE_H",
        "#define TABLE_PREAMBLE_H",
        "#include <stdint.h>",
        "",
        f"#define TABLE_VERSION {VERSION}",
        f"#define TABLE_CHECKED_FROM {CHECKED_FROM}",
        "",
        *c_struct(PREAMBLE, "table_preamble"),
        "#endif",
        "",
    ]
    return "\n".join(lines)
